//! `ResourceLimits`: how much one plugin may use.

use std::time::Duration;

use bytesize::ByteSize;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::policy::{Hardening, Limit, Wake, limit, schema};
#[cfg(doc)]
use crate::protocol::PluginError;

/// How much a plugin may use: per call, and as a whole.
///
/// Sizes are read and written as `"64MiB"` (or a number of bytes), times as `"500ms"`, and a
/// [`Limit`] may be `"off"`. The limits are checked when a worker is built; see
/// [`validate`](Self::validate). What is shared by all plugins of the process is limited by
/// [`ProcessLimits`](crate::ProcessLimits).
///
/// There are three presets: [`strict`](Self::strict) for code of unknown origin,
/// [`default`](Self::default), and [`trusted`](Self::trusted) for one's own code, whose mistakes
/// are to be survived.
///
/// ```
/// use std::time::Duration;
/// use plugin_sandbox::{ByteSize, Limit, ResourceLimits};
///
/// let mut limits = ResourceLimits::strict();
/// limits.wall_time = Duration::from_millis(200);
/// limits.cpu_time = Limit::At(Duration::from_millis(100));
/// limits.heap = ByteSize::mib(48);
/// limits.validate()?;
/// # Ok::<(), plugin_sandbox::PluginError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ResourceLimits {
    /// Per call: the longest time from the moment the worker takes the call up until its answer
    /// is ready, waiting for promises and turning the result into data included; time in the
    /// queue is not. Also for each start-up script, and for each timer callback or host reply
    /// that runs between calls.
    ///
    /// Default 5 s (trusted 60 s). Hit: [`PluginError::Timeout`], the plugin lives
    /// on with the state it had. A builtin that V8 cannot interrupt ends first, or costs the
    /// plugin its isolate after [`grace`](Self::grace); see [`hardening`](Self::hardening).
    #[serde(with = "humantime_serde")]
    #[schemars(with = "schema::Time")]
    pub wall_time: Duration,

    /// Per call: the processor time that the plugin's thread may use, collections included;
    /// waiting does not count. Measured by the operating system's clock of that thread, to
    /// within a millisecond. V8's helper threads (concurrent marking and compilation) are not
    /// counted.
    ///
    /// Default off (strict 3 s). Hit: [`PluginError::CpuTimeExceeded`], the
    /// plugin lives on.
    #[serde(with = "limit::time")]
    #[schemars(with = "Limit<schema::Time>")]
    pub cpu_time: Limit<Duration>,

    /// Per call: how long after it was told a call may take to stop. Then its caller is
    /// answered, its thread is given up ([quarantined](crate::ProcessLimits::quarantined)), and
    /// a fresh one takes its place.
    ///
    /// Default 1.5 s (strict 1 s, trusted 10 s).
    #[serde(with = "humantime_serde")]
    #[schemars(with = "schema::Time")]
    pub grace: Duration,

    /// Per plugin: how many calls a second may be made, measured as a token bucket that holds
    /// as many tokens as this number.
    ///
    /// Default off (strict 1000, trusted off). Hit: [`PluginError::RateLimited`] at once,
    /// nothing is queued.
    pub calls_per_second: Limit<u32>,

    /// Per call: the longest wait in the worker's queue.
    ///
    /// Default 30 s. Hit: [`PluginError::QueuedTooLong`] when the worker reaches the call, which
    /// then does not run.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "schema::Time")]
    pub queue_time: Duration,

    /// Per plugin: the calls that may wait, the running one not counted.
    ///
    /// Default 1024 (strict 64). Hit: [`PluginError::Busy`] at once, nothing is queued.
    pub queue_length: usize,

    /// Per plugin: V8's old generation, in bytes, after garbage was collected; seven eighths of
    /// it in use count as full. The [young generation](Self::young_generation) comes on top, and
    /// while a call is stopped V8 may briefly go beyond to unwind it.
    ///
    /// Default 64 MiB (trusted 256 MiB), at least
    /// [`MIN_HEAP`](Self::MIN_HEAP). Hit: [`PluginError::MemoryLimitExceeded`]; the isolate is
    /// discarded and the worker builds a new one. `ArrayBuffer`s are counted by
    /// [`array_buffers`](Self::array_buffers); all memory that V8 knows of, in the heap and
    /// outside, is held to four times this limit.
    #[schemars(with = "schema::Size")]
    pub heap: ByteSize,

    /// Per plugin: V8's young generation, in bytes, on top of [`heap`](Self::heap): where objects
    /// begin, a third of it in use at a time. The larger it is, the more of them are garbage
    /// before V8 looks at them: with 6 MiB a formatter from npm takes 1.3 times as long as with
    /// 24 MiB. It grows with use; an idle plugin has a megabyte or two of it.
    ///
    /// Default off: three eighths of `heap`, but from 6 MiB to 48 MiB. From 3 MiB to 192 MiB; V8
    /// takes a third of it, rounded down to a power of two, for each part.
    #[schemars(with = "Limit<schema::Size>")]
    pub young_generation: Limit<ByteSize>,

    /// Per plugin: the bytes behind all live `ArrayBuffer`s, as V8 asks the host for them.
    ///
    /// Default 64 MiB (strict 16 MiB, trusted 256 MiB). Hit: the plugin gets a `RangeError`
    /// that it can catch; garbage is collected before it is refused. With
    /// [`Hardening::Off`], resizable buffers, which V8 allocates past the host, are not counted
    /// here but against four times [`heap`](Self::heap).
    #[schemars(with = "schema::Size")]
    pub array_buffers: ByteSize,

    /// Per plugin: the addresses that are set aside for machine code, in bytes. Only as much as
    /// is used becomes memory, which counts against [`heap`](Self::heap).
    ///
    /// Default off: as much as V8 takes for itself (512 MiB, on ARM 256 MiB). From
    /// [`MIN_CODE_RANGE`](Self::MIN_CODE_RANGE) to
    /// [`MAX_CODE_RANGE`](Self::MAX_CODE_RANGE), in whole MiB, and not less than [`heap`](Self::heap), so that
    /// the heap is full first: V8 does not survive running out of it.
    #[schemars(with = "Limit<schema::Size>")]
    pub code_range: Limit<ByteSize>,

    /// Per plugin: the stack that its code may use, in bytes.
    ///
    /// Default 960 KiB, which is the most (strict 512 KiB). Hit: a `RangeError` that the plugin
    /// can catch. On Windows this cannot be set lower.
    #[schemars(with = "schema::Size")]
    pub stack: ByteSize,

    /// Per call and start-up script: the length of the source text in bytes of UTF-8.
    ///
    /// Default 2 MiB (strict 512 KiB, trusted 16 MiB); parsing can take two hundred times the
    /// source in memory that no heap limit covers. Hit: [`PluginError::TooLarge`], nothing runs.
    #[schemars(with = "schema::Size")]
    pub source_size: ByteSize,

    /// Per call: the argument as JSON text, in bytes. Also for what a host function answers.
    ///
    /// Default 8 MiB (strict 1 MiB, trusted 64 MiB). Hit: [`PluginError::TooLarge`] at once,
    /// nothing is queued.
    #[schemars(with = "schema::Size")]
    pub argument_size: ByteSize,

    /// Per call: the nesting of the argument's arrays and objects.
    ///
    /// Default 128 (strict 32, trusted 256). Hit: [`PluginError::TooLarge`] at once, nothing is
    /// queued.
    pub argument_depth: usize,

    /// Per call: the result, in bytes of JSON text, as it is read: a string counts its UTF-8,
    /// a number or keyword 8. Also for the arguments of a host function together.
    ///
    /// Default 8 MiB (strict 1 MiB, trusted 64 MiB). Hit: [`PluginError::TooLarge`]; the plugin
    /// lives on.
    #[schemars(with = "schema::Size")]
    pub result_size: ByteSize,

    /// Per call: the nesting of the result's arrays and objects.
    ///
    /// Default 128 (strict 32, trusted 256). Hit: [`PluginError::TooLarge`]; the plugin lives
    /// on.
    pub result_depth: usize,

    /// Per call: console output, in bytes of text.
    ///
    /// Default 1 MiB (strict 64 KiB, trusted off). Hit: the rest is dropped and counted in
    /// [`WorkerStats::console_bytes_dropped`](crate::WorkerStats::console_bytes_dropped), which
    /// the console is told once a call.
    #[schemars(with = "Limit<schema::Size>")]
    pub console_bytes_per_call: Limit<ByteSize>,

    /// Per plugin: console output in any second, in bytes of text.
    ///
    /// Default 4 MiB (strict 256 KiB, trusted off). Hit: as
    /// [`console_bytes_per_call`](Self::console_bytes_per_call).
    #[schemars(with = "Limit<schema::Size>")]
    pub console_bytes_per_second: Limit<ByteSize>,

    /// Per plugin: timers that are set and have not fired or been cleared.
    ///
    /// Default 1024 (strict 64, trusted 65536). Hit: a `RangeError` in `setTimeout`.
    pub timers: usize,

    /// Per plugin: asynchronous host functions that have not answered.
    ///
    /// Default 256 (strict 16, trusted 4096). Hit: a `RangeError` in the function. What
    /// they were called with, and answers that the plugin is too busy to take, are each bounded
    /// by [`array_buffers`](Self::array_buffers) together: beyond it, a `RangeError` with the code
    /// `E_TOO_LARGE`.
    pub pending_host_calls: usize,

    /// Per plugin: events of `plugin.emit` that wait for the host to read them. Together they
    /// hold at most [`result_size`](Self::result_size).
    ///
    /// Default 1024 (strict 64, trusted 65536). Hit: the event is dropped, `plugin.emit` answers
    /// `false`, and
    /// [`WorkerStats::events_dropped`](crate::WorkerStats::events_dropped) counts it.
    pub events: usize,

    /// Per plugin: which builtins that could end the process, or that V8 cannot interrupt, are
    /// guarded.
    ///
    /// Default [`Hardening::Full`] (trusted [`Hardening::AbortOnly`]).
    pub hardening: Hardening,

    /// Per plugin: how long its worker's thread, and whoever waits for an answer without an
    /// executor, stay awake on a processor core for what may be about to come.
    ///
    /// Default [`Wake::Adaptive`]: while that has lately paid (strict [`Wake::Park`]: not at all).
    pub wake: Wake,
}

