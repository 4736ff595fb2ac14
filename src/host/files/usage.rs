//! `Usage`: how full a root is.

use std::collections::HashMap;
use std::io;
use std::ops::AddAssign;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use cap_std::fs::{Dir, Metadata};

use super::failure::{E_IO, E_QUOTA, beyond, failed};
use super::path::PluginPath;
use super::temporary::is_temporary;
use crate::host::error::HostError;
use crate::policy::FileRoot;

/// What something adds to a root, or takes away.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Change {
    pub(super) bytes: i64,
    pub(super) entries: i64,
}

impl Change {
    /// An entry that is there.
    pub(super) fn of(metadata: &Metadata) -> Self {
        let bytes = if metadata.is_file() { metadata.len() } else { 0 };
        Self { bytes: i64::try_from(bytes).unwrap_or(i64::MAX), entries: 1 }
    }

    pub(super) fn undone(self) -> Self {
        Self { bytes: -self.bytes, entries: -self.entries }
    }
}

impl AddAssign for Change {
    fn add_assign(&mut self, other: Self) {
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.entries = self.entries.saturating_add(other.entries);
    }
}

/// How full a root is: counted, and kept up to date by what is done through here.
///
/// Others may write there too, so it is counted again when the count is old, and before
/// something is refused; but never for more than a tenth of the time.
#[derive(Default)]
pub(super) struct Usage(Option<Count>);

struct Count {
    used: Change,
    at: Instant,
    took: Duration,
}

impl Usage {
    /// How long a count is good for.
    const GOOD_FOR: Duration = Duration::from_secs(60);
    /// The part of the time in which it may be counted again.
    const PART: u32 = 10;

    /// Whether `change` fits. What makes nothing larger always does.
    pub(super) fn admit(
        &mut self,
        dir: &Dir,
        grant: &FileRoot,
        path: &PluginPath,
        change: Change,
    ) -> Result<(), HostError> {
        let limited = grant.total_size.at().is_some() || grant.entries.at().is_some();
        if !limited || (change.bytes <= 0 && change.entries <= 0) {
            return Ok(());
        }
        let is_old = |count: &Count| count.at.elapsed() > Self::GOOD_FOR.max(Self::pause(count));
        if self.0.as_ref().is_none_or(is_old) {
            self.count(dir, path)?;
        }
        let Err(what) = self.fits(grant, change) else { return Ok(()) };
        if self.0.as_ref().is_some_and(|count| count.at.elapsed() > Self::pause(count)) {
            self.count(dir, path)?;
            return self.fits(grant, change).map_err(|what| beyond(E_QUOTA, path, &what));
        }
        Err(beyond(E_QUOTA, path, &what))
    }

    fn pause(count: &Count) -> Duration {
        count.took * Self::PART
    }

    fn count(&mut self, dir: &Dir, path: &PluginPath) -> Result<(), HostError> {
        self.0 = None;
        let began = Instant::now();
        let used = count_below(dir).map_err(|error| {
            tracing::warn!(%error, "a root for plugins' files cannot be counted");
            failed(E_IO, path, "cannot be written: its root cannot be counted")
        })?;
        let at = Instant::now();
        self.0 = Some(Count { used, at, took: at - began });
        Ok(())
    }

    fn fits(&self, grant: &FileRoot, change: Change) -> Result<(), String> {
        let mut after = self.0.as_ref().map(|count| count.used).unwrap_or_default();
        after += change;
        let is_beyond = |change: i64, after: i64, limit: Option<u64>| {
            change > 0
                && limit.is_some_and(|limit| after > i64::try_from(limit).unwrap_or(i64::MAX))
        };
        let size = grant.total_size;
        if is_beyond(change.bytes, after.bytes, size.at().map(|size| size.as_u64())) {
            return Err(format!("would make its root hold more than {size}"));
        }
        let entries = grant.entries;
        if is_beyond(change.entries, after.entries, entries.at().map(u64::from)) {
            return Err(format!("would make its root hold more than {entries} entries"));
        }
        Ok(())
    }

    /// `change` was made.
    pub(super) fn apply(&mut self, change: Change) {
        if let Some(count) = &mut self.0 {
            count.used += change;
        }
    }
}

/// How deep directories may be nested that are counted or removed; more than a plugin's path
/// can name, so what is deeper the host has made.
pub(super) const MAX_DEPTH: usize = 128;
/// How many entries are counted.
const MAX_ENTRIES: i64 = 1_000_000;

/// What is below `dir`: links and files in the making are nothing and not there.
fn count_below(dir: &Dir) -> io::Result<Change> {
    let mut used = Change::default();
    let mut open = vec![dir.entries()?];
    while let Some(entries) = open.last_mut() {
        let Some(entry) = entries.next() else {
            open.pop();
            continue;
        };
        let entry = entry?;
        if entry.file_name().to_str().is_some_and(is_temporary) {
            continue;
        }
        let Some(metadata) = unless_gone(entry.metadata())? else { continue };
        used += Change::of(&metadata);
        if used.entries > MAX_ENTRIES {
            return Err(io::Error::other(format!("more than {MAX_ENTRIES} entries")));
        }
        if metadata.is_dir()
            && let Some(inner) = unless_gone(entry.open_dir().and_then(|dir| dir.entries()))?
        {
            if open.len() == MAX_DEPTH {
                return Err(too_deep());
            }
            open.push(inner);
        }
    }
    Ok(used)
}

pub(super) fn too_deep() -> io::Error {
    io::Error::other(format!("more than {MAX_DEPTH} directories in one another"))
}

/// What is gone, or has become a file, is not counted; nor what the host itself may not see.
fn unless_gone<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    use io::ErrorKind::{NotADirectory, NotFound, PermissionDenied};
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if matches!(error.kind(), NotFound | NotADirectory | PermissionDenied) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// The usage of the directory at this path, the same for all plugins that have it as a root.
pub(super) fn shared(canonical: PathBuf) -> Arc<Mutex<Usage>> {
    static ALL: Mutex<Option<HashMap<PathBuf, Weak<Mutex<Usage>>>>> = Mutex::new(None);
    let mut all = ALL.lock().unwrap_or_else(PoisonError::into_inner);
    let all = all.get_or_insert_default();
    if let Some(usage) = all.get(&canonical).and_then(Weak::upgrade) {
        return usage;
    }
    all.retain(|_, usage| usage.strong_count() > 0);
    let usage = Arc::default();
    all.insert(canonical, Arc::downgrade(&usage));
    usage
}
