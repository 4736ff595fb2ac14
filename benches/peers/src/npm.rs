//! Ordinary work: packages from npm as published, on real documents, in the sandbox and out of
//! it. The very same script text runs under all of them.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use plugin_sandbox::{ByteSize, Hardening, PluginIsolate, ResourceLimits, Value};
use serde::{Deserialize, Serialize};

use crate::peers::bare;

/// How long one place works before it is another's turn.
const TURN: Duration = Duration::from_millis(250);
const NODE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/npm.mjs");

/// Where the work is done; the first is what the others are divided by.
pub(crate) const PLACES: [&str; 6] = ["bare", "node", "off", "abort-only", "full", "large"];

/// Where the work is begun again and again: a start each, up to the answer for a short document.
/// `again` is a start with the code that V8 has compiled for those before.
pub(crate) const STARTS: [&str; 3] = ["bare-start", "anew", "again"];

/// What is done: its packages' files and the line that makes a function `work` of them.
pub(crate) struct Workload {
    pub(crate) name: &'static str,
    files: &'static [&'static str],
    adapter: &'static str,
    document: Document,
}

enum Document {
    /// README.md and docs/*.md, twenty times over.
    Markdown,
    /// The hardening prelude: 1,500 lines of JavaScript.
    Source,
}

pub(crate) const WORKLOADS: [Workload; 3] = [
    Workload {
        name: "marked",
        files: &["marked-18.2.1/lib/marked.umd.js"],
        adapter: "function work(text) { return marked.parse(text) }",
        document: Document::Markdown,
    },
    Workload {
        name: "prettier",
        files: &[
            "prettier-3.10.1/standalone.js",
            "prettier-3.10.1/plugins/babel.js",
            "prettier-3.10.1/plugins/estree.js",
        ],
        adapter: "function work(text) { return prettier.format(text,
            { parser: 'babel', plugins: Object.values(prettierPlugins) }) }",
        document: Document::Source,
    },
    Workload {
        name: "js-beautify",
        files: &["js-beautify-2.0.3/js/lib/beautify.js"],
        // The file looks for `window` where there is no module loader.
        adapter: "function work(text) { return globalThis.js_beautify(text) }",
        document: Document::Source,
    },
];

/// One workload in one place.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Worked {
    pub(crate) call_us: f64,
    /// The processor's time of the calling thread, on average; Linux only. What else runs on the
    /// machine is not in it.
    #[serde(default)]
    pub(crate) cpu_us: Option<f64>,
    /// `call_us` over bare V8's in the same round of turns; filled in by the parent.
    #[serde(default)]
    pub(crate) over_bare: Option<f64>,
    /// Of what came out, so that all are seen to have done the same.
    pub(crate) result_length: usize,
}

impl Workload {
    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        WORKLOADS.iter().find(|workload| workload.name == name)
    }

    fn script(&self) -> io::Result<String> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("npm");
        let mut script = String::from("var window = globalThis;\n");
        for file in self.files {
            script.push_str(&fs::read_to_string(folder.join(file))?);
            script.push_str("\n;\n");
        }
        let _ = writeln!(script, "{}", self.adapter);
        Ok(script)
    }

    fn document(&self) -> io::Result<String> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        match self.document {
            Document::Source => fs::read_to_string(root.join("src/isolate/prelude/hardening.js")),
            Document::Markdown => {
                let mut files: Vec<PathBuf> = fs::read_dir(root.join("docs"))?
                    .filter_map(|entry| Some(entry.ok()?.path()))
                    // Not the page that the figures are written to.
                    .filter(|path| path.extension().is_some_and(|end| end == "md"))
                    .filter(|path| !path.ends_with("performance.md"))
                    .collect();
                files.sort();
                let mut text = fs::read_to_string(root.join("README.md"))?;
                for file in files {
                    text.push_str(&fs::read_to_string(file)?);
                }
                Ok(text.repeat(20))
            }
        }
    }

    /// Of some hundred lines.
    fn short_document(&self) -> io::Result<String> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        fs::read_to_string(root.join(match self.document {
            Document::Source => "src/isolate/value_out/tape.js",
            Document::Markdown => "docs/config.md",
        }))
    }

    /// Does the work in one place, in this process, whenever it is its turn.
    pub(crate) fn serve(&self, place: &str) -> io::Result<()> {
        let (script, document) = (self.script()?, self.document()?);
        if STARTS.contains(&place) {
            return starts(&script, &self.short_document()?, place);
        }
        match place {
            "off" => sandboxed(&script, document, Hardening::Off, None),
            "abort-only" => sandboxed(&script, document, Hardening::AbortOnly, None),
            "full" => sandboxed(&script, document, Hardening::Full, None),
            "large" => sandboxed(&script, document, Hardening::Full, Some(ByteSize::mib(512))),
            _ => unguarded(&script, &document),
        }
    }
}

