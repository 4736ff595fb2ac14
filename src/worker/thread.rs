//! The worker's thread: one guarded call after the other, and the verdict after each.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use super::events::{WorkerEvent, WorkerState};
use super::mailbox::{Answer, First, Next, Task, Work};
use super::shared::Shared;
use crate::isolate::{Owner, PluginIsolate, Verdict};
use crate::process::{self, Quarantined};
use crate::protocol::{PluginError, Value};
use crate::watchdog::Cause;

/// V8 may use its `--stack-size` (984 KiB) of it; the rest is for our own frames under V8's
/// (conversion walks values recursively). Reserved, not used: pages come as they are touched.
const STACK_SIZE: usize = 4 << 20;

/// Where a thread that was given up finds its place in the count, to leave it when it ends.
type Ticket = Arc<Mutex<Option<Quarantined>>>;

/// Starts a thread that, after `backoff`, builds the plugin's isolate and serves its mailbox.
pub(super) fn start(shared: &Arc<Shared>, backoff: Duration) -> io::Result<()> {
    shared.start_thread(|generation| {
        let shared = Arc::clone(shared);
        std::thread::Builder::new()
            .name(format!("plugin:{}", shared.blueprint.id))
            .stack_size(STACK_SIZE)
            .spawn(move || {
                let ticket = Ticket::default();
                if shared.mailbox.rest(backoff) {
                    serve(&shared, &ticket);
                }
                shared.thread_ends(generation);
                drop(ticket.lock().unwrap_or_else(PoisonError::into_inner).take());
            })
    })
}

fn serve(shared: &Arc<Shared>, ticket: &Ticket) {
    shared.state.enter(WorkerState::Starting);
    match PluginIsolate::new(Arc::clone(&shared.blueprint), Some(owner(shared, ticket))) {
        Ok(isolate) => {
            let mut server = Server {
                heap_seen: None,
                cpu_seen: Duration::ZERO,
                dropped_seen: 0,
                shared,
                isolate,
            };
            server.note_use(Instant::now());
            shared.is_started();
            server.serve_calls();
            // Every caller has been answered; only a shutdown waits for this.
            server.isolate.give_memory_back();
        }
        Err(error) => {
            shared.report_start(Err(error.clone()));
            shared.fail(PluginError::StartupFailed { cause: Box::new(error) });
        }
    }
}

/// Serves the mailbox with one isolate, until the mailbox is closed or the thread given up.
struct Server<'a> {
    shared: &'a Arc<Shared>,
    isolate: PluginIsolate,
    /// When the heap's use was last asked for.
    heap_seen: Option<Instant>,
    /// What of this thread's processor time and of this isolate's dropped output is counted.
    cpu_seen: Duration,
    dropped_seen: u64,
}

impl Server<'_> {
    fn serve_calls(&mut self) {
        let mut first = First::Due;
        loop {
            self.shared.state.enter(WorkerState::Ready);
            match self.shared.mailbox.next(self.isolate.next_due(), first) {
                Next::Closed => return,
                Next::Call(work) => {
                    first = First::Due;
                    self.answer(work);
                }
                Next::Due => {
                    first = First::Calls;
                    self.run_due();
                }
            }
            match self.isolate.verdict() {
                Verdict::Keep => {}
                Verdict::Condemned => return,
                Verdict::Rebuild => {
                    if !self.rebuild() {
                        return;
                    }
                }
            }
        }
    }

    fn answer(&mut self, work: Work) {
        let Work { id, queued, task, reply } = work;
        if reply.is_closed() {
            return;
        }
        let began = Instant::now();
        let waited = began.saturating_duration_since(queued);
        let limit = self.shared.blueprint.limits.queue_time;
        if waited > limit {
            reply.send(Err(PluginError::QueuedTooLong { waited, limit }));
            return;
        }
        let enters_plugin = !matches!(task, Task::ListHooks | Task::HasHook { .. });
        let is_event = matches!(task, Task::Event { .. });
        self.shared.state.enter(WorkerState::Busy);
        self.shared.begin(id, self.isolate.slot(), reply);
        let result = perform(&mut self.isolate, task);
        // If the thread was given up, another serves the mailbox, and is perhaps in a call.
        if self.isolate.verdict() == Verdict::Condemned {
            return;
        }
        let reply = self.shared.finish(id);
        if enters_plugin && !matches!(result, Err(PluginError::HookNotFound { .. })) {
            let now = Instant::now();
            let took = now.saturating_duration_since(began);
            self.shared.callers.learn(took);
            self.shared.counters.call_ended(took, result.is_err());
            self.note_use(now);
        }
        self.note_failure(result.as_ref().err(), is_event);
        let is_well = enters_plugin && result.is_ok();
        if let Some(reply) = reply {
            reply.send(result);
        }
        if is_well {
            self.isolate.hand_in_compiled();
        }
    }

    fn run_due(&mut self) {
        self.shared.state.enter(WorkerState::Busy);
        let result = contained(&mut self.isolate, PluginIsolate::run_one_due);
        if self.isolate.verdict() != Verdict::Condemned {
            self.note_use(Instant::now());
            if let Err(error) = result {
                self.shared.counters.stopped(&error);
                let plugin = &self.shared.blueprint.id;
                tracing::warn!(plugin, %error, "what ran between calls failed");
                self.shared.events.send(WorkerEvent::Failed(error));
            }
        }
    }

    /// Reads no clock: a worker's shortest calls take as long as a few readings.
    fn note_use(&mut self, now: Instant) {
        /// V8 adds up all of its spaces to tell, which takes longer than a short call. One that
        /// ran for as long as this is always followed by a look.
        const FRESH: Duration = Duration::from_millis(1);
        let counters = &self.shared.counters;
        if self.heap_seen.is_none_or(|seen| now.duration_since(seen) >= FRESH) {
            counters.heap_is(self.isolate.heap_use());
            self.heap_seen = Some(now);
        } else {
            counters.buffers_are(self.isolate.buffer_bytes());
        }
        let cpu = self.isolate.cpu_time(now);
        counters.cpu_used(cpu.saturating_sub(self.cpu_seen));
        self.cpu_seen = cpu;
        let dropped = self.isolate.console_bytes_dropped();
        counters.console_dropped(dropped.saturating_sub(self.dropped_seen));
        self.dropped_seen = dropped;
    }

    /// Tells of a failure that cost more than its call, or that nobody else is told of.
    fn note_failure(&self, error: Option<&PluginError>, is_event: bool) {
        if let Some(error) = error
            && (self.shared.counters.stopped(error) || is_event)
        {
            self.shared.events.send(WorkerEvent::Failed(error.clone()));
        }
    }

    /// Builds the isolate anew, if the policy allows it. False if the worker is at its end.
    fn rebuild(&mut self) -> bool {
        let shared = self.shared;
        shared.state.enter(WorkerState::Rebuilding);
        shared.events.send(WorkerEvent::Rebuilding);
        self.isolate.discard();
        let Some(backoff) = shared.count_fault() else { return false };
        if !shared.mailbox.rest(backoff) {
            return false;
        }
        shared.is_starting();
        match self.isolate.recover() {
            Ok(()) => {
                self.dropped_seen = 0;
                self.heap_seen = None;
                shared.counters.rebuilt();
                self.note_use(Instant::now());
                shared.is_started();
                true
            }
            Err(error) => {
                if self.isolate.verdict() != Verdict::Condemned {
                    shared.fail(error);
                }
                false
            }
        }
    }
}

