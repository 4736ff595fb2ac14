//! What V8 has compiled of a plugin's scripts is where the next isolate begins: faster, and not
//! otherwise than one that compiles them itself.

use std::time::Duration;

use plugin_sandbox::{
    ByteSize, PluginError, PluginIsolate, PluginWorker, ProcessLimits, ResourceLimits, Value,
    WorkerPool, process_stats, set_process_limits,
};
use serde_json::json;

use crate::support::{alone, eventually, patient_limits};

/// One after the other: the first two compile, and the second hands in what it has compiled.
const ISOLATES: usize = 4;

fn isolate(code: &str) -> PluginIsolate {
    PluginIsolate::builder("cached")
        .limits(patient_limits())
        .script("main.js", code)
        .build()
        .unwrap()
}

/// What each isolate with this code answers to some calls of `f`.
fn answers(code: &str, calls: usize) -> Vec<Vec<Value>> {
    let one = |_| {
        let mut plugin = isolate(code);
        (0..calls).map(|at| plugin.call_hook("f", at.into()).unwrap()).collect()
    };
    (0..ISOLATES).map(one).collect()
}

fn assert_all_alike(code: &str) {
    let answers = answers(code, 3);
    assert!(answers.windows(2).all(|two| two[0] == two[1]), "{answers:?}");
}

