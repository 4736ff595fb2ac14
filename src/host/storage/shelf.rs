//! Where stores are: in memory, or each in a file named after its plugin.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{Error, ErrorKind};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};

use redb::backends::InMemoryBackend;
use redb::{Builder, Database};

use super::store::Store;
use crate::protocol::PluginError;

/// What a store may keep in memory of its file, in bytes.
const CACHE: usize = 1 << 20;

/// The stores that are open in this process, by their files: the workers of a plugin share one,
/// as a file can be opened once. One that is dead is being opened or closed.
static OPEN: Mutex<Option<HashMap<PathBuf, Weak<Store>>>> = Mutex::new(None);
/// A store was opened or closed.
static CHANGED: Condvar = Condvar::new();

fn lock() -> MutexGuard<'static, Option<HashMap<PathBuf, Weak<Store>>>> {
    OPEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes a store off the shelf when it is closed.
pub(super) struct OffShelf(PathBuf);

impl Drop for OffShelf {
    fn drop(&mut self) {
        lock().get_or_insert_default().remove(&self.0);
        CHANGED.notify_all();
    }
}

/// A store that is gone with its last user.
pub(super) fn in_memory() -> Result<Arc<Store>, PluginError> {
    let database = builder().create_with_backend(InMemoryBackend::new());
    let store = database.map_err(redb::Error::from).and_then(|database| Store::new(database, None));
    let failed = |error| PluginError::Internal(format!("no store in memory: {error}"));
    store.map(Arc::new).map_err(failed)
}

/// The store of the plugin of this id below `directory`, which is made if it does not exist.
pub(super) fn open(directory: &Path, plugin: &str) -> Result<Arc<Store>, PluginError> {
    let made = std::fs::create_dir_all(directory).and_then(|()| directory.canonicalize());
    let unusable = |error: Error| PluginError::Io {
        path: directory.to_owned(),
        reason: format!("plugins' stores cannot be here: {error}"),
    };
    let path = made.map_err(unusable)?.join(file_name(plugin)?);
    let mut open = lock();
    while let Some(store) = open.get_or_insert_default().get(&path) {
        if let Some(store) = store.upgrade() {
            return Ok(store);
        }
        open = CHANGED.wait(open).unwrap_or_else(PoisonError::into_inner);
    }
    // Others wait from here on, until it is open or off the shelf again.
    open.get_or_insert_default().insert(path.clone(), Weak::new());
    drop(open);
    let off_shelf = OffShelf(path.clone());
    let database = open_file(&path)?;
    let store = Arc::new(guarded(&path, || Store::new(database, Some(off_shelf)))?);
    lock().get_or_insert_default().insert(path, Arc::downgrade(&store));
    CHANGED.notify_all();
    Ok(store)
}

fn builder() -> Builder {
    let mut builder = Database::builder();
    // What was altered is refused when it is opened, not trusted until something fails.
    builder.set_cache_size(CACHE).set_check_integrity_on_open(true);
    builder
}

fn open_file(path: &Path) -> Result<Database, PluginError> {
    if !path.try_exists().map_err(|error| failed(path, &error.into()))? {
        create(path).map_err(|error| failed(path, &error))?;
    }
    guarded(path, || Ok(builder().open(path)?))
}

/// Makes an empty store, and gives it its name when it is whole: a process that is killed leaves
/// none that is half made. Another process may be quicker; then there is one.
fn create(path: &Path) -> Result<(), redb::Error> {
    let random = getrandom::u64().map_err(|error| Error::other(error.to_string()))?;
    let new = path.with_extension(format!("{random:016x}.new"));
    drop(builder().create(&new)?);
    let named = match std::fs::hard_link(&new, path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        // Not every file system has hard links.
        Err(_) => std::fs::rename(&new, path),
        Ok(()) => Ok(()),
    };
    let _ = std::fs::remove_file(&new);
    Ok(named?)
}

/// Opens something that may be damaged; that must not end the host.
fn guarded<T>(
    path: &Path,
    open: impl FnOnce() -> Result<T, redb::Error>,
) -> Result<T, PluginError> {
    match catch_unwind(AssertUnwindSafe(open)) {
        Ok(result) => result.map_err(|error| failed(path, &error)),
        Err(_) => Err(failed(path, &redb::Error::Corrupted("it cannot be read".into()))),
    }
}

fn failed(path: &Path, error: &redb::Error) -> PluginError {
    let reason = match error {
        redb::Error::DatabaseAlreadyOpen | redb::Error::LockProtocolMismatch => {
            "the plugin's store is in use by another process: end that, or grant this plugin \
             another `storage.directory`"
                .into()
        }
        redb::Error::Io(error) if error.kind() != ErrorKind::InvalidData => {
            format!("the plugin's store cannot be opened: {error}")
        }
        other => format!(
            "the plugin's store is damaged, or no store ({other}): it was left as it is; put a \
             copy in its place, or move it away to begin with an empty one"
        ),
    };
    PluginError::Io { path: path.to_owned(), reason }
}

/// A file name for a plugin's id. Different for different ids also where the case of letters
/// does not count, and nothing but a name.
fn file_name(plugin: &str) -> Result<String, PluginError> {
    const MAX_LENGTH: usize = 200;
    let mut name = String::new();
    for (index, byte) in plugin.bytes().enumerate() {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' => name.push(byte.into()),
            b'.' if index > 0 => name.push('.'),
            _ => {
                let _ = write!(name, "%{byte:02X}");
            }
        }
    }
    if name.len() > MAX_LENGTH {
        return Err(PluginError::InvalidArgument(format!(
            "the plugin id {plugin:?} is too long to name the file of its store: use at most \
             {MAX_LENGTH} bytes, where all but a-z, 0-9, `_`, `-` and `.` count three"
        )));
    }
    name.push_str(".redb");
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_id_has_a_file_of_its_own_in_the_directory() {
        for (id, name) in [
            ("notes", "notes.redb"),
            ("a-b_c.d1", "a-b_c.d1.redb"),
            ("Notes", "%4Eotes.redb"),
            ("..", "%2E..redb"),
            ("../x", "%2E.%2Fx.redb"),
            ("a%4E", "a%254%45.redb"),
            ("ü\\", "%C3%BC%5C.redb"),
        ] {
            assert_eq!(file_name(id).unwrap(), name);
        }
        assert!(file_name(&"x".repeat(128)).is_ok());
        assert!(file_name(&"Ü".repeat(64)).is_err());
    }
}
