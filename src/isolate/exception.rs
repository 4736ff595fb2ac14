//! A thrown value as a `JsError`.
//!
//! `name`, `message` and `cause` may be getters, `toString` is whatever the guest wrote: all
//! of it is read inside the guarded window.

use super::builder::SCRIPT_SCHEME;
use super::failure::OrThrown as _;
use super::inspect::beginning;
use super::prelude::SANDBOX_SCHEME;
use super::state::State;
use super::{Failure, value_out};
use crate::protocol::{JsError, SourceLine, StackFrame};

/// How many frames an error carries.
pub(super) const MAX_FRAMES: usize = 32;

const MAX_CAUSES: usize = 8;

/// A longer message is cut: it travels with the error, unlike a result it has no limit of its
/// own.
const MAX_MESSAGE: usize = 16 << 10;

/// The same for a function's name, which the guest can set to anything.
const MAX_NAME: usize = 512;

type Scope<'s, 'i> = v8::PinScope<'s, 'i>;

/// Describes `thrown`; `message` is V8's, if it was caught by a `TryCatch`.
///
/// # Errors
///
/// Only if the call is being stopped.
pub(super) fn describe(
    scope: &mut Scope<'_, '_>,
    thrown: v8::Local<'_, v8::Value>,
    message: Option<v8::Local<'_, v8::Message>>,
) -> Result<JsError, Failure> {
    describe_at_depth(scope, thrown, message, 0)
}

fn describe_at_depth(
    scope: &mut Scope<'_, '_>,
    thrown: v8::Local<'_, v8::Value>,
    message: Option<v8::Local<'_, v8::Message>>,
    depth: usize,
) -> Result<JsError, Failure> {
    v8::tc_scope!(let scope, scope);
    let object = v8::Local::<v8::Object>::try_from(thrown).ok();
    let mut error = match object.filter(|object| object.is_native_error()) {
        Some(object) => {
            let name = member_text(scope, object, "name")?;
            let message = member_text(scope, object, "message")?;
            let mut error = JsError::new(name, message);
            if depth < MAX_CAUSES {
                error.cause = cause(scope, object, depth)?.map(Box::new);
            }
            error
        }
        None => {
            let mut error = JsError::new(JsError::NOT_AN_ERROR, text(scope, thrown)?);
            error.value = json(scope, thrown)?.map(Box::new);
            error
        }
    };
    let message = message.unwrap_or_else(|| v8::Exception::create_message(scope, thrown));
    error.frames = frames_of(scope, thrown);
    if error.frames.is_empty()
        && let Some(trace) = message.get_stack_trace(scope)
    {
        error.frames = frames(scope, trace);
    }
    error.source = source_line(scope, message).map(Box::new);
    if error.frames.is_empty()
        && let Some(source) = &error.source
    {
        let SourceLine { script, line, column, .. } = SourceLine::clone(source);
        error.frames.push(StackFrame { function: None, script, line, column });
    }
    Ok(error)
}

/// Where a guest's getter or `toString` throws itself, what it threw does not matter: the
/// error is told with that part missing. A stop does matter.
fn unless_stopped<T>(
    scope: &mut v8::PinnedRef<'_, v8::TryCatch<'_, '_, v8::HandleScope<'_>>>,
    value: Option<T>,
) -> Result<Option<T>, Failure> {
    if value.is_none() {
        if scope.has_terminated() || State::of(scope).slot.stopped().is_some() {
            return Err(Failure::Thrown);
        }
        scope.reset();
    }
    Ok(value)
}

fn member_text(
    scope: &mut Scope<'_, '_>,
    object: v8::Local<'_, v8::Object>,
    key: &str,
) -> Result<String, Failure> {
    v8::tc_scope!(let scope, scope);
    let key = v8::String::new(scope, key).or_thrown()?;
    let value = object.get(scope, key.into());
    match unless_stopped(scope, value)? {
        Some(value) => text(scope, value),
        None => Ok(String::new()),
    }
}

fn text(scope: &mut Scope<'_, '_>, value: v8::Local<'_, v8::Value>) -> Result<String, Failure> {
    v8::tc_scope!(let scope, scope);
    let string = if value.is_symbol() {
        // `String(symbol)`, which the abstract operation refuses.
        v8::Local::<v8::Symbol>::try_from(value)
            .ok()
            .and_then(|symbol| symbol.description(scope).to_string(scope))
    } else {
        value.to_string(scope)
    };
    let Some(string) = unless_stopped(scope, string)? else {
        return Ok("a value that cannot be shown".to_owned());
    };
    let text = beginning(scope, string, MAX_MESSAGE);
    Ok(if string.length() > MAX_MESSAGE { text + "…" } else { text })
}

/// The thrown value as JSON, if JSON can carry it.
fn json(
    scope: &mut Scope<'_, '_>,
    value: v8::Local<'_, v8::Value>,
) -> Result<Option<crate::protocol::Value>, Failure> {
    v8::tc_scope!(let scope, scope);
    let state = State::of(scope);
    let value = value_out::to_json(scope, &state, value).ok();
    unless_stopped(scope, value)
}

fn cause(
    scope: &mut Scope<'_, '_>,
    object: v8::Local<'_, v8::Object>,
    depth: usize,
) -> Result<Option<JsError>, Failure> {
    v8::tc_scope!(let scope, scope);
    let key = v8::String::new(scope, "cause").or_thrown()?;
    let value = match object.has_own_property(scope, key.into()) {
        Some(true) => object.get(scope, key.into()),
        _ => None,
    };
    match unless_stopped(scope, value)? {
        Some(cause) if !cause.is_undefined() => {
            describe_at_depth(scope, cause, None, depth + 1).map(Some)
        }
        _ => Ok(None),
    }
}

