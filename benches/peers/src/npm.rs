//! Ordinary work: packages from npm as published, on real documents, in the sandbox and out of
//! it. The very same script text runs under all of them.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use plugin_sandbox::{Hardening, PluginIsolate, ResourceLimits, Value};
use serde::{Deserialize, Serialize};

use crate::measure::per_call;
use crate::peers::bare;

const WARM_UP: Duration = Duration::from_secs(2);
const MEASURED: Duration = Duration::from_millis(2500);
const NODE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/npm.mjs");

/// Where the work is done; the first is what the others are divided by.
pub(crate) const PLACES: [&str; 5] = ["bare", "node", "off", "abort-only", "full"];

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
    /// The hardening prelude: 600 lines of JavaScript.
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
    /// `call_us` over bare V8's in the same round; filled in by the parent.
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

    /// Does the work in one place, in this process.
    pub(crate) fn measure(&self, place: &str) -> io::Result<Option<Worked>> {
        let (script, document) = (self.script()?, self.document()?);
        Ok(match place {
            "off" => Some(sandboxed(&script, document, Hardening::Off)),
            "abort-only" => Some(sandboxed(&script, document, Hardening::AbortOnly)),
            "full" => Some(sandboxed(&script, document, Hardening::Full)),
            "bare" => Some(unguarded(&script, &document)),
            "node" => node(&script, &document),
            _ => None,
        })
    }
}

/// The processor's time of this thread between the first call, which compiles, and the last.
#[derive(Default)]
struct CpuMeter {
    calls: u32,
    first: Option<f64>,
    last: Option<f64>,
}

impl CpuMeter {
    fn count(&mut self) {
        let spent = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
        self.last = spent.and_then(|text| text.split(' ').next()?.parse::<f64>().ok());
        if self.calls == 0 {
            self.first = self.last;
        }
        self.calls += 1;
    }

    fn per_call(&self) -> Option<f64> {
        let (first, last) = self.first.zip(self.last)?;
        (self.calls > 1).then(|| (last - first) / 1e3 / f64::from(self.calls - 1))
    }
}

/// Under the default limits, but for time: a slow machine is no reason to stop.
fn sandboxed(script: &str, document: String, hardening: Hardening) -> Worked {
    let mut limits = ResourceLimits::default();
    limits.hardening = hardening;
    limits.wall_time = Duration::from_secs(60);
    let plugin = PluginIsolate::builder("npm").limits(limits).script("npm.js", script);
    let mut plugin = plugin.build().expect("the package loads");
    let document = Value::String(document);
    let mut result_length = 0;
    let mut cpu = CpuMeter::default();
    let call_us = per_call(WARM_UP, MEASURED, || {
        let result = plugin.call_hook("work", document.clone()).expect("it works");
        result_length = result.as_str().map_or(0, str::len);
        cpu.count();
    });
    Worked { call_us, cpu_us: cpu.per_call(), over_bare: None, result_length }
}

/// V8 as it comes, text in and text out.
fn unguarded(script: &str, document: &str) -> Worked {
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
    let mut result_length = 0;
    let mut cpu = CpuMeter::default();
    let call_us = per_call(WARM_UP, MEASURED, || {
        v8::scope!(let scope, scope);
        let text = v8::String::new(scope, document).expect("short").into();
        let mut result = work.call(scope, receiver, &[text]).expect("it works");
        scope.perform_microtask_checkpoint();
        if let Ok(promise) = v8::Local::<v8::Promise>::try_from(result) {
            result = promise.result(scope);
        }
        result_length = result.to_rust_string_lossy(scope).len();
        cpu.count();
    });
    Worked { call_us, cpu_us: cpu.per_call(), over_bare: None, result_length }
}

/// `None` without a `node`.
fn node(script: &str, document: &str) -> Option<Worked> {
    let mut child = Command::new("node")
        .arg(NODE)
        .args([WARM_UP, MEASURED].map(|time| time.as_millis().to_string()))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .ok()?;
    let input = serde_json::json!({ "script": script, "document": document });
    serde_json::to_writer(child.stdin.take()?, &input).ok()?;
    let output = child.wait_with_output().ok().filter(|output| output.status.success())?;
    serde_json::from_slice(&output.stdout).ok()
}
