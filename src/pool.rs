//! `WorkerPool`: workers that have started before anybody wants them.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::isolate::PluginBuilder;
use crate::protocol::PluginError;
use crate::worker::{PluginWorker, StartingWorker, WorkerState};

/// Workers of one plugin that have started before they are wanted, so that a first call waits for
/// no isolate and no start-up script. `Send + Sync`; any thread may use it at any time.
///
/// A worker that is [handed out](Self::get) is the caller's own. It is never taken back: what one
/// user of a plugin has left in its global scope would be there for the next. In its place
/// another one starts, on its own thread.
///
/// Those that start after a first call begin with what V8 has [compiled](crate::ProcessLimits::code_cache) of
/// the plugin's scripts before.
///
/// Workers that wait here are plugins like any other: their timers run, and their memory counts
/// as [admitted](crate::ProcessLimits::admitted_memory). Dropping the pool shuts them down.
///
/// ```
/// use plugin_sandbox::{PluginWorker, WorkerPool};
///
/// let builder = PluginWorker::builder("rules")
///     .script("main.js", "plugin.on('double', x => 2 * x)");
/// let pool = WorkerPool::new(builder).prewarm(2);
/// let worker = pool.get()?;
/// assert_eq!(worker.blocking_call_hook("double", 21.into())?, 42);
/// # Ok::<(), plugin_sandbox::PluginError>(())
/// ```
#[derive(Debug)]
pub struct WorkerPool {
    builder: PluginBuilder<PluginWorker>,
    spare: Mutex<Spare>,
}

#[derive(Debug, Default)]
struct Spare {
    /// How many there are to be.
    wanted: usize,
    /// The longest under way first.
    workers: VecDeque<StartingWorker>,
}

impl WorkerPool {
    /// A pool whose workers are built from `builder`. It holds none until it is told
    /// [how many](Self::prewarm).
    pub fn new(builder: PluginBuilder<PluginWorker>) -> Self {
        Self { builder, spare: Mutex::default() }
    }

    /// Keeps `count` workers ready, and begins to start what is missing, without waiting for it.
    /// What cannot be started, is, or fails, when a worker is wanted.
    #[must_use]
    pub fn prewarm(self, count: usize) -> Self {
        self.spare().wanted = count;
        self.refill();
        self
    }

    fn spare(&self) -> MutexGuard<'_, Spare> {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A worker of the caller's own, and starts another in its place. If none is ready, waits for
    /// the one that started first; if there is none at all, builds one.
    ///
    /// # Errors
    ///
    /// As [`PluginBuilder::build`]. One that could not start while it waited here is built once
    /// more, since what was in its way may be gone.
    pub fn get(&self) -> Result<PluginWorker, PluginError> {
        // Not until one is well: that may be never.
        let tries = self.spare().wanted;
        for _ in 0..tries {
            let next = self.spare().workers.pop_front();
            self.refill();
            match next.map(StartingWorker::wait) {
                // It was given up while it waited.
                Some(Ok(worker)) if worker.is_shut_down() => {}
                Some(Ok(worker)) => return Ok(worker),
                Some(Err(_)) | None => break,
            }
        }
        self.builder.clone().build()
    }

    /// How many workers are ready now.
    pub fn ready(&self) -> usize {
        let is_ready = |spare: &&StartingWorker| spare.worker().state() == WorkerState::Ready;
        self.spare().workers.iter().filter(is_ready).count()
    }

    /// Starts what is missing.
    fn refill(&self) {
        let mut spare = self.spare();
        while spare.workers.len() < spare.wanted {
            // If the system has no thread, whoever wants a worker is told.
            let Ok(worker) = self.builder.clone().start() else { return };
            spare.workers.push_back(worker);
        }
    }
}

impl Drop for WorkerPool {
    fn drop(&mut self) {
        // All at once; then each is waited for as it is dropped.
        for spare in &self.spare().workers {
            spare.worker().close();
        }
    }
}
