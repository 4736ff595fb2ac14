//! What all plugins together hold, and the limits on it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{OnceLock, PoisonError, RwLock};
use std::time::{Duration, Instant};

use bytesize::ByteSize;

use super::code_cache;
use super::resident::resident_bytes;
use super::trim;
use crate::policy::{Limit, ProcessLimits};
use crate::protocol::PluginError;

static LIMITS: RwLock<Option<ProcessLimits>> = RwLock::new(None);

/// Bytes of heap and buffers that existing isolates may use.
static ADMITTED: AtomicU64 = AtomicU64::new(0);
/// Threads in quarantine now, and ever.
static QUARANTINED: AtomicU64 = AtomicU64::new(0);
static QUARANTINED_TOTAL: AtomicU64 = AtomicU64::new(0);

pub(super) fn limits() -> ProcessLimits {
    LIMITS.read().unwrap_or_else(PoisonError::into_inner).unwrap_or_default()
}

/// Sets what all plugins of the process may use together, from now on. What exists already is
/// counted, and not ended if it is beyond a limit.
///
/// # Errors
///
/// [`PluginError::InvalidLimit`] if a limit cannot be enforced on this system: then none is
/// changed.
///
/// ```
/// use plugin_sandbox::{ByteSize, Limit, ProcessLimits, set_process_limits};
///
/// let mut limits = ProcessLimits::default();
/// limits.admitted_memory = Limit::At(ByteSize::gib(8));
/// set_process_limits(limits)?;
/// # Ok::<(), plugin_sandbox::PluginError>(())
/// ```
pub fn set_process_limits(limits: ProcessLimits) -> Result<(), PluginError> {
    if limits.resident_memory != Limit::Off && resident_bytes().is_none() {
        return Err(PluginError::InvalidLimit {
            field: "resident_memory",
            reason: "cannot be read on this system; turn it \"off\"".into(),
        });
    }
    *LIMITS.write().unwrap_or_else(PoisonError::into_inner) = Some(limits);
    code_cache::limit(limits.code_cache.as_u64());
    Ok(())
}

/// What all plugins of the process hold just now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProcessStats {
    /// Bytes of heap and `ArrayBuffer`s that the isolates that exist may use.
    pub admitted_memory: u64,
    /// Threads in quarantine now: given up, and not ended yet.
    pub quarantined: u64,
    /// Threads that were ever given up.
    pub quarantined_total: u64,
    /// Bytes of plugins' scripts, as text and compiled, kept for those who start with the same.
    pub code_cache: u64,
}

/// What all plugins of the process hold just now. Waits for no plugin.
pub fn process_stats() -> ProcessStats {
    ProcessStats {
        admitted_memory: ADMITTED.load(Ordering::Relaxed),
        quarantined: QUARANTINED.load(Ordering::Relaxed),
        quarantined_total: QUARANTINED_TOTAL.load(Ordering::Relaxed),
        code_cache: code_cache::kept(),
    }
}

/// Memory that an isolate was admitted with; given back when dropped.
#[derive(Debug)]
pub(crate) struct Admission(u64);

impl Drop for Admission {
    fn drop(&mut self) {
        ADMITTED.fetch_sub(self.0, Ordering::Relaxed);
        trim::isolate_ended();
    }
}

/// Admits an isolate that may use so much memory.
pub(crate) fn admit(memory: ByteSize) -> Result<Admission, PluginError> {
    check_quarantined()?;
    check_resident()?;
    let memory = memory.as_u64();
    let limit = limits().admitted_memory.at().map_or(u64::MAX, |limit| limit.as_u64());
    let grow = |used: u64| used.checked_add(memory).filter(|&sum| sum <= limit);
    match ADMITTED.fetch_update(Ordering::Relaxed, Ordering::Relaxed, grow) {
        Ok(_) => {
            trim::isolate_begins();
            Ok(Admission(memory))
        }
        Err(used) => {
            let used = used.saturating_add(memory);
            Err(PluginError::ProcessLimit { what: "admitted_memory", used, limit })
        }
    }
}

/// Refuses while the process is above its resident-memory watermark.
pub(crate) fn check_resident() -> Result<(), PluginError> {
    /// How old a reading may be.
    const FRESH: Duration = Duration::from_millis(100);
    static START: OnceLock<Instant> = OnceLock::new();
    /// Until when the last reading is fresh, in milliseconds since `START`, and what it said.
    static FRESH_UNTIL: AtomicU64 = AtomicU64::new(0);
    static READ: AtomicU64 = AtomicU64::new(0);

    let Some(limit) = limits().resident_memory.at() else { return Ok(()) };
    let now = START.get_or_init(Instant::now).elapsed().as_millis() as u64;
    // Two threads may both read; that costs a reading and nothing else.
    if now >= FRESH_UNTIL.load(Ordering::Relaxed) {
        READ.store(resident_bytes().unwrap_or(0), Ordering::Relaxed);
        FRESH_UNTIL.store(now + FRESH.as_millis() as u64, Ordering::Relaxed);
    }
    let (used, limit) = (READ.load(Ordering::Relaxed), limit.as_u64());
    if used > limit {
        return Err(PluginError::ProcessLimit { what: "resident_memory", used, limit });
    }
    Ok(())
}

/// Refuses while more threads are in quarantine than the process tolerates.
pub(crate) fn check_quarantined() -> Result<(), PluginError> {
    let limit = limits().quarantined as u64;
    let used = QUARANTINED.load(Ordering::Relaxed);
    if used > limit {
        return Err(PluginError::ProcessLimit { what: "quarantined", used, limit });
    }
    Ok(())
}

/// A thread in quarantine, until it is dropped by that thread as it ends.
#[derive(Debug)]
pub(crate) struct Quarantined(());

impl Drop for Quarantined {
    fn drop(&mut self) {
        QUARANTINED.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Puts a thread into quarantine.
pub(crate) fn quarantine() -> Quarantined {
    QUARANTINED.fetch_add(1, Ordering::Relaxed);
    QUARANTINED_TOTAL.fetch_add(1, Ordering::Relaxed);
    Quarantined(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn resident_memory_is_that_of_this_process() {
        let bytes = resident_bytes().unwrap();
        assert!((1 << 20..1 << 36).contains(&bytes), "{bytes}");
    }

    #[test]
    fn an_admission_is_given_back() {
        let before = process_stats().admitted_memory;
        let admission = admit(ByteSize::mib(1)).unwrap();
        assert!(process_stats().admitted_memory >= 1 << 20);
        drop(admission);
        assert_eq!(process_stats().admitted_memory, before);
    }
}
