//! `Cause`: why a call was stopped, recorded by whoever stops it.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use super::clock::nanos;

/// Why a call was stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    Timeout { limit: Duration },
    CpuTime { used: Duration, limit: Duration },
    MemoryLimit { used: usize, limit: usize },
    Cancelled,
    ShutDown,
}

/// A `Cause` in atomics: written in phase `FIRING` by one thread, read in later phases.
#[derive(Debug, Default)]
pub(super) struct RecordedCause {
    kind: AtomicU8,
    used: AtomicU64,
    limit: AtomicU64,
}

impl RecordedCause {
    pub(super) fn set(&self, cause: Cause) {
        let (kind, used, limit) = match cause {
            Cause::Cancelled => (0, 0, 0),
            Cause::Timeout { limit } => (1, 0, nanos(limit)),
            Cause::MemoryLimit { used, limit } => (2, used as u64, limit as u64),
            Cause::CpuTime { used, limit } => (3, nanos(used), nanos(limit)),
            Cause::ShutDown => (4, 0, 0),
        };
        self.kind.store(kind, Ordering::Relaxed);
        self.used.store(used, Ordering::Relaxed);
        self.limit.store(limit, Ordering::Relaxed);
    }

    pub(super) fn get(&self) -> Cause {
        let (used, limit) = (self.used.load(Ordering::Relaxed), self.limit.load(Ordering::Relaxed));
        match self.kind.load(Ordering::Relaxed) {
            0 => Cause::Cancelled,
            1 => Cause::Timeout { limit: Duration::from_nanos(limit) },
            2 => Cause::MemoryLimit { used: used as usize, limit: limit as usize },
            3 => Cause::CpuTime {
                used: Duration::from_nanos(used),
                limit: Duration::from_nanos(limit),
            },
            _ => Cause::ShutDown,
        }
    }
}
