//! The watchdog's thread: sleeps until the next deadline, tends the slots that are due.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::Thread;

use super::clock::Tick;
use super::slot::Slot;

/// When the watchdog wakes next; `NEVER` while nothing runs.
static NEXT_WAKE: AtomicU64 = AtomicU64::new(u64::MAX);

/// The slots under watch, and the thread once there is one.
static WATCHED: Mutex<Watched> = Mutex::new(Watched { slots: Vec::new(), thread: None });

/// The thread again, where waking it takes no lock.
static THREAD: std::sync::OnceLock<Thread> = std::sync::OnceLock::new();

struct Watched {
    slots: Vec<Arc<Slot>>,
    thread: Option<Thread>,
}

fn watched() -> MutexGuard<'static, Watched> {
    // Nothing is left half-done under this lock, so a panic elsewhere does not matter.
    WATCHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Puts a slot under watch, starting the watchdog's thread if this is the first.
///
/// # Errors
///
/// The operating system gives no thread. Then nothing may run: a limit that cannot be armed is
/// an error.
pub(crate) fn watch(slot: &Arc<Slot>) -> io::Result<()> {
    let mut watched = watched();
    if watched.thread.is_none() {
        let handle = std::thread::Builder::new()
            .name("plugin-watchdog".into())
            .stack_size(256 << 10)
            .spawn(run)?;
        let thread = handle.thread().clone();
        THREAD.get_or_init(|| thread.clone());
        watched.thread = Some(thread);
    }
    watched.slots.push(Arc::clone(slot));
    Ok(())
}

/// Takes a slot from under watch.
pub(crate) fn retire(slot: &Arc<Slot>) {
    let mut watched = watched();
    if let Some(at) = watched.slots.iter().position(|other| Arc::ptr_eq(other, slot)) {
        watched.slots.swap_remove(at);
    }
}

/// Sees to it that the watchdog is awake at `tick`.
pub(super) fn wake_by(tick: Tick) {
    if tick.0 < NEXT_WAKE.load(Ordering::SeqCst)
        && tick.0 < NEXT_WAKE.fetch_min(tick.0, Ordering::SeqCst)
        && let Some(thread) = THREAD.get()
    {
        thread.unpark();
    }
}

/// Wakes the watchdog. Async-signal-safe.
pub(super) fn wake_now() {
    wake_by(Tick(0));
}

fn run() {
    let mut due = Vec::new();
    loop {
        let now = Tick::now();
        // Tended without the lock: giving up a thread starts another, which wants to be watched.
        due.extend(watched().slots.iter().filter(|slot| slot.due() <= now).cloned());
        for slot in due.drain(..) {
            // The closures are ours and do not panic; if one did, the other plugins still need
            // this thread.
            let _ = catch_unwind(AssertUnwindSafe(|| slot.tend(now)));
        }
        // Publish when to wake, then look once more: a call that was armed meanwhile either
        // reads the new time, and wakes us if it is too late for it, or is seen by this look.
        let mut next = next_due();
        NEXT_WAKE.store(next.0, Ordering::SeqCst);
        next = next.min(next_due());
        NEXT_WAKE.fetch_min(next.0, Ordering::SeqCst);
        if next == Tick::NEVER {
            std::thread::park();
        } else {
            let sleep = next.since(Tick::now());
            if !sleep.is_zero() {
                std::thread::park_timeout(sleep);
            }
        }
    }
}

fn next_due() -> Tick {
    watched().slots.iter().map(|slot| slot.due()).min().unwrap_or(Tick::NEVER)
}
