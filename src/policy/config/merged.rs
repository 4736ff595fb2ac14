//! `Merged`: layers put on one another, and which one each value is of.

use std::collections::BTreeMap;

use serde_json::Value;

use super::document::{Document, KeyPath, Mark};
use super::{Preset, SandboxConfig};
use crate::policy::meant::say_what_was_meant;
use crate::policy::place::place;
use crate::protocol::{PluginError, SourceLine};

/// Values from one place.
#[derive(Debug, Clone)]
pub(super) struct Layer {
    pub(super) from: From,
    pub(super) document: Document,
}

/// Where a layer is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum From {
    Preset(Preset),
    File,
    Code,
}

/// Tables that are one choice of several, whose only key says which: another one replaces it.
const CHOICES: [&[&str]; 4] = [
    &["capabilities", "clock"],
    &["capabilities", "randomness"],
    &["limits", "wake"],
    &["restart"],
];

/// Limits that contradict each other: the one that is named, and the one that it is held
/// against.
const HELD_AGAINST: [(&str, &str); 2] = [("cpu_time", "wall_time"), ("code_range", "heap")];

/// Layers put on one another, from the lowest to the highest.
pub(super) struct Merged<'l> {
    layers: &'l [Layer],
    value: Value,
    /// The highest layer that said something of a value, by its place in `layers`.
    said_by: BTreeMap<KeyPath, usize>,
}

impl<'l> Merged<'l> {
    pub(super) fn of(layers: &'l [Layer]) -> Self {
        let value = Value::Object(serde_json::Map::new());
        let mut merged = Self { layers, value: Value::Null, said_by: BTreeMap::new() };
        merged.value = layers.iter().enumerate().fold(value, |lower, (number, layer)| {
            let mut path = KeyPath::new();
            merged.put(lower, layer.document.value.clone(), number, &mut path)
        });
        merged
    }

    /// What stands at `path` after `upper` was put on `lower`: tables are merged key by key,
    /// anything else is replaced.
    fn put(&mut self, lower: Value, upper: Value, layer: usize, path: &mut KeyPath) -> Value {
        if !path.is_empty() {
            self.said_by.insert(path.clone(), layer);
        }
        let (mut table, entries) = match (lower, upper) {
            (Value::Object(lower), Value::Object(upper)) if merges(path, &lower, &upper) => {
                (lower, upper)
            }
            (_, upper) => {
                self.said_by.retain(|other, _| other == path || !other.starts_with(path));
                match upper {
                    Value::Object(upper) => (serde_json::Map::new(), upper),
                    other => return other,
                }
            }
        };
        for (key, value) in entries {
            path.push(key.clone());
            let lower = table.remove(&key).unwrap_or_default();
            let value = self.put(lower, value, layer, path);
            table.insert(key, value);
            path.pop();
        }
        Value::Object(table)
    }

    /// The config, without a check of what its values mean together.
    ///
    /// # Errors
    ///
    /// Of an unknown key or a value of the wrong kind; of a key that is missing, if
    /// `is_complete`.
    pub(super) fn read(&self, is_complete: bool) -> Result<SandboxConfig, PluginError> {
        let error = match serde_path_to_error::deserialize(&self.value) {
            Ok(config) => return Ok(config),
            Err(error) => error,
        };
        let mut path: KeyPath = error.path().iter().filter_map(key).collect();
        let message = error.inner().to_string();
        let at = match message.split_once(" `") {
            Some(("missing field", _)) if !is_complete => return Ok(SandboxConfig::default()),
            Some(("missing field" | "unknown field", _)) => Part::Key,
            // Of a choice that is a table, its key is the wrong one.
            Some(("unknown variant", _)) => match self.value(&path) {
                Some(Value::Object(table)) => {
                    path.extend(table.keys().next().cloned());
                    Part::Key
                }
                _ => Part::Value,
            },
            _ => Part::Value,
        };
        Err(self.error(&path, at, say_what_was_meant(&message)))
    }

    /// Checks the values, and points at the one that is wrong.
    pub(super) fn check(&self, config: &SandboxConfig) -> Result<(), PluginError> {
        let Err(misfit) = config.check() else { return Ok(()) };
        let mut path = misfit.path;
        // Of two that contradict each other, the one that was said last is probably wrong.
        if let [limits, limit] = path.as_slice()
            && let Some((_, other)) = HELD_AGAINST.iter().find(|(one, _)| one == limit)
        {
            let other = vec![limits.clone(), (*other).to_owned()];
            if self.said_by.get(&other) > self.said_by.get(&path) {
                path = other;
            }
        }
        Err(self.error(&path, Part::Value, misfit.error.to_string()))
    }

    /// The layer that said what stands at `path`.
    pub(super) fn layer(&self, path: &[String]) -> Option<&'l Layer> {
        self.said_by.get(path).map(|layer| &self.layers[*layer])
    }

    /// What stands at `path`, as it was written.
    pub(super) fn value(&self, path: &[String]) -> Option<&Value> {
        path.iter().try_fold(&self.value, |value, key| value.get(key))
    }

    pub(super) fn error(&self, path: &[String], at: Part, reason: String) -> PluginError {
        PluginError::InvalidConfig { reason, place: Box::new(self.place(path, at)) }
    }

    /// Where `path` stands, or the innermost table around it that does.
    fn place(&self, path: &[String], at: Part) -> SourceLine {
        let outwards = || (0..=path.len()).rev().map(|length| &path[..length]);
        // Of an array, only the whole is of a layer.
        let layer = outwards().find_map(|part| self.layer(part)).or(self.layers.last());
        let Some(document) = layer.map(|layer| &layer.document) else {
            return place("", 0..0, "");
        };
        let marked = outwards().find_map(|part| Some((part, document.marks.get(part)?)));
        let span = marked.map_or(0..0, |(part, Mark { key, value })| {
            // A table is as long as all that is in it.
            let is_table = self.value(part).is_some_and(Value::is_object);
            let is_key = at == Part::Key || is_table || part.len() < path.len();
            if is_key { key.clone() } else { value.clone() }
        });
        place(&document.text, span, &document.name.display().to_string())
    }
}

/// What an error points at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Key,
    Value,
}

/// Whether a table is merged into another: always, unless they are different choices.
fn merges(
    path: &[String],
    lower: &serde_json::Map<String, Value>,
    upper: &serde_json::Map<String, Value>,
) -> bool {
    !CHOICES.iter().any(|choice| choice == &path) || lower.keys().eq(upper.keys())
}

fn key(segment: &serde_path_to_error::Segment) -> Option<String> {
    use serde_path_to_error::Segment;
    match segment {
        Segment::Seq { index } => Some(index.to_string()),
        Segment::Map { key } => Some(key.clone()),
        Segment::Enum { variant } => Some(variant.clone()),
        Segment::Unknown => None,
    }
}
