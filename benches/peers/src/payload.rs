//! What every peer is given: the same script, the same payloads.

use serde_json::{Value, json};

/// A plugin's two hooks, as plain functions, since that is what all peers can call.
/// A file of its own, as the guest of wasmtime is made from it, too.
pub(crate) const SCRIPT: &str = include_str!("script.js");

/// The payloads by name. The record is 350 bytes of JSON, the table 10 kB and more.
pub(crate) fn payloads() -> [(&'static str, Value); 3] {
    let record = json!({
        "id": 1234, "name": "A record of ordinary size", "tags": ["one", "two", "three"],
        "price": 12.5, "open": true, "owner": { "name": "Ada", "mail": "ada@example.org" },
        "notes": "Some text that a plugin may look at, neither long nor short, as such texts are."
    });
    let table = Value::Array(vec![record.clone(); 40]);
    [("integer", json!(42)), ("object", record), ("table", table)]
}
