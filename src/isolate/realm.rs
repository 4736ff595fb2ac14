//! The realm: the global object that a plugin gets, built by hand.
//!
//! What it has of the language is the affair of [`language`]; here the host's own objects are
//! defined. A capability that was not granted is absent.

use super::Failure;
use super::failure::OrThrown as _;
use super::state::State;
use super::{clock, console, hooks, host_calls, language, own_properties, random, timers, web};
use crate::policy::Capability;
use crate::protocol::PluginError;

/// The names on the global object that are the sandbox's own.
const OWN: &[&str] = &[
    "console",
    "plugin",
    "setTimeout",
    "setInterval",
    "clearTimeout",
    "clearInterval",
    "crypto",
    "performance",
];

/// Whether a host function cannot have this name.
pub(super) fn is_taken(name: &str) -> bool {
    language::is_name(name) || OWN.contains(&name) || web::is_name(name)
}

/// Defines on the global object of the present context what the plugin gets besides the language.
pub(super) fn build(scope: &mut v8::PinScope<'_, '_>) -> Result<(), Failure> {
    let state = State::of(scope);
    let capabilities = &state.capabilities.borrow().clone();
    let context = scope.get_current_context();
    context.set_allow_generation_from_strings(capabilities.has(Capability::CodeGeneration));
    let global = context.global(scope);
    console::define(scope, global)?;
    clock::define(scope, global)?;
    random::define(scope, global)?;
    hooks::define_plugin_object(scope, global, &state.blueprint.id)?;
    if capabilities.has(Capability::Timers) {
        timers::define(scope, global)?;
    }
    let offered = web::Offered {
        encoding: capabilities.has(Capability::Encoding),
        web: capabilities.has(Capability::Web),
        timers: capabilities.has(Capability::Timers),
        fetch: capabilities.network.is_some(),
    };
    web::define(scope, global, offered)?;
    if !capabilities.has(Capability::ResizableBuffers) {
        // Not before: cloning knows of them.
        remove_resizing(scope, global)?;
    }
    host_calls::define(scope, global)
}

/// Without these a buffer keeps the length that it was made with; the constructors are seen to
/// by the preludes.
const RESIZING: &[(&str, &[&str])] = &[
    ("ArrayBuffer", &["resize", "resizable", "maxByteLength"]),
    ("SharedArrayBuffer", &["grow", "growable", "maxByteLength"]),
    ("WebAssembly.Memory", &["toResizableBuffer"]),
];

fn remove_resizing(
    scope: &v8::PinScope<'_, '_>,
    global: v8::Local<'_, v8::Object>,
) -> Result<(), Failure> {
    for (path, names) in RESIZING {
        let Some(prototype) = existing(scope, global, &format!("{path}.prototype"))? else {
            continue;
        };
        for name in *names {
            let key = v8::String::new(scope, name).or_thrown()?;
            prototype.delete(scope, key.into()).or_thrown()?;
        }
    }
    Ok(())
}

/// The object at a path of names, if there is one.
fn existing<'s>(
    scope: &v8::PinScope<'s, '_>,
    global: v8::Local<'s, v8::Object>,
    path: &str,
) -> Result<Option<v8::Local<'s, v8::Object>>, Failure> {
    let mut object = global;
    for name in path.split('.') {
        let key = v8::String::new(scope, name).or_thrown()?;
        let value = object.get(scope, key.into()).or_thrown()?;
        let Ok(next) = v8::Local::<v8::Object>::try_from(value) else { return Ok(None) };
        object = next;
    }
    Ok(Some(object))
}

