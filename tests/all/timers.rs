//! `setTimeout` and its kin.

use plugin_sandbox::{
    Capability, PluginCapabilities, PluginIsolate, PluginWorker, ResourceLimits, WorkerEvent,
};
use serde_json::json;
use std::time::Duration;

use crate::support::{Lines, assert_alive, eventually, thrown};

fn timed(limits: ResourceLimits) -> PluginWorker {
    PluginWorker::builder("test")
        .limits(limits)
        .capabilities(PluginCapabilities::none().grant(Capability::Timers))
        .build()
        .unwrap()
}

#[test]
fn timers_are_absent_unless_granted() {
    let worker = crate::support::worker();
    let code = "[typeof setTimeout, typeof setInterval, typeof clearTimeout]";
    assert_eq!(worker.blocking_execute(code), Ok(json!(["undefined", "undefined", "undefined"])));
}

#[test]
fn a_call_that_waits_for_a_timer_is_answered_when_it_fires() {
    let worker = timed(ResourceLimits::default());
    let code = "new Promise(done => setTimeout((a, b) => done([a, b]), 5, 'x', 1))";
    assert_eq!(worker.blocking_execute(code), Ok(json!(["x", 1])));
}

#[test]
fn timers_fire_in_the_order_in_which_they_are_due() {
    let worker = timed(ResourceLimits::default());
    let code = "new Promise(done => { const log = [];
        setTimeout(() => { log.push('late'); done(log) }, 30);
        setTimeout(() => log.push('first'), 2); setTimeout(() => log.push('second'), 2);
        Promise.resolve().then(() => log.push('microtask')) })";
    assert_eq!(worker.blocking_execute(code), Ok(json!(["microtask", "first", "second", "late"])));
}

#[test]
fn timers_fire_between_calls_too_until_they_are_cleared() {
    let worker = timed(ResourceLimits::default());
    let code = "var n = 0; var id = setInterval(() => { if (++n === 3) clearInterval(id) }, 0); 0";
    worker.blocking_execute(code).unwrap();
    assert!(eventually(|| worker.blocking_execute("n") == Ok(3.into())));
    std::thread::sleep(Duration::from_millis(20));
    assert_eq!(worker.blocking_execute("n"), Ok(3.into()));
}

#[test]
fn absurd_delays_are_clamped() {
    let worker = timed(ResourceLimits::default());
    let code = "new Promise(done => { setTimeout(() => {}, 2 ** 31);
        setTimeout(() => {}, Infinity); setTimeout(() => setTimeout(done, -1, 'fired'), NaN) })";
    assert_eq!(worker.blocking_execute(code), Ok("fired".into()));
}

#[test]
fn an_endless_callback_is_stopped_and_told_to_the_host() {
    let mut limits = ResourceLimits::default();
    limits.wall_time = Duration::from_millis(50);
    let worker = timed(limits);
    let mut events = worker.subscribe();
    worker.blocking_execute("setTimeout(() => { for (;;); }, 0)").unwrap();
    let failed = || matches!(events.try_next(), Some(WorkerEvent::Failed(_)));
    let mut failed = failed;
    assert!((0..1000).any(|_| {
        std::thread::sleep(Duration::from_millis(10));
        failed()
    }));
    assert_eq!(worker.stats().terminations.timeout, 1);
    assert_eq!(events.try_next(), None, "told once");
    assert_alive(&worker);
}

#[test]
fn timers_are_limited() {
    let mut limits = ResourceLimits::default();
    limits.timers = 5;
    let worker = timed(limits);
    let code =
        "let n = 0; try { for (;;) { setTimeout(() => {}, 1e6); n++ } } catch (e) { [n, e.name] }";
    assert_eq!(worker.blocking_execute(code), Ok(json!([5, "RangeError"])));
}

#[test]
fn a_flood_of_arguments_for_a_timer_is_a_range_error() {
    let worker = timed(ResourceLimits::default());
    let code = "setTimeout(() => {}, 1, ...Array(1000))";
    assert_eq!(thrown(&worker, code).name, "RangeError");
}

#[test]
fn a_timers_callback_is_a_function() {
    let worker = timed(ResourceLimits::default());
    assert_eq!(thrown(&worker, "setTimeout('1 + 1', 0)").name, "TypeError");
    assert_eq!(
        thrown(&worker, "setTimeout(() => {}, { valueOf() { throw new RangeError } })").name,
        "RangeError"
    );
}

#[test]
fn what_a_callback_throws_is_told_and_stops_nothing() {
    let lines = Lines::default();
    let worker = PluginWorker::builder("test")
        .capabilities(PluginCapabilities::none().grant(Capability::Timers))
        .console(lines.sink())
        .build()
        .unwrap();
    let mut events = worker.subscribe();
    worker.blocking_execute("setTimeout(() => { throw new Error('late') }, 0)").unwrap();
    let mut seen = None;
    assert!((0..1000).any(|_| {
        std::thread::sleep(Duration::from_millis(10));
        seen = events.try_next();
        seen.is_some()
    }));
    let Some(WorkerEvent::Failed(error)) = seen else { panic!("{seen:?}") };
    assert_eq!(error.as_js().unwrap().headline(), "Error: late");
    assert_alive(&worker);
}

#[test]
fn on_the_callers_thread_timers_run_when_they_are_let() {
    let mut plugin = PluginIsolate::builder("test")
        .capabilities(PluginCapabilities::none().grant(Capability::Timers))
        .build()
        .unwrap();
    plugin.execute("var n = 0; setTimeout(() => n++, 1); setTimeout(() => n++, 1); 0").unwrap();
    let due = plugin.next_due().unwrap();
    std::thread::sleep(
        due.saturating_duration_since(std::time::Instant::now()) + Duration::from_millis(5),
    );
    assert_eq!(plugin.execute("n"), Ok(0.into()));
    assert_eq!(plugin.run_due(), Ok(2));
    assert_eq!(plugin.execute("n"), Ok(2.into()));
    assert_eq!(plugin.next_due(), None);
}

#[test]
fn timers_that_are_always_due_do_not_keep_calls_waiting() {
    let mut limits = ResourceLimits::default();
    limits.wall_time = Duration::from_millis(100);
    let worker = timed(limits);
    let code = "for (let i = 0; i < 200; i++) setTimeout(() => { for (;;); }, 0);
        setInterval(() => { for (;;); }, 0); 0";
    worker.blocking_execute(code).unwrap();
    for _ in 0..5 {
        assert_alive(&worker);
    }
    let stopped = worker.stats().terminations.timeout;
    assert!(stopped < 50, "{stopped} callbacks ran before five calls");
}
