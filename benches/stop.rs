//! How long after its deadline an endless loop is stopped, with the machine otherwise idle and
//! with all cores busy; beside it the floor, a bare thread that ends a bare loop by a flag. Not
//! Criterion's: what counts is the tail.
#![allow(missing_docs, clippy::print_stdout)]

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use plugin_sandbox::{PluginError, PluginWorker, ResourceLimits, Value};

const LOOPS: usize = 200;
/// A start-up script must end in it, too, on a busy machine.
const WALL_TIME: Duration = Duration::from_millis(50);

/// How much longer than its wall time each call takes: from the call to the answer, the hop
/// both ways included.
fn overruns() -> Vec<Duration> {
    let mut limits = ResourceLimits::default();
    limits.wall_time = WALL_TIME;
    let worker = PluginWorker::builder("loop")
        .limits(limits)
        .script("m.js", "plugin.on('loop', () => { for (;;); })")
        .build()
        .unwrap();
    let stop = |_| {
        let began = Instant::now();
        let answer = worker.blocking_call_hook("loop", Value::Null);
        assert!(matches!(answer, Err(PluginError::Timeout { .. })), "{answer:?}");
        began.elapsed().saturating_sub(WALL_TIME)
    };
    (0..LOOPS).map(stop).collect()
}

/// The same for a thread that loops until another, which sleeps meanwhile, says so.
fn floor() -> Vec<Duration> {
    let (begin, begun) = mpsc::channel::<mpsc::Sender<()>>();
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for answer in begun {
                std::thread::scope(|scope| {
                    scope.spawn(|| {
                        std::thread::sleep(WALL_TIME);
                        is_over.store(true, Ordering::Relaxed);
                    });
                    while !is_over.swap(false, Ordering::Relaxed) {}
                });
                answer.send(()).unwrap();
            }
        });
        let stop = |_| {
            let (answer, answered) = mpsc::channel();
            let began = Instant::now();
            begin.send(answer).unwrap();
            answered.recv().unwrap();
            began.elapsed().saturating_sub(WALL_TIME)
        };
        let overruns = (0..LOOPS).map(stop).collect();
        drop(begin);
        overruns
    })
}

fn print(what: &str, machine: &str, mut overruns: Vec<Duration>) {
    overruns.sort();
    let at = |percent: usize| overruns[(overruns.len() * percent).div_ceil(100) - 1];
    let [half, p90, p99, longest] = [50, 90, 99, 100].map(at);
    println!(
        "{what}, {machine}: median {half:?}, p90 {p90:?}, p99 {p99:?}, longest {longest:?} \
         after the deadline"
    );
}

fn print_both(machine: &str) {
    print("a bare loop and a flag", machine, floor());
    print("an endless loop in a PluginWorker", machine, overruns());
}

fn main() {
    print_both("machine otherwise idle");
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    std::hint::spin_loop()
                }
            });
        }
        print_both("all cores busy");
        done.store(true, Ordering::Relaxed);
    });
}