impl ResourceLimits {
    /// The smallest heap that a plugin can start in. V8 ends the process if it runs out while
    /// it reads its own start-up snapshot.
    pub const MIN_HEAP: ByteSize = ByteSize::mib(16);

    /// The largest heap. Below it, an array that grows by `push` or spread meets the heap limit
    /// before it meets V8's largest backing store, which ends the process.
    pub const MAX_HEAP: ByteSize = ByteSize::mib(512);

    /// The smallest code range: V8 would round a smaller one up to it.
    pub const MIN_CODE_RANGE: ByteSize = ByteSize::mib(64);

    /// The largest code range: beyond it, V8's code could not call its own by near calls.
    pub const MAX_CODE_RANGE: ByteSize =
        ByteSize::mib(if cfg!(target_arch = "x86_64") { 512 } else { 256 });

    /// The most stack that plugins may use: V8's own limit is one for the process.
    pub const MAX_STACK: ByteSize = ByteSize::kib(960);

    /// The deepest nesting that a value may have on its way in or out: conversion walks it on
    /// the stack.
    pub const MAX_DEPTH: usize = 512;

    /// The longest [`wall_time`](Self::wall_time) and [`queue_time`](Self::queue_time).
    pub const MAX_TIME: Duration = Duration::from_secs(24 * 60 * 60);

