//! `SandboxConfig`: all that a host decides about its plugins.

use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ConfigFormat, ConfigLayers};
use crate::policy::misfit::Misfit;
use crate::policy::schema;
use crate::policy::{PluginCapabilities, ProcessLimits, ResourceLimits, RestartPolicy, V8Options};
use crate::protocol::PluginError;

/// All that a host decides about a plugin, and about the process that it runs in.
///
/// ```
/// use plugin_sandbox::{ConfigFormat, PluginWorker, SandboxConfig};
///
/// let text = "
///     preset = 'strict'
///     [limits]
///     heap = '32MiB'
///     [capabilities]
///     allow = ['timers']
/// ";
/// let config = SandboxConfig::parse(text, ConfigFormat::Toml, "sandbox.toml")?;
/// let worker = PluginWorker::builder("configured").config(&config).build()?;
/// assert_eq!(worker.blocking_execute("typeof setTimeout")?, "function");
///
/// let slip = SandboxConfig::parse("[limits]\nheep = '32MiB'", ConfigFormat::Toml, "sandbox.toml");
/// assert!(slip.unwrap_err().to_string().contains("did you mean `heap`?"));
/// # Ok::<(), plugin_sandbox::PluginError>(())
/// ```
///
/// Every key may be left out, and an empty file is the default. A file may name a
/// [`Preset`](crate::Preset) at its top, which lies below what the file says. Several files, and
/// values from elsewhere, are put together by [`ConfigLayers`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(transform = with_preset)]
#[non_exhaustive]
pub struct SandboxConfig {
    /// What a plugin is granted.
    pub capabilities: PluginCapabilities,
    /// How much a plugin may use.
    pub limits: ResourceLimits,
    /// What happens after a fault that costs a plugin its isolate.
    pub restart: RestartPolicy,
    /// How V8 runs, for the whole process.
    pub v8: V8Options,
    /// What all plugins of the process may use together.
    pub process: ProcessLimits,
}

/// In a file there may be a preset besides, which is no part of the outcome.
fn with_preset(schema: &mut schemars::Schema) {
    let preset = schemars::json_schema!({
        "description": "Limits by a name, below what this file says.",
        "enum": ["strict", "default", "trusted"],
        "default": "default"
    });
    let properties = schema.ensure_object().entry("properties");
    if let Some(properties) = properties.or_insert_with(|| serde_json::json!({})).as_object_mut() {
        properties.insert("preset".into(), preset.to_value());
        // Where an editor may look for the schema.
        let text = serde_json::json!({ "type": "string" });
        properties.insert("$schema".into(), text);
    }
}

impl SandboxConfig {
    /// The longest config file, in bytes.
    pub const MAX_FILE: u64 = 1 << 20;

    /// Reads a file, as TOML or JSON by its extension. Relative paths in it are below its own
    /// directory.
    ///
    /// # Errors
    ///
    /// [`PluginError::Io`] if it cannot be read, is no file, is longer than
    /// [`MAX_FILE`](Self::MAX_FILE), or is not UTF-8; [`PluginError::InvalidArgument`] if its
    /// extension is another one; otherwise as [`parse`](Self::parse).
    pub fn read(path: impl AsRef<Path>) -> Result<Self, PluginError> {
        Ok(ConfigLayers::new().file(path)?.build()?.into_config())
    }

    /// Reads a text; `name` is the file's in errors, and relative paths are below its directory.
    ///
    /// # Errors
    ///
    /// [`PluginError::InvalidConfig`] with line and column: it does not parse, a key is unknown
    /// or missing, a value is of the wrong kind or absurd, or contradicts another.
    pub fn parse(
        text: &str,
        format: ConfigFormat,
        name: impl AsRef<Path>,
    ) -> Result<Self, PluginError> {
        Ok(ConfigLayers::new().text(text, format, name)?.build()?.into_config())
    }

    /// The JSON schema of a config file, for editors; the same as
    /// `schemas/sandbox-config.schema.json`.
    pub fn schema() -> serde_json::Value {
        schema::of::<Self>()
    }

    /// Checks each value by itself and against the others. A config that was read is checked
    /// already. Whether a directory exists is checked when a plugin is built.
    ///
    /// # Errors
    ///
    /// [`PluginError::InvalidLimit`] or [`PluginError::InvalidArgument`] names what is wrong.
    pub fn validate(&self) -> Result<(), PluginError> {
        Ok(self.check()?)
    }

    /// [`validate`](Self::validate), telling which key it is.
    pub(super) fn check(&self) -> Result<(), Misfit> {
        self.limits.validate().map_err(|error| {
            let path = match &error {
                PluginError::InvalidLimit { field, .. } => vec![(*field).to_owned()],
                _ => Vec::new(),
            };
            Misfit { path, error }.below("limits")
        })?;
        self.capabilities.check().map_err(|misfit| misfit.below("capabilities"))?;
        self.v8.validate().map_err(|misfit| misfit.below("v8"))?;
        self.v8.check(&self.capabilities).map_err(|misfit| misfit.below("v8"))
    }
}
