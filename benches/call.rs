//! What a call costs, beside its floor, the bare V8 call: one thing after the other, to find out
//! what a change changes. The ratios to quote are those of `ratios`.
#![allow(missing_docs)]

mod floors;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use floors::bare_v8::{self, Way};
use floors::{ECHO, TOGETHER, isolate, payloads, worker};
use plugin_sandbox::{
    ByteSize, Hardening, PluginCapabilities, PluginIsolate, PluginWorker, ResourceLimits, Value,
};

fn call(criterion: &mut Criterion) {
    for (size, payload) in payloads() {
        let group = format!("call, {size}");
        bare_v8::with(|bare| {
            let mut group = criterion.benchmark_group(&group);
            for &way in Way::of(&payload) {
                group.bench_function(way.name(), |bencher| {
                    let call = |payload| bare(way, payload);
                    bencher.iter_batched(|| payload.clone(), call, BatchSize::SmallInput);
                });
            }
        });
        let mut isolate = isolate();
        criterion.benchmark_group(&group).bench_function("PluginIsolate", |bencher| {
            let call = |payload| isolate.call_hook("echo", payload).unwrap();
            bencher.iter_batched(|| payload.clone(), call, BatchSize::SmallInput);
        });
        let worker = worker(ResourceLimits::default());
        criterion.benchmark_group(&group).bench_function("PluginWorker", |bencher| {
            let call = |payload| worker.blocking_call_hook("echo", payload).unwrap();
            bencher.iter_batched(|| payload.clone(), call, BatchSize::SmallInput);
        });
        criterion.benchmark_group(&group).bench_function("PluginWorker, 64 in flight", |bencher| {
            bencher.iter(|| {
                let calls = [(); TOGETHER].map(|()| worker.call_hook("echo", payload.clone()));
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
    bare_v8::with_bytes(|call| {
        group.bench_function("bare V8, adopted and copied once", |bencher| {
            bencher.iter_batched(|| vec![7; SIZE], &mut *call, BatchSize::PerIteration);
        });
    });
}

fn start(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("start");
    group.bench_function("bare isolate and context", |bencher| {
        bencher.iter(bare_v8::start);
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
    bare_v8::with(|bare| {
        group.bench_function(Way::Nothing.name(), |bencher| {
            bencher.iter(|| bare(Way::Nothing, Value::Null));
        });
    });
    let mut isolate = isolate();
    group.bench_function("PluginIsolate", |bencher| {
        bencher.iter(|| isolate.call_hook("echo", Value::Null).unwrap());
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

criterion_group!(benches, guards, hardening, call, bytes, start);
criterion_main!(benches);
