//! A plugin's whole life, from a directory on disk to its end.

mod loader;
mod plugin_sandbox;

pub use loader::SandboxBuilder;
pub use plugin_sandbox::{Lifecycle, PluginSandbox};
