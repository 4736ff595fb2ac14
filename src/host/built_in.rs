//! The functions of the built-in capabilities.

use std::fmt;
use std::sync::Arc;

use super::audit::{AuditSink, TracingAudit};
use super::commands::{self, CommandConfirm};
use super::files;
use super::functions::HostFunctions;
use super::network::{self, Fetcher};
use super::runtime::io_runtime;
use super::storage;
use crate::policy::PluginCapabilities;
use crate::protocol::PluginError;

/// What of the host's the built-in capabilities work with.
#[derive(Clone)]
pub(crate) struct Services {
    pub(crate) audit: Arc<dyn AuditSink>,
    /// Who sends requests, if it is not the built-in client.
    pub(crate) fetcher: Option<Arc<dyn Fetcher>>,
    /// Who is asked before a command runs.
    pub(crate) confirm: Option<Arc<dyn CommandConfirm>>,
}

impl Default for Services {
    fn default() -> Self {
        Self { audit: Arc::new(TracingAudit), fetcher: None, confirm: None }
    }
}

impl fmt::Debug for Services {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Services").finish_non_exhaustive()
    }
}

/// Whether the function of this name belongs to something that is granted.
pub(crate) fn built_in_is_granted(name: &str, granted: &PluginCapabilities) -> bool {
    match name.split('.').next() {
        Some("files") => !granted.files.is_empty(),
        Some("storage") => granted.storage.is_some(),
        Some("commands") => !granted.commands.is_empty(),
        Some("fetch") => granted.network.is_some(),
        _ => false,
    }
}

/// The functions of what is granted to the plugin of this id: directories are opened, and a
/// store, here and once.
pub(crate) fn built_in(
    plugin: &str,
    granted: &PluginCapabilities,
    services: &Services,
) -> Result<HostFunctions, PluginError> {
    let functions = HostFunctions::new();
    let needs_runtime = !granted.files.is_empty()
        || granted.network.is_some()
        || !granted.commands.is_empty()
        || granted.storage.is_some();
    if !needs_runtime {
        return Ok(functions);
    }
    let mut functions = files::define(functions.runtime(io_runtime()?), granted)?;
    functions = storage::define(functions, plugin, granted)?;
    if let Some(grant) = &granted.network {
        functions = network::define(functions, grant, services.fetcher.clone())?;
    }
    if !granted.commands.is_empty() {
        functions = commands::define(functions, &granted.commands, services.confirm.clone())?;
    }
    Ok(functions)
}
