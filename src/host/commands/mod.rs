//! The `commands` capability: `commands.run`, under [`CommandGrant`]s.
//!
//! | module | what it owns |
//! |---|---|
//! | `run` | one run, from the grant to the exit code |
//! | `program` | the program and its directory, checked when the plugin is built |
//! | `confirm` | asking the host |
//! | `spawned`, `forked`, `wait` | the process and its group; with the GNU C library, and elsewhere |
//! | `output` | its pipes, under a limit |

mod confirm;
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
mod forked;
mod output;
mod program;
mod refusal;
mod run;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod spawned;
#[cfg(unix)]
mod wait;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use confirm::{CommandConfirm, CommandRequest};

use confirm::Questions;
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
use forked::Process;
use program::Root;
use run::{Commands, RunOptions};
#[cfg(all(target_os = "linux", target_env = "gnu"))]
use spawned::Process;

use super::call::HostCall;
use super::functions::HostFunctions;
use crate::policy::CommandGrant;
use crate::protocol::PluginError;

/// `functions`, and `commands.run`.
pub(super) fn define(
    functions: HostFunctions,
    grants: &BTreeMap<String, CommandGrant>,
    confirm: Option<Arc<dyn CommandConfirm>>,
) -> Result<HostFunctions, PluginError> {
    let roots: Result<_, PluginError> = grants
        .iter()
        .map(|(name, grant)| {
            if grant.confirm && confirm.is_none() {
                return Err(PluginError::InvalidArgument(format!(
                    "command {name:?} is to be confirmed and nobody is there to ask: give it with \
                     `PluginBuilder::confirm_commands`"
                )));
            }
            Ok((name.clone(), Root::open(name, grant)?))
        })
        .collect();
    let commands = Arc::new(Commands::new(roots?, confirm.map(Questions::new)));
    type Given = (String, Option<Vec<String>>, Option<RunOptions>);
    Ok(functions.async_function("commands.run", move |call: HostCall, given: Given| {
        let commands = Arc::clone(&commands);
        let (name, arguments, options) = given;
        async move {
            let (arguments, options) = (arguments.unwrap_or_default(), options.unwrap_or_default());
            commands.run(&call, &name, arguments, options).await
        }
    }))
}
