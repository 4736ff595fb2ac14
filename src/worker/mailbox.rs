//! The bounded queue between the handle and the worker's thread.
//!
//! Not a channel: a call that is cancelled or whose future is dropped leaves the queue, and a
//! worker that replaces one that was given up goes on with the same queue.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::oneshot;

use crate::isolate::ArgumentText;
use crate::protocol::WorkerResponse;

/// What the thread is to do.
#[derive(Debug)]
pub(super) enum Task {
    Execute { code: String },
    CallHook { hook: String, argument: ArgumentText },
    RunScript { name: String, code: String },
    ListHooks,
    HasHook { hook: String },
}

/// A message on its way to the thread.
#[derive(Debug)]
pub(super) struct Envelope {
    pub(super) id: u64,
    pub(super) queued: Instant,
    pub(super) task: Task,
    pub(super) reply: oneshot::Sender<WorkerResponse>,
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

    /// The next message, waiting for one; `None` once the mailbox is closed.
    pub(super) fn pop(&self) -> Option<Envelope> {
        let mut queue = self.queue();
        loop {
            if queue.closed {
                return None;
            }
            if let Some(envelope) = queue.waiting.pop_front() {
                return Some(envelope);
            }
            queue = self.arrived.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
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
