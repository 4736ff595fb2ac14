//! The bounded queue between the handle and the worker's thread.
//!
//! Not a channel: a call that is cancelled or whose future is dropped leaves the queue, and a
//! worker that replaces one that was given up goes on with the same queue.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::batch::{Batch, BatchAnswers};
use super::patience::Patience;
use crate::isolate::Argument;
use crate::policy::Wake;
use crate::protocol::{PluginError, RawValue, Value, WorkerResponse};

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
    /// The same, answered with JSON text.
    CallHookRaw {
        hook: String,
        argument: Argument,
    },
    /// The same, answered with bytes.
    CallHookBytes {
        hook: String,
        argument: Argument,
    },
    /// As `CallHook`, for a hook that more calls name.
    CallOfBatch {
        hook: Arc<str>,
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

/// What a task answers.
#[derive(Debug)]
pub(super) enum Answer {
    Value(Value),
    Raw(Box<RawValue>),
    Bytes(Vec<u8>),
}

impl Answer {
    fn into_value(self) -> WorkerResponse {
        match self {
            Self::Value(value) => Ok(value),
            Self::Raw(_) | Self::Bytes(_) => Err(mismatched()),
        }
    }

    fn into_raw(self) -> Result<Box<RawValue>, PluginError> {
        match self {
            Self::Raw(json) => Ok(json),
            Self::Value(_) | Self::Bytes(_) => Err(mismatched()),
        }
    }

    fn into_bytes(self) -> Result<Vec<u8>, PluginError> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            Self::Value(_) | Self::Raw(_) => Err(mismatched()),
        }
    }
}

/// A task was queued with a reply that is not its own.
fn mismatched() -> PluginError {
    debug_assert!(false, "a task was queued with another's reply");
    PluginError::Internal("an answer of the wrong kind".into())
}

/// Where an answer goes.
#[derive(Debug)]
pub(super) enum Reply {
    One(oneshot::Sender<WorkerResponse>),
    OfBatch { answers: Arc<BatchAnswers>, at: usize },
    Raw(oneshot::Sender<Result<Box<RawValue>, PluginError>>),
    Bytes(oneshot::Sender<Result<Vec<u8>, PluginError>>),
}

impl Reply {
    /// The caller may have lost interest; then the answer is dropped.
    pub(super) fn send(self, answer: Result<Answer, PluginError>) {
        match self {
            Self::One(reply) => drop(reply.send(answer.and_then(Answer::into_value))),
            Self::OfBatch { answers, at } => {
                answers.answer(at, answer.and_then(Answer::into_value));
            }
            Self::Raw(reply) => drop(reply.send(answer.and_then(Answer::into_raw))),
            Self::Bytes(reply) => drop(reply.send(answer.and_then(Answer::into_bytes))),
        }
    }

    /// Whether nobody waits for the answer.
    pub(super) fn is_closed(&self) -> bool {
        match self {
            Self::One(reply) => reply.is_closed(),
            Self::OfBatch { answers, .. } => answers.is_closed(),
            Self::Raw(reply) => reply.is_closed(),
            Self::Bytes(reply) => reply.is_closed(),
        }
    }
}

/// What the thread is to do once, and where the answer goes.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) id: u64,
    pub(super) queued: Instant,
    pub(super) task: Task,
    pub(super) reply: Reply,
}

/// What is sent together.
#[derive(Debug)]
pub(super) enum Message {
    One(Task, Reply),
    Batch(Batch),
}

/// A message on its way to the thread.
#[derive(Debug)]
pub(super) struct Envelope {
    pub(super) id: u64,
    pub(super) queued: Instant,
    pub(super) message: Message,
}

impl Envelope {
    /// How many calls it holds, each with a place in the queue.
    pub(super) fn len(&self) -> usize {
        match &self.message {
            Message::One(..) => 1,
            Message::Batch(batch) => batch.len(),
        }
    }

    /// Answers what waits in it.
    pub(super) fn refuse(self, error: &PluginError) {
        match self.message {
            Message::One(_, reply) => reply.send(Err(error.clone())),
            Message::Batch(batch) => batch.refuse(error),
        }
    }
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
    Call(Work),
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

#[derive(Debug)]
pub(super) struct Mailbox {
    queue: Mutex<Queue>,
    arrived: Condvar,
    patience: Patience,
    /// Something has arrived since the thread looked; for a thread that stays awake.
    news: AtomicBool,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<Envelope>,
    /// The calls in these messages.
    calls: usize,
    /// The host has answered an asynchronous function.
    woken: bool,
    closed: bool,
    /// The thread waits in [`Mailbox::next`] and nobody has woken it yet. Waking is a system
    /// call, also of a thread that is awake; so it is made only then, and once.
    parked: bool,
}

impl Queue {
    /// What there is to do now; if there is both, what is to go `first`.
    fn take(&mut self, due: Option<Instant>, first: First) -> Option<Next> {
        if self.closed {
            return Some(Next::Closed);
        }
        let is_due = self.woken || due.is_some_and(|due| due <= Instant::now());
        if is_due && (first == First::Due || self.waiting.is_empty()) {
            self.woken = false;
            return Some(Next::Due);
        }
        self.pop().map(Next::Call)
    }

