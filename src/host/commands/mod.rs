//! The `commands` capability: `commands.run`, under [`CommandGrant`]s.
//!
//! | module | what it owns |
//! |---|---|
//! | `run` | one run, from the grant to the exit code |
//! | `program` | the program and its directory, checked when the plugin is built |
//! | `confirm` | asking the host |
//! | `process` | the process and its group |
//! | `output` | its pipes, under a limit |

mod confirm;
mod output;
mod process;
mod program;
mod refusal;
mod run;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use confirm::{CommandConfirm, CommandRequest};

use confirm::Questions;
use program::Root;
use run::{Commands, RunOptions};

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
