//! What the presets of [`ResourceLimits`] allow.

use std::time::Duration;

use bytesize::ByteSize;

use super::ResourceLimits;
use crate::policy::{Hardening, Limit, Wake};

impl Default for ResourceLimits {
    fn default() -> Self {
        Self {
            wall_time: Duration::from_secs(5),
            cpu_time: Limit::Off,
            grace: Duration::from_millis(1500),
            calls_per_second: Limit::Off,
            queue_time: Duration::from_secs(30),
            queue_length: 1024,
            heap: ByteSize::mib(64),
            young_generation: Limit::Off,
            array_buffers: ByteSize::mib(64),
            code_range: Limit::Off,
            stack: Self::MAX_STACK,
            source_size: ByteSize::mib(2),
            argument_size: ByteSize::mib(8),
            argument_depth: 128,
            result_size: ByteSize::mib(8),
            result_depth: 128,
            console_bytes_per_call: Limit::At(ByteSize::mib(1)),
            console_bytes_per_second: Limit::At(ByteSize::mib(4)),
            timers: 1024,
            pending_host_calls: 256,
            events: 1024,
            hardening: Hardening::Full,
            wake: Wake::Adaptive,
        }
    }
}

impl ResourceLimits {
    /// For code of unknown origin: little of everything, and a processor budget.
    pub fn strict() -> Self {
        Self {
            cpu_time: Limit::At(Duration::from_secs(3)),
            grace: Duration::from_secs(1),
            calls_per_second: Limit::At(1000),
            queue_length: 64,
            array_buffers: ByteSize::mib(16),
            stack: if cfg!(windows) { Self::MAX_STACK } else { ByteSize::kib(512) },
            source_size: ByteSize::kib(512),
            argument_size: ByteSize::mib(1),
            argument_depth: 32,
            result_size: ByteSize::mib(1),
            result_depth: 32,
            console_bytes_per_call: Limit::At(ByteSize::kib(64)),
            console_bytes_per_second: Limit::At(ByteSize::kib(256)),
            timers: 64,
            pending_host_calls: 16,
            events: 64,
            wake: Wake::Park,
            ..Self::default()
        }
    }

    /// For code of one's own, whose mistakes are to be survived: much of everything.
    pub fn trusted() -> Self {
        Self {
            wall_time: Duration::from_secs(60),
            grace: Duration::from_secs(10),
            heap: ByteSize::mib(256),
            array_buffers: ByteSize::mib(256),
            source_size: ByteSize::mib(16),
            argument_size: ByteSize::mib(64),
            argument_depth: 256,
            result_size: ByteSize::mib(64),
            result_depth: 256,
            console_bytes_per_call: Limit::Off,
            console_bytes_per_second: Limit::Off,
            timers: 65536,
            pending_host_calls: 4096,
            events: 65536,
            hardening: Hardening::AbortOnly,
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_presets_are_valid() {
        for limits in
            [ResourceLimits::strict(), ResourceLimits::default(), ResourceLimits::trusted()]
        {
            limits.validate().unwrap();
        }
    }
}