    /// The next call: a whole message, or one of the batch that is first. Between the calls of
    /// a batch all is as between others: what is due has its turn, the rest can be cancelled,
    /// and a thread that takes the place of another goes on with it.
    fn pop(&mut self) -> Option<Work> {
        let Envelope { id, queued, .. } = *self.waiting.front()?;
        let of_batch = match &mut self.waiting.front_mut()?.message {
            Message::Batch(batch) if batch.len() > 1 => batch.take(),
            _ => None,
        };
        let (task, reply) = match of_batch {
            Some(work) => work,
            None => match self.waiting.pop_front()?.message {
                Message::One(task, reply) => (task, reply),
                Message::Batch(mut batch) => batch.take()?,
            },
        };
        self.calls -= 1;
        Some(Work { id, queued, task, reply })
    }
}

impl Mailbox {
    pub(super) fn new(wake: Wake) -> Self {
        Self {
            queue: Mutex::default(),
            arrived: Condvar::new(),
            patience: Patience::new(wake),
            news: AtomicBool::new(false),
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues `envelope` if no more than `limit` calls wait then.
    pub(super) fn push(&self, envelope: Envelope, limit: usize) -> Result<(), Refused> {
        let mut queue = self.queue();
        if queue.closed {
            return Err(Refused::Closed);
        }
        let calls = queue.calls + envelope.len();
        if calls > limit {
            return Err(Refused::Full);
        }
        queue.calls = calls;
        queue.waiting.push_back(envelope);
        self.rouse(queue);
        Ok(())
    }

    /// Wakes the thread if it waits for something to do.
    fn rouse(&self, mut queue: MutexGuard<'_, Queue>) {
        self.news.store(true, Ordering::Release);
        let parked = std::mem::take(&mut queue.parked);
        // Not while it is locked: the thread would wake only to wait for the lock.
        drop(queue);
        if parked {
            self.arrived.notify_all();
        }
    }

    /// What the thread is to do next, waiting for it; at `due` at the latest. If there is both,
    /// what is to go `first`.
    pub(super) fn next(&self, due: Option<Instant>, first: First) -> Next {
        let mut queue = self.queue();
        if let Some(next) = queue.take(due, first) {
            self.patience.learn(Duration::ZERO);
            return next;
        }
        let began = self.patience.learns().then(Instant::now);
        let mut next = None;
        self.news.store(false, Ordering::Relaxed);
        drop(queue);
        let is_due = || due.is_some_and(|due| due <= Instant::now());
        let awake = self.patience.stay_awake(|| self.news.load(Ordering::Acquire) || is_due());
        queue = self.queue();
        if awake {
            next = queue.take(due, first);
        }
        let next = next.unwrap_or_else(|| self.park(queue, due, first));
        if let (Some(began), Next::Call(work)) = (began, &next) {
            // Until it was sent, not until this thread has woken: that is what staying awake
            // would have saved.
            self.patience.learn(work.queued.saturating_duration_since(began));
        }
        next
    }

    fn park(&self, mut queue: MutexGuard<'_, Queue>, due: Option<Instant>, first: First) -> Next {
        loop {
            if let Some(next) = queue.take(due, first) {
                return next;
            }
            queue.parked = true;
            queue = match due {
                None => self.arrived.wait(queue).unwrap_or_else(PoisonError::into_inner),
                Some(due) => {
                    let left = due.saturating_duration_since(Instant::now());
                    let wait = self.arrived.wait_timeout(queue, left);
                    wait.unwrap_or_else(PoisonError::into_inner).0
                }
            };
            queue.parked = false;
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
        let mut queue = self.queue();
        queue.woken = true;
        self.rouse(queue);
    }

    /// Takes a message that waits out of the queue.
    pub(super) fn remove(&self, id: u64) -> Option<Envelope> {
        let mut queue = self.queue();
        let at = queue.waiting.iter().position(|envelope| envelope.id == id)?;
        let envelope = queue.waiting.remove(at)?;
        queue.calls -= envelope.len();
        Some(envelope)
    }

    /// Lets nothing more in, wakes the thread to end, and answers what was still waiting.
    pub(super) fn close(&self) -> VecDeque<Envelope> {
        let mut queue = self.queue();
        queue.closed = true;
        self.news.store(true, Ordering::Release);
        let left = std::mem::take(&mut queue.waiting);
        queue.calls = 0;
        drop(queue);
        self.arrived.notify_all();
        left
    }

    pub(super) fn is_closed(&self) -> bool {
        self.queue().closed
    }

    pub(super) fn len(&self) -> usize {
        self.queue().calls
    }
}
