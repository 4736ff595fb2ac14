//! What only looks: `readFile`, `listFiles`, `stat`.

use std::io::{self, Read};
use std::time::{SystemTime, UNIX_EPOCH};

use cap_std::fs::{File, FileType, Metadata, OpenOptions};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use super::failure::{E_ENCODING, E_NOT_A_FILE, E_TOO_LARGE, beyond, failed, refused};
use super::path::is_name;
use super::root::Target;
use crate::host::error::HostError;
use crate::policy::Clock;

/// The most entries of a directory that can be listed.
pub(super) const MAX_LISTED: usize = 10_000;

/// What `readFile` gives.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Format {
    #[default]
    Text,
    Bytes,
}

/// The contents of a file.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Contents {
    Text(String),
    Bytes(ByteBuf),
}

/// What is at a path.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    File,
    Directory,
    Other,
}

/// An entry of a directory.
#[derive(Serialize)]
pub(super) struct Entry {
    name: String,
    kind: Kind,
    size: u64,
}

/// What `stat` answers.
#[derive(Serialize)]
pub(super) struct Stat {
    kind: Kind,
    size: u64,
    /// In milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    modified: Option<u64>,
}

impl Kind {
    fn of(file_type: FileType) -> Self {
        if file_type.is_file() {
            Self::File
        } else if file_type.is_dir() {
            Self::Directory
        } else {
            Self::Other
        }
    }
}

/// A directory's own size says nothing, a link's is the length of its target.
fn size_of(metadata: &Metadata) -> u64 {
    if metadata.is_file() { metadata.len() } else { 0 }
}

impl Target {
    pub(super) fn read(&self, format: Format) -> Result<Contents, HostError> {
        let bytes = self.bytes()?;
        Ok(match format {
            Format::Bytes => Contents::Bytes(ByteBuf::from(bytes)),
            Format::Text => Contents::Text(
                String::from_utf8(bytes)
                    .map_err(|_| failed(E_ENCODING, &self.path, "is not text in UTF-8"))?,
            ),
        })
    }

    fn bytes(&self) -> Result<Vec<u8>, HostError> {
        // Asked before it is opened, as to open a device may do something; and after, as it may
        // have become another meanwhile.
        let path = self.path.inside();
        self.check_is_file(&self.root.dir.metadata(path).map_err(|error| self.failed(&error))?)?;
        let file =
            self.root.dir.open_with(path, &no_waiting()).map_err(|error| self.failed(&error))?;
        let metadata = file.metadata().map_err(|error| self.failed(&error))?;
        self.check_is_file(&metadata)?;
        let limit = self.grant.file_size.as_u64();
        if metadata.len() > limit {
            return Err(self.too_large());
        }
        let bytes = read_at_most(file, metadata.len(), limit);
        bytes.map_err(|error| self.failed(&error))?.ok_or_else(|| self.too_large())
    }

    fn check_is_file(&self, metadata: &Metadata) -> Result<(), HostError> {
        match Kind::of(metadata.file_type()) {
            Kind::File => Ok(()),
            Kind::Directory => Err(failed(E_NOT_A_FILE, &self.path, "is a directory")),
            Kind::Other => Err(self.is_special()),
        }
    }

    pub(super) fn is_special(&self) -> HostError {
        refused(format!("{:?} is no ordinary file", self.path.as_str()))
    }

    pub(super) fn too_large(&self) -> HostError {
        let what = format!("is larger than {}", self.grant.file_size);
        beyond(E_TOO_LARGE, &self.path, &what)
    }

    /// The entries in the order of their names. Those that no path can name are left out.
    pub(super) fn list(&self) -> Result<Vec<Entry>, HostError> {
        let entries = self.root.dir.read_dir(self.path.inside());
        let mut listed = Vec::new();
        for entry in entries.map_err(|error| self.failed(&error))? {
            let entry = entry.map_err(|error| self.failed(&error))?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            if !is_name(&name) {
                continue;
            }
            // Of the entry itself, not of what a link leads to.
            let Ok(metadata) = entry.metadata() else { continue };
            if listed.len() == MAX_LISTED {
                let what = format!("has more than {MAX_LISTED} entries");
                return Err(beyond(E_TOO_LARGE, &self.path, &what));
            }
            let kind = Kind::of(metadata.file_type());
            listed.push(Entry { name, kind, size: size_of(&metadata) });
        }
        listed.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(listed)
    }

    pub(super) fn stat(&self, clock: Clock) -> Result<Stat, HostError> {
        let metadata = self.root.dir.metadata(self.path.inside());
        let metadata = metadata.map_err(|error| self.failed(&error))?;
        let modified = metadata.modified().ok().map(cap_std::time::SystemTime::into_std);
        Ok(Stat {
            kind: Kind::of(metadata.file_type()),
            size: size_of(&metadata),
            modified: modified.and_then(|time| as_seen(time, clock)),
        })
    }
}

/// A time as the plugin's clock would have shown it.
fn as_seen(time: SystemTime, clock: Clock) -> Option<u64> {
    let millis = time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64);
    match clock {
        Clock::Frozen(_) => None,
        Clock::Full => Some(millis),
        Clock::Coarse(step) => Some(millis - millis % (step.as_millis() as u64).max(1)),
    }
}

/// For reading, without waiting for whoever writes into a pipe.
fn no_waiting() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use cap_std::fs::OpenOptionsExt as _;
        options.custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY);
    }
    options
}

/// All of the file, which may grow meanwhile; none if it is larger than `limit`.
fn read_at_most(file: File, length: u64, limit: u64) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::with_capacity(length.min(limit) as usize + 1);
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= limit).then_some(bytes))
}
