//! JSON values into V8.

use std::io;

use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter};

use super::Failure;
use super::failure::OrThrown as _;
use super::raw_text;
use super::state::State;
use super::thresholds::{ARGUMENT_TEXT, DIRECT_ITEMS};
use crate::host::Data;
use crate::policy::ResourceLimits;
use crate::protocol::{PluginError, RawValue, Value};

/// The most that a number, `true` and the like take as JSON text, with a comma.
const SCALAR_TEXT: usize = 32;

/// A call's argument, checked against the limits, in the form in which V8 takes it fastest.
///
/// Made on the caller's thread, whose time is cheaper than the worker's.
#[derive(Debug)]
pub(crate) enum Argument {
    /// A scalar, a string, or a short array of these.
    Direct(Value),
    Text(ArgumentText),
    /// Becomes a `Uint8Array` over the same memory. A box: a vector with spare capacity is copied
    /// to become one, which the caller does.
    Bytes(Box<[u8]>),
}

impl Argument {
    /// # Errors
    ///
    /// [`PluginError::TooLarge`] if the value is deeper or its text longer than the limits say.
    pub(crate) fn new(value: Value, limits: &ResourceLimits) -> Result<Self, PluginError> {
        // A limit that the text may reach is checked on the text.
        let fits = |most: usize| most as u64 <= limits.argument_size.as_u64();
        let is_direct = match &value {
            Value::Array(items) => {
                items.len() <= DIRECT_ITEMS
                    && limits.argument_depth > 0
                    && items
                        .iter()
                        .try_fold(2, |sum, item| Some(sum + scalar_text(item)?))
                        .is_some_and(fits)
            }
            scalar => scalar_text(scalar).is_some_and(fits),
        };
        match is_direct {
            true => Ok(Self::Direct(value)),
            false => ArgumentText::write(&value, limits).map(Self::Text),
        }
    }

    /// # Errors
    ///
    /// [`PluginError::TooLarge`] if the text is longer than the limits say, or deeper what it says;
    /// [`PluginError::InvalidArgument`] if a number in it is beyond those of JavaScript.
    pub(crate) fn raw(json: Box<RawValue>, limits: &ResourceLimits) -> Result<Self, PluginError> {
        let text = json.get();
        check_size(text.len(), limits)?;
        // V8's parser takes longer to begin than a scalar takes on both sides.
        if !text.starts_with(['[', '{'])
            && let Ok(value) = serde_json::from_str(text)
        {
            return Ok(Self::Direct(value));
        }
        raw_text::check(text, limits)?;
        Ok(Self::Text(ArgumentText(String::from(Box::<str>::from(json)).into_bytes())))
    }

    /// # Errors
    ///
    /// [`PluginError::TooLarge`] if there are more than `argument_size` says.
    pub(crate) fn bytes(bytes: Vec<u8>, limits: &ResourceLimits) -> Result<Self, PluginError> {
        check_size(bytes.len(), limits)?;
        Ok(Self::Bytes(bytes.into_boxed_slice()))
    }

    pub(super) fn into_v8<'s>(
        self,
        scope: &mut v8::PinScope<'s, '_>,
        state: &State,
    ) -> Result<v8::Local<'s, v8::Value>, Failure> {
        match self {
            Self::Text(text) => text.parse(scope),
            Self::Bytes(bytes) => bytes_to_v8(scope, state, bytes),
            Self::Direct(Value::Array(items)) => {
                let mut handles = [v8::null(scope).into(); DIRECT_ITEMS];
                for (handle, item) in handles.iter_mut().zip(&items) {
                    *handle = scalar(scope, item)?;
                }
                Ok(v8::Array::new_with_elements(scope, &handles[..items.len()]).into())
            }
            Self::Direct(value) => scalar(scope, &value),
        }
    }
}

/// The most that a scalar takes as JSON text; `None` of what is none.
fn scalar_text(value: &Value) -> Option<usize> {
    match value {
        Value::Array(_) | Value::Object(_) => None,
        // Every byte may be one that is written as `\u0000`.
        Value::String(text) => Some(text.len().saturating_mul(6).saturating_add(3)),
        _ => Some(SCALAR_TEXT),
    }
}

fn scalar<'s>(
    scope: &v8::PinScope<'s, '_>,
    value: &Value,
) -> Result<v8::Local<'s, v8::Value>, Failure> {
    Ok(match value {
        Value::Bool(bool) => v8::Boolean::new(scope, *bool).into(),
        Value::Number(number) => {
            // The nearest double, as V8's parser finds it.
            let number = number.as_f64().ok_or_else(|| {
                PluginError::InvalidArgument("the argument: a number that is none".into())
            })?;
            v8::Number::new(scope, number).into()
        }
        Value::String(text) => string(scope, text.as_bytes())?.into(),
        _ => v8::null(scope).into(),
    })
}

fn string<'s>(
    scope: &v8::PinScope<'s, '_>,
    text: &[u8],
) -> Result<v8::Local<'s, v8::String>, Failure> {
    // V8 copies text of one byte a character as it is, and looks at all other first.
    let string = match text.is_ascii() {
        true => v8::String::new_from_one_byte(scope, text, v8::NewStringType::Normal),
        false => v8::String::new_from_utf8(scope, text, v8::NewStringType::Normal),
    };
    Ok(string.ok_or_else(|| PluginError::TooLarge {
        what: "the argument",
        limit: format!("{} bytes, V8's longest string", v8::String::MAX_LENGTH),
    })?)
}

/// A call's argument as JSON text, checked against the limits.
///
/// V8's own parser reads it in one pass and gives records of one shape one hidden class.
#[derive(Debug)]
pub(crate) struct ArgumentText(Vec<u8>);

