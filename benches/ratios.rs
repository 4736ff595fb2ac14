//! What each thing costs over its floor: a table in Markdown. The figures to quote are these.
//!
//! Not Criterion's, which measures one thing for seconds and then the next. Meanwhile a machine
//! becomes slower and faster, by half and more; so here ours and the floor take turns, and a ratio
//! is the median of those of single rounds. `cargo bench --bench ratios -- start` prints the
//! rows that begin with something with this word.
#![allow(missing_docs, clippy::print_stdout)]

mod floors;

use std::cell::RefCell;
use std::hint::black_box;
use std::time::{Duration, Instant};

use floors::bare_thread::BareThread;
use floors::bare_v8::{self, Way};
use floors::cores::on_core;
use floors::{ECHO, TOGETHER, isolate, payloads, record, small, worker};
use plugin_sandbox::{
    ByteSize, PluginIsolate, PluginWorker, RawValue, ResourceLimits, Value, Wake, WorkerPool,
};

const SPIN: Duration = Duration::from_micros(50);

/// One who takes part: answers what one piece of work took.
struct Contender<'a> {
    name: String,
    is_floor: bool,
    work: Box<dyn FnMut() -> Duration + 'a>,
}

fn floor<'a>(name: &str, work: impl FnMut() -> Duration + 'a) -> Contender<'a> {
    Contender { name: name.to_owned(), is_floor: true, work: Box::new(work) }
}

fn ours<'a>(name: &str, work: impl FnMut() -> Duration + 'a) -> Contender<'a> {
    Contender { name: name.to_owned(), is_floor: false, work: Box::new(work) }
}

/// What one of `count` calls takes on average. Neither is what they are given made meanwhile, nor
/// what they answer dropped.
fn timed<A: Clone, R>(count: usize, argument: &A, mut call: impl FnMut(A) -> R) -> Duration {
    let arguments = vec![argument.clone(); count];
    let mut answers = Vec::with_capacity(count);
    let began = Instant::now();
    answers.extend(arguments.into_iter().map(&mut call));
    let took = began.elapsed();
    black_box(answers);
    took / u32::try_from(count).unwrap()
}

/// What is asked for on the command line.
struct Asked {
    /// To see that it works, not to measure.
    is_test: bool,
    word: Option<String>,
}

impl Asked {
    fn new() -> Self {
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        let is_given = |name: &str| arguments.iter().any(|argument| argument == name);
        Self {
            // As Criterion decides it: `cargo bench` says `--bench`, `cargo test` says nothing.
            is_test: !is_given("--bench") || is_given("--test"),
            word: arguments.into_iter().find(|argument| !argument.starts_with('-')),
        }
    }

    /// Has all who take part take turns for so many rounds, and prints what each of ours took.
    fn compare(&self, title: &str, rounds: usize, contenders: Vec<Contender<'_>>) {
        if self.word.as_ref().is_some_and(|word| !title.contains(word.as_str())) {
            return;
        }
        let rounds = if self.is_test { 1 } else { rounds };
        let mut contenders = contenders;
        let mut took = vec![Vec::with_capacity(rounds); contenders.len()];
        // The first round, in which V8 compiles, does not count.
        for round in 0..=rounds {
            for (contender, took) in contenders.iter_mut().zip(&mut took) {
                let once = (contender.work)();
                if round > 0 {
                    took.push(once.as_secs_f64());
                }
            }
        }
        let floors = (0..contenders.len()).filter(|&at| contenders[at].is_floor);
        let best = floors.min_by(|&a, &b| median(&took[a]).total_cmp(&median(&took[b])));
        let best = best.expect("each comparison has a floor");
        for (contender, own) in contenders.iter().zip(&took).filter(|(one, _)| !one.is_floor) {
            let ratios: Vec<_> =
                own.iter().zip(&took[best]).map(|(own, best)| own / best).collect();
            let [here, floor] = [own, &took[best]].map(|took| time(median(took)));
            let (name, ratio) = (&contender.name, median(&ratios));
            println!(
                "| {title}: {name} | {here} | {floor}, {} | {ratio:.2}× |",
                contenders[best].name
            );
        }
    }
}

fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn time(seconds: f64) -> String {
    match seconds {
        ..1e-6 => format!("{:.0} ns", seconds * 1e9),
        1e-6..1e-3 => format!("{:.1} µs", seconds * 1e6),
        _ => format!("{:.2} ms", seconds * 1e3),
    }
}

