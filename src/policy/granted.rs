//! `Granted`: what a plugin is granted now, which its host may make less while it runs.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::PluginCapabilities;
use crate::protocol::PluginError;

/// What a plugin is granted now. Shared between its handle and its isolate.
#[derive(Debug, Default)]
pub(crate) struct Granted {
    now: Mutex<Arc<PluginCapabilities>>,
    /// How often it was made less: tells cheaply whether there is anything new.
    narrowed: AtomicU64,
}

impl Granted {
    pub(crate) fn new(capabilities: PluginCapabilities) -> Self {
        Self { now: Mutex::new(Arc::new(capabilities)), narrowed: AtomicU64::new(0) }
    }

    fn lock(&self) -> MutexGuard<'_, Arc<PluginCapabilities>> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn now(&self) -> Arc<PluginCapabilities> {
        Arc::clone(&self.lock())
    }

    pub(crate) fn times_narrowed(&self) -> u64 {
        self.narrowed.load(Ordering::Acquire)
    }

    /// Makes it `less`.
    pub(crate) fn narrow(&self, less: PluginCapabilities) -> Result<(), PluginError> {
        less.validate()?;
        let mut now = self.lock();
        if !less.is_within(&now) {
            return Err(PluginError::InvalidArgument(
                "a plugin that runs can be granted less, not more or other; build it anew".into(),
            ));
        }
        *now = Arc::new(less);
        self.narrowed.fetch_add(1, Ordering::Release);
        Ok(())
    }
}
