//! Every way a call can fail, one variant a cause.

use std::path::PathBuf;
use std::time::Duration;

pub use serde_json::{Value, value::RawValue};

use serde::Serialize;

use super::{JsError, SourceLine};

/// Why there is no value.
///
/// One variant for each cause on which a caller would act differently. The cause is recorded
/// by whoever stops a call, before the isolate is told to stop; it is never inferred from a
/// message text.
///
/// As JSON (a command of a desktop application answers its errors so) it is
/// `{"kind": "timeout", "detail": {"limit": "5s"}}`.
#[derive(Debug, Clone, PartialEq, Serialize, thiserror::Error)]
#[serde(tag = "kind", content = "detail", rename_all = "snake_case")]
#[non_exhaustive]
pub enum PluginError {
    /// The plugin threw, rejected the promise it returned, or does not parse. The plugin lives
    /// on.
    #[error("{0}")]
    JavaScript(JsError),

    /// The plugin has no hook of this name. See [`PluginWorker::has_hook`](crate::PluginWorker::has_hook).
    #[error("the plugin has no hook named {hook:?}")]
    HookNotFound {
        /// The name asked for.
        hook: String,
    },

    /// The call ran for longer than
    /// [`ResourceLimits::wall_time`](crate::ResourceLimits::wall_time). The plugin lives on.
    #[error("stopped after {limit:?}: the call did not end within its wall time")]
    Timeout {
        /// The limit that was reached.
        #[serde(with = "humantime_serde")]
        limit: Duration,
    },

    /// The call used more processor time than
    /// [`ResourceLimits::cpu_time`](crate::ResourceLimits::cpu_time). The plugin lives on.
    #[error("stopped after {used:?} of processor time, {limit:?} are allowed")]
    CpuTimeExceeded {
        /// What it had used when it was stopped.
        #[serde(with = "humantime_serde")]
        used: Duration,
        /// The limit.
        #[serde(with = "humantime_serde")]
        limit: Duration,
    },

    /// The plugin's heap reached [`ResourceLimits::heap`](crate::ResourceLimits::heap). Its
    /// isolate is gone; the worker has built a new one and run the start-up scripts again.
    #[error("the plugin's heap reached its limit: {used} of {limit} bytes in use")]
    MemoryLimitExceeded {
        /// Bytes in use in the old generation when it was stopped.
        used: usize,
        /// The limit, in bytes.
        limit: usize,
    },

    /// The host cancelled the call. The plugin lives on.
    #[error("the call was cancelled")]
    Cancelled,

    /// The worker was shut down while the call ran, without waiting for it; see
    /// [`PluginWorker::shutdown_now`](crate::PluginWorker::shutdown_now).
    #[error("the call was stopped because the plugin's worker is being shut down")]
    ShutDown,

    /// The worker is shut down, or went away before it answered.
    #[error("the plugin's worker is shut down")]
    WorkerDisconnected,

    /// The worker could not start; every call answers this.
    #[error("the plugin could not start: {cause}")]
    StartupFailed {
        /// What went wrong.
        cause: Box<PluginError>,
    },

    /// The plugin lost its isolate more often than its
    /// [`RestartPolicy`](crate::RestartPolicy) allows, and was not started again; every call
    /// answers this.
    #[error("the plugin failed too often and was not started again")]
    NotRestarted,

    /// The worker's queue is full. Nothing was queued; try again later.
    #[error("the plugin is busy: {limit} calls are waiting already")]
    Busy {
        /// [`ResourceLimits::queue_length`](crate::ResourceLimits::queue_length).
        limit: usize,
    },

    /// More calls a second than
    /// [`ResourceLimits::calls_per_second`](crate::ResourceLimits::calls_per_second). Nothing
    /// was queued.
    #[error("too many calls a second; try again in {retry_after:?}")]
    RateLimited {
        /// When the next call is allowed.
        #[serde(with = "humantime_serde")]
        retry_after: Duration,
    },

