//! `LayeredConfig`: a config, and where each of its values is from.

use std::fmt;
use std::path::PathBuf;

use serde_json::Value;

use super::document::{KeyPath, dotted};
use super::merged::{From, Layer, Merged};
use super::{Preset, SandboxConfig, toml_file};
use crate::protocol::PluginError;

/// Where a value of a config is from.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigOrigin {
    /// Nobody said anything of it.
    Default,
    /// A preset, named in a file or by the program.
    Preset(Preset),
    /// A file.
    File {
        /// Its name, as it was given.
        path: PathBuf,
        /// Line, counted from 1.
        line: u32,
    },
    /// The program: [`ConfigLayers::set`](crate::ConfigLayers::set).
    Code,
}

impl fmt::Display for ConfigOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Preset(preset) => write!(f, "preset {preset}"),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Code => f.write_str("set by the program"),
        }
    }
}

/// A config that was put together by [`ConfigLayers`](crate::ConfigLayers), and where each of
/// its values is from.
#[derive(Debug, Clone)]
pub struct LayeredConfig {
    config: SandboxConfig,
    values: Vec<(String, String, ConfigOrigin)>,
}

impl LayeredConfig {
    pub(super) fn new(config: SandboxConfig, merged: &Merged<'_>) -> Result<Self, PluginError> {
        let whole = serde_json::to_value(&config)
            .map_err(|error| PluginError::Internal(format!("a config is no JSON: {error}")))?;
        let mut values = Vec::new();
        explain(merged, &whole, &mut KeyPath::new(), &mut values);
        Ok(Self { config, values })
    }

    /// The outcome.
    pub fn config(&self) -> &SandboxConfig {
        &self.config
    }

    /// The outcome, without the origins.
    pub fn into_config(self) -> SandboxConfig {
        self.config
    }

    /// Where the value at a dotted path is from; `None` if there is no value (but a table, or
    /// nothing).
    pub fn origin(&self, path: &str) -> Option<&ConfigOrigin> {
        let path = dotted(&toml_file::keys(path)?);
        self.explain().find(|(other, ..)| *other == path).map(|(.., origin)| origin)
    }

    /// Every value: its dotted path, itself as text, where it is from.
    pub fn explain(&self) -> impl Iterator<Item = (&str, &str, &ConfigOrigin)> {
        self.values.iter().map(|(path, text, origin)| (path.as_str(), text.as_str(), origin))
    }
}

/// Adds what is in `value`, which stands at `path`. An array is one value.
fn explain(
    merged: &Merged<'_>,
    value: &Value,
    path: &mut KeyPath,
    values: &mut Vec<(String, String, ConfigOrigin)>,
) {
    if let Value::Object(table) = value
        && !table.is_empty()
    {
        for (key, value) in table {
            path.push(key.clone());
            explain(merged, value, path, values);
            path.pop();
        }
        return;
    }
    let layer = merged.layer(path);
    // As it was written, rather than as it would be written now.
    let written = layer.and_then(|_| merged.value(path)).filter(|value| !value.is_object());
    let text = match written.unwrap_or(value) {
        Value::String(text) => text.clone(),
        Value::Null => "none".to_owned(),
        Value::Object(_) => "none".to_owned(),
        other => other.to_string(),
    };
    let origin = layer.map_or(ConfigOrigin::Default, |layer| origin(layer, path));
    values.push((dotted(path), text, origin));
}

fn origin(layer: &Layer, path: &[String]) -> ConfigOrigin {
    let Layer { from, document } = layer;
    match from {
        From::Preset(preset) => ConfigOrigin::Preset(*preset),
        From::Code => ConfigOrigin::Code,
        From::File => ConfigOrigin::File {
            path: document.name.clone(),
            line: document.marks.get(path).map_or(1, |mark| document.line(mark.key.start)),
        },
    }
}
