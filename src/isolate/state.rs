//! `State`: what the host's functions inside an isolate share with the isolate's owner.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use super::buffers::BufferQuota;
use super::builder::Blueprint;
use super::clock;
use super::console::ConsoleMeter;
use super::events::Listeners;
use super::host_calls::{Answers, HostCalls};
use super::modules::Modules;
use super::pristine::Pristine;
use super::random::RandomSource;
use super::startup::Fresh;
use super::timers::Timers;
use super::value_out::Tape;
use super::web::Web;
use super::world::bytes;
use crate::host::{Caller, ConsoleLevel, ConsoleMessage, HostFunction, Provider};
use crate::policy::PluginCapabilities;
use crate::protocol::PluginError;
use crate::watchdog::Slot;

/// Lives in an isolate slot, out of the guest's reach: nothing that the host relies on is on
/// the global object.
pub(super) struct State {
    pub(super) blueprint: Arc<Blueprint>,
    /// What is granted in this call.
    pub(super) capabilities: RefCell<Arc<PluginCapabilities>>,
    /// Who host functions are called by.
    pub(super) caller: Arc<Caller>,
    pub(super) buffers: Arc<BufferQuota>,
    /// Set when the context is made.
    pub(super) pristine: OnceCell<Pristine>,
    /// When this isolate was made.
    pub(super) start: clock::Start,
    pub(super) random: RefCell<RandomSource>,
    pub(super) slot: Arc<Slot>,
    /// What the plugin registered with `plugin.on`. A tree: few names are found sooner than they
    /// are hashed.
    pub(super) hooks: RefCell<BTreeMap<String, v8::Global<v8::Function>>>,
    /// What the plugin registered with `plugin.listen`.
    pub(super) listeners: RefCell<Listeners>,
    /// Rejected promises that nobody has handled yet.
    pub(super) unhandled: RefCell<Vec<(v8::Global<v8::Promise>, v8::Global<v8::Value>)>>,
    pub(super) modules: RefCell<Modules>,
    pub(super) fresh: RefCell<Fresh>,
    pub(super) timers: RefCell<Timers>,
    /// The blueprint's host functions, by the number that their JavaScript functions carry.
    pub(super) functions: Vec<(String, HostFunction, Provider)>,
    pub(super) host_calls: RefCell<HostCalls>,
    pub(super) answers: Arc<Answers>,
    pub(super) console: ConsoleMeter,
    pub(super) web: Web,
    pub(super) tape: Tape,
    /// Turns of the event loop.
    pub(super) turns: Cell<u32>,
}

impl State {
    pub(super) fn new(
        blueprint: &Arc<Blueprint>,
        capabilities: Arc<PluginCapabilities>,
        slot: &Arc<Slot>,
        answers: &Arc<Answers>,
    ) -> Rc<Self> {
        let functions = blueprint.host.iter();
        let caller = Caller {
            plugin: blueprint.id.clone(),
            state: blueprint.host.host_state().clone(),
            audit: Arc::clone(&blueprint.services.audit),
        };
        Rc::new(Self {
            start: clock::Start::now(),
            random: RefCell::new(RandomSource::new(capabilities.randomness)),
            timers: RefCell::new(Timers::new(capabilities.clock)),
            capabilities: RefCell::new(capabilities),
            caller: Arc::new(caller),
            buffers: BufferQuota::new(bytes(blueprint.limits.array_buffers)),
            pristine: OnceCell::new(),
            slot: Arc::clone(slot),
            hooks: RefCell::default(),
            listeners: RefCell::default(),
            unhandled: RefCell::default(),
            modules: RefCell::default(),
            fresh: RefCell::default(),
            functions: functions
                .map(|(name, body, origin)| (name.clone(), body.clone(), origin))
                .collect(),
            host_calls: RefCell::default(),
            answers: Arc::clone(answers),
            console: ConsoleMeter::default(),
            web: Web::default(),
            tape: Tape::default(),
            turns: Cell::new(0),
            blueprint: Arc::clone(blueprint),
        })
    }

    /// The state of the isolate that `isolate` is.
    pub(super) fn of(isolate: &v8::Isolate) -> Rc<Self> {
        let state: Option<&Rc<Self>> = isolate.get_slot();
        Rc::clone(state.expect("every isolate is given its state before any code runs"))
    }

    /// What was kept of the realm from before any code of the plugin's ran.
    pub(super) fn pristine(&self) -> Result<&Pristine, PluginError> {
        let no_realm = || PluginError::Internal("the realm is not complete".into());
        self.pristine.get().ok_or_else(no_realm)
    }

    /// Hands a console message to the host's sink, whatever the sink does.
    pub(super) fn write_console(&self, level: ConsoleLevel, text: String) {
        let message = ConsoleMessage { plugin: self.blueprint.id.clone(), level, text };
        // Unwinding must not cross V8's frames, and a broken sink costs only its message.
        let sink = std::panic::AssertUnwindSafe(|| self.blueprint.console.write(&message));
        if std::panic::catch_unwind(sink).is_err() {
            tracing::error!(plugin = self.blueprint.id, "the console sink panicked");
        }
    }
}
