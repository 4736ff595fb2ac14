//! The command-line program: runs plugins in the sandbox and shows what comes of it.
//!
//! Exit codes: 0 if every call answered a value, 1 if a plugin failed, 2 for bad usage or
//! files.

mod check;
mod output;
mod run;
mod schema;
mod types;

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
    Check(check::Arguments),
    Schema(schema::Arguments),
    Types(types::Arguments),
}

fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::Run(arguments) => run::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Schema(arguments) => schema::run(&arguments),
        Command::Types(arguments) => types::run(&arguments),
    }
}
