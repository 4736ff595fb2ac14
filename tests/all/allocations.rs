//! What a call allocates on the ordinary path, counted by an allocator of this binary's own.
//!
//! V8's memory is not in it: V8 does not allocate by Rust's allocator.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering};

use plugin_sandbox::{PluginIsolate, PluginWorker, ResourceLimits, Value, Wake};
use serde_json::json;

use crate::support::{alone, patient_limits};

/// The system's allocator, which counts.
struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

static ALLOCATED: AtomicU64 = AtomicU64::new(0);

// SAFETY: hands everything on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATED.fetch_add(1, Ordering::Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATED.fetch_add(1, Ordering::Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.realloc(memory, layout, size) }
    }
}

const SCRIPT: &str = "
    plugin.on('add', x => x + 1);
    plugin.on('not', x => !x);
    plugin.on('nothing', () => {});
    plugin.on('greet', name => `hello, ${name}`);
    plugin.on('echo', x => x);";

fn isolate() -> PluginIsolate {
    let builder = PluginIsolate::builder("allocations").limits(patient_limits());
    builder.script("m.js", SCRIPT).build().unwrap()
}

/// How often each call is made: an allocation that comes now and then is none of the call's.
const CALLS: u64 = 1000;

/// How many allocations a call makes. No other thread of the process does anything meanwhile.
fn allocations_of_a_call(mut call: impl FnMut()) -> u64 {
    for _ in 0..CALLS {
        call();
    }
    let before = ALLOCATED.load(Ordering::Relaxed);
    for _ in 0..CALLS {
        call();
    }
    (ALLOCATED.load(Ordering::Relaxed) - before) / CALLS
}

#[test]
fn a_call_with_a_scalar_allocates_nothing() {
    alone("allocations::a_call_with_a_scalar_allocates_nothing", || {
        let mut plugin = isolate();
        let mut count = |hook, argument: Value| {
            allocations_of_a_call(|| drop(plugin.call_hook(hook, argument.clone()).unwrap()))
        };
        assert_eq!(count("add", json!(1)), 0);
        assert_eq!(count("not", json!(true)), 0);
        assert_eq!(count("nothing", json!(null)), 0);
    });
}

#[test]
fn a_call_with_a_string_allocates_the_answer_alone() {
    alone("allocations::a_call_with_a_string_allocates_the_answer_alone", || {
        let mut plugin = isolate();
        let count = allocations_of_a_call(|| {
            // The argument is one, the answer the other.
            assert_eq!(plugin.call_hook("greet", "world".into()).unwrap(), "hello, world");
        });
        assert_eq!(count, 2);
    });
}

#[test]
fn a_call_with_an_object_allocates_the_text_and_the_answer() {
    alone("allocations::a_call_with_an_object_allocates_the_text_and_the_answer", || {
        let mut plugin = isolate();
        let object = json!({ "id": 1, "open": true });
        let clone = allocations_of_a_call(|| drop(object.clone()));
        let count = allocations_of_a_call(|| {
            drop(plugin.call_hook("echo", object.clone()).unwrap());
        });
        // The argument and the answer are as many as a clone; then the argument's text.
        assert!(count <= 2 * clone + 1, "{count}, of which a clone is {clone}");
    });
}

#[test]
fn a_workers_call_allocates_its_message_and_where_the_answer_goes() {
    alone("allocations::a_workers_call_allocates_its_message_and_where_the_answer_goes", || {
        let mut limits: ResourceLimits = patient_limits();
        limits.wake = Wake::Park;
        let builder = PluginWorker::builder("worker").limits(limits);
        let worker = builder.script("m.js", SCRIPT).build().unwrap();
        let count = allocations_of_a_call(|| {
            assert_eq!(worker.blocking_call_hook("add", json!(1)).unwrap(), 2);
        });
        // The hook's name and the channel of the answer.
        assert!(count <= 2, "{count}");
    });
}
