//! Bytes in and bytes out, of an isolate and of a worker.

use std::time::Duration;

use plugin_sandbox::{
    ByteSize, Capability, Hardening, Limit, PluginBuilder, PluginCapabilities, PluginError,
    PluginIsolate, PluginWorker, ResourceLimits, WorkerMessage,
};
use tokio::sync::oneshot;

use crate::support::{
    DEAF, alone, assert_alive, eventually, patient_limits, plugin, unhardened_limits,
    waiting_plugin, worker,
};

const SCRIPT: &str = "
    let kept; var calls = 0; const on = plugin.on;
    on('echo', x => { calls++; return x }); on('part', x => new DataView(x.buffer, 1, 2));
    on('buffer', async x => x.buffer);
    on('kind', x => { throw new Error(typeof x + x.constructor.name) });
    on('nothing', () => ({ length: 1, get 0() { throw 1 } }));
    on('keep', x => kept = x); on('change', x => { kept[0] = 9; return kept });
    on('wait', x => { calls++; console.log('waiting'); return x });
    on('loop', () => { for (;;); });";

type Called = Result<Vec<u8>, PluginError>;

fn build<T>(builder: PluginBuilder<T>, limits: &ResourceLimits, code: &str) -> PluginBuilder<T> {
    let granted = PluginCapabilities::default()
        .grant(Capability::Timers)
        .grant(Capability::ResizableBuffers)
        .grant(Capability::SharedMemory);
    builder.limits(limits.clone()).capabilities(granted).script("m.js", code)
}

/// The same for a plugin on this thread and one on its own; `test` is given how to call it.
fn both(
    limits: &ResourceLimits,
    code: &str,
    test: impl Fn(&mut dyn FnMut(&str, Vec<u8>) -> Called),
) {
    let mut isolate = build(PluginIsolate::builder("bytes"), limits, code).build().unwrap();
    test(&mut |hook, bytes| isolate.call_hook_bytes(hook, bytes));
    let worker = build(PluginWorker::builder("bytes"), limits, code).build().unwrap();
    test(&mut |hook, bytes| worker.blocking_call_hook_bytes(hook, bytes));
}

#[test]
fn bytes_go_in_as_a_typed_array_and_out_of_anything_that_has_bytes() {
    both(&patient_limits(), SCRIPT, |call| {
        assert_eq!(call("echo", vec![1, 2, 3]), Ok(vec![1, 2, 3]));
        assert_eq!(call("echo", vec![]), Ok(vec![]));
        assert_eq!(call("part", vec![1, 2, 3, 4]), Ok(vec![2, 3]));
        assert_eq!(call("buffer", vec![5; 1 << 20]), Ok(vec![5; 1 << 20]));
        let thrown = call("kind", vec![1]).unwrap_err();
        assert!(thrown.to_string().contains("objectUint8Array"), "{thrown}");
        assert!(matches!(call("none", vec![1]), Err(PluginError::HookNotFound { .. })));
    });
}

#[test]
fn spare_capacity_is_no_part_of_the_bytes() {
    both(&patient_limits(), SCRIPT, |call| {
        let mut bytes = Vec::with_capacity(1 << 20);
        bytes.extend([1, 2]);
        assert_eq!(call("buffer", bytes), Ok(vec![1, 2]));
    });
}

#[test]
fn what_is_no_bytes_is_refused_and_not_read() {
    both(&patient_limits(), SCRIPT, |call| {
        let answer = call("nothing", vec![]);
        assert!(matches!(answer, Err(PluginError::NotSerializable { .. })), "{answer:?}");
    });
}

#[test]
fn bytes_that_the_plugin_keeps_are_not_those_that_the_host_got() {
    both(&patient_limits(), SCRIPT, |call| {
        let first = call("keep", vec![1, 2]).unwrap();
        assert_eq!(call("change", vec![]), Ok(vec![9, 2]));
        assert_eq!(first, [1, 2]);
    });
}

