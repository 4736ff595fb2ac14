//! The resident memory of this process.

/// Resident memory in bytes; `None` where this is not known.
#[cfg(target_os = "linux")]
pub(super) fn resident_bytes() -> Option<u64> {
    let pages = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = pages.split(' ').nth(1)?.parse().ok()?;
    #[expect(unsafe_code, reason = "a libc call")]
    // SAFETY: takes a plain number and touches no memory of ours.
    let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    Some(pages * u64::try_from(page).ok()?)
}

/// Resident memory in bytes; `None` where this is not known.
#[cfg(not(target_os = "linux"))]
pub(super) fn resident_bytes() -> Option<u64> {
    None
}
