//! `BufferQuota`: the memory behind a plugin's `ArrayBuffer`s, counted and limited.

use std::alloc::{Layout, alloc, alloc_zeroed, dealloc};
use std::ffi::c_void;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Counts the bytes behind one isolate's buffers, those that V8 allocates through it and those
/// that come from the host. Allocation happens on the isolate's thread,
/// release also on V8's collector threads.
#[derive(Debug)]
pub(super) struct BufferQuota {
    limit: usize,
    used: AtomicUsize,
    denied: AtomicBool,
}

impl BufferQuota {
    pub(super) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { limit, used: AtomicUsize::new(0), denied: AtomicBool::new(false) })
    }

    pub(super) fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// Whether a buffer was refused since the last time this was asked. V8 then collects as if
    /// it had run out of heap, and calls the near-heap-limit callback as a last resort.
    pub(super) fn take_denied(&self) -> bool {
        self.denied.swap(false, Ordering::Relaxed)
    }

    /// A buffer with these bytes, which are not copied; `None` if they are beyond the quota.
    pub(super) fn adopt<'s>(
        self: &Arc<Self>,
        scope: &mut v8::PinScope<'s, '_>,
        bytes: Box<[u8]>,
    ) -> Option<v8::Local<'s, v8::ArrayBuffer>> {
        let len = bytes.len();
        if !self.reserve(len) {
            // As V8 does before it gives up on an allocation.
            scope.low_memory_notification();
            if !self.reserve(len) {
                return None;
            }
        }
        let data = Box::into_raw(bytes);
        let quota = Arc::into_raw(Arc::clone(self)).cast_mut().cast();
        #[expect(unsafe_code, reason = "hands memory over to V8")]
        // SAFETY: `data` is a box of `len` bytes that nobody else has, and `quota` a strong
        // count of the `Arc`; `release_adopted` takes both back, once, on any thread.
        let store = unsafe {
            v8::ArrayBuffer::new_backing_store_from_ptr(data.cast(), len, release_adopted, quota)
        };
        Some(v8::ArrayBuffer::with_backing_store(scope, &store.make_shared()))
    }

    /// V8's allocator on top of this quota.
    pub(super) fn allocator(self: &Arc<Self>) -> v8::UniqueRef<v8::Allocator> {
        let handle = Arc::into_raw(Arc::clone(self));
        #[expect(unsafe_code, reason = "V8 calls the allocator through raw pointers")]
        // SAFETY: the handle is a strong count of the `Arc`, which `release_quota`, the
        // vtable's `drop`, gives back; `BufferQuota` is `Sync`, as the collector's threads need.
        unsafe {
            v8::new_rust_allocator(handle, &VTABLE)
        }
    }

    fn reserve(&self, len: usize) -> bool {
        let take = |used: usize| used.checked_add(len).filter(|&sum| sum <= self.limit);
        let granted = self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok();
        if !granted {
            self.denied.store(true, Ordering::Relaxed);
        }
        granted
    }
}

static VTABLE: v8::RustAllocatorVtable<BufferQuota> = v8::RustAllocatorVtable {
    allocate: allocate_zeroed,
    allocate_uninitialized,
    free,
    drop: release_quota,
};

/// What V8 relies on for typed arrays of any element type.
const ALIGN: usize = 16;

fn reserved(quota: &BufferQuota, len: usize) -> Option<Layout> {
    let layout = Layout::from_size_align(len.max(1), ALIGN).ok()?;
    quota.reserve(len).then_some(layout)
}

fn counted(quota: &BufferQuota, len: usize, data: *mut u8) -> *mut c_void {
    if data.is_null() {
        quota.used.fetch_sub(len, Ordering::Relaxed);
    }
    data.cast()
}

#[expect(unsafe_code, reason = "called by V8")]
unsafe extern "C" fn allocate_zeroed(quota: &BufferQuota, len: usize) -> *mut c_void {
    match reserved(quota, len) {
        // SAFETY: the layout's size is not zero.
        Some(layout) => counted(quota, len, unsafe { alloc_zeroed(layout) }),
        None => ptr::null_mut(),
    }
}

#[expect(unsafe_code, reason = "called by V8")]
unsafe extern "C" fn allocate_uninitialized(quota: &BufferQuota, len: usize) -> *mut c_void {
    match reserved(quota, len) {
        // SAFETY: the layout's size is not zero.
        Some(layout) => counted(quota, len, unsafe { alloc(layout) }),
        None => ptr::null_mut(),
    }
}

#[expect(unsafe_code, reason = "called by V8")]
unsafe extern "C" fn free(quota: &BufferQuota, data: *mut c_void, len: usize) {
    if data.is_null() {
        return;
    }
    if let Ok(layout) = Layout::from_size_align(len.max(1), ALIGN) {
        quota.used.fetch_sub(len, Ordering::Relaxed);
        // SAFETY: V8 gives back what `reserved` with this length gave out, once.
        unsafe { dealloc(data.cast(), layout) };
    }
}

#[expect(unsafe_code, reason = "called by V8")]
unsafe extern "C" fn release_adopted(data: *mut c_void, len: usize, quota: *mut c_void) {
    // SAFETY: `adopt` made both pointers of a box and an `Arc`, and V8 calls this once.
    let (bytes, quota) = unsafe {
        let bytes = Box::from_raw(ptr::slice_from_raw_parts_mut(data.cast::<u8>(), len));
        (bytes, Arc::from_raw(quota.cast_const().cast::<BufferQuota>()))
    };
    drop(bytes);
    quota.used.fetch_sub(len, Ordering::Relaxed);
}

#[expect(unsafe_code, reason = "called by V8")]
unsafe extern "C" fn release_quota(quota: *const BufferQuota) {
    // SAFETY: the pointer is the `Arc` that `allocator` leaked, and V8 drops it once.
    drop(unsafe { Arc::from_raw(quota) });
}
