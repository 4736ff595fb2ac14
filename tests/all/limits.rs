//! Limits beyond wall time and heap, and what the statistics say of them.

use std::time::Duration;

use plugin_sandbox::{
    ByteSize, Limit, PluginError, PluginIsolate, PluginWorker, ProcessLimits, ResourceLimits,
    RestartPolicy, WorkerEvent, WorkerState, process_stats, set_process_limits,
};
use serde_json::json;

use crate::support::{Lines, alone, assert_alive, eventually, patient_limits};

fn limited(change: impl FnOnce(&mut ResourceLimits)) -> PluginWorker {
    let mut limits = ResourceLimits::default();
    change(&mut limits);
    PluginWorker::builder("test").limits(limits).build().unwrap()
}

#[test]
fn processor_time_is_limited_apart_from_wall_time() {
    let cpu_time = Duration::from_millis(100);
    let worker = limited(|limits| limits.cpu_time = Limit::At(cpu_time));
    let answer = worker.blocking_execute("for (;;);");
    let Err(PluginError::CpuTimeExceeded { used, limit }) = answer else { panic!("{answer:?}") };
    assert!(used >= limit && limit == cpu_time, "{used:?}");
    assert_eq!(worker.stats().terminations.cpu_time, 1);
    assert_alive(&worker);
}

#[test]
fn waiting_uses_no_processor_time() {
    let worker = limited(|limits| {
        limits.cpu_time = Limit::At(Duration::from_millis(50));
        limits.wall_time = Duration::from_millis(300);
    });
    let answer = worker.blocking_execute("new Promise(() => {})");
    assert!(matches!(answer, Err(PluginError::Timeout { .. })), "{answer:?}");
}

#[test]
fn many_short_calls_have_a_budget_each() {
    let worker = limited(|limits| limits.cpu_time = Limit::At(Duration::from_millis(30)));
    let code = "let n = 0; for (let i = 0; i < 1e5; i++) n += i; n";
    for _ in 0..200 {
        worker.blocking_execute(format!("{{ {code} }}")).unwrap();
    }
    assert!(worker.stats().cpu_time_total > Duration::from_millis(30));
}

#[test]
fn calls_a_second_are_limited() {
    let worker = limited(|limits| limits.calls_per_second = Limit::At(5));
    let answers: Vec<_> = (0..8).map(|_| worker.blocking_execute("1")).collect();
    assert!(answers[..5].iter().all(Result::is_ok));
    let Err(PluginError::RateLimited { retry_after }) = answers[7] else { panic!("{answers:?}") };
    std::thread::sleep(retry_after);
    assert_eq!(worker.blocking_execute("1"), Ok(1.into()));
}

#[test]
fn the_stack_is_limited_for_each_plugin() {
    let depth = |stack| {
        let worker = limited(|limits| limits.stack = stack);
        let code = "let n = 0; (function f() { n++; try { f() } catch {} })(); n";
        worker.blocking_execute(code).unwrap().as_u64().unwrap()
    };
    // How much a frame takes depends on how far V8 has optimised it by then.
    let (small, large) = (depth(ByteSize::kib(128)), depth(ByteSize::kib(900)));
    assert!(large > 2 * small, "{small}, {large}");
}

#[test]
fn console_output_beyond_its_limit_is_dropped_counted_and_said_once_a_call() {
    let lines = Lines::default();
    let mut limits = ResourceLimits::default();
    limits.console_bytes_per_call = Limit::At(ByteSize::b(100));
    let worker =
        PluginWorker::builder("test").limits(limits).console(lines.sink()).build().unwrap();
    worker.blocking_execute("for (let i = 0; i < 50; i++) console.log('0123456789')").unwrap();
    assert_eq!(lines.texts().len(), 11);
    assert!(lines.texts()[10].contains("dropped"), "{:?}", lines.texts());
    worker.blocking_execute("console.log('the next call')").unwrap();
    assert_eq!(lines.texts().len(), 12);
    assert!(worker.stats().console_bytes_dropped > 0);
}

#[test]
fn console_output_a_second_is_limited_across_calls() {
    let lines = Lines::default();
    let mut limits = ResourceLimits::default();
    limits.console_bytes_per_second = Limit::At(ByteSize::b(30));
    let worker =
        PluginWorker::builder("test").limits(limits).console(lines.sink()).build().unwrap();
    for _ in 0..20 {
        worker.blocking_execute("console.log('0123456789')").unwrap();
    }
    assert!(lines.texts().iter().filter(|text| text.starts_with('0')).count() < 20);
}

#[test]
fn a_plugin_whose_policy_is_never_is_not_started_again() {
    let builder = PluginWorker::builder("test").limits(patient_limits());
    let worker = builder.restart_policy(RestartPolicy::Never).build().unwrap();
    let flood = "let a = []; for (;;) a.push({})";
    let answer = worker.blocking_execute(flood);
    assert!(matches!(answer, Err(PluginError::MemoryLimitExceeded { .. })), "{answer:?}");
    assert!(eventually(|| worker.state() == WorkerState::Stopped));
    assert_eq!(worker.blocking_execute("1"), Err(PluginError::NotRestarted));
    worker.shutdown();
}

