//! `CommandGrant`: a program that a plugin may run.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use bytesize::ByteSize;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::policy::misfit::Misfit;
use crate::policy::schema;

/// A program that a plugin may run, under the name that the host gave it.
///
/// There is no shell: an argument is an argument, whatever is in it. The environment is empty
/// but for what is named here. What is refused is a `TypeError` with the code `E_REFUSED`.
///
/// What a program does with its arguments, its directory and the rest of the machine is the
/// program's: grant one only if every granted argument list is harmless in a directory whose
/// files the plugin may have written. Many programs run what they find in files (`git` in its
/// configuration, `make`, every interpreter).
///
/// Besides these limits, which are the same for everybody: 256 arguments and 32 KiB of them, 4
/// commands of a plugin at once, further ones wait.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct CommandGrant {
    /// The program's absolute path; it must be there when the plugin is built. Nothing is
    /// searched in `PATH`.
    #[schemars(with = "schema::AbsolutePath")]
    pub program: PathBuf,

    /// The argument lists that may be given, each a list of [patterns](ArgumentPattern). Default
    /// none: only the program without arguments.
    #[serde(default = "CommandGrant::no_arguments")]
    #[schemars(with = "Vec<Vec<String>>")]
    pub arguments: Vec<Vec<ArgumentPattern>>,

    /// The directory that it runs in; the plugin may name another below it, out of which no `..`
    /// and no link leads. It must exist when the plugin is built. In a config file, a relative
    /// one is below the directory of that file.
    pub directory: PathBuf,

    /// Its whole environment. Default empty.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,

    /// Per run: what is written to its standard input, in bytes. Default 1 MiB. Hit: a
    /// `RangeError` with the code `E_TOO_LARGE`, and nothing runs.
    #[serde(default = "CommandGrant::default_size")]
    #[schemars(with = "schema::Size")]
    pub input_size: ByteSize,

    /// Per run: what it writes to standard output and standard error together, in bytes. Default
    /// 1 MiB. Hit: it is killed, with all it has started; a `RangeError` with the code
    /// `E_TOO_LARGE`.
    #[serde(default = "CommandGrant::default_size")]
    #[schemars(with = "schema::Size")]
    pub output_size: ByteSize,

    /// Per run: the longest time from its start. Default 10 s. Hit: it is killed, with all it has
    /// started; an `Error` with the code `E_TIMEOUT`. On Windows what it has started lives on,
    /// here and wherever it is killed; elsewhere only what has left its session.
    #[serde(default = "CommandGrant::default_time", with = "humantime_serde")]
    #[schemars(with = "schema::Time")]
    pub time: Duration,

    /// Whether the host is asked before each run. Default no. Without anybody to ask
    /// ([`PluginBuilder::confirm_commands`](crate::PluginBuilder::confirm_commands)), building
    /// the plugin fails.
    #[serde(default)]
    pub confirm: bool,
}

impl CommandGrant {
    /// `program` in `directory`, without arguments, with default limits.
    pub fn new(program: impl Into<PathBuf>, directory: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            arguments: Self::no_arguments(),
            directory: directory.into(),
            environment: BTreeMap::new(),
            input_size: Self::default_size(),
            output_size: Self::default_size(),
            time: Self::default_time(),
            confirm: false,
        }
    }

    fn no_arguments() -> Vec<Vec<ArgumentPattern>> {
        vec![Vec::new()]
    }

    fn default_size() -> ByteSize {
        ByteSize::mib(1)
    }

    fn default_time() -> Duration {
        Duration::from_secs(10)
    }

    /// Whether these arguments may be given.
    pub fn allows(&self, arguments: &[String]) -> bool {
        self.arguments.iter().any(|patterns| matches(patterns, arguments))
    }

    /// Whether this grants nothing that `other` does not.
    pub(crate) fn is_within(&self, other: &Self) -> bool {
        self.program == other.program
            && self.arguments.iter().all(|list| other.arguments.contains(list))
            && self.directory == other.directory
            && self.environment == other.environment
            && self.input_size <= other.input_size
            && self.output_size <= other.output_size
            && self.time <= other.time
            && (self.confirm || !other.confirm)
    }

    /// Checks a command of this name.
    pub(crate) fn validate(&self, name: &str) -> Result<(), Misfit> {
        let refuse = |key, what: String| Misfit::of(key, format!("command {name:?}: {what}"));
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if name.is_empty() || !name.chars().all(allowed) {
            let what = "its name is not of letters, digits, `-`, `_` and `.`".into();
            return Err(Misfit { path: Vec::new(), ..refuse("", what) });
        }
        if !self.program.is_absolute() {
            let program = self.program.display();
            let what = format!("{program} is no absolute path; nothing is searched in PATH");
            return Err(refuse("program", what));
        }
        if let Some(list) = self.arguments.iter().find(|list| {
            let rest = list.iter().position(|pattern| *pattern == ArgumentPattern::Rest);
            rest.is_some_and(|at| at + 1 != list.len())
        }) {
            let shown: Vec<_> = list.iter().map(ToString::to_string).collect();
            return Err(refuse("arguments", format!("`...` is not the last of {shown:?}")));
        }
        let is_name = |name: &String| !name.is_empty() && !name.contains(['=', '\0']);
        if let Some(wrong) =
            self.environment.iter().find(|(name, value)| !is_name(name) || value.contains('\0'))
        {
            return Err(refuse("environment", format!("{wrong:?} cannot be in an environment")));
        }
        if self.time.is_zero() {
            return Err(refuse("time", "`time` is zero, so it could never end".into()));
        }
        Ok(())
    }
}

