//! `PluginIsolate`: a plugin's sandbox on the caller's own thread, from its start to its end.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::builder::{Blueprint, PluginBuilder};
use super::failure::OrThrown as _;
use super::heap::HeapUse;
use super::host_calls::Answers;
use super::owner::{Owner, StopHandle};
use super::state::State;
use super::world::{Thread, World, bytes};
use super::{clock, language, modules, realm, settle, startup};
use crate::host::PluginEvents;
use crate::policy::PluginCapabilities;
use crate::protocol::PluginError;
use crate::watchdog::{self, Slot, WorkerThread};

/// What becomes of an isolate after a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is as good as before.
    Keep,
    /// Its heap ran out: it must be built anew.
    Rebuild,
    /// Its thread was given up while the call ran; its caller has been answered.
    Condemned,
}

/// A plugin in a V8 isolate on the caller's own thread.
///
/// The same sandbox as [`PluginWorker`](crate::PluginWorker), under the same watchdog and
/// limits, without the hop to another thread: calls return when the plugin is done. It belongs
/// to the thread that built it (`!Send`); several may live on one thread. The thread needs
/// 2 MiB of stack.
///
/// ```
/// use plugin_sandbox::PluginIsolate;
///
/// let mut plugin = PluginIsolate::builder("rules")
///     .script("main.js", "plugin.on('double', x => x * 2)")
///     .build()?;
/// assert_eq!(plugin.call_hook("double", 21.into())?, 42);
/// # Ok::<(), plugin_sandbox::PluginError>(())
/// ```
pub struct PluginIsolate {
    pub(super) blueprint: Arc<Blueprint>,
    pub(super) slot: Arc<Slot>,
    stop: Arc<StopHandle>,
    answers: Arc<Answers>,
    pub(super) wall_time: Duration,
    /// How often less was granted, as far as the world knows.
    pub(super) narrowed: u64,
    /// `None` after a fault, until [`recover`](Self::recover).
    pub(super) world: Option<World>,
    /// Why there is no world, if building it failed.
    failure: Option<PluginError>,
    /// Dropped last: until then a fault on this thread can be contained.
    registered: Option<WorkerThread>,
    thread_bound: PhantomData<*const ()>,
}

impl fmt::Debug for PluginIsolate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PluginIsolate").field("id", &self.blueprint.id).finish_non_exhaustive()
    }
}

impl PluginBuilder<PluginIsolate> {
    /// Builds the isolate on this thread and runs the start-up scripts.
    ///
    /// # Errors
    ///
    /// [`PluginError::InvalidLimit`] and [`PluginError::InvalidArgument`] before anything is
    /// built; otherwise what the start-up script that failed answered.
    pub fn build(self) -> Result<PluginIsolate, PluginError> {
        let mut blueprint = self.blueprint;
        blueprint.prepare()?;
        PluginIsolate::new(Arc::new(blueprint), None)
    }
}

impl PluginIsolate {
    /// What to build an isolate from; `id` names the plugin in errors and logs.
    pub fn builder(id: impl Into<String>) -> PluginBuilder<Self> {
        PluginBuilder::new(id)
    }

