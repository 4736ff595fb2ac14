//! What the host offers its plugins, as plain Rust.
//!
//! Knows nothing of V8: the isolate turns JavaScript values into data before anything here
//! sees them.

mod arguments;
mod console;
mod functions;

pub(crate) use arguments::Arguments;
pub(crate) use console::TracingSink;
pub use console::{ConsoleLevel, ConsoleMessage, ConsoleSink};
pub use functions::{ErrorClass, HostCall, HostError, HostFunctions};
pub(crate) use functions::{HostFunction, HostFuture, HostResult};
