//! Which [`ResourceLimits`] are absurd, by themselves or together.

use std::time::Duration;

use bytesize::ByteSize;

use super::ResourceLimits;
use crate::policy::{Limit, Wake};
use crate::protocol::PluginError;

impl ResourceLimits {
    /// Checks each limit by itself and against the others.
    ///
    /// # Errors
    ///
    /// [`PluginError::InvalidLimit`] names the field and says what to do.
    pub fn validate(&self) -> Result<(), PluginError> {
        self.validate_times()?;
        self.validate_sizes()?;
        for (field, depth) in
            [("argument_depth", self.argument_depth), ("result_depth", self.result_depth)]
        {
            if depth == 0 || depth > Self::MAX_DEPTH {
                return refuse(field, format!("{depth} is not from 1 to {}", Self::MAX_DEPTH));
            }
        }
        if self.queue_length == 0 {
            return refuse("queue_length", "is zero: no call could ever be queued");
        }
        if self.calls_per_second == Limit::At(0) {
            return refuse("calls_per_second", "is zero: no call could ever run; or \"off\"");
        }
        Ok(())
    }

    fn validate_times(&self) -> Result<(), PluginError> {
        for (field, time) in [
            ("wall_time", self.wall_time),
            ("queue_time", self.queue_time),
            ("grace", self.grace),
            ("cpu_time", self.cpu_time.at().unwrap_or(Self::MAX_TIME)),
        ] {
            Self::validate_time(field, time)?;
        }
        if let Wake::Spin { up_to } = self.wake
            && (up_to.is_zero() || up_to > Wake::MAX_SPIN)
        {
            let reason = format!("up_to: {up_to:?} is not from 1ns to {:?}", Wake::MAX_SPIN);
            return refuse("wake", reason);
        }
        match self.cpu_time.at() {
            Some(cpu_time) if cpu_time > self.wall_time => refuse(
                "cpu_time",
                format!(
                    "{cpu_time:?} could never be reached within wall_time, {:?}; lower it, or \
                     turn it \"off\"",
                    self.wall_time
                ),
            ),
            _ => Ok(()),
        }
    }

    pub(crate) fn validate_time(field: &'static str, time: Duration) -> Result<(), PluginError> {
        if time.is_zero() {
            return refuse(field, "is zero: no call could ever run");
        }
        if time > Self::MAX_TIME {
            return refuse(field, format!("{time:?} is more than {:?}", Self::MAX_TIME));
        }
        Ok(())
    }

    fn validate_sizes(&self) -> Result<(), PluginError> {
        in_range("heap", self.heap, Self::MIN_HEAP, Self::MAX_HEAP).map_err(
            |error| match error {
                PluginError::InvalidLimit { field, reason } if self.heap < Self::MIN_HEAP => {
                    let reason =
                        format!("{reason}: V8 cannot start in it (a bare number is bytes)");
                    PluginError::InvalidLimit { field, reason }
                }
                other => other,
            },
        )?;
        in_range("array_buffers", self.array_buffers, ByteSize::b(0), ByteSize::gib(4))?;
        if let Some(size) = self.young_generation.at() {
            in_range("young_generation", size, ByteSize::mib(3), ByteSize::mib(192))?;
        }
        if let Some(code_range) = self.code_range.at() {
            in_range("code_range", code_range, Self::MIN_CODE_RANGE, Self::MAX_CODE_RANGE)?;
            if !code_range.as_u64().is_multiple_of(1 << 20) {
                return refuse("code_range", "is no whole number of MiB: V8 ends the process");
            }
            if code_range < self.heap {
                let reason = format!("{code_range} is less than heap, {}; or \"off\"", self.heap);
                return refuse("code_range", reason);
            }
        }
        in_range("stack", self.stack, ByteSize::kib(128), Self::MAX_STACK)?;
        if cfg!(windows) && self.stack < Self::MAX_STACK {
            return refuse("stack", format!("cannot be less than {} here", Self::MAX_STACK));
        }
        // A string in V8 has at most 2^29 - 24 units; leave room for the heap itself.
        let longest = ByteSize::mib(256);
        in_range("source_size", self.source_size, ByteSize::b(1), longest)?;
        in_range("argument_size", self.argument_size, ByteSize::b(4), longest)?;
        in_range("result_size", self.result_size, ByteSize::b(8), longest)
    }
}

fn refuse(field: &'static str, reason: impl Into<String>) -> Result<(), PluginError> {
    Err(PluginError::InvalidLimit { field, reason: reason.into() })
}

fn in_range(
    field: &'static str,
    size: ByteSize,
    least: ByteSize,
    most: ByteSize,
) -> Result<(), PluginError> {
    if (least..=most).contains(&size) {
        return Ok(());
    }
    refuse(field, format!("{size} is not from {least} to {most}"))
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
        assert_eq!(refused(|limits| limits.grace = Duration::ZERO).0, "grace");
        assert_eq!(refused(|limits| limits.queue_length = 0).0, "queue_length");
        assert_eq!(refused(|limits| limits.result_depth = 1_000_000).0, "result_depth");
        assert_eq!(refused(|limits| limits.source_size = ByteSize::b(0)).0, "source_size");
        assert_eq!(refused(|limits| limits.result_size = ByteSize::gib(1)).0, "result_size");
        for size in [ByteSize::b(1), ByteSize::gib(1), ByteSize::b((64 << 20) + 1)] {
            let refused = refused(|limits| limits.code_range = Limit::At(size));
            assert_eq!(refused.0, "code_range");
        }
        for size in [ByteSize::b(24), ByteSize::gib(1)] {
            let refused = refused(|limits| limits.young_generation = Limit::At(size));
            assert_eq!(refused.0, "young_generation");
        }
        assert_eq!(refused(|limits| limits.stack = ByteSize::kib(1)).0, "stack");
        let none = refused(|limits| limits.calls_per_second = Limit::At(0));
        assert_eq!(none.0, "calls_per_second");
    }

    #[test]
    fn a_processor_budget_beyond_the_wall_time_is_a_contradiction() {
        let (field, reason) = refused(|limits| limits.cpu_time = Limit::At(Duration::from_secs(6)));
        assert_eq!(field, "cpu_time");
        assert!(reason.contains("wall_time"), "{reason}");
    }

    #[test]
    fn a_code_range_that_is_full_before_the_heap_is_a_contradiction() {
        let (field, reason) = refused(|limits| {
            limits.heap = ByteSize::mib(128);
            limits.code_range = Limit::At(ByteSize::mib(64));
        });
        assert!(field == "code_range" && reason.contains("heap"), "{reason}");
    }
}
