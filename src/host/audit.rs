//! What plugins did through the built-in capabilities, for the host to keep.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::text::is_deceptive;

/// How a use of a capability ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuditOutcome {
    /// It was allowed, and done.
    Done,
    /// It was not allowed: the reason, as the plugin was told it.
    Refused(String),
    /// It was allowed, and failed: the reason, as the plugin was told it.
    Failed(String),
}

impl fmt::Display for AuditOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => f.write_str("done"),
            Self::Refused(reason) => write!(f, "refused: {reason}"),
            Self::Failed(reason) => write!(f, "failed: {reason}"),
        }
    }
}

/// One use of files, network, commands or storage by a plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuditEvent {
    /// The plugin's id.
    pub plugin: String,
    /// The function that was called: `"files.readFile"`, `"fetch"`.
    pub operation: &'static str,
    /// What it was to be done to: a path, method and URL, a command line, a key. Text of the
    /// plugin's, cut after 1024 bytes, with control characters escaped.
    pub target: String,
    /// How it ended.
    pub outcome: AuditOutcome,
    /// How long it took.
    pub took: Duration,
}

/// Receives an event for each use of files, network, commands and storage.
///
/// Called on any thread when the use has ended; a panic is caught and loses the event only. Any
/// `Fn(&AuditEvent) + Send + Sync` is one.
///
/// ```
/// use std::sync::{Arc, Mutex};
/// use plugin_sandbox::{AuditEvent, PluginCapabilities, PluginWorker, StorageGrant};
///
/// let seen = Arc::new(Mutex::new(Vec::new()));
/// let sink = Arc::clone(&seen);
/// let worker = PluginWorker::builder("notes")
///     .capabilities(PluginCapabilities::default().storage(StorageGrant::default()))
///     .audit(move |event: &AuditEvent| {
///         sink.lock().unwrap().push(format!("{} {}", event.operation, event.target));
///     })
///     .build()?;
/// worker.blocking_execute("storage.set('theme', 'dark')")?;
/// assert_eq!(*seen.lock().unwrap(), ["storage.set theme"]);
/// # Ok::<(), plugin_sandbox::PluginError>(())
/// ```
pub trait AuditSink: Send + Sync {
    /// Takes one event.
    fn record(&self, event: &AuditEvent);
}

impl<F: Fn(&AuditEvent) + Send + Sync> AuditSink for F {
    fn record(&self, event: &AuditEvent) {
        self(event);
    }
}

/// The default sink: a `tracing` event, a warning if it was refused.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TracingAudit;

impl AuditSink for TracingAudit {
    fn record(&self, event: &AuditEvent) {
        let AuditEvent { plugin, operation, target, outcome, took } = event;
        macro_rules! event {
            ($level:ident) => {
                tracing::event!(
                    target: "plugin_sandbox::audit",
                    tracing::Level::$level,
                    plugin,
                    operation,
                    target,
                    ?took,
                    "{outcome}"
                )
            };
        }
        match outcome {
            AuditOutcome::Refused(_) => event!(WARN),
            AuditOutcome::Done | AuditOutcome::Failed(_) => event!(DEBUG),
        }
    }
}

/// One use that is going on; it is told of when it ends, also if it is dropped half-way.
pub(crate) struct Audited {
    sink: Arc<dyn AuditSink>,
    event: AuditEvent,
    began: Instant,
}

impl Audited {
    const MAX_TARGET: usize = 1024;

    pub(super) fn begin(
        sink: &Arc<dyn AuditSink>,
        plugin: &str,
        operation: &'static str,
        target: &str,
    ) -> Self {
        let end = target.floor_char_boundary(Self::MAX_TARGET);
        let event = AuditEvent {
            plugin: plugin.to_owned(),
            operation,
            target: target[..end].chars().flat_map(printable).collect(),
            outcome: AuditOutcome::Failed("it was given up".into()),
            took: Duration::ZERO,
        };
        Self { sink: Arc::clone(sink), event, began: Instant::now() }
    }

    pub(super) fn end(mut self, outcome: AuditOutcome) {
        self.event.outcome = outcome;
    }
}

impl Drop for Audited {
    fn drop(&mut self) {
        self.event.took = self.began.elapsed();
        let record = std::panic::AssertUnwindSafe(|| self.sink.record(&self.event));
        if std::panic::catch_unwind(record).is_err() {
            tracing::error!(plugin = self.event.plugin, "the audit sink panicked");
        }
    }
}

/// A character as it is, or escaped if it could deceive who reads it.
fn printable(c: char) -> impl Iterator<Item = char> {
    let escaped = is_deceptive(c).then(|| c.escape_unicode());
    let plain = escaped.is_none().then_some(c);
    escaped.into_iter().flatten().chain(plain)
}
