//! What idle, many and ended workers hold and take, and what V8's parameters do to that: tables
//! in Markdown.
//!
//! Not Criterion's. Memory is measured in a process of its own, which is this program again, as
//! nothing else may have been there before; what one more holds is the slope over many. One of
//! the groups `idle`, `many`, `ended` and `parameters` runs if it is named:
//! `cargo bench --bench memory -- idle`.
#![allow(missing_docs, clippy::print_stdout)]

use std::cell::RefCell;
use std::fmt::Display;
use std::hint::black_box;
use std::process::Command;
use std::sync::mpsc::{self, Sender};
use std::thread::JoinHandle;
use std::time::Instant;

use plugin_sandbox::{
    ByteSize, Hardening, Limit, PluginBuilder, PluginIsolate, PluginWorker, ResourceLimits,
    V8Options, Wake, set_v8_options,
};
use serde_json::json;

/// The first argument of a process that measures.
const CHILD: &str = "--child";

/// How much is done: for figures to quote, or to see that it can be done.
struct Scale {
    /// The median of so many processes.
    rounds: usize,
    /// The slope is taken between so many and so many.
    slope: [usize; 2],
    workers: &'static [usize],
    calls: usize,
    ended: usize,
    settings: usize,
    runs: usize,
}

const FULL: Scale = Scale {
    rounds: 3,
    slope: [10, 50],
    workers: &[1, 10, 100, 1000],
    calls: 3000,
    ended: 1000,
    settings: usize::MAX,
    runs: 20,
};

const TINY: Scale =
    Scale { rounds: 1, slope: [1, 2], workers: &[1, 2], calls: 2, ended: 2, settings: 1, runs: 1 };

/// What prints a table, and its name.
type Group = (&'static str, fn(&Scale));

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let is_given = |name: &str| arguments.iter().any(|argument| argument == name);
    if let [flag, what, of @ ..] = &arguments[..]
        && flag == CHILD
    {
        let of: Vec<usize> = of.iter().map(|number| number.parse().unwrap()).collect();
        let figures = measure(what, &of);
        println!("{}", figures.iter().map(f64::to_string).collect::<Vec<_>>().join(" "));
        return;
    }
    if InUse::now().is_none() {
        println!("The memory of a process is read on Linux only: nothing was measured.");
        return;
    }
    // As Criterion decides it: `cargo bench` says `--bench`, `cargo test` says nothing.
    let scale = if is_given("--bench") && !is_given("--test") { FULL } else { TINY };
    let groups: [Group; 4] =
        [("idle", idle), ("many", many), ("ended", ended), ("parameters", parameters)];
    let is_one_named = groups.iter().any(|(name, _)| is_given(name));
    for (_, group) in groups.iter().filter(|(name, _)| !is_one_named || is_given(name)) {
        group(&scale);
    }
}

/// The figures that a process of its own measures.
fn alone(what: &str, of: &[usize]) -> Vec<f64> {
    let this = std::env::current_exe().unwrap();
    let of = of.iter().map(usize::to_string);
    let output = Command::new(this).args([CHILD, what]).args(of).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{what} ended with {}: {said}", output.status);
    let figures = String::from_utf8(output.stdout).unwrap();
    figures.split_whitespace().map(|figure| figure.parse().unwrap()).collect()
}

/// In that process.
fn measure(what: &str, of: &[usize]) -> Vec<f64> {
    match (what, of) {
        ("isolate", &[few, many]) => {
            // Starts V8, as it is started for the workers.
            let _first = PluginIsolate::builder("first").build().unwrap();
            vec![each_holds([few, many], BareThread::start)]
        }
        ("worker", &[few, many]) => {
            let _first = PluginIsolate::builder("first").build().unwrap();
            let builder = PluginWorker::builder("idle");
            vec![each_holds([few, many], || builder.clone().build().unwrap())]
        }
        ("many", &[count, calls]) => measure_many(count, calls),
        ("ended", &[count]) => measure_ended(count),
        ("setting", &[setting, few, many, runs]) => measure_setting(setting, [few, many], runs),
        _ => panic!("{what} of {of:?} cannot be measured"),
    }
}

/// What one more of them holds, in MiB.
fn each_holds<T>([few, many]: [usize; 2], start: impl Fn() -> T) -> f64 {
    let mut all: Vec<T> = (0..few).map(|_| start()).collect();
    let before = InUse::now().unwrap().resident;
    all.extend((few..many).map(|_| start()));
    (InUse::now().unwrap().resident - before) / (many - few) as f64
}

/// A thread with an isolate and a context, and nothing to do.
struct BareThread {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl BareThread {
    fn start() -> Self {
        let (stop, stopped) = mpsc::channel();
        let (ready, is_ready) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            let isolate = &mut v8::Isolate::new(v8::CreateParams::default());
            v8::scope!(let scope, isolate);
            let context = v8::Context::new(scope, v8::ContextOptions::default());
            let _scope = v8::ContextScope::new(scope, context);
            ready.send(()).unwrap();
            let _ = stopped.recv();
        });
        is_ready.recv().unwrap();
        Self { stop: Some(stop), thread: Some(thread) }
    }
}