/// Removes a native function of ours at a path of names, if it is still there. Getters and proxies
/// of the plugin's may be in the way; they run like any code of its.
pub(super) fn remove_function(
    scope: &mut v8::PinScope<'_, '_>,
    global: v8::Local<'_, v8::Object>,
    path: &str,
) -> Result<(), Failure> {
    v8::scope!(let scope, scope);
    let global = v8::Local::new(scope, global);
    let (namespace, name) = match path.rsplit_once('.') {
        Some((namespace, name)) => (existing(scope, global, namespace)?, name),
        None => (Some(global), path),
    };
    let key = v8::String::new(scope, name).or_thrown()?;
    let Some(namespace) = namespace else { return Ok(()) };
    let value = own_properties::own_data(scope, namespace, key.into())?;
    let is_native = value
        .and_then(|value| v8::Local::<v8::Function>::try_from(value).ok())
        .is_some_and(|function| function.script_id() <= 0);
    if is_native {
        namespace.delete(scope, key.into()).or_thrown()?;
    }
    Ok(())
}

fn internal(message: String) -> Failure {
    PluginError::Internal(message).into()
}

/// Defines a property as the language defines its own: writable, configurable, not enumerable.
pub(super) fn define(
    scope: &v8::PinScope<'_, '_>,
    object: v8::Local<'_, v8::Object>,
    name: &str,
    value: v8::Local<'_, v8::Value>,
) -> Result<(), Failure> {
    let key = v8::String::new(scope, name).or_thrown()?;
    object
        .define_own_property(scope, key.into(), value, v8::PropertyAttribute::DONT_ENUM)
        .or_thrown()
        .map(drop)
}

/// The object at a path of names on the global object; made where there is none.
pub(super) fn namespace<'s>(
    scope: &v8::PinScope<'s, '_>,
    global: v8::Local<'s, v8::Object>,
    path: &str,
) -> Result<v8::Local<'s, v8::Object>, Failure> {
    path.split('.').try_fold(global, |object, name| {
        let key = v8::String::new(scope, name).or_thrown()?;
        if object.has_own_property(scope, key.into()).or_thrown()? {
            let value = object.get(scope, key.into()).or_thrown()?;
            return v8::Local::<v8::Object>::try_from(value)
                .map_err(|_| internal(format!("{name:?} is no namespace")));
        }
        let made = v8::Object::new(scope);
        define(scope, object, name, made.into())?;
        Ok(made)
    })
}

/// Defines a host function that is neither a constructor nor has a prototype.
pub(super) fn define_function(
    scope: &v8::PinScope<'_, '_>,
    object: v8::Local<'_, v8::Object>,
    name: &str,
    length: i32,
    callback: impl v8::MapFnTo<v8::FunctionCallback>,
) -> Result<(), Failure> {
    let nothing = v8::undefined(scope).into();
    define_function_with(scope, object, name, length, nothing, callback)
}

/// The same, for a callback that is given `data`.
pub(super) fn define_function_with<'s>(
    scope: &v8::PinScope<'s, '_>,
    object: v8::Local<'_, v8::Object>,
    name: &str,
    length: i32,
    data: v8::Local<'s, v8::Value>,
    callback: impl v8::MapFnTo<v8::FunctionCallback>,
) -> Result<(), Failure> {
    let function = v8::Function::builder(callback)
        .length(length)
        .data(data)
        .constructor_behavior(v8::ConstructorBehavior::Throw)
        .build(scope)
        .or_thrown()?;
    function.set_name(v8::String::new(scope, name).or_thrown()?);
    define(scope, object, name, function.into())
}

/// Makes a failure the pending exception, unless there is one.
pub(super) fn throw(scope: &v8::PinScope<'_, '_>, failure: Failure) {
    match failure {
        Failure::Thrown => {}
        Failure::Error(error @ PluginError::TooLarge { .. }) => {
            throw_range_error(scope, &error.to_string());
        }
        Failure::Error(error) => throw_type_error(scope, &error.to_string()),
    }
}

pub(super) fn throw_type_error(scope: &v8::PinScope<'_, '_>, message: &str) {
    if let Some(message) = v8::String::new(scope, message) {
        let error = v8::Exception::type_error(scope, message);
        scope.throw_exception(error);
    }
}

pub(super) fn throw_range_error(scope: &v8::PinScope<'_, '_>, message: &str) {
    if let Some(message) = v8::String::new(scope, message) {
        let error = v8::Exception::range_error(scope, message);
        scope.throw_exception(error);
    }
}
