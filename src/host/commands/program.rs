//! A granted program with its directory, as found when the plugin was built.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cap_std::ambient_authority;
use cap_std::fs::Dir;

use super::refusal::io_error;
use crate::host::error::HostError;
use crate::host::refusal::refused;
use crate::policy::CommandGrant;
use crate::protocol::PluginError;

/// The directory that a grant names, open: whatever becomes of its path, this is the one.
#[derive(Clone)]
pub(super) struct Root {
    directory: Arc<Dir>,
    path: PathBuf,
}

/// A directory to run in.
pub(super) struct Directory {
    pub(super) open: Dir,
    /// For people, and for systems on which a process is not started in an open directory.
    pub(super) path: PathBuf,
}

impl Root {
    /// Checks the program, and opens the directory.
    pub(super) fn open(name: &str, grant: &CommandGrant) -> Result<Self, PluginError> {
        let refuse = |what: &str, path: &Path, why: &str| {
            let path = path.display();
            Err(PluginError::InvalidArgument(format!("command {name:?}: {what} {path}: {why}")))
        };
        match fs::metadata(&grant.program) {
            Ok(found) if found.is_file() && is_executable(&found) => {}
            Ok(_) => return refuse("program", &grant.program, "is no file that can be run"),
            Err(error) => return refuse("program", &grant.program, &error.to_string()),
        }
        // Absolute, as it is shown to people and may be used after the host has changed its own.
        let opened = std::path::absolute(&grant.directory).and_then(|path| {
            let directory = Dir::open_ambient_dir(&path, ambient_authority())?;
            Ok(Self { directory: Arc::new(directory), path })
        });
        opened.or_else(|error| refuse("directory", &grant.directory, &error.to_string()))
    }

    /// The directory below it that a plugin names, or itself. No `..`, absolute path or link
    /// leads out of it. Blocks.
    pub(super) fn below(&self, path: Option<&str>) -> Result<Directory, HostError> {
        let path = path.unwrap_or(".");
        let found = match path {
            "" | "." => self.directory.try_clone(),
            path => self.directory.open_dir(path),
        };
        let open = found.map_err(|error| match error.kind() {
            // Also what leads out; the library has no kind of its own for it.
            io::ErrorKind::PermissionDenied => refused("this directory cannot be used"),
            _ => io_error(&error),
        })?;
        Ok(Directory { open, path: self.path.join(path) })
    }
}

#[cfg(unix)]
fn is_executable(program: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    program.permissions().mode() & 0o111 != 0
}

#[cfg(not(unix))]
fn is_executable(_: &fs::Metadata) -> bool {
    true
}