    /// Builds the isolate on this thread, which is a worker's if there is an `owner`.
    pub(crate) fn new(
        blueprint: Arc<Blueprint>,
        owner: Option<Owner>,
    ) -> Result<Self, PluginError> {
        let (condemn, wake) = match owner {
            Some(Owner { condemn, wake }) => (Some(condemn), Some(wake)),
            None => (None, None),
        };
        let is_worker = condemn.is_some();
        let grace = blueprint.limits.grace;
        let stop = StopHandle::of_this_thread();
        let stopper = Arc::clone(&stop);
        let heap = bytes(blueprint.limits.heap);
        let slot = Slot::new(Box::new(move || stopper.stop()), grace, condemn);
        let slot = Arc::new(slot.with_memory_limit(heap));
        watchdog::watch(&slot).map_err(|error| {
            PluginError::Internal(format!("no thread for the watchdog: {error}"))
        })?;
        let registered = is_worker.then(|| WorkerThread::register(&slot)).transpose();
        let registered = registered
            .map_err(|error| PluginError::Internal(format!("no signal handlers: {error}")))?;
        let waiting = Arc::clone(&stop);
        let answers = Answers::new(
            &blueprint.limits,
            Box::new(move || {
                waiting.wake();
                if let Some(wake) = &wake {
                    wake();
                }
            }),
        );
        let mut isolate = Self {
            wall_time: blueprint.limits.wall_time,
            blueprint,
            slot,
            stop,
            answers,
            narrowed: 0,
            world: None,
            failure: None,
            registered,
            thread_bound: PhantomData,
        };
        isolate.rebuild()?;
        Ok(isolate)
    }

    /// The plugin's id.
    pub fn id(&self) -> &str {
        &self.blueprint.id
    }

    /// Whether a worker owns it, and its thread is its own.
    pub(super) fn is_a_workers(&self) -> bool {
        self.registered.is_some()
    }

    /// The line to the watchdog, for cancelling from another thread.
    pub(crate) fn slot(&self) -> &Arc<Slot> {
        &self.slot
    }

    /// What the plugin tells with `plugin.emit`; as
    /// [`PluginWorker::plugin_events`](crate::PluginWorker::plugin_events).
    pub fn plugin_events(&self) -> PluginEvents {
        PluginEvents::new(&self.blueprint.outbox)
    }

    /// Grants the plugin less; as [`PluginWorker::narrow`](crate::PluginWorker::narrow).
    ///
    /// # Errors
    ///
    /// [`PluginError::InvalidArgument`], and nothing is changed.
    pub fn narrow(&mut self, less: PluginCapabilities) -> Result<(), PluginError> {
        self.blueprint.granted.narrow(less)
    }

    /// Changes [`ResourceLimits::wall_time`] for the calls from now on, and for the start-up
    /// scripts if the isolate is built anew.
    ///
    /// # Errors
    ///
    /// [`PluginError::InvalidLimit`], and nothing is changed.
    ///
    /// [`ResourceLimits::wall_time`]: crate::ResourceLimits::wall_time
    pub fn set_wall_time(&mut self, wall_time: Duration) -> Result<(), PluginError> {
        crate::ResourceLimits::validate_time("wall_time", wall_time)?;
        self.wall_time = wall_time;
        Ok(())
    }

    /// Does what has become due since the last call: callbacks of timers, and answers of the
    /// host's asynchronous functions. Each is guarded like a call. Answers how many there were.
    ///
    /// During a call this goes on by itself; in between, it is up to the owner of the thread.
    ///
    /// # Errors
    ///
    /// That of the first that failed; the others wait for the next time.
    pub fn run_due(&mut self) -> Result<usize, PluginError> {
        // What becomes due meanwhile waits for the next time: some timers always are.
        let now = Instant::now();
        let mut count = 0;
        while self.is_due_at(now) && self.run_one_due()? {
            count += 1;
        }
        Ok(count)
    }

    /// Does one of these things. Answers whether there was one.
    pub(crate) fn run_one_due(&mut self) -> Result<bool, PluginError> {
        self.guarded(|scope, state| settle::step(scope, state))
    }

    /// When the next timer is due.
    pub fn next_due(&self) -> Option<Instant> {
        self.world.as_ref().and_then(|world| world.state().timers.borrow().next_due())
    }

    fn is_due_at(&self, now: Instant) -> bool {
        !self.answers.is_empty() || self.next_due().is_some_and(|due| due <= now)
    }

    /// The bytes in use in the plugin's heap, garbage that V8 has not collected yet included.
    pub fn heap_used(&mut self) -> usize {
        self.heap_use().used
    }

