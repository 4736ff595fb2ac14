//! What a config says of the whole process.

use crate::isolate::set_v8_options;
use crate::policy::SandboxConfig;
use crate::process::set_process_limits;
use crate::protocol::PluginError;

impl SandboxConfig {
    /// Sets what the config says of the whole process: its [`v8`](Self::v8) options and its
    /// [`process`](Self::process) limits. To be called before the first plugin is built.
    ///
    /// # Errors
    ///
    /// Those of [`set_v8_options`] and [`set_process_limits`]; after an error of the first,
    /// nothing is changed.
    pub fn apply_to_process(&self) -> Result<(), PluginError> {
        set_v8_options(self.v8)?;
        set_process_limits(self.process)
    }
}