/// How many calls with a payload of this size a turn has, and how many turns there are.
fn turns(size: &str) -> (usize, usize) {
    match size {
        "1 MB" => (1, 60),
        "10 kB" => (10, 300),
        _ => (200, 300),
    }
}

/// No thread: over bare V8 with the conversion that is best for the payload.
fn calls(asked: &Asked) {
    for (size, payload) in payloads() {
        let mut plugin = isolate();
        let (count, rounds) = turns(size);
        bare_v8::with(|bare| {
            let (bare, payload) = (&RefCell::new(bare), &payload);
            let mut contenders: Vec<_> = Way::of(payload)
                .iter()
                .map(|&way| {
                    let call = move |payload| (bare.borrow_mut())(way, payload);
                    floor(way.name(), move || timed(count, payload, call))
                })
                .collect();
            contenders.push(ours("`PluginIsolate::call_hook`", || {
                timed(count, payload, |payload| plugin.call_hook("echo", payload).unwrap())
            }));
            asked.compare(size, rounds, contenders);
        });
    }
}

/// The same for JSON text, of which nobody makes values in Rust.
fn texts(asked: &Asked) {
    // Text is for what is no scalar.
    let payloads = payloads().into_iter().skip_while(|(size, _)| *size != "350 B");
    for (size, payload) in payloads {
        let mut plugin = isolate();
        let (count, rounds) = turns(size);
        let text = payload.to_string();
        let raw = RawValue::from_string(text.clone()).unwrap();
        bare_v8::with_text(|bare| {
            let contenders = vec![
                floor("bare V8, JSON text in and out", || timed(count, &text, &mut *bare)),
                ours("`PluginIsolate::call_hook_raw`", || {
                    timed(count, &raw, |raw| plugin.call_hook_raw("echo", raw).unwrap())
                }),
            ];
            asked.compare(&format!("{size} of text"), rounds, contenders);
        });
    }
}

/// What is left of a call when nothing goes in or out: over a bare call in an isolate that is entered
/// all the time, and, which leaves the guards alone, over one that is entered for the call.
fn guards(asked: &Asked) {
    const COUNT: usize = 1000;
    let plugin = RefCell::new(isolate());
    let call = |nothing| plugin.borrow_mut().call_hook("echo", nothing).unwrap();
    let ours = || ours("`PluginIsolate::call_hook`", || timed(COUNT, &Value::Null, call));
    bare_v8::with(|bare| {
        let call = floor(Way::Nothing.name(), || {
            timed(COUNT, &Value::Null, |argument| bare(Way::Nothing, argument))
        });
        asked.compare("nothing", 500, vec![call, ours()]);
    });
    bare_v8::with_entered(|bare| {
        let call = floor("the same, isolate and context entered for it", || {
            timed(COUNT, &(), |()| bare())
        });
        asked.compare("nothing: all guards", 500, vec![call, ours()]);
    });
}

fn bytes(asked: &Asked) {
    let mut limits = ResourceLimits::default();
    limits.argument_size = ByteSize::mib(16);
    limits.result_size = ByteSize::mib(16);
    let builder = PluginIsolate::builder("echo").limits(limits.clone()).script("m.js", ECHO);
    let (mut plugin, worker) = (builder.build().unwrap(), worker(limits));
    let bytes = vec![7; 10 << 20];
    bare_v8::with_bytes(|bare| {
        let contenders = vec![
            floor("bare V8, adopted and copied once", || timed(1, &bytes, &mut *bare)),
            ours("`PluginIsolate::call_hook_bytes`", || {
                timed(1, &bytes, |bytes| plugin.call_hook_bytes("echo", bytes).unwrap())
            }),
            ours("`PluginWorker::call_hook_bytes`", || {
                timed(1, &bytes, |bytes| worker.blocking_call_hook_bytes("echo", bytes).unwrap())
            }),
        ];
        asked.compare("10 MB of bytes in and out", 100, contenders);
    });
}

