//! `ResourceLimits`: how much one plugin may use.

use std::time::Duration;

use bytesize::ByteSize;
use serde::{Deserialize, Serialize};

use crate::protocol::PluginError;

/// How much a plugin may use: per call, and as a whole.
///
/// Sizes are read and written as `"64MiB"` (or a number of bytes), times as `"500ms"`. The
/// limits are checked when a worker is built; see [`validate`](Self::validate).
///
/// ```
/// use std::time::Duration;
/// use plugin_sandbox::{ByteSize, ResourceLimits};
///
/// let mut limits = ResourceLimits::default();
/// limits.wall_time = Duration::from_millis(200);
/// limits.heap = ByteSize::mib(32);
/// limits.validate()?;
/// # Ok::<(), plugin_sandbox::PluginError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ResourceLimits {
    /// Per call: the longest time from the moment the worker takes the call up until its answer
    /// is ready, waiting for promises and turning the result into data included; time in the
    /// queue is not. Also for each start-up script.
    ///
    /// Default 5 s. Hit: [`PluginError::Timeout`], the plugin lives on with the state it had.
    /// A builtin that V8 cannot interrupt ends first.
    #[serde(with = "humantime_serde")]
    pub wall_time: Duration,

    /// Per call: the longest wait in the worker's queue.
    ///
    /// Default 30 s. Hit: [`PluginError::QueuedTooLong`] when the worker reaches the call, which
    /// then does not run.
    #[serde(with = "humantime_serde")]
    pub queue_time: Duration,

    /// Per plugin: the calls that may wait, the running one not counted.
    ///
    /// Default 1024. Hit: [`PluginError::Busy`] at once, nothing is queued.
    pub queue_length: usize,

    /// Per plugin: V8's old generation, in bytes, after garbage was collected. The young
    /// generation comes on top (3/32 of this, at least 6 MiB), and while a call is stopped V8
    /// may briefly go beyond to unwind it.
    ///
    /// Default 64 MiB, at least [`MIN_HEAP`](Self::MIN_HEAP). Hit:
    /// [`PluginError::MemoryLimitExceeded`]; the isolate is discarded and the worker builds a
    /// new one. `ArrayBuffer`s are counted by [`array_buffers`](Self::array_buffers).
    pub heap: ByteSize,

    /// Per plugin: the bytes behind all live `ArrayBuffer`s, as V8 asks the host for them.
    ///
    /// Default 64 MiB. Hit: the plugin gets a `RangeError` that it can catch; garbage is
    /// collected before it is refused. Resizable buffers, which V8 allocates past the host, are
    /// not counted.
    pub array_buffers: ByteSize,

    /// Per call and start-up script: the length of the source text in bytes of UTF-8.
    ///
    /// Default 2 MiB; parsing can take two hundred times the source in memory that no heap
    /// limit covers. Hit: [`PluginError::TooLarge`], nothing runs.
    pub source_size: ByteSize,

    /// Per call: the argument as JSON text, in bytes.
    ///
    /// Default 8 MiB. Hit: [`PluginError::TooLarge`] at once, nothing is queued.
    pub argument_size: ByteSize,

    /// Per call: the nesting of the argument's arrays and objects.
    ///
    /// Default 128. Hit: [`PluginError::TooLarge`] at once, nothing is queued.
    pub argument_depth: usize,

    /// Per call: the result, in bytes of JSON text, as it is read: a string counts its UTF-8,
    /// a number or keyword 8.
    ///
    /// Default 8 MiB. Hit: [`PluginError::TooLarge`]; the plugin lives on.
    pub result_size: ByteSize,

    /// Per call: the nesting of the result's arrays and objects.
    ///
    /// Default 128. Hit: [`PluginError::TooLarge`]; the plugin lives on.
    pub result_depth: usize,
}

impl Default for ResourceLimits {
    fn default() -> Self {
        Self {
            wall_time: Duration::from_secs(5),
            queue_time: Duration::from_secs(30),
            queue_length: 1024,
            heap: ByteSize::mib(64),
            array_buffers: ByteSize::mib(64),
            source_size: ByteSize::mib(2),
            argument_size: ByteSize::mib(8),
            argument_depth: 128,
            result_size: ByteSize::mib(8),
            result_depth: 128,
        }
    }
}

impl ResourceLimits {
    /// The smallest heap that a plugin can start in. V8 ends the process if it runs out while
    /// it reads its own start-up snapshot.
    pub const MIN_HEAP: ByteSize = ByteSize::mib(16);

