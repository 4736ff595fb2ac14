//! `PluginCapabilities`: what a plugin is granted beyond the bare language.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::protocol::PluginError;

/// Something a plugin may be granted. What is not granted is absent from its global object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Capability {
    /// `eval`, `Function(text)` and the constructors of async and generator functions.
    ///
    /// Without it they are there, as the language's own objects lead to them, and throw an
    /// `EvalError`.
    CodeGeneration,
    /// `Intl` and all that hangs on it. Its objects live outside every heap limit: grant it to
    /// plugins you trust with memory.
    Intl,
    /// `SharedArrayBuffer` and `Atomics` (without `Atomics.wait`).
    SharedMemory,
    /// `Temporal`.
    Temporal,
    /// `setTimeout`, `setInterval`, `clearTimeout`, `clearInterval`. Their callbacks run during
    /// the plugin's calls, while these wait for a promise, and between them; each under the
    /// limits of a call.
    Timers,
    /// `WebAssembly`. Its memories count against four times the heap limit, its code against
    /// nothing.
    Wasm,
    /// `WeakRef` and `FinalizationRegistry`.
    WeakReferences,
}

impl Capability {
    /// Every capability, in the order of their names.
    pub const ALL: [Self; 7] = [
        Self::CodeGeneration,
        Self::Intl,
        Self::SharedMemory,
        Self::Temporal,
        Self::Timers,
        Self::Wasm,
        Self::WeakReferences,
    ];

    /// The name that manifests and config files use.
    pub fn name(self) -> &'static str {
        match self {
            Self::CodeGeneration => "code_generation",
            Self::Intl => "intl",
            Self::SharedMemory => "shared_memory",
            Self::Temporal => "temporal",
            Self::Timers => "timers",
            Self::Wasm => "wasm",
            Self::WeakReferences => "weak_references",
        }
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Capability {
    type Err = PluginError;

    fn from_str(name: &str) -> Result<Self, PluginError> {
        Self::ALL.into_iter().find(|capability| capability.name() == name).ok_or_else(|| {
            let known = Self::ALL.map(Self::name).join(", ");
            PluginError::InvalidArgument(format!("unknown capability {name:?}; there are: {known}"))
        })
    }
}

/// The set of capabilities that the host grants to one plugin. The default grants nothing: the
/// plugin has the language, `console` and `plugin`.
///
/// ```
/// use plugin_sandbox::{Capability, PluginCapabilities};
///
/// let capabilities = PluginCapabilities::none().grant(Capability::Intl);
/// assert!(capabilities.has(Capability::Intl));
/// assert!(!capabilities.has(Capability::Wasm));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PluginCapabilities {
    granted: BTreeSet<Capability>,
}

impl PluginCapabilities {
    /// Nothing but the language; the same as `default()`.
    pub fn none() -> Self {
        Self::default()
    }

    /// These, and `capability`.
    #[must_use]
    pub fn grant(mut self, capability: Capability) -> Self {
        self.granted.insert(capability);
        self
    }

    /// Whether `capability` is granted.
    pub fn has(&self, capability: Capability) -> bool {
        self.granted.contains(&capability)
    }

    /// What is granted, in the order of the names.
    pub fn iter(&self) -> impl Iterator<Item = Capability> + '_ {
        self.granted.iter().copied()
    }
}

impl FromIterator<Capability> for PluginCapabilities {
    fn from_iter<I: IntoIterator<Item = Capability>>(capabilities: I) -> Self {
        Self { granted: capabilities.into_iter().collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_read_back_and_is_the_name_that_serde_uses() {
        for capability in Capability::ALL {
            assert_eq!(capability.name().parse(), Ok(capability));
            assert_eq!(serde_json::to_value(capability).unwrap(), capability.name());
        }
        let names: Vec<_> = Capability::ALL.iter().map(|capability| capability.name()).collect();
        assert!(names.is_sorted());
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_known_ones() {
        let error = "filesystem".parse::<Capability>().unwrap_err().to_string();
        assert!(error.contains("filesystem") && error.contains("shared_memory"), "{error}");
    }
}
