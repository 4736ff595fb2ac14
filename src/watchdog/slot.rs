//! `Slot`: the state of one isolate's running call, shared with whoever may stop it.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use super::clock::Tick;
use super::thread;

/// Why a call was stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    Timeout { limit: Duration },
    MemoryLimit { used: usize, limit: usize },
    Cancelled,
}

/// How a call ended, as far as the watchdog is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Nobody stopped it.
    Finished,
    /// It was stopped; a termination may still be pending in the isolate.
    Stopped(Cause),
    /// It did not stop within the grace period: its caller has been answered, and the thread
    /// that ran it is given up.
    Condemned,
}

/// What becomes of a call, in the low bits of the state word; the rest counts the calls, so
/// that a stop aimed at one can never hit another.
mod phase {
    pub(super) const IDLE: u64 = 0;
    pub(super) const RUNNING: u64 = 1;
    /// Somebody is recording a cause and telling the isolate. The call's thread waits for it.
    pub(super) const FIRING: u64 = 2;
    pub(super) const FIRED: u64 = 3;
    pub(super) const CONDEMNED: u64 = 4;
    pub(super) const MASK: u64 = 7;
    pub(super) const CALL: u64 = MASK + 1;
}

/// How long after the first stop the isolate is told again.
const REPEAT: Duration = Duration::from_millis(100);

/// Tells the guest to stop; called on any thread, possibly more than once.
pub(crate) type Stop = Box<dyn Fn() + Send + Sync>;

/// Gives the call's thread up; called at most once, on the watchdog's thread.
pub(crate) type Condemn = Box<dyn Fn(Cause) + Send + Sync>;

/// One isolate's line to the watchdog.
pub(crate) struct Slot {
    state: AtomicU64,
    /// When the running call is to be stopped; read only while the phase is `RUNNING`.
    deadline: AtomicU64,
    /// The running call's wall time, for the cause.
    wall_time: AtomicU64,
    /// When the stopped call is to be looked at again; read only while the phase is `FIRED`.
    next_look: AtomicU64,
    fired_at: AtomicU64,
    cancel_asked: AtomicBool,
    cause: RecordedCause,
    stop: Stop,
    condemn: Option<Condemn>,
    grace: Duration,
}

impl std::fmt::Debug for Slot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let state = self.state.load(Ordering::Relaxed);
        write!(f, "Slot {{ call: {}, phase: {} }}", state / phase::CALL, state & phase::MASK)
    }
}

impl Slot {
    /// A slot whose calls are stopped by `stop` and, if they do not stop within `grace`, are
    /// given up by `condemn`.
    pub(crate) fn new(stop: Stop, grace: Duration, condemn: Option<Condemn>) -> Self {
        Self {
            state: AtomicU64::new(phase::IDLE),
            deadline: AtomicU64::new(0),
            wall_time: AtomicU64::new(0),
            next_look: AtomicU64::new(0),
            fired_at: AtomicU64::new(0),
            cancel_asked: AtomicBool::new(false),
            cause: RecordedCause::default(),
            stop,
            condemn,
            grace,
        }
    }

    /// Starts a call of at most `wall_time`. Only the isolate's own thread arms and disarms.
    pub(crate) fn arm(&self, wall_time: Duration) {
        let state = self.state.load(Ordering::Relaxed);
        debug_assert_eq!(state & phase::MASK, phase::IDLE, "armed twice");
        let deadline = Tick::now().after(wall_time);
        self.deadline.store(deadline.0, Ordering::Relaxed);
        self.wall_time.store(wall_time.as_nanos() as u64, Ordering::Relaxed);
        // SeqCst: ordered against the watchdog's `next_wake` and against `cancel`, both of which
        // write one thing and then read the other.
        self.state.store((state & !phase::MASK) + phase::CALL + phase::RUNNING, Ordering::SeqCst);
        thread::wake_by(deadline);
        if self.cancel_asked.load(Ordering::SeqCst) {
            self.fire(Cause::Cancelled);
        }
    }

    /// Ends a call, waiting out a stop that is under way.
    pub(crate) fn disarm(&self) -> Outcome {
        loop {
            let state = self.state.load(Ordering::Acquire);
            let idle = state & !phase::MASK;
            let outcome = match state & phase::MASK {
                phase::RUNNING => Outcome::Finished,
                phase::FIRED => Outcome::Stopped(self.cause.get()),
                phase::CONDEMNED => return Outcome::Condemned,
                phase::FIRING => {
                    std::thread::yield_now();
                    continue;
                }
                _ => unreachable!("disarmed twice"),
            };
            if self.state.compare_exchange(state, idle, Ordering::AcqRel, Ordering::Relaxed).is_ok()
            {
                return outcome;
            }
        }
    }

