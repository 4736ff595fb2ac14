//! `SandboxBuilder`: reads a plugin's directory and starts it.

use std::path::{Path, PathBuf};

use super::{Answer, NotGranted, PluginSandbox};
use crate::host::ConsoleSink;
use crate::isolate::PluginBuilder;
use crate::policy::text_file::{self, NotRead};
use crate::policy::{ByteSize, PluginCapabilities, PluginManifest, ResourceLimits, SandboxConfig};
use crate::protocol::PluginError;
use crate::worker::PluginWorker;

/// What a [`PluginSandbox`] is loaded with; made by [`PluginSandbox::builder`].
#[derive(Debug, Clone)]
pub struct SandboxBuilder {
    // The id is the manifest's name, once that is read.
    worker: PluginBuilder<PluginWorker>,
    not_granted: NotGranted,
}

impl SandboxBuilder {
    pub(super) fn new() -> Self {
        Self { worker: PluginWorker::builder(""), not_granted: NotGranted::default() }
    }

    /// What the plugin is granted, whatever its manifest asks for. Default:
    /// [`PluginCapabilities::default`].
    #[must_use]
    pub fn capabilities(mut self, capabilities: PluginCapabilities) -> Self {
        self.worker = self.worker.capabilities(capabilities);
        self
    }

    /// What the plugin may use. Default: [`ResourceLimits::default`].
    #[must_use]
    pub fn limits(mut self, limits: ResourceLimits) -> Self {
        self.worker = self.worker.limits(limits);
        self
    }

    /// What the plugin is granted and may use, and what happens after a fault; as
    /// [`PluginBuilder::config`].
    #[must_use]
    pub fn config(mut self, config: &SandboxConfig) -> Self {
        self.worker = self.worker.config(config);
        self
    }

    /// What becomes of a plugin that asks for more than it is granted. Default:
    /// [`NotGranted::Refuse`].
    #[must_use]
    pub fn when_not_granted(mut self, not_granted: NotGranted) -> Self {
        self.not_granted = not_granted;
        self
    }

    /// Sets anything else that a worker can be built with: host functions, modules, who is told
    /// of what the plugin does. The id is the plugin's name all the same.
    ///
    /// ```
    /// use plugin_sandbox::{HostFunctions, PluginSandbox, RestartPolicy};
    ///
    /// let builder = PluginSandbox::builder().worker(|worker| {
    ///     worker.restart_policy(RestartPolicy::Never).host_functions(HostFunctions::new())
    /// });
    /// ```
    #[must_use]
    pub fn worker(
        mut self,
        set: impl FnOnce(PluginBuilder<PluginWorker>) -> PluginBuilder<PluginWorker>,
    ) -> Self {
        self.worker = set(self.worker);
        self
    }

    /// Where the plugin's `console` output goes; as [`PluginBuilder::console`].
    #[must_use]
    pub fn console(mut self, sink: impl ConsoleSink + 'static) -> Self {
        self.worker = self.worker.console(sink);
        self
    }

    /// Adds a script that is run before the plugin's own; as [`PluginBuilder::script`].
    #[must_use]
    pub fn script(mut self, name: impl Into<String>, code: impl Into<String>) -> Self {
        self.worker = self.worker.script(name, code);
        self
    }

    /// Reads the manifest and the main script in `directory`, starts a worker named after the
    /// plugin, and runs the main script there. Waits until that is done; does not
    /// [activate](PluginSandbox::activate) the plugin yet.
    ///
    /// # Errors
    ///
    /// [`PluginError::Io`] and [`PluginError::InvalidManifest`] of the files;
    /// [`PluginError::NotGranted`] if the manifest asks for something that is not granted, and
    /// [nobody](Self::when_not_granted) said what to do then; [`PluginError::InvalidArgument`] if
    /// `main` leads out of the directory; [`PluginError::TooLarge`] if it is longer than
    /// [`ResourceLimits::source_size`]; otherwise as [`PluginBuilder::build`].
    pub fn load(mut self, directory: impl AsRef<Path>) -> Result<PluginSandbox, PluginError> {
        let directory = directory.as_ref();
        let manifest = PluginManifest::read(directory)?;
        let granted = self.worker.blueprint.granted.now();
        if let Answer::Grant(instead) = self.not_granted.decide(&manifest, &granted)? {
            self.worker = self.worker.capabilities(instead);
        }
        let code = read_main(directory, &manifest.main, self.source_size())?;
        self.start(manifest, code)
    }

    /// Starts a plugin that is one script, with a manifest made up from its file's name.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load).
    pub fn load_file(self, file: impl AsRef<Path>) -> Result<PluginSandbox, PluginError> {
        let file = file.as_ref();
        let code = read_script(file, self.source_size())?;
        let name = |part: Option<&std::ffi::OsStr>| {
            part.map(|part| part.to_string_lossy().into_owned()).unwrap_or_default()
        };
        let manifest = PluginManifest::of_script(name(file.file_stem()), name(file.file_name()));
        self.start(manifest, code)
    }

    fn source_size(&self) -> ByteSize {
        self.worker.blueprint.limits.source_size
    }

    fn start(
        mut self,
        manifest: PluginManifest,
        code: String,
    ) -> Result<PluginSandbox, PluginError> {
        self.worker.blueprint.id.clone_from(&manifest.name);
        let not_granted = manifest.not_granted(&self.worker.blueprint.granted.now());
        let worker = self.worker.script(manifest.main.clone(), code).build()?;
        Ok(PluginSandbox::new(manifest, not_granted, worker))
    }
}

fn read_main(directory: &Path, main: &str, most: ByteSize) -> Result<String, PluginError> {
    let file = directory.join(main);
    // A symbolic link may lead anywhere: what counts is where it ends.
    let (root, target) = (resolve(directory)?, resolve(&file)?);
    if !target.starts_with(root) {
        return Err(PluginError::InvalidArgument(format!(
            "{} leads out of the plugin's directory",
            file.display()
        )));
    }
    read_script(&target, most)
}

fn resolve(path: &Path) -> Result<PathBuf, PluginError> {
    path.canonicalize().map_err(|error| io_error(path, &error))
}

/// A script that is no longer than it may be; what is longer is not taken into memory.
fn read_script(path: &Path, most: ByteSize) -> Result<String, PluginError> {
    text_file::read(path, most.as_u64()).map_err(|error| match error {
        NotRead::TooLong => PluginError::TooLarge { what: "the source", limit: most.to_string() },
        NotRead::Because(reason) => PluginError::Io { path: path.to_owned(), reason },
    })
}

fn io_error(path: &Path, error: &std::io::Error) -> PluginError {
    PluginError::Io { path: path.to_owned(), reason: error.to_string() }
}
