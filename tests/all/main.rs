//! The integration tests, in one binary because each links all of V8.
#![allow(missing_docs, unreachable_pub)]

mod support;

mod cli;
mod console;
mod errors;
mod hooks;
mod lifecycle;
mod process;
mod protocol;
mod registry;
mod sandbox;
mod stopping;
mod values;
