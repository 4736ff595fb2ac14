//! Why a request has no response, as the plugin is told.

use super::fetcher::FetchError;
use crate::host::audit::REFUSED;
use crate::host::error::HostError;

/// The grant says no.
pub(super) fn refused(why: impl Into<String>) -> HostError {
    HostError::type_error(why).with_code(REFUSED)
}

/// It could not be done.
pub(super) fn failed(why: impl Into<String>) -> HostError {
    HostError::type_error(why).with_code("E_NETWORK")
}

/// More than the grant, or a limit of ours, allows.
pub(super) fn too_large(what: impl Into<String>) -> HostError {
    HostError::range(what).with_code("E_TOO_LARGE")
}

impl From<FetchError> for HostError {
    fn from(error: FetchError) -> Self {
        match error {
            FetchError::Refused(why) => refused(why),
            FetchError::Failed(why) => failed(why),
        }
    }
}
