//! What the host decides about a plugin: what it may touch, what it may use, who it is.
//!
//! Plain data with checks; nothing here knows V8 or a thread. What is decided here is enforced
//! in [`isolate`](crate::isolate) (globals, heap, buffers, sizes) and
//! [`worker`](crate::worker) (queue).

mod capabilities;
mod hardening;
mod limit;
mod limits;
mod manifest;
mod process;
mod restart;

pub use bytesize::ByteSize;
pub use capabilities::{Capability, PluginCapabilities};
pub use hardening::Hardening;
pub use limit::Limit;
pub use limits::ResourceLimits;
pub use manifest::PluginManifest;
pub use process::ProcessLimits;
pub use restart::RestartPolicy;
