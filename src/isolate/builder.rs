//! `PluginBuilder`: what a plugin's isolate is built from.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use super::realm;
use crate::host::{
    AuditSink, CommandConfirm, ConsoleSink, Fetcher, HostFunctions, Outbox, Services, TracingSink,
    built_in,
};
use crate::policy::{Granted, PluginCapabilities, ResourceLimits, RestartPolicy, SandboxConfig};
use crate::process::code_cache::SourceText;
use crate::protocol::PluginError;

/// How the names of plugins' scripts begin.
pub(super) const SCRIPT_SCHEME: &str = "plugin:/";

/// A script or module that is run whenever the plugin's isolate is built.
#[derive(Debug, Clone)]
pub(crate) struct StartupScript {
    pub(crate) name: String,
    pub(crate) source: SourceText,
}

/// What an isolate is built from, kept to build it anew after a fault.
#[derive(Clone)]
pub(crate) struct Blueprint {
    pub(crate) id: String,
    /// What is granted, which may become less.
    pub(crate) granted: Arc<Granted>,
    pub(crate) limits: ResourceLimits,
    pub(crate) console: Arc<dyn ConsoleSink>,
    pub(crate) scripts: Vec<StartupScript>,
    pub(crate) host: HostFunctions,
    pub(crate) services: Services,
    /// What the plugin has told its host.
    pub(crate) outbox: Arc<Outbox>,
    pub(crate) restart: RestartPolicy,
}

impl fmt::Debug for Blueprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Blueprint")
            .field("id", &self.id)
            .field("granted", &self.granted)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

impl Blueprint {
    const MAX_ID: usize = 128;

    /// Checks what was put together, and completes it.
    pub(crate) fn prepare(&mut self) -> Result<(), PluginError> {
        let id = &self.id;
        // The id becomes part of a thread's name and of script names.
        if id.is_empty() || id.len() > Self::MAX_ID || id.contains(char::is_control) {
            return Err(PluginError::InvalidArgument(format!(
                "invalid plugin id {id:?}: use 1 to {} bytes without control characters",
                Self::MAX_ID
            )));
        }
        self.limits.validate()?;
        let granted = self.granted.now();
        granted.validate()?;
        // Plugins that are built from one builder tell, and lose what they were granted, one by one.
        self.outbox = Arc::default();
        self.granted = Arc::new(Granted::new(PluginCapabilities::clone(&granted)));
        let built_in = built_in(id, &granted, &self.services)?;
        self.host.prepare(built_in, realm::is_taken)
    }

    /// The name of one of the plugin's scripts in errors: never a path of the host.
    pub(crate) fn script_name(&self, script: &str) -> String {
        format!("{SCRIPT_SCHEME}{}/{script}", self.id)
    }
}

/// Builds a [`PluginWorker`](crate::PluginWorker) or a [`PluginIsolate`](crate::PluginIsolate);
/// made by their `builder` functions.
///
/// ```
/// use plugin_sandbox::{PluginWorker, ResourceLimits};
///
/// let worker = PluginWorker::builder("adder")
///     .limits(ResourceLimits::default())
///     .script("main.js", "function add({ a, b }) { return a + b }")
///     .build()?;
/// let sum = worker.blocking_call_hook("add", serde_json::json!({ "a": 1, "b": 2 }))?;
/// assert_eq!(sum, 3);
/// # Ok::<(), plugin_sandbox::PluginError>(())
/// ```
#[derive(Debug)]
pub struct PluginBuilder<T> {
    pub(crate) blueprint: Blueprint,
    builds: PhantomData<fn() -> T>,
}

// Not derived: what it builds need not be `Clone`.
impl<T> Clone for PluginBuilder<T> {
    fn clone(&self) -> Self {
        Self { blueprint: self.blueprint.clone(), builds: PhantomData }
    }
}

impl<T> PluginBuilder<T> {
    pub(crate) fn new(id: impl Into<String>) -> Self {
        let blueprint = Blueprint {
            id: id.into(),
            granted: Arc::default(),
            services: Services::default(),
            outbox: Arc::default(),
            limits: ResourceLimits::default(),
            console: Arc::new(TracingSink),
            scripts: Vec::new(),
            host: HostFunctions::new(),
            restart: RestartPolicy::default(),
        };
        Self { blueprint, builds: PhantomData }
    }

