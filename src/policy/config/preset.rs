//! `Preset`: limits by a name.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::policy::ResourceLimits;

/// Limits by a name: each of [`ResourceLimits`]' presets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Preset {
    /// [`ResourceLimits::strict`]: for code of unknown origin.
    Strict,
    /// [`ResourceLimits::default`].
    #[default]
    Default,
    /// [`ResourceLimits::trusted`]: for code of one's own, whose mistakes are to be survived.
    Trusted,
}

impl Preset {
    /// The limits of this name.
    pub fn limits(self) -> ResourceLimits {
        match self {
            Self::Strict => ResourceLimits::strict(),
            Self::Default => ResourceLimits::default(),
            Self::Trusted => ResourceLimits::trusted(),
        }
    }

    /// The name that config files use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Strict => "strict",
            Self::Default => "default",
            Self::Trusted => "trusted",
        }
    }
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
