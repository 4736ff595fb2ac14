//! One run of a command, from the grant to the exit code.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::pin::pin;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize, Serializer};
use serde_bytes::{ByteBuf, Bytes};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::Process;
use super::confirm::{CommandRequest, Questions, Quoted};
use super::output::{Cut, Output, talk};
use super::program::Root;
use super::refusal::io_error;
use crate::host::call::HostCall;
use crate::host::error::HostError;
use crate::host::refusal::{refused, too_large};
use crate::policy::CommandGrant;

/// Commands of one plugin that run at once; further ones wait.
const CONCURRENT: usize = 4;

/// Arguments of one command: systems take about a hundred times as many bytes.
const MAX_ARGUMENTS: usize = 256;
const MAX_ARGUMENT_BYTES: usize = 32 * 1024;

/// The longest path of a directory, in bytes.
const MAX_DIRECTORY: usize = 4096;

/// What an audit keeps of a command line, in bytes, at least.
const MAX_TARGET: usize = 1024;

/// How long to wait for the end of the output after the end of the process and its group: only
/// what has left the group can hold it open.
const DRAIN: Duration = Duration::from_millis(250);

/// The third argument of `commands.run`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RunOptions {
    /// Text, or bytes.
    input: Option<ByteBuf>,
    directory: Option<String>,
    format: Option<Format>,
}

/// What the output is given as.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Format {
    #[default]
    Text,
    Bytes,
}

/// What `commands.run` answers.
#[derive(Debug, Serialize)]
pub(super) struct Ran {
    code: Option<i32>,
    signal: Option<String>,
    stdout: Said,
    stderr: Said,
}

#[derive(Debug)]
enum Said {
    Text(String),
    Bytes(Vec<u8>),
}

impl Said {
    fn new(bytes: Vec<u8>, format: Format) -> Self {
        match format {
            Format::Text => Self::Text(String::from_utf8_lossy(&bytes).into_owned()),
            Format::Bytes => Self::Bytes(bytes),
        }
    }
}

impl Serialize for Said {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => to.serialize_str(text),
            Self::Bytes(bytes) => Bytes::new(bytes).serialize(to),
        }
    }
}

/// The commands as one plugin has them.
pub(super) struct Commands {
    roots: BTreeMap<String, Root>,
    questions: Option<Questions>,
    under_way: Semaphore,
}

impl Commands {
    pub(super) fn new(roots: BTreeMap<String, Root>, questions: Option<Questions>) -> Self {
        Self { roots, questions, under_way: Semaphore::new(CONCURRENT) }
    }

    pub(super) async fn run(
        &self,
        call: &HostCall,
        name: &str,
        arguments: Vec<String>,
        options: RunOptions,
    ) -> Result<Ran, HostError> {
        let account = call.audited("commands.run", &command_line(name, &arguments));
        account.close(self.granted(call, name, arguments, options).await)
    }

    async fn granted(
        &self,
        call: &HostCall,
        name: &str,
        arguments: Vec<String>,
        options: RunOptions,
    ) -> Result<Ran, HostError> {
        let (Some(grant), Some(root)) =
            (call.capabilities().commands.get(name), self.roots.get(name))
        else {
            return Err(refused("no command of this name is granted"));
        };
        check(grant, &arguments, &options)?;
        if grant.confirm {
            let questions = self.questions.as_ref();
            let questions = questions.ok_or_else(|| refused("nobody is there to ask"))?;
            // Not kept open: what waits must not use up the process's descriptors.
            let directory = find(root, &options.directory).await?;
            let request = CommandRequest {
                plugin: call.plugin_id().to_owned(),
                name: name.to_owned(),
                program: grant.program.clone(),
                arguments: arguments.clone(),
                directory,
            };
            questions.ask(request).await?;
        }
        let _permit =
            self.under_way.acquire().await.map_err(|_| refused("the plugin has ended"))?;
        let process = start(root, grant, arguments, &options).await?;
        let input = options.input.unwrap_or_default();
        let format = options.format.unwrap_or_default();
        timeout(grant.time, finish(process, &input, grant, format)).await.unwrap_or_else(|_| {
            let time = grant.time;
            Err(HostError::new(format!("killed after {time:?}")).with_code("E_TIMEOUT"))
        })
    }
}

/// Name and arguments for people to read; long ones are cut.
fn command_line(name: &str, arguments: &[String]) -> String {
    let mut line = name.to_owned();
    for argument in arguments {
        if line.len() > MAX_TARGET {
            break;
        }
        let end = argument.floor_char_boundary(MAX_TARGET);
        // Writing to a string does not fail.
        let _ = write!(line, " {}", Quoted(&argument[..end]));
    }
    line
}

