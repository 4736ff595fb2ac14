//! Why something inside the guarded window has no value.

use crate::protocol::PluginError;

/// Why something inside the guarded window has no value.
#[derive(Debug)]
pub(super) enum Failure {
    /// V8 returned nothing: an exception is in the innermost `TryCatch`, or the call is being
    /// stopped.
    Thrown,
    /// We refused or described it ourselves.
    Error(PluginError),
}

impl From<PluginError> for Failure {
    fn from(error: PluginError) -> Self {
        Self::Error(error)
    }
}

/// What V8 gives: `None` where an exception is pending.
pub(super) trait OrThrown<T> {
    fn or_thrown(self) -> Result<T, Failure>;
}

impl<T> OrThrown<T> for Option<T> {
    fn or_thrown(self) -> Result<T, Failure> {
        self.ok_or(Failure::Thrown)
    }
}