#[test]
fn what_happens_to_a_worker_is_told_in_order() {
    let worker = crate::support::plugin("var x = 1");
    let mut events = worker.subscribe();
    let flood = worker.blocking_execute("let a = []; for (;;) a.push({})").unwrap_err();
    assert_alive(&worker);
    worker.shutdown();
    let told: Vec<_> = std::iter::from_fn(|| events.try_next()).collect();
    let expected = [
        WorkerEvent::Failed(flood),
        WorkerEvent::Rebuilding,
        WorkerEvent::Started,
        WorkerEvent::Stopped,
    ];
    assert_eq!(told, expected);
    assert_eq!(worker.state(), WorkerState::Stopped);
}

#[test]
fn a_worker_can_be_shut_down_without_waiting_for_its_call() {
    let worker = crate::support::worker();
    let call = worker.execute("for (;;);");
    assert!(eventually(|| worker.state() == WorkerState::Busy));
    worker.shutdown_now();
    assert_eq!(call.wait(), Err(PluginError::ShutDown));
    assert_eq!(worker.blocking_execute("1"), Err(PluginError::WorkerDisconnected));
}

#[test]
fn memory_is_admitted_up_to_the_limit_of_the_process() {
    alone("limits::memory_is_admitted_up_to_the_limit_of_the_process", || {
        let mut limits = ProcessLimits::default();
        limits.admitted_memory = Limit::At(ByteSize::mib(300));
        set_process_limits(limits).unwrap();
        let one = PluginIsolate::builder("one").build().unwrap();
        let two = PluginIsolate::builder("two").build().unwrap();
        assert_eq!(process_stats().admitted_memory, 256 << 20);
        let refused = PluginIsolate::builder("three").build().unwrap_err();
        let expected = PluginError::ProcessLimit {
            what: "admitted_memory",
            used: 384 << 20,
            limit: 300 << 20,
        };
        assert_eq!(refused, expected);
        drop(one);
        PluginIsolate::builder("three").build().unwrap();
        drop(two);
    });
}

#[test]
#[cfg(target_os = "linux")]
fn above_the_watermark_of_resident_memory_nothing_is_begun() {
    alone("limits::above_the_watermark_of_resident_memory_nothing_is_begun", || {
        let worker = crate::support::worker();
        assert_alive(&worker);
        let mut limits = ProcessLimits::default();
        limits.resident_memory = Limit::At(ByteSize::mib(1));
        set_process_limits(limits).unwrap();
        let refused = worker.blocking_execute("1");
        assert!(matches!(refused, Err(PluginError::ProcessLimit { what: "resident_memory", .. })));
        assert!(PluginWorker::builder("other").build().is_err());
        set_process_limits(ProcessLimits::default()).unwrap();
        assert_alive(&worker);
    });
}

/// Calls whose length straddles the deadline: a stop that comes late must not reach the next.
#[test]
fn a_termination_never_reaches_the_next_call() {
    let code = "plugin.on('spin', n => { let x = 0; while (n--) x += n; return 'done' });
        plugin.on('next', () => 'next')";
    let mut plugin = PluginIsolate::builder("straddler").script("m.js", code).build().unwrap();
    let (mut stopped, mut done) = (0, 0);
    for n in 0..200_000_u32 {
        plugin.set_wall_time(Duration::from_micros(60)).unwrap();
        // From well within to well beyond the deadline.
        match plugin.call_hook("spin", (n % 200 * 400).into()) {
            Ok(_) => done += 1,
            Err(PluginError::Timeout { .. }) => stopped += 1,
            other => panic!("{other:?}"),
        }
        if n % 16 == 0 {
            plugin.set_wall_time(Duration::from_secs(5)).unwrap();
            assert_eq!(plugin.call_hook("next", json!(null)), Ok("next".into()));
        }
    }
    assert!(stopped > 1000 && done > 1000, "{stopped} stopped, {done} done");
}

/// How often V8 collects while a plugin makes so much garbage.
fn collections(young_generation: Limit<ByteSize>) -> usize {
    let mut limits = ResourceLimits::default();
    limits.young_generation = young_generation;
    limits.wall_time = Duration::from_secs(60);
    let code = "let kept = [];
        const grow = () => { for (let i = 0; i < 1e6; i++) {
            kept.push({ i }); if (kept.length > 1e5) kept = []; } kept = []; return 0 };
        const litter = () => { for (let i = 0; i < 1e4; i++) kept = { i, x: [i] }; return 0 };";
    let mut plugin =
        PluginIsolate::builder("young").limits(limits).script("m.js", code).build().unwrap();
    plugin.execute("grow()").unwrap();
    let used: Vec<_> = (0..200)
        .map(|_| {
            plugin.execute("litter()").unwrap();
            plugin.heap_used()
        })
        .collect();
    used.windows(2).filter(|pair| pair[1] < pair[0]).count()
}

#[test]
fn a_larger_young_generation_is_collected_less_often() {
    let (small, usual) = (collections(Limit::At(ByteSize::mib(3))), collections(Limit::Off));
    assert!(usual > 0 && small > 3 * usual, "{small} and {usual}");
}
