//! Node's `worker_threads` and `vm`, for orientation: another program, another V8.

use std::process::Command;

use crate::figures::Figures;
use crate::payload::{SCRIPT, payloads};

const PROGRAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/peers/node.mjs");

/// `None` if there is no `node`, or it fails.
pub(crate) fn run(shape: &str, measure: &str) -> Option<Figures> {
    let payloads: serde_json::Map<_, _> =
        payloads().into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let payloads = serde_json::Value::Object(payloads).to_string();
    let output = Command::new("node").args([PROGRAM, shape, measure, SCRIPT, &payloads]).output();
    let output = output.ok().filter(|output| output.status.success())?;
    serde_json::from_slice(&output.stdout).ok()
}

/// `v22.1.0`, say.
pub(crate) fn version() -> Option<String> {
    let output = Command::new("node").arg("--version").output().ok()?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}
