//! How long after its deadline an endless loop is stopped: percentiles, with the machine
//! otherwise idle and with all cores busy. Not Criterion's: what counts is the tail.
#![allow(missing_docs, clippy::print_stdout)]

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use plugin_sandbox::{PluginError, PluginWorker, ResourceLimits, Value};

const LOOPS: usize = 200;
const WALL_TIME: Duration = Duration::from_millis(10);

/// How much longer than its wall time each call took, in ascending order: from the call to the
/// answer, the hop both ways included.
fn overruns() -> Vec<Duration> {
    let mut limits = ResourceLimits::default();
    // A start-up script must end in it, too.
    limits.wall_time = WALL_TIME;
    let worker = PluginWorker::builder("loop")
        .limits(limits)
        .script("m.js", "plugin.on('loop', () => { for (;;); })")
        .build()
        .unwrap();
    let mut overruns: Vec<_> = (0..LOOPS)
        .map(|_| {
            let began = Instant::now();
            let answer = worker.blocking_call_hook("loop", Value::Null);
            assert!(matches!(answer, Err(PluginError::Timeout { .. })), "{answer:?}");
            began.elapsed().saturating_sub(WALL_TIME)
        })
        .collect();
    overruns.sort();
    overruns
}

fn print(machine: &str) {
    let overruns = overruns();
    let at = |percent: usize| overruns[(overruns.len() * percent).div_ceil(100) - 1];
    println!(
        "stopped after its deadline, {machine}: median {:?}, p90 {:?}, p99 {:?}, longest {:?}",
        at(50),
        at(90),
        at(99),
        at(100),
    );
}

fn main() {
    print("machine otherwise idle");
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| while !done.load(Ordering::Relaxed) {});
        }
        print("all cores busy");
        done.store(true, Ordering::Relaxed);
    });
}