#[test]
fn a_plugin_that_goes_on_writing_does_not_write_what_the_host_reads() {
    let code = "var rounds = 0; plugin.on('keep', x => {
        setTimeout(function again() { x.fill(++rounds); setTimeout(again, 0) }, 0); return x })";
    let builder = build(PluginWorker::builder("bytes"), &patient_limits(), code);
    let worker = builder.build().unwrap();
    let bytes = worker.blocking_call_hook_bytes("keep", vec![7; 4096]).unwrap();
    assert!(eventually(|| worker.blocking_execute("rounds > 10") == Ok(true.into())));
    assert_eq!(bytes, vec![7; 4096]);
}

#[test]
fn bytes_are_held_to_the_sizes_of_arguments_results_and_buffers() {
    let mut limits = patient_limits();
    limits.argument_size = ByteSize::kib(64);
    limits.result_size = ByteSize::kib(32);
    limits.array_buffers = ByteSize::kib(48);
    both(&limits, SCRIPT, |call| {
        assert_eq!(call("echo", vec![1; 32 << 10]), Ok(vec![1; 32 << 10]));
        for (size, what) in [(65, "argument"), (49, "argument"), (33, "result")] {
            match call("echo", vec![1; size << 10]) {
                Err(PluginError::TooLarge { what: named, .. }) => assert!(named.contains(what)),
                other => panic!("{size} KiB answered {other:?}"),
            }
        }
    });
}

#[test]
fn arguments_that_the_plugin_lets_go_of_free_their_share_of_the_quota() {
    let mut limits = patient_limits();
    limits.array_buffers = ByteSize::mib(2);
    let moved = "plugin.on('echo', x => new Uint8Array(x.buffer.transfer(x.length / 2)))";
    for code in [SCRIPT, moved] {
        both(&limits, code, |call| {
            for _ in 0..100 {
                call("echo", vec![1; 1 << 20]).unwrap();
            }
        });
    }
}

#[test]
fn a_buffer_that_was_taken_apart_answers_what_is_left_of_it() {
    for hardening in [Hardening::Full, Hardening::Off] {
        let mut limits = patient_limits();
        limits.hardening = hardening;
        for (hook, left) in [
            ("x.buffer.transfer(), x", 0),
            ("structuredClone(x, { transfer: [x.buffer] }), x", 0),
            ("x.buffer.transfer()", 4096),
            ("x.buffer.transfer(10)", 10),
            ("x.buffer.transfer(8192)", 8192),
            ("x.buffer.transferToFixedLength(1)", 1),
        ] {
            both(&limits, &format!("plugin.on('f', x => ({hook}))"), |call| {
                let bytes = call("f", vec![1; 4096]).unwrap();
                assert_eq!(bytes.len(), left, "{hook}");
                assert!(bytes.iter().take(4096).all(|&byte| byte == 1), "{hook}");
            });
        }
    }
}

#[test]
fn a_buffer_that_shrinks_under_its_view_is_not_read_beyond_its_end() {
    alone("bytes::a_buffer_that_shrinks_under_its_view_is_not_read_beyond_its_end", || {
        for hardening in [Hardening::Full, Hardening::Off] {
            let mut limits = patient_limits();
            limits.hardening = hardening;
            for view in [
                "new Uint8Array(b, 0, 65536)",
                "new Uint8Array(b, 4096)",
                "new Uint8Array(b)",
                "new DataView(b, 0, 65536)",
                "new DataView(b, 4096)",
                "new DataView(b)",
            ] {
                let code = format!(
                    "plugin.on('f', ([left]) => {{
                         const b = new ArrayBuffer(65536, {{ maxByteLength: 131072 }});
                         const view = {view}; b.resize(left); return view }})"
                );
                both(&limits, &code, |call| match call("f", vec![2]) {
                    Ok(bytes) => assert!(bytes.len() <= 2, "{view} has {} bytes", bytes.len()),
                    Err(error) => panic!("{view}: {error:?}"),
                });
            }
        }
    });
}

