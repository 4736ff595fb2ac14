//! The ways into a plugin on the caller's own thread: what is checked before, done inside the
//! guarded window, and made of what comes out.

use super::failure::Failure;
use super::state::State;
use super::value_in::Argument;
use super::{PluginIsolate, events, hooks, script, settle, value_out};
use crate::protocol::{PluginError, RawValue, Value, WorkerResponse};

impl PluginIsolate {
    /// Runs `code` as a classic script in the plugin's global scope and answers its completion
    /// value; a promise is awaited. Declarations last from call to call.
    ///
    /// # Errors
    ///
    /// As [`PluginWorker::execute`](crate::PluginWorker::execute), without those of a queue.
    pub fn execute(&mut self, code: &str) -> WorkerResponse {
        script::check_size(code, &self.blueprint.limits)?;
        let name = self.blueprint.script_name("main.js");
        self.guarded(|scope, state| {
            let value = script::run(scope, &name, code)?;
            let value = settle::settle(scope, state, value)?;
            value_out::to_json(scope, state, value)
        })
    }

    /// Runs `code` as a script of this name, for what it does: the completion value is dropped,
    /// so it may be one that JSON cannot carry.
    ///
    /// # Errors
    ///
    /// As [`execute`](Self::execute), without those of the result.
    pub fn run_script(&mut self, name: &str, code: &str) -> Result<(), PluginError> {
        self.recover()?;
        self.narrow_world()?;
        script::check_size(code, &self.blueprint.limits)?;
        let name = self.blueprint.script_name(name);
        self.enter(|scope, state| {
            let value = script::run(scope, &name, code)?;
            settle::settle(scope, state, value).map(drop)
        })
    }

    /// Calls the hook of this name with `argument` and answers what it returns; a promise is
    /// awaited.
    ///
    /// # Errors
    ///
    /// As [`PluginWorker::call_hook`](crate::PluginWorker::call_hook), without those of a queue.
    pub fn call_hook(&mut self, hook: &str, argument: Value) -> WorkerResponse {
        let argument = Argument::new(argument, &self.blueprint.limits)?;
        self.call_hook_with(hook, argument)
    }

    pub(crate) fn call_hook_with(&mut self, hook: &str, argument: Argument) -> WorkerResponse {
        self.call_and(hook, argument, value_out::to_json)
    }

    /// Calls the hook of this name with what `argument` says in JSON text, and answers what it
    /// returns as JSON text; a promise is awaited.
    ///
    /// No [`Value`] is built on either way.
    /// [`PluginWorker::call_hook_raw`](crate::PluginWorker::call_hook_raw) says what the texts may
    /// be.
    ///
    /// ```
    /// use plugin_sandbox::PluginIsolate;
    /// use serde_json::value::to_raw_value;
    ///
    /// #[derive(serde::Serialize, serde::Deserialize)]
    /// struct Note {
    ///     title: String,
    ///     words: usize,
    /// }
    ///
    /// let code = "plugin.on('count', note => ({ ...note, words: note.title.split(' ').length }))";
    /// let mut plugin = PluginIsolate::builder("words").script("main.js", code).build()?;
    /// let note = Note { title: "to be or not".into(), words: 0 };
    /// let answer = plugin.call_hook_raw("count", to_raw_value(&note)?)?;
    /// let note: Note = serde_json::from_str(answer.get())?;
    /// assert_eq!((note.title.as_str(), note.words), ("to be or not", 4));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`call_hook`](Self::call_hook). [`InvalidArgument`](PluginError::InvalidArgument) if
    /// there is a number in the argument that no double can hold.
    pub fn call_hook_raw(
        &mut self,
        hook: &str,
        argument: Box<RawValue>,
    ) -> Result<Box<RawValue>, PluginError> {
        let argument = Argument::raw(argument, &self.blueprint.limits)?;
        self.call_hook_raw_with(hook, argument)
    }

    pub(crate) fn call_hook_raw_with(
        &mut self,
        hook: &str,
        argument: Argument,
    ) -> Result<Box<RawValue>, PluginError> {
        self.call_and(hook, argument, value_out::to_text)
    }