impl Drop for BareThread {
    fn drop(&mut self) {
        self.stop = None;
        self.thread.take().unwrap().join().unwrap();
    }
}

/// One that was built and never called, beside its floor.
fn idle(scale: &Scale) {
    let holds = |what| {
        let rounds = (0..scale.rounds).map(|_| alone(what, &scale.slope)[0]);
        median(rounds.collect())
    };
    let (isolate, worker) = (holds("isolate"), holds("worker"));
    let [few, many] = scale.slope;
    headline(
        &format!("Resident memory of one that is idle, from {few} to {many} of them"),
        &["", "each", "ratio"],
    );
    row(&[&"a thread with a bare isolate and context", &mebibytes(isolate), &"1×"]);
    let ratio = format!("{:.2}×", worker / isolate);
    row(&[&"a PluginWorker", &mebibytes(worker), &ratio]);
}

/// What one of many workers takes.
fn many(scale: &Scale) {
    headline(
        "One of many workers",
        &["workers", "started in", "called in turn", "the same called", "resident memory of each"],
    );
    for count in scale.workers {
        let figures = alone("many", &[*count, scale.calls]);
        let [start, in_turn, same, holds] = figures[..] else { panic!("{figures:?}") };
        row(&[count, &time(start), &time(in_turn), &time(same), &mebibytes(holds)]);
    }
}

fn measure_many(count: usize, calls: usize) -> Vec<f64> {
    let mut limits = ResourceLimits::default();
    // Or the same one is awake when it is called again, and of many none is.
    limits.wake = Wake::Park;
    let builder = PluginWorker::builder("echo").limits(limits);
    let builder = builder.script("m.js", "plugin.on('echo', x => x)");
    let small = json!({ "id": 1234, "open": true });
    let call = |worker: &PluginWorker| {
        black_box(worker.blocking_call_hook("echo", small.clone()).unwrap());
    };
    // Starts V8. It stays, as what it would free could be used again by the next.
    let first = builder.clone().build().unwrap();
    call(&first);
    let before = InUse::now().unwrap().resident;
    let began = Instant::now();
    let workers: Vec<_> = (0..count).map(|_| builder.clone().build().unwrap()).collect();
    let start = since(began) / count as f64;
    workers.iter().for_each(call);
    let holds = (InUse::now().unwrap().resident - before) / count as f64;
    let timed = |worker| {
        let began = Instant::now();
        call(worker);
        since(began)
    };
    // Each has at least three turns.
    let in_turn = workers.iter().cycle().take(calls.max(3 * count)).map(timed).collect();
    let same = (0..calls).map(|_| timed(&workers[0])).collect();
    vec![start, median(in_turn), median(same), holds]
}

/// What workers leave behind that have made garbage and ended.
fn ended(scale: &Scale) {
    let count = scale.ended;
    let figures = alone("ended", &[count]);
    let (rows, []) = figures.as_chunks::<3>() else { panic!("{figures:?}") };
    let [resident, threads, descriptors] = rows else { panic!("{figures:?}") };
    headline(
        &format!("{count} workers that have made garbage, and end"),
        &["", "before", "with them", "after"],
    );
    let [before, with, after] = resident.map(mebibytes);
    row(&[&"resident memory", &before, &with, &after]);
    for (what, [before, with, after]) in [("threads", threads), ("open descriptors", descriptors)] {
        row(&[&what, before, with, after]);
    }
    let [before, with, after] = resident;
    println!("\nGiven back: {:.1} %.", 100.0 * (with - after) / (with - before));
}

fn measure_ended(count: usize) -> Vec<f64> {
    let round = |count: usize| {
        let workers: Vec<_> =
            (0..count).map(|_| PluginWorker::builder("ended").build().unwrap()).collect();
        for worker in &workers {
            let garbage = "Array.from({ length: 30_000 }, (_, i) => ({ i })).length";
            assert_eq!(worker.blocking_execute(garbage), Ok(30_000.into()));
        }
        workers
    };
    // What stays for good.
    drop(round(20.min(count)));
    let before = InUse::now().unwrap();
    let workers = round(count);
    let with = InUse::now().unwrap();
    drop(workers);
    let all = [before, with, InUse::now().unwrap()];
    let of = |what: fn(&InUse) -> f64| all.iter().map(what);
    of(|all| all.resident).chain(of(|all| all.threads)).chain(of(|all| all.descriptors)).collect()
}

