//! `WorkerStats`: what a plugin has used so far.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::isolate::HeapUse;
use crate::protocol::PluginError;

/// What a worker has done and used so far; reading it never waits for the worker.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct WorkerStats {
    /// Calls that entered the plugin and were answered, with a value or with an error. A hook
    /// that was not found is none.
    pub calls: u64,
    /// Of these, the ones answered with an error.
    pub failures: u64,
    /// Calls, timer callbacks and host answers that were stopped, by cause.
    pub terminations: Terminations,
    /// How long the last call ran, conversion of its result included.
    pub wall_time_last: Duration,
    /// How long all calls ran.
    pub wall_time_total: Duration,
    /// Processor time of the last call, to within a millisecond.
    pub cpu_time_last: Duration,
    /// Processor time of the plugin's thread, what it does between calls included.
    pub cpu_time_total: Duration,
    /// Bytes in use in V8's heap, garbage not yet collected included: after the last call, or, if
    /// calls follow each other within a millisecond, after one that ended less than a millisecond
    /// before the end of the last. A call that took a millisecond or more is always seen.
    pub heap_used: u64,
    /// The most of that at any time it was looked at.
    pub heap_peak: u64,
    /// Bytes behind `ArrayBuffer`s after the last call.
    pub buffer_bytes: u64,
    /// Console output that was dropped, in bytes; a message that was not even formatted
    /// counts 1.
    pub console_bytes_dropped: u64,
    /// Events of `plugin.emit` that were dropped because too many waited for the host.
    pub events_dropped: u64,
    /// How often the isolate was built anew after a fault, in the same thread or another.
    pub rebuilds: u64,
    /// Threads of this worker that were given up.
    pub quarantined: u64,
    /// Calls that wait just now.
    pub queue_length: usize,
}

/// How often something was stopped, by cause.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Terminations {
    /// [`PluginError::Timeout`]
    pub timeout: u64,
    /// [`PluginError::CpuTimeExceeded`]
    pub cpu_time: u64,
    /// [`PluginError::MemoryLimitExceeded`]
    pub memory: u64,
    /// [`PluginError::Cancelled`], of calls that were running
    pub cancelled: u64,
    /// [`PluginError::ShutDown`]
    pub shut_down: u64,
}

/// The same as atomics: written by the worker's thread or the watchdog, read by anybody.
#[derive(Debug, Default)]
pub(super) struct Counters {
    calls: AtomicU64,
    failures: AtomicU64,
    timeout: AtomicU64,
    cpu_time: AtomicU64,
    memory: AtomicU64,
    cancelled: AtomicU64,
    shut_down: AtomicU64,
    wall_last: AtomicU64,
    wall_total: AtomicU64,
    cpu_last: AtomicU64,
    cpu_total: AtomicU64,
    heap_used: AtomicU64,
    heap_peak: AtomicU64,
    buffer_bytes: AtomicU64,
    console_dropped: AtomicU64,
    rebuilds: AtomicU64,
    quarantined: AtomicU64,
}

impl Counters {
    pub(super) fn call_ended(&self, took: Duration, failed: bool) {
        self.wall_last.store(nanos(took), Ordering::Relaxed);
        self.wall_total.fetch_add(nanos(took), Ordering::Relaxed);
        self.failures.fetch_add(u64::from(failed), Ordering::Relaxed);
        self.calls.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a termination, if `error` is one; answers whether it is.
    pub(super) fn stopped(&self, error: &PluginError) -> bool {
        let counter = match error {
            PluginError::Timeout { .. } => &self.timeout,
            PluginError::CpuTimeExceeded { .. } => &self.cpu_time,
            PluginError::MemoryLimitExceeded { .. } => &self.memory,
            PluginError::Cancelled => &self.cancelled,
            PluginError::ShutDown => &self.shut_down,
            _ => return false,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        true
    }

    pub(super) fn heap_is(&self, heap: HeapUse) {
        self.heap_used.store(heap.used as u64, Ordering::Relaxed);
        self.heap_peak.fetch_max(heap.used as u64, Ordering::Relaxed);
        self.buffers_are(heap.buffers);
    }

    pub(super) fn buffers_are(&self, bytes: usize) {
        self.buffer_bytes.store(bytes as u64, Ordering::Relaxed);
    }

    pub(super) fn cpu_used(&self, used: Duration) {
        self.cpu_last.store(nanos(used), Ordering::Relaxed);
        self.cpu_total.fetch_add(nanos(used), Ordering::Relaxed);
    }

    pub(super) fn console_dropped(&self, bytes: u64) {
        self.console_dropped.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn rebuilt(&self) {
        self.rebuilds.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn quarantined(&self) {
        self.quarantined.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn read(&self, queue_length: usize, events_dropped: u64) -> WorkerStats {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let time = |nanos: &AtomicU64| Duration::from_nanos(nanos.load(Ordering::Relaxed));
        WorkerStats {
            calls: count(&self.calls),
            failures: count(&self.failures),
            terminations: Terminations {
                timeout: count(&self.timeout),
                cpu_time: count(&self.cpu_time),
                memory: count(&self.memory),
                cancelled: count(&self.cancelled),
                shut_down: count(&self.shut_down),
            },
            wall_time_last: time(&self.wall_last),
            wall_time_total: time(&self.wall_total),
            cpu_time_last: time(&self.cpu_last),
            cpu_time_total: time(&self.cpu_total),
            heap_used: count(&self.heap_used),
            heap_peak: count(&self.heap_peak),
            buffer_bytes: count(&self.buffer_bytes),
            console_bytes_dropped: count(&self.console_dropped),
            rebuilds: count(&self.rebuilds),
            quarantined: count(&self.quarantined),
            events_dropped,
            queue_length,
        }
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
