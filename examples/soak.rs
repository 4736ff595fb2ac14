//! Random plugins, faults, cancels, restarts and reloads for an hour; at the end memory,
//! threads and file descriptors are where they were.
//!
//! ```sh
//! make soak                                     # an hour
//! cargo run --release --example soak -- --minutes 2 --seed 7
//! ```
//!
//! Ends with 0 if nothing was wrong, and says what was. Linux only: it reads `/proc`.
#![allow(clippy::print_stdout)]

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use fastrand::Rng;
use plugin_sandbox::{
    ByteSize, Capability, HostFunctions, PluginCapabilities, PluginError, PluginWorker,
    ResourceLimits, WorkerRegistry, process_stats,
};
use serde_json::{Value, json};

/// Plugins that exist at once.
const PLUGINS: u32 = 12;
/// Threads that use them.
const CALLERS: u64 = 3;

const STARTUP: &str = "
    var kept = [];
    plugin.on('work', ({ n, text }) => {
        const words = text.split(' ').map(w => w.toUpperCase()).sort();
        kept.push({ n, words }); if (kept.length > 50) kept.shift();
        return { n, words, sum: words.reduce((s, w) => s + w.length, 0) };
    });
    plugin.on('wait', ms => new Promise(done => setTimeout(done, ms, 'waited')));
    plugin.on('ask', x => host.later(x).then(y => [y]));
    plugin.on('tick', () => { const id = setInterval(() => kept.push(1), 5); setTimeout(() => clearInterval(id), 20) });
    plugin.on('loop', () => { for (;;); });
    plugin.on('flood', () => { const all = []; for (;;) all.push({ all }) });
    plugin.on('buffers', () => { const all = []; for (;;) all.push(new Uint8Array(1 << 20).fill(1)) });
    plugin.on('hang', () => new Promise(() => {}));
    plugin.on('throw', x => { throw new Error('thrown', { cause: x }) });
    plugin.on('reject', async x => { await 0; Promise.reject(x); throw x });";

fn build(registry: &WorkerRegistry, name: &str) -> Result<Arc<PluginWorker>, PluginError> {
    let mut limits = ResourceLimits::default();
    limits.wall_time = Duration::from_secs(1);
    limits.heap = ByteSize::mib(24);
    limits.array_buffers = ByteSize::mib(16);
    let host = HostFunctions::new().async_function("host.later", |_, value: Value| async move {
        tokio::time::sleep(Duration::from_millis(2)).await;
        Ok(value)
    });
    registry.add(
        PluginWorker::builder(name)
            .limits(limits)
            .capabilities(PluginCapabilities::none().grant(Capability::Timers).host("*")?)
            .host_functions(host)
            .script("startup.js", STARTUP),
    )
}

/// What was wrong, so far.
#[derive(Default)]
struct Findings {
    wrong: Mutex<Vec<String>>,
    steps: AtomicU64,
}

impl Findings {
    fn add(&self, what: String) {
        println!("WRONG: {what}");
        self.wrong.lock().unwrap().push(what);
    }

    /// `answer` is one that this step may have.
    fn check(&self, step: &str, answer: &Result<Value, PluginError>, as_expected: bool) {
        // Another caller may be taking the worker away just now.
        let is_gone = matches!(
            answer,
            Err(PluginError::WorkerDisconnected | PluginError::Cancelled | PluginError::ShutDown)
        );
        if !as_expected && !is_gone {
            self.add(format!("{step} answered {answer:?}"));
        }
    }
}

