//! What crosses a thread: messages in, answers out, and the errors both speak of.
//!
//! Plain data. Nothing here knows V8, a clock or a thread.

mod error;
mod js_error;
mod message;

pub use error::{PluginError, RawValue, Value};
pub use js_error::{JsError, SourceLine, StackFrame};
pub use message::{WorkerMessage, WorkerResponse};
