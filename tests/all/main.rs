//! The integration tests, in one binary because each links all of V8.
#![allow(missing_docs, unreachable_pub, unsafe_code, clippy::print_stdout)]

mod desk;
mod server;
mod support;

mod allocations;
mod batch;
mod bytes;
mod cli;
mod clock;
mod code_cache;
mod commands;
mod config;
mod conformance;
mod console;
mod corpus;
mod entries;
mod errors;
mod events;
mod fetch;
mod files;
mod files_escape;
mod files_limits;
mod generated;
mod globals;
mod hardening;
mod hooks;
mod host;
mod lifecycle;
mod limits;
mod modules;
mod narrowing;
#[cfg(feature = "fetch")]
mod network;
#[cfg(feature = "fetch")]
mod network_limits;
mod pool;
mod process;
mod protocol;
mod quarantine;
mod random;
mod raw;
mod reach;
mod registry;
mod sandbox;
mod schemas;
mod stopping;
mod storage;
mod storage_damage;
mod timers;
mod types;
mod v8_options;
mod values;
mod wake;
mod web;
