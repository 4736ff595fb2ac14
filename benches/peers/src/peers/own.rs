//! This crate: with a thread, and without.

use plugin_sandbox::{
    PluginBuilder, PluginError, PluginIsolate, PluginWorker, ResourceLimits, WorkerResponse,
};
use serde_json::Value;

use crate::measure::{DEADLINE, Peer};
use crate::payload::SCRIPT;

/// As an embedder has it who sets nothing.
fn with_script<T>(builder: PluginBuilder<T>) -> PluginBuilder<T> {
    builder.script("peer.js", SCRIPT)
}

/// The same but for time: `spin` is measured by it.
fn under_deadline<T>(builder: PluginBuilder<T>) -> PluginBuilder<T> {
    let mut limits = ResourceLimits::default();
    limits.wall_time = DEADLINE;
    with_script(builder).limits(limits)
}

fn was_stopped(answer: &WorkerResponse) -> bool {
    matches!(answer, Err(PluginError::Timeout { .. }))
}

impl Peer for PluginWorker {
    fn start() -> Self {
        with_script(Self::builder("peer")).build().expect("it builds")
    }

    fn start_under_deadline() -> Self {
        under_deadline(Self::builder("peer")).build().expect("it builds")
    }

    fn call(&mut self, argument: Value) -> Value {
        self.blocking_call_hook("echo", argument).expect("it answers")
    }

    fn call_together(&mut self, argument: &Value, count: usize) -> bool {
        let calls: Vec<_> = (0..count).map(|_| self.call_hook("echo", argument.clone())).collect();
        for call in calls {
            call.wait().expect("it answers");
        }
        true
    }

    fn spin(&mut self) -> bool {
        was_stopped(&self.blocking_call_hook("spin", Value::Null))
    }
}

impl Peer for PluginIsolate {
    fn start() -> Self {
        with_script(Self::builder("peer")).build().expect("it builds")
    }

    fn start_under_deadline() -> Self {
        under_deadline(Self::builder("peer")).build().expect("it builds")
    }

    fn call(&mut self, argument: Value) -> Value {
        self.call_hook("echo", argument).expect("it answers")
    }

    fn spin(&mut self) -> bool {
        was_stopped(&self.call_hook("spin", Value::Null))
    }
}