fn starts(asked: &Asked) {
    let builder = PluginWorker::builder("echo").script("m.js", ECHO);
    let pool = WorkerPool::new(builder.clone()).prewarm(2);
    let answer = |worker: PluginWorker| {
        black_box(worker.blocking_call_hook("echo", small()).unwrap());
        worker
    };
    let contenders = vec![
        floor("bare isolate and context, made and dropped", || {
            timed(1, &(), |()| bare_v8::start())
        }),
        ours("`PluginIsolate`, made and dropped", || timed(1, &(), |()| drop(isolate()))),
        ours("`PluginWorker`, up to its first answer", || {
            timed(1, &builder, |builder| answer(builder.build().unwrap()))
        }),
        ours("`PluginWorker`, up to its first answer, and shut down", || {
            timed(1, &builder, |builder| drop(answer(builder.build().unwrap())))
        }),
        ours("first answer of a worker from a `WorkerPool`", || {
            while pool.ready() < 2 {
                std::thread::yield_now();
            }
            timed(1, &(), |()| answer(pool.get().unwrap()))
        }),
    ];
    asked.compare("start", 200, contenders);
}

fn wakes() -> [(&'static str, Wake); 3] {
    [
        ("`Wake::Park`", Wake::Park),
        ("`Wake::Spin`", Wake::Spin { up_to: SPIN }),
        ("`Wake::Adaptive`", Wake::Adaptive),
    ]
}

fn waiting(wake: Wake) -> PluginWorker {
    let mut limits = ResourceLimits::default();
    limits.wake = wake;
    worker(limits)
}

/// Over a bare hop to a thread that makes the same call.
fn sequential(asked: &Asked) {
    for (title, core) in [("on the caller's core", 0), ("on another", 1)] {
        // All threads that are called on the same one, and the caller on the first.
        let contenders = on_core(core, || hops(Duration::ZERO));
        let title = format!("350 B, one after the other, parked {title}");
        on_core(0, || asked.compare(&title, 200, contenders));
    }
    // Not here: a worker that has one core, as far as it knows, does not stay awake.
    asked.compare("350 B, one after the other, awake", 200, hops(SPIN));
}

/// The same call over a thread each: the bare one, which waits so long before it parks, and the workers
/// that wait like it.
fn hops(spin: Duration) -> Vec<Contender<'static>> {
    const COUNT: usize = 50;
    let bare = BareThread::new(spin, true);
    let mut contenders = vec![floor("a bare hop and the isolate's call", move || {
        timed(COUNT, &record(), |record| bare.call(record, spin))
    })];
    for (name, wake) in wakes() {
        if spin.is_zero() == (wake == Wake::Park) {
            let worker = waiting(wake);
            contenders.push(ours(&format!("`PluginWorker`, {name}"), move || {
                timed(COUNT, &record(), |record| worker.blocking_call_hook("echo", record).unwrap())
            }));
        }
    }
    if !spin.is_zero() {
        let worker = waiting(Wake::Spin { up_to: spin });
        let text = RawValue::from_string(record().to_string()).unwrap();
        contenders.push(ours("`PluginWorker::call_hook_raw`, `Wake::Spin`", move || {
            timed(COUNT, &text, |text| worker.blocking_call_hook_raw("echo", text).unwrap())
        }));
    }
    contenders
}

/// Over the isolate's calls alone.
fn together(asked: &Asked) {
    let small = small();
    let mut plugin = isolate();
    let calls = u32::try_from(TOGETHER).unwrap();
    let mut contenders = vec![floor("the isolate's calls alone", || {
        timed(TOGETHER, &small, |small| plugin.call_hook("echo", small).unwrap())
    })];
    for (name, wake) in wakes() {
        let (worker, small) = (waiting(wake), &small);
        contenders.push(ours(&format!("under way together, {name}"), move || {
            let arguments = vec![small.clone(); TOGETHER];
            timed(1, &arguments, |arguments| {
                let calls: Vec<_> =
                    arguments.into_iter().map(|small| worker.call_hook("echo", small)).collect();
                calls.into_iter().map(|call| call.wait().unwrap()).collect::<Vec<_>>()
            }) / calls
        }));
        let worker = waiting(wake);
        contenders.push(ours(&format!("a batch, {name}"), move || {
            let arguments = vec![small.clone(); TOGETHER];
            timed(1, &arguments, |arguments| {
                let answers = worker.blocking_call_hook_batch("echo", arguments);
                assert!(answers.iter().all(Result::is_ok));
                answers
            }) / calls
        }));
    }
    asked.compare("small object, 64 at a time", 1000, contenders);
}

fn main() {
    let asked = Asked::new();
    // Before any row has threads on one core only: V8's own, and the watchdog's, are on all.
    drop(isolate());
    println!("| | here | the floor | ratio |\n|---|--:|--:|--:|");
    for group in [calls, texts, guards, bytes, starts, sequential, together] {
        group(&asked);
    }
}
