//! Asking the host before a command runs.

use std::fmt::{self, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::{Semaphore, oneshot};

use super::refusal::io_error;
use crate::host::error::HostError;
use crate::host::refusal::refused;
use crate::host::text::is_deceptive;

/// A command that a plugin wants to run; all of it was granted.
///
/// As text (`Display`) it is the command line for people to read: an argument with spaces,
/// quotes, or characters that could deceive a reader is quoted and escaped.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CommandRequest {
    /// The plugin's id.
    pub plugin: String,
    /// The name that the program was granted under.
    pub name: String,
    /// The program.
    pub program: PathBuf,
    /// The arguments: text of the plugin's.
    pub arguments: Vec<String>,
    /// The directory that it is to run in.
    pub directory: PathBuf,
}

impl fmt::Display for CommandRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.program.display())?;
        self.arguments.iter().try_for_each(|argument| write!(f, " {}", Quoted(argument)))
    }
}

/// An argument as it is, or quoted if it could be taken for something else.
pub(super) struct Quoted<'a>(pub(super) &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = |c: char| !c.is_whitespace() && !is_deceptive(c) && !"'\"`\\$".contains(c);
        if !self.0.is_empty() && self.0.chars().all(plain) {
            return f.write_str(self.0);
        }
        f.write_char('"')?;
        for c in self.0.chars() {
            match c {
                '"' | '\\' => write!(f, "\\{c}")?,
                c if is_deceptive(c) => write!(f, "{}", c.escape_unicode())?,
                c => f.write_char(c)?,
            }
        }
        f.write_char('"')
    }
}

/// Says whether a command may run, for grants with
/// [`confirm`](crate::CommandGrant::confirm). Any `Fn(&CommandRequest) -> bool + Send + Sync` is
/// one.
///
/// It is called on a thread that is there for it, and may take as long as a person does. A plugin
/// asks one question at a time; its other commands wait. When the plugin's call has been stopped
/// meanwhile, nobody waits for the answer, and a late yes starts nothing. A panic is a no.
///
/// ```
/// use plugin_sandbox::{CommandGrant, CommandRequest, PluginCapabilities, PluginWorker};
///
/// # if cfg!(unix) {
/// let mut grant = CommandGrant::new("/bin/pwd", "/");
/// grant.confirm = true;
/// let worker = PluginWorker::builder("lister")
///     .capabilities(PluginCapabilities::default().command("where", grant))
///     .confirm_commands(|asked: &CommandRequest| {
///         assert_eq!(asked.to_string(), "/bin/pwd");
///         false
///     })
///     .build()?;
/// let code = "commands.run('where').catch(e => e.code)";
/// assert_eq!(worker.blocking_execute(code)?, "E_REFUSED");
/// # }
/// # Ok::<(), plugin_sandbox::PluginError>(())
/// ```
pub trait CommandConfirm: Send + Sync {
    /// Whether it may run.
    fn confirm(&self, request: &CommandRequest) -> bool;
}

impl<F: Fn(&CommandRequest) -> bool + Send + Sync> CommandConfirm for F {
    fn confirm(&self, request: &CommandRequest) -> bool {
        self(request)
    }
}

/// The host as one plugin asks it.
pub(super) struct Questions {
    confirm: Arc<dyn CommandConfirm>,
    /// One at a time, also if nobody waits for its answer any more: a plugin must not be able to
    /// bury people in questions.
    turn: Arc<Semaphore>,
}

impl Questions {
    pub(super) fn new(confirm: Arc<dyn CommandConfirm>) -> Self {
        Self { confirm, turn: Arc::new(Semaphore::new(1)) }
    }

    /// Waits for the host's yes.
    pub(super) async fn ask(&self, request: CommandRequest) -> Result<(), HostError> {
        let turn = Arc::clone(&self.turn).acquire_owned().await;
        let turn = turn.map_err(|_| refused("nobody is there to ask"))?;
        let (answer, answered) = oneshot::channel();
        let confirm = Arc::clone(&self.confirm);
        let ask = move || {
            let asked = catch_unwind(AssertUnwindSafe(|| confirm.confirm(&request)));
            if asked.is_err() {
                tracing::error!(plugin = request.plugin, "the question before a command panicked");
            }
            drop(turn);
            // Nobody may be left to hear it.
            let _ = answer.send(asked.unwrap_or(false));
        };
        std::thread::Builder::new()
            .name("plugin-question".into())
            .spawn(ask)
            .map_err(|error| io_error(&error))?;
        match answered.await {
            Ok(true) => Ok(()),
            _ => Err(refused("the host said no")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Quoted;

    #[test]
    fn an_argument_cannot_pass_for_another() {
        for (argument, shown) in [
            ("--max-count=5", "--max-count=5"),
            ("", "\"\""),
            ("a b", "\"a b\""),
            ("$(rm)", "\"$(rm)\""),
            ("a\" b", "\"a\\\" b\""),
            ("\u{202e}x\n", "\"\\u{202e}x\\u{a}\""),
        ] {
            assert_eq!(Quoted(argument).to_string(), shown);
        }
    }
}
