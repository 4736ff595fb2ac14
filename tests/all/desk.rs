//! A plugin with files, and who watches it.

use std::sync::{Arc, Mutex};

use plugin_sandbox::{AuditEvent, AuditOutcome, FileRoot, PluginCapabilities, PluginWorker, Value};
use tempfile::TempDir;

use crate::support::patient_limits;

/// A directory `root` that is granted as `w`, beside one that is not, `outside`, with a secret.
pub struct Desk {
    pub directory: TempDir,
    pub worker: PluginWorker,
    pub events: Arc<Mutex<Vec<AuditEvent>>>,
}

impl Desk {
    pub fn new() -> Self {
        Self::with(|_| {})
    }

    pub fn with(change: impl FnOnce(&mut FileRoot)) -> Self {
        Self::with_capabilities(change, |capabilities| capabilities)
    }

    pub fn with_capabilities(
        change: impl FnOnce(&mut FileRoot),
        also: impl FnOnce(PluginCapabilities) -> PluginCapabilities,
    ) -> Self {
        let directory = tempfile::tempdir().unwrap();
        for name in ["root", "outside"] {
            std::fs::create_dir(directory.path().join(name)).unwrap();
        }
        std::fs::write(directory.path().join("outside/secret"), "secret").unwrap();
        let mut root = FileRoot::read_write(directory.path().join("root"));
        change(&mut root);
        let events = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&events);
        let worker = PluginWorker::builder("test")
            .limits(patient_limits())
            .capabilities(also(PluginCapabilities::default().files("w", root)))
            .audit(move |event: &AuditEvent| sink.lock().unwrap().push(event.clone()))
            .build()
            .unwrap();
        Self { directory, worker, events }
    }

    pub fn root(&self) -> std::path::PathBuf {
        self.directory.path().join("root")
    }

    pub fn outside(&self) -> std::path::PathBuf {
        self.directory.path().join("outside")
    }

    pub fn put(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.root().join(name), content).unwrap();
    }

    /// What `code` answers, or the code of its error; no error tells where the root is.
    #[track_caller]
    pub fn run(&self, code: &str) -> Value {
        let catching = format!(
            "(async () => {{ try {{ return (await ({code})) ?? 'done' }} \
             catch (e) {{ return e.code ? {{ failed: e.code, message: e.message }} : String(e) }} }})()"
        );
        let answer = self.worker.blocking_execute(catching.as_str()).unwrap();
        let place = self.directory.path().to_str().unwrap();
        assert!(!answer.to_string().contains(place), "{answer}");
        answer.get("failed").cloned().unwrap_or(answer)
    }

    pub fn outcomes(&self) -> Vec<(String, AuditOutcome)> {
        let mut events = self.events.lock().unwrap();
        let outcome =
            |event: AuditEvent| (format!("{} {}", event.operation, event.target), event.outcome);
        events.drain(..).map(outcome).collect()
    }

    /// The names in the root, also of what a plugin does not see.
    pub fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.root()).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }
}
