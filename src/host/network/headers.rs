//! Request headers: which a plugin may set, and how many.

use crate::host::error::HostError;
use crate::host::refusal::{refused, too_large};
use crate::policy::NetworkGrant;

const MAX_HEADERS: usize = 64;
/// Names and values of one request together.
const MAX_BYTES: usize = 16 * 1024;

/// The forbidden request-headers of the Fetch standard: what is the client's to say, or would
/// speak for a user.
const FORBIDDEN: &[&str] = &[
    "accept-charset",
    "accept-encoding",
    "access-control-request-headers",
    "access-control-request-method",
    "access-control-request-private-network",
    "connection",
    "content-length",
    "cookie",
    "cookie2",
    "date",
    "dnt",
    "expect",
    "host",
    "keep-alive",
    "origin",
    "referer",
    "set-cookie",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
];

/// The same, by how they begin.
const FORBIDDEN_PREFIXES: [&str; 2] = ["proxy-", "sec-"];

/// Headers that servers take for the method.
const METHOD_OVERRIDES: [&str; 3] =
    ["x-http-method", "x-http-method-override", "x-method-override"];

/// The headers as they are sent: lower-case names, trimmed values as bytes. Forbidden ones are
/// left out without a word, as browsers do.
///
/// # Errors
///
/// Too many or too large, a name or a value that HTTP does not have, a method by the back door.
pub(super) fn checked(
    headers: Vec<(String, String)>,
    grant: &NetworkGrant,
) -> Result<Vec<(String, Vec<u8>)>, HostError> {
    if headers.len() > MAX_HEADERS {
        return Err(too_large(format!("more than {MAX_HEADERS} request headers")));
    }
    let size: usize = headers.iter().map(|(name, value)| name.len() + value.len()).sum();
    if size > MAX_BYTES {
        return Err(too_large(format!("request headers of more than {MAX_BYTES} bytes")));
    }
    let mut all = Vec::with_capacity(headers.len());
    for (name, value) in headers {
        if !is_token(&name) {
            return Err(HostError::type_error(format!("{name:?} is no name of a header")));
        }
        let name = name.to_ascii_lowercase();
        let value = bytes_of(&value).ok_or_else(|| {
            HostError::type_error(format!(
                "the value of the header {name} has characters in it that HTTP does not allow"
            ))
        })?;
        if METHOD_OVERRIDES.contains(&name.as_str()) && !names_granted_methods(&value, grant) {
            return Err(refused(format!("{name} asks for a method that is not granted")));
        }
        if !is_forbidden(&name) {
            all.push((name, value));
        }
    }
    Ok(all)
}

fn is_forbidden(name: &str) -> bool {
    FORBIDDEN.contains(&name) || FORBIDDEN_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// Whether it is a token of HTTP's, as names and methods are.
pub(super) fn is_token(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    !text.is_empty() && text.chars().all(allowed)
}

/// A value as bytes, one a character, without white space at its ends.
fn bytes_of(value: &str) -> Option<Vec<u8>> {
    let value = value.trim_matches(['\t', '\n', '\r', ' ']);
    let byte = |c: char| {
        let byte = u8::try_from(u32::from(c)).ok()?;
        (byte == b'\t' || (byte >= b' ' && byte != 0x7f)).then_some(byte)
    };
    value.chars().map(byte).collect()
}

fn names_granted_methods(value: &[u8], grant: &NetworkGrant) -> bool {
    value.split(|byte| *byte == b',').all(|method| {
        let method = method.trim_ascii();
        grant.methods.iter().any(|granted| granted.as_bytes().eq_ignore_ascii_case(method))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, value: &str) -> Result<Vec<(String, Vec<u8>)>, HostError> {
        checked(vec![(name.into(), value.into())], &NetworkGrant::default())
    }

    #[test]
    fn what_is_the_clients_to_say_is_left_out() {
        for name in ["Host", "COOKIE", "content-length", "Sec-Fetch-Site", "Proxy-Authorization"] {
            assert_eq!(check(name, "x"), Ok(Vec::new()), "{name}");
        }
        assert_eq!(check("Authorization", " x "), Ok(vec![("authorization".into(), b"x".into())]));
    }

    #[test]
    fn a_line_break_in_a_header_is_a_type_error() {
        for (name, value) in [
            ("a\r\nHost", "x"),
            ("a:b", "x"),
            ("", "x"),
            ("a b", "x"),
            ("\u{e9}", "x"),
            ("a", "x\r\nHost: evil"),
            ("a", "x\ny"),
            ("a", "x\0y"),
            ("a", "x\u{7f}"),
            ("a", "\u{10d}\u{10a}"),
        ] {
            let error = check(name, value).unwrap_err();
            assert_eq!(error.class, crate::host::ErrorClass::TypeError, "{name:?} {value:?}");
        }
        assert_eq!(check("a", "\u{e9}\t!").unwrap()[0].1, [0xe9, b'\t', b'!']);
    }

    #[test]
    fn a_header_that_overrides_the_method_names_granted_ones_only() {
        assert!(check("X-HTTP-Method-Override", "get, head").is_ok());
        for value in ["DELETE", "get, delete", "TRACE", ""] {
            let error = check("X-HTTP-Method-Override", value).unwrap_err();
            assert_eq!(error.code.as_deref(), Some("E_REFUSED"), "{value}");
        }
    }

    #[test]
    fn number_and_size_of_headers_are_limited() {
        let many = vec![("a".to_owned(), String::new()); MAX_HEADERS + 1];
        let error = checked(many, &NetworkGrant::default()).unwrap_err();
        assert_eq!(error.code.as_deref(), Some("E_TOO_LARGE"));
        let error = check("a", &"x".repeat(MAX_BYTES)).unwrap_err();
        assert_eq!(error.code.as_deref(), Some("E_TOO_LARGE"));
    }
}
