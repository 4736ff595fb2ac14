//! Hooks: what a plugin registers with `plugin.on`, and how a hook is found by name.

use std::collections::BTreeSet;

use super::Failure;
use super::events;
use super::failure::OrThrown as _;
use super::prelude::SANDBOX_SCHEME;
use super::state::State;
use super::{language, own_properties, realm, web};

/// How many hooks a plugin may register, and how long a name may be: they are kept outside the
/// plugin's heap.
const MAX_HOOKS: usize = 10_000;
const MAX_NAME: usize = 1024;

/// Defines the `plugin` object: `plugin.id`, `plugin.on(name, fn)` and `plugin.off(name)`.
pub(super) fn define_plugin_object(
    scope: &v8::PinScope<'_, '_>,
    global: v8::Local<'_, v8::Object>,
    id: &str,
) -> Result<(), Failure> {
    let plugin = v8::Object::new(scope);
    let id = v8::String::new(scope, id).or_thrown()?;
    realm::define(scope, plugin, "id", id.into())?;
    realm::define_function(scope, plugin, "on", 2, on)?;
    realm::define_function(scope, plugin, "off", 1, off)?;
    events::define(scope, plugin)?;
    realm::define(scope, global, "plugin", plugin.into())
}

/// `plugin.on(name, fn)`: a later registration of a name replaces the earlier one.
fn on(
    scope: &mut v8::PinScope<'_, '_>,
    arguments: v8::FunctionCallbackArguments<'_>,
    _: v8::ReturnValue<'_>,
) {
    let name = v8::Local::<v8::String>::try_from(arguments.get(0));
    let function = v8::Local::<v8::Function>::try_from(arguments.get(1));
    match (name, function) {
        (Ok(name), Ok(_)) if name.length() > MAX_NAME => {
            let message = format!("plugin.on: the name has more than {MAX_NAME} characters");
            realm::throw_range_error(scope, &message);
        }
        (Ok(name), Ok(function)) => {
            let name = name.to_rust_string_lossy(scope);
            let function = v8::Global::new(scope, function);
            let state = State::of(scope);
            let mut hooks = state.hooks.borrow_mut();
            if hooks.len() < MAX_HOOKS || hooks.contains_key(&name) {
                hooks.insert(name, function);
            } else {
                drop(hooks);
                let message = format!("plugin.on: more than {MAX_HOOKS} hooks");
                realm::throw_range_error(scope, &message);
            }
        }
        (Err(_), _) => realm::throw_type_error(scope, "plugin.on: the hook's name is not a string"),
        (_, Err(_)) => realm::throw_type_error(scope, "plugin.on: the hook is not a function"),
    }
}

/// `plugin.off(name)`: whether there was such a registration.
fn off(
    scope: &mut v8::PinScope<'_, '_>,
    arguments: v8::FunctionCallbackArguments<'_>,
    mut answer: v8::ReturnValue<'_>,
) {
    let Ok(name) = v8::Local::<v8::String>::try_from(arguments.get(0)) else {
        return realm::throw_type_error(scope, "plugin.off: the hook's name is not a string");
    };
    let name = name.to_rust_string_lossy(scope);
    answer.set_bool(State::of(scope).hooks.borrow_mut().remove(&name).is_some());
}

/// The hook of this name: what the plugin registered, else an own function of the global object
/// that the plugin put there.
pub(super) fn find<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    state: &State,
    name: &str,
) -> Result<Option<v8::Local<'s, v8::Function>>, Failure> {
    if let Some(registered) = state.hooks.borrow().get(name) {
        return Ok(Some(v8::Local::new(scope, registered)));
    }
    let key = v8::String::new(scope, name).or_thrown()?;
    global_function(scope, key, name)
}

/// The names of all hooks.
pub(super) fn list(scope: &mut v8::PinScope<'_, '_>) -> Result<BTreeSet<String>, Failure> {
    let mut names: BTreeSet<_> = State::of(scope).hooks.borrow().keys().cloned().collect();
    let global = scope.get_current_context().global(scope);
    let keys =
        global.get_own_property_names(scope, own_properties::own_string_keys()).or_thrown()?;
    for index in 0..keys.length() {
        let key = keys.get_index(scope, index).or_thrown()?;
        if let Ok(key) = v8::Local::<v8::String>::try_from(key) {
            let name = key.to_rust_string_lossy(scope);
            if global_function(scope, key, &name)?.is_some() {
                names.insert(name);
            }
        }
    }
    Ok(names)
}

/// An own data property of the global object that holds a function; a getter is not called.
fn global_function<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    key: v8::Local<'_, v8::String>,
    name: &str,
) -> Result<Option<v8::Local<'s, v8::Function>>, Failure> {
    let global = scope.get_current_context().global(scope);
    let Some(value) = own_properties::own_data(scope, global, key.into())? else { return Ok(None) };
    let Ok(function) = v8::Local::<v8::Function>::try_from(value) else { return Ok(None) };
    // `parseInt` is a function of the global object too, and nobody's hook. A function of the
    // plugin's own by the same name has a script that it comes from.
    let is_builtin = (language::is_name(name) || web::is_name(name))
        && (function.script_id() <= 0 || is_of_the_sandbox(scope, function));
    Ok((!is_builtin).then_some(function))
}

/// Whether a function is one of our own scripts': a guarded builtin, or one of the web's.
fn is_of_the_sandbox(scope: &v8::PinScope<'_, '_>, function: v8::Local<'_, v8::Function>) -> bool {
    let name = function.get_script_origin(scope).resource_name();
    name.is_some_and(|name| name.to_rust_string_lossy(scope).starts_with(SANDBOX_SCHEME))
}
