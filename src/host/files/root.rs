//! `Root`: a granted directory, opened once; and `Target`, what a path leads to in it.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cap_std::fs::Dir;

use super::failure::{of_system, refused};
use super::path::PluginPath;
use super::usage::{self, Usage};
use crate::host::error::HostError;
use crate::policy::FileRoot;
use crate::protocol::PluginError;

/// A directory that was granted. It stays the same one, whatever is put at its path later.
pub(super) struct Root {
    pub(super) dir: Dir,
    usage: Arc<Mutex<Usage>>,
}

impl Root {
    pub(super) fn open(path: &Path) -> Result<Self, PluginError> {
        let open = || {
            let dir = Dir::open_ambient_dir(path, cap_std::ambient_authority())?;
            Ok((dir, path.canonicalize()?))
        };
        let (dir, canonical) = open().map_err(|error: std::io::Error| PluginError::Io {
            path: path.to_owned(),
            reason: format!("a plugin's files cannot be here: {error}"),
        })?;
        Ok(Self { dir, usage: usage::shared(canonical) })
    }

    /// How full it is, for as long as it is being changed: changes come one at a time, so that
    /// none is admitted on another's room.
    pub(super) fn usage(&self) -> MutexGuard<'_, Usage> {
        self.usage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a path leads to, and what is granted there.
pub(super) struct Target {
    pub(super) root: Arc<Root>,
    pub(super) grant: FileRoot,
    pub(super) path: PluginPath,
}

impl Target {
    /// The directory that it is in, and its name there.
    pub(super) fn parent(&self) -> Result<(Dir, &str), HostError> {
        let Some((parent, name)) = self.path.split() else {
            return Err(refused(format!("{:?} is a root itself", self.path.as_str())));
        };
        let parent = self.root.dir.open_dir(parent).map_err(|error| self.failed(&error))?;
        Ok((parent, name))
    }

    pub(super) fn failed(&self, error: &std::io::Error) -> HostError {
        of_system(&self.path, error)
    }
}
