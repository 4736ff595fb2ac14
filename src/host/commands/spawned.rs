//! A process that runs for a plugin, with all that it starts: with `posix_spawn`.
//!
//! The standard library forks for what a command needs (a session, a directory that is open, no
//! descriptors). A fork copies the tables of the host's memory, about 7 ms for each 100 MB, with
//! all its threads held up: too much for what a plugin may do as often as it likes.

use std::ffi::{CString, OsStr};
use std::io::{self, PipeReader, PipeWriter};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd as _, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;
use std::ptr;
use std::sync::mpsc;

use tokio::net::unix::pipe::{Receiver, Sender};
use tokio::sync::oneshot;

use super::output::Pipes;
use super::program::Directory;
use super::wait::wait_without_reaping;
use crate::policy::CommandGrant;

/// A process of a session, and so a process group, of its own. Dropped, it is killed with all
/// that is in the group. A process that leaves the group (`setsid`) lives on.
pub(super) struct Process {
    pid: libc::pid_t,
    is_reaped: bool,
    ended: oneshot::Receiver<()>,
    pipes: Option<Pipes>,
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
        let (read_out, write_out) = io::pipe()?;
        let (read_err, write_err) = io::pipe()?;
        let (stdin, write_in) = input(has_input)?;
        let pipes = Pipes {
            stdin: match write_in {
                Some(pipe) => Some(Box::new(Sender::from_owned_fd(pipe.into())?)),
                None => None,
            },
            stdout: Some(receiver(read_out)?),
            stderr: Some(receiver(read_err)?),
        };
        let open = Open {
            directory: directory.open.as_raw_fd(),
            standard: [stdin.as_raw_fd(), write_out.as_raw_fd(), write_err.as_raw_fd()],
        };
        // The thread first: without it there must be no child, whom nobody would reap.
        let (begin, begun) = mpsc::channel();
        let (tell, ended) = oneshot::channel();
        std::thread::Builder::new().name("plugin-command".into()).spawn(move || {
            let Ok(pid) = begun.recv() else { return };
            wait_without_reaping(pid);
            if tell.send(()).is_err() {
                // Whoever ran it has gone.
                reap(pid);
            }
        })?;
        let pid = spawn(grant, arguments, &open)?;
        let process = Self { pid, is_reaped: false, ended, pipes: Some(pipes) };
        begin.send(pid).map_err(io::Error::other)?;
        Ok(process)
    }

    /// Its pipes, once.
    pub(super) fn pipes(&mut self) -> Pipes {
        self.pipes.take().unwrap_or(Pipes { stdin: None, stdout: None, stderr: None })
    }

    /// Waits until the process itself has ended. It is not reaped yet, so that its group's number
    /// is nobody else's.
    pub(super) async fn ended(&mut self) -> io::Result<()> {
        (&mut self.ended).await.map_err(io::Error::other)
    }

    /// Kills what is left of the group.
    pub(super) fn kill(&mut self) {
        if self.is_reaped {
            return;
        }
        #[expect(unsafe_code, reason = "the standard library kills processes, not groups")]
        // SAFETY: takes no pointers. The number is that of our child, which is not reaped, so it
        // and its group are no one else's.
        unsafe {
            libc::killpg(self.pid, libc::SIGKILL);
        }
    }

    /// How it ended, once it has.
    #[expect(clippy::unused_async, reason = "elsewhere there is something to wait for")]
    pub(super) async fn status(&mut self) -> io::Result<ExitStatus> {
        self.is_reaped = true;
        reap(self.pid).ok_or_else(|| io::Error::other("somebody else has reaped it"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        // From now on the thread that waits reaps it, unless it has told of the end before.
        self.ended.close();
        if !self.is_reaped && self.ended.try_recv().is_ok() {
            reap(self.pid);
        }
    }
}

/// Takes the status of a child that has ended. Its number may be another's then.
fn reap(pid: libc::pid_t) -> Option<ExitStatus> {
    let mut status = 0;
    #[expect(unsafe_code, reason = "the child is not the standard library's")]
    // SAFETY: `status` is a valid place for what is written.
    let found = unsafe { libc::waitpid(pid, &mut status, libc::WNOHANG) };
    (found == pid).then(|| ExitStatus::from_raw(status))
}

/// Its standard input, and our end of it.
fn input(has_input: bool) -> io::Result<(OwnedFd, Option<PipeWriter>)> {
    if has_input {
        let (read, write) = io::pipe()?;
        return Ok((read.into(), Some(write)));
    }
    Ok((std::fs::File::open("/dev/null")?.into(), None))
}

fn receiver(pipe: PipeReader) -> io::Result<Box<Receiver>> {
    Ok(Box::new(Receiver::from_owned_fd(pipe.into())?))
}

/// What the child has open: its directory, and what becomes descriptors 0 to 2.
struct Open {
    directory: RawFd,
    standard: [RawFd; 3],
}

fn spawn(grant: &CommandGrant, arguments: &[String], open: &Open) -> io::Result<libc::pid_t> {
    let program = text(grant.program.as_os_str())?;
    let mut argv = vec![program.clone()];
    for argument in arguments {
        argv.push(text(OsStr::new(argument))?);
    }
    let mut environment = Vec::new();
    for (name, value) in &grant.environment {
        environment.push(text(OsStr::new(&format!("{name}={value}")))?);
    }
    let (argv, environment) = (pointers(&argv), pointers(&environment));
    let actions = Actions::new(open)?;
    let attributes = Attributes::new()?;
    let mut pid = 0;
    #[expect(unsafe_code, reason = "the standard library has no sessions and open directories")]
    // SAFETY: all pointers are to values of this function's frame or its callers'; the two lists
    // end with a null and point to strings that live as long as they do.
    let error = unsafe {
        libc::posix_spawn(
            &mut pid,
            program.as_ptr(),
            &actions.0,
            &attributes.0,
            argv.as_ptr(),
            environment.as_ptr(),
        )
    };
    check(error)?;
    Ok(pid)
}

fn text(text: &OsStr) -> io::Result<CString> {
    Ok(CString::new(text.as_bytes())?)
}

/// A list of strings as C has it. It is read only, whatever the type says.
fn pointers(texts: &[CString]) -> Vec<*mut libc::c_char> {
    texts.iter().map(|text| text.as_ptr().cast_mut()).chain([ptr::null_mut()]).collect()
}

/// Functions of this family answer with the error itself.
fn check(error: libc::c_int) -> io::Result<()> {
    if error == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(error)) }
}

