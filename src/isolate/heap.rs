//! `HeapGuard`: what happens when a plugin's heap reaches its limit.

use std::ffi::c_void;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::buffers::BufferQuota;
use crate::watchdog::{Cause, Slot};

/// How far V8 may go beyond the limit while the call unwinds, in bytes. Only a number: nothing
/// is reserved. One builtin that cannot be interrupted may still finish, and some need 2 GB for
/// that; running out here would end the process.
const HEADROOM: usize = 4 << 30;

/// A plugin's memory at one moment, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct HeapUse {
    /// Live and not yet collected objects in V8's heap.
    pub(crate) used: usize,
    /// Behind `ArrayBuffer`s.
    pub(crate) buffers: usize,
}

/// Answers V8's near-heap-limit callback for one isolate.
#[derive(Debug)]
pub(super) struct HeapGuard {
    slot: Arc<Slot>,
    handle: v8::IsolateHandle,
    buffers: Arc<BufferQuota>,
    limit: usize,
    /// The heap ran out, or nearly: the isolate has had its limit raised and is not used again.
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
            exhausted: AtomicBool::new(false),
        });
        isolate.add_near_heap_limit_callback(near_heap_limit, guard.as_data());
        guard
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
#[expect(unsafe_code, reason = "called by V8")]
unsafe extern "C" fn near_heap_limit(data: *mut c_void, current: usize, _initial: usize) -> usize {
    // SAFETY: `data` is the boxed guard, which `PluginIsolate` drops after the isolate.
    let guard = unsafe { &*data.cast_const().cast::<HeapGuard>() };
    if guard.buffers.take_denied() {
        // The buffer quota refused and V8 calls us as a last resort: that is no reason to stop,
        // the guest gets a RangeError. Yet answering "no more" here would end the process if
        // the heap is full as well, so the limit is raised, and put back as soon as guest code
        // runs again.
        guard.handle.request_interrupt(restore_limit, data);
    } else {
        guard.exhaust(current);
    }
    current.saturating_add(HEADROOM)
}

/// Called by V8 on the isolate's thread, between two steps of guest code.
#[expect(unsafe_code, reason = "called by V8")]
unsafe extern "C" fn restore_limit(isolate: v8::UnsafeRawIsolatePtr, data: *mut c_void) {
    // SAFETY: as in `near_heap_limit`; interrupts run only while the isolate lives.
    let guard = unsafe { &*data.cast_const().cast::<HeapGuard>() };
    // SAFETY: V8 calls an interrupt with the live isolate, on its own thread.
    let mut isolate = unsafe { v8::Isolate::from_raw_isolate_ptr(isolate) };
    if guard.exhausted() {
        return;
    }
    isolate.remove_near_heap_limit_callback(near_heap_limit, guard.limit);
    isolate.add_near_heap_limit_callback(near_heap_limit, data);
    let used = isolate.get_heap_statistics().used_heap_size();
    if used >= guard.limit {
        guard.exhaust(used);
    }
}
