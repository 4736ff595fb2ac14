//! The ways into a plugin, each a message to its thread; and each waiting, for a thread that may.

use tokio::sync::oneshot;

use super::PluginWorker;
use super::batch_call::BatchCall;
use super::call::Call;
use crate::protocol::{PluginError, RawValue, Value, WorkerMessage, WorkerResponse};

impl PluginWorker {
    fn call<T>(
        &self,
        message: impl FnOnce(oneshot::Sender<Result<T, PluginError>>) -> WorkerMessage,
    ) -> Call<T> {
        let (response_tx, answer) = oneshot::channel();
        Call::new(&self.shared, self.shared.submit(message(response_tx)), answer)
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
}
