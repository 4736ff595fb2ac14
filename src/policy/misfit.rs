//! `Misfit`: a setting that cannot be, and which one it is.

use crate::protocol::PluginError;

/// A setting that is absurd or contradicts another, with the keys that lead to it in a config
/// file.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Misfit {
    /// From the outside to the inside; empty is the whole of what was checked.
    pub(crate) path: Vec<String>,
    pub(crate) error: PluginError,
}

impl Misfit {
    /// The setting under `key` is wrong.
    pub(super) fn of(key: &str, reason: String) -> Self {
        Self { path: vec![key.to_owned()], error: PluginError::InvalidArgument(reason) }
    }

    /// The same, seen from one level further out, where what was checked stands under `key`.
    pub(super) fn below(mut self, key: &str) -> Self {
        self.path.insert(0, key.to_owned());
        self
    }
}

impl From<Misfit> for PluginError {
    fn from(misfit: Misfit) -> Self {
        misfit.error
    }
}
