//! `Permission`: one thing that a plugin can ask for, as text.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::grants::Origin;
use super::meant::meant;
use super::{Capability, FileAccess, HostPattern, schema};
use crate::protocol::PluginError;

/// One thing that a plugin can ask for in its manifest, and that a host grants or not.
///
/// | text | asks for |
/// |---|---|
/// | `timers` | a [`Capability`] by its name |
/// | `editor.getContent`, `editor.*` | host functions by name or [glob](HostPattern) |
/// | `host:who` | a host function whose name has no dot |
/// | `files:workspace`, `files:workspace:read_write` | a root, to read or as said |
/// | `network:https://api.example.com` | an [origin](Origin) |
/// | `commands:git` | a program |
/// | `storage` | a key-value store |
///
/// ```
/// use plugin_sandbox::{FileAccess, Permission};
///
/// let asked: Permission = "files:workspace:write".parse()?;
/// assert_eq!(asked, Permission::Files { root: "workspace".into(), access: FileAccess::Write });
/// assert_eq!(asked.to_string(), "files:workspace:write");
/// # Ok::<(), plugin_sandbox::PluginError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Permission {
    /// What a name alone grants.
    Capability(Capability),
    /// Host functions.
    Host(HostPattern),
    /// A root for files.
    Files {
        /// The root's name.
        root: String,
        /// What is to be done there.
        access: FileAccess,
    },
    /// An origin to send requests to.
    Network(Origin),
    /// A program to run, by the name of its grant.
    Command(String),
    /// A key-value store.
    Storage,
}

const HOST: &str = "host";
const FILES: &str = "files";
const NETWORK: &str = "network";
const COMMANDS: &str = "commands";
const STORAGE: &str = "storage";

impl FromStr for Permission {
    type Err = PluginError;

    fn from_str(text: &str) -> Result<Self, PluginError> {
        if text == STORAGE {
            return Ok(Self::Storage);
        }
        match text.split_once(':') {
            Some((HOST, pattern)) => pattern.parse().map(Self::Host),
            Some((NETWORK, origin)) => origin.parse().map(Self::Network),
            Some((COMMANDS, name)) if is_name(name) => Ok(Self::Command(name.to_owned())),
            Some((FILES, root)) => {
                let (root, access) = root.split_once(':').unwrap_or((root, "read"));
                if !is_name(root) {
                    return Err(unknown(text));
                }
                let access = match access {
                    "read" => FileAccess::Read,
                    "write" => FileAccess::Write,
                    "read_write" => FileAccess::ReadWrite,
                    _ => return Err(unknown(text)),
                };
                Ok(Self::Files { root: root.to_owned(), access })
            }
            Some(_) => Err(unknown(text)),
            None if text.contains(['.', '*']) => text.parse().map(Self::Host),
            None => text.parse().map(Self::Capability).map_err(|_| unknown(text)),
        }
    }
}

/// Whether a grant may be called so. What a plugin asks for is shown to people: nothing in it may
/// play with their terminals.
fn is_name(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    !name.is_empty() && name.chars().all(allowed)
}

fn unknown(text: &str) -> PluginError {
    let prefixed = [FILES, NETWORK, COMMANDS].map(|kind| format!("{kind}:…"));
    let names = Capability::ALL.map(|capability| capability.name().to_owned());
    let known: Vec<_> = names.into_iter().chain([STORAGE.to_owned()]).chain(prefixed).collect();
    let best = meant(text, known.iter().map(String::as_str));
    let meant = best.map(|name| format!("; did you mean {name:?}?")).unwrap_or_default();
    PluginError::InvalidArgument(format!(
        "unknown permission {text:?}{meant} There are: {}, and host functions as \
         \"editor.*\" or \"host:name\"",
        known.join(", ")
    ))
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Capability(capability) => capability.fmt(f),
            Self::Host(pattern) if pattern.as_str().contains(['.', '*']) => pattern.fmt(f),
            Self::Host(pattern) => write!(f, "{HOST}:{pattern}"),
            Self::Files { root, access } => match access {
                FileAccess::Read => write!(f, "{FILES}:{root}"),
                FileAccess::Write => write!(f, "{FILES}:{root}:write"),
                FileAccess::ReadWrite => write!(f, "{FILES}:{root}:read_write"),
            },
            Self::Network(origin) => write!(f, "{NETWORK}:{origin}"),
            Self::Command(name) => write!(f, "{COMMANDS}:{name}"),
            Self::Storage => f.write_str(STORAGE),
        }
    }
}

impl Serialize for Permission {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Permission {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Permission {
    fn schema_name() -> Cow<'static, str> {
        schema::Asked::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        schema::Asked::json_schema(generator)
    }
}

impl From<Capability> for Permission {
    fn from(capability: Capability) -> Self {
        Self::Capability(capability)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_written_as_it_is_read() {
        for text in [
            "timers",
            "editor.getContent",
            "editor.*",
            "*",
            "host:who",
            "files:workspace",
            "files:workspace:read_write",
            "network:https://*.example.com",
            "commands:git",
            "storage",
        ] {
            assert_eq!(text.parse::<Permission>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_slip_is_answered_with_what_was_meant() {
        for (text, meant) in
            [("timer", "\"timers\""), ("file:x", "\"files:…\""), ("stroage", "\"storage\"")]
        {
            let error = text.parse::<Permission>().unwrap_err().to_string();
            assert!(error.contains(&format!("did you mean {meant}")), "{error}");
        }
        for text in [
            "",
            "files:",
            "files:w:execute",
            "files:a b",
            "network:example.com",
            "commands:",
            "commands:git\u{1b}[2J",
            "commands:git\n[host] all is well",
        ] {
            assert!(text.parse::<Permission>().is_err(), "{text}");
        }
    }
}