    /// Stops the running call for `cause`. False if none runs or it was stopped already.
    pub(crate) fn fire(&self, cause: Cause) -> bool {
        let state = self.state.load(Ordering::SeqCst);
        state & phase::MASK == phase::RUNNING && self.fire_from(state, cause)
    }

    /// Why the running call was stopped, if it was. For loops of our own that V8 cannot
    /// interrupt, and for waits.
    pub(crate) fn stopped(&self) -> Option<Cause> {
        matches!(self.state.load(Ordering::Acquire) & phase::MASK, phase::FIRED | phase::CONDEMNED)
            .then(|| self.cause.get())
    }

    /// Whether the thread of this slot was given up.
    pub(crate) fn is_condemned(&self) -> bool {
        self.state.load(Ordering::Acquire) & phase::MASK == phase::CONDEMNED
    }

    /// Cancels the call that is running or about to be armed.
    pub(crate) fn cancel(&self) {
        self.cancel_asked.store(true, Ordering::SeqCst);
        self.fire(Cause::Cancelled);
    }

    /// Forgets a [`cancel`](Self::cancel) that was meant for an earlier call.
    pub(crate) fn forget_cancel(&self) {
        self.cancel_asked.store(false, Ordering::SeqCst);
    }

    fn fire_from(&self, running: u64, cause: Cause) -> bool {
        let call = running & !phase::MASK;
        let firing = call + phase::FIRING;
        if self
            .state
            .compare_exchange(running, firing, Ordering::AcqRel, Ordering::Relaxed)
            .is_err()
        {
            return false;
        }
        let now = Tick::now();
        let look = now.after(REPEAT);
        self.cause.set(cause);
        self.fired_at.store(now.0, Ordering::Relaxed);
        self.next_look.store(look.0, Ordering::Relaxed);
        (self.stop)();
        self.state.store(call + phase::FIRED, Ordering::SeqCst);
        thread::wake_by(look);
        true
    }

    /// When the watchdog has to look at this slot next.
    pub(super) fn due(&self) -> Tick {
        match self.state.load(Ordering::SeqCst) & phase::MASK {
            phase::RUNNING => Tick(self.deadline.load(Ordering::Relaxed)),
            phase::FIRED => Tick(self.next_look.load(Ordering::Relaxed)),
            _ => Tick::NEVER,
        }
    }

    /// Does what is due at `now`: stops a call past its deadline, repeats a stop that was not
    /// heard, gives up a thread that does not stop.
    pub(super) fn tend(&self, now: Tick) {
        let state = self.state.load(Ordering::SeqCst);
        match state & phase::MASK {
            // The deadline is read after the state: if the call ended and another began in
            // between, the exchange in `fire_from` fails.
            phase::RUNNING if now >= Tick(self.deadline.load(Ordering::Relaxed)) => {
                let limit = Duration::from_nanos(self.wall_time.load(Ordering::Relaxed));
                self.fire_from(state, Cause::Timeout { limit });
            }
            phase::FIRED if now >= Tick(self.next_look.load(Ordering::Relaxed)) => {
                let overdue = now.since(Tick(self.fired_at.load(Ordering::Relaxed)));
                match &self.condemn {
                    Some(condemn) if overdue >= self.grace => {
                        self.try_from_fired(state, phase::CONDEMNED, || condemn(self.cause.get()));
                    }
                    _ => self.try_from_fired(state, phase::FIRED, || (self.stop)()),
                }
            }
            _ => {}
        }
    }

    /// While the call's thread is kept waiting in `disarm`, runs `act`; then enters `phase`.
    fn try_from_fired(&self, fired: u64, phase: u64, act: impl FnOnce()) {
        let call = fired & !phase::MASK;
        let firing = call + phase::FIRING;
        if self.state.compare_exchange(fired, firing, Ordering::AcqRel, Ordering::Relaxed).is_ok() {
            self.next_look.store(Tick::now().after(REPEAT).0, Ordering::Relaxed);
            act();
            self.state.store(call + phase, Ordering::SeqCst);
        }
    }
}

/// A `Cause` in atomics: written in phase `FIRING` by one thread, read in later phases.
#[derive(Debug, Default)]
struct RecordedCause {
    kind: AtomicU8,
    used: AtomicU64,
    limit: AtomicU64,
}

impl RecordedCause {
    fn set(&self, cause: Cause) {
        let (kind, used, limit) = match cause {
            Cause::Cancelled => (0, 0, 0),
            Cause::Timeout { limit } => (1, 0, limit.as_nanos() as u64),
            Cause::MemoryLimit { used, limit } => (2, used as u64, limit as u64),
        };
        self.kind.store(kind, Ordering::Relaxed);
        self.used.store(used, Ordering::Relaxed);
        self.limit.store(limit, Ordering::Relaxed);
    }