/// One workload in one place, in a process of its own: all places are there at once and take
/// turns, as the machine is at times twice as fast as at others.
pub(crate) struct Place {
    child: Child,
    turns: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Place {
    pub(crate) fn start(workload: &Workload, place: &str) -> io::Result<Self> {
        let mut command = if place == "node" {
            let mut node = Command::new("node");
            node.arg(NODE).arg(TURN.as_millis().to_string());
            node
        } else {
            let mut own = Command::new(std::env::current_exe()?);
            own.args(["--npm", workload.name, "--place", place]);
            own
        };
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let pipes = child.stdin.take().zip(child.stdout.take());
        let (mut turns, answers) = pipes.ok_or_else(|| io::Error::other("no pipes"))?;
        if place == "node" {
            let (script, document) = (workload.script()?, workload.document()?);
            let input = serde_json::json!({ "script": script, "document": document });
            writeln!(turns, "{input}")?;
        }
        Ok(Self { child, turns, answers: BufReader::new(answers) })
    }

    /// Has it work for one turn.
    pub(crate) fn turn(&mut self) -> io::Result<Worked> {
        writeln!(self.turns)?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer)?;
        Ok(serde_json::from_str(&answer)?)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Does `one` piece of work after the other for a turn, each time a line comes; `one` answers the
/// length of its result.
fn take_turns(mut one: impl FnMut() -> usize) -> io::Result<()> {
    for turn in io::stdin().lines() {
        turn?;
        let (began, cpu) = (Instant::now(), cpu_us());
        let (mut calls, mut result_length) = (0, 0);
        while calls == 0 || began.elapsed() < TURN {
            result_length = one();
            calls += 1;
        }
        let calls = f64::from(calls);
        let worked = Worked {
            call_us: began.elapsed().as_secs_f64() * 1e6 / calls,
            cpu_us: cpu_us().zip(cpu).map(|(after, before)| (after - before) / calls),
            over_bare: None,
            result_length,
        };
        println!("{}", serde_json::to_string(&worked)?);
    }
    Ok(())
}

/// The processor's time of this thread.
fn cpu_us() -> Option<f64> {
    let spent = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(spent.split(' ').next()?.parse::<f64>().ok()? / 1e3)
}

/// The package in the sandbox under the default limits, but for time: a slow machine is no reason to
/// stop.
fn package(script: &str, more: impl FnOnce(&mut ResourceLimits)) -> impl FnMut(Value) -> usize {
    let mut limits = ResourceLimits::default();
    limits.wall_time = Duration::from_secs(60);
    more(&mut limits);
    let plugin = PluginIsolate::builder("npm").limits(limits).script("npm.js", script);
    let mut plugin = plugin.build().expect("the package loads");
    move |document| {
        let result = plugin.call_hook("work", document).expect("it works");
        result.as_str().map_or(0, str::len)
    }
}

/// With this hardening; and with this heap, if one is given: V8 alone has one of gigabytes.
fn sandboxed(
    script: &str,
    document: String,
    hardening: Hardening,
    heap: Option<ByteSize>,
) -> io::Result<()> {
    let mut work = package(script, |limits| {
        limits.hardening = hardening;
        limits.heap = heap.unwrap_or(limits.heap);
    });
    let document = Value::String(document);
    take_turns(|| work(document.clone()))
}

/// V8 as it comes, text in and text out.
fn unguarded(script: &str, document: &str) -> io::Result<()> {
    in_bare_v8(script, |work| take_turns(|| work(document)))
}

fn starts(script: &str, document: &str, place: &str) -> io::Result<()> {
    let mut count = 0;
    take_turns(|| match place {
        "bare-start" => in_bare_v8(script, |work| work(document)),
        "anew" => {
            count += 1;
            let script = format!("{script}// {count}\n");
            package(&script, |_| {})(document.into())
        }
        _ => package(script, |_| {})(document.into()),
    })
}

/// Loads the package into an isolate of its own, for so long as it is used.
fn in_bare_v8<R>(script: &str, used: impl FnOnce(&mut dyn FnMut(&str) -> usize) -> R) -> R {
    bare::initialize();
    let isolate = &mut v8::Isolate::new(v8::CreateParams::default());
    isolate.set_microtasks_policy(v8::MicrotasksPolicy::Explicit);
    v8::scope!(let scope, isolate);
    let context = v8::Context::new(scope, v8::ContextOptions::default());
    let scope = &mut v8::ContextScope::new(scope, context);
    let source = v8::String::new(scope, &format!("{script}\nwork")).expect("short");
    let work = v8::Script::compile(scope, source, None).expect("it compiles");
    let work = work.run(scope).expect("it runs");
    let work = v8::Local::<v8::Function>::try_from(work).expect("a function");
    let receiver = v8::undefined(scope).into();
    used(&mut |document| {
        v8::scope!(let scope, scope);
        let text = v8::String::new(scope, document).expect("short").into();
        let mut result = work.call(scope, receiver, &[text]).expect("it works");
        scope.perform_microtask_checkpoint();
        if let Ok(promise) = v8::Local::<v8::Promise>::try_from(result) {
            result = promise.result(scope);
        }
        result.to_rust_string_lossy(scope).len()
    })
}
