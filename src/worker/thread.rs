//! The worker's thread: one guarded call after the other, and the verdict after each.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Weak};
use std::time::Instant;

use super::mailbox::{Envelope, Task};
use super::shared::Shared;
use crate::isolate::{PluginIsolate, Verdict};
use crate::protocol::{PluginError, Value, WorkerResponse};
use crate::watchdog::{Cause, Condemn};

/// V8 may use its `--stack-size` (984 KiB) of it; the rest is for our own frames under and over
/// V8's. Reserved, not used: pages come as they are touched.
const STACK_SIZE: usize = 4 << 20;

/// Starts a thread that builds the plugin's isolate and serves its mailbox.
pub(super) fn start(shared: &Arc<Shared>) -> io::Result<()> {
    shared.start_thread(|generation| {
        let shared = Arc::clone(shared);
        std::thread::Builder::new()
            .name(format!("plugin:{}", shared.blueprint.id))
            .stack_size(STACK_SIZE)
            .spawn(move || {
                serve(&shared);
                shared.thread_ends(generation);
            })
    })
}

fn serve(shared: &Arc<Shared>) {
    match PluginIsolate::new(Arc::clone(&shared.blueprint), Some(condemner(shared))) {
        Ok(mut isolate) => {
            shared.counters.heap_is(isolate.heap_use());
            shared.report_start(Ok(()));
            serve_calls(shared, &mut isolate);
        }
        Err(error) => {
            tracing::error!(plugin = shared.blueprint.id, %error, "the plugin could not start");
            shared.report_start(Err(error.clone()));
            let failure = PluginError::StartupFailed { cause: Box::new(error) };
            while let Some(envelope) = shared.mailbox.pop() {
                let _ = envelope.reply.send(Err(failure.clone()));
            }
        }
    }
}

fn serve_calls(shared: &Shared, isolate: &mut PluginIsolate) {
    while let Some(envelope) = shared.mailbox.pop() {
        let Envelope { id, queued, task, reply } = envelope;
        if reply.is_closed() {
            continue;
        }
        let waited = queued.elapsed();
        let limit = shared.blueprint.limits.queue_time;
        if waited > limit {
            let _ = reply.send(Err(PluginError::QueuedTooLong { waited, limit }));
            continue;
        }
        let enters_plugin = !matches!(task, Task::ListHooks | Task::HasHook { .. });
        let began = Instant::now();
        shared.begin(id, isolate.slot(), reply);
        let result = perform(isolate, task);
        let reply = shared.finish();
        let verdict = isolate.verdict();
        if verdict == Verdict::Condemned {
            return;
        }
        if enters_plugin && !matches!(result, Err(PluginError::HookNotFound { .. })) {
            shared.counters.call_ended(began.elapsed(), result.is_err(), isolate.heap_use());
        }
        if let Some(reply) = reply {
            // The caller may have lost interest while the call ran.
            let _ = reply.send(result);
        }
        if verdict == Verdict::Rebuild {
            rebuild(shared, isolate);
        }
    }
}

fn perform(isolate: &mut PluginIsolate, task: Task) -> WorkerResponse {
    let work = AssertUnwindSafe(|| match task {
        Task::Execute { code } => isolate.execute(&code),
        Task::CallHook { hook, argument } => isolate.call_hook_with(&hook, &argument),
        Task::RunScript { name, code } => isolate.run_script(&name, &code).map(|()| Value::Null),
        Task::ListHooks => isolate.hooks().map(Value::from),
        Task::HasHook { hook } => isolate.has_hook(&hook).map(Value::from),
    });
    catch_unwind(work).unwrap_or_else(|_| {
        isolate.discard();
        Err(PluginError::Internal("a defect of plugin-sandbox was contained".into()))
    })
}

fn rebuild(shared: &Shared, isolate: &mut PluginIsolate) {
    let plugin = &shared.blueprint.id;
    match isolate.recover() {
        Ok(()) => {
            shared.counters.rebuilt();
            shared.counters.heap_is(isolate.heap_use());
            tracing::warn!(plugin, "the plugin's isolate was built anew after a fault");
        }
        Err(error) => tracing::error!(plugin, %error, "the plugin could not start again"),
    }
}

/// What the watchdog does when a call does not stop within the grace period: answers the caller
/// and lets a new thread take over the mailbox. The old thread ends when its call does.
fn condemner(shared: &Arc<Shared>) -> Condemn {
    // Weak: the slot that holds this belongs to the thread, and must not keep a worker alive.
    let shared = Arc::downgrade(shared);
    Box::new(move |cause| {
        if let Some(shared) = Weak::upgrade(&shared) {
            replace_thread(&shared, cause);
        }
    })
}

fn replace_thread(shared: &Arc<Shared>, cause: Cause) {
    let plugin = &shared.blueprint.id;
    tracing::error!(plugin, ?cause, "a call does not stop; its thread is given up");
    let cause = PluginError::from(cause);
    if !shared.give_thread_up(&cause) {
        shared.report_start(Err(cause.clone()));
        shared.fail(PluginError::StartupFailed { cause: Box::new(cause) });
    } else if let Err(error) = start(shared) {
        tracing::error!(plugin, %error, "no thread to replace it");
        shared.close();
    }
}
