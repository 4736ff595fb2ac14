//! `State`: what the host's functions inside an isolate share with the isolate's owner.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use super::builder::Blueprint;
use crate::host::{ConsoleLevel, ConsoleMessage};
use crate::watchdog::Slot;

/// Lives in an isolate slot, out of the guest's reach: nothing that the host relies on is on
/// the global object.
pub(super) struct State {
    pub(super) blueprint: Arc<Blueprint>,
    pub(super) slot: Arc<Slot>,
    /// What the plugin registered with `plugin.on`.
    pub(super) hooks: RefCell<HashMap<String, v8::Global<v8::Function>>>,
    /// Rejected promises that nobody has handled yet.
    pub(super) unhandled: RefCell<Vec<(v8::Global<v8::Promise>, v8::Global<v8::Value>)>>,
    /// Console messages being written; a sink that calls back into its own plugin stops here.
    pub(super) writing: Cell<bool>,
}

impl State {
    pub(super) fn new(blueprint: Arc<Blueprint>, slot: Arc<Slot>) -> Rc<Self> {
        Rc::new(Self {
            blueprint,
            slot,
            hooks: RefCell::default(),
            unhandled: RefCell::default(),
            writing: Cell::new(false),
        })
    }

    /// The state of the isolate that `isolate` is.
    pub(super) fn of(isolate: &v8::Isolate) -> Rc<Self> {
        let state: Option<&Rc<Self>> = isolate.get_slot();
        Rc::clone(state.expect("every isolate is given its state before any code runs"))
    }

    /// Hands a console message to the host's sink, whatever the sink does.
    pub(super) fn write_console(&self, level: ConsoleLevel, text: String) {
        if self.writing.replace(true) {
            return;
        }
        let message = ConsoleMessage { plugin: self.blueprint.id.clone(), level, text };
        // Unwinding must not cross V8's frames, and a broken sink costs only its message.
        let sink = std::panic::AssertUnwindSafe(|| self.blueprint.console.write(&message));
        if std::panic::catch_unwind(sink).is_err() {
            tracing::error!(plugin = self.blueprint.id, "the console sink panicked");
        }
        self.writing.set(false);
    }
}
