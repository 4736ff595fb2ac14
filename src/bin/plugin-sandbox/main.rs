//! The command-line program: runs plugins in the sandbox and shows what comes of it.
//!
//! Exit codes: 0 if every call answered a value, 1 if a plugin failed, 2 for bad usage or
//! files.

mod output;
mod run;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Runs JavaScript plugins, each in a V8 isolate of its own, within limits.
#[derive(Debug, Parser)]
#[command(name = "plugin-sandbox", version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::Arguments),
}

fn main() -> ExitCode {
    let Command::Run(arguments) = Arguments::parse().command;
    run::run(&arguments)
}