fn check(
    grant: &CommandGrant,
    arguments: &[String],
    options: &RunOptions,
) -> Result<(), HostError> {
    let bytes: usize = arguments.iter().map(String::len).sum();
    if arguments.len() > MAX_ARGUMENTS || bytes > MAX_ARGUMENT_BYTES {
        return Err(too_large(format!(
            "more than {MAX_ARGUMENTS} arguments, or {MAX_ARGUMENT_BYTES} bytes of them"
        )));
    }
    let directory = options.directory.as_deref().unwrap_or_default();
    if directory.len() > MAX_DIRECTORY {
        return Err(too_large(format!("a path of more than {MAX_DIRECTORY} bytes")));
    }
    let mut texts = arguments.iter().map(String::as_str).chain([directory]);
    if texts.any(|text| text.contains('\0')) {
        return Err(refused("an argument or a directory with a NUL in it"));
    }
    if !grant.allows(arguments) {
        return Err(refused("these arguments are not granted"));
    }
    let limit = grant.input_size;
    if options.input.as_ref().is_some_and(|input| input.len() as u64 > limit.as_u64()) {
        return Err(too_large(format!("input of more than {limit}")));
    }
    Ok(())
}

/// Where it is to run.
async fn find(root: &Root, path: &Option<String>) -> Result<PathBuf, HostError> {
    let (root, path) = (root.clone(), path.clone());
    on_blocking_thread(move || Ok(root.below(path.as_deref())?.path)).await
}

/// Starts it there. That may wait for a disk, and where it forks, it copies the tables of this
/// process's memory: nothing for the thread that all plugins share.
async fn start(
    root: &Root,
    grant: &CommandGrant,
    arguments: Vec<String>,
    options: &RunOptions,
) -> Result<Process, HostError> {
    let (root, grant, has_input) = (root.clone(), grant.clone(), options.input.is_some());
    let path = options.directory.clone();
    on_blocking_thread(move || {
        let directory = root.below(path.as_deref())?;
        Process::start(&grant, &arguments, directory, has_input).map_err(|error| io_error(&error))
    })
    .await
}

/// Does what blocks, unless nobody waits for it by the time that its turn comes.
async fn on_blocking_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, HostError> + Send + 'static,
) -> Result<T, HostError> {
    let waits = Arc::new(());
    let waited_for = Arc::downgrade(&waits);
    let given_up = || HostError::new("it was given up").with_code("E_IO");
    let work = move || match waited_for.strong_count() {
        0 => Err(given_up()),
        _ => work(),
    };
    let done = tokio::task::spawn_blocking(work).await;
    drop(waits);
    done.map_err(|_| given_up())?
}

/// Lets it run to its end. Dropped half-way, it is killed.
async fn finish(
    mut process: Process,
    input: &[u8],
    grant: &CommandGrant,
    format: Format,
) -> Result<Ran, HostError> {
    let mut output = Output::default();
    let talking = talk(process.pipes(), input, &mut output, grant.output_size.as_u64());
    attend(&mut process, talking).await.map_err(|cut| match cut {
        Cut::TooLarge => too_large(format!("killed: output of more than {}", grant.output_size)),
        Cut::Io(error) => io_error(&error),
    })?;
    let status = process.status().await.map_err(|error| io_error(&error))?;
    Ok(Ran {
        code: status.code(),
        signal: signal(status),
        stdout: Said::new(output.stdout, format),
        stderr: Said::new(output.stderr, format),
    })
}

/// Talks with the process until it has ended, and kills what it leaves behind.
async fn attend(
    process: &mut Process,
    talking: impl Future<Output = Result<(), Cut>>,
) -> Result<(), Cut> {
    let mut talking = pin!(talking);
    let mut talked = false;
    {
        let mut ended = pin!(process.ended());
        loop {
            tokio::select! {
                end = &mut talking, if !talked => {
                    end?;
                    talked = true;
                }
                end = &mut ended => {
                    end.map_err(Cut::Io)?;
                    break;
                }
            }
        }
    }
    process.kill();
    if talked {
        return Ok(());
    }
    // Over this time, what has been said is all there is.
    timeout(DRAIN, talking).await.unwrap_or(Ok(()))
}

#[cfg(unix)]
fn signal(status: ExitStatus) -> Option<String> {
    use std::os::unix::process::ExitStatusExt as _;

    let number = status.signal()?;
    let names = [
        (libc::SIGABRT, "SIGABRT"),
        (libc::SIGALRM, "SIGALRM"),
        (libc::SIGBUS, "SIGBUS"),
        (libc::SIGFPE, "SIGFPE"),
        (libc::SIGHUP, "SIGHUP"),
        (libc::SIGILL, "SIGILL"),
        (libc::SIGINT, "SIGINT"),
        (libc::SIGKILL, "SIGKILL"),
        (libc::SIGPIPE, "SIGPIPE"),
        (libc::SIGQUIT, "SIGQUIT"),
        (libc::SIGSEGV, "SIGSEGV"),
        (libc::SIGSYS, "SIGSYS"),
        (libc::SIGTERM, "SIGTERM"),
        (libc::SIGTRAP, "SIGTRAP"),
        (libc::SIGXCPU, "SIGXCPU"),
    ];
    let name = names.into_iter().find(|(known, _)| *known == number);
    Some(name.map_or_else(|| format!("SIG{number}"), |(_, name)| name.to_owned()))
}

#[cfg(not(unix))]
fn signal(_: ExitStatus) -> Option<String> {
    None
}