    fn get(&self) -> Cause {
        let (used, limit) = (self.used.load(Ordering::Relaxed), self.limit.load(Ordering::Relaxed));
        match self.kind.load(Ordering::Relaxed) {
            0 => Cause::Cancelled,
            1 => Cause::Timeout { limit: Duration::from_nanos(limit) },
            _ => Cause::MemoryLimit { used: used as usize, limit: limit as usize },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicUsize;
    use std::sync::mpsc;

    use super::super::watch;
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn slot_with_channel(grace: Duration) -> (Arc<Slot>, mpsc::Receiver<&'static str>) {
        let (told, heard) = mpsc::channel();
        let also_told = told.clone();
        let slot = Arc::new(Slot::new(
            Box::new(move || told.send("stop").unwrap_or(())),
            grace,
            Some(Box::new(move |_| also_told.send("condemn").unwrap_or(()))),
        ));
        watch(&slot).unwrap();
        (slot, heard)
    }

    #[test]
    fn a_call_past_its_deadline_is_told_to_stop_and_the_cause_is_on_record() {
        let (slot, heard) = slot_with_channel(60 * SECOND);
        let limit = Duration::from_millis(5);
        slot.arm(limit);
        assert_eq!(heard.recv_timeout(10 * SECOND), Ok("stop"));
        assert_eq!(slot.disarm(), Outcome::Stopped(Cause::Timeout { limit }));
        slot.arm(60 * SECOND);
        assert_eq!(slot.disarm(), Outcome::Finished);
    }

    #[test]
    fn a_later_call_with_a_shorter_deadline_wakes_the_watchdog() {
        let (long, _quiet) = slot_with_channel(60 * SECOND);
        long.arm(600 * SECOND);
        let (short, heard) = slot_with_channel(60 * SECOND);
        short.arm(Duration::from_millis(1));
        assert_eq!(heard.recv_timeout(10 * SECOND), Ok("stop"));
        short.disarm();
        assert_eq!(long.disarm(), Outcome::Finished);
    }

    #[test]
    fn a_call_that_does_not_stop_is_told_again_and_then_condemned() {
        let (slot, heard) = slot_with_channel(Duration::from_millis(250));
        slot.arm(Duration::from_millis(1));
        let told: Vec<_> = heard.iter().take_while(|told| *told != "condemn").collect();
        assert!(!told.is_empty() && told.iter().all(|told| *told == "stop"));
        assert_eq!(slot.disarm(), Outcome::Condemned);
    }

    #[test]
    fn the_first_cause_wins() {
        let (slot, _heard) = slot_with_channel(60 * SECOND);
        slot.arm(60 * SECOND);
        assert!(slot.fire(Cause::MemoryLimit { used: 2, limit: 1 }));
        assert!(!slot.fire(Cause::Cancelled));
        assert_eq!(slot.disarm(), Outcome::Stopped(Cause::MemoryLimit { used: 2, limit: 1 }));
        assert!(!slot.fire(Cause::Cancelled), "no call runs");
    }

    #[test]
    fn a_cancel_between_taking_a_call_up_and_arming_it_is_not_lost() {
        let (slot, _heard) = slot_with_channel(60 * SECOND);
        slot.cancel();
        slot.arm(60 * SECOND);
        assert_eq!(slot.disarm(), Outcome::Stopped(Cause::Cancelled));
        slot.forget_cancel();
        slot.arm(60 * SECOND);
        assert_eq!(slot.disarm(), Outcome::Finished);
    }

    #[test]
    fn a_stop_is_counted_to_exactly_one_call_when_ends_and_stops_race() {
        let stops = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&stops);
        let slot = Arc::new(Slot::new(
            Box::new(move || {
                counted.fetch_add(1, Ordering::Relaxed);
            }),
            60 * SECOND,
            None,
        ));
        watch(&slot).unwrap();
        let racer = Arc::clone(&slot);
        let done = Arc::new(AtomicBool::new(false));
        let until = Arc::clone(&done);
        let firing = std::thread::spawn(move || {
            let mut fired = 0;
            while !until.load(Ordering::Relaxed) {
                fired += usize::from(racer.fire(Cause::Cancelled));
            }
            fired
        });
        let mut stopped = 0;
        for _ in 0..200_000 {
            slot.arm(60 * SECOND);
            stopped += usize::from(slot.disarm() != Outcome::Finished);
        }
        done.store(true, Ordering::Relaxed);
        assert_eq!(firing.join().unwrap(), stopped);
        assert_eq!(stops.load(Ordering::Relaxed), stopped);
    }
}