    /// Bytes behind the plugin's `ArrayBuffer`s.
    pub(crate) fn buffer_bytes(&self) -> usize {
        self.world.as_ref().map_or(0, |world| world.state().buffers.used())
    }

    /// Processor time that this thread has used until `now`.
    pub(crate) fn cpu_time(&self, now: Instant) -> Duration {
        self.slot.cpu_time(now)
    }

    /// Console output that was dropped since the isolate was built, in bytes.
    pub(crate) fn console_bytes_dropped(&self) -> u64 {
        self.world.as_ref().map_or(0, |world| world.state().console.dropped())
    }

    pub(crate) fn heap_use(&mut self) -> HeapUse {
        self.world.as_mut().map_or_else(HeapUse::default, World::heap_use)
    }

    /// What becomes of the isolate, after a call.
    pub(crate) fn verdict(&self) -> Verdict {
        match &self.world {
            Some(_) if self.slot.is_condemned() => Verdict::Condemned,
            Some(world) if world.is_exhausted() => Verdict::Rebuild,
            Some(_) => Verdict::Keep,
            None => Verdict::Rebuild,
        }
    }

    /// Builds the isolate anew, if the last call cost the plugin its isolate. Also done by the
    /// next call.
    ///
    /// # Errors
    ///
    /// What the start-up script that failed answered, wrapped in
    /// [`PluginError::StartupFailed`]; every later call answers the same.
    pub(crate) fn recover(&mut self) -> Result<(), PluginError> {
        if let Some(cause) = &self.failure {
            return Err(cause.clone());
        }
        if self.verdict() == Verdict::Rebuild {
            self.rebuild().map_err(|cause| {
                let failure = PluginError::StartupFailed { cause: Box::new(cause) };
                self.failure = Some(failure.clone());
                failure
            })?;
        }
        Ok(())
    }

    /// Gives the isolate's memory back to the system, as far as V8 lets it go, before it is dropped
    /// for good. Not after a fault: then V8 is not asked for anything more.
    pub(crate) fn give_memory_back(&mut self) {
        if self.verdict() == Verdict::Keep
            && let Some(world) = &mut self.world
        {
            world.give_memory_back();
        }
    }

    /// Gives the isolate up after a panic of ours inside the guarded window.
    pub(crate) fn discard(&mut self) {
        self.slot.disarm();
        self.stop.aim(None);
        self.world = None;
    }

    fn rebuild(&mut self) -> Result<(), PluginError> {
        self.stop.aim(None);
        // The old one first: the plugin is to have one heap, not two.
        self.world = None;
        self.narrowed = self.blueprint.granted.times_narrowed();
        let thread = if self.is_a_workers() { Thread::Own } else { Thread::Shared };
        let blueprint = Arc::clone(&self.blueprint);
        let state = State::new(&blueprint, blueprint.granted.now(), &self.slot, &self.answers);
        let world = World::new(state, thread)?;
        self.stop.aim(Some(world.handle()));
        self.world = Some(world);
        self.enter_patiently(|scope, state| {
            let capabilities = Arc::clone(&state.capabilities.borrow());
            language::prepare(scope, blueprint.limits.hardening, &capabilities)?;
            clock::limit(scope, capabilities.clock)?;
            realm::build(scope)
        })?;
        for script in &blueprint.scripts {
            self.enter(|scope, state| {
                if script.source.is_module {
                    return modules::run(scope, &script.name);
                }
                let compiled = startup::compile_script(scope, state, &script.name, &script.source)?;
                let value = compiled.run(scope).or_thrown()?;
                settle::settle(scope, state, value).map(drop)
            })?;
        }
        Ok(())
    }
}

impl Drop for PluginIsolate {
    fn drop(&mut self) {
        // A worker's tells on, from its next isolate.
        if !self.is_a_workers() {
            self.blueprint.outbox.close();
        }
        watchdog::retire(&self.slot);
        self.stop.aim(None);
    }
}
