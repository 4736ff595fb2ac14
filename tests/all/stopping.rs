//! Calls that do not end by themselves, and heaps that run full.

use std::sync::mpsc;
use std::time::Duration;

use plugin_sandbox::{
    ByteSize, Capability, Hardening, PluginCapabilities, PluginError, PluginIsolate, PluginWorker,
    ResourceLimits,
};

use crate::support::{
    alone, assert_alive, eventually, hasty_worker, patient_limits, plugin, worker,
};

/// `code` is stopped at its deadline, and the plugin lives on with its state.
fn is_stopped(code: &str) {
    let worker = hasty_worker();
    worker.blocking_execute("var state = 'kept'").unwrap();
    let limit = Duration::from_millis(100);
    assert_eq!(worker.blocking_execute(code), Err(PluginError::Timeout { limit }), "{code}");
    assert_eq!(worker.blocking_execute("state"), Ok("kept".into()), "{code}");
}

#[test]
fn endless_loops_are_stopped() {
    is_stopped("for (;;);");
    is_stopped("while (true) { try { for (;;); } catch {} finally { continue } }");
    is_stopped("try { for (;;); } finally { for (;;); }");
    is_stopped("(function f() { try { f() } finally { f() } })()");
    is_stopped("/(a*)*b/.test('a'.repeat(60))");
}

#[test]
fn a_loop_that_turbofan_unrolls_is_stopped() {
    // The deadline must lie after the optimised code is entered.
    let mut limits = ResourceLimits::default();
    limits.wall_time = Duration::from_millis(1500);
    let worker = PluginWorker::builder("test").limits(limits).build().unwrap();
    for code in
        ["for (;;) { new Array(1000).fill(0) }", "for (;;) { Array(700).fill().map(x => x) }"]
    {
        let answer = worker.blocking_execute(code);
        assert!(matches!(answer, Err(PluginError::Timeout { .. })), "{code}: {answer:?}");
        assert_alive(&worker);
    }
}

#[test]
fn endless_microtasks_are_stopped() {
    is_stopped("const p = Promise.resolve(); (function f() { p.then(f) })()");
    is_stopped("(async () => { for (;;) await 0 })()");
}

#[test]
fn a_promise_that_never_settles_is_given_up_at_the_deadline() {
    is_stopped("new Promise(() => {})");
    is_stopped("(async () => { await new Promise(() => {}) })()");
}

#[test]
fn a_start_up_script_that_never_ends_fails_the_start() {
    let mut limits = ResourceLimits::default();
    limits.wall_time = Duration::from_millis(100);
    let limit = limits.wall_time;
    let built = PluginWorker::builder("test").limits(limits).script("m.js", "for (;;);").build();
    assert_eq!(built.unwrap_err(), PluginError::Timeout { limit });
}

/// `code` runs the heap full, and the plugin starts again with its scripts.
fn fills_the_heap(code: &str) {
    let worker = plugin("var started = true");
    worker.blocking_execute("var state = 'lost with the heap'").unwrap();
    let neighbour = worker_with_state();
    let limit = ResourceLimits::default().heap.as_u64() as usize;
    match worker.blocking_execute(code) {
        Err(PluginError::MemoryLimitExceeded { limit: at, .. }) => assert_eq!(at, limit, "{code}"),
        other => panic!("{code} answered {other:?}"),
    }
    assert_eq!(
        worker.blocking_execute("[started, typeof state]"),
        Ok(serde_json::json!([true, "undefined"]))
    );
    assert_eq!(worker.stats().rebuilds, 1);
    assert_eq!(neighbour.blocking_execute("state"), Ok("kept".into()));
}

fn worker_with_state() -> PluginWorker {
    plugin("var state = 'kept'")
}

#[test]
fn heap_floods_are_stopped_and_the_plugin_starts_again() {
    fills_the_heap("let a = []; for (;;) a.push({})");
    fills_the_heap("let l = {}; for (;;) l = { l, a: [1, 2, 3] }");
    fills_the_heap("let m = new Map; for (let i = 0; ; i++) m.set(i, { i })");
    fills_the_heap("let a = [1]; for (;;) a = [...a, ...a]");
    fills_the_heap("let s = 'x'; let a = []; for (let i = 0; ; i++) a.push((s + i).repeat(1000))");
}

#[test]
fn a_heap_flood_in_a_promise_job_is_stopped() {
    fills_the_heap("Promise.resolve().then(() => { let a = []; for (;;) a.push({}) })");
}

#[test]
fn garbage_is_not_use() {
    let worker = worker();
    let code = "for (let i = 0; i < 200; i++) new Array(100_000).fill(i); 'done'";
    assert_eq!(worker.blocking_execute(code), Ok("done".into()));
    assert_eq!(worker.stats().rebuilds, 0);
}

