//! `HostError`: why a host function has no answer.

/// The class of the JavaScript exception that a [`HostError`] becomes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorClass {
    /// `Error`
    #[default]
    Error,
    /// `TypeError`
    TypeError,
    /// `RangeError`
    RangeError,
}

/// Why a host function has no answer: the JavaScript exception that the plugin gets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct HostError {
    pub(crate) class: ErrorClass,
    pub(crate) code: Option<String>,
    pub(crate) message: String,
}

impl HostError {
    /// An `Error` with this message.
    pub fn new(message: impl Into<String>) -> Self {
        Self { class: ErrorClass::Error, code: None, message: message.into() }
    }

    /// A `TypeError`: the function was called with the wrong arguments.
    pub fn type_error(message: impl Into<String>) -> Self {
        Self { class: ErrorClass::TypeError, ..Self::new(message) }
    }

    /// A `RangeError`: an argument or a resource is beyond what there is.
    pub fn range(message: impl Into<String>) -> Self {
        Self { class: ErrorClass::RangeError, ..Self::new(message) }
    }

    /// The same with a `code`, by which the plugin can tell errors apart.
    #[must_use]
    pub fn with_code(mut self, code: impl Into<String>) -> Self {
        self.code = Some(code.into());
        self
    }
}
