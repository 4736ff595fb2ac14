//! `Capability`: a part of the plugin's world that is there or is not.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::protocol::PluginError;

/// Something a plugin may be granted by its name alone. What is not granted is absent from its
/// global object.
///
/// What needs to be told more of (which directory, which origin) has a grant of its own in
/// [`PluginCapabilities`](crate::PluginCapabilities).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Capability {
    /// `performance.now` and `performance.timeOrigin`, as precise as
    /// [`PluginCapabilities::clock`](crate::PluginCapabilities::clock) says. `Date` is part of
    /// the language and always there.
    Clock,
    /// `eval`, `Function(text)` and the constructors of async and generator functions.
    ///
    /// Without it they are there, as the language's own objects lead to them, and throw an
    /// `EvalError`.
    CodeGeneration,
    /// `TextEncoder`, `TextDecoder`, `atob`, `btoa`. Granted by default.
    Encoding,
    /// `Intl` and all that hangs on it. Its objects live outside every heap limit: grant it to
    /// plugins you trust with memory.
    Intl,
    /// `crypto.getRandomValues` and `crypto.randomUUID`, from the source that
    /// [`PluginCapabilities::randomness`](crate::PluginCapabilities::randomness) names.
    /// `Math.random` is part of the language.
    Random,
    /// `ArrayBuffer`s that grow: `maxByteLength`, `resize`. V8 allocates them past the host, so
    /// they count against four times the heap limit and not against
    /// [`array_buffers`](crate::ResourceLimits::array_buffers).
    ResizableBuffers,
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
    /// `URL`, `URLSearchParams`, `structuredClone`, `queueMicrotask`, `AbortController`,
    /// `AbortSignal`, `Event`, `CustomEvent`, `EventTarget`, `DOMException`. Granted by default.
    Web,
}

impl Capability {
    /// Every capability, in the order of their names.
    pub const ALL: [Self; 12] = [
        Self::Clock,
        Self::CodeGeneration,
        Self::Encoding,
        Self::Intl,
        Self::Random,
        Self::ResizableBuffers,
        Self::SharedMemory,
        Self::Temporal,
        Self::Timers,
        Self::Wasm,
        Self::WeakReferences,
        Self::Web,
    ];

    /// The name that manifests and config files use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Clock => "clock",
            Self::CodeGeneration => "code_generation",
            Self::Encoding => "encoding",
            Self::Intl => "intl",
            Self::Random => "random",
            Self::ResizableBuffers => "resizable_buffers",
            Self::SharedMemory => "shared_memory",
            Self::Temporal => "temporal",
            Self::Timers => "timers",
            Self::Wasm => "wasm",
            Self::WeakReferences => "weak_references",
            Self::Web => "web",
        }
    }

    /// What it lets a plugin do, for people: the end of "the plugin may …".
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Clock => "measure time with performance.now",
            Self::CodeGeneration => "make code from text (eval, Function)",
            Self::Encoding => "convert text and bytes (TextEncoder, TextDecoder, atob, btoa)",
            Self::Intl => "format for people of any language (Intl), outside its memory limits",
            Self::Random => "draw random bytes and UUIDs (crypto)",
            Self::ResizableBuffers => "make ArrayBuffers that grow",
            Self::SharedMemory => "use SharedArrayBuffer and Atomics",
            Self::Temporal => "reckon with dates through Temporal",
            Self::Timers => "run code later (setTimeout, setInterval), also between calls",
            Self::Wasm => "compile and run WebAssembly, whose code no limit counts",
            Self::WeakReferences => "see when objects are collected (WeakRef)",
            Self::Web => "use the pure web APIs (URL, events, structuredClone)",
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
