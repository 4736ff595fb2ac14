//! `CpuMeter`: the processor time of a slot's thread, cheap enough for every call.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::clock::{Tick, nanos};
use super::cpu_clock::CpuClock;

/// The processor time of the slot's thread, read seldom enough to cost nothing.
///
/// Reading the clock is a system call, too dear for every call. So it is read at most once a
/// millisecond, and in between time itself stands in: since a thread cannot use more processor
/// time than passes, what a call has used is never overstated, and understated by a millisecond
/// at the most.
#[derive(Debug, Default)]
pub(super) struct CpuMeter {
    /// The clock of the thread that armed first.
    clock: OnceLock<Option<CpuClock>>,
    read_at: AtomicU64,
    used: AtomicU64,
}

impl CpuMeter {
    const FRESH: Duration = Duration::from_millis(1);

    /// Reads the clock, unless that was done just now. Only on the slot's own thread.
    pub(super) fn mark(&self, now: Tick) {
        let clock = self.clock.get_or_init(CpuClock::of_this_thread);
        let read_at = Tick(self.read_at.load(Ordering::Relaxed));
        if now.since(read_at) >= Self::FRESH
            && let Some(used) = clock.as_ref().and_then(CpuClock::now)
        {
            self.used.store(nanos(used), Ordering::Relaxed);
            self.read_at.store(now.0, Ordering::Relaxed);
        }
    }

    /// What the thread had used at the last `mark`.
    pub(super) fn marked(&self) -> Duration {
        Duration::from_nanos(self.used.load(Ordering::Relaxed))
    }

    /// At least what the thread has used since `began`, which lies after the last `mark`.
    pub(super) fn used_since(&self, began: Tick) -> Option<Duration> {
        let now = self.clock.get()?.as_ref()?.now()?;
        let before = began.since(Tick(self.read_at.load(Ordering::Relaxed)));
        Some(now.saturating_sub(self.marked()).saturating_sub(before))
    }
}