    /// Calls the hook of this name with `bytes` as its one argument, a `Uint8Array`, and answers
    /// the bytes that it returns: a `Uint8Array`, a `DataView` or an `ArrayBuffer`; a promise of
    /// one is awaited.
    ///
    /// The argument is not copied if the vector has no spare capacity: the plugin gets its memory
    /// itself, as part of [`ResourceLimits::array_buffers`]. The result is copied once, as the
    /// plugin may keep what it has returned.
    ///
    /// ```
    /// use plugin_sandbox::PluginIsolate;
    ///
    /// let mut plugin = PluginIsolate::builder("invert")
    ///     .script("main.js", "plugin.on('invert', pixels => pixels.map(p => 255 - p))")
    ///     .build()?;
    /// assert_eq!(plugin.call_hook_bytes("invert", vec![0, 5, 255])?, [255, 250, 0]);
    /// # Ok::<(), plugin_sandbox::PluginError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`call_hook`](Self::call_hook). [`NotSerializable`](PluginError::NotSerializable)
    /// if the hook returns no bytes. [`TooLarge`](PluginError::TooLarge) if there are more than
    /// [`ResourceLimits::argument_size`] or what is left of `array_buffers` on the way in, or
    /// more than [`ResourceLimits::result_size`] on the way out.
    ///
    /// [`ResourceLimits::array_buffers`]: crate::ResourceLimits::array_buffers
    /// [`ResourceLimits::argument_size`]: crate::ResourceLimits::argument_size
    /// [`ResourceLimits::result_size`]: crate::ResourceLimits::result_size
    pub fn call_hook_bytes(&mut self, hook: &str, bytes: Vec<u8>) -> Result<Vec<u8>, PluginError> {
        let argument = Argument::bytes(bytes, &self.blueprint.limits)?;
        self.call_hook_bytes_with(hook, argument)
    }

    pub(crate) fn call_hook_bytes_with(
        &mut self,
        hook: &str,
        argument: Argument,
    ) -> Result<Vec<u8>, PluginError> {
        self.call_and(hook, argument, value_out::to_bytes)
    }

    /// Calls a hook, and answers what `convert` makes of its settled result.
    fn call_and<R>(
        &mut self,
        hook: &str,
        argument: Argument,
        convert: impl FnOnce(
            &mut v8::PinScope<'_, '_>,
            &State,
            v8::Local<'_, v8::Value>,
        ) -> Result<R, Failure>,
    ) -> Result<R, PluginError> {
        self.guarded(|scope, state| {
            let Some(function) = hooks::find(scope, state, hook)? else {
                return Err(PluginError::HookNotFound { hook: hook.to_owned() }.into());
            };
            let argument = argument.into_v8(scope, state)?;
            let receiver = v8::undefined(scope).into();
            let value = function.call(scope, receiver, &[argument]).ok_or(Failure::Thrown)?;
            let value = settle::settle(scope, state, value)?;
            convert(scope, state, value)
        })
    }

    /// Tells the plugin's listeners (`plugin.listen(name, fn)`) of an event. Answers how many
    /// there are.
    ///
    /// # Errors
    ///
    /// That of the first listener that failed, after all were called; otherwise as
    /// [`call_hook`](Self::call_hook).
    pub fn emit(&mut self, name: &str, payload: Value) -> Result<usize, PluginError> {
        let payload = Argument::new(payload, &self.blueprint.limits)?;
        self.emit_with(name, payload)
    }

    pub(crate) fn emit_with(
        &mut self,
        name: &str,
        payload: Argument,
    ) -> Result<usize, PluginError> {
        self.guarded(|scope, state| {
            let payload = payload.into_v8(scope, state)?;
            events::dispatch(scope, name, payload)
        })
    }

    /// Whether the plugin has a hook of this name.
    ///
    /// # Errors
    ///
    /// Only what keeps the plugin from running at all.
    pub fn has_hook(&mut self, hook: &str) -> Result<bool, PluginError> {
        self.guarded(|scope, state| Ok(hooks::find(scope, state, hook)?.is_some()))
    }

    /// The names of the plugin's hooks, in ascending order.
    ///
    /// # Errors
    ///
    /// Only what keeps the plugin from running at all.
    pub fn hooks(&mut self) -> Result<Vec<String>, PluginError> {
        self.guarded(|scope, _| hooks::list(scope)).map(|names| names.into_iter().collect())
    }
}
