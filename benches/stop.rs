//! How long after its deadline an endless loop is stopped, with the machine otherwise idle and
//! with all cores busy; beside it the floor, a bare thread that ends a bare loop by a flag. Not
//! Criterion's: what counts is the tail. `--synchronous` has V8 compile nothing meanwhile.
#![allow(missing_docs, clippy::print_stdout)]

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use plugin_sandbox::{PluginError, PluginWorker, ResourceLimits, V8Options, Value, set_v8_options};

/// A start-up script must end in it, too, on a busy machine.
const WALL_TIME: Duration = Duration::from_millis(50);

/// How much longer than its wall time each call takes: from the call to the answer, the hop
/// both ways included.
fn overruns(loops: usize) -> Vec<Duration> {
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
    (0..loops).map(stop).collect()
}

/// The same for a thread that loops until another, which sleeps meanwhile, says so.
fn floor(loops: usize) -> Vec<Duration> {
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
        let overruns = (0..loops).map(stop).collect();
        drop(begin);
        overruns
    })
}

fn print(what: &str, machine: &str, mut overruns: Vec<Duration>) {
    overruns.sort();
    let at = |percent: usize| overruns[(overruns.len() * percent).div_ceil(100) - 1];
    let [half, p90, p99, longest] = [50, 90, 99, 100].map(at);
    println!("| {machine}: {what} | {half:.1?} | {p90:.1?} | {p99:.1?} | {longest:.1?} |");
}

fn print_both(machine: &str, loops: usize) {
    print("a bare loop and a flag", machine, floor(loops));
    print("an endless loop in a `PluginWorker`", machine, overruns(loops));
}

fn main() {
    let is_given = |name: &str| std::env::args().any(|argument| argument == name);
    // As Criterion decides it: `cargo bench` says `--bench`, `cargo test` says nothing.
    let loops = if is_given("--bench") && !is_given("--test") { 200 } else { 2 };
    if is_given("--synchronous") {
        let mut options = V8Options::default();
        options.synchronous_compilation = true;
        set_v8_options(options).unwrap();
    }
    println!("| | median | 90th percentile | 99th | longest |\n|---|--:|--:|--:|--:|");
    print_both("machine otherwise idle", loops);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    std::hint::spin_loop()
                }
            });
        }
        print_both("all cores busy", loops);
        done.store(true, Ordering::Relaxed);
    });
}
