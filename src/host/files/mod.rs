//! The capability `files`: reading and writing below directories that the host granted.
//!
//! | module | what it owns |
//! |---|---|
//! | `path` | a path as a plugin writes it, checked |
//! | `root` | a granted directory, opened once; what a path leads to in it |
//! | `reading`, `writing` | what is done there |
//! | `usage` | how full a root is |
//! | `temporary` | a file in the making |
//! | `failure` | the system's errors as a plugin is told them: never a path of the host's |
//!
//! What holds: no path, link or race leads out of a root, as every step starts at its open
//! directory ([`cap_std`]); a plugin never has more than two threads of the runtime, nor more
//! than [`MEMORY`] of answers that it has not taken or of content that is not written.

mod failure;
mod path;
mod reading;
mod root;
mod temporary;
mod usage;
mod writing;

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;

use serde::Deserialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::call::HostCall;
use super::error::HostError;
use super::functions::HostFunctions;
use crate::policy::PluginCapabilities;
use crate::protocol::PluginError;

use failure::{E_IO, E_TOO_LARGE};
use path::PluginPath;
use reading::Format;
use root::{Root, Target};
use writing::Content;

/// What one plugin's answers may take until it has them, and apart from that what it is having
/// written, in bytes. A single file may be larger.
const MEMORY: u64 = 64 << 20;
/// What an answer without contents is taken for.
const SMALL: u64 = 4 << 10;
/// What a list of files is taken for, which is bounded by [`reading::MAX_LISTED`].
const LIST: u64 = 4 << 20;
/// How many of the runtime's threads one plugin may have at once.
const TURNS: usize = 2;

/// What a function does to files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Need {
    Read,
    Write,
}

/// The roots of one plugin.
struct Files {
    roots: HashMap<String, Arc<Root>>,
    /// For the runtime's threads.
    turns: Arc<Semaphore>,
    /// In KiB, for answers until the plugin has them.
    answers: Arc<Semaphore>,
    /// In KiB, for what is to be written.
    unwritten: Arc<Semaphore>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RemoveOptions {
    #[serde(default)]
    recursive: bool,
}

/// Adds the functions, if there are roots; these are opened.
pub(super) fn define(
    functions: HostFunctions,
    granted: &PluginCapabilities,
) -> Result<HostFunctions, PluginError> {
    if granted.files.is_empty() {
        return Ok(functions);
    }
    let files = Files::open(granted)?;
    let [read, list, stat, write, remove, mkdir] = std::array::from_fn(|_| Arc::clone(&files));
    let functions = functions
        .async_function("files.readFile", move |call, (path, format): (String, Option<Format>)| {
            let most = move |target: &Target| target.grant.file_size.as_u64();
            let task = read.task(call, "files.readFile", path, Need::Read, 0);
            task.run(most, move |target| target.read(format.unwrap_or_default()))
        })
        .async_function("files.listFiles", move |call, (path,): (String,)| {
            let task = list.task(call, "files.listFiles", path, Need::Read, 0);
            task.run(|_| LIST, Target::list)
        })
        .async_function("files.stat", move |call: HostCall, (path,): (String,)| {
            let clock = call.capabilities().clock;
            let task = stat.task(call, "files.stat", path, Need::Read, 0);
            task.run(|_| SMALL, move |target| target.stat(clock))
        })
        .async_function("files.writeFile", move |call, (path, content): (String, Content)| {
            let size = content.bytes().len() as u64;
            let task = write.task(call, "files.writeFile", path, Need::Write, size);
            task.run(|_| SMALL, move |target| target.write(content.bytes()))
        })
        .async_function(
            "files.remove",
            move |call, (path, options): (String, Option<RemoveOptions>)| {
                let task = remove.task(call, "files.remove", path, Need::Write, 0);
                let recursive = options.unwrap_or_default().recursive;
                task.run(|_| SMALL, move |target| target.remove(recursive))
            },
        )
        .async_function("files.mkdir", move |call, (path,): (String,)| {
            let task = mkdir.task(call, "files.mkdir", path, Need::Write, 0);
            task.run(|_| SMALL, Target::make_directory)
        });
    Ok(functions)
}

/// A use of files that was asked for.
struct Task {
    files: Arc<Files>,
    call: HostCall,
    audited: super::audit::Audited,
    /// What it is about; or why it is not to be.
    target: Result<(Target, OwnedSemaphorePermit), HostError>,
}

impl Files {
    fn open(granted: &PluginCapabilities) -> Result<Arc<Self>, PluginError> {
        let open = |(name, root): (&String, &crate::policy::FileRoot)| {
            Ok((name.clone(), Arc::new(Root::open(&root.path)?)))
        };
        let memory = || Arc::new(Semaphore::new(kib(MEMORY) as usize));
        Ok(Arc::new(Self {
            roots: granted.files.iter().map(open).collect::<Result<_, PluginError>>()?,
            turns: Arc::new(Semaphore::new(TURNS)),
            answers: memory(),
            unwritten: memory(),
        }))
    }