#[test]
fn garbage_of_a_stopped_call_is_not_use() {
    let mut limits = ResourceLimits::default();
    limits.wall_time = Duration::from_millis(30);
    limits.heap = ByteSize::mib(24);
    let worker = PluginWorker::builder("test").limits(limits).build().unwrap();
    let mut stopped = 0;
    for _ in 0..60 {
        // Fills the heap for as long as it may, mostly not to the brim.
        let flood =
            worker.blocking_execute("(() => { let all = []; for (;;) all.push({ all }) })()");
        stopped += usize::from(matches!(flood, Err(PluginError::Timeout { .. })));
        let code = "let sum = 0; for (let i = 0; i < 2e4; i++) sum += [i, { i }].length; sum";
        let answer = worker.blocking_execute(format!("{{ {code} }}"));
        let in_time = !matches!(answer, Err(PluginError::MemoryLimitExceeded { .. }));
        assert!(in_time, "the garbage of the call before was counted: {answer:?}");
    }
    assert!(stopped > 0);
}

#[test]
fn a_refused_buffer_is_a_range_error_that_the_plugin_can_catch() {
    let worker = worker();
    let code = "let kept = []; let error;
        try { for (;;) kept.push(new Uint8Array(2 ** 24).fill(1)) } catch (e) { error = e.name }
        const held = kept.length; kept = null; [error, held]";
    assert_eq!(worker.blocking_execute(code), Ok(serde_json::json!(["RangeError", 4])));
    let code = "for (let i = 0; i < 50; i++) new Uint8Array(2 ** 25); 'garbage is collected first'";
    assert_eq!(worker.blocking_execute(code), Ok("garbage is collected first".into()));
    assert_eq!(worker.stats().rebuilds, 0, "a refused buffer costs nobody an isolate");
}

#[test]
fn refused_buffers_do_not_lift_the_heap_limit() {
    let worker = worker();
    let code = "const refused = () => { try { new Uint8Array(2 ** 30) } catch {} };
        refused(); let a = []; for (let i = 0; ; i++) { a.push({}); if (i % 100000 === 0) refused() }";
    let answer = worker.blocking_execute(code);
    assert!(matches!(answer, Err(PluginError::MemoryLimitExceeded { .. })), "{answer:?}");
    assert_alive(&worker);
}

#[test]
fn a_running_call_can_be_cancelled() {
    let (in_loop, entered) = mpsc::channel();
    let sink = move |_: &plugin_sandbox::ConsoleMessage| in_loop.send(()).unwrap();
    let worker = PluginWorker::builder("test").console(sink).build().unwrap();
    let call = worker.execute("console.log('in the loop'); for (;;);");
    entered.recv().unwrap();
    call.cancel();
    assert_eq!(call.wait(), Err(PluginError::Cancelled));
    let call = worker.execute("console.log('in the loop'); for (;;);");
    entered.recv().unwrap();
    worker.cancel();
    assert_eq!(call.wait(), Err(PluginError::Cancelled));
    assert_alive(&worker);
}

#[test]
fn a_call_that_waits_for_a_promise_can_be_cancelled() {
    let worker = worker();
    let call = worker.execute("console.log('waiting'); new Promise(() => {})");
    let waits = worker.execute("'next'");
    assert!(eventually(|| worker.stats().queue_length == 1));
    call.cancel();
    assert_eq!(call.wait(), Err(PluginError::Cancelled));
    assert_eq!(waits.wait(), Ok("next".into()));
}

#[test]
fn a_queued_call_that_is_dropped_or_cancelled_never_runs() {
    let worker = worker();
    let running = worker.execute("new Promise(() => {})");
    assert!(eventually(|| worker.stats().queue_length == 0));
    let dropped = worker.execute("var ran = 'dropped'");
    let cancelled = worker.execute("var ran = 'cancelled'");
    drop(dropped);
    cancelled.cancel();
    assert_eq!(cancelled.wait(), Err(PluginError::Cancelled));
    assert_eq!(worker.stats().queue_length, 0);
    running.cancel();
    assert_eq!(running.wait(), Err(PluginError::Cancelled));
    assert_eq!(worker.blocking_execute("typeof ran"), Ok("undefined".into()));
}

#[test]
fn a_full_queue_is_busy_at_once() {
    let mut limits = ResourceLimits::default();
    limits.queue_length = 2;
    let worker = PluginWorker::builder("test").limits(limits).build().unwrap();
    let running = worker.execute("new Promise(() => {})");
    assert!(eventually(|| worker.stats().queue_length == 0));
    let queued = [worker.execute("1"), worker.execute("2")];
    assert_eq!(worker.execute("3").wait(), Err(PluginError::Busy { limit: 2 }));
    running.cancel();
    assert_eq!(queued.map(|call| call.wait().unwrap()), [1, 2]);
}

#[test]
fn a_call_that_waited_too_long_does_not_run() {
    let mut limits = ResourceLimits::default();
    limits.queue_time = Duration::from_millis(20);
    limits.wall_time = Duration::from_millis(200);
    let worker = PluginWorker::builder("test").limits(limits).build().unwrap();
    let running = worker.execute("for (;;);");
    let late = worker.execute("var ran = true");
    assert!(matches!(running.wait(), Err(PluginError::Timeout { .. })));
    assert!(matches!(late.wait(), Err(PluginError::QueuedTooLong { .. })));
    assert_eq!(worker.blocking_execute("typeof ran"), Ok("undefined".into()));
}

