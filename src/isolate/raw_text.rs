//! What JSON text says, held to the limits of an argument without reading it into values.
//!
//! serde_json has found the text well-formed, with two exceptions that it lets pass in a `RawValue`
//! and not in a `Value`. A number that no double can hold V8 would make infinite: it is refused
//! here. An escaped lone surrogate is what JavaScript's own strings may have, and goes in.
//!
//! One pass over the bytes, no recursion, nothing kept but the depth. A text that is not well-formed
//! after all does no harm: V8's parser refuses it.

use super::value_in::{depth_limit, too_large};
use crate::policy::ResourceLimits;
use crate::protocol::PluginError;

/// How long a number without an exponent may be and is finite whatever its digits are.
const FINITE: usize = 308;

/// # Errors
///
/// [`PluginError::TooLarge`] if arrays and objects are nested deeper than the limits say;
/// [`PluginError::InvalidArgument`] of a number that no double can hold.
pub(super) fn check(text: &str, limits: &ResourceLimits) -> Result<(), PluginError> {
    let mut left = limits.argument_depth;
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        rest = match first {
            b'"' => after_string(after),
            b'-' | b'0'..=b'9' => after_number(rest)?,
            _ => after,
        };
        match first {
            b'[' | b'{' => {
                left = left.checked_sub(1).ok_or_else(|| too_large(depth_limit(limits)))?;
            }
            b']' | b'}' => left = left.saturating_add(1),
            _ => {}
        }
    }
    Ok(())
}

/// What follows the string whose quotation mark has been read.
fn after_string(mut text: &[u8]) -> &[u8] {
    loop {
        let end = text.iter().position(|byte| matches!(byte, b'"' | b'\\'));
        let Some(end) = end else { return &[] };
        if text[end] == b'"' {
            return &text[end + 1..];
        }
        // Whatever is escaped is no end.
        text = text.get(end + 2..).unwrap_or_default();
    }
}

/// What follows the number that the text begins with.
fn after_number(text: &[u8]) -> Result<&[u8], PluginError> {
    let is_part = |byte: &u8| matches!(byte, b'0'..=b'9' | b'.' | b'-' | b'+' | b'e' | b'E');
    let end = text.iter().position(|byte| !is_part(byte)).unwrap_or(text.len());
    let (number, rest) = text.split_at(end);
    let has_exponent = number.iter().any(|byte| matches!(byte, b'e' | b'E'));
    let is_infinite = |number: &str| number.parse().is_ok_and(f64::is_infinite);
    if (has_exponent || number.len() > FINITE) && str::from_utf8(number).is_ok_and(is_infinite) {
        return Err(PluginError::InvalidArgument("the argument: number out of range".into()));
    }
    Ok(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<(), PluginError> {
        super::check(text, &ResourceLimits { argument_depth: 2, ..ResourceLimits::default() })
    }

    #[test]
    fn levels_in_strings_do_not_count() {
        for text in ["[[], {}, []]", r#"{"[[[":"[[[", "\"[[[": ["\\", "\\\"{{{"]}"#] {
            assert_eq!(check(text), Ok(()), "{text}");
        }
        for text in ["[[[]]]", r#"{"a": {"b": []}}"#, r#"["\\", [["#] {
            assert_eq!(check(text), Err(too_large("depth 2".into())), "{text}");
        }
    }

    #[test]
    fn numbers_beyond_the_doubles_are_out_of_range() {
        let digits = "9".repeat(309);
        let zeros = "0".repeat(400);
        let tiny = format!("0.{zeros}1e401");
        for text in ["1e308", "-1.7976931348623157e308", "[0e999, 1e-999]", &tiny, &digits[..308]] {
            assert_eq!(check(text), Ok(()), "{text}");
        }
        for text in ["1e309", "[-1E999]", r#"{"e": 17e+307, "f": 18e+307}"#, &digits] {
            let error = check(text).unwrap_err();
            assert!(matches!(error, PluginError::InvalidArgument(_)), "{text}: {error:?}");
        }
    }

    #[test]
    fn what_is_not_well_formed_ends_the_pass_and_nothing_else() {
        for text in ["", "\"", "\"\\", "]]]]", "-", "1e", "tru", "\"\\u", "[", "1.2.3-e"] {
            assert_eq!(check(text), Ok(()), "{text}");
        }
    }
}
