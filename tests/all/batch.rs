//! Batches: many calls, one message, and each call as guarded as any.

use std::sync::mpsc;
use std::time::Duration;

use plugin_sandbox::{
    ByteSize, Capability, Limit, PluginCapabilities, PluginError, PluginWorker, ResourceLimits,
    Value, WorkerMessage,
};
use serde_json::json;
use tokio::sync::oneshot;

use crate::support::{assert_alive, eventually, patient_limits, plugin, waiting_plugin};

const SCRIPT: &str = "
    var calls = 0;
    plugin.on('take', what => {
        calls++;
        if (what === 'loop') for (;;);
        if (what === 'throw') throw new Error('thrown');
        if (what === 'flood') { const a = []; for (;;) a.push({ a: [1, 2, 3] }); }
        if (what === 'wait') console.log('waiting');
        return what;
    })";

fn hasty() -> PluginWorker {
    let mut limits = ResourceLimits::default();
    limits.wall_time = Duration::from_millis(200);
    PluginWorker::builder("test").limits(limits).script("main.js", SCRIPT).build().unwrap()
}

/// A worker whose call `take('wait')` tells that it runs and waits to be let go on.
fn waiting(limits: ResourceLimits) -> (PluginWorker, mpsc::Receiver<()>, mpsc::Sender<()>) {
    waiting_plugin(limits, SCRIPT)
}

#[test]
fn there_is_an_answer_for_each_argument_in_their_order() {
    let worker = plugin(SCRIPT);
    let args: Vec<Value> = (0..1000).map(Value::from).collect();
    let answers = worker.blocking_call_hook_batch("take", args.clone());
    assert_eq!(answers, args.into_iter().map(Ok).collect::<Vec<_>>());
    assert_eq!(worker.blocking_call_hook_batch("take", Vec::new()), []);
    let answers = worker.blocking_call_hook_batch("none", vec![1.into(), 2.into()]);
    assert!(matches!(answers[..], [Err(PluginError::HookNotFound { .. }), Err(_)]));
}

#[test]
fn a_call_that_fails_takes_none_of_the_others_along() {
    let args = ["a", "throw", "b", "loop", "c", "flood", "d"].map(Value::from).to_vec();
    let mut limits = ResourceLimits::default();
    // A heap is to be filled however busy the machine is.
    limits.wall_time = Duration::from_secs(10);
    limits.heap = ByteSize::mib(16);
    let builder = PluginWorker::builder("test").limits(limits).script("main.js", SCRIPT);
    let answers = builder.build().unwrap().blocking_call_hook_batch("take", args);
    let [Ok(_), Err(thrown), Ok(_), Err(loops), Ok(_), Err(flood), Ok(last)] = &answers[..] else {
        panic!("{answers:?}")
    };
    assert!(matches!(thrown, PluginError::JavaScript(_)));
    assert!(matches!(loops, PluginError::Timeout { .. }));
    assert!(matches!(flood, PluginError::MemoryLimitExceeded { .. }));
    assert_eq!(last, "d");
}

#[test]
fn each_call_has_a_deadline_of_its_own() {
    let worker = hasty();
    let args = ["loop", "a", "loop", "b"].map(Value::from).to_vec();
    let answers = worker.blocking_call_hook_batch("take", args);
    let [Err(one), Ok(_), Err(other), Ok(_)] = &answers[..] else { panic!("{answers:?}") };
    assert!([one, other].iter().all(|error| matches!(error, PluginError::Timeout { .. })));
    assert_eq!(worker.stats().terminations.timeout, 2);
    assert!(eventually(|| worker.stats().calls == 4));
}

#[test]
fn cancelling_stops_the_call_that_runs_and_those_that_wait() {
    let (worker, running, proceed) = waiting(patient_limits());
    let args = ["a", "wait", "loop", "b"].map(Value::from).to_vec();
    let batch = worker.call_hook_batch("take", args);
    let next = worker.execute("calls");
    running.recv().unwrap();
    assert_eq!(worker.stats().queue_length, 3);
    batch.cancel();
    drop(proceed);
    let answers = batch.wait();
    let cancelled = Err(PluginError::Cancelled);
    assert_eq!(answers, [Ok("a".into()), cancelled.clone(), cancelled.clone(), cancelled]);
    assert_eq!(next.wait(), Ok(2.into()));
}

