//! Threads that cannot go on: V8 has run out of all memory there, or is about to end the
//! process.
//!
//! Such a thread is *doomed*: it marks its slot, wakes the watchdog, and sleeps for ever. The
//! watchdog then gives the thread up as it does one that does not stop, so the caller gets an
//! answer and the plugin a new thread. What the doomed thread holds stays held.
//!
//! V8 offers a hook for most of its fatal errors; for the rest there are signals, see
//! [`FaultContainment`].

use std::cell::Cell;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Once};

use super::slot::Slot;
use super::thread;

/// Whether the process is kept from ending where V8 ends it by a signal.
///
/// A few of V8's fatal errors (`"invalid size"` of an internal array is one that plain
/// JavaScript can reach) call no hook: they raise `SIGTRAP`, `SIGILL` or `SIGABRT`. With
/// containment on, a handler for these three sleeps for ever *if the thread is a worker's*, and
/// otherwise hands on to the handler that was there before. It does nothing that is not
/// async-signal-safe. The thread is counted as
/// [quarantined](crate::ProcessLimits::quarantined).
///
/// A thread that sleeps inside `abort` may hold the C library's lock on `abort`: with glibc
/// before 2.42 another thread that aborts later then waits instead of ending the process.
///
/// The handlers are installed when the first worker starts, so choose before. Without
/// containment, or on Windows, where it is not available, such an error ends the process;
/// [`Hardening`](crate::Hardening) keeps plugins from the known ways to it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum FaultContainment {
    /// Install the handlers. The default.
    #[default]
    On,
    /// Install nothing.
    Off,
}

static WANTED: AtomicBool = AtomicBool::new(true);
static DECIDED: Once = Once::new();

/// Chooses whether signal handlers are installed when the first worker starts. Answers whether
/// that was in time.
pub fn set_fault_containment(containment: FaultContainment) -> bool {
    WANTED.store(containment == FaultContainment::On, Ordering::SeqCst);
    !DECIDED.is_completed()
}

thread_local! {
    /// The slot of the worker that this thread is; null on all other threads. Const and without
    /// a destructor, so that a signal handler may read it.
    static WORKER: Cell<*const Slot> = const { Cell::new(std::ptr::null()) };
}

/// Registers this thread as a worker's, for as long as the value lives.
#[derive(Debug)]
pub(crate) struct WorkerThread {
    /// Keeps the slot alive while the thread-local points to it.
    _slot: Arc<Slot>,
    not_send: std::marker::PhantomData<*const ()>,
}

impl WorkerThread {
    /// # Errors
    ///
    /// The operating system refuses the signal handlers that the host wants.
    pub(crate) fn register(slot: &Arc<Slot>) -> io::Result<Self> {
        let mut installed = Ok(());
        DECIDED.call_once(|| {
            if WANTED.load(Ordering::SeqCst) {
                installed = signals::install();
            }
        });
        installed?;
        WORKER.set(Arc::as_ptr(slot));
        Ok(Self { _slot: Arc::clone(slot), not_send: std::marker::PhantomData })
    }
}

impl Drop for WorkerThread {
    fn drop(&mut self) {
        WORKER.set(std::ptr::null());
    }
}

/// Dooms this thread if it is a worker's: never returns then. Async-signal-safe.
pub(crate) fn doom_this_thread() {
    let slot = WORKER.get();
    if slot.is_null() {
        return;
    }
    #[expect(unsafe_code, reason = "the slot of this thread, reached without a lock")]
    // SAFETY: set by `WorkerThread`, which keeps the slot alive and clears the pointer before it
    // lets go; both on this thread, which is here.
    let slot = unsafe { &*slot };
    slot.doom();
    thread::wake_now();
    loop {
        sleep_for_ever();
    }
}

#[cfg(unix)]
fn sleep_for_ever() {
    #[expect(unsafe_code, reason = "a libc call")]
    // SAFETY: waits for a signal; touches no memory.
    unsafe {
        libc::pause();
    }
}

#[cfg(not(unix))]
fn sleep_for_ever() {
    std::thread::sleep(std::time::Duration::MAX);
}

#[cfg(unix)]
mod signals {
    use std::io;
    use std::mem::MaybeUninit;
    use std::sync::OnceLock;

    const SIGNALS: [libc::c_int; 3] = [libc::SIGTRAP, libc::SIGILL, libc::SIGABRT];

    /// What was installed before us, in the order of `SIGNALS`.
    static EARLIER: [OnceLock<libc::sigaction>; 3] = [const { OnceLock::new() }; 3];

    #[expect(unsafe_code, reason = "libc calls")]
    pub(super) fn install() -> io::Result<()> {
        for (signal, earlier) in SIGNALS.into_iter().zip(&EARLIER) {
            let mut was = MaybeUninit::<libc::sigaction>::uninit();
            // SAFETY: all zeros is a valid `sigaction`.
            let mut action: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
            action.sa_sigaction = on_signal as *const () as libc::sighandler_t;
            // On its own stack where the thread has one (Rust's threads do), since the thread's
            // may be used up; not reset, since other workers may follow.
            action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_NODEFER;
            // SAFETY: reads the present action into `was`, then replaces it; what the handler
            // hands on to is stored in between, so it is never missing.
            unsafe {
                if libc::sigaction(signal, std::ptr::null(), was.as_mut_ptr()) != 0 {
                    return Err(io::Error::last_os_error());
                }
                let _ = earlier.set(was.assume_init());
                if libc::sigaction(signal, &action, std::ptr::null_mut()) != 0 {
                    return Err(io::Error::last_os_error());
                }
            }
        }
        Ok(())
    }

    #[expect(unsafe_code, reason = "called by the operating system")]
    unsafe extern "C" fn on_signal(
        signal: libc::c_int,
        info: *mut libc::siginfo_t,
        context: *mut libc::c_void,
    ) {
        super::doom_this_thread();
        // Not a worker's thread: none of our business.
        let at = SIGNALS.iter().position(|&ours| ours == signal);
        let Some(earlier) = at.and_then(|at| EARLIER[at].get()) else { return };
        match earlier.sa_sigaction {
            libc::SIG_IGN => {}
            // SAFETY: puts back what was there, so that the signal, raised again by returning
            // to its cause or by `raise`, does what it would have done.
            libc::SIG_DFL => unsafe {
                libc::sigaction(signal, earlier, std::ptr::null_mut());
                libc::raise(signal);
            },
            handler if earlier.sa_flags & libc::SA_SIGINFO != 0 => {
                type Handler =
                    unsafe extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void);
                // SAFETY: with `SA_SIGINFO` the field is a function of this type.
                unsafe {
                    std::mem::transmute::<libc::sighandler_t, Handler>(handler)(
                        signal, info, context,
                    )
                }
            }
            handler => {
                // SAFETY: without `SA_SIGINFO` the field is a function of this type.
                unsafe {
                    std::mem::transmute::<libc::sighandler_t, unsafe extern "C" fn(libc::c_int)>(
                        handler,
                    )(signal)
                }
            }
        }
    }
}

#[cfg(not(unix))]
mod signals {
    pub(super) fn install() -> std::io::Result<()> {
        Ok(())
    }
}
