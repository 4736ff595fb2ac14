//! What changes something: `writeFile`, `mkdir`, `remove`.

use std::fmt;
use std::io;

use cap_std::fs::{Dir, Metadata};
use serde::de::{Deserialize, Deserializer, Error, Visitor};

use super::failure::{E_EXISTS, E_NOT_A_FILE, failed};
use super::root::Target;
use super::temporary;
use super::usage::{Change, MAX_DEPTH, too_deep};
use crate::host::error::HostError;

/// What is to be written: text as UTF-8, or bytes.
pub(super) enum Content {
    Text(String),
    Bytes(Vec<u8>),
}

impl Content {
    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Bytes(bytes) => bytes,
        }
    }
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct TextOrBytes;
        impl Visitor<'_> for TextOrBytes {
            type Value = Content;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or a Uint8Array")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Content, E> {
                Ok(Content::Text(text.to_owned()))
            }
            fn visit_string<E: Error>(self, text: String) -> Result<Content, E> {
                Ok(Content::Text(text))
            }
            fn visit_byte_buf<E: Error>(self, bytes: Vec<u8>) -> Result<Content, E> {
                Ok(Content::Bytes(bytes))
            }
        }
        from.deserialize_byte_buf(TextOrBytes)
    }
}

impl Target {
    /// Puts a file there, in place of a file or link. What a link leads to is not touched.
    pub(super) fn write(&self, content: &[u8]) -> Result<(), HostError> {
        if content.len() as u64 > self.grant.file_size.as_u64() {
            return Err(self.too_large());
        }
        let (parent, name) = self.parent()?;
        let mut usage = self.root.usage();
        let mut change = Change { bytes: content.len() as i64, entries: 1 };
        if let Some(old) = self.at(&parent, name)? {
            if old.is_dir() {
                return Err(failed(E_NOT_A_FILE, &self.path, "is a directory"));
            }
            self.check_ordinary(&old)?;
            change += Change::of(&old).undone();
        }
        usage.admit(&self.root.dir, &self.grant, &self.path, change)?;
        temporary::put(&parent, name, content).map_err(|error| self.failed(&error))?;
        usage.apply(change);
        Ok(())
    }

    /// What is in `parent` under this name, if there is anything: a link itself.
    fn at(&self, parent: &Dir, name: &str) -> Result<Option<Metadata>, HostError> {
        match parent.symlink_metadata(name) {
            Ok(metadata) => Ok(Some(metadata)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.failed(&error)),
        }
    }

    /// Devices, pipes and sockets are the host's.
    fn check_ordinary(&self, metadata: &Metadata) -> Result<(), HostError> {
        let is_ordinary = metadata.is_file() || metadata.is_dir() || metadata.is_symlink();
        if is_ordinary { Ok(()) } else { Err(self.is_special()) }
    }

    /// Makes it a directory, and those that lead to it; what is one already stays.
    pub(super) fn make_directory(&self) -> Result<(), HostError> {
        let dir = &self.root.dir;
        let mut usage = self.root.usage();
        let mut missing = Vec::new();
        for prefix in self.path.prefixes() {
            if !missing.is_empty() {
                missing.push(prefix);
                continue;
            }
            match dir.symlink_metadata(prefix) {
                Ok(_) if self.is_directory(prefix)? => {}
                Ok(_) => {
                    return Err(failed(E_EXISTS, &self.path, "is no directory, or not in one"));
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => missing.push(prefix),
                Err(error) => return Err(self.failed(&error)),
            }
        }
        let change = Change { bytes: 0, entries: missing.len() as i64 };
        usage.admit(dir, &self.grant, &self.path, change)?;
        for prefix in missing {
            dir.create_dir(prefix).map_err(|error| self.failed(&error))?;
            usage.apply(Change { bytes: 0, entries: 1 });
        }
        Ok(())
    }

    /// Whether it is a directory or a link to one.
    fn is_directory(&self, prefix: &std::path::Path) -> Result<bool, HostError> {
        match self.root.dir.metadata(prefix) {
            Ok(metadata) => Ok(metadata.is_dir()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(self.failed(&error)),
        }
    }

    /// Removes a file, a link itself, or a directory: an empty one, or with all that is in it.
    pub(super) fn remove(&self, recursive: bool) -> Result<(), HostError> {
        let (parent, name) = self.parent()?;
        let mut usage = self.root.usage();
        let Some(old) = self.at(&parent, name)? else {
            return Err(self.failed(&io::ErrorKind::NotFound.into()));
        };
        self.check_ordinary(&old)?;
        let mut removed = Change::default();
        let result = if !old.is_dir() {
            parent.remove_file(name)
        } else if recursive {
            let emptied =
                parent.open_dir(name).and_then(|dir| remove_below(&dir, &mut removed, MAX_DEPTH));
            emptied.and_then(|()| parent.remove_dir(name))
        } else {
            parent.remove_dir(name)
        };
        if result.is_ok() {
            removed += Change::of(&old);
        }
        usage.apply(removed.undone());
        result.map_err(|error| self.failed(&error))
    }
}

/// Removes all that is in `dir`, and says what it was, also if it fails half-way.
fn remove_below(dir: &Dir, removed: &mut Change, depth: usize) -> io::Result<()> {
    let depth = depth.checked_sub(1).ok_or_else(too_deep)?;
    for entry in dir.entries()? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        if metadata.is_dir() {
            remove_below(&entry.open_dir()?, removed, depth)?;
            entry.remove_dir()?;
        } else {
            entry.remove_file()?;
        }
        if !entry.file_name().to_str().is_some_and(temporary::is_temporary) {
            *removed += Change::of(&metadata);
        }
    }
    Ok(())
}
