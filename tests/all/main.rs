//! The integration tests, in one binary because each links all of V8.
#![allow(missing_docs, unreachable_pub, unsafe_code, clippy::print_stdout)]

mod support;

mod cli;
mod console;
mod corpus;
mod entries;
mod errors;
mod generated;
mod hardening;
mod hooks;
mod host;
mod lifecycle;
mod limits;
mod modules;
mod process;
mod protocol;
mod quarantine;
mod registry;
mod sandbox;
mod stopping;
mod timers;
mod values;
