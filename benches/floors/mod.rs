//! What nothing can cost less than: bare V8, and a bare hop between threads. Beside it the work
//! that all are given.
#![allow(dead_code, reason = "each bench takes what it needs")]

pub(crate) mod bare_thread;
pub(crate) mod bare_v8;
pub(crate) mod cores;

use plugin_sandbox::{PluginIsolate, PluginWorker, ResourceLimits, Value};
use serde_json::json;

/// The hook that is called: what it costs is what the call costs.
pub(crate) const ECHO: &str = "plugin.on('echo', x => x)";

/// Calls that are under way together, or in one batch.
pub(crate) const TOGETHER: usize = 64;

/// A record of 350 bytes as JSON.
pub(crate) fn record() -> Value {
    json!({
        "id": 1234, "name": "A record of ordinary size", "tags": ["one", "two", "three"],
        "price": 12.5, "open": true, "owner": { "name": "Ada", "mail": "ada@example.org" },
        "notes": "Some text that a plugin may look at, neither long nor short, as such texts are."
    })
}

/// A small object.
pub(crate) fn small() -> Value {
    json!({ "id": 1234, "open": true })
}

/// The payloads of calls, with what they are called.
pub(crate) fn payloads() -> [(&'static str, Value); 7] {
    let table = |rows| Value::Array(vec![record(); rows]);
    [
        ("integer", json!(42)),
        ("boolean", json!(true)),
        ("short string", json!("a short string")),
        ("16 B", json!([1, "two"])),
        ("350 B", record()),
        ("10 kB", table(40)),
        ("1 MB", table(4000)),
    ]
}

/// The sandbox on this thread.
pub(crate) fn isolate() -> PluginIsolate {
    PluginIsolate::builder("echo").script("m.js", ECHO).build().unwrap()
}

/// The sandbox on a thread of its own.
pub(crate) fn worker(limits: ResourceLimits) -> PluginWorker {
    PluginWorker::builder("echo").limits(limits).script("m.js", ECHO).build().unwrap()
}