/// What is set, and how.
type Setting = (&'static str, fn(&mut ResourceLimits, &mut V8Options));

/// Each differs from the default in one thing.
const SETTINGS: &[Setting] = &[
    ("default", |_, _| {}),
    ("strict", |limits, _| *limits = ResourceLimits::strict()),
    ("trusted", |limits, _| *limits = ResourceLimits::trusted()),
    ("code_range = 64 MiB", |limits, _| limits.code_range = Limit::At(ByteSize::mib(64))),
    ("code_range = 128 MiB", |limits, _| limits.code_range = Limit::At(ByteSize::mib(128))),
    ("code_range = 256 MiB", |limits, _| limits.code_range = Limit::At(ByteSize::mib(256))),
    ("heap = 16 MiB", |limits, _| limits.heap = ByteSize::mib(16)),
    ("heap = 128 MiB", |limits, _| limits.heap = ByteSize::mib(128)),
    ("heap = 256 MiB", |limits, _| limits.heap = ByteSize::mib(256)),
    ("heap = 512 MiB", |limits, _| limits.heap = ByteSize::mib(512)),
    ("young_generation = 6 MiB", |limits, _| limits.young_generation = Limit::At(ByteSize::mib(6))),
    ("young_generation = 48 MiB", |limits, _| {
        limits.young_generation = Limit::At(ByteSize::mib(48));
    }),
    ("stack = 128 KiB", |limits, _| limits.stack = ByteSize::kib(128)),
    ("stack = 512 KiB", |limits, _| limits.stack = ByteSize::kib(512)),
    ("hardening = abort_only", |limits, _| limits.hardening = Hardening::AbortOnly),
    ("hardening = off", |limits, _| limits.hardening = Hardening::Off),
    ("jitless", |_, options| options.jitless = true),
    ("synchronous_compilation", |_, options| options.synchronous_compilation = true),
    ("platform_threads = 1", |_, options| options.platform_threads = 1),
];

/// What the limits that are V8's parameters, and its options, do to memory and time.
fn parameters(scale: &Scale) {
    headline(
        "The parameters of an isolate: a worker's",
        &["", "resident memory, idle", "start", "150,000 objects and strings"],
    );
    let [few, many] = scale.slope;
    for (at, (name, _)) in SETTINGS.iter().enumerate().take(scale.settings) {
        let figures = alone("setting", &[at, few, many, scale.runs]);
        let [holds, start, work] = figures[..] else { panic!("{figures:?}") };
        row(&[name, &mebibytes(holds), &time(start), &time(work)]);
    }
}

fn measure_setting(setting: usize, slope: [usize; 2], runs: usize) -> Vec<f64> {
    // All of it soon garbage, as with most plugins.
    let work = "plugin.on('work', () => { let last; for (let i = 0; i < 300; i++)
        last = Array.from({ length: 500 }, (_, n) => ({ n, name: 'item ' + n })); return last.length })";
    let (mut limits, mut options) = (ResourceLimits::default(), V8Options::default());
    SETTINGS[setting].1(&mut limits, &mut options);
    set_v8_options(options).unwrap();
    let builder: PluginBuilder<PluginWorker> =
        PluginWorker::builder("set").limits(limits).script("m.js", work);
    let starts = RefCell::default();
    let start = || {
        let began = Instant::now();
        let worker = builder.clone().build().unwrap();
        Vec::push(&mut starts.borrow_mut(), since(began));
        worker
    };
    let holds = each_holds(slope, start);
    let worker = start();
    let work = || {
        let began = Instant::now();
        worker.blocking_call_hook("work", json!(null)).unwrap();
        since(began)
    };
    // The first is compiled on the way.
    work();
    let work = median((0..runs).map(|_| work()).collect());
    vec![holds, median(starts.into_inner()), work]
}

/// What this process holds just now.
struct InUse {
    /// In MiB.
    resident: f64,
    threads: f64,
    descriptors: f64,
}

impl InUse {
    /// Nothing but on Linux.
    fn now() -> Option<Self> {
        let status = std::fs::read_to_string("/proc/self/status").ok()?;
        let field = |name: &str| {
            let value = status.lines().find_map(|line| line.strip_prefix(name))?;
            value.split_whitespace().next()?.parse::<f64>().ok()
        };
        Some(Self {
            resident: field("VmRSS:")? / 1024.0,
            threads: field("Threads:")?,
            // One of them is for looking.
            descriptors: (std::fs::read_dir("/proc/self/fd").ok()?.count() - 1) as f64,
        })
    }
}

/// In microseconds.
fn since(began: Instant) -> f64 {
    began.elapsed().as_secs_f64() * 1e6
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

fn time(micros: f64) -> String {
    if micros < 1000.0 { format!("{micros:.1} µs") } else { format!("{:.2} ms", micros / 1000.0) }
}

fn mebibytes(mebibytes: f64) -> String {
    format!("{mebibytes:.2} MiB")
}

fn headline(title: &str, columns: &[&str]) {
    println!("\n### {title}\n");
    println!("| {} |", columns.join(" | "));
    println!("|---|{}", "--:|".repeat(columns.len() - 1));
}

fn row(cells: &[&dyn Display]) {
    let cells: Vec<_> = cells.iter().map(ToString::to_string).collect();
    println!("| {} |", cells.join(" | "));
}
