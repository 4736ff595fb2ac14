//! What the JSON schema says of values that are written as text: sizes, times, names.
//!
//! Markers for `#[schemars(with = …)]`; nothing is ever made of them. The patterns help an
//! editor and are no wider than what is read; what is read decides.

use std::borrow::Cow;

use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::Value;

use super::Capability;

/// The schema of `T`, for an editor: with descriptions that are plain text.
pub(super) fn of<T: JsonSchema>() -> Value {
    let plain_text = |schema: &mut Schema| {
        if let Some(Value::String(text)) = schema.get("description") {
            let text = plain(text);
            schema.insert("description".into(), text.into());
        }
    };
    let settings = SchemaSettings::draft2020_12().with_transform(RecursiveTransform(plain_text));
    settings.into_generator().into_root_schema_for::<T>().to_value()
}

/// Markdown without links: `[what](where)` is `what`. Other brackets stay.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('[') {
        plain.push_str(before);
        let link = after.split_once(']');
        let target = link.and_then(|(_, after)| after.strip_prefix('(')?.split_once(')'));
        rest = match (link, target) {
            (Some((what, _)), Some((_, after))) => {
                plain.push_str(what);
                after
            }
            (Some((what, after)), None) if what.starts_with('`') => {
                plain.push_str(what);
                after
            }
            _ => {
                plain.push('[');
                after
            }
        };
    }
    plain + rest
}

/// A [`ByteSize`](super::ByteSize).
pub(super) struct Size;
/// A time, as `humantime` reads it.
pub(super) struct Time;
/// A moment in UTC.
pub(super) struct Moment;
/// A [`Permission`](super::Permission).
pub(super) struct Asked;
/// An entry of `allow`: a [`Capability`] or host functions.
pub(super) struct Allowed;
/// An [`Origin`](super::Origin).
pub(super) struct Site;
/// A network in CIDR notation.
pub(super) struct Network;
/// An absolute path.
pub(super) struct AbsolutePath;

/// Says the schema of each marker, all written in place.
macro_rules! schemas {
    ($($marker:ident => $schema:tt)*) => { $(
        impl JsonSchema for $marker {
            fn schema_name() -> Cow<'static, str> {
                stringify!($marker).into()
            }

            fn inline_schema() -> bool {
                true
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    )* };
}

schemas! {
    Size => { "anyOf": [
        { "type": "string", "pattern": r"^\s*[0-9]+(\.[0-9]+)?\s*([kKmMgGtTpPeE][iI]?)?[bB]?\s*$" },
        { "type": "integer", "minimum": 0 }
    ] }
    Time => {
        "type": "string",
        "pattern": r"^(\s*[0-9]+(\.[0-9]+)?\s*(nanos|nsec|ns|usec|us|millis|msec|ms|seconds|second|secs|sec|s|minutes|minute|mins|min|m|hours|hour|hrs|hr|h|days|day|d|weeks|week|wks|wk|w|months|month|M|years|year|yrs|yr|y))+\s*$"
    }
    Moment => {
        "type": "string",
        "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?Z?$"
    }
    Site => { "type": "string", "pattern": r"^https?://(\*\.)?[^/?#@\s]+$" }
    Network => { "type": "string", "pattern": r"^[0-9A-Fa-f.:]+/[0-9]{1,3}$" }
    AbsolutePath => { "type": "string", "pattern": r"^(/|[A-Za-z]:[\\/]|\\\\)" }
}

/// Host functions, where they need not be told from capabilities, and where they must.
const HOST: &str = r"^(host:)?([A-Za-z_$][A-Za-z0-9_$]*\.)+([A-Za-z_$][A-Za-z0-9_$]*|\*)$|^(host:)?\*$|^host:[A-Za-z_$][A-Za-z0-9_$]*$";
/// What else a manifest can ask for.
const GRANTS: &str = r"^storage$|^files:[A-Za-z0-9_-]+(:(read|write|read_write))?$|^network:https?://(\*\.)?[^/?#@\s]+$|^commands:[A-Za-z0-9._-]+$";

impl JsonSchema for Allowed {
    fn schema_name() -> Cow<'static, str> {
        "Allowed".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let names = Capability::ALL.map(Capability::name);
        json_schema!({ "anyOf": [{ "enum": names }, { "type": "string", "pattern": HOST }] })
    }
}

impl JsonSchema for Asked {
    fn schema_name() -> Cow<'static, str> {
        "Permission".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let names = Capability::ALL.map(Capability::name);
        json_schema!({ "anyOf": [
            { "enum": names },
            { "type": "string", "pattern": HOST },
            { "type": "string", "pattern": GRANTS }
        ] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lose_their_targets_and_other_brackets_stay() {
        let text = "Default [`Full`](Self::Full), [`x`], allow = [\"timers\"], [b](c)";
        assert_eq!(plain(text), "Default `Full`, `x`, allow = [\"timers\"], b");
        assert_eq!(plain("[a](b"), "[a](b");
    }
}
