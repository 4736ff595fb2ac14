//! Waiting for a process without an end to its number.

use std::io;

/// Blocks until this child has ended, or is no child any more.
pub(super) fn wait_without_reaping(pid: libc::pid_t) {
    let Ok(pid) = libc::id_t::try_from(pid) else { return };
    loop {
        #[expect(unsafe_code, reason = "the standard library waits by reaping only")]
        // SAFETY: `information` is a valid place for what is written, and may be all zero before.
        let answer = unsafe {
            let mut information: libc::siginfo_t = std::mem::zeroed();
            libc::waitid(libc::P_PID, pid, &mut information, libc::WEXITED | libc::WNOWAIT)
        };
        let interrupted = io::Error::last_os_error().kind() == io::ErrorKind::Interrupted;
        if answer == 0 || !interrupted {
            return;
        }
    }
}