fn step(random: &mut Rng, registry: &WorkerRegistry, findings: &Findings) {
    let name = format!("plugin-{}", random.u32(..PLUGINS));
    let Some(worker) = registry.get(&name) else {
        // Two callers may both see that it is missing.
        match build(registry, &name) {
            Ok(_) | Err(PluginError::WorkerAlreadyExists { .. }) => {}
            Err(error) => findings.add(format!("start: {error}")),
        }
        return;
    };
    let call = |hook: &str, args: Value| worker.blocking_call_hook(hook, args);
    let n = random.u32(..);
    match random.u32(..100) {
        0..45 => {
            let answer = call("work", json!({ "n": n, "text": "the quick brown fox" }));
            let right = answer.as_ref().is_ok_and(|value| value["n"] == n && value["sum"] == 16);
            findings.check("work", &answer, right);
        }
        45..55 => {
            let answer = call("ask", n.into());
            findings.check("ask", &answer, answer == Ok(json!([n])));
        }
        55..60 => {
            let answer = call("wait", random.u32(..20).into());
            findings.check("wait", &answer, answer == Ok("waited".into()));
        }
        60..65 => findings.check("tick", &call("tick", Value::Null), true),
        65..70 => {
            let answer = call("throw", n.into());
            let thrown = matches!(answer, Err(PluginError::JavaScript(_)));
            findings.check("throw", &answer, thrown);
        }
        70..74 => {
            let answer = call("reject", n.into());
            let thrown = matches!(answer, Err(PluginError::JavaScript(_)));
            findings.check("reject", &answer, thrown);
        }
        74..78 => {
            let answer = call("loop", Value::Null);
            findings.check("loop", &answer, matches!(answer, Err(PluginError::Timeout { .. })));
        }
        78..81 => {
            let answer = call("flood", Value::Null);
            let stopped = matches!(
                answer,
                Err(PluginError::MemoryLimitExceeded { .. } | PluginError::Timeout { .. })
            );
            findings.check("flood", &answer, stopped);
        }
        81..84 => {
            let answer = call("buffers", Value::Null);
            let refused =
                matches!(answer, Err(PluginError::JavaScript(_) | PluginError::Timeout { .. }));
            findings.check("buffers", &answer, refused);
        }
        84..90 => {
            let call = worker.call_hook("hang", Value::Null);
            std::thread::sleep(Duration::from_micros(random.u64(..2000)));
            call.cancel();
            let answer = call.wait();
            findings.check("cancel", &answer, answer == Err(PluginError::Cancelled));
        }
        90..95 => drop(worker.call_hook("work", json!({ "n": n, "text": "dropped" }))),
        95..98 => drop(registry.remove(&name)),
        _ => worker.shutdown_now(),
    }
    if worker.is_shut_down() {
        drop(registry.remove(&name));
    }
    findings.steps.fetch_add(1, Ordering::Relaxed);
}

/// Uses the plugins from several threads for `time`, then takes them all down.
fn round(time: Duration, seed: u64, findings: &Findings) {
    let registry = WorkerRegistry::new();
    let until = Instant::now() + time;
    let runtime = tokio::runtime::Handle::current();
    std::thread::scope(|scope| {
        for caller in 0..CALLERS {
            let (registry, runtime) = (&registry, &runtime);
            scope.spawn(move || {
                let _context = runtime.enter();
                let mut random = Rng::with_seed(seed.wrapping_mul(CALLERS).wrapping_add(caller));
                while Instant::now() < until {
                    step(&mut random, registry, findings);
                }
            });
        }
    });
    registry.shutdown_all();
}

/// What the process holds.
#[derive(Debug, Clone, Copy)]
struct Holds {
    resident_mib: u64,
    threads: usize,
    files: usize,
}

impl Holds {
    fn now() -> Self {
        // Threads that have been joined may be seen for a moment.
        std::thread::sleep(Duration::from_millis(300));
        let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
        let pages: u64 = pages.split(' ').nth(1).unwrap().parse().unwrap();
        let count = |path| std::fs::read_dir(path).unwrap().count();
        Self {
            resident_mib: pages * 4096 / (1 << 20),
            threads: count("/proc/self/task"),
            files: count("/proc/self/fd"),
        }
    }
}

fn argument(name: &str) -> Option<f64> {
    std::env::args().skip_while(|argument| argument != name).nth(1)?.parse().ok()
}

#[tokio::main(flavor = "multi_thread", worker_threads = 1)]
async fn main() {
    let minutes = argument("--minutes").unwrap_or(60.0);
    let seed = argument("--seed").unwrap_or(1.0) as u64;
    let findings = Findings::default();
    let all = Duration::from_secs_f64(minutes * 60.0);
    // The rounds are short at first: what is taken for good is taken early.
    let (rounds, began) = (10, Instant::now());
    let mut first = None;
    for n in 0..rounds {
        tokio::task::block_in_place(|| round(all / rounds, seed + u64::from(n), &findings));
        let holds = Holds::now();
        println!(
            "{:>5} s, {:>7} steps: {holds:?}",
            began.elapsed().as_secs(),
            findings.steps.load(Ordering::Relaxed)
        );
        // The first round warms the process up.
        if n == 1 {
            first = Some(holds);
        }
    }
    let (first, last) = (first.unwrap(), Holds::now());
    if last.threads > first.threads || last.files > first.files {
        findings.add(format!("threads or descriptors were lost: {first:?}, {last:?}"));
    }
    if last.resident_mib > first.resident_mib * 5 / 4 + 32 {
        findings.add(format!("memory grew: {first:?}, {last:?}"));
    }
    let lost = process_stats().quarantined_total;
    if lost > 0 {
        findings.add(format!("{lost} threads were given up"));
    }
    let wrong = findings.wrong.into_inner().unwrap();
    println!("{} steps, {} findings (seed {seed})", findings.steps.into_inner(), wrong.len());
    std::process::exit(i32::from(!wrong.is_empty()));
}
