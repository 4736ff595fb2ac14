//! What the host offers its plugins, as plain Rust.
//!
//! Knows nothing of V8: the isolate turns JavaScript values into data before anything here
//! sees them. [`HostFunctions`] is what everything here comes to, the host's own functions and
//! those of the built-in capabilities.

mod arguments;
mod audit;
mod built_in;
mod call;
mod commands;
mod console;
mod data;
mod data_writer;
mod error;
mod files;
mod functions;
mod network;
mod outbox;
mod refusal;
mod runtime;
mod storage;
mod text;
mod typescript;

pub(crate) use arguments::Arguments;
pub use audit::{AuditEvent, AuditOutcome, AuditSink};
pub(crate) use built_in::{Services, built_in, built_in_is_granted};
pub use call::HostCall;
pub(crate) use call::{Caller, Kept};
pub use commands::{CommandConfirm, CommandRequest};
pub(crate) use console::TracingSink;
pub use console::{ConsoleLevel, ConsoleMessage, ConsoleSink};
pub(crate) use data::Data;
pub use error::{ErrorClass, HostError};
pub use functions::HostFunctions;
pub(crate) use functions::{HostFunction, HostFuture, HostResult, Provider};
pub use network::{FetchBody, FetchError, FetchFuture, FetchRequest, FetchResponse, Fetcher};
#[cfg(feature = "fetch")]
pub use network::{HttpClient, Resolver};
pub(crate) use outbox::Outbox;
pub use outbox::{PluginEvent, PluginEvents};
pub(crate) use text::is_deceptive;
pub use typescript::{FunctionDescription, HostDescription, TypeDescription};
