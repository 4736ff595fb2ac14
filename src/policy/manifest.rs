//! `PluginManifest`: what a plugin's `plugin.toml` says of it.

use std::path::{Component, Path};

use schemars::JsonSchema;
use semver::Version;
use serde::Deserialize;

use super::meant::say_what_was_meant;
use super::place::place;
use super::{Permission, PluginCapabilities, schema, text_file};
use crate::protocol::PluginError;

/// A plugin's `plugin.toml`.
///
/// ```toml
/// name = "table-of-contents"      # letters, digits, `-`, `_` and `.`; at most 64
/// version = "1.0.0"               # semantic versioning
/// main = "main.js"                # relative to the manifest; default "main.js"
/// description = "Lists headings"  # optional
/// permissions = ["intl"]          # what it asks for: see `Permission`; default nothing
/// ```
///
/// A manifest asks; the host grants. Unknown keys are errors.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct PluginManifest {
    /// The plugin's name: its worker's id, and part of its scripts' names.
    #[serde(deserialize_with = "plugin_name")]
    #[schemars(length(min = 1, max = 64), regex(pattern = r"^[A-Za-z0-9_-][A-Za-z0-9._-]*$"))]
    pub name: String,
    /// The plugin's version.
    pub version: Version,
    /// The script that is run when the plugin is loaded, relative to the manifest.
    #[serde(default = "default_main", deserialize_with = "path_inside")]
    #[schemars(regex(pattern = r"^[^/\\][^\\]*$"))]
    pub main: String,
    /// One line for people.
    #[serde(default)]
    pub description: String,
    /// What the plugin asks for.
    #[serde(default)]
    pub permissions: Vec<Permission>,
}

impl PluginManifest {
    /// The manifest's file name in a plugin's directory.
    pub const FILE_NAME: &str = "plugin.toml";

    /// The longest manifest, in bytes.
    pub const MAX_FILE: u64 = 64 << 10;

    /// Reads the manifest of the plugin in `directory`.
    ///
    /// # Errors
    ///
    /// [`PluginError::Io`] if the file cannot be read, is none, or is longer than
    /// [`MAX_FILE`](Self::MAX_FILE); otherwise as [`parse`](Self::parse).
    pub fn read(directory: &Path) -> Result<Self, PluginError> {
        let file = directory.join(Self::FILE_NAME);
        let text = text_file::read(&file, Self::MAX_FILE).map_err(|error| PluginError::Io {
            path: file.clone(),
            reason: format!("the plugin's manifest {}", error.in_words(Self::MAX_FILE)),
        })?;
        Self::parse(&text, &file)
    }

    /// Parses a manifest; `file` is named in errors.
    ///
    /// # Errors
    ///
    /// [`PluginError::InvalidManifest`] with line and column: not TOML, a key missing or
    /// unknown, a value of the wrong kind.
    pub fn parse(text: &str, file: &Path) -> Result<Self, PluginError> {
        toml::from_str(text).map_err(|error| {
            let span = error.span().unwrap_or(0..0);
            PluginError::InvalidManifest {
                reason: say_what_was_meant(error.message()),
                place: Box::new(place(text, span, &file.display().to_string())),
            }
        })
    }

    /// The JSON schema of a manifest, for editors; the same as
    /// `schemas/plugin-manifest.schema.json`.
    pub fn schema() -> serde_json::Value {
        schema::of::<Self>()
    }

    /// The manifest of a plugin that is a script and nothing else.
    pub(crate) fn of_script(name: String, main: String) -> Self {
        Self {
            name,
            version: Version::new(0, 0, 0),
            main,
            description: String::new(),
            permissions: Vec::new(),
        }
    }

    /// What the plugin asks for and `granted` does not hold.
    pub fn not_granted(&self, granted: &PluginCapabilities) -> Vec<Permission> {
        self.permissions.iter().filter(|asked| !granted.allows(asked)).cloned().collect()
    }
}

fn default_main() -> String {
    "main.js".to_owned()
}

fn plugin_name<'de, D: serde::Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let name = String::deserialize(from)?;
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    // Not `.` or `..`: the name becomes part of script names, and of files a host may keep.
    if name.is_empty() || name.len() > 64 || !name.chars().all(allowed) || name.starts_with('.') {
        return Err(serde::de::Error::custom(format!(
            "invalid name {name:?}: use 1 to 64 letters, digits, `-`, `_` and `.`, \
             not beginning with `.`"
        )));
    }
    Ok(name)
}

fn path_inside<'de, D: serde::Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let main = String::deserialize(from)?;
    let stays_inside =
        Path::new(&main).components().all(|part| matches!(part, Component::Normal(_)));
    if main.is_empty() || !stays_inside || main.contains('\\') {
        return Err(serde::de::Error::custom(format!(
            "invalid path {main:?}: give a file inside the plugin's directory, \
             relative to it, with `/`"
        )));
    }
    Ok(main)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<PluginManifest, PluginError> {
        PluginManifest::parse(text, Path::new("plugin.toml"))
    }

    fn error(text: &str) -> (u32, u32, String) {
        match parse(text) {
            Err(PluginError::InvalidManifest { place, reason }) => {
                (place.line, place.column, reason)
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_small_manifest_has_defaults() {
        let manifest = parse("name = \"toc\"\nversion = \"1.0.0\"\n").unwrap();
        assert_eq!(manifest.main, "main.js");
        assert!(manifest.permissions.is_empty());
    }

    #[test]
    fn an_unknown_key_is_named_with_its_place() {
        let (line, column, reason) =
            error("name = \"toc\"\nversion = \"1.0.0\"\nmian = \"x.js\"\n");
        assert_eq!((line, column), (3, 1));
        assert!(reason.contains("mian") && reason.contains("main"), "{reason}");
    }

    #[test]
    fn a_missing_key_a_wrong_kind_and_broken_toml_are_errors_with_places() {
        assert!(error("name = \"toc\"\n").2.contains("version"));
        assert_eq!(error("name = 5\nversion = \"1.0.0\"").0, 1);
        assert_eq!(error("name = \"toc\"\nversion = \n").0, 2);
        let (line, _, reason) =
            error("name = \"toc\"\nversion = \"1.0.0\"\npermissions = [\"files\"]");
        assert_eq!(line, 3);
        assert!(reason.contains("files"), "{reason}");
    }

    #[test]
    fn the_place_is_shown_with_a_caret() {
        let shown = parse("name = \"toc\"\nversion = \"1.0.0\"\nmian = \"x.js\"\n").unwrap_err();
        let shown = shown.to_string();
        assert!(shown.contains("--> plugin.toml:3:1\n 3 | mian = \"x.js\"\n   | ^^^^"), "{shown}");
    }

    #[test]
    fn the_column_counts_characters() {
        assert_eq!(error("description = \"é\"  x").1, 20);
    }

    #[test]
    fn names_and_paths_that_lead_elsewhere_are_refused() {
        for name in ["", "..", "a/b", "a b", "é"] {
            assert!(error(&format!("name = {name:?}\nversion = \"1.0.0\"")).2.contains("name"));
        }
        for main in ["../x.js", "/etc/passwd", "a/../../x.js", "", "a\\b.js", "./x.js"] {
            let text = format!("name = \"p\"\nversion = \"1.0.0\"\nmain = {main:?}");
            assert!(error(&text).2.contains("inside"), "{main}");
        }
    }
}
