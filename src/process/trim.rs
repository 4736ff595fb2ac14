//! Memory that ended isolates have freed, given back to the system.
//!
//! The C library keeps what is freed for the next allocation, in an arena a thread. Giving it back
//! walks all arenas, so it is done for a burst of ends at once: when as many isolates have ended as
//! are left.

use std::sync::atomic::{AtomicUsize, Ordering};

/// So few are not worth a walk.
const BURST: usize = 8;

static LIVE: AtomicUsize = AtomicUsize::new(0);
/// Isolates that have ended since memory was last given back.
static ENDED: AtomicUsize = AtomicUsize::new(0);

pub(super) fn isolate_begins() {
    LIVE.fetch_add(1, Ordering::Relaxed);
}

pub(super) fn isolate_ended() {
    let live = LIVE.fetch_sub(1, Ordering::Relaxed) - 1;
    let ended = ENDED.fetch_add(1, Ordering::Relaxed) + 1;
    // Of two that end at once the later one sees the larger number, and is the one to do it.
    if ended >= live.max(BURST)
        && ENDED.compare_exchange(ended, 0, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    {
        give_back();
    }
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "the C library's own function, which Rust has no name for")]
fn give_back() {
    // SAFETY: may be called at any time on any thread; it takes the arenas' locks itself.
    unsafe {
        libc::malloc_trim(0);
    }
}

/// Other C libraries give back by themselves, or cannot be asked.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn give_back() {}
