//! Errors as a plugin is told them: its own path and a code, never a path of the host's.

use std::io::{Error, ErrorKind};

use super::path::PluginPath;
use crate::host::audit::REFUSED;
use crate::host::error::HostError;

pub(super) const E_NOT_FOUND: &str = "E_NOT_FOUND";
pub(super) const E_EXISTS: &str = "E_EXISTS";
pub(super) const E_NOT_A_FILE: &str = "E_NOT_A_FILE";
pub(super) const E_NOT_A_DIRECTORY: &str = "E_NOT_A_DIRECTORY";
pub(super) const E_NOT_EMPTY: &str = "E_NOT_EMPTY";
pub(super) const E_TOO_LARGE: &str = "E_TOO_LARGE";
pub(super) const E_QUOTA: &str = "E_QUOTA";
pub(super) const E_ENCODING: &str = "E_ENCODING";
pub(super) const E_IO: &str = "E_IO";

/// It is not allowed.
pub(super) fn refused(message: impl Into<String>) -> HostError {
    HostError::new(message).with_code(REFUSED)
}

/// It is allowed, and cannot be.
pub(super) fn failed(code: &str, path: &PluginPath, what: &str) -> HostError {
    HostError::new(format!("{:?} {what}", path.as_str())).with_code(code)
}

/// A limit was hit.
pub(super) fn beyond(code: &str, path: &PluginPath, what: &str) -> HostError {
    HostError::range(format!("{:?} {what}", path.as_str())).with_code(code)
}

/// What the system said. Its own words are kept out: some of them contain paths.
pub(super) fn of_system(path: &PluginPath, error: &Error) -> HostError {
    let (code, what) = match error.kind() {
        ErrorKind::NotFound => (E_NOT_FOUND, "does not exist"),
        ErrorKind::AlreadyExists => (E_EXISTS, "exists already"),
        ErrorKind::IsADirectory => (E_NOT_A_FILE, "is a directory"),
        ErrorKind::NotADirectory => (E_NOT_A_DIRECTORY, "is no directory, or not in one"),
        ErrorKind::DirectoryNotEmpty => (E_NOT_EMPTY, "is not empty"),
        // `cap_std` says so itself; the system would have a number for it.
        ErrorKind::PermissionDenied if error.raw_os_error().is_none() => {
            (REFUSED, "leads out of its root")
        }
        ErrorKind::PermissionDenied => (REFUSED, "is not the host's to use so"),
        ErrorKind::ReadOnlyFilesystem => (REFUSED, "is on a read-only file system"),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => (E_IO, "has no room on the disk"),
        ErrorKind::InvalidFilename => (E_IO, "has a name that the file system does not take"),
        _ if is_circle(error) => (REFUSED, "leads through too many links"),
        _ => (E_IO, "failed in the file system"),
    };
    failed(code, path, what)
}

fn is_circle(error: &Error) -> bool {
    #[cfg(unix)]
    return error.raw_os_error() == Some(libc::ELOOP);
    #[cfg(not(unix))]
    return {
        let _ = error;
        false
    };
}
