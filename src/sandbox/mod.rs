//! A plugin's whole life, from a directory on disk to its end.

mod loader;
mod not_granted;
mod plugin_sandbox;
mod process;

pub use loader::SandboxBuilder;
pub use not_granted::{Answer, Asked, NotGranted};
pub use plugin_sandbox::{Lifecycle, PluginSandbox};
