//! `FileRoot`: a directory of the host's that a plugin may use.

use std::path::PathBuf;

use bytesize::ByteSize;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::policy::misfit::Misfit;
use crate::policy::{Limit, schema};
use crate::protocol::PluginError;

/// What a plugin may do below a root.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FileAccess {
    /// `readFile`, `listFiles`, `stat`.
    #[default]
    Read,
    /// `writeFile`, `mkdir`, `remove`: what is there cannot be seen.
    Write,
    /// All of them.
    ReadWrite,
}

impl FileAccess {
    /// Whether what is there may be seen.
    pub fn reads(self) -> bool {
        self != Self::Write
    }

    /// Whether what is there may be changed.
    pub fn writes(self) -> bool {
        self != Self::Read
    }
}

/// A directory of the host's that a plugin may use, under the name that the host gave it.
///
/// In JavaScript the name is the first part of every path: with a root named `workspace`,
/// `files.readFile("workspace/notes/today.md")`. Nothing outside of the directory can be
/// reached, by no path and no link. The directory is opened once, and stays the same one whatever
/// is put in its place. A hard link is a file like any other: make none to what is not meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct FileRoot {
    /// The directory; it must exist when the plugin is built. In a config file, a relative one
    /// is below the directory of that file.
    pub path: PathBuf,

    /// What the plugin may do there. Default: read.
    #[serde(default)]
    pub access: FileAccess,

    /// Per file: the most that can be read or written at once, in bytes. Default 16 MiB, at most
    /// 256 MiB, as a file is held in memory. Hit: a `RangeError` with the code `E_TOO_LARGE`.
    ///
    /// What a plugin reads is also under its limits of
    /// [`argument_size`](crate::ResourceLimits::argument_size) for text and
    /// [`array_buffers`](crate::ResourceLimits::array_buffers) for bytes.
    #[serde(default = "FileRoot::default_file_size")]
    #[schemars(with = "schema::Size")]
    pub file_size: ByteSize,

    /// Per root: the bytes in all files below it, whoever wrote them, beyond which the plugin
    /// can write no more. Default 64 MiB. Hit: a `RangeError` with the code `E_QUOTA`; the file
    /// stays as it was. A file that is replaced counts until the new one is in its place, so the
    /// disk needs room for one [`file_size`](Self::file_size) more.
    ///
    /// Counted before the first write, and kept up to date by what plugins with this root do.
    /// What others add is seen after a minute; what they remove, when a write would not fit.
    #[serde(default = "FileRoot::default_total_size")]
    #[schemars(with = "Limit<schema::Size>")]
    pub total_size: Limit<ByteSize>,

    /// Per root: the files and directories below it, whoever made them, beyond which the plugin
    /// can make no more. Default 10,000. Hit: as [`total_size`](Self::total_size).
    #[serde(default = "FileRoot::default_entries")]
    pub entries: Limit<u32>,
}

impl FileRoot {
    /// A directory that may be read, with default limits.
    pub fn read_only(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            access: FileAccess::Read,
            file_size: Self::default_file_size(),
            total_size: Self::default_total_size(),
            entries: Self::default_entries(),
        }
    }

    /// A directory that may be read and changed, with default limits.
    pub fn read_write(path: impl Into<PathBuf>) -> Self {
        Self { access: FileAccess::ReadWrite, ..Self::read_only(path) }
    }

    /// The most that [`file_size`](Self::file_size) can be.
    const MAX_FILE_SIZE: ByteSize = ByteSize::mib(256);

    fn default_file_size() -> ByteSize {
        ByteSize::mib(16)
    }

    fn default_total_size() -> Limit<ByteSize> {
        Limit::At(ByteSize::mib(64))
    }

    fn default_entries() -> Limit<u32> {
        Limit::At(10_000)
    }

    /// Whether this grants nothing that `other` does not.
    pub(crate) fn is_within(&self, other: &Self) -> bool {
        self.path == other.path
            && (other.access.reads() || !self.access.reads())
            && (other.access.writes() || !self.access.writes())
            && self.file_size <= other.file_size
            && self.total_size.is_within(other.total_size)
            && self.entries.is_within(other.entries)
    }

    /// Checks a root of this name.
    pub(crate) fn validate(&self, name: &str) -> Result<(), Misfit> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if name.is_empty() || !name.chars().all(allowed) {
            let reason =
                format!("invalid name {name:?} of a files root: use letters, digits, `-` and `_`");
            return Err(Misfit { path: Vec::new(), error: PluginError::InvalidArgument(reason) });
        }
        if self.file_size > Self::MAX_FILE_SIZE {
            let (size, most) = (self.file_size, Self::MAX_FILE_SIZE);
            let reason = format!(
                "files.{name}.file_size: {size} is more than {most}, and a file is held in memory"
            );
            return Err(Misfit::of("file_size", reason));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_root_that_cannot_be_is_refused() {
        let mut root = FileRoot::read_only("/tmp");
        assert!(root.validate("work-space_1").is_ok());
        for name in ["", "..", "a/b", "ü", "a b", "C:"] {
            assert!(root.validate(name).is_err(), "{name}");
        }
        root.file_size = ByteSize::gib(1);
        assert!(root.validate("w").is_err());
    }
}
