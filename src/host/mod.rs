//! What the host offers its plugins, as plain Rust.
//!
//! Knows nothing of V8: the isolate turns JavaScript values into data before anything here
//! sees them.

mod console;

pub(crate) use console::TracingSink;
pub use console::{ConsoleLevel, ConsoleMessage, ConsoleSink};
