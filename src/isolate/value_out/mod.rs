//! JavaScript values as JSON, a tree or text: the table in the crate's documentation, row by row.
//!
//! What JSON cannot carry is an error that names its place. Getters, `toJSON` and the traps of
//! proxies are called: they are the plugin's answer, and run inside the guarded window like the
//! rest of it.
//!
//! | file | what it owns |
//! |---|---|
//! | `walk` | the walk through a value, over V8's API: every kind of value, and the places |
//! | `contents` | what is in an array, an object, a `Map`: the walk's next steps |
//! | `tape` | the same walk in JavaScript, for plain results of a plugin that gives many |
//! | `kind` | the kinds of objects, one list for both |
//! | `sink` | what is made of the pieces that both read: trees |
//! | `text` | and JSON text |

mod contents;
mod kind;
mod sink;
mod tape;
mod text;
mod walk;

pub(super) use tape::Tape;

use super::Failure;
use super::refusal::Refusal;
use super::state::State;
use crate::host::Data;
use crate::protocol::{PluginError, RawValue, Value};
use sink::{Sink, Trees};
use tape::OnTape;
use text::Text;
use walk::Walk;

type Scope<'s, 'i> = v8::PinScope<'s, 'i>;

/// The JSON value of a call's result.
pub(super) fn to_json(
    scope: &mut Scope<'_, '_>,
    state: &State,
    value: v8::Local<'_, v8::Value>,
) -> Result<Value, Failure> {
    read::<Trees<Value>>(scope, state, value).map(|(json, _)| json)
}

/// The same as the text of that value, which is not built for it.
pub(super) fn to_text(
    scope: &mut Scope<'_, '_>,
    state: &State,
    value: v8::Local<'_, v8::Value>,
) -> Result<Box<RawValue>, Failure> {
    let ((), text) = read::<Text>(scope, state, value)?;
    if let Some(text) = text.finish() {
        return Ok(text);
    }
    let json = to_json(scope, state, value)?;
    let text = serde_json::value::to_raw_value(&json);
    Ok(text.map_err(|error| PluginError::Internal(error.to_string()))?)
}

/// What a sink makes of a call's result, and the sink.
fn read<S: OnTape>(
    scope: &mut Scope<'_, '_>,
    state: &State,
    value: v8::Local<'_, v8::Value>,
) -> Result<(S::Value, S), Failure> {
    if value.is_object()
        && state.tape.is_worth_it()
        && let Some(whole) = tape::read(scope, state, value)?
    {
        return Ok(whole);
    }
    let (value, sink, size) = walked(scope, state, value)?;
    state.tape.count(size);
    Ok((value, sink))
}

/// The JSON value of `value`, and its bytes as `result_size` counts them.
pub(super) fn to_json_counted(
    scope: &mut Scope<'_, '_>,
    value: v8::Local<'_, v8::Value>,
) -> Result<(Value, u64), Failure> {
    let state = State::of(scope);
    walked::<Trees<Value>>(scope, &state, value).map(|(json, _, size)| (json, size))
}

fn walked<S: Sink>(
    scope: &mut Scope<'_, '_>,
    state: &State,
    value: v8::Local<'_, v8::Value>,
) -> Result<(S::Value, S, u64), Failure> {
    let mut walk = Walk::<S>::new(state)?;
    let value =
        walk.value(scope, value, None).map_err(|refusal| refusal.into_failure(&state.slot))?;
    let size = state.blueprint.limits.result_size.as_u64() - walk.left();
    Ok((value, walk.sink, size))
}

/// The bytes of `value`, which must be some.
pub(super) fn to_bytes(
    scope: &mut Scope<'_, '_>,
    state: &State,
    value: v8::Local<'_, v8::Value>,
) -> Result<Vec<u8>, Failure> {
    let has_bytes = value.is_uint8_array() || value.is_data_view() || value.is_array_buffer();
    let refused = || Refusal::unfit("not a Uint8Array, DataView or ArrayBuffer");
    let bytes = v8::Local::<v8::Object>::try_from(value).ok().filter(|_| has_bytes);
    let bytes = bytes.ok_or_else(refused).and_then(|object| {
        match Walk::<Trees<Data>>::new(state)?.bytes(scope, object, None)? {
            Data::Bytes(bytes) => Ok(bytes),
            _ => Err(refused()),
        }
    });
    bytes.map_err(|refusal| refusal.into_failure(&state.slot))
}

/// `values` as trees, under one limit for them together.
pub(super) fn all<'v>(
    scope: &mut Scope<'_, '_>,
    values: impl Iterator<Item = v8::Local<'v, v8::Value>>,
) -> Result<Vec<Data>, Failure> {
    let state = State::of(scope);
    let mut walk = Walk::<Trees<Data>>::new(&state)?;
    let mut tree = |value| walk.value(scope, value, None);
    values.map(|value| tree(value).map_err(|refusal| refusal.into_failure(&state.slot))).collect()
}
