//! What plugins did through the built-in capabilities, for the host to keep.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::error::HostError;
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

/// The code of the errors that tell a plugin that it may not do what it asked for.
pub(super) const REFUSED: &str = "E_REFUSED";

/// One use that is going on; it is told of when it ends, also if it is dropped half-way.
pub(crate) struct Audited {
    sink: Arc<dyn AuditSink>,
    event: AuditEvent,
    began: Instant,
}

/// How much of a plugin's text an event carries, in bytes.
const MAX_TEXT: usize = 1024;

impl Audited {
    pub(super) fn begin(
        sink: &Arc<dyn AuditSink>,
        plugin: &str,
        operation: &'static str,
        target: &str,
    ) -> Self {
        let event = AuditEvent {
            plugin: plugin.to_owned(),
            operation,
            target: printed(target),
            outcome: AuditOutcome::Failed("it was given up".into()),
            took: Duration::ZERO,
        };
        Self { sink: Arc::clone(sink), event, began: Instant::now() }
    }

    pub(super) fn end(mut self, outcome: AuditOutcome) {
        self.event.outcome = outcome;
    }

    /// Ends it as `result` did, which is handed on: an error with the code [`REFUSED`] is a
    /// refusal, any other a failure.
    pub(super) fn close<T>(self, result: Result<T, HostError>) -> Result<T, HostError> {
        self.end(match &result {
            Ok(_) => AuditOutcome::Done,
            Err(error) if error.code.as_deref() == Some(REFUSED) => {
                AuditOutcome::Refused(printed(&error.message))
            }
            Err(error) => AuditOutcome::Failed(printed(&error.message)),
        });
        result
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

/// Text of a plugin's as an event carries it.
fn printed(text: &str) -> String {
    text[..text.floor_char_boundary(MAX_TEXT)].chars().flat_map(printable).collect()
}

/// A character as it is, or escaped if it could deceive who reads it.
fn printable(c: char) -> impl Iterator<Item = char> {
    let escaped = is_deceptive(c).then(|| c.escape_unicode());
    let plain = escaped.is_none().then_some(c);
    escaped.into_iter().flatten().chain(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    fn outcome_of(result: Result<u8, HostError>) -> AuditOutcome {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&seen);
        let sink: Arc<dyn AuditSink> =
            Arc::new(move |event: &AuditEvent| kept.lock().unwrap().push(event.outcome.clone()));
        let audited = Audited::begin(&sink, "test", "files.stat", "w/a");
        assert_eq!(audited.close(result.clone()), result);
        let mut seen = seen.lock().unwrap();
        assert_eq!(seen.len(), 1);
        seen.remove(0)
    }

    #[test]
    fn a_use_ends_as_its_result_says() {
        assert_eq!(outcome_of(Ok(1)), AuditOutcome::Done);
        let refused = HostError::new("not this").with_code(REFUSED);
        assert_eq!(outcome_of(Err(refused)), AuditOutcome::Refused("not this".into()));
        let failed = HostError::new("gone\u{1b}[2J").with_code("E_NOT_FOUND");
        assert_eq!(outcome_of(Err(failed)), AuditOutcome::Failed("gone\\u{1b}[2J".into()));
    }

    #[test]
    fn a_use_that_is_given_up_is_told_of_too() {
        let seen = Arc::new(Mutex::new(0));
        let kept = Arc::clone(&seen);
        let sink: Arc<dyn AuditSink> = Arc::new(move |event: &AuditEvent| {
            assert!(matches!(event.outcome, AuditOutcome::Failed(_)));
            *kept.lock().unwrap() += 1;
        });
        drop(Audited::begin(&sink, "test", "files.stat", "w/a"));
        assert_eq!(*seen.lock().unwrap(), 1);
    }
}
