//! `Document`: the text of one file as data, and where in it everything stands.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{SandboxConfig, json_file, toml_file};
use crate::policy::place::place;
use crate::policy::text_file;
use crate::protocol::PluginError;

/// The language of a config file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigFormat {
    /// TOML 1.1.
    Toml,
    /// JSON, without comments.
    Json,
}

impl ConfigFormat {
    /// The language of a file of this name.
    ///
    /// # Errors
    ///
    /// [`PluginError::InvalidArgument`] if the extension is neither `.toml` nor `.json`.
    pub fn of_file(name: &Path) -> Result<Self, PluginError> {
        match name.extension().and_then(|extension| extension.to_str()) {
            Some(toml) if toml.eq_ignore_ascii_case("toml") => Ok(Self::Toml),
            Some(json) if json.eq_ignore_ascii_case("json") => Ok(Self::Json),
            _ => Err(PluginError::InvalidArgument(format!(
                "{}: a config file is named .toml or .json",
                name.display()
            ))),
        }
    }
}

/// The keys that lead to a value, from the outside; an array's items have their numbers.
pub(super) type KeyPath = Vec<String>;

/// Where a value stands, in bytes, and its key; of an array's item, that is the same.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Mark {
    pub(super) key: Range<usize>,
    pub(super) value: Range<usize>,
}

pub(super) type Marks = BTreeMap<KeyPath, Mark>;

/// What is wrong with a text, and where.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Slip {
    pub(super) reason: String,
    pub(super) span: Range<usize>,
}

/// The text of one file as data, and where in it everything stands.
#[derive(Debug, Clone, Default)]
pub(super) struct Document {
    /// The file as errors name it.
    pub(super) name: PathBuf,
    pub(super) text: String,
    /// An object.
    pub(super) value: Value,
    pub(super) marks: Marks,
}

impl Document {
    /// Reads a file; relative paths in it are below its directory.
    pub(super) fn read(path: &Path) -> Result<Self, PluginError> {
        let format = ConfigFormat::of_file(path)?;
        let most = SandboxConfig::MAX_FILE;
        let text = text_file::read(path, most)
            .map_err(|error| PluginError::Io { path: path.into(), reason: error.in_words(most) })?;
        // So that it means the same when the working directory has changed.
        let directory = std::path::absolute(path)
            .map_err(|error| PluginError::Io { path: path.into(), reason: error.to_string() })?;
        let mut document = Self::parse(&text, format, path)?;
        document.put_paths_below(directory.parent().unwrap_or(path));
        Ok(document)
    }

    /// Reads a text that stands in a file of this name.
    pub(super) fn parse(
        text: &str,
        format: ConfigFormat,
        name: &Path,
    ) -> Result<Self, PluginError> {
        let text = text.trim_start_matches('\u{feff}');
        let parsed = match format {
            ConfigFormat::Toml => toml_file::parse(text),
            ConfigFormat::Json => json_file::parse(text),
        };
        let (name, text) = (name.to_owned(), text.to_owned());
        match parsed {
            Ok((value, marks)) => Ok(Self { name, text, value, marks }),
            Err(slip) => {
                let at = place(&text, slip.span, &name.display().to_string());
                Err(PluginError::InvalidConfig { reason: slip.reason, place: Box::new(at) })
            }
        }
    }

    /// Reads a text, with relative paths below the directory of `name`.
    pub(super) fn parse_below(
        text: &str,
        format: ConfigFormat,
        name: &Path,
    ) -> Result<Self, PluginError> {
        let mut document = Self::parse(text, format, name)?;
        document.put_paths_below(name.parent().unwrap_or(Path::new("")));
        Ok(document)
    }

    /// Makes `path = value`, as a program says it.
    pub(super) fn of_setting(path: KeyPath, value: Value, name: &str) -> Self {
        let key = dotted(&path);
        let text = format!("{key} = {value}");
        let mark = Mark { key: 0..key.len(), value: key.len() + 3..text.len() };
        let whole = path.iter().rev().fold(value, |value, key| {
            Value::Object(std::iter::once((key.clone(), value)).collect())
        });
        Self { name: name.into(), text, value: whole, marks: Marks::from([(path, mark)]) }
    }

    /// The line that a byte is on, counted from 1.
    pub(super) fn line(&self, at: usize) -> u32 {
        self.text[..self.text.floor_char_boundary(at)].matches('\n').count() as u32 + 1
    }

    /// Takes relative paths as being below `directory`.
    fn put_paths_below(&mut self, directory: &Path) {
        let Some(capabilities) = self.value.get_mut("capabilities") else { return };
        for (table, key) in [("files", "path"), ("commands", "directory")] {
            let grants = capabilities.get_mut(table).and_then(Value::as_object_mut);
            for grant in grants.into_iter().flat_map(|grants| grants.values_mut()) {
                put_below(directory, grant.get_mut(key));
            }
        }
        let storage = capabilities.get_mut("storage");
        put_below(directory, storage.and_then(|storage| storage.get_mut("directory")));
    }
}

fn put_below(directory: &Path, value: Option<&mut Value>) {
    // A directory that is no Unicode cannot be written in a file: the path stays as it is.
    if let Some(Value::String(path)) = value
        && let Some(below) = directory.join(&*path).to_str()
    {
        *path = below.to_owned();
    }
}

/// A path as a file has it: keys joined by dots, and quoted where they must be.
pub(super) fn dotted(path: &[String]) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let keys: Vec<_> = path
        .iter()
        .map(|key| match key.is_empty() || !key.chars().all(bare) {
            true => Value::from(key.as_str()).to_string(),
            false => key.clone(),
        })
        .collect();
    keys.join(".")
}
