//! What a call costs, beside its floors: the bare V8 call, and the bare hop between threads.
//!
//! Each group is one run, so that the figures to quote are ratios within it.
#![allow(missing_docs)]

use std::hint::black_box;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use plugin_sandbox::{
    ByteSize, Hardening, PluginCapabilities, PluginIsolate, PluginWorker, ResourceLimits, Value,
};
use serde_json::json;

const ECHO: &str = "plugin.on('echo', x => x)";

fn payloads() -> [(&'static str, Value); 7] {
    let record = json!({
        "id": 1234, "name": "A record of ordinary size", "tags": ["one", "two", "three"],
        "price": 12.5, "open": true, "owner": { "name": "Ada", "mail": "ada@example.org" },
        "notes": "Some text that a plugin may look at, neither long nor short, as such texts are."
    });
    let table = |rows| Value::Array(vec![record.clone(); rows]);
    let (small, large) = (table(40), table(4000));
    [
        ("integer", json!(42)),
        ("boolean", json!(true)),
        ("short string", json!("a short string")),
        ("16 B", json!([1, "two"])),
        ("350 B", record),
        ("10 kB", small),
        ("1 MB", large),
    ]
}

/// The work of one call done by hand, each way that suggests itself. As the sandbox does, each
/// takes the argument with it.
fn bare_v8(criterion: &mut Criterion, group: &str, payload: &Value) {
    let isolate = &mut v8::Isolate::new(v8::CreateParams::default());
    v8::scope!(let scope, isolate);
    let context = v8::Context::new(scope, v8::ContextOptions::default());
    let scope = &mut v8::ContextScope::new(scope, context);
    let source = v8::String::new(scope, "x => x").unwrap();
    let echo = v8::Script::compile(scope, source, None).unwrap().run(scope).unwrap();
    let echo = v8::Local::<v8::Function>::try_from(echo).unwrap();
    let receiver = v8::undefined(scope).into();
    let mut group = criterion.benchmark_group(group);
    group.bench_function("bare V8, JSON text both ways", |bencher| {
        let call = |payload: Value| {
            v8::scope!(let scope, scope);
            let text = serde_json::to_string(&payload).unwrap();
            let text = v8::String::new(scope, &text).unwrap();
            let argument = v8::json::parse(scope, text).unwrap();
            let value = echo.call(scope, receiver, &[argument]).unwrap();
            let text = v8::json::stringify(scope, value).unwrap().to_rust_string_lossy(scope);
            serde_json::from_str::<Value>(&text).unwrap()
        };
        bencher.iter_batched(|| payload.clone(), call, BatchSize::SmallInput);
    });
    group.bench_function("bare V8, serde_v8 both ways", |bencher| {
        let call = |payload: Value| {
            v8::scope!(let scope, scope);
            let argument = serde_v8::to_v8(scope, &payload).unwrap();
            let value = echo.call(scope, receiver, &[argument]).unwrap();
            serde_v8::from_v8::<Value>(scope, value).unwrap()
        };
        bencher.iter_batched(|| payload.clone(), call, BatchSize::SmallInput);
    });
    if payload.is_array() || payload.is_object() {
        return;
    }
    group.bench_function("bare V8, handles both ways", |bencher| {
        let call = |payload: Value| {
            v8::scope!(let scope, scope);
            let argument: v8::Local<'_, v8::Value> = match &payload {
                Value::Bool(bool) => v8::Boolean::new(scope, *bool).into(),
                Value::String(text) => v8::String::new(scope, text).unwrap().into(),
                number => v8::Number::new(scope, number.as_f64().unwrap()).into(),
            };
            let value = echo.call(scope, receiver, &[argument]).unwrap();
            match payload {
                Value::Bool(_) => value.is_true().into(),
                Value::String(_) => value.to_rust_string_lossy(scope).into(),
                _ => Value::from(value.integer_value(scope).unwrap()),
            }
        };
        bencher.iter_batched(|| payload.clone(), call, BatchSize::SmallInput);
    });
}

