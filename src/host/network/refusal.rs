//! Why a request has no response, as the plugin is told.

use super::fetcher::FetchError;
use crate::host::error::HostError;
use crate::host::refusal::refused;

/// It could not be done.
pub(super) fn failed(why: impl Into<String>) -> HostError {
    HostError::type_error(why).with_code("E_NETWORK")
}

impl From<FetchError> for HostError {
    fn from(error: FetchError) -> Self {
        match error {
            FetchError::Refused(why) => refused(why),
            FetchError::Failed(why) => failed(why),
        }
    }
}