    /// What the plugin is granted. Default: [`PluginCapabilities::default`].
    #[must_use]
    pub fn capabilities(mut self, capabilities: PluginCapabilities) -> Self {
        self.blueprint.granted = Arc::new(Granted::new(capabilities));
        self
    }

    /// What the plugin may use. Default: [`ResourceLimits::default`].
    #[must_use]
    pub fn limits(mut self, limits: ResourceLimits) -> Self {
        self.blueprint.limits = limits;
        self
    }

    /// What the plugin is granted and may use, and what happens after a fault, as a config has
    /// it. What the config says of the process is set by
    /// [`SandboxConfig::apply_to_process`].
    #[must_use]
    pub fn config(self, config: &SandboxConfig) -> Self {
        self.capabilities(config.capabilities.clone())
            .limits(config.limits.clone())
            .restart_policy(config.restart)
    }

    /// Where the plugin's `console` output goes. Default: `tracing` events with the target
    /// `plugin_sandbox::console`, the plugin's id and the level.
    #[must_use]
    pub fn console(mut self, sink: impl ConsoleSink + 'static) -> Self {
        self.blueprint.console = Arc::new(sink);
        self
    }

    /// Who is told of every use of files, network, commands and storage. Default: `tracing`
    /// events with the target `plugin_sandbox::audit`.
    #[must_use]
    pub fn audit(mut self, sink: impl AuditSink + 'static) -> Self {
        self.blueprint.services.audit = Arc::new(sink);
        self
    }

    /// Who sends the requests of a plugin that is granted
    /// [`network`](PluginCapabilities::network). Default: an [`HttpClient`](crate::HttpClient) of
    /// the plugin's own, if this crate is built with its feature `fetch`; otherwise building the
    /// plugin fails.
    #[must_use]
    pub fn fetcher(mut self, fetcher: impl Fetcher + 'static) -> Self {
        self.blueprint.services.fetcher = Some(Arc::new(fetcher));
        self
    }

    /// Who is asked before a command runs whose grant says
    /// [`confirm`](crate::CommandGrant::confirm). Default: nobody, and building a plugin with such
    /// a grant fails.
    #[must_use]
    pub fn confirm_commands(mut self, confirm: impl CommandConfirm + 'static) -> Self {
        self.blueprint.services.confirm = Some(Arc::new(confirm));
        self
    }

    /// Adds a start-up script, named `plugin:/<id>/<name>` in errors. The scripts are run in
    /// the order they were added, each under the wall time of a call, whenever the isolate is
    /// built: at the start, and after a fault that cost the plugin its isolate.
    #[must_use]
    pub fn script(self, name: impl Into<String>, code: impl Into<String>) -> Self {
        self.startup(false, name.into(), code.into())
    }

    /// Adds an ES module that is evaluated in its turn among the start-up scripts, top-level
    /// `await` included. It may import other modules that were added, by specifiers relative to
    /// its name (`./lib/x.js`), and nothing else.
    ///
    /// ```
    /// use plugin_sandbox::PluginWorker;
    ///
    /// let worker = PluginWorker::builder("modular")
    ///     .module("lib/twice.js", "export const twice = x => 2 * x")
    ///     .module("main.js", "import { twice } from './lib/twice.js'; plugin.on('f', twice)")
    ///     .build()?;
    /// assert_eq!(worker.blocking_call_hook("f", 4.into())?, 8);
    /// # Ok::<(), plugin_sandbox::PluginError>(())
    /// ```
    #[must_use]
    pub fn module(self, name: impl Into<String>, code: impl Into<String>) -> Self {
        self.startup(true, name.into(), code.into())
    }

    fn startup(mut self, is_module: bool, name: String, code: String) -> Self {
        let source = SourceText { is_module, text: code.into() };
        self.blueprint.scripts.push(StartupScript { name, source });
        self
    }

    /// What happens after a fault that costs the plugin its isolate. Default:
    /// [`RestartPolicy::default`]. A [`PluginIsolate`](crate::PluginIsolate) is always built
    /// anew by the next call.
    #[must_use]
    pub fn restart_policy(mut self, policy: RestartPolicy) -> Self {
        self.blueprint.restart = policy;
        self
    }

    /// The Rust functions that there are for the plugin; it sees those that its capabilities
    /// [name](PluginCapabilities::host). Default: none.
    #[must_use]
    pub fn host_functions(mut self, host: HostFunctions) -> Self {
        self.blueprint.host = host;
        self
    }
}
