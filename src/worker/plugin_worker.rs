//! `PluginWorker`: the handle of a plugin on its own thread.

use std::sync::{Arc, mpsc};
use std::time::Duration;

use super::events::{WorkerEvents, WorkerState};
use super::shared::Shared;
use super::stats::WorkerStats;
use super::thread;
use crate::host::PluginEvents;
use crate::isolate::PluginBuilder;
use crate::policy::PluginCapabilities;
use crate::protocol::{PluginError, WorkerMessage};
use crate::watchdog::Cause;

/// A plugin in a V8 isolate of its own, on a thread of its own.
///
/// The handle is `Send + Sync` and needs no async runtime of a particular kind: calls return a
/// [`Call`](crate::Call), a future that any executor can poll, and each has a `blocking_` twin. Calls are run
/// one after the other in the order they were made; state in the plugin's global scope lasts
/// from call to call.
///
/// ```
/// use plugin_sandbox::{PluginCapabilities, PluginWorker};
///
/// # async fn example() -> Result<(), plugin_sandbox::PluginError> {
/// let worker = PluginWorker::new("greeter", PluginCapabilities::default());
/// let result = worker.execute("console.log('Hello from plugin!')").await?;
/// assert!(result.is_null());
/// worker.execute("plugin.on('onActivate', () => 'ready'); undefined").await?;
/// let result = worker.call_hook("onActivate", serde_json::Value::Null).await?;
/// assert_eq!(result, "ready");
/// worker.shutdown();
/// # Ok(())
/// # }
/// # tokio::runtime::Runtime::new().unwrap().block_on(example()).unwrap();
/// ```
///
/// Dropping the handle [shuts the worker down](Self::shutdown).
#[derive(Debug)]
pub struct PluginWorker {
    pub(super) shared: Arc<Shared>,
}

impl PluginBuilder<PluginWorker> {
    /// Starts the worker's thread, builds the isolate there, and waits until the start-up
    /// scripts have run.
    ///
    /// # Errors
    ///
    /// [`PluginError::InvalidLimit`] and [`PluginError::InvalidArgument`] before anything is
    /// started; [`PluginError::Internal`] if the operating system gives no thread; otherwise
    /// what the start-up script that failed answered.
    pub fn build(self) -> Result<PluginWorker, PluginError> {
        self.start()?.wait()
    }

    /// The same without waiting.
    pub(crate) fn start(self) -> Result<StartingWorker, PluginError> {
        let mut blueprint = self.blueprint;
        blueprint.prepare()?;
        let (started, answer) = mpsc::channel();
        let worker = PluginWorker { shared: Shared::new(Arc::new(blueprint), Some(started)) };
        thread::start(&worker.shared, Duration::ZERO).map_err(no_thread)?;
        Ok(StartingWorker { worker, answer })
    }
}

/// A worker whose start-up scripts may not have run yet.
#[derive(Debug)]
pub(crate) struct StartingWorker {
    worker: PluginWorker,
    answer: mpsc::Receiver<Result<(), PluginError>>,
}

impl StartingWorker {
    /// The worker once it has started, or why it could not.
    pub(crate) fn wait(self) -> Result<PluginWorker, PluginError> {
        self.answer.recv().unwrap_or(Err(PluginError::WorkerDisconnected))?;
        Ok(self.worker)
    }

    /// The worker, for what can be told before it has started.
    pub(crate) fn worker(&self) -> &PluginWorker {
        &self.worker
    }
}

fn no_thread(error: std::io::Error) -> PluginError {
    PluginError::Internal(format!("no thread for the plugin: {error}"))
}

impl PluginWorker {
    /// Starts a worker with default limits, without waiting for it. If it cannot start, every
    /// call answers [`PluginError::StartupFailed`].
    pub fn new(plugin_id: impl Into<String>, capabilities: PluginCapabilities) -> Self {
        let mut blueprint = Self::builder(plugin_id).capabilities(capabilities).blueprint;
        let valid = blueprint.prepare();
        let shared = Shared::new(Arc::new(blueprint), None);
        let started =
            valid.and_then(|()| thread::start(&shared, Duration::ZERO).map_err(no_thread));
        if let Err(cause) = started {
            shared.fail(PluginError::StartupFailed { cause: Box::new(cause) });
        }
        Self { shared }
    }

