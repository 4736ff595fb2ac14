//! `WorkerStats`: what a plugin has used so far.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::isolate::HeapUse;

/// What a worker has done and used so far; reading it never waits for the worker.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct WorkerStats {
    /// Calls that entered the plugin and were answered, with a value or with an error. A hook
    /// that was not found is none.
    pub calls: u64,
    /// Of these, the ones answered with an error.
    pub failures: u64,
    /// How long the last call ran, conversion of its result included.
    pub wall_time_last: Duration,
    /// How long all calls ran.
    pub wall_time_total: Duration,
    /// Bytes in use in V8's heap after the last call, garbage not yet collected included.
    pub heap_used: u64,
    /// The most of that after any call.
    pub heap_peak: u64,
    /// Bytes behind `ArrayBuffer`s after the last call.
    pub buffer_bytes: u64,
    /// How often the isolate was built anew after a fault.
    pub rebuilds: u64,
    /// Calls that wait just now.
    pub queue_length: usize,
}

/// The same as atomics: written by the worker's thread alone, read by anybody.
#[derive(Debug, Default)]
pub(super) struct Counters {
    calls: AtomicU64,
    failures: AtomicU64,
    wall_last: AtomicU64,
    wall_total: AtomicU64,
    heap_used: AtomicU64,
    heap_peak: AtomicU64,
    buffer_bytes: AtomicU64,
    rebuilds: AtomicU64,
}

impl Counters {
    pub(super) fn call_ended(&self, took: Duration, failed: bool, heap: HeapUse) {
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.wall_last.store(nanos, Ordering::Relaxed);
        self.wall_total.fetch_add(nanos, Ordering::Relaxed);
        self.heap_is(heap);
        self.failures.fetch_add(u64::from(failed), Ordering::Relaxed);
        self.calls.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn heap_is(&self, heap: HeapUse) {
        self.heap_used.store(heap.used as u64, Ordering::Relaxed);
        self.heap_peak.fetch_max(heap.used as u64, Ordering::Relaxed);
        self.buffer_bytes.store(heap.buffers as u64, Ordering::Relaxed);
    }

    pub(super) fn rebuilt(&self) {
        self.rebuilds.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn read(&self, queue_length: usize) -> WorkerStats {
        let time = |nanos: &AtomicU64| Duration::from_nanos(nanos.load(Ordering::Relaxed));
        WorkerStats {
            calls: self.calls.load(Ordering::Relaxed),
            failures: self.failures.load(Ordering::Relaxed),
            wall_time_last: time(&self.wall_last),
            wall_time_total: time(&self.wall_total),
            heap_used: self.heap_used.load(Ordering::Relaxed),
            heap_peak: self.heap_peak.load(Ordering::Relaxed),
            buffer_bytes: self.buffer_bytes.load(Ordering::Relaxed),
            rebuilds: self.rebuilds.load(Ordering::Relaxed),
            queue_length,
        }
    }
}
