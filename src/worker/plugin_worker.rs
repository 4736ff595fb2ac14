//! `PluginWorker`: the handle of a plugin on its own thread.

use std::sync::{Arc, mpsc};
use std::time::Duration;

use tokio::sync::oneshot;

use super::batch_call::BatchCall;
use super::call::Call;
use super::events::{WorkerEvents, WorkerState};
use super::shared::Shared;
use super::stats::WorkerStats;
use super::thread;
use crate::host::PluginEvents;
use crate::isolate::PluginBuilder;
use crate::policy::PluginCapabilities;
use crate::protocol::{PluginError, RawValue, Value, WorkerMessage, WorkerResponse};
use crate::watchdog::Cause;

/// A plugin in a V8 isolate of its own, on a thread of its own.
///
/// The handle is `Send + Sync` and needs no async runtime of a particular kind: calls return a
/// [`Call`], a future that any executor can poll, and each has a `blocking_` twin. Calls are run
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
    shared: Arc<Shared>,
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

    /// Runs `code` as a classic script in the plugin's global scope and answers its completion
    /// value as JSON; a promise is awaited. Declarations last from call to call.
    ///
    /// What each JavaScript value becomes is in the [crate's documentation](crate#values).
    ///
    /// # Errors
    ///
    /// [`JavaScript`](PluginError::JavaScript) if it does not parse, throws, or its promise is
    /// rejected; [`NotSerializable`](PluginError::NotSerializable) and
    /// [`TooLarge`](PluginError::TooLarge) of its value (the script has run then; see
    /// [`run_script`](Self::run_script)); the limits' errors:
    /// [`Timeout`](PluginError::Timeout),
    /// [`MemoryLimitExceeded`](PluginError::MemoryLimitExceeded),
    /// [`Busy`](PluginError::Busy), [`QueuedTooLong`](PluginError::QueuedTooLong);
    /// [`Cancelled`](PluginError::Cancelled),
    /// [`WorkerDisconnected`](PluginError::WorkerDisconnected),
    /// [`StartupFailed`](PluginError::StartupFailed).
    pub fn execute(&self, code: impl Into<String>) -> Call {
        self.call(|response_tx| WorkerMessage::Execute { code: code.into(), response_tx })
    }

    /// Calls the hook of this name with `args` as its one argument and answers what it returns,
    /// as JSON; a promise is awaited.
    ///
    /// A hook is what the plugin registered with `plugin.on(name, fn)`, else a function of that
    /// name that the plugin put on its global object (`function name() {}` at the top level of
    /// a script). Any name will do: it is a key, never source text.
    ///
    /// # Errors
    ///
    /// [`HookNotFound`](PluginError::HookNotFound), and those of [`execute`](Self::execute).
    pub fn call_hook(&self, hook: impl Into<String>, args: Value) -> Call {
        self.call(|response_tx| WorkerMessage::CallHook { hook: hook.into(), args, response_tx })
    }

    /// Calls the hook of this name with what `argument` says in JSON text, and answers what it
    /// returns as JSON text; a promise is awaited. Otherwise a call like any other.
    ///
    /// No [`Value`] is built on either way, so this is for a host that has JSON already, or types of
    /// its own. Both texts mean what they mean to [`call_hook`](Self::call_hook), which answers what
    /// the text of this parses to, with the members in the same order. That of the argument
    ///
    /// - counts as it is for [`ResourceLimits::argument_size`], white space too;
    /// - may have a name twice in an object: the last counts, as for JSON's other readers;
    /// - may have escaped lone surrogates in strings, which the plugin gets;
    /// - may not have numbers that no double can hold, such as `1e999`.
    ///
    /// That of the answer counts for [`ResourceLimits::result_size`] as a [`Value`] does. In it an
    /// escape such as `\u0001` is longer than what it stands for, so it may be up to six times as
    /// long. serde_json reads 127 levels; [`ResourceLimits::result_depth`] may allow more.
    ///
    /// ```
    /// use plugin_sandbox::PluginWorker;
    /// use serde_json::value::to_raw_value;
    ///
    /// #[derive(serde::Serialize, serde::Deserialize)]
    /// struct Note {
    ///     title: String,
    ///     words: usize,
    /// }
    ///
    /// let code = "plugin.on('count', note => ({ ...note, words: note.title.split(' ').length }))";
    /// let worker = PluginWorker::builder("words").script("main.js", code).build()?;
    /// let note = Note { title: "to be or not".into(), words: 0 };
    /// let answer = worker.call_hook_raw("count", to_raw_value(&note)?).wait()?;
    /// let note: Note = serde_json::from_str(answer.get())?;
    /// assert_eq!((note.title.as_str(), note.words), ("to be or not", 4));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`call_hook`](Self::call_hook). [`InvalidArgument`](PluginError::InvalidArgument) if
    /// there is such a number in the argument.
    ///
    /// [`ResourceLimits::argument_size`]: crate::ResourceLimits::argument_size
    /// [`ResourceLimits::result_size`]: crate::ResourceLimits::result_size
    /// [`ResourceLimits::result_depth`]: crate::ResourceLimits::result_depth
    pub fn call_hook_raw(
        &self,
        hook: impl Into<String>,
        argument: Box<RawValue>,
    ) -> Call<Box<RawValue>> {
        let (hook, args) = (hook.into(), argument);
        self.call(|response_tx| WorkerMessage::CallHookRaw { hook, args, response_tx })
    }

    /// Calls the hook of this name with `bytes` as its one argument, a `Uint8Array`, and answers
    /// the bytes that it returns: a `Uint8Array`, a `DataView` or an `ArrayBuffer`; a promise of
    /// one is awaited. Otherwise a call like any other.
    ///
    /// The argument is not copied if the vector has no spare capacity: the plugin gets its memory
    /// itself, as part of [`ResourceLimits::array_buffers`]. The result is copied once, as the
    /// plugin may keep what it has returned.
    ///
    /// ```
    /// use plugin_sandbox::PluginWorker;
    ///
    /// let worker = PluginWorker::builder("invert")
    ///     .script("main.js", "plugin.on('invert', pixels => pixels.map(p => 255 - p))")
    ///     .build()?;
    /// assert_eq!(worker.call_hook_bytes("invert", vec![0, 5, 255]).wait()?, [255, 250, 0]);
    /// # Ok::<(), plugin_sandbox::PluginError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`call_hook`](Self::call_hook). [`NotSerializable`](PluginError::NotSerializable)
    /// if the hook returns no bytes. [`TooLarge`](PluginError::TooLarge) at once if there are more
    /// than [`ResourceLimits::argument_size`], when it is called if there are more than what is
    /// left of `array_buffers`, and if it answers more than [`ResourceLimits::result_size`].
    ///
    /// [`ResourceLimits::array_buffers`]: crate::ResourceLimits::array_buffers
    /// [`ResourceLimits::argument_size`]: crate::ResourceLimits::argument_size
    /// [`ResourceLimits::result_size`]: crate::ResourceLimits::result_size
    pub fn call_hook_bytes(&self, hook: impl Into<String>, bytes: Vec<u8>) -> Call<Vec<u8>> {
        let hook = hook.into();
        self.call(|response_tx| WorkerMessage::CallHookBytes { hook, bytes, response_tx })
    }

    /// Calls the hook once for each of `args`, in their order. The worker is woken once and
    /// answers once, which with short calls saves most of what they cost.
    ///
    /// Otherwise it is as if the calls were made one by one. Each is a guarded call with limits
    /// of its own; a call that fails, or costs the plugin its isolate, takes none of the others
    /// along; timers have their turn in between; and each has a place in the queue, waits there,
    /// and counts for [`calls_per_second`](crate::ResourceLimits::calls_per_second). Only on the
    /// way in they are one: they are queued together, or all answer why not.
    ///
    /// ```
    /// use plugin_sandbox::PluginWorker;
    ///
    /// let worker = PluginWorker::builder("squares")
    ///     .script("main.js", "plugin.on('square', x => { if (x < 0) throw x; return x * x })")
    ///     .build()?;
    /// let answers = worker.blocking_call_hook_batch("square", vec![2.into(), (-1).into(), 3.into()]);
    /// assert_eq!(answers[0], Ok(4.into()));
    /// assert!(answers[1].is_err());
    /// assert_eq!(answers[2], Ok(9.into()));
    /// # Ok::<(), plugin_sandbox::PluginError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// In each answer, those of [`call_hook`](Self::call_hook). In all of them:
    /// [`TooLarge`](PluginError::TooLarge) if any argument is, or if there are more than
    /// [`queue_length`](crate::ResourceLimits::queue_length) or a second's calls;
    /// [`Busy`](PluginError::Busy) and [`RateLimited`](PluginError::RateLimited) if there are
    /// more than there is room for just now.
    pub fn call_hook_batch(&self, hook: impl Into<String>, args: Vec<Value>) -> BatchCall {
        let (hook, len) = (hook.into(), args.len());
        let (response_tx, answer) = oneshot::channel();
        let message = WorkerMessage::CallHookBatch { hook, args, response_tx };
        BatchCall::new(len, &self.shared, self.shared.submit(message), answer)
    }

    /// Runs `code` as a script named `plugin:/<id>/<name>`, for what it does: its completion
    /// value is dropped, so it may be one that JSON cannot carry; a promise is awaited. Answers
    /// null.
    ///
    /// # Errors
    ///
    /// Those of [`execute`](Self::execute), without those of the value.
    pub fn run_script(&self, name: impl Into<String>, code: impl Into<String>) -> Call {
        self.call(|response_tx| WorkerMessage::RunScript {
            name: name.into(),
            code: code.into(),
            response_tx,
        })
    }

    /// Whether the plugin has a hook of this name.
    ///
    /// # Errors
    ///
    /// Those of a queue and of a worker that is gone.
    pub async fn has_hook(&self, hook: impl Into<String>) -> Result<bool, PluginError> {
        let hook = hook.into();
        let call = self.call(|response_tx| WorkerMessage::HasHook { hook, response_tx });
        Ok(call.await? == Value::Bool(true))
    }

    /// The names of the plugin's hooks, in ascending order.
    ///
    /// # Errors
    ///
    /// Those of a queue and of a worker that is gone.
    pub async fn hooks(&self) -> Result<Vec<String>, PluginError> {
        let names = self.call(|response_tx| WorkerMessage::ListHooks { response_tx }).await?;
        serde_json::from_value(names).map_err(|error| PluginError::Internal(error.to_string()))
    }

    /// [`execute`](Self::execute), waiting on this thread.
    ///
    /// # Errors
    ///
    /// Those of [`execute`](Self::execute).
    pub fn blocking_execute(&self, code: impl Into<String>) -> WorkerResponse {
        self.execute(code).wait()
    }

    /// [`call_hook`](Self::call_hook), waiting on this thread.
    ///
    /// # Errors
    ///
    /// Those of [`call_hook`](Self::call_hook).
    pub fn blocking_call_hook(&self, hook: impl Into<String>, args: Value) -> WorkerResponse {
        self.call_hook(hook, args).wait()
    }

    /// [`call_hook_raw`](Self::call_hook_raw), waiting on this thread.
    ///
    /// # Errors
    ///
    /// Those of [`call_hook_raw`](Self::call_hook_raw).
    pub fn blocking_call_hook_raw(
        &self,
        hook: impl Into<String>,
        argument: Box<RawValue>,
    ) -> Result<Box<RawValue>, PluginError> {
        self.call_hook_raw(hook, argument).wait()
    }

    /// [`call_hook_bytes`](Self::call_hook_bytes), waiting on this thread.
    ///
    /// # Errors
    ///
    /// Those of [`call_hook_bytes`](Self::call_hook_bytes).
    pub fn blocking_call_hook_bytes(
        &self,
        hook: impl Into<String>,
        bytes: Vec<u8>,
    ) -> Result<Vec<u8>, PluginError> {
        self.call_hook_bytes(hook, bytes).wait()
    }

    /// [`call_hook_batch`](Self::call_hook_batch), waiting on this thread.
    pub fn blocking_call_hook_batch(
        &self,
        hook: impl Into<String>,
        args: Vec<Value>,
    ) -> Vec<WorkerResponse> {
        self.call_hook_batch(hook, args).wait()
    }

    /// [`run_script`](Self::run_script), waiting on this thread.
    ///
    /// # Errors
    ///
    /// Those of [`run_script`](Self::run_script).
    pub fn blocking_run_script(
        &self,
        name: impl Into<String>,
        code: impl Into<String>,
    ) -> WorkerResponse {
        self.run_script(name, code).wait()
    }

    /// [`has_hook`](Self::has_hook), waiting on this thread.
    ///
    /// # Errors
    ///
    /// Those of [`has_hook`](Self::has_hook).
    pub fn blocking_has_hook(&self, hook: impl Into<String>) -> Result<bool, PluginError> {
        pollster::block_on(self.has_hook(hook))
    }

    /// [`hooks`](Self::hooks), waiting on this thread.
    ///
    /// # Errors
    ///
    /// Those of [`hooks`](Self::hooks).
    pub fn blocking_hooks(&self) -> Result<Vec<String>, PluginError> {
        pollster::block_on(self.hooks())
    }

    /// Tells the plugin's listeners (`plugin.listen(name, fn)`) of an event, in the order of
    /// calls and events, without waiting. A listener that throws, or is stopped, is told of in
    /// [`WorkerEvent::Failed`](crate::WorkerEvent::Failed) and on the console; the others are
    /// called all the same.
    ///
    /// ```
    /// use plugin_sandbox::PluginWorker;
    ///
    /// let worker = PluginWorker::builder("log")
    ///     .script("main.js", "const seen = []; plugin.listen('saved', file => seen.push(file))")
    ///     .build()?;
    /// worker.emit("saved", "a.md".into())?;
    /// assert_eq!(worker.blocking_execute("seen")?, serde_json::json!(["a.md"]));
    /// # Ok::<(), plugin_sandbox::PluginError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If it is not queued, those of [`send`](Self::send).
    pub fn emit(&self, name: impl Into<String>, payload: Value) -> Result<(), PluginError> {
        self.send(WorkerMessage::Event { name: name.into(), payload })
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
    /// [`Call::cancel`].
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

    fn call<T>(
        &self,
        message: impl FnOnce(oneshot::Sender<Result<T, PluginError>>) -> WorkerMessage,
    ) -> Call<T> {
        let (response_tx, answer) = oneshot::channel();
        Call::new(&self.shared, self.shared.submit(message(response_tx)), answer)
    }
}

impl Drop for PluginWorker {
    fn drop(&mut self) {
        self.shutdown();
    }
}