#[test]
fn a_source_beyond_its_limit_does_not_run() {
    let mut limits = ResourceLimits::default();
    limits.source_size = ByteSize::kib(1);
    let worker = PluginWorker::builder("test").limits(limits).build().unwrap();
    let code = format!("var ran = true; '{}'", "x".repeat(1024));
    assert!(matches!(
        worker.blocking_execute(code),
        Err(PluginError::TooLarge { what: "the source", .. })
    ));
    assert_eq!(worker.blocking_execute("typeof ran"), Ok("undefined".into()));
}

#[test]
fn an_isolate_on_the_callers_thread_is_guarded_alike() {
    let mut limits = ResourceLimits::default();
    limits.wall_time = Duration::from_millis(100);
    let mut plugin = PluginIsolate::builder("test").limits(limits).build().unwrap();
    let mut neighbour =
        PluginIsolate::builder("other").script("m.js", "var x = 1").build().unwrap();
    assert!(matches!(plugin.execute("for (;;);"), Err(PluginError::Timeout { .. })));
    assert!(matches!(plugin.execute("new Promise(() => {})"), Err(PluginError::Timeout { .. })));
    let mut plugin = PluginIsolate::builder("test").limits(patient_limits()).build().unwrap();
    let flood = plugin.execute("let a = []; for (;;) a.push(new Array(1000).fill(1))");
    assert!(matches!(flood, Err(PluginError::MemoryLimitExceeded { .. })), "{flood:?}");
    assert_eq!(plugin.execute("6 * 7"), Ok(42.into()));
    assert_eq!(neighbour.execute("x"), Ok(1.into()));
    drop(plugin);
    assert_eq!(neighbour.execute("x"), Ok(1.into()));
}

#[test]
fn memory_of_every_kind_is_counted() {
    let granted =
        PluginCapabilities::none().grant(Capability::SharedMemory).grant(Capability::Wasm);
    for hardening in [Hardening::Full, Hardening::Off] {
        let mut limits = patient_limits();
        limits.hardening = hardening;
        let worker = PluginWorker::builder("test")
            .limits(limits)
            .capabilities(granted.clone())
            .build()
            .unwrap();
        for flood in [
            "new ArrayBuffer(2 ** 22)",
            "new SharedArrayBuffer(2 ** 22)",
            "(() => { const b = new ArrayBuffer(0, { maxByteLength: 2 ** 22 }); b.resize(2 ** 22); return b })()",
            "new WebAssembly.Memory({ initial: 64 }).buffer",
        ] {
            // What is filled is resident; a plugin that stays within its limits is not stopped.
            let code = format!("(() => {{ const all = []; for (let i = 0; i < 1000; i++) {{
                const b = {flood}; new Uint8Array(b).fill(1); all.push(b) }} return 'unlimited' }})()");
            let answer = worker.blocking_execute(code);
            assert!(answer.is_err(), "{hardening:?}, {flood}: {answer:?}");
            assert_alive(&worker);
        }
    }
}

#[test]
fn a_loop_of_slow_steps_is_stopped() {
    alone("stopping::a_loop_of_slow_steps_is_stopped", || {
        let mut limits = ResourceLimits::default();
        limits.wall_time = Duration::from_millis(500);
        // V8's default lets it run on for about ten seconds.
        limits.grace = Duration::from_secs(5);
        let worker = PluginWorker::builder("test").limits(limits).build().unwrap();
        let code = "const a = 'a'.repeat(2 ** 23) + 'b', b = 'a'.repeat(2 ** 23) + 'c';
            a.charCodeAt(0) + b.charCodeAt(0); for (;;) a === b";
        let answer = worker.blocking_execute(format!("(() => {{ {code} }})()"));
        assert!(matches!(answer, Err(PluginError::Timeout { .. })), "{answer:?}");
        assert_eq!(plugin_sandbox::process_stats().quarantined_total, 0);
        assert_alive(&worker);
    });
}

#[test]
fn a_loop_is_stopped_while_its_function_is_compiled() {
    let mut limits = ResourceLimits::default();
    limits.wall_time = Duration::from_millis(10);
    let worker = PluginWorker::builder("test").limits(limits).build().unwrap();
    worker.blocking_execute("plugin.on('loop', () => { for (;;); }); 0").unwrap();
    // V8 compiled the function at about the 40th call, or the 100th.
    for _ in 0..120 {
        let answer = worker.blocking_call_hook("loop", 0.into());
        assert!(matches!(answer, Err(PluginError::Timeout { .. })), "{answer:?}");
        // What else the machine does is not in it. V8 by itself lets one go on for half a second.
        let used = worker.stats().cpu_time_last;
        assert!(used < Duration::from_millis(210), "{used:?}");
    }
    assert_alive(&worker);
}
