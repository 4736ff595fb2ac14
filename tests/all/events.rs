//! Events between a plugin and its host.

use std::time::Duration;

use plugin_sandbox::{PluginError, PluginIsolate, PluginWorker, WorkerEvent};
use serde_json::json;

use crate::support::{Lines, assert_alive, patient_limits, plugin, thrown};

#[test]
fn what_a_plugin_emits_is_read_in_order_by_who_comes_late_too() {
    let worker = plugin("plugin.emit('start')");
    worker.blocking_execute("plugin.emit('step', { n: 1 })").unwrap();
    let mut events = worker.plugin_events();
    let read: Vec<_> = std::iter::from_fn(|| events.try_next()).collect();
    let told: Vec<_> = read.iter().map(|event| (event.name.as_str(), &event.payload)).collect();
    assert_eq!(told, [("start", &json!(null)), ("step", &json!({ "n": 1 }))]);
    worker.shutdown();
    assert_eq!(pollster::block_on(events.next()), None);
}

#[test]
fn who_waits_is_woken_by_the_next_event() {
    let worker = plugin("");
    let mut events = worker.plugin_events();
    let reader = std::thread::spawn(move || pollster::block_on(events.next()));
    worker.blocking_execute("plugin.emit('now', [1])").unwrap();
    assert_eq!(reader.join().unwrap().unwrap().payload, json!([1]));
}

#[test]
fn a_flood_of_events_is_dropped_and_the_plugin_is_told() {
    let mut limits = patient_limits();
    limits.events = 3;
    let worker = PluginWorker::builder("test").limits(limits).build().unwrap();
    let code = "Array.from({ length: 5 }, (_, i) => plugin.emit('x', i))";
    assert_eq!(worker.blocking_execute(code), Ok(json!([true, true, true, false, false])));
    assert_eq!(worker.stats().events_dropped, 2);
    assert!(worker.plugin_events().try_next().is_some());
    assert_eq!(worker.blocking_execute("plugin.emit('x')"), Ok(true.into()));
}

#[test]
fn fat_events_are_limited_by_their_bytes() {
    let worker = plugin("");
    let code = "let n = 0; while (plugin.emit('x', 'x'.repeat(2 ** 20))) n++; n";
    assert_eq!(worker.blocking_execute(code), Ok(7.into()));
    assert_eq!(thrown(&worker, "plugin.emit('x', 'x'.repeat(2 ** 24))").name, "RangeError");
    assert_eq!(thrown(&worker, "plugin.emit('x'.repeat(2000))").name, "RangeError");
    assert_eq!(thrown(&worker, "plugin.emit({}, 1)").name, "TypeError");
    assert_eq!(thrown(&worker, "plugin.emit('x', () => 1)").name, "TypeError");
}

#[test]
fn listeners_are_called_in_order_and_can_leave() {
    let worker = plugin(
        "globalThis.seen = []; const a = x => seen.push(['a', x]), b = x => seen.push(['b', x]);
         plugin.listen('e', a); plugin.listen('e', b); plugin.listen('e', a)",
    );
    worker.emit("e", 1.into()).unwrap();
    worker.emit("nobody", 1.into()).unwrap();
    let code = "[seen.splice(0), plugin.unlisten('e', a), plugin.unlisten('e', a), plugin.unlisten('x', a)]";
    let answer = worker.blocking_execute(code);
    assert_eq!(answer, Ok(json!([[["a", 1], ["b", 1]], true, false, false])));
    worker.emit("e", 2.into()).unwrap();
    assert_eq!(worker.blocking_execute("seen"), Ok(json!([["b", 2]])));
}

#[test]
fn a_listener_that_throws_is_told_of_and_the_others_are_called() {
    let lines = Lines::default();
    let code = "globalThis.called = 0; plugin.listen('e', () => { throw new Error('first') });
        plugin.listen('e', () => { called++ })";
    let builder = PluginWorker::builder("test").limits(patient_limits()).console(lines.sink());
    let worker = builder.script("main.js", code).build().unwrap();
    let mut events = worker.subscribe();
    worker.emit("e", json!(null)).unwrap();
    assert_eq!(worker.blocking_execute("called"), Ok(1.into()));
    let failed = pollster::block_on(events.next()).unwrap();
    assert!(
        matches!(&failed, WorkerEvent::Failed(PluginError::JavaScript(e)) if e.message == "first")
    );
    assert!(lines.texts()[0].starts_with("Uncaught in a listener of \"e\": Error: first"));
}

#[test]
fn a_listener_that_listens_or_leaves_while_it_is_called_changes_the_next_time_only() {
    let mut plugin = PluginIsolate::builder("test").limits(patient_limits()).build().unwrap();
    let code = "let n = 0; plugin.listen('e', function f() { n++; plugin.unlisten('e', f);
        plugin.listen('e', () => { n += 10 }) }); 0";
    plugin.execute(code).unwrap();
    assert_eq!(plugin.emit("e", json!(null)), Ok(1));
    assert_eq!(plugin.execute("n"), Ok(1.into()));
    assert_eq!(plugin.emit("e", json!(null)), Ok(1));
    assert_eq!(plugin.execute("n"), Ok(11.into()));
}

#[test]
fn a_flood_of_listeners_is_refused() {
    let worker = plugin("");
    let code = "let n = 0; try { for (;;) { plugin.listen('e' + n % 7, () => 1); n++ } } catch (e) { [n, e.name] }";
    assert_eq!(worker.blocking_execute(code), Ok(json!([10_000, "RangeError"])));
    assert_eq!(thrown(&worker, "plugin.listen('e', 1)").name, "TypeError");
}

#[test]
fn a_call_that_is_being_stopped_tells_nothing_more() {
    let mut limits = patient_limits();
    limits.wall_time = Duration::from_millis(50);
    limits.events = 1_000_000;
    let mut plugin = PluginIsolate::builder("test").limits(limits).build().unwrap();
    let code = "const end = Date.now() + 40; while (Date.now() < end);
        for (;;) { try { plugin.emit('x', { get x() { for (;;); } }) } catch {} }";
    assert!(matches!(plugin.execute(code), Err(PluginError::Timeout { .. })));
    assert_eq!(plugin.plugin_events().try_next(), None);
    drop(plugin);
}

#[test]
fn events_outlive_the_isolate_that_told_of_them() {
    let worker = plugin("plugin.emit('started')");
    let flood = worker.blocking_execute("plugin.emit('flood'); let a = []; for (;;) a.push({})");
    assert!(matches!(flood, Err(PluginError::MemoryLimitExceeded { .. })));
    assert_alive(&worker);
    let mut events = worker.plugin_events();
    let names: Vec<_> = std::iter::from_fn(|| events.try_next()).map(|event| event.name).collect();
    assert_eq!(names, ["started", "flood", "started"]);
}
