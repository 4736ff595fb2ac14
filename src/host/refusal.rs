//! Refusals that network and commands have in common, as the plugin is told.

use super::audit::REFUSED;
use super::error::HostError;

/// The grant, or the host, says no.
pub(super) fn refused(why: impl Into<String>) -> HostError {
    HostError::type_error(why).with_code(REFUSED)
}

/// More than the grant, or a limit of ours, allows.
pub(super) fn too_large(what: impl Into<String>) -> HostError {
    HostError::range(what).with_code("E_TOO_LARGE")
}