    /// All plugins together are at a limit of [`ProcessLimits`](crate::ProcessLimits). Nothing
    /// was started.
    #[error("the process is at its limit of {what}: {used} of {limit}")]
    ProcessLimit {
        /// The field of [`ProcessLimits`](crate::ProcessLimits).
        what: &'static str,
        /// How much there is, with what was asked for; bytes or threads.
        used: u64,
        /// The limit.
        limit: u64,
    },

    /// The call waited in the queue for longer than
    /// [`ResourceLimits::queue_time`](crate::ResourceLimits::queue_time) and never ran.
    #[error("the call waited {waited:?} in the queue, more than {limit:?}, and did not run")]
    QueuedTooLong {
        /// How long it waited.
        #[serde(with = "humantime_serde")]
        waited: Duration,
        /// The limit.
        #[serde(with = "humantime_serde")]
        limit: Duration,
    },

    /// The plugin's answer, or an argument of the host's, has a part that JSON cannot carry.
    #[error("{path} cannot be carried as JSON: {reason}")]
    NotSerializable {
        /// The place, as in `$.items[3].id`; `$` is the value itself.
        path: String,
        /// What stands there.
        reason: String,
    },

    /// A value is larger or deeper than its limit.
    #[error("{what} exceeds its limit: {limit}")]
    TooLarge {
        /// What: `"the result"`, `"the argument"`, `"the source"`.
        what: &'static str,
        /// The limit, in words: `"8 MiB"`, `"depth 128"`.
        limit: String,
    },

    /// A worker of this name exists already in the registry.
    #[error("a worker named {name:?} exists already")]
    WorkerAlreadyExists {
        /// The name.
        name: String,
    },

    /// The registry has no worker of this name.
    #[error("there is no worker named {name:?}")]
    WorkerNotFound {
        /// The name.
        name: String,
    },

    /// A limit is absurd or contradicts another; nothing was started.
    #[error("limit `{field}`: {reason}")]
    InvalidLimit {
        /// The field of [`ResourceLimits`](crate::ResourceLimits).
        field: &'static str,
        /// What is wrong, and what to do.
        reason: String,
    },

    /// A manifest is missing something, has something unknown, or does not parse.
    #[error("{reason}\n{place}")]
    InvalidManifest {
        /// What is wrong, and what to do.
        reason: String,
        /// Where, in which file.
        place: Box<SourceLine>,
    },

    /// A plugin's manifest asks for what it is not granted; see
    /// [`NotGranted`](crate::NotGranted). Nothing was started.
    #[error("the plugin {plugin:?} asks for what is not granted: {}", missing.join(", "))]
    NotGranted {
        /// The plugin's name.
        plugin: String,
        /// What it asks for and is not granted, in the order of its manifest; each the text of a
        /// [`Permission`](crate::Permission).
        missing: Vec<String>,
    },

    /// A config file has something unknown, absurd or contradictory, or does not parse.
    #[error("{reason}\n{place}")]
    InvalidConfig {
        /// What is wrong, and what to do.
        reason: String,
        /// Where, in which file.
        place: Box<SourceLine>,
    },

    /// A name or an argument of the host's cannot be used.
    #[error("{0}")]
    InvalidArgument(String),

    /// A file or directory of the host's could not be used.
    #[error("{path}: {reason}", path = path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// Why: what the operating system said, or what is wrong with what is in it.
        reason: String,
    },

    /// The host ran into a limit of its own: no thread, no memory for an isolate; or a defect
    /// of this library was contained.
    #[error("internal: {0}")]
    Internal(String),
}

impl From<JsError> for PluginError {
    fn from(error: JsError) -> Self {
        Self::JavaScript(error)
    }
}

impl PluginError {
    /// The exception, if that is what it was.
    pub fn as_js(&self) -> Option<&JsError> {
        match self {
            Self::JavaScript(error) => Some(error),
            _ => None,
        }
    }
}