    /// What to build a worker from; `plugin_id` names its thread (`plugin:<id>`), its scripts
    /// and its console output.
    pub fn builder(plugin_id: impl Into<String>) -> PluginBuilder<Self> {
        PluginBuilder::new(plugin_id)
    }

    /// The plugin's id.
    pub fn id(&self) -> &str {
        &self.shared.blueprint.id
    }

    /// What the plugin tells with `plugin.emit(name, payload)`.
    pub fn plugin_events(&self) -> PluginEvents {
        PluginEvents::new(&self.shared.blueprint.outbox)
    }

    /// What the plugin is granted now.
    pub fn capabilities(&self) -> PluginCapabilities {
        PluginCapabilities::clone(&self.shared.blueprint.granted.now())
    }

    /// Grants the plugin less, from the next call on; a call that runs goes on with what it had.
    ///
    /// Host functions, and those of files, network, commands and storage, are taken off the
    /// global object, and refuse to be called where the plugin has kept them. A
    /// [`Capability`](crate::Capability) is part of the realm: if one is taken away, the plugin's
    /// isolate is built anew, and its start-up scripts run again.
    ///
    /// ```
    /// use plugin_sandbox::{Capability, PluginCapabilities, PluginWorker};
    ///
    /// let granted = PluginCapabilities::default().grant(Capability::Timers);
    /// let worker = PluginWorker::builder("patient").capabilities(granted).build()?;
    /// worker.narrow(worker.capabilities().revoke(Capability::Timers))?;
    /// assert_eq!(worker.blocking_execute("typeof setTimeout")?, "undefined");
    /// # Ok::<(), plugin_sandbox::PluginError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`PluginError::InvalidArgument`] if it is not less, or contradicts itself; nothing is
    /// changed.
    pub fn narrow(&self, less: PluginCapabilities) -> Result<(), PluginError> {
        self.shared.blueprint.granted.narrow(less)
    }

    /// Sends a message whose answer goes to a channel of the caller's.
    ///
    /// # Errors
    ///
    /// If it is not queued: [`TooLarge`](PluginError::TooLarge),
    /// [`Busy`](PluginError::Busy), [`WorkerDisconnected`](PluginError::WorkerDisconnected),
    /// [`StartupFailed`](PluginError::StartupFailed).
    pub fn send(&self, message: WorkerMessage) -> Result<(), PluginError> {
        self.shared.submit(message).map(drop)
    }

    /// Stops the call that runs now, if one does: it answers [`PluginError::Cancelled`]. The
    /// plugin lives on, and what waits in the queue runs next. To cancel one certain call, use
    /// [`Call::cancel`](crate::Call::cancel).
    pub fn cancel(&self) {
        self.shared.stop_running(Cause::Cancelled);
    }

    /// What the plugin has used so far. Never waits for the worker.
    pub fn stats(&self) -> WorkerStats {
        let shared = &self.shared;
        shared.counters.read(shared.mailbox.len(), shared.blueprint.outbox.dropped())
    }

    /// What the worker is doing. Never waits for it.
    pub fn state(&self) -> WorkerState {
        self.shared.state.get()
    }

    /// What happens to the worker from now on. A receiver that falls more than 256 events
    /// behind misses the oldest.
    pub fn subscribe(&self) -> WorkerEvents {
        self.shared.events.subscribe()
    }

    /// Whether the worker takes no more calls.
    pub fn is_shut_down(&self) -> bool {
        self.shared.mailbox.is_closed()
    }

    /// Ends the worker: the running call ends as it would have, what waits is answered with
    /// [`PluginError::WorkerDisconnected`], and the thread is joined. Does nothing the second
    /// time.
    ///
    /// Waits for the running call, which its wall time bounds; [`cancel`](Self::cancel) first
    /// for a quick end. Called on the worker's own thread (from a console sink), it does not
    /// wait.
    pub fn shutdown(&self) {
        self.shared.close();
        self.shared.join();
    }

    /// [`shutdown`](Self::shutdown) without waiting for the running call: that is stopped, and
    /// answers [`PluginError::ShutDown`].
    pub fn shutdown_now(&self) {
        self.shared.close();
        self.shared.stop_running(Cause::ShutDown);
        self.shared.join();
    }

    /// Begins the shutdown without waiting for it.
    pub(crate) fn close(&self) {
        self.shared.close();
    }
}

impl Drop for PluginWorker {
    fn drop(&mut self) {
        self.shutdown();
    }
}
