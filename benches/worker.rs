//! What a worker's thread costs, beside its floor: a bare thread that makes the same calls.
//!
//! Each group is one run, so that the figures to quote are ratios within it.
#![allow(missing_docs)]

use std::hint::black_box;
use std::sync::mpsc::{self, Receiver, RecvError, Sender, TryRecvError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use plugin_sandbox::{PluginIsolate, PluginWorker, ResourceLimits, Value, Wake, WorkerPool};
use serde_json::json;
use tokio::sync::oneshot;

const ECHO: &str = "plugin.on('echo', x => x)";

fn record() -> Value {
    json!({
        "id": 1234, "name": "A record of ordinary size", "tags": ["one", "two", "three"],
        "price": 12.5, "open": true, "owner": { "name": "Ada", "mail": "ada@example.org" },
        "notes": "Some text that a plugin may look at, neither long nor short, as such texts are."
    })
}

fn small() -> Value {
    json!({ "id": 1234, "open": true })
}

fn wakes() -> [(&'static str, Wake); 3] {
    let spin = Wake::Spin { up_to: Duration::from_micros(50) };
    [("parked", Wake::Park), ("spinning", spin), ("adaptive", Wake::Adaptive)]
}

fn worker(limits: ResourceLimits) -> PluginWorker {
    PluginWorker::builder("echo").limits(limits).script("m.js", ECHO).build().unwrap()
}

type Sent = (Value, oneshot::Sender<Value>);

/// A thread with a channel before it and an isolate in it, and nothing else of a worker's.
struct BareThread {
    send: Option<Sender<Sent>>,
    thread: Option<JoinHandle<()>>,
}

impl BareThread {
    /// Its thread looks for mail for so long before it parks, and so does its caller.
    fn new(spin: Duration, with_isolate: bool) -> Self {
        let (send, receive) = mpsc::channel::<Sent>();
        let thread = std::thread::spawn(move || {
            let mut isolate = with_isolate
                .then(|| PluginIsolate::builder("echo").script("m.js", ECHO).build().unwrap());
            while let Ok((argument, reply)) = receive_soon(&receive, spin) {
                let answer = match &mut isolate {
                    Some(isolate) => isolate.call_hook("echo", argument).unwrap(),
                    None => argument,
                };
                let _ = reply.send(answer);
            }
        });
        Self { send: Some(send), thread: Some(thread) }
    }

    fn send(&self, argument: Value) -> oneshot::Receiver<Value> {
        let (reply, answer) = oneshot::channel();
        self.send.as_ref().unwrap().send((argument, reply)).unwrap();
        answer
    }

    fn call(&self, argument: Value, spin: Duration) -> Value {
        let mut answer = self.send(argument);
        let until = Instant::now() + spin;
        while !spin.is_zero() && Instant::now() < until {
            if let Ok(answer) = answer.try_recv() {
                return answer;
            }
            std::hint::spin_loop();
        }
        answer.blocking_recv().unwrap()
    }
}

impl Drop for BareThread {
    fn drop(&mut self) {
        self.send = None;
        self.thread.take().unwrap().join().unwrap();
    }
}

fn receive_soon(receive: &Receiver<Sent>, spin: Duration) -> Result<Sent, RecvError> {
    let until = Instant::now() + spin;
    while !spin.is_zero() && Instant::now() < until {
        match receive.try_recv() {
            Ok(sent) => return Ok(sent),
            Err(TryRecvError::Disconnected) => return Err(RecvError),
            Err(TryRecvError::Empty) => std::hint::spin_loop(),
        }
    }
    receive.recv()
}

/// One call after the other, 350 B each way.
fn sequential(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("sequential, 350 B");
    let record = record();
    let mut isolate = PluginIsolate::builder("echo").script("m.js", ECHO).build().unwrap();
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
    const CALLS: usize = 64;
    let mut group = criterion.benchmark_group("64 at a time, small object");
    group.throughput(Throughput::Elements(CALLS as u64));
    let small = small();
    let mut isolate = PluginIsolate::builder("echo").script("m.js", ECHO).build().unwrap();
    group.bench_function("isolate calls, no thread", |bencher| {
        bencher.iter(|| [(); CALLS].map(|()| isolate.call_hook("echo", small.clone()).unwrap()));
    });
    let bare = BareThread::new(Duration::ZERO, true);
    group.bench_function("bare thread, in flight", |bencher| {
        bencher.iter(|| {
            let sent = [(); CALLS].map(|()| bare.send(small.clone()));
            sent.map(|answer| answer.blocking_recv().unwrap())
        });
    });
    for (name, wake) in wakes() {
        let mut limits = ResourceLimits::default();
        limits.wake = wake;
        let worker = worker(limits);
        group.bench_function(format!("PluginWorker, in flight, {name}"), |bencher| {
            bencher.iter(|| {
                let calls = [(); CALLS].map(|()| worker.call_hook("echo", small.clone()));
                calls.map(|call| call.wait().unwrap())
            });
        });
        group.bench_function(format!("PluginWorker, a batch, {name}"), |bencher| {
            bencher.iter(|| {
                let answers = worker.blocking_call_hook_batch("echo", vec![small.clone(); CALLS]);
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
