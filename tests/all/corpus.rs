//! The corpus of hostile snippets, each under the default and the strict limits, in a process of
//! its own: the outcome is one that it may have, and the plugin and a neighbour still answer.
//!
//! `tests/corpus/hostile.json` has a snippet's code (the body of an async function, to which
//! `host.echo` and `host.log` were granted) and the outcome it must have.

use std::fmt;
use std::time::Duration;

use plugin_sandbox::{
    Capability, HostCall, HostFunctions, Limit, PluginCapabilities, PluginError, PluginWorker,
    ResourceLimits, Value, WorkerResponse,
};
use serde_json::json;

use crate::support::{alone, eventually};

#[derive(Debug, serde::Deserialize)]
struct Snippet {
    id: String,
    code: String,
    expect: Outcome,
    group: String,
}

#[derive(Debug, Clone, Copy, PartialEq, serde::Deserialize)]
enum Outcome {
    Terminated,
    MemoryLimit,
    JsException,
    Refused,
    Harmless,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// Other outcomes that the corpus's own notes allow: which of them it is depends on what is
/// reached first.
const ALSO: &[(&str, Outcome)] = &[
    // A buffer is refused, or V8's own count of external memory is.
    ("h035", Outcome::MemoryLimit),
    // The pattern's length is capped.
    ("h111", Outcome::JsException),
    // Multiplication polls, or the number grows beyond V8's largest.
    ("h113", Outcome::JsException),
    ("h114", Outcome::MemoryLimit),
    // The walk is stopped before it has counted up to the limit of the result.
    ("h063", Outcome::Terminated),
];

fn snippets() -> Vec<Snippet> {
    serde_json::from_str(include_str!("../corpus/hostile.json")).unwrap()
}

fn outcome(answer: &WorkerResponse) -> Outcome {
    match answer {
        Ok(_) => Outcome::Harmless,
        Err(PluginError::Timeout { .. } | PluginError::CpuTimeExceeded { .. }) => {
            Outcome::Terminated
        }
        Err(PluginError::MemoryLimitExceeded { .. }) => Outcome::MemoryLimit,
        // What is refused is absent, or throws on being used.
        Err(PluginError::JavaScript(error))
            if ["EvalError", "ReferenceError"].contains(&error.name.as_str()) =>
        {
            Outcome::Refused
        }
        Err(
            PluginError::JavaScript(_)
            | PluginError::NotSerializable { .. }
            | PluginError::TooLarge { .. },
        ) => Outcome::JsException,
        Err(other) => panic!("an answer that no snippet may have: {other}"),
    }
}

fn attacked(limits: ResourceLimits) -> PluginWorker {
    let host = HostFunctions::new()
        .function("host.echo", |_: &HostCall, value: Value| Ok(value))
        .function("host.write", |_: &HostCall, _: Vec<Value>| Ok(()));
    // As a host would offer it: what cannot be logged is not logged, and the plugin goes on.
    let log = "host.log = (...all) => { try { host.write(all) } catch {} }";
    PluginWorker::builder("attacked")
        .limits(limits)
        .capabilities(PluginCapabilities::default().grant(Capability::Timers).host("*").unwrap())
        .host_functions(host)
        .script("log.js", log)
        .script("ping.js", "plugin.on('ping', ({ x }) => ({ x: [x] }))")
        .build()
        .unwrap()
}

fn assert_answers(worker: &PluginWorker, who: &str) {
    let answer = worker.blocking_call_hook("ping", json!({ "x": 1 }));
    assert_eq!(answer, Ok(json!({ "x": [1] })), "{who}");
    assert_eq!(worker.blocking_execute("6 * 7"), Ok(42.into()), "{who}");
}

fn attack(id: &str, mut limits: ResourceLimits) {
    let snippet = snippets().into_iter().find(|snippet| snippet.id == id).unwrap();
    if snippet.expect == Outcome::MemoryLimit {
        // A heap is to be filled however busy the machine is.
        limits.wall_time = Duration::from_secs(60);
        limits.cpu_time = Limit::Off;
    }
    let (worker, neighbour) = (attacked(limits), attacked(ResourceLimits::default()));
    assert_answers(&neighbour, "the neighbour before");
    let answer = worker.blocking_execute(format!("(async () => {{ {} }})()", snippet.code));
    if snippet.group == "timers" && snippet.expect == Outcome::Terminated {
        // The call itself has ended when the timer's callback is stopped.
        let stopped = || {
            let stopped = worker.stats().terminations;
            stopped.timeout + stopped.cpu_time > 0
        };
        assert!(eventually(stopped), "{id}: the callback was not stopped");
    } else {
        let outcome = outcome(&answer);
        let expected = outcome == snippet.expect || ALSO.contains(&(id, outcome));
        assert!(expected, "{id}: {outcome}, not {}: {answer:?}", snippet.expect);
    }
    assert_answers(&neighbour, "the neighbour");
    assert_answers(&worker, "the plugin itself");
    assert_eq!(plugin_sandbox::process_stats().quarantined_total, 0, "{id} cost a thread");
}

/// Two tests a snippet.
macro_rules! corpus {
    ($($id:ident)*) => {
        const TESTED: &[&str] = &[$(stringify!($id)),*];
        mod default_limits {
            use super::*;
            $(#[test]
            fn $id() {
                let name = concat!("corpus::default_limits::", stringify!($id));
                alone(name, || attack(stringify!($id), ResourceLimits::default()));
            })*
        }
        mod strict_limits {
            use super::*;
            $(#[test]
            fn $id() {
                let name = concat!("corpus::strict_limits::", stringify!($id));
                alone(name, || attack(stringify!($id), ResourceLimits::strict()));
            })*
        }
    };
}

corpus! {
    h001 h002 h003 h005 h006 h007 h009 h010 h011 h014 h016 h017 h018 h019 h022 h023 h024 h025
    h027 h029 h030 h034 h035 h036 h037 h038 h042 h043 h044 h045 h047 h048 h050 h051 h054 h055
    h056 h058 h062 h063 h064 h065 h066 h067 h068 h070 h071 h072 h075 h077 h080 h081 h082 h083
    h085 h086 h087 h089 h090 h092 h093 h094 h098 h099 h100 h103 h104 h105 h106 h107 h108 h111
    h112 h113 h114 h117 h118 h119 h121 h122 h123 h124 h125 h130
}

#[test]
fn every_snippet_has_its_tests() {
    let ids: Vec<_> = snippets().into_iter().map(|snippet| snippet.id).collect();
    assert_eq!(ids, TESTED);
}
