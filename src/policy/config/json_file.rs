//! JSON as data with places.
//!
//! serde_json decides what is JSON; a second walk over a text that is good finds the places.

use std::ops::Range;

use serde_json::Value;

use super::document::{KeyPath, Mark, Marks, Slip};

/// The data of a text, and where it stands. An empty text is an empty object.
pub(super) fn parse(text: &str) -> Result<(Value, Marks), Slip> {
    if text.trim().is_empty() {
        return Ok((Value::Object(serde_json::Map::new()), Marks::new()));
    }
    let value: Value = serde_json::from_str(text).map_err(|error| slip(text, &error))?;
    let mut walk = Walk { text, at: 0, path: KeyPath::new(), marks: Marks::new() };
    let whole = walk.value(0..0)?;
    if !value.is_object() {
        let reason = "a config is an object, { … }".to_owned();
        return Err(Slip { reason, span: whole });
    }
    Ok((value, walk.marks))
}

/// What serde_json found, and the token that it stands at.
fn slip(text: &str, error: &serde_json::Error) -> Slip {
    let message = error.to_string();
    let reason = message.split(" at line ").next().unwrap_or_default().to_owned();
    let line: usize =
        text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
    let at = (line + error.column().saturating_sub(1)).min(text.len());
    let at = text.floor_char_boundary(at);
    // The whole word, of which serde_json has seen the first letters, or which has just ended.
    let word = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '+' | '-');
    let after = text[at..].chars().take_while(word).count();
    let before = match after > 0 || reason == "expected ident" {
        true => text[..at].chars().rev().take_while(word).count(),
        false => 0,
    };
    Slip { reason, span: at - before..at + after.max(usize::from(before == 0)) }
}

/// Walks over a text that is JSON.
struct Walk<'t> {
    text: &'t str,
    at: usize,
    path: KeyPath,
    marks: Marks,
}

impl Walk<'_> {
    /// The next byte that is no space.
    fn peek(&mut self) -> u8 {
        let rest = self.text[self.at..].trim_start_matches([' ', '\t', '\n', '\r']);
        self.at = self.text.len() - rest.len();
        rest.bytes().next().unwrap_or_default()
    }

    /// Goes over a value whose key stands at `key`; answers where it stands.
    fn value(&mut self, key: Range<usize>) -> Result<Range<usize>, Slip> {
        let first = self.peek();
        let start = self.at;
        match first {
            b'{' => self.items(b'}')?,
            b'[' => self.items(b']')?,
            b'"' => drop(self.string()),
            _ => {
                let rest = &self.text[start..];
                let end = rest.find([',', ']', '}', ' ', '\t', '\n', '\r']);
                self.at = start + end.unwrap_or(rest.len());
            }
        }
        let value = start..self.at;
        if !self.path.is_empty() {
            let key = if key.is_empty() { value.clone() } else { key };
            self.marks.insert(self.path.clone(), Mark { key, value: value.clone() });
        }
        Ok(value)
    }

    /// Goes over an object or an array, which ends with `end`.
    fn items(&mut self, end: u8) -> Result<(), Slip> {
        self.at += 1;
        for number in 0.. {
            match self.peek() {
                byte if byte == end => break,
                b',' => {
                    self.at += 1;
                    self.peek();
                }
                _ => {}
            }
            let mut key = 0..0;
            let name = if end == b'}' {
                key = self.string();
                // Over the colon.
                self.peek();
                self.at += 1;
                serde_json::from_str(&self.text[key.clone()]).unwrap_or_default()
            } else {
                number.to_string()
            };
            self.path.push(name);
            if self.marks.contains_key(&self.path) {
                let reason = format!("the key {} stands here again", &self.text[key.clone()]);
                return Err(Slip { reason, span: key });
            }
            self.value(key)?;
            self.path.pop();
        }
        self.at += 1;
        Ok(())
    }

    /// Goes over a string.
    fn string(&mut self) -> Range<usize> {
        let start = self.at;
        let mut escaped = false;
        let end = self.text[start + 1..].bytes().position(|byte| {
            let ends = byte == b'"' && !escaped;
            escaped = byte == b'\\' && !escaped;
            ends
        });
        self.at = end.map_or(self.text.len(), |end| start + end + 2);
        start..self.at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_and_value_has_its_place() {
        let text = "{ \"a\\\"\" : [ 1,{},[], \"x\\\\\" ] ,\n\"b\": {\"é\":true}}";
        let (_, marks) = parse(text).unwrap();
        let at = |path: &[&str]| {
            let path: Vec<_> = path.iter().map(|key| (*key).to_owned()).collect();
            let Mark { key, value } = marks[&path].clone();
            (&text[key], &text[value])
        };
        assert_eq!(at(&["a\""]), ("\"a\\\"\"", "[ 1,{},[], \"x\\\\\" ]"));
        assert_eq!(at(&["a\"", "0"]).1, "1");
        assert_eq!(at(&["a\"", "1"]).1, "{}");
        assert_eq!(at(&["a\"", "3"]).1, "\"x\\\\\"");
        assert_eq!(at(&["b", "é"]), ("\"é\"", "true"));
        assert_eq!(marks.len(), 7);
    }

    #[test]
    fn a_slip_stands_at_its_token() {
        for (text, token) in [
            ("{\"a\": 1,}", "}"),
            ("{\"a\": tru}", "tru"),
            ("{\"a\": 1 \"b\": 2}", "\""),
            ("{'a': 1}", "'"),
            ("{\"a\": 01}", "01"),
            ("{\"a\": 1}\nx", "x"),
            ("[1]", "[1]"),
            ("{\"a\": 1, \"a\": 2}", "\"a\""),
        ] {
            let slip = parse(text).unwrap_err();
            assert_eq!(&text[slip.span.clone()], token, "{text}: {slip:?}");
            assert!(!slip.reason.contains("line"), "{slip:?}");
        }
        for text in ["{", "{\"a\"", "{\"a\": \"", "{\"a\": [1,"] {
            let slip = parse(text).unwrap_err();
            assert!(slip.span.start >= text.len() - 1, "{text}: {slip:?}");
        }
    }

    #[test]
    fn what_is_too_deep_is_refused() {
        let text = format!("{{\"a\": {}1{}}}", "[".repeat(1000), "]".repeat(1000));
        assert!(parse(&text).unwrap_err().reason.contains("recursion"));
    }
}
