//! What a worker's thread costs, beside its floor, a bare thread that makes the same calls: one
//! thing after the other, to find out what a change changes. The ratios to quote are those of
//! `ratios`.
#![allow(missing_docs)]

mod floors;

use std::hint::black_box;
use std::time::Duration;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use floors::bare_thread::BareThread;
use floors::{ECHO, TOGETHER, isolate, record, small, worker};
use plugin_sandbox::{PluginWorker, ResourceLimits, Value, Wake, WorkerPool};

fn wakes() -> [(&'static str, Wake); 3] {
    let spin = Wake::Spin { up_to: Duration::from_micros(50) };
    [("parked", Wake::Park), ("spinning", spin), ("adaptive", Wake::Adaptive)]
}

/// One call after the other, 350 B each way.
fn sequential(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("sequential, 350 B");
    let record = record();
    let mut isolate = isolate();
    group.bench_function("isolate call, no thread", |bencher| {
        bencher.iter(|| isolate.call_hook("echo", record.clone()).unwrap());
    });
    for (name, spin) in [("parked", Duration::ZERO), ("spinning", Duration::from_micros(50))] {
        let bare = BareThread::new(spin, true);
        group.bench_function(format!("bare hop and isolate call, {name}"), |bencher| {
            bencher.iter(|| bare.call(record.clone(), spin));
        });
    }
    for (name, wake) in wakes() {
        let mut limits = ResourceLimits::default();
        limits.wake = wake;
        let worker = worker(limits);
        group.bench_function(format!("PluginWorker, {name}"), |bencher| {
            bencher.iter(|| worker.blocking_call_hook("echo", record.clone()).unwrap());
        });
    }
}

/// Calls of a small object, 64 at a time.
fn pipelined(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("64 at a time, small object");
    group.throughput(Throughput::Elements(TOGETHER as u64));
    let small = small();
    let mut isolate = isolate();
    group.bench_function("isolate calls, no thread", |bencher| {
        bencher.iter(|| [(); TOGETHER].map(|()| isolate.call_hook("echo", small.clone()).unwrap()));
    });
    let bare = BareThread::new(Duration::ZERO, true);
    group.bench_function("bare thread, in flight", |bencher| {
        bencher.iter(|| {
            let sent = [(); TOGETHER].map(|()| bare.send(small.clone()));
            sent.map(|answer| answer.blocking_recv().unwrap())
        });
    });
    for (name, wake) in wakes() {
        let mut limits = ResourceLimits::default();
        limits.wake = wake;
        let worker = worker(limits);
        group.bench_function(format!("PluginWorker, in flight, {name}"), |bencher| {
            bencher.iter(|| {
                let calls = [(); TOGETHER].map(|()| worker.call_hook("echo", small.clone()));
                calls.map(|call| call.wait().unwrap())
            });
        });
        group.bench_function(format!("PluginWorker, a batch, {name}"), |bencher| {
            bencher.iter(|| {
                let answers =
                    worker.blocking_call_hook_batch("echo", vec![small.clone(); TOGETHER]);
                assert!(answers.iter().all(Result::is_ok));
                answers
            });
        });
    }
}

/// A worker's first answer, with and without its creation.
fn first_answer(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("first answer");
    let builder = PluginWorker::builder("echo").script("m.js", ECHO);
    let call = |worker: PluginWorker| {
        black_box(worker.blocking_call_hook("echo", small()).unwrap());
        worker
    };
    group.bench_function("built", |bencher| {
        bencher.iter_batched(
            || builder.clone(),
            |builder| call(builder.build().unwrap()),
            BatchSize::PerIteration,
        );
    });
    let pool = WorkerPool::new(builder.clone()).prewarm(2);
    group.bench_function("from a WorkerPool", |bencher| {
        bencher.iter_batched(
            || {
                while pool.ready() < 2 {
                    std::thread::yield_now()
                }
            },
            |()| call(pool.get().unwrap()),
            BatchSize::PerIteration,
        );
    });
}

/// A bare hop without any call.
fn hop(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("hop");
    for (name, spin) in [("parked", Duration::ZERO), ("spinning", Duration::from_micros(50))] {
        let bare = BareThread::new(spin, false);
        group.bench_function(name, |bencher| bencher.iter(|| bare.call(Value::Null, spin)));
    }
}

criterion_group!(benches, hop, sequential, pipelined, first_answer);
criterion_main!(benches);
