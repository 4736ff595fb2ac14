//! `HostPattern`: host functions by name, or many by a glob.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::protocol::PluginError;

/// The name of a host function, `editor.getContent`, or a glob for many: `editor.*` is all below
/// `editor`, however deep, and `*` alone is every host function.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostPattern(String);

/// The last part of a glob.
const ALL: &str = "*";

impl HostPattern {
    /// Whether the function of this name is meant.
    pub fn matches(&self, function: &str) -> bool {
        match self.0.strip_suffix(ALL) {
            Some(namespace) => function.starts_with(namespace),
            None => self.0 == function,
        }
    }

    /// Whether all that `other` means is meant.
    pub fn covers(&self, other: &Self) -> bool {
        self == other || self.matches(other.0.trim_end_matches(ALL))
    }

    /// The pattern as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for HostPattern {
    type Err = PluginError;

    fn from_str(text: &str) -> Result<Self, PluginError> {
        let names = text.strip_suffix(ALL).map_or(Some(text), |rest| {
            if rest.is_empty() { Some("any") } else { rest.strip_suffix('.') }
        });
        match names {
            Some(names) if is_path_of_identifiers(names) => Ok(Self(text.to_owned())),
            _ => Err(PluginError::InvalidArgument(format!(
                "invalid host function {text:?}: use identifiers joined by dots, the last of \
                 which may be `*`, as in \"editor.getContent\" or \"editor.*\""
            ))),
        }
    }
}

/// Whether `text` is identifiers joined by dots, as host functions are named.
pub(crate) fn is_path_of_identifiers(text: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '$');
    text.split('.').all(|name| {
        !name.is_empty()
            && name.chars().all(word)
            && !name.starts_with(|c: char| c.is_ascii_digit())
            && name != "__proto__"
    })
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for HostPattern {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for HostPattern {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> HostPattern {
        text.parse().unwrap()
    }

    #[test]
    fn a_glob_means_what_is_below_its_namespace_and_nothing_beside_it() {
        assert!(pattern("editor.*").matches("editor.getContent"));
        assert!(pattern("editor.*").matches("editor.view.scroll"));
        assert!(!pattern("editor.*").matches("editor"));
        assert!(!pattern("editor.*").matches("editorial.publish"));
        assert!(!pattern("editor.get").matches("editor.getContent"));
        assert!(pattern("*").matches("anything.at.all"));
    }

    #[test]
    fn a_pattern_covers_what_is_narrower() {
        assert!(pattern("editor.*").covers(&pattern("editor.view.*")));
        assert!(pattern("editor.*").covers(&pattern("editor.get")));
        assert!(pattern("*").covers(&pattern("editor.*")));
        assert!(!pattern("editor.view.*").covers(&pattern("editor.*")));
        assert!(!pattern("editor.get").covers(&pattern("editor.*")));
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for text in ["", "a..b", "*.a", "a*", "a.*.b", "a b", "1a", "__proto__.x", ".", "*.*"] {
            assert!(text.parse::<HostPattern>().is_err(), "{text}");
        }
    }
}
