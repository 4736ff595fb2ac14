//! The bounded queue between the handle and the worker's thread.
//!
//! Not a channel: a call that is cancelled or whose future is dropped leaves the queue, and a
//! worker that replaces one that was given up goes on with the same queue.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::isolate::Argument;
use crate::protocol::WorkerResponse;

/// What the thread is to do.
#[derive(Debug)]
pub(super) enum Task {
    Execute {
        code: String,
    },
    CallHook {
        hook: String,
        argument: Argument,
    },
    RunScript {
        name: String,
        code: String,
    },
    ListHooks,
    HasHook {
        hook: String,
    },
    Event {
        name: String,
        payload: Argument,
        /// Nobody waits for the answer, and the call is made all the same.
        _answer: oneshot::Receiver<WorkerResponse>,
    },
}

/// A message on its way to the thread.
#[derive(Debug)]
pub(super) struct Envelope {
    pub(super) id: u64,
    pub(super) queued: Instant,
    pub(super) task: Task,
    pub(super) reply: oneshot::Sender<WorkerResponse>,
}

/// What goes first, if a call waits and something is due. They take turns: a plugin can have a
/// timer due at any time, and a host can make a call at any time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum First {
    Calls,
    Due,
}

/// What the thread is to do next.
#[derive(Debug)]
pub(super) enum Next {
    Call(Envelope),
    /// A timer is due, or a host function has answered.
    Due,
    Closed,
}

/// Why a message was not queued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    Full,
    Closed,
}

#[derive(Debug, Default)]
pub(super) struct Mailbox {
    queue: Mutex<Queue>,
    arrived: Condvar,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<Envelope>,
    /// The host has answered an asynchronous function.
    woken: bool,
    closed: bool,
}

impl Mailbox {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues `envelope` if fewer than `limit` wait.
    pub(super) fn push(&self, envelope: Envelope, limit: usize) -> Result<(), Refused> {
        let mut queue = self.queue();
        if queue.closed {
            return Err(Refused::Closed);
        }
        if queue.waiting.len() >= limit {
            return Err(Refused::Full);
        }
        queue.waiting.push_back(envelope);
        drop(queue);
        self.arrived.notify_one();
        Ok(())
    }

    /// What the thread is to do next, waiting for it; at `due` at the latest. If there is both,
    /// what is to go `first`.
    pub(super) fn next(&self, due: Option<Instant>, first: First) -> Next {
        let mut queue = self.queue();
        loop {
            if queue.closed {
                return Next::Closed;
            }
            let now = Instant::now();
            let is_due = queue.woken || due.is_some_and(|due| due <= now);
            if is_due && (first == First::Due || queue.waiting.is_empty()) {
                queue.woken = false;
                return Next::Due;
            }
            if let Some(envelope) = queue.waiting.pop_front() {
                return Next::Call(envelope);
            }
            queue = match due {
                None => self.arrived.wait(queue).unwrap_or_else(PoisonError::into_inner),
                Some(due) => {
                    let wait = self.arrived.wait_timeout(queue, due - now);
                    wait.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }

    /// Waits for `time`, whatever arrives. False if the mailbox was closed meanwhile.
    pub(super) fn rest(&self, time: Duration) -> bool {
        let until = Instant::now() + time;
        let mut queue = self.queue();
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if queue.closed || left.is_zero() {
                return !queue.closed;
            }
            let wait = self.arrived.wait_timeout(queue, left);
            queue = wait.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Wakes the thread to do what is due.
    pub(super) fn wake(&self) {
        self.queue().woken = true;
        self.arrived.notify_all();
    }

    /// Takes a message that waits out of the queue.
    pub(super) fn remove(&self, id: u64) -> Option<Envelope> {
        let mut queue = self.queue();
        let at = queue.waiting.iter().position(|envelope| envelope.id == id)?;
        queue.waiting.remove(at)
    }

    /// Lets nothing more in, wakes the thread to end, and answers what was still waiting.
    pub(super) fn close(&self) -> VecDeque<Envelope> {
        let mut queue = self.queue();
        queue.closed = true;
        let left = std::mem::take(&mut queue.waiting);
        drop(queue);
        self.arrived.notify_all();
        left
    }

    pub(super) fn is_closed(&self) -> bool {
        self.queue().closed
    }

    pub(super) fn len(&self) -> usize {
        self.queue().waiting.len()
    }
}
