//! `V8Options`: how V8 runs, for the whole process.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::misfit::Misfit;
use super::{Capability, PluginCapabilities};

/// How V8 runs, for the whole process. Set with [`set_v8_options`](crate::set_v8_options) before
/// the first plugin is built; V8 then freezes it.
///
/// What is per plugin is in [`ResourceLimits`](crate::ResourceLimits):
/// [`heap`](crate::ResourceLimits::heap),
/// [`young_generation`](crate::ResourceLimits::young_generation),
/// [`code_range`](crate::ResourceLimits::code_range).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct V8Options {
    /// Per process: no machine code is made while the process runs, and no memory is executable
    /// that is of no file. Hot loops take about three times as long. There is no
    /// `WebAssembly`: granting [`Capability::Wasm`] is an error.
    ///
    /// Default no.
    pub jitless: bool,

    /// Per process: hot code is compiled on the plugin's own thread, while the plugin waits.
    ///
    /// By default V8 compiles beside the plugin, and a function that is being compiled does not
    /// look whether it is to stop for the next 2<sup>30</sup> bytes of bytecode, unless its loop
    /// has been compiled before. An empty loop is thus stopped half a second late if the call that
    /// it is in is the very one with which V8 begins to compile its function. One that was warmed up
    /// for it, and whose steps take milliseconds (comparing long strings), is not stopped within
    /// any grace, which costs its thread. With this both stop at once, and compiling counts as the
    /// plugin's processor time. In turn large programs take up to twice as long until they are
    /// warm, and functions of more than 16 KiB of bytecode are not compiled to the last.
    ///
    /// Default no.
    pub synchronous_compilation: bool,

    /// Per process: the threads that V8 compiles and collects on beside the plugins' own, at
    /// most [`MAX_THREADS`](Self::MAX_THREADS).
    ///
    /// Default 0: one less than there are processors, at most as many as above.
    #[schemars(range(max = 16))]
    pub platform_threads: u32,
}

impl V8Options {
    /// The most threads that V8 makes for itself.
    pub const MAX_THREADS: u32 = 16;

    /// Checks each option by itself.
    pub(crate) fn validate(self) -> Result<(), Misfit> {
        if self.platform_threads > Self::MAX_THREADS {
            let (asked, most) = (self.platform_threads, Self::MAX_THREADS);
            let reason = format!("platform_threads: {asked} is more than {most}");
            return Err(Misfit::of("platform_threads", reason));
        }
        Ok(())
    }

    /// Checks that a plugin with these capabilities can run.
    pub(crate) fn check(self, granted: &PluginCapabilities) -> Result<(), Misfit> {
        if self.jitless && granted.has(Capability::Wasm) {
            let reason =
                "`wasm` is granted and V8 is `jitless`, which leaves no WebAssembly: take \
                          one of them away"
                    .to_owned();
            return Err(Misfit::of("jitless", reason));
        }
        Ok(())
    }
}
