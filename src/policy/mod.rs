//! What the host decides about a plugin: what it may touch, what it may use, who it is.
//!
//! Plain data with checks; nothing here knows V8 or a thread. What is decided here is enforced
//! in [`isolate`](crate::isolate) (globals, heap, buffers, sizes) and
//! [`worker`](crate::worker) (queue).

mod capabilities;
mod capability;
mod clock;
mod config;
mod granted;
mod grants;
mod hardening;
mod host_pattern;
mod limit;
mod limits;
mod manifest;
mod meant;
mod misfit;
mod permission;
mod place;
mod restart;
mod schema;
pub(crate) mod text_file;
mod v8_options;
mod wake;
mod words;
mod written_capabilities;

pub use bytesize::ByteSize;
pub use capabilities::PluginCapabilities;
pub use capability::Capability;
pub use clock::{Clock, Randomness};
pub use config::{ConfigFormat, ConfigLayers, ConfigOrigin, LayeredConfig, Preset, SandboxConfig};
pub(crate) use granted::Granted;
pub use grants::{
    ArgumentPattern, CommandGrant, FileAccess, FileRoot, NetworkGrant, Origin, StorageGrant,
};
pub use hardening::Hardening;
pub use host_pattern::HostPattern;
pub(crate) use host_pattern::is_path_of_identifiers;
pub use limit::Limit;
pub use limits::{ProcessLimits, ResourceLimits};
pub use manifest::PluginManifest;
pub use permission::Permission;
pub use restart::RestartPolicy;
pub use v8_options::V8Options;
pub use wake::Wake;
