//! JavaScript values as JSON: the table in the crate's documentation, row by row.
//!
//! What JSON cannot carry is an error that names its place. Getters, `toJSON` and the traps of
//! proxies are called: they are the plugin's answer, and run inside the guarded window like the
//! rest of it.
//!
//! | file | what it owns |
//! |---|---|
//! | `walk` | the walk through a value, over V8's API: every kind of value, and the places |
//! | `kind` | the kinds of objects, one list for both |
//! | `tape` | the same walk in JavaScript, for plain results of a plugin that gives many |

mod kind;
mod tape;
mod walk;

pub(super) use tape::Tape;

use super::Failure;
use super::refusal::Refusal;
use super::state::State;
use super::tree::Tree;
use crate::host::Data;
use crate::protocol::Value;
use walk::Walk;

type Scope<'s, 'i> = v8::PinScope<'s, 'i>;

/// The JSON value of a call's result.
pub(super) fn to_json(
    scope: &mut Scope<'_, '_>,
    state: &State,
    value: v8::Local<'_, v8::Value>,
) -> Result<Value, Failure> {
    if value.is_object()
        && state.tape.is_worth_it()
        && let Some(json) = tape::read(scope, state, value)?
    {
        return Ok(json);
    }
    let (json, size) = walked(scope, state, value)?;
    state.tape.count(size);
    Ok(json)
}

/// The JSON value of `value`, and its bytes as `result_size` counts them.
pub(super) fn to_json_counted(
    scope: &mut Scope<'_, '_>,
    value: v8::Local<'_, v8::Value>,
) -> Result<(Value, u64), Failure> {
    let state = State::of(scope);
    walked(scope, &state, value)
}

fn walked(
    scope: &mut Scope<'_, '_>,
    state: &State,
    value: v8::Local<'_, v8::Value>,
) -> Result<(Value, u64), Failure> {
    let mut walk = Walk::new(state)?;
    let json =
        walk.value(scope, value, None).map_err(|refusal| refusal.into_failure(&state.slot))?;
    Ok((json, state.blueprint.limits.result_size.as_u64() - walk.left()))
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
        match Walk::new(state)?.bytes(scope, object, None)? {
            Data::Bytes(bytes) => Ok(bytes),
            _ => Err(refused()),
        }
    });
    bytes.map_err(|refusal| refusal.into_failure(&state.slot))
}

/// `values` as trees, under one limit for them together.
pub(super) fn all<'v, T: Tree>(
    scope: &mut Scope<'_, '_>,
    values: impl Iterator<Item = v8::Local<'v, v8::Value>>,
) -> Result<Vec<T>, Failure> {
    let state = State::of(scope);
    let mut walk = Walk::new(&state)?;
    let mut tree = |value| walk.value(scope, value, None);
    values.map(|value| tree(value).map_err(|refusal| refusal.into_failure(&state.slot))).collect()
}