#[test]
fn dropping_a_batch_takes_what_waits_of_it_out_of_the_queue() {
    let (worker, running, proceed) = waiting(patient_limits());
    let batch = worker.call_hook_batch("take", vec!["wait".into(), "loop".into(), "loop".into()]);
    running.recv().unwrap();
    drop(batch);
    assert_eq!(worker.stats().queue_length, 0);
    drop(proceed);
    assert_eq!(worker.blocking_execute("calls"), Ok(1.into()));
}

#[test]
fn a_batch_takes_a_place_in_the_queue_for_each_call_or_none() {
    let mut limits = patient_limits();
    limits.queue_length = 4;
    let (worker, running, proceed) = waiting(limits);
    let first = worker.call_hook("take", "wait".into());
    running.recv().unwrap();
    let three = worker.call_hook_batch("take", vec![1.into(); 3]);
    assert_eq!(worker.stats().queue_length, 3);
    let two = worker.blocking_call_hook_batch("take", vec![1.into(); 2]);
    assert_eq!(two, vec![Err(PluginError::Busy { limit: 4 }); 2]);
    let five = worker.blocking_call_hook_batch("take", vec![1.into(); 5]);
    assert!(matches!(five[..], [Err(PluginError::TooLarge { .. }), ..]), "{five:?}");
    drop(proceed);
    assert_eq!(three.wait(), vec![Ok(1.into()); 3]);
    first.wait().unwrap();
}

#[test]
fn each_call_of_a_batch_counts_for_the_rate() {
    let mut limits = patient_limits();
    limits.calls_per_second = Limit::At(10);
    let builder = PluginWorker::builder("test").limits(limits).script("main.js", SCRIPT);
    let worker = builder.build().unwrap();
    let batch = |len| worker.blocking_call_hook_batch("take", vec![1.into(); len]);
    assert!(batch(10).iter().all(Result::is_ok));
    assert!(matches!(batch(10)[..], [Err(PluginError::RateLimited { .. }), ..]));
    assert!(matches!(batch(11)[..], [Err(PluginError::TooLarge { .. }), ..]));
}

#[test]
fn one_argument_that_is_too_large_refuses_all() {
    let worker = plugin(SCRIPT);
    let large = Value::from("x".repeat(9 << 20));
    let answers = worker.blocking_call_hook_batch("take", vec![1.into(), large]);
    assert!(answers.iter().all(|answer| matches!(answer, Err(PluginError::TooLarge { .. }))));
    assert_eq!(worker.blocking_execute("calls"), Ok(0.into()));
}

#[test]
fn timers_have_their_turn_between_the_calls_of_a_batch() {
    let mut limits = patient_limits();
    limits.queue_length = 100_000;
    let worker = PluginWorker::builder("test")
        .limits(limits)
        .capabilities(PluginCapabilities::default().grant(Capability::Timers))
        .script("main.js", "let n = 0; plugin.on('n', () => n); setTimeout(() => n = 1, 0)")
        .build()
        .unwrap();
    let fires = "plugin.on('n', () => { const now = n; if (now === 1) setTimeout(() => n++, 0); return now })";
    worker.blocking_execute(format!("{fires}; 0")).unwrap();
    assert!(eventually(|| worker.blocking_execute("n") == Ok(1.into())));
    let answers = worker.blocking_call_hook_batch("n", vec![json!(null); 50_000]);
    assert_eq!(answers[0], Ok(1.into()));
    assert_ne!(answers.last(), Some(&Ok(1.into())), "a timer was kept waiting for all of them");
}

#[test]
fn shutting_down_answers_the_calls_that_wait() {
    let (worker, running, proceed) = waiting(patient_limits());
    let batch = worker.call_hook_batch("take", vec!["wait".into(), 1.into(), 2.into()]);
    running.recv().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| worker.shutdown());
        assert!(eventually(|| worker.is_shut_down()));
        drop(proceed);
    });
    let gone = Err(PluginError::WorkerDisconnected);
    assert_eq!(batch.wait(), [Ok("wait".into()), gone.clone(), gone]);
}

#[test]
fn a_message_answers_on_a_channel_of_the_callers() {
    let worker = plugin(SCRIPT);
    let (response_tx, answer) = oneshot::channel();
    let args = vec![1.into(), 2.into()];
    worker.send(WorkerMessage::CallHookBatch { hook: "take".into(), args, response_tx }).unwrap();
    assert_eq!(answer.blocking_recv().unwrap(), [Ok(1.into()), Ok(2.into())]);
    let (response_tx, _) = oneshot::channel();
    let args = vec!["loop".into(); 1000];
    worker.send(WorkerMessage::CallHookBatch { hook: "take".into(), args, response_tx }).unwrap();
    assert_alive(&worker);
}