/// What happens with descriptors in the child.
struct Actions(libc::posix_spawn_file_actions_t);

impl Actions {
    fn new(open: &Open) -> io::Result<Self> {
        let mut actions = MaybeUninit::uninit();
        #[expect(unsafe_code, reason = "the standard library has no open directories")]
        // SAFETY: initialised by the first call, if it succeeds, and destroyed by `Drop` from
        // then on. The descriptors are numbers, which need be open only in the child: they are
        // the caller's until it has begun.
        unsafe {
            check(libc::posix_spawn_file_actions_init(actions.as_mut_ptr()))?;
            let mut actions = Self(actions.assume_init());
            check(libc::posix_spawn_file_actions_addfchdir_np(&mut actions.0, open.directory))?;
            for (number, descriptor) in (0..).zip(open.standard) {
                let actions = &mut actions.0;
                check(libc::posix_spawn_file_actions_adddup2(actions, descriptor, number))?;
            }
            // Our own are closed by `exec` anyway; those of libraries in the host need not be.
            check(libc::posix_spawn_file_actions_addclosefrom_np(&mut actions.0, 3))?;
            Ok(actions)
        }
    }
}

impl Drop for Actions {
    fn drop(&mut self) {
        #[expect(unsafe_code, reason = "the other end of `new`")]
        // SAFETY: initialised, and not used after.
        unsafe {
            libc::posix_spawn_file_actions_destroy(&mut self.0);
        }
    }
}

/// What the child is otherwise.
struct Attributes(libc::posix_spawnattr_t);

impl Attributes {
    /// A session of its own, without a terminal into which it could type for its user; all
    /// signals as a program expects them.
    fn new() -> io::Result<Self> {
        let flags = libc::c_int::from(libc::POSIX_SPAWN_SETSID)
            | libc::POSIX_SPAWN_SETSIGMASK
            | libc::POSIX_SPAWN_SETSIGDEF;
        let flags = libc::c_short::try_from(flags).map_err(io::Error::other)?;
        let mut attributes = MaybeUninit::uninit();
        let (mut none, mut ignored) = (MaybeUninit::uninit(), MaybeUninit::uninit());
        #[expect(unsafe_code, reason = "the standard library has no sessions")]
        // SAFETY: each value is initialised by the call before it is used, and lives in this
        // frame; the attributes are destroyed by `Drop`.
        unsafe {
            check(libc::posix_spawnattr_init(attributes.as_mut_ptr()))?;
            let mut attributes = Self(attributes.assume_init());
            check(libc::posix_spawnattr_setflags(&mut attributes.0, flags))?;
            libc::sigemptyset(none.as_mut_ptr());
            check(libc::posix_spawnattr_setsigmask(&mut attributes.0, none.as_ptr()))?;
            libc::sigemptyset(ignored.as_mut_ptr());
            // Rust programs ignore it, and what is ignored stays so in a child.
            libc::sigaddset(ignored.as_mut_ptr(), libc::SIGPIPE);
            check(libc::posix_spawnattr_setsigdefault(&mut attributes.0, ignored.as_ptr()))?;
            Ok(attributes)
        }
    }
}

impl Drop for Attributes {
    fn drop(&mut self) {
        #[expect(unsafe_code, reason = "the other end of `new`")]
        // SAFETY: initialised, and not used after.
        unsafe {
            libc::posix_spawnattr_destroy(&mut self.0);
        }
    }
}
