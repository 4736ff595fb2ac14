//! How workers start and end.

use std::sync::{Arc, Mutex, mpsc};

use plugin_sandbox::{
    ByteSize, ConsoleMessage, PluginCapabilities, PluginError, PluginWorker, ResourceLimits,
};

use crate::support::{assert_alive, patient_limits, worker};

#[test]
fn a_start_up_failure_is_the_builders_error() {
    let built = PluginWorker::builder("test").script("boot.js", "\n  boom()").build();
    let Err(PluginError::JavaScript(error)) = built else { panic!("{built:?}") };
    assert_eq!(error.headline(), "ReferenceError: boom is not defined");
    assert_eq!(error.frames[0].script, "plugin:/test/boot.js");
    assert_eq!((error.frames[0].line, error.frames[0].column), (2, 3));
}

#[test]
fn a_builder_refuses_absurd_limits_and_ids() {
    let mut limits = ResourceLimits::default();
    limits.heap = ByteSize::kib(64);
    let built = PluginWorker::builder("test").limits(limits).build();
    assert!(matches!(built, Err(PluginError::InvalidLimit { field: "heap", .. })), "{built:?}");
    for id in ["", "nul\0", "x\n", &"x".repeat(129)] {
        let built = PluginWorker::builder(id).build();
        assert!(matches!(built, Err(PluginError::InvalidArgument(_))), "{built:?}");
    }
}

#[test]
fn with_new_a_start_up_failure_is_what_every_call_answers() {
    let worker = PluginWorker::new("nul\0", PluginCapabilities::default());
    for _ in 0..2 {
        let answer = worker.blocking_execute("1");
        let Err(PluginError::StartupFailed { cause }) = answer else { panic!("{answer:?}") };
        assert!(matches!(*cause, PluginError::InvalidArgument(_)));
    }
    assert!(matches!(worker.blocking_hooks(), Err(PluginError::StartupFailed { .. })));
    worker.shutdown();
}

#[test]
fn start_up_scripts_run_in_order_and_their_values_do_not_matter() {
    let worker = PluginWorker::builder("test")
        .script("one.js", "var order = ['one']; () => 'a function cannot be carried'")
        .script("two.js", "(async () => { await 0; order.push('two') })()")
        .script("three.js", "order.push('three')")
        .build()
        .unwrap();
    assert_eq!(worker.blocking_execute("order.join()"), Ok("one,two,three".into()));
}

#[test]
fn the_thread_has_the_plugins_name() {
    let seen = Arc::new(Mutex::new(None));
    let name = Arc::clone(&seen);
    let sink = move |_: &ConsoleMessage| {
        *name.lock().unwrap() = std::thread::current().name().map(str::to_owned);
    };
    let worker = PluginWorker::builder("namesake").console(sink).build().unwrap();
    worker.blocking_execute("console.log('x')").unwrap();
    assert_eq!(seen.lock().unwrap().as_deref(), Some("plugin:namesake"));
}

#[test]
fn shutdown_lets_the_running_call_end_and_answers_the_queued_ones() {
    let (entered, running) = mpsc::channel();
    let (proceed, wait) = mpsc::channel::<()>();
    let wait = Mutex::new(wait);
    let sink = move |_: &ConsoleMessage| {
        entered.send(()).unwrap();
        wait.lock().unwrap().recv().unwrap();
    };
    let worker = PluginWorker::builder("test").console(sink).build().unwrap();
    let first = worker.execute("console.log('running'); 'ended as it would have'");
    let queued: Vec<_> = (0..3).map(|_| worker.execute("1")).collect();
    running.recv().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| worker.shutdown());
        for call in queued {
            assert_eq!(call.wait(), Err(PluginError::WorkerDisconnected));
        }
        proceed.send(()).unwrap();
    });
    assert_eq!(first.wait(), Ok("ended as it would have".into()));
    assert!(worker.is_shut_down());
}

#[test]
fn shutdown_twice_and_calls_after_it_are_answered() {
    let worker = worker();
    assert_alive(&worker);
    worker.shutdown();
    worker.shutdown();
    assert_eq!(worker.blocking_execute("1"), Err(PluginError::WorkerDisconnected));
    assert_eq!(worker.blocking_has_hook("f"), Err(PluginError::WorkerDisconnected));
}

#[test]
fn dropping_a_worker_ends_it_and_its_calls_are_answered() {
    let worker = worker();
    let calls: Vec<_> = (0..100).map(|n| worker.execute(format!("{n}"))).collect();
    drop(worker);
    for call in calls {
        assert!(matches!(call.wait(), Ok(_) | Err(PluginError::WorkerDisconnected)));
    }
}

#[test]
fn a_worker_may_be_shut_down_on_its_own_thread() {
    let worker = Arc::new(Mutex::new(None::<Arc<PluginWorker>>));
    let own = Arc::clone(&worker);
    let sink = move |_: &ConsoleMessage| {
        if let Some(worker) = own.lock().unwrap().take() {
            worker.shutdown();
        }
    };
    let built = Arc::new(PluginWorker::builder("test").console(sink).build().unwrap());
    *worker.lock().unwrap() = Some(Arc::clone(&built));
    assert_eq!(built.blocking_execute("console.log('bye'); 'ended'"), Ok("ended".into()));
    built.shutdown();
}

#[test]
fn statistics_count_calls_and_what_they_used() {
    let worker = worker();
    worker.blocking_execute("1").unwrap();
    worker.blocking_execute("throw 1").unwrap_err();
    worker.blocking_execute("var keep = new Uint8Array(1 << 20); 1").unwrap();
    assert!(crate::support::eventually(|| worker.stats().calls == 3));
    let stats = worker.stats();
    assert_eq!((stats.calls, stats.failures, stats.rebuilds), (3, 1, 0));
    assert!(stats.heap_used > 100_000 && stats.heap_peak >= stats.heap_used, "{stats:?}");
    assert!(stats.buffer_bytes >= 1 << 20, "{stats:?}");
    assert!(stats.wall_time_total >= stats.wall_time_last && !stats.wall_time_last.is_zero());
}

#[test]
fn the_smallest_heap_is_enough_to_start_in() {
    let mut limits = patient_limits();
    limits.heap = ResourceLimits::MIN_HEAP;
    let worker = PluginWorker::builder("small").limits(limits).build().unwrap();
    assert_alive(&worker);
    let answer = worker.blocking_execute("let a = []; for (;;) a.push({})");
    assert!(matches!(answer, Err(PluginError::MemoryLimitExceeded { .. })), "{answer:?}");
    assert_alive(&worker);
}