    /// The largest heap. Below it, an array that grows by `push` or spread meets the heap limit
    /// before it meets V8's largest backing store, which ends the process.
    pub const MAX_HEAP: ByteSize = ByteSize::mib(512);

    /// The deepest nesting that a value may have on its way in or out: conversion walks it on
    /// the stack.
    pub const MAX_DEPTH: usize = 512;

    /// The longest [`wall_time`](Self::wall_time) and [`queue_time`](Self::queue_time).
    pub const MAX_TIME: Duration = Duration::from_secs(24 * 60 * 60);

    /// Checks each limit by itself and against the others.
    ///
    /// # Errors
    ///
    /// [`PluginError::InvalidLimit`] names the field and says what to do.
    pub fn validate(&self) -> Result<(), PluginError> {
        let fail = |field, reason: String| Err(PluginError::InvalidLimit { field, reason });
        for (field, time) in [("wall_time", self.wall_time), ("queue_time", self.queue_time)] {
            if time.is_zero() {
                return fail(field, "is zero: no call could ever run".into());
            }
            if time > Self::MAX_TIME {
                return fail(field, format!("{time:?} is more than {:?}", Self::MAX_TIME));
            }
        }
        if self.queue_length == 0 {
            return fail("queue_length", "is zero: no call could ever be queued".into());
        }
        if self.heap < Self::MIN_HEAP {
            let reason = format!(
                "{} is too small for V8 to start in; give at least {} (a bare number is bytes)",
                self.heap,
                Self::MIN_HEAP
            );
            return fail("heap", reason);
        }
        if self.heap > Self::MAX_HEAP {
            let reason = format!(
                "{} is more than {}, above which growing one array can end the process",
                self.heap,
                Self::MAX_HEAP
            );
            return fail("heap", reason);
        }
        for (field, size) in [
            ("source_size", self.source_size),
            ("argument_size", self.argument_size),
            ("result_size", self.result_size),
        ] {
            if size == ByteSize::b(0) {
                return fail(field, "is zero".into());
            }
            // A string in V8 has at most 2^29 - 24 units; leave room for the heap itself.
            if size > ByteSize::mib(256) {
                return fail(field, format!("{size} is more than 256 MiB"));
            }
        }
        for (field, depth) in
            [("argument_depth", self.argument_depth), ("result_depth", self.result_depth)]
        {
            if depth == 0 || depth > Self::MAX_DEPTH {
                return fail(field, format!("{depth} is not from 1 to {}", Self::MAX_DEPTH));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(change: impl FnOnce(&mut ResourceLimits)) -> (&'static str, String) {
        let mut limits = ResourceLimits::default();
        change(&mut limits);
        match limits.validate() {
            Err(PluginError::InvalidLimit { field, reason }) => (field, reason),
            other => panic!("accepted: {other:?}"),
        }
    }

    #[test]
    fn the_defaults_are_valid() {
        ResourceLimits::default().validate().unwrap();
    }

    #[test]
    fn bytes_taken_for_megabytes_are_refused_by_name() {
        let (field, reason) = refused(|limits| limits.heap = ByteSize::b(64));
        assert_eq!(field, "heap");
        assert!(reason.contains("bare number is bytes"), "{reason}");
    }

    #[test]
    fn absurd_values_are_refused_by_name() {
        assert_eq!(refused(|limits| limits.heap = ByteSize::gib(4)).0, "heap");
        assert_eq!(refused(|limits| limits.wall_time = Duration::ZERO).0, "wall_time");
        assert_eq!(refused(|limits| limits.queue_time = Duration::MAX).0, "queue_time");
        assert_eq!(refused(|limits| limits.queue_length = 0).0, "queue_length");
        assert_eq!(refused(|limits| limits.result_depth = 1_000_000).0, "result_depth");
        assert_eq!(refused(|limits| limits.source_size = ByteSize::b(0)).0, "source_size");
        assert_eq!(refused(|limits| limits.result_size = ByteSize::gib(1)).0, "result_size");
    }

    #[test]
    fn limits_are_read_as_people_write_them() {
        let limits: ResourceLimits =
            toml::from_str("heap = \"32MiB\"\nwall_time = \"250ms\"\n").unwrap();
        assert_eq!(limits.heap, ByteSize::mib(32));
        assert_eq!(limits.wall_time, Duration::from_millis(250));
        assert_eq!(limits.queue_length, ResourceLimits::default().queue_length);
        let json = serde_json::to_string(&limits).unwrap();
        assert_eq!(serde_json::from_str::<ResourceLimits>(&json).unwrap(), limits);
        assert!(toml::from_str::<ResourceLimits>("heep = \"32MiB\"").is_err());
    }
}
