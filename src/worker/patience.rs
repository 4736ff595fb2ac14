//! `Patience`: whether to stay awake for what may be about to come.
//!
//! Waking a thread costs more than most calls do, and staying awake costs a core. So those who
//! stay awake are counted for the whole process and are fewer than the cores; they yield; and
//! when one of them finds that its core is wanted, all stop doing it for a while.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::policy::Wake;

/// Who stays awake just now, in the whole process.
static AWAKE: AtomicUsize = AtomicUsize::new(0);
/// Until when nobody does, because cores are wanted; in nanoseconds of [`since_start`].
static SCARCE_UNTIL: AtomicU64 = AtomicU64::new(0);
/// How long that was for.
static SCARCE_FOR: AtomicU64 = AtomicU64::new(0);

/// How long cores that were found wanted are left alone, the first time and at most. To find it
/// out costs a thread its turn on the core, which may be milliseconds.
const SCARCE: Duration = Duration::from_millis(2);
const LONG_SCARCE: Duration = Duration::from_millis(32);
/// Between two looks at the clock a thread is not away for so long unless another had its core.
const TAKEN_AWAY: Duration = Duration::from_micros(200);
/// When yielding begins. Until then a system call would be most of the wait.
const YIELD_AFTER: Duration = Duration::from_micros(10);
/// How many looks are made between two at the clock.
const LOOKS: u32 = 16;
/// How long one looks who has no seat: for the time in which whoever has it gets up, who is often
/// the one that is waited for.
const STANDING: Duration = Duration::from_micros(5);

/// A seat among those who stay awake.
struct Seat;

impl Seat {
    fn take() -> Option<Self> {
        static SEATS: OnceLock<usize> = OnceLock::new();
        // One core is left for whoever is waited for.
        let seats =
            *SEATS.get_or_init(|| std::thread::available_parallelism().map_or(1, usize::from) - 1);
        let sit = |awake: usize| (awake < seats).then_some(awake + 1);
        AWAKE.fetch_update(Ordering::Relaxed, Ordering::Relaxed, sit).ok().map(|_| Self)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        AWAKE.fetch_sub(1, Ordering::Relaxed);
    }
}

fn since_start(now: Instant) -> u64 {
    static START: OnceLock<Instant> = OnceLock::new();
    nanos(now.saturating_duration_since(*START.get_or_init(|| now)))
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// Nobody stays awake for a while: for longer, if this was found soon after the last time.
fn leave_cores_alone(now: u64) {
    let last = SCARCE_FOR.load(Ordering::Relaxed);
    let until = SCARCE_UNTIL.load(Ordering::Relaxed);
    let time = scarce_for(last, now.saturating_sub(until));
    // Two threads may find it at a time: then it is for somewhat longer or shorter.
    SCARCE_FOR.store(time, Ordering::Relaxed);
    SCARCE_UNTIL.store(now + time, Ordering::Relaxed);
}

/// The next such time after one of `last`, which ended `ago`; all in nanoseconds.
fn scarce_for(last: u64, ago: u64) -> u64 {
    if ago < last { (2 * last).min(nanos(LONG_SCARCE)) } else { nanos(SCARCE) }
}

/// How one side waits, and what it has learnt.
#[derive(Debug)]
pub(super) struct Patience {
    wake: Wake,
    /// How long what is waited for has lately taken, in nanoseconds; the latest weigh most. For
    /// [`Wake::Adaptive`] only.
    usual: AtomicU64,
}

impl Patience {
    pub(super) fn new(wake: Wake) -> Self {
        // It begins in doubt: the first few waits decide.
        Self { wake, usual: AtomicU64::new(nanos(Wake::WORTH_IT)) }
    }

    pub(super) fn learns(&self) -> bool {
        self.wake == Wake::Adaptive
    }

    /// What was waited for took so long to come.
    pub(super) fn learn(&self, took: Duration) {
        if self.learns() {
            // One long pause counts as a few: then a burst is noticed after a few calls.
            let took = nanos(took.min(4 * Wake::WORTH_IT));
            let usual = self.usual.load(Ordering::Relaxed);
            // Two threads may both learn; what one of them learnt is then lost.
            self.usual.store((3 * usual + took) / 4, Ordering::Relaxed);
        }
    }

    /// How long it is worth staying awake.
    fn worth(&self) -> Option<Duration> {
        match self.wake {
            Wake::Park => None,
            Wake::Spin { up_to } => Some(up_to),
            Wake::Adaptive => {
                let usual = self.usual.load(Ordering::Relaxed);
                (usual < nanos(Wake::WORTH_IT)).then_some(Wake::WORTH_IT)
            }
        }
    }

    /// Stays awake until it `has_come`, as long as that is worth it and no core is wanted.
    /// Answers whether it has come; if not, the thread is to park.
    pub(super) fn stay_awake(&self, mut has_come: impl FnMut() -> bool) -> bool {
        let Some(up_to) = self.worth() else { return false };
        let began = Instant::now();
        if since_start(began) < SCARCE_UNTIL.load(Ordering::Relaxed) {
            return false;
        }
        let (mut seat, mut last) = (None, began);
        loop {
            for _ in 0..LOOKS {
                if has_come() {
                    return true;
                }
                seat = seat.or_else(Seat::take);
                std::hint::spin_loop();
            }
            let now = Instant::now();
            if now - last > TAKEN_AWAY {
                leave_cores_alone(since_start(now));
            }
            let patience = if seat.is_some() { up_to } else { up_to.min(STANDING) };
            if now - last > TAKEN_AWAY || now - began >= patience {
                return has_come();
            }
            last = now;
            if now - began >= YIELD_AFTER {
                std::thread::yield_now();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parking_looks_at_nothing() {
        assert!(!Patience::new(Wake::Park).stay_awake(|| unreachable!()));
    }

    #[test]
    fn staying_awake_has_a_bound_and_leaves_its_seat() {
        let patience = Patience::new(Wake::Spin { up_to: Duration::from_micros(30) });
        for _ in 0..100 {
            assert!(!patience.stay_awake(|| false));
        }
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        assert!(AWAKE.load(Ordering::Relaxed) < cores);
    }

    #[test]
    fn cores_that_stay_scarce_are_left_alone_for_longer() {
        let (first, longest) = (nanos(SCARCE), nanos(LONG_SCARCE));
        assert_eq!(scarce_for(0, u64::MAX), first);
        assert_eq!(scarce_for(first, 0), 2 * first);
        assert_eq!(scarce_for(first, first), first);
        assert_eq!(scarce_for(longest, longest - 1), longest);
    }

    #[test]
    fn fewer_stay_awake_than_there_are_cores() {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let seats: Vec<_> = std::iter::from_fn(Seat::take).collect();
        assert!(seats.len() < cores);
    }

    #[test]
    fn staying_awake_is_learnt_from_what_comes_soon_and_unlearnt() {
        let patience = Patience::new(Wake::Adaptive);
        assert_eq!(patience.worth(), None);
        patience.learn(Duration::from_micros(5));
        assert_eq!(patience.worth(), Some(Wake::WORTH_IT));
        patience.learn(Duration::from_secs(3600));
        assert_eq!(patience.worth(), None);
        for _ in 0..8 {
            patience.learn(Duration::from_micros(5));
        }
        assert_eq!(patience.worth(), Some(Wake::WORTH_IT));
    }
}
