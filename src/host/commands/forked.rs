//! A process that runs for a plugin, with all that it starts: the standard library's way, which
//! forks where it is to do what the library cannot.

use std::io;
use std::process::{ExitStatus, Stdio};

use tokio::process::{Child, Command};

use super::output::Pipes;
use super::program::Directory;
use crate::policy::CommandGrant;

/// A process of a session, and so a process group, of its own. Dropped, it is killed with all
/// that is in the group. A process that leaves the group (`setsid`) lives on.
pub(super) struct Process {
    child: Child,
}

impl Process {
    /// Starts the granted program. Nothing is inherited: the environment is the grant's, standard
    /// input is a pipe or nothing, output is pipes, and every other descriptor is closed.
    pub(super) fn start(
        grant: &CommandGrant,
        arguments: &[String],
        directory: Directory,
        has_input: bool,
    ) -> io::Result<Self> {
        let mut command = Command::new(&grant.program);
        command
            .args(arguments)
            .env_clear()
            .envs(&grant.environment)
            .stdin(if has_input { Stdio::piped() } else { Stdio::null() })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        isolate(&mut command, directory);
        Ok(Self { child: command.spawn()? })
    }

    /// Its pipes, once.
    pub(super) fn pipes(&mut self) -> Pipes {
        let Child { stdin, stdout, stderr, .. } = &mut self.child;
        Pipes {
            stdin: stdin.take().map(|pipe| Box::new(pipe) as _),
            stdout: stdout.take().map(|pipe| Box::new(pipe) as _),
            stderr: stderr.take().map(|pipe| Box::new(pipe) as _),
        }
    }

    /// Waits until the process itself has ended. It is not reaped yet, so that its group's number
    /// is nobody else's.
    #[cfg(unix)]
    pub(super) async fn ended(&mut self) -> io::Result<()> {
        let pid = self.child.id().and_then(|pid| libc::pid_t::try_from(pid).ok());
        let Some(pid) = pid else { return Ok(()) };
        let (told, ended) = tokio::sync::oneshot::channel();
        std::thread::Builder::new().name("plugin-command".into()).spawn(move || {
            super::wait::wait_without_reaping(pid);
            // Nobody may be left to hear it.
            let _ = told.send(());
        })?;
        ended.await.map_err(io::Error::other)
    }

    #[cfg(not(unix))]
    pub(super) async fn ended(&mut self) -> io::Result<()> {
        self.child.wait().await.map(drop)
    }

    /// Kills what is left of the group.
    pub(super) fn kill(&mut self) {
        #[cfg(unix)]
        // Known only while the process is not reaped.
        if let Some(group) = self.child.id().and_then(|pid| libc::pid_t::try_from(pid).ok()) {
            #[expect(unsafe_code, reason = "the standard library kills processes, not groups")]
            // SAFETY: takes no pointers. The number is that of our child, which is not reaped, so
            // it and its group are no one else's.
            unsafe {
                libc::killpg(group, libc::SIGKILL);
            }
        }
        // What Windows has: the process alone.
        #[cfg(not(unix))]
        let _ = self.child.start_kill();
    }

    pub(super) async fn status(&mut self) -> io::Result<ExitStatus> {
        self.child.wait().await
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Has it start in the open directory, in a session of its own, without the host's descriptors.
#[cfg(unix)]
fn isolate(command: &mut Command, directory: Directory) {
    use std::os::fd::AsRawFd as _;

    let Directory { open, path: _ } = directory;
    let enter = move || {
        #[expect(unsafe_code, reason = "calls of the system's that the standard library lacks")]
        // SAFETY: they take no pointers; the descriptor is open, as this closure owns it.
        let done = unsafe {
            // A new session has no terminal, into which a program could type for its user.
            libc::setsid() != -1
                && libc::fchdir(open.as_raw_fd()) == 0
                && close_on_exec_all_but_the_first(3)
        };
        if done { Ok(()) } else { Err(io::Error::last_os_error()) }
    };
    #[expect(unsafe_code, reason = "what is to happen between fork and exec")]
    // SAFETY: the closure runs in the child after fork, where other threads of ours may hold any
    // lock. It makes system calls only: it does not allocate, lock or panic.
    unsafe {
        command.pre_exec(enter);
    }
}

#[cfg(not(unix))]
fn isolate(command: &mut Command, directory: Directory) {
    command.current_dir(directory.path);
}

/// Marks every descriptor from `first` on as not to be inherited. Our own all are already; those
/// of libraries in the host's process need not be.
#[cfg(target_os = "linux")]
fn close_on_exec_all_but_the_first(first: libc::c_uint) -> bool {
    const MARK: libc::c_uint = libc::CLOSE_RANGE_CLOEXEC as libc::c_uint;
    #[expect(unsafe_code, reason = "a call of the system's that the standard library lacks")]
    // SAFETY: takes no pointers, and closes nothing now.
    let done = unsafe { libc::syscall(libc::SYS_close_range, first, libc::c_uint::MAX, MARK) == 0 };
    // Before Linux 5.11 there is no such call.
    done || matches!(io::Error::last_os_error().raw_os_error(), Some(libc::ENOSYS | libc::EINVAL))
}

#[cfg(all(unix, not(target_os = "linux")))]
fn close_on_exec_all_but_the_first(first: libc::c_int) -> bool {
    #[expect(unsafe_code, reason = "calls of the system's that the standard library lacks")]
    // SAFETY: takes no pointers. Numbers that are not open are refused, which does no harm.
    unsafe {
        let limit = libc::getdtablesize();
        for descriptor in first..limit {
            libc::fcntl(descriptor, libc::F_SETFD, libc::FD_CLOEXEC);
        }
    }
    true
}
