//! `plugin-sandbox schema`: prints the JSON schema of a file, for editors.

use std::process::ExitCode;

use clap::{Args, ValueEnum};
use plugin_sandbox::{PluginManifest, SandboxConfig};

use crate::output;

/// Prints the JSON schema of a config or a manifest, for editors
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Which
    of: Subject,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Subject {
    Config,
    Manifest,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let schema = match arguments.of {
        Subject::Config => SandboxConfig::schema(),
        Subject::Manifest => PluginManifest::schema(),
    };
    output::print(&format!("{schema:#}"));
    ExitCode::SUCCESS
}
