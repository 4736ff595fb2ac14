//! QuickJS as a WebAssembly component under wasmtime: JSON text both ways, and an epoch that
//! a thread moves on for the deadline. `guest/make.sh` makes the component from the script.
//!
//! It is compiled once for a process, before anything is measured: compiled code is what an
//! embedder would keep.

use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use wasmtime::component::{Component, InstancePre, Linker, TypedFunc};
use wasmtime::{Config, Engine, Store};

use crate::measure::DEADLINE;
use crate::worker;

const COMPONENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/guest/plugin.wasm");

/// How exactly a deadline is kept.
const TICK: Duration = Duration::from_millis(1);

/// The deadline in ticks, and one, as the present one is not a whole one any more.
const TICKS: u64 = (DEADLINE.as_millis() / TICK.as_millis()) as u64 + 1;

/// What all instances share. It imports nothing, so that there is nothing to link.
static GUEST: OnceLock<InstancePre<()>> = OnceLock::new();

/// False where its tools were not to be had.
pub(crate) fn has_guest() -> bool {
    std::path::Path::new(COMPONENT).exists()
}

/// Compiles the component, and starts what moves the epoch on.
pub(crate) fn initialize() {
    let engine = Engine::new(Config::new().epoch_interruption(true)).expect("it starts");
    let component = Component::from_file(&engine, COMPONENT).expect("`guest/make.sh` made it");
    let guest = Linker::new(&engine).instantiate_pre(&component).expect("it imports nothing");
    GUEST.get_or_init(|| guest);
    thread::spawn(move || {
        let mut next = Instant::now();
        loop {
            next += TICK;
            thread::sleep(next.saturating_duration_since(Instant::now()));
            engine.increment_epoch();
        }
    });
}

pub(crate) struct Wasmtime {
    /// `None` after an endless loop: wasmtime enters no instance again that has trapped.
    instance: Option<Instance>,
}

struct Instance {
    store: Store<()>,
    call: TypedFunc<(&'static str, String), (String,)>,
}

impl Instance {
    fn new() -> Self {
        let guest = GUEST.get().expect("it is initialised");
        let mut store = Store::new(guest.engine(), ());
        store.set_epoch_deadline(TICKS);
        let instance = guest.instantiate(&mut store).expect("it starts");
        let call = instance.get_typed_func(&mut store, "call").expect("it is there");
        Self { store, call }
    }
}

impl worker::Engine for Wasmtime {
    fn start() -> Self {
        Self { instance: Some(Instance::new()) }
    }

    fn call(&mut self, hook: &'static str, argument: Value) -> Value {
        let Instance { store, call } = self.instance.get_or_insert_with(Instance::new);
        store.set_epoch_deadline(TICKS);
        // An error is the stop of an endless loop.
        let Ok((text,)) = call.call(store, (hook, argument.to_string())) else {
            self.instance = None;
            return Value::Null;
        };
        serde_json::from_str(&text).expect("it is JSON")
    }
}
