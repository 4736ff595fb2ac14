//! How anything is measured: the median of samples, after warming up.

use std::hint::black_box;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::figures::{Figures, median, micros};
use crate::payload::payloads;

/// After this long an endless loop is to end.
pub(crate) const DEADLINE: Duration = Duration::from_millis(50);

/// Longer than this nobody waits for it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(2);

/// How many calls are under way together.
const IN_FLIGHT: usize = 64;

/// How many idle workers memory is divided by.
const IDLE: usize = 50;

const STARTS: usize = 30;
const STOPS: usize = 9;
const WARM_UP: Duration = Duration::from_millis(400);
const MEASURED: Duration = Duration::from_millis(1500);
const SAMPLE: Duration = Duration::from_micros(200);

/// One worker of a peer, whatever its shape.
pub(crate) trait Peer: Sized {
    /// Begins one with [`SCRIPT`](crate::payload::SCRIPT); it need not be ready yet.
    fn start() -> Self;

    /// One that keeps [`DEADLINE`], if that has to be said beforehand. Not for the other calls: a
    /// busy machine may take longer over one of them.
    fn start_under_deadline() -> Self {
        Self::start()
    }

    /// What the hook `echo` answers.
    fn call(&mut self, argument: Value) -> Value;

    /// So many calls of `echo` under way together, until all are answered. False: it has no
    /// such shape.
    fn call_together(&mut self, _argument: &Value, _count: usize) -> bool {
        false
    }

    /// Calls `spin` under [`DEADLINE`]; true if it came back within [`PATIENCE`].
    fn spin(&mut self) -> bool;

    /// Whether `echo` answers what it got. The design of the seed, as written, does not.
    const ANSWERS: bool = true;
}

/// The median time of one call of `one`, in microseconds.
pub(crate) fn per_call(warm_up: Duration, measured: Duration, mut one: impl FnMut()) -> f64 {
    let began = Instant::now();
    let mut calls = 0_u32;
    while calls == 0 || began.elapsed() < warm_up {
        one();
        calls += 1;
    }
    // So many at once that reading the clock does not count.
    let batch = (SAMPLE.as_secs_f64() / (began.elapsed().as_secs_f64() / f64::from(calls))) as u32;
    let batch = batch.max(1);
    let mut samples = Vec::new();
    let began = Instant::now();
    while samples.is_empty() || began.elapsed() < measured {
        let sample = Instant::now();
        for _ in 0..batch {
            one();
        }
        samples.push(micros(sample.elapsed()) / f64::from(batch));
    }
    median(&mut samples).unwrap_or(f64::NAN)
}

/// Start, calls and stopping.
pub(crate) fn speed<P: Peer>() -> Figures {
    let [(_, integer), (_, object), (_, table)] = payloads();
    let mut peer = P::start();
    let expected = if P::ANSWERS { object.clone() } else { Value::Null };
    assert_eq!(peer.call(object.clone()), expected, "the peer does not do the work");
    let mut sequential = |payload: &Value| {
        Some(per_call(WARM_UP, MEASURED, || {
            black_box(peer.call(payload.clone()));
        }))
    };
    let (integer_us, object_us, table_us) =
        (sequential(&integer), sequential(&object), sequential(&table));
    let pipelined_us = peer.call_together(&object, IN_FLIGHT).then(|| {
        let all = per_call(WARM_UP, MEASURED, || {
            peer.call_together(&object, IN_FLIGHT);
        });
        all / IN_FLIGHT as f64
    });
    drop(peer);
    Figures {
        start_us: start::<P>(),
        integer_us,
        object_us,
        table_us,
        pipelined_us,
        memory_kib: None,
        stop_us: stop::<P>(),
    }
}

fn start<P: Peer>() -> Option<f64> {
    let mut samples: Vec<f64> = (0..STARTS)
        .map(|_| {
            let began = Instant::now();
            let mut peer = P::start();
            black_box(peer.call(Value::Null));
            let sample = micros(began.elapsed());
            drop(peer);
            // What ends on threads of its own is not to disturb the next.
            std::thread::sleep(Duration::from_millis(5));
            sample
        })
        .collect();
    median(&mut samples)
}

fn stop<P: Peer>() -> Option<f64> {
    let mut samples = Vec::new();
    let mut peer = P::start_under_deadline();
    peer.call(Value::Null);
    for _ in 0..STOPS {
        let began = Instant::now();
        if !peer.spin() {
            // It runs on, and would hold up whoever waits for its thread.
            std::mem::forget(peer);
            return None;
        }
        samples.push(micros(began.elapsed().saturating_sub(DEADLINE)));
    }
    median(&mut samples)
}

/// What one more idle worker takes. In a process of its own, as nothing else may have been
/// there before.
pub(crate) fn memory<P: Peer>() -> Figures {
    let ready = || {
        let mut peer = P::start();
        peer.call(Value::Null);
        peer
    };
    let first = ready();
    let before = resident_kib();
    let idle: Vec<P> = (0..IDLE).map(|_| ready()).collect();
    let after = resident_kib();
    let memory_kib = before.zip(after).map(|(before, after)| (after - before) / IDLE as f64);
    // The process ends here, and with it they all.
    std::mem::forget((first, idle));
    Figures { memory_kib, ..Figures::default() }
}

/// Linux only; elsewhere nothing is said of memory.
fn resident_kib() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().trim_end_matches("kB").trim().parse().ok()
}
