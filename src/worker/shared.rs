//! `Shared`: what the handle, the worker's thread and the watchdog have in common.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::batch::{Batch, BatchResponse};
use super::events::{EventSender, WorkerEvent, WorkerState};
use super::faults::Faults;
use super::mailbox::{Envelope, Mailbox, Message, Refused, Reply, Task};
use super::patience::Patience;
use super::rate::CallRate;
use super::state_cell::StateCell;
use super::stats::Counters;
use crate::isolate::{Argument, Blueprint};
use crate::policy::RestartPolicy;
use crate::process;
use crate::protocol::{PluginError, Value, WorkerMessage};
use crate::watchdog::{Cause, Slot};

/// Told once whether the plugin could start.
type Started = mpsc::Sender<Result<(), PluginError>>;

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) blueprint: Arc<Blueprint>,
    pub(super) mailbox: Mailbox,
    pub(super) counters: Counters,
    /// How those wait who wait for an answer on their own thread.
    pub(super) callers: Patience,
    pub(super) events: EventSender,
    pub(super) state: StateCell,
    rate: Option<CallRate>,
    restart: RestartPolicy,
    faults: Mutex<Faults>,
    next_id: AtomicU64,
    /// Why there is no thread, if none could be started.
    failure: OnceLock<PluginError>,
    /// Who waits for the start, until it is known whether it succeeds.
    started: Mutex<Option<Started>>,
    /// The call that runs; also held while it is cancelled or given up, so that neither can hit
    /// the next one.
    running: Mutex<Option<Running>>,
    /// The youngest call that was to be cancelled and was neither waiting nor running; written
    /// while `running` is locked.
    cancelled: AtomicU64,
    serving: Mutex<Serving>,
    serving_ended: Condvar,
}

/// The call that the thread is in.
#[derive(Debug)]
struct Running {
    id: u64,
    slot: Arc<Slot>,
    reply: Reply,
}

/// The thread that serves the mailbox.
#[derive(Debug, Default)]
struct Serving {
    /// Counts the threads of this worker: one that was given up has an older number.
    generation: u64,
    handle: Option<JoinHandle<()>>,
    /// Its isolate is built and the start-up scripts have run.
    started: bool,
    /// It has nothing left to do but to return.
    ended: bool,
}

impl Shared {
    /// `started` is told once whether the plugin could start.
    pub(super) fn new(blueprint: Arc<Blueprint>, started: Option<Started>) -> Arc<Self> {
        let rate = blueprint.limits.calls_per_second.at().map(CallRate::new);
        Arc::new(Self {
            events: EventSender::default(),
            state: StateCell::new(WorkerState::Starting),
            rate,
            restart: blueprint.restart,
            faults: Mutex::default(),
            mailbox: Mailbox::new(blueprint.limits.wake),
            callers: Patience::new(blueprint.limits.wake),
            blueprint,
            counters: Counters::default(),
            // None is 0.
            next_id: AtomicU64::new(1),
            failure: OnceLock::new(),
            started: Mutex::new(started),
            running: Mutex::new(None),
            cancelled: AtomicU64::new(0),
            serving: Mutex::default(),
            serving_ended: Condvar::new(),
        })
    }

