//! Where a plugin's `console` output goes.

use std::fmt;

/// The level of a console message: which method of `console` was called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ConsoleLevel {
    /// `console.trace`
    Trace,
    /// `console.debug`
    Debug,
    /// `console.log`
    Log,
    /// `console.info`
    Info,
    /// `console.warn`
    Warn,
    /// `console.error`
    Error,
}

impl ConsoleLevel {
    /// The name of the method: `"log"`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Log => "log",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for ConsoleLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One call of a `console` method.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConsoleMessage {
    /// The plugin's id.
    pub plugin: String,
    /// The method that was called.
    pub level: ConsoleLevel,
    /// The arguments as text, formatted as browsers and Node do. Control characters and those
    /// that change the direction of text are escaped (`\u{1b}`), except for newline and tab: a
    /// sink that writes lines should mark every line as the plugin's, so that none can pass for
    /// the host's own.
    pub text: String,
}

/// Receives what plugins write to `console`.
///
/// Called on the plugin's thread, during the call; while it runs, the plugin waits and its wall
/// time passes. A panic is caught and loses the message only.
///
/// Any `Fn(&ConsoleMessage) + Send + Sync` is one:
///
/// ```
/// use std::sync::{Arc, Mutex};
/// use plugin_sandbox::{ConsoleMessage, PluginWorker};
///
/// let lines = Arc::new(Mutex::new(Vec::new()));
/// let sink = Arc::clone(&lines);
/// let worker = PluginWorker::builder("greeter")
///     .console(move |message: &ConsoleMessage| sink.lock().unwrap().push(message.text.clone()))
///     .build()?;
/// worker.blocking_execute("console.log('Hello, %s!', 'world', { x: 1 })")?;
/// assert_eq!(*lines.lock().unwrap(), ["Hello, world! { x: 1 }"]);
/// # Ok::<(), plugin_sandbox::PluginError>(())
/// ```
pub trait ConsoleSink: Send + Sync {
    /// Takes one message.
    fn write(&self, message: &ConsoleMessage);
}

impl<F: Fn(&ConsoleMessage) + Send + Sync> ConsoleSink for F {
    fn write(&self, message: &ConsoleMessage) {
        self(message);
    }
}

/// The default sink: a `tracing` event with the plugin's id and the level.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TracingSink;

impl ConsoleSink for TracingSink {
    fn write(&self, message: &ConsoleMessage) {
        let ConsoleMessage { plugin, text, .. } = message;
        macro_rules! event {
            ($level:ident) => {
                tracing::event!(target: "plugin_sandbox::console", tracing::Level::$level, plugin, "{text}")
            };
        }
        match message.level {
            ConsoleLevel::Trace => event!(TRACE),
            ConsoleLevel::Debug => event!(DEBUG),
            ConsoleLevel::Log | ConsoleLevel::Info => event!(INFO),
            ConsoleLevel::Warn => event!(WARN),
            ConsoleLevel::Error => event!(ERROR),
        }
    }
}