impl ArgumentText {
    /// # Errors
    ///
    /// [`PluginError::TooLarge`] if the value is deeper or its text longer than the limits say.
    fn write(value: &impl Serialize, limits: &ResourceLimits) -> Result<Self, PluginError> {
        let mut text = Vec::with_capacity(ARGUMENT_TEXT);
        let levels = Levels { left: limits.argument_depth };
        let mut writer = serde_json::Serializer::with_formatter(&mut text, levels);
        value.serialize(&mut writer).map_err(|error| match error.is_io() {
            true => too_large(depth_limit(limits)),
            false => PluginError::InvalidArgument(format!("the argument: {error}")),
        })?;
        check_size(text.len(), limits)?;
        Ok(Self(text))
    }

    fn parse<'s>(&self, scope: &v8::PinScope<'s, '_>) -> Result<v8::Local<'s, v8::Value>, Failure> {
        if self.0 == b"null" {
            return Ok(v8::null(scope).into());
        }
        v8::json::parse(scope, string(scope, &self.0)?).or_thrown()
    }
}

/// Writes JSON text as serde_json does, and fails at the level below the last: so the value is
/// looked at once, and no deeper than that.
struct Levels {
    left: usize,
}

impl Levels {
    fn enter(&mut self) -> io::Result<()> {
        // A `Vec` takes all that is written: no other error is one of input and output.
        self.left = self.left.checked_sub(1).ok_or_else(|| io::Error::other("too deep"))?;
        Ok(())
    }
}

impl Formatter for Levels {
    fn begin_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.enter()?;
        CompactFormatter.begin_array(writer)
    }

    fn end_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.left += 1;
        CompactFormatter.end_array(writer)
    }

    fn begin_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.enter()?;
        CompactFormatter.begin_object(writer)
    }

    fn end_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.left += 1;
        CompactFormatter.end_object(writer)
    }
}

/// What a host function answered, as a value; checked against the limits of an argument.
pub(super) fn data_to_v8<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    state: &State,
    data: Data,
) -> Result<v8::Local<'s, v8::Value>, Failure> {
    let limits = &state.blueprint.limits;
    if data.has_bytes() {
        let mut left = limits.argument_size.as_u64();
        return build(scope, state, data, limits.argument_depth, &mut left);
    }
    match data {
        Data::Null => Ok(v8::null(scope).into()),
        Data::Bool(bool) => Ok(v8::Boolean::new(scope, bool).into()),
        data => ArgumentText::write(&data, limits)?.parse(scope),
    }
}

/// Builds a value with bytes in it member by member, as JSON text cannot carry them.
fn build<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    state: &State,
    data: Data,
    depth: usize,
    left: &mut u64,
) -> Result<v8::Local<'s, v8::Value>, Failure> {
    let limits = &state.blueprint.limits;
    let deeper = || depth.checked_sub(1).ok_or_else(|| too_large(depth_limit(limits)));
    Ok(match data {
        Data::Bytes(bytes) => bytes_to_v8(scope, state, bytes.into_boxed_slice())?,
        Data::Array(items) => {
            let depth = deeper()?;
            let items: Result<Vec<_>, _> =
                items.into_iter().map(|item| build(scope, state, item, depth, left)).collect();
            v8::Array::new_with_elements(scope, &items?).into()
        }
        Data::Object(members) => {
            let depth = deeper()?;
            let object = v8::Object::new(scope);
            for (name, member) in members {
                v8::scope!(let scope, scope);
                spend(left, name.len() as u64, limits)?;
                let name = v8::String::new(scope, &name).or_thrown()?;
                let member = build(scope, state, member, depth, left)?;
                object.create_data_property(scope, name.into(), member).or_thrown()?;
            }
            object.into()
        }
        scalar => {
            let text = ArgumentText::write(&scalar, limits)?;
            spend(left, text.0.len() as u64, limits)?;
            text.parse(scope)?
        }
    })
}

/// Bytes as a `Uint8Array`, which are not copied.
fn bytes_to_v8<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    state: &State,
    bytes: Box<[u8]>,
) -> Result<v8::Local<'s, v8::Value>, Failure> {
    let length = bytes.len();
    let Some(buffer) = state.buffers.adopt(scope, bytes) else {
        let limit = format!("{} of array buffers", state.blueprint.limits.array_buffers);
        return Err(too_large(limit).into());
    };
    Ok(v8::Uint8Array::new(scope, buffer, 0, length).or_thrown()?.into())
}

fn spend(left: &mut u64, bytes: u64, limits: &ResourceLimits) -> Result<(), PluginError> {
    let rest = left.checked_sub(bytes);
    *left = rest.ok_or_else(|| too_large(limits.argument_size.to_string()))?;
    Ok(())
}

fn check_size(size: usize, limits: &ResourceLimits) -> Result<(), PluginError> {
    match size as u64 > limits.argument_size.as_u64() {
        true => Err(too_large(limits.argument_size.to_string())),
        false => Ok(()),
    }
}

pub(super) fn too_large(limit: String) -> PluginError {
    PluginError::TooLarge { what: "the argument", limit }
}

pub(super) fn depth_limit(limits: &ResourceLimits) -> String {
    format!("depth {}", limits.argument_depth)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(depth: usize) -> Value {
        (0..depth).fold(Value::Null, |inner, _| Value::Array(vec![inner]))
    }

    #[test]
    fn depth_counts_arrays_and_objects() {
        let limits = ResourceLimits::default();
        assert!(ArgumentText::write(&nested(limits.argument_depth), &limits).is_ok());
        let error = ArgumentText::write(&nested(limits.argument_depth + 1), &limits).unwrap_err();
        assert_eq!(error.to_string(), "the argument exceeds its limit: depth 128");
    }
}
