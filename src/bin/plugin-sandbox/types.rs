//! `plugin-sandbox types`: prints the TypeScript declarations of what a plugin sees.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueHint};
use plugin_sandbox::{HostDescription, PluginError, SandboxConfig};

use crate::output;

/// Prints TypeScript declarations of exactly what a plugin under this config sees
///
/// Save them beside the plugin, and in its tsconfig.json set "lib": ["es5"] and "types": [].
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The config, in TOML or JSON
    #[arg(value_hint = ValueHint::FilePath)]
    config: PathBuf,

    /// The host's functions: what its program wrote of `HostFunctions::describe`, as JSON
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    host: Option<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    match declarations(arguments) {
        Ok(text) => {
            output::print(text.trim_end());
            ExitCode::SUCCESS
        }
        Err(error) => {
            output::print_error(&error);
            ExitCode::from(2)
        }
    }
}

fn declarations(arguments: &Arguments) -> Result<String, PluginError> {
    let config = SandboxConfig::read(&arguments.config)?;
    let host = match &arguments.host {
        Some(file) => HostDescription::read(file)?,
        None => HostDescription::default(),
    };
    Ok(host.typescript(&config.capabilities))
}