fn call(criterion: &mut Criterion) {
    for (size, payload) in payloads() {
        let group = format!("call, {size}");
        let mut isolate = PluginIsolate::builder("echo").script("m.js", ECHO).build().unwrap();
        bare_v8(criterion, &group, &payload);
        criterion.benchmark_group(&group).bench_function("PluginIsolate", |bencher| {
            let call = |payload| isolate.call_hook("echo", payload).unwrap();
            bencher.iter_batched(|| payload.clone(), call, BatchSize::SmallInput);
        });
        let worker = PluginWorker::builder("echo").script("m.js", ECHO).build().unwrap();
        criterion.benchmark_group(&group).bench_function("PluginWorker", |bencher| {
            let call = |payload| worker.blocking_call_hook("echo", payload).unwrap();
            bencher.iter_batched(|| payload.clone(), call, BatchSize::SmallInput);
        });
        criterion.benchmark_group(&group).bench_function("PluginWorker, 64 in flight", |bencher| {
            bencher.iter(|| {
                let calls = [(); 64].map(|()| worker.call_hook("echo", payload.clone()));
                calls.map(|call| call.wait().unwrap())
            });
        });
    }
}

/// Ten megabytes in and out again.
fn bytes(criterion: &mut Criterion) {
    const SIZE: usize = 10 << 20;
    let mut group = criterion.benchmark_group("bytes, 10 MB");
    group.sample_size(20);
    let mut limits = ResourceLimits::default();
    limits.argument_size = ByteSize::mib(16);
    limits.result_size = ByteSize::mib(16);
    let builder = PluginIsolate::builder("echo").limits(limits.clone()).script("m.js", ECHO);
    let mut plugin = builder.build().unwrap();
    group.bench_function("PluginIsolate", |bencher| {
        let call = |bytes| plugin.call_hook_bytes("echo", bytes).unwrap();
        bencher.iter_batched(|| vec![7; SIZE], call, BatchSize::PerIteration);
    });
    let builder = PluginWorker::builder("echo").limits(limits).script("m.js", ECHO);
    let worker = builder.build().unwrap();
    group.bench_function("PluginWorker", |bencher| {
        let call = |bytes| worker.blocking_call_hook_bytes("echo", bytes).unwrap();
        bencher.iter_batched(|| vec![7; SIZE], call, BatchSize::PerIteration);
    });
    group.bench_function("one copy", |bencher| {
        bencher.iter_batched(|| vec![7_u8; SIZE], |bytes| bytes.clone(), BatchSize::PerIteration);
    });
    let isolate = &mut v8::Isolate::new(v8::CreateParams::default());
    v8::scope!(let scope, isolate);
    let context = v8::Context::new(scope, v8::ContextOptions::default());
    let scope = &mut v8::ContextScope::new(scope, context);
    let source = v8::String::new(scope, "x => x").unwrap();
    let echo = v8::Script::compile(scope, source, None).unwrap().run(scope).unwrap();
    let echo = v8::Local::<v8::Function>::try_from(echo).unwrap();
    let receiver = v8::undefined(scope).into();
    group.bench_function("bare V8, adopted and copied once", |bencher| {
        let call = |bytes: Vec<u8>| {
            v8::scope!(let scope, scope);
            let store = v8::ArrayBuffer::new_backing_store_from_vec(bytes).make_shared();
            let buffer = v8::ArrayBuffer::with_backing_store(scope, &store);
            let array = v8::Uint8Array::new(scope, buffer, 0, SIZE).unwrap();
            let value = echo.call(scope, receiver, &[array.into()]).unwrap();
            let view = v8::Local::<v8::ArrayBufferView>::try_from(value).unwrap();
            let mut bytes = vec![0; view.byte_length()];
            view.copy_contents(&mut bytes);
            bytes
        };
        bencher.iter_batched(|| vec![7; SIZE], call, BatchSize::PerIteration);
    });
}

/// A thread that answers what it is sent: the floor of any worker.
fn hop(criterion: &mut Criterion) {
    let (send, receive) = std::sync::mpsc::channel::<tokio::sync::oneshot::Sender<u32>>();
    let thread = std::thread::spawn(move || {
        while let Ok(reply) = receive.recv() {
            let _ = reply.send(1);
        }
    });
    criterion.bench_function("bare thread hop", |bencher| {
        bencher.iter(|| {
            let (reply, answer) = tokio::sync::oneshot::channel();
            send.send(reply).unwrap();
            answer.blocking_recv().unwrap()
        });
    });
    drop(send);
    thread.join().unwrap();
}