    /// How large the young generation may become.
    pub(crate) fn young_generation_size(&self) -> ByteSize {
        let usual = ByteSize::b(self.heap.as_u64() / 8 * 3);
        let usual = usual.clamp(ByteSize::mib(6), ByteSize::mib(48));
        self.young_generation.at().unwrap_or(usual)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read_and_written_as_people_write_them() {
        let file = "heap = \"32MiB\"\nwall_time = \"250ms\"\ncpu_time = \"100ms\"\n\
                    console_bytes_per_call = \"off\"\nhardening = \"abort_only\"";
        let limits: ResourceLimits = toml::from_str(file).unwrap();
        assert_eq!(limits.heap, ByteSize::mib(32));
        assert_eq!(limits.wall_time, Duration::from_millis(250));
        assert_eq!(limits.cpu_time, Limit::At(Duration::from_millis(100)));
        assert_eq!(limits.console_bytes_per_call, Limit::Off);
        assert_eq!(limits.hardening, Hardening::AbortOnly);
        assert_eq!(limits.queue_length, ResourceLimits::default().queue_length);
        for limits in [limits, ResourceLimits::strict(), ResourceLimits::trusted()] {
            let json = serde_json::to_string(&limits).unwrap();
            assert_eq!(serde_json::from_str::<ResourceLimits>(&json).unwrap(), limits);
        }
    }

    #[test]
    fn what_is_no_limit_is_refused_with_its_place() {
        for (file, said) in [
            ("heep = \"32MiB\"", "heep"),
            ("cpu_time = \"soon\"", "line 1"),
            ("console_bytes_per_call = \"of\"", "line 1"),
            ("calls_per_second = -1", "line 1"),
        ] {
            let error = toml::from_str::<ResourceLimits>(file).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
    }
}
