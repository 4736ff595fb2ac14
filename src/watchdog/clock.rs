//! Time as one `u64`, so that it fits an atomic.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Nanoseconds since the first time anybody asked in this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Tick(pub(super) u64);

impl Tick {
    /// Never.
    pub(super) const NEVER: Self = Self(u64::MAX);

    pub(super) fn now() -> Self {
        Self::of(Instant::now())
    }

    pub(super) fn of(instant: Instant) -> Self {
        static START: OnceLock<Instant> = OnceLock::new();
        Self(nanos(instant.saturating_duration_since(*START.get_or_init(|| instant))))
    }

    pub(super) fn after(self, time: Duration) -> Self {
        Self(self.0.saturating_add(nanos(time)))
    }

    pub(super) fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

/// Nanoseconds, as many as fit.
pub(super) fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