#[test]
fn every_kind_of_function_is_the_same_compiled_or_taken() {
    assert_all_alike(
        "class Counter {
            static #made = 0; #count = 0;
            static { Counter.started = true }
            constructor() { Counter.#made++ }
            get count() { return this.#count }
            add(n = 1) { this.#count += n; return this }
            static get made() { return Counter.#made }
        }
        function* numbers() { yield* [1, 2, 3] }
        async function later(x) { await 0; return x }
        async function* stream() { for (const x of numbers()) yield await later(x) }
        function asm() { 'use asm'; function one() { return 1 | 0 } return { one: one } }
        const tag = (parts, ...values) => [parts.raw.join('|'), values, Object.isFrozen(parts)];
        const { a, ...rest } = { a: 1, b: { c: [2] }, d: /x(?<y>.)/gu };
        plugin.on('f', async x => {
            const streamed = [];
            for await (const y of stream()) streamed.push(y);
            const label = `${x}`;
            outer: for (const i of [1, 2]) { for (const j of [1, 2]) if (j > i) continue outer; }
            try { null.x } catch ({ message }) { streamed.push(message) } finally { streamed.push('f') }
            return [new Counter().add().add(x).count, Counter.made, Counter.started, [...numbers()],
                streamed, tag`a${x}\\n${label}`, rest.b, 'xy'.match(rest.d), 12345678901234567890n.toString(),
                later.toString(), Counter.name, asm().one(), (function () { return typeof this })()];
        });",
    );
}

#[test]
fn what_a_plugin_did_to_its_own_code_and_literals_stays_with_it() {
    let code = "
        const literal = () => ({ list: [1, 2], inner: { x: 1 } });
        const tag = parts => parts;
        const template = () => tag`same`;
        plugin.on('f', () => {
            const { list, inner } = literal();
            list.push(list.length); inner.x++;
            literal.calls = (literal.calls ?? 0) + 1;
            Object.prototype.polluted = (Object.prototype.polluted ?? 0) + 1;
            globalThis.kept = (globalThis.kept ?? 0) + 1;
            const parts = template();
            tag.first ??= parts;
            return [list, inner, literal.calls, ({}).polluted, kept, tag.first === parts];
        });";
    let answers = answers(code, 2);
    for of_one in answers {
        assert_eq!(of_one[0], json!([[1, 2, 2], { "x": 2 }, 1, 1, 1, true]));
        assert_eq!(of_one[1], json!([[1, 2, 2], { "x": 2 }, 2, 2, 2, true]));
    }
}

#[test]
fn code_that_was_never_called_before_is_there_all_the_same() {
    let code = "const never = { called: x => x * 2 };
        plugin.on('f', x => x < 1 ? 0 : never.called(x))";
    for _ in 1..ISOLATES {
        assert_eq!(isolate(code).call_hook("f", 0.into()).unwrap(), 0);
    }
    assert_eq!(isolate(code).call_hook("f", 21.into()).unwrap(), 42);
}

#[test]
fn a_loop_and_a_flood_are_stopped_in_code_that_was_taken() {
    let code = "plugin.on('loop', () => { for (;;); });
        plugin.on('flood', () => { const all = []; for (;;) all.push({ all }) });
        plugin.on('f', () => 'well')";
    for _ in 1..ISOLATES {
        assert_eq!(isolate(code).call_hook("f", Value::Null).unwrap(), "well");
    }
    let mut limits = ResourceLimits::default();
    limits.heap = ByteSize::mib(24);
    limits.wall_time = Duration::from_secs(2);
    let worker = PluginWorker::builder("cached").limits(limits).script("main.js", code);
    let worker = worker.build().unwrap();
    assert_eq!(worker.blocking_call_hook("f", Value::Null).unwrap(), "well");
    let looped = worker.blocking_call_hook("loop", Value::Null);
    assert!(matches!(looped, Err(PluginError::Timeout { .. })), "{looped:?}");
    let flooded = worker.blocking_call_hook("flood", Value::Null);
    assert!(matches!(flooded, Err(PluginError::MemoryLimitExceeded { .. })), "{flooded:?}");
    assert_eq!(worker.blocking_call_hook("f", Value::Null).unwrap(), "well");
}

#[test]
fn a_script_that_compiles_to_much_ends_no_isolate_that_has_less_heap() {
    // 300 deep, and a megabyte of it: 12 MB compiled, of which V8 makes 49 in the heap.
    let row = format!("{}{},", "[".repeat(300), "]".repeat(300));
    let code = format!("function f() {{ return [{}].length }} f()", row.repeat(1600));
    let build = |heap| {
        let mut limits = patient_limits();
        limits.heap = ByteSize::mib(heap);
        PluginIsolate::builder("much").limits(limits).script("main.js", &*code).build()
    };
    for heap in [128, 128, 128, 64, 32, 16] {
        match build(heap) {
            Ok(mut plugin) => assert_eq!(plugin.call_hook("f", Value::Null).unwrap(), 1600),
            Err(error) => {
                assert!(matches!(error, PluginError::MemoryLimitExceeded { .. }), "{error}");
                assert!(heap <= 32, "it has a heap of {heap} MiB");
            }
        }
    }
}

#[test]
fn a_worker_hands_in_what_it_has_compiled_after_its_answer() {
    alone("code_cache::a_worker_hands_in_what_it_has_compiled_after_its_answer", || {
        let code = format!("plugin.on('f', x => x + 1); const text = '{}'", "x".repeat(10_000));
        let builder = PluginWorker::builder("pooled").script("main.js", &*code);
        let pool = WorkerPool::new(builder).prewarm(2);
        assert!(eventually(|| pool.ready() == 2));
        let text = process_stats().code_cache;
        assert!((10_000..11_000).contains(&text), "the text alone: {text}");
        let worker = pool.get().unwrap();
        assert_eq!(worker.blocking_call_hook("f", 1.into()).unwrap(), 2);
        // After the answer.
        assert!(eventually(|| process_stats().code_cache >= 2 * text));
        worker.blocking_execute("const all = []; for (;;) all.push({ all })").unwrap_err();
        assert_eq!(worker.blocking_call_hook("f", 1.into()).unwrap(), 2);
    });
}

#[test]
fn no_more_is_kept_than_the_process_allows() {
    alone("code_cache::no_more_is_kept_than_the_process_allows", || {
        let limit_to = |size| {
            let mut limits = ProcessLimits::default();
            limits.code_cache = size;
            set_process_limits(limits).unwrap();
        };
        let run = |at: usize| {
            let code =
                format!("plugin.on('f', x => x + {at}); const text = '{}'", "x".repeat(50_000));
            for _ in 0..3 {
                assert_eq!(isolate(&code).call_hook("f", 1.into()).unwrap(), 1 + at);
            }
        };
        limit_to(ByteSize::mib(1));
        for at in 0..30 {
            run(at);
            assert!(process_stats().code_cache <= 1 << 20);
        }
        assert!(process_stats().code_cache > 1 << 19);
        limit_to(ByteSize::kib(200));
        assert!(process_stats().code_cache <= 200 << 10);
        limit_to(ByteSize::b(0));
        run(30);
        assert_eq!(process_stats().code_cache, 0);
    });
}
