//! `WorkerRegistry`: the workers of a host, by name.

use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use crate::isolate::PluginBuilder;
use crate::policy::PluginCapabilities;
use crate::protocol::{PluginError, Value, WorkerResponse};
use crate::worker::{Call, PluginWorker};

/// The workers of a host, by the plugin's id. `Send + Sync`; any thread may use it at any time.
///
/// ```
/// use plugin_sandbox::{PluginCapabilities, PluginError, PluginWorker, WorkerRegistry};
///
/// let registry = WorkerRegistry::new();
/// let worker = registry.create("counter", PluginCapabilities::default())?;
/// worker.blocking_execute("function onSave(file) { return file.length }")?;
/// registry.add(PluginWorker::builder("quiet").script("main.js", "/* no hooks */"))?;
///
/// let answers = registry.call_hook_all("onSave", "notes.md".into()).wait();
/// assert_eq!(answers, [("counter".to_owned(), Ok(8.into()))]);
///
/// let twin = registry.create("counter", PluginCapabilities::default());
/// assert!(matches!(twin, Err(PluginError::WorkerAlreadyExists { .. })));
/// registry.shutdown_all();
/// # Ok::<(), PluginError>(())
/// ```
#[derive(Debug, Default)]
pub struct WorkerRegistry {
    workers: Mutex<BTreeMap<String, Entry>>,
}

/// A name that is taken.
#[derive(Debug)]
enum Entry {
    /// The worker starts; others cannot see it yet.
    Starting,
    Ready(Arc<PluginWorker>),
}

impl Entry {
    fn ready(&self) -> Option<&Arc<PluginWorker>> {
        match self {
            Self::Starting => None,
            Self::Ready(worker) => Some(worker),
        }
    }
}

impl WorkerRegistry {
    /// A registry without workers.
    pub fn new() -> Self {
        Self::default()
    }

    fn workers(&self) -> MutexGuard<'_, BTreeMap<String, Entry>> {
        self.workers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts a worker with default limits.
    ///
    /// # Errors
    ///
    /// As [`add`](Self::add).
    pub fn create(
        &self,
        plugin_id: impl Into<String>,
        capabilities: PluginCapabilities,
    ) -> Result<Arc<PluginWorker>, PluginError> {
        self.add(PluginWorker::builder(plugin_id).capabilities(capabilities))
    }

    /// Builds a worker and adds it under its id. Waits until it has started, without keeping
    /// others from using the registry.
    ///
    /// # Errors
    ///
    /// [`PluginError::WorkerAlreadyExists`] if the name is taken, also by a worker that is only
    /// starting; otherwise as [`PluginBuilder::build`], and the name is free again.
    pub fn add(
        &self,
        builder: PluginBuilder<PluginWorker>,
    ) -> Result<Arc<PluginWorker>, PluginError> {
        let name = builder.blueprint.id.clone();
        {
            let mut workers = self.workers();
            if workers.contains_key(&name) {
                return Err(PluginError::WorkerAlreadyExists { name });
            }
            workers.insert(name.clone(), Entry::Starting);
        }
        let built = builder.build().map(Arc::new);
        let mut workers = self.workers();
        match &built {
            Ok(worker) => workers.insert(name, Entry::Ready(Arc::clone(worker))),
            Err(_) => workers.remove(&name),
        };
        built
    }

    /// The worker of this name.
    pub fn get(&self, name: &str) -> Option<Arc<PluginWorker>> {
        self.workers().get(name).and_then(Entry::ready).map(Arc::clone)
    }

    /// The names of all workers, in ascending order.
    pub fn list(&self) -> Vec<String> {
        self.workers()
            .iter()
            .filter_map(|(name, entry)| entry.ready().map(|_| name.clone()))
            .collect()
    }

    /// Takes a worker out and shuts it down, waiting for the call that runs.
    ///
    /// # Errors
    ///
    /// [`PluginError::WorkerNotFound`], also for a worker that is only starting.
    pub fn remove(&self, name: &str) -> Result<(), PluginError> {
        let worker = {
            let mut workers = self.workers();
            match workers.get(name).and_then(Entry::ready).map(Arc::clone) {
                Some(worker) => {
                    workers.remove(name);
                    worker
                }
                None => return Err(PluginError::WorkerNotFound { name: name.to_owned() }),
            }
        };
        worker.shutdown();
        Ok(())
    }

    /// Takes all workers out and shuts them down, all at once, waiting for the calls that run.
    pub fn shutdown_all(&self) {
        let mut left = Vec::new();
        self.workers().retain(|_, entry| match entry {
            Entry::Ready(worker) => {
                left.push(Arc::clone(worker));
                false
            }
            Entry::Starting => true,
        });
        for worker in &left {
            worker.close();
        }
        for worker in left {
            worker.shutdown();
        }
    }

    /// Calls a hook in every worker that has it, in all of them at once; one that is slow holds
    /// nobody up. The calls are queued when this returns.
    pub fn call_hook_all(&self, hook: &str, args: Value) -> HookCalls {
        let workers: Vec<_> =
            self.workers().values().filter_map(Entry::ready).map(Arc::clone).collect();
        let waiting = workers
            .into_iter()
            .map(|worker| (worker.id().to_owned(), worker.call_hook(hook, args.clone())))
            .collect();
        HookCalls { waiting }
    }
}

impl Drop for WorkerRegistry {
    fn drop(&mut self) {
        self.shutdown_all();
    }
}

/// The calls of one hook in many workers; see [`WorkerRegistry::call_hook_all`].
#[derive(Debug)]
#[must_use = "dropping the calls takes them out of the queues"]
pub struct HookCalls {
    waiting: Vec<(String, Call)>,
}

impl HookCalls {
    /// The next answer, in the order in which they come, with the plugin's id. `None` when all
    /// have answered; plugins without the hook are passed over.
    pub async fn next(&mut self) -> Option<(String, WorkerResponse)> {
        poll_fn(|context| {
            let mut at = 0;
            while at < self.waiting.len() {
                match Pin::new(&mut self.waiting[at].1).poll(context) {
                    Poll::Pending => at += 1,
                    Poll::Ready(response) => {
                        let (name, _) = self.waiting.swap_remove(at);
                        if !matches!(response, Err(PluginError::HookNotFound { .. })) {
                            return Poll::Ready(Some((name, response)));
                        }
                    }
                }
            }
            if self.waiting.is_empty() { Poll::Ready(None) } else { Poll::Pending }
        })
        .await
    }

    /// All answers, in the order of the plugins' ids.
    pub async fn all(mut self) -> Vec<(String, WorkerResponse)> {
        let mut answers = Vec::with_capacity(self.waiting.len());
        while let Some(answer) = self.next().await {
            answers.push(answer);
        }
        answers.sort_by(|(one, _), (other, _)| one.cmp(other));
        answers
    }

    /// [`all`](Self::all), waiting on this thread.
    pub fn wait(self) -> Vec<(String, WorkerResponse)> {
        pollster::block_on(self.all())
    }
}
