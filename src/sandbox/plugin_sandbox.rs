//! `PluginSandbox`: one plugin, loaded, activated, called, deactivated.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::SandboxBuilder;
use crate::policy::{Permission, PluginManifest};
use crate::protocol::{PluginError, Value, WorkerResponse};
use crate::worker::{Call, PluginWorker, WorkerStats};

/// The hooks that begin a plugin's active life: the first of these that it has is called.
const ACTIVATE: [&str; 2] = ["activate", "onActivate"];
/// The hooks that end it.
const DEACTIVATE: [&str; 2] = ["deactivate", "onDeactivate"];

/// Where a plugin is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Lifecycle {
    /// Its main script has run.
    Loaded,
    /// It was activated; it stays so whatever its hook answered.
    Active,
    /// It was deactivated, or shut down.
    Deactivated,
}

/// A plugin loaded from disk, on a worker of its own.
///
/// ```
/// use plugin_sandbox::{Lifecycle, PluginSandbox};
///
/// # let directory = tempfile::tempdir().unwrap();
/// # let path = directory.path();
/// std::fs::write(path.join("plugin.toml"), "name = \"shout\"\nversion = \"1.0.0\"\n")?;
/// std::fs::write(path.join("main.js"), "plugin.on('shout', text => text.toUpperCase() + '!')")?;
///
/// let plugin = PluginSandbox::load(path)?;
/// plugin.blocking_activate()?;
/// assert_eq!(plugin.call_hook("shout", "hello".into()).wait()?, "HELLO!");
/// plugin.blocking_deactivate()?;
/// assert_eq!(plugin.lifecycle(), Lifecycle::Deactivated);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct PluginSandbox {
    manifest: PluginManifest,
    not_granted: Vec<Permission>,
    worker: PluginWorker,
    lifecycle: Mutex<Lifecycle>,
}

impl PluginSandbox {
    pub(super) fn new(
        manifest: PluginManifest,
        not_granted: Vec<Permission>,
        worker: PluginWorker,
    ) -> Self {
        Self { manifest, not_granted, worker, lifecycle: Mutex::new(Lifecycle::Loaded) }
    }

    /// What to load a plugin with: capabilities, limits, a console sink.
    pub fn builder() -> SandboxBuilder {
        SandboxBuilder::new()
    }

    /// Loads the plugin in `directory` with default capabilities and limits.
    ///
    /// # Errors
    ///
    /// As [`SandboxBuilder::load`].
    pub fn load(directory: impl AsRef<Path>) -> Result<Self, PluginError> {
        Self::builder().load(directory)
    }

    /// The plugin's manifest.
    pub fn manifest(&self) -> &PluginManifest {
        &self.manifest
    }

    /// What the plugin asked for and was not granted when it was loaded, in the order of its
    /// manifest; see [`NotGranted`](crate::NotGranted).
    pub fn not_granted(&self) -> &[Permission] {
        &self.not_granted
    }

    /// The worker that the plugin runs on.
    pub fn worker(&self) -> &PluginWorker {
        &self.worker
    }

    /// Where the plugin is in its life.
    pub fn lifecycle(&self) -> Lifecycle {
        *self.state()
    }

    /// What the plugin has used so far.
    pub fn stats(&self) -> WorkerStats {
        self.worker.stats()
    }

    fn state(&self) -> MutexGuard<'_, Lifecycle> {
        self.lifecycle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls the plugin's `activate` hook (else `onActivate`), if it has one, the first time
    /// only; answers what it returned, else null.
    ///
    /// # Errors
    ///
    /// Those of [`PluginWorker::call_hook`]; [`PluginError::WorkerDisconnected`] if the plugin
    /// was deactivated.
    pub async fn activate(&self) -> WorkerResponse {
        {
            let mut state = self.state();
            match *state {
                Lifecycle::Loaded => *state = Lifecycle::Active,
                Lifecycle::Active => return Ok(Value::Null),
                Lifecycle::Deactivated => return Err(PluginError::WorkerDisconnected),
            }
        }
        self.call_first(ACTIVATE).await
    }

    /// Calls the plugin's `deactivate` hook (else `onDeactivate`), if it has one and was
    /// activated, exactly once, and shuts the worker down, whatever the hook answered.
    ///
    /// # Errors
    ///
    /// Those of [`PluginWorker::call_hook`]; the worker is shut down all the same.
    pub async fn deactivate(&self) -> WorkerResponse {
        let before = std::mem::replace(&mut *self.state(), Lifecycle::Deactivated);
        let answer = match before {
            Lifecycle::Active => self.call_first(DEACTIVATE).await,
            Lifecycle::Loaded | Lifecycle::Deactivated => Ok(Value::Null),
        };
        self.worker.shutdown();
        answer
    }

    /// [`activate`](Self::activate), waiting on this thread.
    ///
    /// # Errors
    ///
    /// Those of [`activate`](Self::activate).
    pub fn blocking_activate(&self) -> WorkerResponse {
        pollster::block_on(self.activate())
    }

    /// [`deactivate`](Self::deactivate), waiting on this thread.
    ///
    /// # Errors
    ///
    /// Those of [`deactivate`](Self::deactivate).
    pub fn blocking_deactivate(&self) -> WorkerResponse {
        pollster::block_on(self.deactivate())
    }

    /// Calls a hook; as [`PluginWorker::call_hook`].
    pub fn call_hook(&self, hook: impl Into<String>, args: Value) -> Call {
        self.worker.call_hook(hook, args)
    }

    /// The names of the plugin's hooks, in ascending order.
    ///
    /// # Errors
    ///
    /// Those of [`PluginWorker::hooks`].
    pub async fn hooks(&self) -> Result<Vec<String>, PluginError> {
        self.worker.hooks().await
    }

    async fn call_first(&self, hooks: [&str; 2]) -> WorkerResponse {
        for hook in hooks {
            match self.worker.call_hook(hook, Value::Null).await {
                Err(PluginError::HookNotFound { .. }) => {}
                answer => return answer,
            }
        }
        Ok(Value::Null)
    }
}

impl Drop for PluginSandbox {
    /// Deactivates the plugin if it is active; an error of its hook is logged.
    fn drop(&mut self) {
        if let Err(error) = self.blocking_deactivate() {
            tracing::warn!(plugin = self.manifest.name, %error, "deactivating the plugin failed");
        }
    }
}
