//! The web's own APIs: text encodings, URLs, events, clones, which need nothing from outside; and
//! `fetch`, over the host's function of that name.
//!
//! The classes are JavaScript, in the files beside this one, over a few functions in Rust. When a
//! realm is made, the language's functions are captured as they are before the plugin's code. The
//! scripts are compiled when the plugin first touches a name, as most plugins touch few. Until
//! then a name is a lazy data property, which V8 replaces by its value when it is read. If that
//! ends in an exception, or the call is stopped, the property stays as it was, and the next call
//! tries again. No guest code may run meanwhile: V8 ends the process if it finds another property.
//!
//! | file | what it owns |
//! |---|---|
//! | `natives` | the table of functions that the scripts are given |
//! | `url`, `encoding`, `base64`, `clone` | these functions |
//! | `primordials` | what is captured at the start |
//! | `primordials.js` | the same as the scripts use it, and the rules for all of them |
//! | `webidl.js` | what the classes have in common |

mod base64;
mod clone;
mod encoding;
mod natives;
mod primordials;
mod url;

use std::cell::RefCell;

use super::Failure;
use super::failure::OrThrown as _;
use super::own_properties;
use super::own_script::OwnScript;
use super::realm::throw;
use super::state::State;

/// What of this a plugin gets.
#[derive(Debug, Clone, Copy)]
pub(super) struct Offered {
    /// `TextEncoder`, `TextDecoder`, `atob`, `btoa`.
    pub(super) encoding: bool,
    /// The rest.
    pub(super) web: bool,
    /// `AbortSignal.timeout`.
    pub(super) timers: bool,
    /// `fetch`, `Headers`, `Response`.
    pub(super) fetch: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Group {
    Encoding,
    Fetch,
    Web,
}

/// A name on the global object, and the script whose exports have it.
const GLOBALS: [(&str, &str, Group); 17] = [
    ("AbortController", "abort", Group::Web),
    ("AbortSignal", "abort", Group::Web),
    ("CustomEvent", "event", Group::Web),
    ("DOMException", "dom_exception", Group::Web),
    ("Event", "event", Group::Web),
    ("EventTarget", "event_target", Group::Web),
    ("Headers", "headers", Group::Fetch),
    ("Response", "fetch", Group::Fetch),
    ("TextDecoder", "text_decoder", Group::Encoding),
    ("TextEncoder", "text_encoder", Group::Encoding),
    ("URL", "url", Group::Web),
    ("URLSearchParams", "url_search_params", Group::Web),
    ("atob", "base64", Group::Encoding),
    ("btoa", "base64", Group::Encoding),
    ("fetch", "fetch", Group::Fetch),
    ("queueMicrotask", "queue_microtask", Group::Web),
    ("structuredClone", "structured_clone", Group::Web),
];

macro_rules! script {
    ($name:literal) => {
        OwnScript::new(concat!("web/", $name, ".js"), include_str!(concat!($name, ".js")))
    };
}

/// The scripts: each a function of the primordials, the natives and `load`, that answers its
/// exports.
static SCRIPTS: [(&str, OwnScript); 14] = [
    ("abort", script!("abort")),
    ("base64", script!("base64")),
    ("dom_exception", script!("dom_exception")),
    ("event", script!("event")),
    ("event_target", script!("event_target")),
    ("fetch", script!("fetch")),
    ("headers", script!("headers")),
    ("queue_microtask", script!("queue_microtask")),
    ("structured_clone", script!("structured_clone")),
    ("text_decoder", script!("text_decoder")),
    ("text_encoder", script!("text_encoder")),
    ("url", script!("url")),
    ("url_search_params", script!("url_search_params")),
    ("webidl", script!("webidl")),
];

/// A function of what was captured.
static PRIMORDIALS: OwnScript = script!("primordials");

/// What one realm has of this.
#[derive(Default)]
pub(super) struct Web {
    parts: RefCell<Parts>,
    decoders: RefCell<encoding::Decoders>,
    timers: std::cell::Cell<bool>,
}

#[derive(Default)]
struct Parts {
    captured: Option<v8::Global<v8::Array>>,
    primordials: Option<v8::Global<v8::Object>>,
    natives: Option<v8::Global<v8::Object>>,
    /// The exports of the scripts that have run.
    exports: [Option<v8::Global<v8::Object>>; SCRIPTS.len()],
}

/// Whether the global object may have this name from here.
pub(super) fn is_name(name: &str) -> bool {
    GLOBALS.iter().any(|(global, ..)| *global == name)
}

/// Defines what is offered. To be called after the hardening, and before any guest code.
pub(super) fn define(
    scope: &mut v8::PinScope<'_, '_>,
    global: v8::Local<'_, v8::Object>,
    offered: Offered,
) -> Result<(), Failure> {
    if !offered.encoding && !offered.web && !offered.fetch {
        return Ok(());
    }
    let captured = primordials::capture(scope, global)?;
    let state = State::of(scope);
    state.web.parts.borrow_mut().captured = Some(captured);
    state.web.timers.set(offered.timers);
    for (index, (name, _, group)) in GLOBALS.iter().enumerate() {
        let is_offered = match group {
            Group::Encoding => offered.encoding,
            Group::Fetch => offered.fetch,
            Group::Web => offered.web,
        };
        // `DOMException` is what `atob` throws.
        if is_offered || *name == "DOMException" {
            define_lazily(scope, global, name, index)?;
        }
    }
    Ok(())
}

/// Takes `fetch` away, unless the plugin has put something else in its place.
pub(super) fn withdraw_fetch(
    scope: &mut v8::PinScope<'_, '_>,
    global: v8::Local<'_, v8::Object>,
) -> Result<(), Failure> {
    v8::scope!(let scope, scope);
    let exports = exports_of(scope, "fetch")?;
    for (name, ..) in GLOBALS.iter().filter(|(.., group)| *group == Group::Fetch) {
        let key = v8::String::new(scope, name).or_thrown()?;
        let ours = exports.get(scope, key.into()).or_thrown()?;
        if own_properties::own_data(scope, global, key.into())?.is_some_and(|found| found == ours) {
            global.delete(scope, key.into()).or_thrown()?;
        }
    }
    Ok(())
}

fn define_lazily(
    scope: &v8::PinScope<'_, '_>,
    global: v8::Local<'_, v8::Object>,
    name: &str,
    index: usize,
) -> Result<(), Failure> {
    let key = v8::String::new(scope, name).or_thrown()?;
    let data = v8::Integer::new_from_unsigned(scope, index as u32);
    let defined = global.set_lazy_data_property_with_data(
        scope,
        key.into(),
        first_touch,
        data.into(),
        v8::PropertyAttribute::DONT_ENUM,
        v8::SideEffectType::HasSideEffect,
        v8::SideEffectType::HasSideEffect,
    );
    defined.or_thrown().map(drop)
}

/// The getter of a lazy property. V8 keeps what it answers, unless an exception is pending: so
/// one must be, wherever there is no answer.
fn first_touch(
    scope: &mut v8::PinScope<'_, '_>,
    _: v8::Local<'_, v8::Name>,
    arguments: v8::PropertyCallbackArguments<'_>,
    mut answer: v8::ReturnValue<'_, v8::Value>,
) {
    match touched(scope, arguments.data()) {
        Ok(value) => answer.set(value),
        Err(failure) => throw(scope, failure),
    }
}

fn touched<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    index: v8::Local<'_, v8::Value>,
) -> Result<v8::Local<'s, v8::Value>, Failure> {
    let index = index.uint32_value(scope).or_thrown()? as usize;
    let (name, script, _) = GLOBALS[index];
    let exports = exports_of(scope, script)?;
    let key = v8::String::new(scope, name).or_thrown()?;
    exports.get(scope, key.into()).or_thrown()
}

