//! What several tests need.

use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use plugin_sandbox::{
    ConsoleMessage, Hardening, JsError, PluginError, PluginWorker, ResourceLimits,
};

/// Default limits, but for the wall time: a machine that is busy must not fail a test.
pub fn patient_limits() -> ResourceLimits {
    let mut limits = ResourceLimits::default();
    limits.wall_time = Duration::from_secs(60);
    limits
}

/// Runs for centuries, and V8 does not look up from it: without hardening it costs its thread.
pub const DEAF: &str = "[].reverse.call({ length: 2 ** 53 - 1 })";

/// No hardening, and a thread that does not hear is soon given up.
pub fn unhardened_limits() -> ResourceLimits {
    let mut limits = ResourceLimits::default();
    limits.hardening = Hardening::Off;
    limits.wall_time = Duration::from_millis(200);
    limits.grace = Duration::from_millis(200);
    limits
}

/// A worker with patient limits.
pub fn worker() -> PluginWorker {
    plugin("")
}

/// A worker with patient limits and a start-up script.
pub fn plugin(code: &str) -> PluginWorker {
    let builder = PluginWorker::builder("test").limits(patient_limits());
    builder.script("main.js", code).build().unwrap()
}

/// A worker whose calls are stopped soon.
pub fn hasty_worker() -> PluginWorker {
    let mut limits = ResourceLimits::default();
    limits.wall_time = Duration::from_millis(100);
    PluginWorker::builder("test").limits(limits).build().unwrap()
}

/// A worker whose plugin, when it writes to the console, tells that it runs and waits to be let
/// go on.
pub fn waiting_plugin(
    limits: ResourceLimits,
    code: &str,
) -> (PluginWorker, mpsc::Receiver<()>, mpsc::Sender<()>) {
    let (entered, running) = mpsc::channel();
    let (proceed, wait) = mpsc::channel::<()>();
    let wait = Mutex::new(wait);
    let sink = move |_: &ConsoleMessage| {
        entered.send(()).unwrap();
        let _ = wait.lock().unwrap().recv();
    };
    let builder = PluginWorker::builder("test").limits(limits).console(sink);
    (builder.script("main.js", code).build().unwrap(), running, proceed)
}

/// The exception that `code` throws.
pub fn thrown(worker: &PluginWorker, code: &str) -> JsError {
    match worker.blocking_execute(code) {
        Err(PluginError::JavaScript(error)) => error,
        other => panic!("{code} answered {other:?}"),
    }
}

/// The plugin still does what it is told.
pub fn assert_alive(worker: &PluginWorker) {
    assert_eq!(worker.blocking_execute("6 * 7"), Ok(42.into()));
}

/// A console sink that keeps what it is given.
#[derive(Clone, Default)]
pub struct Lines(Arc<Mutex<Vec<ConsoleMessage>>>);

impl Lines {
    pub fn sink(&self) -> impl Fn(&ConsoleMessage) + Send + Sync + 'static {
        let lines = self.clone();
        move |message| lines.0.lock().unwrap().push(message.clone())
    }

    pub fn messages(&self) -> Vec<ConsoleMessage> {
        self.0.lock().unwrap().clone()
    }

    pub fn texts(&self) -> Vec<String> {
        self.messages().into_iter().map(|message| message.text).collect()
    }
}

/// Whether `condition` comes true within ten seconds.
pub fn eventually(condition: impl Fn() -> bool) -> bool {
    (0..1000).any(|_| {
        let holds = condition();
        if !holds {
            std::thread::sleep(Duration::from_millis(10));
        }
        holds
    })
}

/// How many descriptors this process has open.
#[cfg(target_os = "linux")]
pub fn open_descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// How many threads of this name this process has.
#[cfg(target_os = "linux")]
pub fn threads_named(name: &str) -> usize {
    let threads = std::fs::read_dir("/proc/self/task").unwrap();
    let named = |thread: std::io::Result<std::fs::DirEntry>| {
        let found = std::fs::read_to_string(thread.unwrap().path().join("comm"));
        found.is_ok_and(|found| found.trim_end() == name)
    };
    threads.map(named).filter(|is_named| *is_named).count()
}

/// Runs `test`, the body of the test named `name` (with its module), in a process of its own:
/// it measures the process, or may end it.
pub fn alone(name: &str, test: impl FnOnce()) {
    alone_with(name, &[], test);
}

/// The same, with these variables in its environment.
pub fn alone_with(name: &str, environment: &[(&str, &str)], test: impl FnOnce()) {
    const VARIABLE: &str = "PLUGIN_SANDBOX_TEST_ALONE";
    if std::env::var(VARIABLE).is_ok_and(|alone| alone == name) {
        return test();
    }
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .env(VARIABLE, name)
        .envs(environment.iter().copied())
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    assert!(output.status.success(), "{name} ended with {}:\n{text}", output.status);
    assert!(text.contains("1 passed"), "{name} did not run:\n{text}");
    // Seen with `--nocapture`.
    println!("{text}");
}
