//! JSON schemas as TypeScript types.

use schemars::Schema;
use serde_json::{Map, Value};

use super::Declared;
use super::type_name::list_of;

/// A type as TypeScript.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Written {
    /// Of which there is one value: null.
    Nothing,
    /// A list of types, of a known length.
    Tuple(Vec<String>),
    /// Any other.
    Type(String),
}

impl Written {
    pub(super) fn one(name: &str) -> Self {
        Self::Type(name.to_owned())
    }

    pub(super) fn into_type(self) -> String {
        match self {
            Self::Nothing => "null".to_owned(),
            Self::Tuple(types) => format!("[{}]", types.join(", ")),
            Self::Type(name) => name,
        }
    }
}

/// How deep a schema is looked into; a deeper part is `unknown`.
const MAX_DEPTH: usize = 32;

/// The type that a schema describes. What it defines is added to `declared`.
pub(super) fn write(schema: &Schema, declared: &mut Declared) -> Written {
    let value = schema.as_value();
    if let Some(definitions) = value.get("$defs").and_then(Value::as_object) {
        for (name, definition) in definitions {
            let name = identifier(name);
            let written = type_of(definition, MAX_DEPTH).into_type();
            declared.insert(name, written);
        }
    }
    // A type with a name and members is worth its name.
    let title = value.get("title").and_then(Value::as_str);
    match (title, type_of(value, MAX_DEPTH)) {
        (Some(title), Written::Type(text)) if text.starts_with('{') => {
            let name = identifier(title);
            declared.insert(name.clone(), text);
            Written::Type(name)
        }
        (_, written) => written,
    }
}

fn type_of(schema: &Value, depth: usize) -> Written {
    let Value::Object(schema) = schema else {
        return Written::one(if *schema == Value::Bool(false) { "never" } else { "any" });
    };
    let Some(depth) = depth.checked_sub(1) else { return Written::one("unknown") };
    if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        return Written::Type(identifier(reference.rsplit('/').next().unwrap_or(reference)));
    }
    if let Some(constant) = schema.get("const") {
        return Written::Type(constant.to_string());
    }
    if let Some(values) = schema.get("enum").and_then(Value::as_array) {
        return Written::Type(union(values.iter().map(Value::to_string)));
    }
    for key in ["anyOf", "oneOf"] {
        if let Some(choices) = schema.get(key).and_then(Value::as_array) {
            return Written::Type(union(choices.iter().map(|one| type_of(one, depth).into_type())));
        }
    }
    if let Some(parts) = schema.get("allOf").and_then(Value::as_array) {
        let parts: Vec<_> = parts.iter().map(|one| type_of(one, depth).into_type()).collect();
        return Written::Type(parts.join(" & "));
    }
    match schema.get("type") {
        Some(Value::String(name)) => named(name, schema, depth),
        Some(Value::Array(names)) => {
            let names = names.iter().filter_map(Value::as_str);
            Written::Type(union(names.map(|name| named(name, schema, depth).into_type())))
        }
        _ => Written::one("any"),
    }
}

fn named(name: &str, schema: &Map<String, Value>, depth: usize) -> Written {
    match name {
        "null" => Written::Nothing,
        "boolean" => Written::one("boolean"),
        "integer" | "number" => Written::one("number"),
        "string" => Written::one("string"),
        "array" => array(schema, depth),
        "object" => Written::Type(object(schema, depth)),
        _ => Written::one("unknown"),
    }
}

fn array(schema: &Map<String, Value>, depth: usize) -> Written {
    if schema.get("format").and_then(Value::as_str) == Some(BYTES) {
        return Written::one("Uint8Array");
    }
    if let Some(items) = schema.get("prefixItems").and_then(Value::as_array) {
        return Written::Tuple(items.iter().map(|one| type_of(one, depth).into_type()).collect());
    }
    let item = schema.get("items").map(|one| type_of(one, depth).into_type());
    Written::Type(list_of(item.as_deref().unwrap_or("any")))
}

/// The format of an array of numbers that travels as bytes.
pub(in crate::host) const BYTES: &str = "bytes";

fn object(schema: &Map<String, Value>, depth: usize) -> String {
    let required: Vec<_> = schema
        .get("required")
        .and_then(Value::as_array)
        .map(|names| names.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default();
    let properties = schema.get("properties").and_then(Value::as_object);
    let Some(properties) = properties.filter(|properties| !properties.is_empty()) else {
        let other = schema.get("additionalProperties");
        let value = other.map_or_else(|| "any".to_owned(), |one| type_of(one, depth).into_type());
        return format!("Record<string, {value}>");
    };
    let members: Vec<_> = properties
        .iter()
        .map(|(name, one)| {
            let optional = if required.contains(&name.as_str()) { "" } else { "?" };
            let written = type_of(one, depth).into_type();
            let key = match identifier(name) == *name {
                true => name.clone(),
                false => Value::from(name.as_str()).to_string(),
            };
            format!("{key}{optional}: {written}")
        })
        .collect();
    format!("{{ {} }}", members.join("; "))
}

fn union(types: impl Iterator<Item = String>) -> String {
    let mut distinct: Vec<String> = Vec::new();
    for one in types {
        if !distinct.contains(&one) {
            distinct.push(one);
        }
    }
    // Null last, as people write it.
    distinct.sort_by_key(|one| one == "null");
    distinct.join(" | ")
}

/// A name that TypeScript takes.
fn identifier(name: &str) -> String {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '$');
    let name: String = name.chars().map(|c| if allowed(c) { c } else { '_' }).collect();
    if name.starts_with(|c: char| c.is_ascii_digit()) || name.is_empty() {
        format!("_{name}")
    } else {
        name
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use schemars::{JsonSchema, schema_for};

    use super::*;

    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Query {
        text: String,
        limit: Option<u32>,
        kind: Kind,
        #[serde(rename = "sort-by")]
        sort_by: Vec<(String, bool)>,
        more: BTreeMap<String, f64>,
    }

    #[derive(JsonSchema)]
    #[serde(rename_all = "snake_case")]
    #[expect(dead_code, reason = "only its schema is looked at")]
    enum Kind {
        Plain,
        Range { from: i32, to: i32 },
    }

    #[test]
    fn structs_and_enums_are_declared_by_their_names() {
        let mut declared = Declared::new();
        assert_eq!(write(&schema_for!(Query), &mut declared), Written::one("Query"));
        let query = "{ text: string; limit?: number | null; kind: Kind; \
                     \"sort-by\": [string, boolean][]; more: Record<string, number> }";
        assert_eq!(declared["Query"], query);
        assert_eq!(declared["Kind"], "\"plain\" | { range: { from: number; to: number } }");
    }

    #[test]
    fn tuples_and_nothing_are_lists_of_parameters() {
        let mut declared = Declared::new();
        assert_eq!(write(&schema_for!(()), &mut declared), Written::Nothing);
        let tuple = write(&schema_for!((String, Option<bool>)), &mut declared);
        assert_eq!(tuple, Written::Tuple(vec!["string".into(), "boolean | null".into()]));
    }
}
