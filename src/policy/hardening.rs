//! `Hardening`: how far the language's builtins are guarded.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How far builtins are guarded that could end the process or that V8 cannot interrupt.
///
/// Guarded ones behave as the language says up to a size far beyond ordinary use (most up to
/// 2<sup>24</sup> elements); beyond it they throw a `RangeError`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Hardening {
    /// Builtins that could end the process, and those that could run for longer than a plugin
    /// may without noticing that they are to stop.
    #[default]
    Full,
    /// Only builtins that could end the process. One that cannot be interrupted costs its caller
    /// nothing, but the plugin its isolate, and the process a
    /// [quarantined](crate::ProcessLimits::quarantined) thread.
    AbortOnly,
    /// None. For plugins that are trusted not to be hostile.
    Off,
}
