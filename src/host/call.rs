//! `HostCall`: what a host function knows of the call that it serves.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::audit::{AuditSink, Audited};
use crate::policy::PluginCapabilities;

/// Values of the host's, one a type.
#[derive(Clone, Default)]
pub(crate) struct HostState(HashMap<TypeId, Arc<dyn Any + Send + Sync>>);

impl HostState {
    pub(super) fn insert<T: Any + Send + Sync>(&mut self, value: T) {
        self.0.insert(TypeId::of::<T>(), Arc::new(value));
    }

    fn get<T: Any>(&self) -> Option<&T> {
        self.0.get(&TypeId::of::<T>()).and_then(|value| value.downcast_ref())
    }
}

/// What all host calls of one plugin have in common.
pub(crate) struct Caller {
    pub(crate) plugin: String,
    pub(crate) state: HostState,
    pub(crate) audit: Arc<dyn AuditSink>,
}

/// What is kept until the plugin has an asynchronous call's answer.
pub(crate) type Kept = Arc<OnceLock<Box<dyn Any + Send + Sync>>>;

/// What a host function knows of the call that it serves.
#[derive(Clone)]
pub struct HostCall {
    caller: Arc<Caller>,
    capabilities: Arc<PluginCapabilities>,
    time_left: Duration,
    kept: Kept,
}

impl fmt::Debug for HostCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostCall")
            .field("plugin", &self.caller.plugin)
            .field("time_left", &self.time_left)
            .finish_non_exhaustive()
    }
}

impl HostCall {
    pub(crate) fn new(
        caller: &Arc<Caller>,
        capabilities: &Arc<PluginCapabilities>,
        time_left: Duration,
    ) -> Self {
        let (caller, capabilities) = (Arc::clone(caller), Arc::clone(capabilities));
        Self { caller, capabilities, time_left, kept: Kept::default() }
    }

    /// The id of the plugin that calls.
    pub fn plugin_id(&self) -> &str {
        &self.caller.plugin
    }

    /// What the plugin is granted, at the time of the call.
    pub fn capabilities(&self) -> &PluginCapabilities {
        &self.capabilities
    }

    /// The wall time that the plugin's call had left when it called.
    pub fn time_left(&self) -> Duration {
        self.time_left
    }

    /// The value of this type that was kept with
    /// [`HostFunctions::state`](crate::HostFunctions::state).
    ///
    /// ```
    /// use std::sync::atomic::{AtomicU32, Ordering};
    /// use plugin_sandbox::{HostCall, HostError, HostFunctions, PluginCapabilities, PluginWorker};
    ///
    /// #[derive(Default)]
    /// struct Saved(AtomicU32);
    ///
    /// let host = HostFunctions::new().state(Saved::default()).function(
    ///     "document.save",
    ///     |call: &HostCall, ()| {
    ///         let saved = call.state::<Saved>().ok_or(HostError::new("no document"))?;
    ///         Ok(saved.0.fetch_add(1, Ordering::Relaxed) + 1)
    ///     },
    /// );
    /// let worker = PluginWorker::builder("saver")
    ///     .host_functions(host)
    ///     .capabilities(PluginCapabilities::default().host("document.*")?)
    ///     .build()?;
    /// assert_eq!(worker.blocking_execute("document.save(); document.save()")?, 2);
    /// # Ok::<(), plugin_sandbox::PluginError>(())
    /// ```
    pub fn state<T: Any>(&self) -> Option<&T> {
        self.caller.state.get()
    }

    /// Keeps a share of something scarce until the plugin has the answer, or cannot have it any
    /// more. The first is kept.
    pub(super) fn keep_until_answered(&self, share: impl Any + Send + Sync) {
        let _ = self.kept.set(Box::new(share));
    }

    pub(crate) fn kept(&self) -> Kept {
        Arc::clone(&self.kept)
    }

    /// Begins to keep account of what a built-in capability does.
    pub(super) fn audited(&self, operation: &'static str, target: &str) -> Audited {
        Audited::begin(&self.caller.audit, &self.caller.plugin, operation, target)
    }
}