#[test]
fn what_a_plugin_says_of_its_bytes_is_not_asked() {
    let lies = ["length", "byteLength", "byteOffset", "buffer", "toJSON", "then"];
    let lies = lies.map(|key| format!("get {key}() {{ for (;;); }}")).join("\n");
    let code = format!(
        "class Lying extends Uint8Array {{ {lies} static get [Symbol.species]() {{ for (;;); }}
             get [Symbol.iterator]() {{ for (;;); }} get [Symbol.toStringTag]() {{ for (;;); }} }}
         plugin.on('f', x => (Object.setPrototypeOf(x, Lying.prototype), x));
         plugin.on('g', x => new Lying(x))"
    );
    both(&patient_limits(), &code, |call| {
        for hook in ["f", "g"] {
            assert_eq!(call(hook, vec![1, 2]), Ok(vec![1, 2]));
        }
    });
}

#[test]
fn a_getter_on_every_view_is_no_attack_on_the_next_call() {
    let code =
        "plugin.on('echo', x => x); const every = Object.getPrototypeOf(Uint8Array.prototype);
        for (const key of ['length', 'byteLength', 'byteOffset', 'buffer'])
            Object.defineProperty(every, key, { get() { for (;;); } })";
    both(&patient_limits(), code, |call| {
        assert_eq!(call("echo", vec![1, 2]), Ok(vec![1, 2]));
    });
}

#[test]
fn a_giant_is_refused_by_its_size() {
    let mut limits = patient_limits();
    limits.array_buffers = ByteSize::mib(256);
    let giants = "plugin.on('array', () => new Uint8Array(2 ** 27));
        plugin.on('buffer', async () => new ArrayBuffer(2 ** 27));
        plugin.on('view', () => new DataView(new ArrayBuffer(2 ** 27)));
        plugin.on('echo', x => x)";
    both(&limits, giants, |call| {
        for hook in ["array", "buffer", "view"] {
            let answer = call(hook, vec![]);
            assert!(matches!(answer, Err(PluginError::TooLarge { .. })), "{hook}: {answer:?}");
        }
        assert_eq!(call("echo", vec![1]), Ok(vec![1]));
    });
}

#[test]
fn shared_memory_is_no_bytes_of_an_answer() {
    let code = "plugin.on('f', () => new SharedArrayBuffer(8))";
    both(&patient_limits(), code, |call| {
        assert!(matches!(call("f", vec![]), Err(PluginError::NotSerializable { .. })));
    });
}

#[test]
fn cancelling_stops_the_call_that_runs_and_takes_out_the_one_that_waits() {
    let (worker, running, proceed) = waiting_plugin(patient_limits(), SCRIPT);
    let first = worker.call_hook_bytes("wait", vec![1]);
    let second = worker.call_hook_bytes("echo", vec![2]);
    running.recv().unwrap();
    second.cancel();
    assert_eq!(worker.stats().queue_length, 0);
    assert_eq!(second.wait(), Err(PluginError::Cancelled));
    first.cancel();
    drop(proceed);
    assert_eq!(first.wait(), Err(PluginError::Cancelled));
    assert_eq!(worker.blocking_execute("calls"), Ok(1.into()));
}

#[test]
fn dropping_the_future_takes_the_call_out_of_the_queue() {
    let (worker, running, proceed) = waiting_plugin(patient_limits(), SCRIPT);
    let first = worker.call_hook_bytes("wait", vec![1]);
    running.recv().unwrap();
    drop(worker.call_hook_bytes("echo", vec![2]));
    assert_eq!(worker.stats().queue_length, 0);
    drop(proceed);
    assert_eq!(pollster::block_on(first), Ok(vec![1]));
    assert_eq!(worker.blocking_execute("calls"), Ok(1.into()));
}

#[test]
fn a_full_queue_and_a_rate_are_as_for_other_calls() {
    let mut limits = patient_limits();
    limits.queue_length = 1;
    limits.calls_per_second = Limit::At(3);
    let (worker, running, proceed) = waiting_plugin(limits, SCRIPT);
    let first = worker.call_hook_bytes("wait", vec![1]);
    running.recv().unwrap();
    let second = worker.call_hook_bytes("echo", vec![2]);
    let answer = worker.blocking_call_hook_bytes("echo", vec![3]);
    assert_eq!(answer, Err(PluginError::Busy { limit: 1 }));
    let mut refused = (0..10).map(|_| worker.blocking_call_hook_bytes("echo", vec![3]));
    assert!(refused.any(|answer| matches!(answer, Err(PluginError::RateLimited { .. }))));
    drop(proceed);
    assert_eq!((first.wait(), second.wait()), (Ok(vec![1]), Ok(vec![2])));
}