    fn running(&self) -> MutexGuard<'_, Option<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serving(&self) -> MutexGuard<'_, Serving> {
        self.serving.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Checks a message and queues it; answers its id.
    pub(super) fn submit(&self, message: WorkerMessage) -> Result<u64, PluginError> {
        let limits = &self.blueprint.limits;
        let message = match message {
            WorkerMessage::Execute { code, response_tx } => {
                Message::One(Task::Execute { code }, Reply::One(response_tx))
            }
            WorkerMessage::CallHook { hook, args, response_tx } => {
                let argument = Argument::new(args, limits)?;
                Message::One(Task::CallHook { hook, argument }, Reply::One(response_tx))
            }
            WorkerMessage::CallHookRaw { hook, args, response_tx } => {
                let argument = Argument::raw(args, limits)?;
                Message::One(Task::CallHookRaw { hook, argument }, Reply::Raw(response_tx))
            }
            WorkerMessage::CallHookBytes { hook, bytes, response_tx } => {
                let argument = Argument::bytes(bytes, limits)?;
                Message::One(Task::CallHookBytes { hook, argument }, Reply::Bytes(response_tx))
            }
            WorkerMessage::CallHookBatch { hook, args, response_tx } => {
                match self.batch(hook, args, response_tx)? {
                    Some(batch) => Message::Batch(batch),
                    None => return Ok(self.new_id()),
                }
            }
            WorkerMessage::RunScript { name, code, response_tx } => {
                Message::One(Task::RunScript { name, code }, Reply::One(response_tx))
            }
            WorkerMessage::ListHooks { response_tx } => {
                Message::One(Task::ListHooks, Reply::One(response_tx))
            }
            WorkerMessage::HasHook { hook, response_tx } => {
                Message::One(Task::HasHook { hook }, Reply::One(response_tx))
            }
            WorkerMessage::Event { name, payload } => {
                let payload = Argument::new(payload, limits)?;
                let (reply, _answer) = oneshot::channel();
                Message::One(Task::Event { name, payload, _answer }, Reply::One(reply))
            }
            WorkerMessage::Shutdown => {
                self.close();
                return Ok(0);
            }
        };
        self.queue(message)
    }

    /// A batch whose every argument is within the limits; `None` if there is nothing to call,
    /// which is answered at once.
    fn batch(
        &self,
        hook: String,
        args: Vec<Value>,
        reply: oneshot::Sender<BatchResponse>,
    ) -> Result<Option<Batch>, PluginError> {
        let limits = &self.blueprint.limits;
        // More than ever fit are no matter of waiting.
        let most = limits
            .queue_length
            .min(limits.calls_per_second.at().map_or(usize::MAX, |calls| calls as usize));
        if args.len() > most {
            let limit = format!("{most} calls");
            return Err(PluginError::TooLarge { what: "the batch", limit });
        }
        if args.is_empty() {
            // The caller may have lost interest.
            let _ = reply.send(Vec::new());
            return Ok(None);
        }
        let arguments: Result<_, _> =
            args.into_iter().map(|argument| Argument::new(argument, limits)).collect();
        Ok(Some(Batch::new(hook, arguments?, reply)))
    }

    fn queue(&self, message: Message) -> Result<u64, PluginError> {
        let limit = self.blueprint.limits.queue_length;
        process::check_resident()?;
        let id = self.new_id();
        let envelope = Envelope { id, queued: Instant::now(), message };
        if let Some(rate) = &self.rate {
            let calls = u32::try_from(envelope.len()).unwrap_or(u32::MAX);
            rate.take(calls).map_err(|retry_after| PluginError::RateLimited { retry_after })?;
        }
        self.mailbox.push(envelope, limit).map_err(|refused| match refused {
            Refused::Full => PluginError::Busy { limit },
            Refused::Closed => {
                self.failure.get().cloned().unwrap_or(PluginError::WorkerDisconnected)
            }
        })?;
        Ok(id)
    }

    fn new_id(&self) -> u64 {
        self.next_id.fetch_add(1, Ordering::Relaxed)
    }

    /// The plugin cannot run any more: every call answers `failure`.
    pub(super) fn fail(&self, failure: PluginError) {
        tracing::error!(plugin = self.blueprint.id, error = %failure, "the plugin is given up");
        self.events.send(WorkerEvent::GaveUp(failure.clone()));
        self.failure.get_or_init(|| failure);
        self.close();
    }

    /// Lets nothing more in and answers what waits.
    pub(super) fn close(&self) {
        if self.state.stop() {
            self.events.send(WorkerEvent::Stopped);
        }
        self.blueprint.outbox.close();
        let failure = self.failure.get().unwrap_or(&PluginError::WorkerDisconnected);
        for envelope in self.mailbox.close() {
            envelope.refuse(failure);
        }
    }

    /// Counts a fault that cost the plugin its isolate. Answers how long to wait before it is
    /// started again; if it is not, the worker has failed.
    pub(super) fn count_fault(&self) -> Option<Duration> {
        let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        let backoff = faults.count(self.restart, Instant::now());
        drop(faults);
        if backoff.is_none() {
            self.fail(PluginError::NotRestarted);
        }
        backoff
    }

    /// Cancels a call: one that waits is answered now, one that runs is stopped. Nothing if it
    /// has been answered.
    pub(super) fn cancel(&self, id: u64) {
        if let Some(envelope) = self.mailbox.remove(id) {
            let is_batch = matches!(envelope.message, Message::Batch(_));
            envelope.refuse(&PluginError::Cancelled);
            // Of a batch, one may run besides.
            if !is_batch {
                return;
            }
        }
        let running = self.running();
        match running.as_ref() {
            Some(running) if running.id == id => running.slot.ask(Cause::Cancelled),
            // The thread may have just taken it out of the queue. Ids grow, so an older one that
            // was answered long ago does not make this one forgotten.
            _ => drop(self.cancelled.fetch_max(id, Ordering::Relaxed)),
        }
    }

    /// Stops the call that runs, if one does.
    pub(super) fn stop_running(&self, cause: Cause) {
        if let Some(running) = self.running().as_ref() {
            running.slot.ask(cause);
        }
    }

    /// Tells whoever waits for the start how it went; the first to tell counts.
    pub(super) fn report_start(&self, result: Result<(), PluginError>) {
        let started = self.started.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(started) = started {
            // The builder may have gone away; then nobody wants to know.
            let _ = started.send(result);
        }
    }

    /// The thread begins a call.
    pub(super) fn begin(&self, id: u64, slot: &Arc<Slot>, reply: Reply) {
        let mut running = self.running();
        slot.forget_asked();
        if self.cancelled.load(Ordering::Relaxed) == id {
            slot.ask(Cause::Cancelled);
        }
        *running = Some(Running { id, slot: Arc::clone(slot), reply });
    }

    /// The call has ended: where its answer goes, unless the watchdog has answered already.
    pub(super) fn finish(&self, id: u64) -> Option<Reply> {
        let mut running = self.running();
        running.take_if(|running| running.id == id).map(|running| running.reply)
    }

    /// The thread builds the isolate.
    pub(super) fn is_starting(&self) {
        self.serving().started = false;
    }

    /// The thread has built the isolate and run the start-up scripts.
    pub(super) fn is_started(&self) {
        self.serving().started = true;
        self.events.send(WorkerEvent::Started);
        self.report_start(Ok(()));
    }

    /// Starts a thread with `spawn`, which is told its generation, and lets it serve the mailbox
    /// from now on.
    pub(super) fn start_thread(
        &self,
        spawn: impl FnOnce(u64) -> io::Result<JoinHandle<()>>,
    ) -> io::Result<()> {
        let mut serving = self.serving();
        let generation = serving.generation + 1;
        let handle = spawn(generation)?;
        *serving = Serving { generation, handle: Some(handle), started: false, ended: false };
        Ok(())
    }

    /// The thread of this generation returns; or, if `generation` is not the present one, has
    /// been given up long ago.
    pub(super) fn thread_ends(&self, generation: u64) {
        let mut serving = self.serving();
        if serving.generation == generation {
            serving.ended = true;
            self.serving_ended.notify_all();
        }
    }

    /// Leaves the thread, which does not stop, to itself: nobody waits for it any more, and the
    /// caller of its call, if it is in one, has `error`. Answers whether it had started.
    pub(super) fn give_thread_up(&self, error: &PluginError) -> bool {
        let mut serving = self.serving();
        let had_started = serving.started;
        let generation = serving.generation + 1;
        *serving = Serving { generation, handle: None, started: false, ended: true };
        self.serving_ended.notify_all();
        drop(serving);
        if let Some(running) = self.running().take() {
            running.reply.send(Err(error.clone()));
        }
        had_started
    }

    /// Waits until the worker's thread has ended and joins it; one that was given up is not
    /// waited for. Does nothing on that thread itself: a console sink may drop the last handle.
    pub(super) fn join(&self) {
        let mut serving = self.serving();
        let me = std::thread::current().id();
        if serving.handle.as_ref().is_some_and(|handle| handle.thread().id() == me) {
            return;
        }
        while !serving.ended && serving.handle.is_some() {
            serving = self.serving_ended.wait(serving).unwrap_or_else(PoisonError::into_inner);
        }
        let handle = serving.handle.take();
        drop(serving);
        if let Some(handle) = handle {
            // It has nothing left to do, and what could panic in it was caught.
            let _ = handle.join();
        }
    }
}
