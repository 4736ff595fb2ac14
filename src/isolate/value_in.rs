//! JSON values into V8.

use super::Failure;
use super::failure::OrThrown as _;
use crate::policy::ResourceLimits;
use crate::protocol::{PluginError, Value};

/// A call's argument as JSON text, checked against the limits.
///
/// Made on the caller's thread, whose time is cheaper than the worker's; V8's own parser reads
/// it in one pass and gives records of one shape one hidden class.
#[derive(Debug)]
pub(crate) struct ArgumentText(String);

impl ArgumentText {
    /// # Errors
    ///
    /// [`PluginError::TooLarge`] if the value is deeper or its text longer than the limits say.
    pub(crate) fn write(value: &Value, limits: &ResourceLimits) -> Result<Self, PluginError> {
        let too_large = |limit| PluginError::TooLarge { what: "the argument", limit };
        if !fits_depth(value, limits.argument_depth) {
            return Err(too_large(format!("depth {}", limits.argument_depth)));
        }
        let text = serde_json::to_string(value)
            .map_err(|error| PluginError::InvalidArgument(format!("the argument: {error}")))?;
        if text.len() as u64 > limits.argument_size.as_u64() {
            return Err(too_large(limits.argument_size.to_string()));
        }
        Ok(Self(text))
    }

    pub(super) fn parse<'s>(
        &self,
        scope: &v8::PinScope<'s, '_>,
    ) -> Result<v8::Local<'s, v8::Value>, Failure> {
        if self.0 == "null" {
            return Ok(v8::null(scope).into());
        }
        let text = v8::String::new(scope, &self.0).ok_or_else(|| PluginError::TooLarge {
            what: "the argument",
            limit: format!("{} bytes, V8's longest string", v8::String::MAX_LENGTH),
        })?;
        v8::json::parse(scope, text).or_thrown()
    }
}

/// Whether `value` nests at most `depth` arrays and objects; looks no deeper than that.
fn fits_depth(value: &Value, depth: usize) -> bool {
    match value {
        Value::Array(items) => depth > 0 && items.iter().all(|item| fits_depth(item, depth - 1)),
        Value::Object(members) => {
            depth > 0 && members.values().all(|member| fits_depth(member, depth - 1))
        }
        _ => true,
    }
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
