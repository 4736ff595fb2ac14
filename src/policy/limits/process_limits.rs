//! `ProcessLimits`: what all plugins of the process may use together.

use bytesize::ByteSize;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::policy::{Limit, schema};

/// What all plugins of the process may use together. One for the process; set with
/// [`set_process_limits`](crate::set_process_limits).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ProcessLimits {
    /// Per process: the sum of [`heap`](crate::ResourceLimits::heap) and
    /// [`array_buffers`](crate::ResourceLimits::array_buffers) of all isolates that exist, in
    /// bytes. What they might use, not what they do.
    ///
    /// Default off. Hit: [`PluginError::ProcessLimit`](crate::PluginError::ProcessLimit) when a
    /// plugin is started; those that run are not touched.
    #[schemars(with = "Limit<schema::Size>")]
    pub admitted_memory: Limit<ByteSize>,

    /// Per process: the resident memory above which nothing more is begun, in bytes; all of the
    /// process counts. Read at most ten times a second. Linux only: elsewhere it must be off.
    ///
    /// Default off. Hit: [`PluginError::ProcessLimit`](crate::PluginError::ProcessLimit) when a
    /// plugin is started or a call made; what runs goes on.
    #[schemars(with = "Limit<schema::Size>")]
    pub resident_memory: Limit<ByteSize>,

    /// Per process: how many threads may be in quarantine, given up because a call did not stop
    /// or ran V8 out of all memory. Each keeps its memory, and may keep a processor busy until
    /// its call ends by itself.
    ///
    /// Default 8. Hit: a worker that loses its thread gets no other;
    /// [`PluginError::ProcessLimit`](crate::PluginError::ProcessLimit) is what its calls, and
    /// starting a plugin, answer.
    pub quarantined: usize,

    /// Per process: the bytes of plugins' scripts, as text and compiled, that are kept for the next
    /// isolate that starts with the same scripts: another worker of the plugin, one of a
    /// [`WorkerPool`](crate::WorkerPool), one that is built anew after a fault. It then begins
    /// with what V8 has compiled for an earlier one, and so does its first call.
    ///
    /// A script is kept in this way from the second isolate on that has compiled it, right after
    /// that one's first call. Never on disk. Nothing that a script did is in it.
    ///
    /// Default 64 MiB; `0` keeps none. Hit: scripts that were not wanted for long are forgotten.
    #[schemars(with = "schema::Size")]
    pub code_cache: ByteSize,
}

impl Default for ProcessLimits {
    fn default() -> Self {
        Self {
            admitted_memory: Limit::Off,
            resident_memory: Limit::Off,
            quarantined: 8,
            code_cache: ByteSize::mib(64),
        }
    }
}
