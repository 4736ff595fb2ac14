//! How much stack guest code may use.
//!
//! V8 holds guest code to an address: so many bytes (`--stack-size`, for the whole process)
//! below the beginning of the thread's stack. The limit of one isolate cannot be set: the
//! creation parameter of that name is overwritten while the isolate is initialised, and leaves
//! V8 with two ideas of its stack, which ends the process at the first overflow. So what is
//! moved is not the limit but where guest code begins: as far above the limit as it may use.
//! The pages skipped are never touched.

use crate::policy::ResourceLimits;

/// V8's limit, in KiB below the beginning of a thread's stack; set in `platform`.
pub(super) const V8_STACK_KIB: usize = 984;

thread_local! {
    /// Where this thread's stack begins, which stays so. For the first thread of a process the
    /// C library reads all of `/proc/self/maps` to tell.
    static START: Option<usize> = platform::stack_start();
}

/// Calls guest code with a limited stack.
#[derive(Debug, Clone, Copy)]
pub(super) struct GuestStack {
    /// The address at which guest code is to begin, if it is to be skipped to.
    begin: Option<usize>,
    /// V8's limit.
    end: usize,
}

impl GuestStack {
    /// For guest code on this thread, which may use `size` bytes.
    pub(super) fn of_this_thread(size: usize) -> Self {
        let unlimited = size >= ResourceLimits::MAX_STACK.as_u64() as usize;
        let Some(start) = START.with(|start| *start).filter(|_| !unlimited) else {
            return Self { begin: None, end: 0 };
        };
        let end = start.saturating_sub(V8_STACK_KIB << 10);
        // The stack pointer is aligned to 16 bytes on every platform.
        Self { begin: Some((end + size) & !15), end }
    }

    /// Runs `guest` with what is left of its stack.
    pub(super) fn run<R>(self, guest: impl FnOnce() -> R) -> R {
        let here = 0_u8;
        match self.begin {
            // Nothing to skip if we are that deep already.
            Some(begin) if begin < (&raw const here).addr().saturating_sub(RED_ZONE) => {
                platform::run_on(self.end, begin, guest)
            }
            _ => guest(),
        }
    }
}

/// What may lie below the stack pointer and must not be overwritten, and some of our own frames.
const RED_ZONE: usize = 4096;

#[cfg(unix)]
#[expect(unsafe_code, reason = "the thread's own stack, by address")]
mod platform {
    use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

    /// The highest address of this thread's stack, as V8 sees it.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub(super) fn stack_start() -> Option<usize> {
        let mut attributes = std::mem::MaybeUninit::uninit();
        let (mut lowest, mut size) = (std::ptr::null_mut(), 0);
        // SAFETY: asks for the attributes of this thread, reads them, and gives them back.
        unsafe {
            if libc::pthread_getattr_np(libc::pthread_self(), attributes.as_mut_ptr()) != 0 {
                return None;
            }
            let failed = libc::pthread_attr_getstack(attributes.as_ptr(), &mut lowest, &mut size);
            libc::pthread_attr_destroy(attributes.as_mut_ptr());
            (failed == 0).then(|| lowest.addr() + size)
        }
    }

    /// The highest address of this thread's stack, as V8 sees it.
    #[cfg(target_vendor = "apple")]
    pub(super) fn stack_start() -> Option<usize> {
        // SAFETY: asks about this thread, which is alive.
        Some(unsafe { libc::pthread_get_stackaddr_np(libc::pthread_self()) }.addr())
    }

    /// Runs `guest` with the stack pointer at `begin`, in this thread's own stack.
    pub(super) fn run_on<R>(end: usize, begin: usize, guest: impl FnOnce() -> R) -> R {
        // A panic must not unwind through the frame that changes the stack pointer.
        let guest = || catch_unwind(AssertUnwindSafe(guest));
        let lowest = std::ptr::with_exposed_provenance_mut(end);
        // SAFETY: `end..begin` lies in the stack of this thread, below everything that is in
        // use (the caller checked), and above its guard page, as a thread that runs guest code
        // has more stack than V8's limit; the closure returns and does not unwind.
        let result = unsafe { psm::on_stack(lowest, begin - end, guest) };
        result.unwrap_or_else(|panic| resume_unwind(panic))
    }
}

/// Windows commits a stack page by page as it grows, so none can be skipped.
#[cfg(not(unix))]
mod platform {
    pub(super) fn stack_start() -> Option<usize> {
        None
    }

    pub(super) fn run_on<R>(_: usize, _: usize, guest: impl FnOnce() -> R) -> R {
        guest()
    }
}