/// The exports of a script, which is run for that if it has not been.
fn exports_of<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    name: &str,
) -> Result<v8::Local<'s, v8::Object>, Failure> {
    let state = State::of(scope);
    let index = SCRIPTS.iter().position(|(script, _)| *script == name);
    let index = index.ok_or_else(|| internal("no such script"))?;
    if let Some(exports) = &state.web.parts.borrow().exports[index] {
        return Ok(v8::Local::new(scope, exports));
    }
    let primordials = primordials(scope, &state)?;
    let natives = natives(scope, &state)?;
    let load = natives::loader(scope)?;
    let arguments = [primordials.into(), natives.into(), load.into()];
    let exports = object(SCRIPTS[index].1.call(scope, &arguments)?)?;
    // Only now: a script that was stopped half-way runs anew.
    state.web.parts.borrow_mut().exports[index] = Some(v8::Global::new(scope, exports));
    Ok(exports)
}

fn natives<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    state: &State,
) -> Result<v8::Local<'s, v8::Object>, Failure> {
    if let Some(natives) = &state.web.parts.borrow().natives {
        return Ok(v8::Local::new(scope, natives));
    }
    let natives = natives::table(scope, state.web.timers.get())?;
    state.web.parts.borrow_mut().natives = Some(v8::Global::new(scope, natives));
    Ok(natives)
}

fn primordials<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    state: &State,
) -> Result<v8::Local<'s, v8::Object>, Failure> {
    if let Some(primordials) = &state.web.parts.borrow().primordials {
        return Ok(v8::Local::new(scope, primordials));
    }
    let captured = state.web.parts.borrow().captured.clone();
    let captured = captured.ok_or_else(|| internal("nothing was captured"))?;
    let captured = primordials::table(scope, &captured)?;
    let primordials = object(PRIMORDIALS.call(scope, &[captured.into()])?)?;
    state.web.parts.borrow_mut().primordials = Some(v8::Global::new(scope, primordials));
    Ok(primordials)
}

fn object<'s>(value: v8::Local<'s, v8::Value>) -> Result<v8::Local<'s, v8::Object>, Failure> {
    v8::Local::<v8::Object>::try_from(value).map_err(|_| internal("no object"))
}

fn internal(message: &str) -> Failure {
    crate::protocol::PluginError::Internal(format!("web APIs: {message}")).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_a_script() {
        for (name, script, _) in GLOBALS {
            assert!(SCRIPTS.iter().any(|(other, _)| *other == script), "{name}");
        }
    }
}
