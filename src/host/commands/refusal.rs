//! Why a command did not run or was killed, as the plugin is told.

use std::io;

use crate::host::error::HostError;

/// The system says no. Its text would name what is the host's; its kind does not.
pub(super) fn io_error(error: &io::Error) -> HostError {
    let code = match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => "E_NOT_FOUND",
        _ => "E_IO",
    };
    HostError::new(error.kind().to_string()).with_code(code)
}
