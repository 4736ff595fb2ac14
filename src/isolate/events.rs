//! Events between a plugin and its host: `plugin.listen`, `plugin.unlisten`, `plugin.emit`.

use std::collections::HashMap;

use super::Failure;
use super::exception;
use super::state::State;
use super::{realm, settle, value_out};
use crate::host::{ConsoleLevel, PluginEvent};
use crate::protocol::{PluginError, Value};

/// How many listeners a plugin may have, and how long a name may be: they are kept outside the
/// plugin's heap.
const MAX_LISTENERS: usize = 10_000;
const MAX_NAME: usize = 1024;

/// The plugin's listeners, by the name of the event.
#[derive(Default)]
pub(super) struct Listeners {
    by_name: HashMap<String, Vec<v8::Global<v8::Function>>>,
    count: usize,
}

/// Defines the three functions on the `plugin` object.
pub(super) fn define(
    scope: &v8::PinScope<'_, '_>,
    plugin: v8::Local<'_, v8::Object>,
) -> Result<(), Failure> {
    realm::define_function(scope, plugin, "listen", 2, listen)?;
    realm::define_function(scope, plugin, "unlisten", 2, unlisten)?;
    realm::define_function(scope, plugin, "emit", 1, emit)
}

/// The name that a function of ours was called with, or what is wrong is thrown.
fn name_of(
    scope: &v8::PinScope<'_, '_>,
    function: &str,
    name: v8::Local<'_, v8::Value>,
) -> Option<String> {
    match v8::Local::<v8::String>::try_from(name) {
        Ok(name) if name.length() <= MAX_NAME => Some(name.to_rust_string_lossy(scope)),
        Ok(_) => {
            let message = format!("{function}: the name has more than {MAX_NAME} characters");
            realm::throw_range_error(scope, &message);
            None
        }
        Err(_) => {
            realm::throw_type_error(scope, &format!("{function}: the name is not a string"));
            None
        }
    }
}

/// `plugin.listen(name, fn)`: a function that listens already is not added again.
fn listen(
    scope: &mut v8::PinScope<'_, '_>,
    arguments: v8::FunctionCallbackArguments<'_>,
    _: v8::ReturnValue<'_>,
) {
    let Some(name) = name_of(scope, "plugin.listen", arguments.get(0)) else { return };
    let Ok(function) = v8::Local::<v8::Function>::try_from(arguments.get(1)) else {
        return realm::throw_type_error(scope, "plugin.listen: the listener is not a function");
    };
    let state = State::of(scope);
    let mut listeners = state.listeners.borrow_mut();
    if listeners.count >= MAX_LISTENERS {
        drop(listeners);
        let message = format!("plugin.listen: more than {MAX_LISTENERS} listeners");
        return realm::throw_range_error(scope, &message);
    }
    let of_name = listeners.by_name.entry(name).or_default();
    if of_name.iter().all(|other| *other != function) {
        of_name.push(v8::Global::new(scope, function));
        listeners.count += 1;
    }
}

/// `plugin.unlisten(name, fn)`: whether it listened.
fn unlisten(
    scope: &mut v8::PinScope<'_, '_>,
    arguments: v8::FunctionCallbackArguments<'_>,
    mut answer: v8::ReturnValue<'_>,
) {
    let Some(name) = name_of(scope, "plugin.unlisten", arguments.get(0)) else { return };
    let state = State::of(scope);
    let mut listeners = state.listeners.borrow_mut();
    let Some(of_name) = listeners.by_name.get_mut(&name) else { return answer.set_bool(false) };
    let at = of_name.iter().position(|other| *other == arguments.get(1));
    if let Some(at) = at {
        of_name.remove(at);
        if of_name.is_empty() {
            listeners.by_name.remove(&name);
        }
        listeners.count -= 1;
    }
    answer.set_bool(at.is_some());
}

/// `plugin.emit(name, payload)`: whether there was room for it.
fn emit(
    scope: &mut v8::PinScope<'_, '_>,
    arguments: v8::FunctionCallbackArguments<'_>,
    mut answer: v8::ReturnValue<'_>,
) {
    let Some(name) = name_of(scope, "plugin.emit", arguments.get(0)) else { return };
    let state = State::of(scope);
    match value_out::to_json_counted(scope, arguments.get(1)) {
        // A call that is being stopped must not have effects on the host any more.
        _ if state.slot.stopped().is_some() => {}
        Ok((payload, bytes)) => answer.set_bool(state.tell(name, payload, bytes)),
        Err(failure) => realm::throw(scope, failure),
    }
}

impl State {
    fn tell(&self, name: String, payload: Value, bytes: u64) -> bool {
        let limits = &self.blueprint.limits;
        let bytes = bytes + name.len() as u64;
        let event = PluginEvent { name, payload };
        self.blueprint.outbox.push(event, bytes, limits.events, limits.result_size.as_u64())
    }
}

/// Calls the listeners of an event of the host's one after the other. One that throws does not
/// keep the others from being called: the first error is answered, all go to the console.
pub(super) fn dispatch<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    name: &str,
    payload: v8::Local<'s, v8::Value>,
) -> Result<usize, Failure> {
    let state = State::of(scope);
    let listeners = state.listeners.borrow().by_name.get(name).cloned().unwrap_or_default();
    let mut first = None;
    for listener in &listeners {
        v8::tc_scope!(let scope, scope);
        let listener = v8::Local::new(scope, listener);
        let receiver = v8::undefined(scope).into();
        if listener.call(scope, receiver, &[payload]).is_none() {
            let (false, Some(thrown)) = (scope.has_terminated(), scope.exception()) else {
                return Err(Failure::Thrown);
            };
            let message = scope.message();
            let error = exception::describe(scope, thrown, message)?;
            state.log(ConsoleLevel::Error, format!("Uncaught in a listener of {name:?}: {error}"));
            first.get_or_insert(error);
        }
    }
    let nothing = v8::undefined(scope).into();
    settle::settle(scope, &state, nothing)?;
    match first {
        Some(error) => Err(PluginError::from(error).into()),
        None => Ok(listeners.len()),
    }
}