fn perform(isolate: &mut PluginIsolate, task: Task) -> Result<Answer, PluginError> {
    contained(isolate, |isolate| {
        let value = match task {
            Task::CallHookRaw { hook, argument } => {
                return isolate.call_hook_raw_with(&hook, argument).map(Answer::Raw);
            }
            Task::CallHookBytes { hook, argument } => {
                return isolate.call_hook_bytes_with(&hook, argument).map(Answer::Bytes);
            }
            Task::Execute { code } => isolate.execute(&code),
            Task::CallHook { hook, argument } => isolate.call_hook_with(&hook, argument),
            Task::CallOfBatch { hook, argument } => isolate.call_hook_with(&hook, argument),
            Task::RunScript { name, code } => {
                isolate.run_script(&name, &code).map(|()| Value::Null)
            }
            Task::ListHooks => isolate.hooks().map(Value::from),
            Task::Event { name, payload, .. } => {
                isolate.emit_with(&name, payload).map(|_| Value::Null)
            }
            Task::HasHook { hook } => isolate.has_hook(&hook).map(Value::from),
        };
        value.map(Answer::Value)
    })
}

/// Does `work`; a panic of ours in it costs the plugin its isolate, and nobody else anything.
fn contained<R>(
    isolate: &mut PluginIsolate,
    work: impl FnOnce(&mut PluginIsolate) -> Result<R, PluginError>,
) -> Result<R, PluginError> {
    catch_unwind(AssertUnwindSafe(|| work(isolate))).unwrap_or_else(|_| {
        isolate.discard();
        Err(PluginError::Internal("a defect of plugin-sandbox was contained".into()))
    })
}

/// What the watchdog and the host's runtime tell this worker.
fn owner(shared: &Arc<Shared>, ticket: &Ticket) -> Owner {
    // Weak: the slot that holds this belongs to the thread, and must not keep a worker alive.
    let (worker, woken) = (Arc::downgrade(shared), Arc::downgrade(shared));
    let ticket = Arc::clone(ticket);
    Owner {
        condemn: Box::new(move |cause| {
            let quarantined = process::quarantine();
            *ticket.lock().unwrap_or_else(PoisonError::into_inner) = Some(quarantined);
            if let Some(shared) = Weak::upgrade(&worker) {
                replace_thread(&shared, cause);
            }
        }),
        wake: Box::new(move || {
            if let Some(shared) = Weak::upgrade(&woken) {
                shared.mailbox.wake();
            }
        }),
    }
}

/// On the watchdog's thread: answers the caller of a call that does not stop, and lets a new
/// thread take over the mailbox. The old thread ends when its call does, if ever.
fn replace_thread(shared: &Arc<Shared>, cause: Cause) {
    let plugin = &shared.blueprint.id;
    tracing::error!(plugin, ?cause, "a call does not stop; its thread is given up");
    shared.state.enter(WorkerState::Condemned);
    shared.counters.quarantined();
    let error = PluginError::from(cause);
    shared.counters.stopped(&error);
    shared.events.send(WorkerEvent::Quarantined);
    let had_started = shared.give_thread_up(&error);
    if !had_started {
        // The next thread would fare no better with the same start-up scripts.
        shared.report_start(Err(error.clone()));
        shared.fail(PluginError::StartupFailed { cause: Box::new(error) });
    } else if let Err(error) = process::check_quarantined() {
        shared.fail(error);
    } else if let Some(backoff) = shared.count_fault() {
        shared.counters.rebuilt();
        if let Err(error) = start(shared, backoff) {
            shared.fail(PluginError::Internal(format!("no thread for the plugin: {error}")));
        }
    }
}
