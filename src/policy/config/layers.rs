//! `ConfigLayers`: a config put together from several places.

use std::path::Path;

use serde::Deserialize as _;
use serde_json::{Value, json};

use super::document::{Document, KeyPath};
use super::merged::{From, Layer, Merged, Part};
use super::{ConfigFormat, LayeredConfig, Preset, toml_file};
use crate::policy::meant::say_what_was_meant;
use crate::protocol::PluginError;

/// How errors call what a program sets.
const CODE: &str = "<set by the program>";

/// A config put together from several places, each above those before it: at the bottom the
/// defaults, then whatever is added, in its order.
///
/// Tables are merged key by key; anything else is replaced, arrays as a whole. In JSON, `null`
/// takes away what is optional (`"network": null`).
///
/// ```
/// use plugin_sandbox::{ConfigFormat, ConfigLayers, ConfigOrigin, Preset};
///
/// let file = "[limits]\nheap = '48MiB'\nwall_time = '2s'\ncpu_time = '1s'";
/// let layered = ConfigLayers::new()
///     .preset(Preset::Strict)
///     .text(file, ConfigFormat::Toml, "sandbox.toml")?
///     .set("limits.heap", "32MiB")?
///     .build()?;
/// assert_eq!(layered.config().limits.heap.as_u64(), 32 << 20);
/// assert_eq!(layered.origin("limits.heap"), Some(&ConfigOrigin::Code));
/// assert_eq!(layered.origin("limits.stack"), Some(&ConfigOrigin::Preset(Preset::Strict)));
/// let place = ConfigOrigin::File { path: "sandbox.toml".into(), line: 3 };
/// assert_eq!(layered.origin("limits.wall_time"), Some(&place));
/// assert_eq!(layered.origin("restart.on_fault.max"), Some(&ConfigOrigin::Default));
/// # Ok::<(), plugin_sandbox::PluginError>(())
/// ```
#[derive(Debug, Clone, Default)]
#[must_use = "nothing is read from the layers until they are built"]
pub struct ConfigLayers {
    layers: Vec<Layer>,
}

impl ConfigLayers {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// These, and the limits of a preset above them.
    pub fn preset(mut self, preset: Preset) -> Self {
        let value = json!({ "limits": preset.limits() });
        let document = Document { value, ..Document::default() };
        self.layers.push(Layer { from: From::Preset(preset), document });
        self
    }

    /// These, and a file above them, as [`SandboxConfig::read`](crate::SandboxConfig::read)
    /// reads it. A preset that it names lies just below it.
    ///
    /// # Errors
    ///
    /// Those of [`SandboxConfig::read`](crate::SandboxConfig::read), but for contradictions and
    /// what is missing, which others may mend.
    pub fn file(self, path: impl AsRef<Path>) -> Result<Self, PluginError> {
        self.document(Document::read(path.as_ref())?, From::File)
    }

    /// These, and a text above them; as [`file`](Self::file), and `name` is the file's.
    ///
    /// # Errors
    ///
    /// Those of [`file`](Self::file).
    pub fn text(
        self,
        text: &str,
        format: ConfigFormat,
        name: impl AsRef<Path>,
    ) -> Result<Self, PluginError> {
        self.document(Document::parse_below(text, format, name.as_ref())?, From::File)
    }

    /// These, and one value above them: `set("limits.heap", "32MiB")`. The path is that of a
    /// file: keys joined by dots, in quotes if they contain one.
    ///
    /// # Errors
    ///
    /// [`PluginError::InvalidConfig`] if there is no such key, or the value is of the wrong kind.
    pub fn set(self, path: &str, value: impl Into<Value>) -> Result<Self, PluginError> {
        let keys = toml_file::keys(path).ok_or_else(|| {
            PluginError::InvalidArgument(format!(
                "{path:?} is no path of a value: join its keys by dots, as in \"limits.heap\""
            ))
        })?;
        self.document(Document::of_setting(keys, value.into(), CODE), From::Code)
    }

    fn document(mut self, document: Document, from: From) -> Result<Self, PluginError> {
        let mut layer = Layer { from, document };
        if let Some(preset) = preset(&layer)? {
            self = self.preset(preset);
        }
        // What is no part of the outcome.
        for key in ["preset", "$schema"] {
            layer.document.value.as_object_mut().and_then(|table| table.remove(key));
        }
        Merged::of(std::slice::from_ref(&layer)).read(false)?;
        self.layers.push(layer);
        Ok(self)
    }

    /// Puts the layers on one another, and checks the outcome.
    ///
    /// # Errors
    ///
    /// [`PluginError::InvalidConfig`] with the place of a value that is absurd, or of one of
    /// those that contradict each other.
    pub fn build(self) -> Result<LayeredConfig, PluginError> {
        let merged = Merged::of(&self.layers);
        let config = merged.read(true)?;
        merged.check(&config)?;
        LayeredConfig::new(config, &merged)
    }
}

/// The preset that a layer names.
fn preset(layer: &Layer) -> Result<Option<Preset>, PluginError> {
    let merged = Merged::of(std::slice::from_ref(layer));
    let path: KeyPath = vec!["preset".into()];
    let Some(named) = merged.value(&path) else { return Ok(None) };
    let preset = Preset::deserialize(named);
    preset
        .map(Some)
        .map_err(|error| merged.error(&path, Part::Value, say_what_was_meant(&error.to_string())))
}
