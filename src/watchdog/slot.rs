//! `Slot`: the state of one isolate's running call, shared with whoever may stop it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::cause::{Cause, RecordedCause};
use super::clock::{Tick, nanos};
use super::cpu_meter::CpuMeter;
use super::thread;

/// How much time a call may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Budget {
    pub(crate) wall: Duration,
    /// Processor time of the thread.
    pub(crate) cpu: Option<Duration>,
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
    /// The thread will never come back; the watchdog is to condemn it.
    pub(super) const DOOMED: u64 = 5;
    pub(super) const MASK: u64 = 7;
    pub(super) const CALL: u64 = MASK + 1;
}

/// No budget of processor time.
const NO_BUDGET: u64 = u64::MAX;

/// How long after the first stop the isolate is told again.
const REPEAT: Duration = Duration::from_millis(100);

/// Tells the guest to stop; called on any thread, possibly more than once.
pub(crate) type Stop = Box<dyn Fn() + Send + Sync>;

/// Gives the call's thread up; called at most once, on the watchdog's thread.
pub(crate) type Condemn = Box<dyn Fn(Cause) + Send + Sync>;

/// One isolate's line to the watchdog.
pub(crate) struct Slot {
    state: AtomicU64,
    /// When the running call is to be looked at next; read only while the phase is `RUNNING`.
    next_check: AtomicU64,
    /// When the running call is to be stopped, and its wall time, for the cause.
    deadline: AtomicU64,
    wall_time: AtomicU64,
    /// The running call's processor time, and when it began.
    cpu_time: AtomicU64,
    began: AtomicU64,
    cpu: CpuMeter,
    /// When the stopped call is to be looked at again; read only while the phase is `FIRED`.
    next_look: AtomicU64,
    fired_at: AtomicU64,
    /// A stop that was asked for before the call it is meant for was armed.
    asked: Mutex<Option<Cause>>,
    is_asked: AtomicBool,
    cause: RecordedCause,
    stop: Stop,
    condemn: Option<Condemn>,
    grace: Duration,
    /// For the cause of a call that runs its thread out of memory.
    memory_limit: usize,
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
            next_check: AtomicU64::new(0),
            deadline: AtomicU64::new(0),
            wall_time: AtomicU64::new(0),
            cpu_time: AtomicU64::new(NO_BUDGET),
            began: AtomicU64::new(0),
            cpu: CpuMeter::default(),
            next_look: AtomicU64::new(0),
            fired_at: AtomicU64::new(0),
            asked: Mutex::new(None),
            is_asked: AtomicBool::new(false),
            cause: RecordedCause::default(),
            stop,
            condemn,
            grace,
            memory_limit: 0,
        }
    }

    /// The same for a plugin with so much heap.
    pub(crate) fn with_memory_limit(self, memory_limit: usize) -> Self {
        Self { memory_limit, ..self }
    }

    /// Starts a call within `budget`. Only the isolate's own thread arms and disarms.
    pub(crate) fn arm(&self, budget: Budget) {
        let state = self.state.load(Ordering::Relaxed);
        debug_assert_eq!(state & phase::MASK, phase::IDLE, "armed twice");
        let now = Tick::now();
        let deadline = now.after(budget.wall);
        self.deadline.store(deadline.0, Ordering::Relaxed);
        self.wall_time.store(nanos(budget.wall), Ordering::Relaxed);
        let first_check = match budget.cpu {
            // A thread uses no more processor time than time passes.
            Some(cpu) => {
                self.cpu.mark(now);
                self.began.store(now.0, Ordering::Relaxed);
                self.cpu_time.store(nanos(cpu), Ordering::Relaxed);
                deadline.min(now.after(cpu))
            }
            None => {
                self.cpu_time.store(NO_BUDGET, Ordering::Relaxed);
                deadline
            }
        };
        self.next_check.store(first_check.0, Ordering::Relaxed);
        // SeqCst: ordered against the watchdog's `next_wake` and against `ask`, both of which
        // write one thing and then read the other.
        self.state.store((state & !phase::MASK) + phase::CALL + phase::RUNNING, Ordering::SeqCst);
        thread::wake_by(first_check);
        if self.is_asked.load(Ordering::SeqCst)
            && let Some(cause) = *self.asked()
        {
            self.fire(cause);
        }
    }

    /// Ends a call, waiting out a stop that is under way.
    pub(crate) fn disarm(&self) -> Outcome {
        loop {
            let state = self.state.load(Ordering::Acquire);
            let idle = state & !phase::MASK;
            let outcome = match state & phase::MASK {
                phase::IDLE => return Outcome::Finished,
                phase::RUNNING => Outcome::Finished,
                phase::FIRED => Outcome::Stopped(self.cause.get()),
                phase::CONDEMNED => return Outcome::Condemned,
                phase::FIRING => {
                    std::thread::yield_now();
                    continue;
                }
                // Doomed: then this thread is not here.
                _ => return Outcome::Condemned,
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
    /// interrupt, and for waits; only on the isolate's own thread.
    pub(crate) fn stopped(&self) -> Option<Cause> {
        loop {
            match self.state.load(Ordering::Acquire) & phase::MASK {
                phase::IDLE | phase::RUNNING => return None,
                // Whoever stops the call has just woken this thread: had it gone on to wait
                // again, nobody would.
                phase::FIRING => std::thread::yield_now(),
                _ => return Some(self.cause.get()),
            }
        }
    }

    /// Whether the thread of this slot was given up.
    pub(crate) fn is_condemned(&self) -> bool {
        self.state.load(Ordering::Acquire) & phase::MASK == phase::CONDEMNED
    }

    /// The thread that is in this slot's call will never come back. Async-signal-safe: atomic
    /// operations only.
    pub(super) fn doom(&self) {
        let state = self.state.load(Ordering::SeqCst);
        if state & phase::MASK == phase::RUNNING {
            // Only V8's memory running out brings a thread here that nobody told to stop.
            let limit = self.memory_limit;
            self.cause.set(Cause::MemoryLimit { used: limit, limit });
        }
        self.state.store((state & !phase::MASK) + phase::DOOMED, Ordering::SeqCst);
    }

    /// The number of the running call.
    pub(crate) fn call(&self) -> u64 {
        self.state.load(Ordering::Relaxed) / phase::CALL
    }

    /// The wall time that the running call has left.
    pub(crate) fn time_left(&self) -> Duration {
        Tick(self.deadline.load(Ordering::Relaxed)).since(Tick::now())
    }

    /// Stops the call that is running or about to be armed.
    pub(crate) fn ask(&self, cause: Cause) {
        self.asked().get_or_insert(cause);
        self.is_asked.store(true, Ordering::SeqCst);
        self.fire(cause);
    }

    /// Forgets an [`ask`](Self::ask) that was meant for an earlier call.
    pub(crate) fn forget_asked(&self) {
        if self.is_asked.swap(false, Ordering::SeqCst) {
            *self.asked() = None;
        }
    }

    fn asked(&self) -> MutexGuard<'_, Option<Cause>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Processor time that the slot's thread has used; to within a millisecond of now, if it is
    /// asked on that thread right after a call.
    pub(crate) fn cpu_time(&self, now: Instant) -> Duration {
        self.cpu.mark(Tick::of(now));
        self.cpu.marked()
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
            phase::RUNNING => Tick(self.next_check.load(Ordering::Relaxed)),
            phase::FIRED => Tick(self.next_look.load(Ordering::Relaxed)),
            phase::DOOMED => Tick(0),
            _ => Tick::NEVER,
        }
    }

    /// Does what is due at `now`: stops a call past its deadline, repeats a stop that was not
    /// heard, gives up a thread that does not stop.
    pub(super) fn tend(&self, now: Tick) {
        let state = self.state.load(Ordering::SeqCst);
        match state & phase::MASK {
            // The times are read after the state: if the call ended and another began in
            // between, the exchange in `fire_from` fails.
            phase::RUNNING if now >= Tick(self.deadline.load(Ordering::Relaxed)) => {
                let limit = Duration::from_nanos(self.wall_time.load(Ordering::Relaxed));
                self.fire_from(state, Cause::Timeout { limit });
            }
            phase::RUNNING => self.check_cpu_time(state, now),
            phase::FIRED if now >= Tick(self.next_look.load(Ordering::Relaxed)) => {
                let overdue = now.since(Tick(self.fired_at.load(Ordering::Relaxed)));
                match &self.condemn {
                    Some(condemn) if overdue >= self.grace => {
                        self.try_from_fired(state, phase::CONDEMNED, || condemn(self.cause.get()));
                    }
                    _ => self.try_from_fired(state, phase::FIRED, || (self.stop)()),
                }
            }
            phase::DOOMED => {
                self.state.store((state & !phase::MASK) + phase::CONDEMNED, Ordering::SeqCst);
                if let Some(condemn) = &self.condemn {
                    condemn(self.cause.get());
                }
            }
            _ => {}
        }
    }

    /// Stops the call if it has used its processor time, else looks again when it may have.
    fn check_cpu_time(&self, running: u64, now: Tick) {
        let check = self.next_check.load(Ordering::Relaxed);
        let budget = self.cpu_time.load(Ordering::Relaxed);
        if now < Tick(check) || budget == NO_BUDGET {
            return;
        }
        let began = Tick(self.began.load(Ordering::Relaxed));
        let used = self.cpu.used_since(began).unwrap_or_default();
        let limit = Duration::from_nanos(budget);
        if used >= limit {
            self.fire_from(running, Cause::CpuTime { used, limit });
            return;
        }
        let next = now.after(limit - used).min(Tick(self.deadline.load(Ordering::Relaxed)));
        // Fails if the next call has been armed meanwhile and has set its own.
        let _ =
            self.next_check.compare_exchange(check, next.0, Ordering::Relaxed, Ordering::Relaxed);
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

#[cfg(test)]
mod tests;
