//! Grants that are made less while the plugin runs.

use plugin_sandbox::{
    Capability, Clock, HostCall, HostFunctions, PluginCapabilities, PluginError, PluginWorker,
};
use serde_json::json;

use crate::support::{patient_limits, thrown};

fn worker() -> PluginWorker {
    let host = HostFunctions::new()
        .function("editor.get", |_: &HostCall, ()| Ok("text"))
        .function("editor.set", |_: &HostCall, ()| Ok(()));
    let granted = PluginCapabilities::default().grant(Capability::Timers).host("editor.*");
    PluginWorker::builder("test")
        .limits(patient_limits())
        .host_functions(host)
        .capabilities(granted.unwrap())
        .script("main.js", "let state = 1; const kept = editor.set")
        .build()
        .unwrap()
}

#[test]
fn a_host_function_is_gone_at_the_next_call_and_the_state_is_not() {
    let worker = worker();
    worker.blocking_execute("state = 2").unwrap();
    let mut less = worker.capabilities();
    less.host = vec!["editor.get".parse().unwrap()];
    worker.narrow(less).unwrap();
    let code = "[state, editor.get(), typeof editor.set]";
    assert_eq!(worker.blocking_execute(code), Ok(json!([2, "text", "undefined"])));
}

#[test]
fn a_function_that_the_plugin_has_kept_refuses() {
    let worker = worker();
    worker.blocking_execute("Object.freeze(editor); 0").unwrap();
    let mut less = worker.capabilities();
    less.host.clear();
    worker.narrow(less).unwrap();
    for code in ["kept()", "editor.get()"] {
        let error = thrown(&worker, code);
        assert!(error.message.contains("not granted any more"), "{error}");
    }
    assert_eq!(
        worker.blocking_execute("try { kept() } catch (e) { e.code }"),
        Ok("E_REFUSED".into())
    );
}

#[test]
fn a_part_of_the_realm_is_taken_with_the_realm() {
    let worker = worker();
    worker.blocking_execute("state = 2; globalThis.mine = setTimeout; 0").unwrap();
    worker.narrow(worker.capabilities().revoke(Capability::Timers)).unwrap();
    let code = "[state, typeof setTimeout, typeof mine, editor.get()]";
    assert_eq!(worker.blocking_execute(code), Ok(json!([1, "undefined", "undefined", "text"])));
    assert_eq!(worker.stats().rebuilds, 0, "it is no fault");
}

#[test]
fn more_or_other_is_refused_and_nothing_changes() {
    let worker = worker();
    let granted = worker.capabilities();
    for other in [
        granted.clone().grant(Capability::Wasm),
        granted.clone().host("ui.*").unwrap(),
        granted.clone().clock(Clock::Full),
    ] {
        assert!(matches!(worker.narrow(other), Err(PluginError::InvalidArgument(_))));
    }
    assert_eq!(worker.capabilities(), granted);
    worker.narrow(granted.revoke(Capability::Timers)).unwrap();
    let back = worker.capabilities().grant(Capability::Timers);
    assert!(worker.narrow(back).is_err(), "what was taken is not given back");
}

#[test]
fn what_was_taken_stays_away_after_a_fault() {
    let worker = worker();
    let mut less = worker.capabilities();
    less.host = vec!["editor.get".parse().unwrap()];
    worker.narrow(less).unwrap();
    let _ = worker.blocking_execute("let a = []; for (;;) a.push({})");
    assert_eq!(worker.blocking_execute("typeof editor.set"), Ok("undefined".into()));
}

#[test]
fn one_plugins_loss_is_not_anothers() {
    let builder = PluginWorker::builder("test")
        .capabilities(PluginCapabilities::default().grant(Capability::Timers));
    let (one, other) = (builder.clone().build().unwrap(), builder.build().unwrap());
    one.narrow(PluginCapabilities::none()).unwrap();
    assert_eq!(one.blocking_execute("typeof setTimeout"), Ok("undefined".into()));
    assert_eq!(other.blocking_execute("typeof setTimeout"), Ok("function".into()));
}