fn start(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("start");
    PluginIsolate::builder("first").build().unwrap();
    group.bench_function("bare isolate and context", |bencher| {
        bencher.iter_batched(
            || (),
            |()| {
                let isolate = &mut v8::Isolate::new(v8::CreateParams::default());
                v8::scope!(let scope, isolate);
                black_box(v8::Context::new(scope, v8::ContextOptions::default()));
            },
            BatchSize::PerIteration,
        );
    });
    group.bench_function("PluginIsolate, built and dropped", |bencher| {
        bencher.iter(|| PluginIsolate::builder("one").build().unwrap());
    });
    group.bench_function("PluginWorker, first answer and shutdown", |bencher| {
        bencher.iter(|| {
            let worker = PluginWorker::new("one", PluginCapabilities::default());
            worker.blocking_execute("1").unwrap()
        });
    });
}

/// All guards together: what a call of nothing costs over the bare V8 call of nothing.
fn guards(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("guards");
    let mut isolate = PluginIsolate::builder("idle")
        .script("m.js", "plugin.on('f', () => null)")
        .build()
        .unwrap();
    {
        let isolate = &mut v8::Isolate::new(v8::CreateParams::default());
        isolate.set_microtasks_policy(v8::MicrotasksPolicy::Explicit);
        v8::scope!(let scope, isolate);
        let context = v8::Context::new(scope, v8::ContextOptions::default());
        let scope = &mut v8::ContextScope::new(scope, context);
        let source = v8::String::new(scope, "() => null").unwrap();
        let function = v8::Script::compile(scope, source, None).unwrap().run(scope).unwrap();
        let function = v8::Local::<v8::Function>::try_from(function).unwrap();
        group.bench_function("bare V8 call in a fresh scope and TryCatch", |bencher| {
            bencher.iter(|| {
                v8::scope!(let scope, scope);
                v8::tc_scope!(let scope, scope);
                let receiver = v8::undefined(scope).into();
                let argument = v8::null(scope).into();
                let value = function.call(scope, receiver, &[argument]).unwrap();
                scope.perform_microtask_checkpoint();
                black_box(value.is_null())
            });
        });
    }
    group.bench_function("PluginIsolate", |bencher| {
        bencher.iter(|| isolate.call_hook("f", Value::Null).unwrap());
    });
}

/// Ordinary code under each level of hardening.
fn hardening(criterion: &mut Criterion) {
    const WORK: &str = r"
        const words = 'the quick brown fox jumps over the lazy dog and runs away'.split(' ');
        const rows = Array.from({ length: 1000 }, (_, i) => ({ id: i, word: words[i % words.length] }));
        plugin.on('arrays', () => rows.filter(r => r.id % 3).map(r => r.word).concat(words)
            .reduce((sum, w) => sum + w.length, 0) + rows.slice(10, 200).indexOf(rows[150]));
        plugin.on('sort', () => rows.map(r => (r.id * 7919) % 1000).sort((a, b) => a - b)[10]);
        plugin.on('strings', () => { let n = 0; for (let i = 0; i < 200; i++) {
            n += words.join('-').split('-').length + words[i % 12].replace(/o/g, '0').length
                + words.join(' ').indexOf('lazy'); } return n });
        plugin.on('small', () => { let n = 0; for (let i = 0; i < 1000; i++) {
            const a = [i, i + 1]; a.push(3); n += a.indexOf(3) + a.slice(1).length + [...a].length; } return n });";
    for hook in ["arrays", "sort", "strings", "small"] {
        let mut group = criterion.benchmark_group(format!("hardening, {hook}"));
        for (name, level) in [
            ("off", Hardening::Off),
            ("abort-only", Hardening::AbortOnly),
            ("full", Hardening::Full),
        ] {
            let mut limits = ResourceLimits::default();
            limits.hardening = level;
            let mut plugin =
                PluginIsolate::builder("work").limits(limits).script("m.js", WORK).build().unwrap();
            group.bench_function(name, |bencher| {
                bencher.iter(|| plugin.call_hook(hook, Value::Null).unwrap());
            });
        }
    }
}

criterion_group!(benches, guards, hardening, call, bytes, hop, start);
criterion_main!(benches);