#[test]
fn bytes_that_waited_too_long_do_not_reach_the_plugin() {
    let mut limits = ResourceLimits::default();
    limits.queue_time = Duration::from_millis(20);
    limits.wall_time = Duration::from_millis(200);
    let worker = build(PluginWorker::builder("bytes"), &limits, SCRIPT).build().unwrap();
    let running = worker.call_hook_bytes("loop", vec![1]);
    let late = worker.call_hook_bytes("echo", vec![2]);
    assert!(matches!(running.wait(), Err(PluginError::Timeout { .. })));
    assert!(matches!(late.wait(), Err(PluginError::QueuedTooLong { .. })));
    assert_eq!(worker.blocking_execute("calls"), Ok(0.into()));
}

#[test]
fn a_loop_is_stopped_at_its_deadline_and_counted() {
    let mut limits = ResourceLimits::default();
    limits.wall_time = Duration::from_millis(100);
    let limit = limits.wall_time;
    let worker = build(PluginWorker::builder("bytes"), &limits, SCRIPT).build().unwrap();
    let answer = worker.blocking_call_hook_bytes("loop", vec![1]);
    assert_eq!(answer, Err(PluginError::Timeout { limit }));
    assert_alive(&worker);
    assert_eq!(worker.stats().terminations.timeout, 1);
    assert!(eventually(|| worker.stats().calls == 2));
}

#[test]
fn a_call_whose_thread_is_given_up_is_answered_and_the_next_one_runs() {
    alone("bytes::a_call_whose_thread_is_given_up_is_answered_and_the_next_one_runs", || {
        let limits = unhardened_limits();
        let deaf = format!("plugin.on('deaf', () => {DEAF}); plugin.on('echo', x => x)");
        let worker = build(PluginWorker::builder("bytes"), &limits, &deaf).build().unwrap();
        let first = worker.call_hook_bytes("deaf", vec![1]);
        let second = worker.call_hook_bytes("echo", vec![2]);
        assert!(matches!(first.wait(), Err(PluginError::Timeout { .. })));
        assert_eq!(second.wait(), Ok(vec![2]));
        assert_eq!(worker.stats().quarantined, 1);
    });
}

#[test]
fn shutting_down_answers_the_call_that_waits() {
    let (worker, running, proceed) = waiting_plugin(patient_limits(), SCRIPT);
    let first = worker.call_hook_bytes("wait", vec![1]);
    let second = worker.call_hook_bytes("echo", vec![2]);
    running.recv().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| worker.shutdown());
        assert!(eventually(|| worker.is_shut_down()));
        drop(proceed);
    });
    assert_eq!(first.wait(), Ok(vec![1]));
    assert_eq!(second.wait(), Err(PluginError::WorkerDisconnected));
    let after = worker.blocking_call_hook_bytes("echo", vec![3]);
    assert_eq!(after, Err(PluginError::WorkerDisconnected));
}

#[test]
fn a_message_sent_by_hand_answers_bytes_on_a_channel_of_the_callers() {
    let worker = plugin(SCRIPT);
    let (response_tx, answer) = oneshot::channel();
    let message = WorkerMessage::CallHookBytes { hook: "echo".into(), bytes: vec![1], response_tx };
    worker.send(message).unwrap();
    assert_eq!(answer.blocking_recv().unwrap(), Ok(vec![1]));
}

#[test]
fn a_worker_without_the_hook_says_so() {
    let answer = worker().blocking_call_hook_bytes("echo", vec![1]);
    assert_eq!(answer, Err(PluginError::HookNotFound { hook: "echo".into() }));
}