    /// What is granted now decides, and whether `content` bytes more may wait to be written.
    fn task(
        self: &Arc<Self>,
        call: HostCall,
        operation: &'static str,
        path: String,
        need: Need,
        content: u64,
    ) -> Task {
        let audited = call.audited(operation, &path);
        let target = self.target(&call, path, need).and_then(|target| {
            let room = Arc::clone(&self.unwritten).try_acquire_many_owned(kib(content));
            let room = room.map_err(|_| {
                HostError::range(format!("more than {} MiB wait to be written", MEMORY >> 20))
                    .with_code(E_TOO_LARGE)
            })?;
            Ok((target, room))
        });
        Task { files: Arc::clone(self), call, audited, target }
    }

    fn target(&self, call: &HostCall, path: String, need: Need) -> Result<Target, HostError> {
        let path = PluginPath::parse(path)?;
        let name = path.root();
        let granted = call.capabilities().files.get(name);
        let (Some(grant), Some(root)) = (granted, self.roots.get(name)) else {
            return Err(failure::refused(format!("no root {name:?} is granted")));
        };
        match need {
            Need::Read if !grant.access.reads() => {
                Err(failure::refused(format!("the root {name:?} may not be read")))
            }
            Need::Write if !grant.access.writes() => {
                Err(failure::refused(format!("the root {name:?} may not be written to")))
            }
            Need::Read | Need::Write => {
                Ok(Target { root: Arc::clone(root), grant: grant.clone(), path })
            }
        }
    }
}

impl Task {
    /// Does `work` on a thread that may block, when there is room for its answer and a thread.
    fn run<R: Send + 'static>(
        self,
        answer: impl FnOnce(&Target) -> u64 + Send + 'static,
        work: impl FnOnce(&Target) -> Result<R, HostError> + Send + 'static,
    ) -> impl Future<Output = Result<R, HostError>> + Send + 'static {
        let Self { files, call, audited, target } = self;
        async move {
            let (target, unwritten) = match target {
                Ok(target) => target,
                Err(error) => return audited.close(Err(error)),
            };
            let room = Arc::clone(&files.answers).acquire_many_owned(kib(answer(&target)));
            call.keep_until_answered(room.await.map_err(|_| gave_up())?);
            let turn = Arc::clone(&files.turns).acquire_owned().await.map_err(|_| gave_up())?;
            // What has begun is done also if the call is stopped meanwhile.
            let done = tokio::task::spawn_blocking(move || {
                let result = work(&target);
                drop((turn, unwritten));
                audited.close(result)
            });
            done.await.unwrap_or_else(|_| Err(gave_up()))
        }
    }
}

fn gave_up() -> HostError {
    HostError::new("the operation was given up").with_code(E_IO)
}

/// So many bytes as permits: at least one, at most all.
fn kib(bytes: u64) -> u32 {
    bytes.min(MEMORY).div_ceil(1024).max(1) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::audit::TracingAudit;
    use crate::host::call::{Caller, HostState};
    use crate::policy::{FileAccess, FileRoot};
    use std::time::Duration;

    #[test]
    fn what_is_granted_when_a_function_is_called_decides() {
        let directory = tempfile::tempdir().unwrap();
        let root = FileRoot::read_write(directory.path());
        let granted = PluginCapabilities::default().files("w", root.clone());
        let files = Files::open(&granted).unwrap();
        let caller = Arc::new(Caller {
            plugin: "test".into(),
            state: HostState::default(),
            audit: Arc::new(TracingAudit),
        });
        let target = |granted: &PluginCapabilities| {
            let call = HostCall::new(&caller, &Arc::new(granted.clone()), Duration::MAX);
            files.target(&call, "w/a".into(), Need::Write)
        };
        assert!(target(&granted).unwrap().write(b"1234").is_ok());

        let mut less = root.clone();
        less.file_size = bytesize::ByteSize::b(3);
        let target_of_less = target(&granted.clone().files("w", less)).unwrap();
        assert_eq!(target_of_less.write(b"1234").unwrap_err().code.as_deref(), Some(E_TOO_LARGE));

        let mut less = root;
        less.access = FileAccess::Read;
        let refused = target(&granted.files("w", less)).err().unwrap();
        assert_eq!(refused.code.as_deref(), Some("E_REFUSED"));
        let refused = target(&PluginCapabilities::default()).err().unwrap();
        assert_eq!(refused.message, "no root \"w\" is granted");
    }
}