/// Where an error was made.
pub(super) fn frames_of(scope: &Scope<'_, '_>, error: v8::Local<'_, v8::Value>) -> Vec<StackFrame> {
    let trace = v8::Exception::get_stack_trace(scope, error);
    trace.map_or_else(Vec::new, |trace| frames(scope, trace))
}

fn frames(scope: &Scope<'_, '_>, trace: v8::Local<'_, v8::StackTrace>) -> Vec<StackFrame> {
    (0..trace.get_frame_count().min(MAX_FRAMES))
        .filter_map(|index| trace.get_frame(scope, index))
        .filter_map(|frame| {
            Some(StackFrame {
                function: frame
                    .get_function_name(scope)
                    .map(|name| beginning(scope, name, MAX_NAME))
                    .filter(|name| !name.is_empty()),
                script: plugin_script(&frame.get_script_name(scope)?.to_rust_string_lossy(scope))?,
                line: u32::try_from(frame.get_line_number()).ok()?,
                column: u32::try_from(frame.get_column()).ok()?,
            })
        })
        .collect()
}

/// What an error's `stack` is, as V8 itself would write it, without the sandbox's own frames.
///
/// V8 asks this instead of the plugin's `Error.prepareStackTrace`, which would be given objects
/// that lead to the functions and receivers on the stack.
pub(super) fn stack_text<'s>(
    scope: &mut Scope<'s, '_>,
    error: v8::Local<'s, v8::Value>,
    sites: v8::Local<'s, v8::Array>,
) -> v8::Local<'s, v8::Value> {
    let mut stack = headline(scope, error, MAX_MESSAGE);
    for index in 0..sites.length().min(MAX_FRAMES as u32) {
        // The text of a call site, which only V8 has touched so far.
        let site = sites.get_index(scope, index).and_then(|site| site.to_string(scope));
        let Some(site) = site.map(|site| beginning(scope, site, MAX_NAME)) else { continue };
        if !site.contains(SANDBOX_SCHEME) {
            stack.push_str("\n    at ");
            stack.push_str(&site);
        }
    }
    match v8::String::new(scope, &stack) {
        Some(stack) => stack.into(),
        None => v8::undefined(scope).into(),
    }
}

/// Name and message of an error, as V8 would write them, without calling anything of it.
pub(super) fn headline(
    scope: &Scope<'_, '_>,
    error: v8::Local<'_, v8::Value>,
    most: usize,
) -> String {
    if let Ok(object) = v8::Local::<v8::Object>::try_from(error)
        && let Some(key) = headline_key(scope)
        && let Some(headline) = object.get_private(scope, key)
        && let Ok(headline) = v8::Local::<v8::String>::try_from(headline)
    {
        return beginning(scope, headline, most);
    }
    let message = v8::Exception::create_message(scope, error).get(scope);
    let message = beginning(scope, message, most);
    message.strip_prefix("Uncaught ").unwrap_or(&message).to_owned()
}

/// `headline(error, text)`, for our own classes of errors: V8 does not call the getters that have
/// their name and message.
pub(super) fn set_headline(
    scope: &mut Scope<'_, '_>,
    arguments: v8::FunctionCallbackArguments<'_>,
    _: v8::ReturnValue<'_>,
) {
    if let Ok(object) = v8::Local::<v8::Object>::try_from(arguments.get(0))
        && let Some(key) = headline_key(scope)
    {
        object.set_private(scope, key, arguments.get(1));
    }
}

/// A symbol that no guest can come by.
fn headline_key<'s>(scope: &Scope<'s, '_>) -> Option<v8::Local<'s, v8::Private>> {
    let name = v8::String::new(scope, "plugin-sandbox headline")?;
    Some(v8::Private::for_api(scope, Some(name)))
}

/// Frames of the sandbox's own code are nobody's business.
fn plugin_script(name: &str) -> Option<String> {
    name.starts_with(SCRIPT_SCHEME).then(|| name.to_owned())
}

fn source_line(scope: &Scope<'_, '_>, message: v8::Local<'_, v8::Message>) -> Option<SourceLine> {
    let text = message.get_source_line(scope)?;
    let script = message.get_script_resource_name(scope)?;
    let script = v8::Local::<v8::String>::try_from(script).ok()?.to_rust_string_lossy(scope);
    let script = plugin_script(&script)?;
    let line = u32::try_from(message.get_line_number(scope)?).ok()?;
    let (start, end) = (message.get_start_column(), message.get_end_column());
    // A bundle is one line: only the part around the place is copied.
    let before = SourceLine::MAX_CHARS / 2;
    let from = if text.length() > SourceLine::MAX_CHARS { start.saturating_sub(before) } else { 0 };
    let mut units = vec![0; text.length().saturating_sub(from).min(SourceLine::MAX_CHARS)];
    text.write_v2(scope, u32::try_from(from).ok()?, &mut units, v8::WriteFlags::empty());
    let column = u32::try_from(start - from + 1).ok()?;
    let end_column = u32::try_from(end.saturating_sub(from).min(units.len()) + 1).ok()?;
    Some(SourceLine {
        script,
        line,
        column,
        end_column: end_column.max(column + 1),
        text: String::from_utf16_lossy(&units),
    })
}