fn matches(patterns: &[ArgumentPattern], arguments: &[String]) -> bool {
    match (patterns, arguments) {
        ([], []) => true,
        ([ArgumentPattern::Rest], rest) => rest.iter().all(|argument| is_operand(argument)),
        ([pattern, patterns @ ..], [argument, arguments @ ..]) => {
            pattern.matches(argument) && matches(patterns, arguments)
        }
        _ => false,
    }
}

/// Whether a program takes it for itself and not for an option; `/x` is one on Windows.
fn is_operand(argument: &str) -> bool {
    !(argument.starts_with('-') || cfg!(windows) && argument.starts_with('/'))
}

/// What one argument may be. A placeholder never stands for an argument that begins with `-`:
/// programs take these for options, and many have one that runs or writes anything.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ArgumentPattern {
    /// Exactly this text. Written as it is; a leading `=` is taken off, so that `=*` is the text
    /// `*`.
    Exactly(String),
    /// This text with anything between: `--author=*`, `*.md`, or `*` for any one argument.
    Glob(String),
    /// Any number of further arguments; only as the last one. Written `...`.
    Rest,
}

impl ArgumentPattern {
    fn matches(&self, argument: &str) -> bool {
        match self {
            Self::Exactly(text) => text == argument,
            Self::Glob(glob) => {
                (glob.starts_with('-') || is_operand(argument)) && glob_matches(glob, argument)
            }
            Self::Rest => false,
        }
    }
}

/// Whether `text` is `glob` with something, or nothing, in place of each `*`.
fn glob_matches(glob: &str, text: &str) -> bool {
    let mut parts = glob.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else {
        return false;
    };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

impl FromStr for ArgumentPattern {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "..." => Self::Rest,
            text => match text.strip_prefix('=') {
                Some(exactly) => Self::Exactly(exactly.to_owned()),
                None if text.contains('*') => Self::Glob(text.to_owned()),
                None => Self::Exactly(text.to_owned()),
            },
        })
    }
}

impl fmt::Display for ArgumentPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exactly(text) if text.starts_with('=') || text.contains('*') || text == "..." => {
                write!(f, "={text}")
            }
            Self::Exactly(text) | Self::Glob(text) => f.write_str(text),
            Self::Rest => f.write_str("..."),
        }
    }
}

impl Serialize for ArgumentPattern {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ArgumentPattern {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let Ok(pattern) = String::deserialize(from)?.parse();
        Ok(pattern)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(patterns: &[&str], arguments: &[&str]) -> bool {
        let mut grant = CommandGrant::new("/bin/x", "/");
        grant.arguments = vec![patterns.iter().map(|text| text.parse().unwrap()).collect()];
        let arguments: Vec<_> = arguments.iter().map(|text| (*text).to_owned()).collect();
        grant.allows(&arguments)
    }

    #[test]
    fn a_list_of_patterns_allows_lists_of_its_form_only() {
        assert!(allows(&[], &[]));
        assert!(allows(&["log", "--max-count=*", "*"], &["log", "--max-count=5", "main"]));
        assert!(allows(&["add", "..."], &["add"]) && allows(&["add", "..."], &["add", "a", "b"]));
        assert!(!allows(&[], &["x"]));
        assert!(!allows(&["log"], &["log", "x"]) && !allows(&["log", "*"], &["log"]));
        assert!(allows(&["*.md"], &["a b.md"]) && !allows(&["*.md"], &["a.mdx"]));
        assert!(!allows(&["a*a"], &["a"]));
    }

    #[test]
    fn a_placeholder_never_stands_for_an_option() {
        assert!(!allows(&["log", "*"], &["log", "--output=/etc/passwd"]));
        assert!(!allows(&["log", "..."], &["log", "x", "-O/tmp/x"]));
        assert!(!allows(&["*.md"], &["--eval=x.md"]));
    }

    #[test]
    fn patterns_are_written_as_they_are_read() {
        for text in ["a", "*", "=*", "...", "==x", "--a=*"] {
            let pattern: ArgumentPattern = text.parse().unwrap();
            assert_eq!(pattern.to_string(), text);
        }
        assert!(allows(&["=*"], &["*"]) && !allows(&["=*"], &["x"]));
    }
}
