//! `HeapGuard`: what happens when a plugin's heap reaches its limit.

use std::ffi::c_void;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use super::buffers::BufferQuota;
use crate::watchdog::{Cause, Slot};

/// How far V8 may go beyond the limit while the call unwinds, in bytes. Only a number: nothing
/// is reserved. One builtin that cannot be interrupted may still finish, and some need 2 GB for
/// that; running out here would end the process.
const HEADROOM: usize = 4 << 30;

/// How many second looks a call is worth; each is a full collection.
const MAX_LOOKS: u32 = 2;

/// A plugin's memory at one moment, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct HeapUse {
    /// Live and not yet collected objects in V8's heap.
    pub(crate) used: usize,
    /// Behind `ArrayBuffer`s.
    pub(crate) buffers: usize,
}

/// Answers V8's near-heap-limit callback for one isolate.
///
/// Tests: `stopping::garbage_is_not_use`, `stopping::garbage_of_a_stopped_call_is_not_use`.
#[derive(Debug)]
pub(super) struct HeapGuard {
    slot: Arc<Slot>,
    handle: v8::IsolateHandle,
    buffers: Arc<BufferQuota>,
    limit: usize,
    /// V8 has reported the limit, and a second look is to tell whether it is garbage that fills
    /// the heap. The limit is raised until then.
    looking: AtomicBool,
    /// How often that was so in this call.
    looks: AtomicU32,
    /// The heap is full of what is in use. The isolate is not used again.
    exhausted: AtomicBool,
}

impl HeapGuard {
    /// Puts the guard on `isolate`. It must outlive the isolate; the box keeps its address.
    pub(super) fn install(
        isolate: &mut v8::Isolate,
        slot: &Arc<Slot>,
        buffers: &Arc<BufferQuota>,
        limit: usize,
    ) -> Box<Self> {
        let guard = Box::new(Self {
            slot: Arc::clone(slot),
            handle: isolate.thread_safe_handle(),
            buffers: Arc::clone(buffers),
            limit,
            looking: AtomicBool::new(false),
            looks: AtomicU32::new(0),
            exhausted: AtomicBool::new(false),
        });
        isolate.add_near_heap_limit_callback(near_heap_limit, guard.as_data());
        guard
    }

    pub(super) fn new_call(&self) {
        self.looks.store(0, Ordering::Relaxed);
    }

    pub(super) fn exhausted(&self) -> bool {
        self.exhausted.load(Ordering::Relaxed)
    }

    pub(super) fn heap_use(&self, isolate: &mut v8::Isolate) -> HeapUse {
        HeapUse {
            used: isolate.get_heap_statistics().used_heap_size(),
            buffers: self.buffers.used(),
        }
    }

    fn as_data(&self) -> *mut c_void {
        std::ptr::from_ref(self).cast_mut().cast()
    }

    fn exhaust(&self, used: usize) {
        self.exhausted.store(true, Ordering::Relaxed);
        if !self.slot.fire(Cause::MemoryLimit { used, limit: self.limit }) {
            // Nothing is armed, or somebody stops it already. Tell V8 all the same: whatever
            // runs must unwind before the headroom is used up.
            self.handle.terminate_execution();
        }
    }
}

/// Called by V8 inside a collection, on the isolate's thread: record, stop, give headroom; no
/// JavaScript, no panic.
///
/// That it is called says little: V8 calls it after a collection that counted as live what was
/// so when marking began, and as a last resort when the buffer quota refuses. Garbage is not
/// use, so the first times in a call only a second look is asked for. Refusing the headroom
/// meanwhile would end the process.
#[expect(unsafe_code, reason = "called by V8")]
unsafe extern "C" fn near_heap_limit(data: *mut c_void, current: usize, _initial: usize) -> usize {
    // SAFETY: `data` is the boxed guard, which `World` drops after the isolate.
    let guard = unsafe { &*data.cast_const().cast::<HeapGuard>() };
    let looks = match guard.buffers.take_denied() {
        true => 0,
        false => guard.looks.fetch_add(1, Ordering::Relaxed),
    };
    if guard.looking.swap(true, Ordering::Relaxed) || looks >= MAX_LOOKS {
        guard.exhaust(current);
    } else {
        guard.handle.request_interrupt(look_again, data);
    }
    current.saturating_add(HEADROOM)
}

/// Called by V8 on the isolate's thread, between two steps of guest code: where a termination
/// would land, too.
#[expect(unsafe_code, reason = "called by V8")]
unsafe extern "C" fn look_again(isolate: v8::UnsafeRawIsolatePtr, data: *mut c_void) {
    // SAFETY: as in `near_heap_limit`; interrupts run only while the isolate lives.
    let guard = unsafe { &*data.cast_const().cast::<HeapGuard>() };
    // SAFETY: V8 calls an interrupt with the live isolate, on its own thread.
    let mut isolate = unsafe { v8::Isolate::from_raw_isolate_ptr(isolate) };
    if guard.exhausted() {
        return;
    }
    // Collects at least twice: the first time V8 may only end the marking that it had begun.
    isolate.low_memory_notification();
    let used = isolate.get_heap_statistics().used_heap_size();
    // So full that V8 would report the limit again and again, and do nothing but collect.
    if used >= guard.limit / 8 * 7 {
        guard.exhaust(used);
        return;
    }
    // Puts the limit back, or as near to it as what is in use allows.
    isolate.remove_near_heap_limit_callback(near_heap_limit, guard.limit);
    isolate.add_near_heap_limit_callback(near_heap_limit, data);
    guard.looking.store(false, Ordering::Relaxed);
}
