//! `Batch`: calls of one hook that are sent together, and whose answers come together.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::vec;

use tokio::sync::oneshot;

use super::mailbox::{Reply, Task};
use crate::isolate::Argument;
use crate::protocol::{PluginError, WorkerResponse};

/// What a batch answers: one for each argument, in their order.
pub(super) type BatchResponse = Vec<WorkerResponse>;

/// The calls of a batch that nobody has begun yet.
#[derive(Debug)]
pub(super) struct Batch {
    hook: Arc<str>,
    arguments: vec::IntoIter<Argument>,
    /// How many were taken.
    taken: usize,
    answers: Arc<BatchAnswers>,
}

impl Batch {
    pub(super) fn new(
        hook: String,
        arguments: Vec<Argument>,
        reply: oneshot::Sender<BatchResponse>,
    ) -> Self {
        let left = arguments.len();
        let answers = vec![None; left];
        let answers = Mutex::new(Answers { answers, left, reply: Some(reply) });
        let answers = Arc::new(BatchAnswers(answers));
        Self { hook: hook.into(), arguments: arguments.into_iter(), taken: 0, answers }
    }

    /// How many calls wait in it.
    pub(super) fn len(&self) -> usize {
        self.arguments.len()
    }

    /// The next call, with where its answer goes.
    pub(super) fn take(&mut self) -> Option<(Task, Reply)> {
        let argument = self.arguments.next()?;
        let at = self.taken;
        self.taken += 1;
        let reply = Reply::OfBatch { answers: Arc::clone(&self.answers), at };
        Some((Task::CallOfBatch { hook: Arc::clone(&self.hook), argument }, reply))
    }

    /// Answers all calls that wait in it with `error`.
    pub(super) fn refuse(mut self, error: &PluginError) {
        while let Some((_, reply)) = self.take() {
            reply.send(Err(error.clone()));
        }
    }
}

/// The answers that there are. They go to the caller with the last one, whoever gives it: the
/// thread, the watchdog, or who cancels what waits.
#[derive(Debug)]
pub(super) struct BatchAnswers(Mutex<Answers>);

#[derive(Debug)]
struct Answers {
    answers: Vec<Option<WorkerResponse>>,
    left: usize,
    reply: Option<oneshot::Sender<BatchResponse>>,
}

impl BatchAnswers {
    fn lock(&self) -> MutexGuard<'_, Answers> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether nobody waits for the answers any more.
    pub(super) fn is_closed(&self) -> bool {
        self.lock().reply.as_ref().is_none_or(oneshot::Sender::is_closed)
    }

    pub(super) fn answer(&self, at: usize, response: WorkerResponse) {
        let mut answers = self.lock();
        // Each call is answered once: its reply is given away with it.
        answers.answers[at] = Some(response);
        answers.left -= 1;
        if answers.left == 0
            && let Some(reply) = answers.reply.take()
        {
            let all = std::mem::take(&mut answers.answers);
            // The caller may have lost interest.
            let _ = reply.send(all.into_iter().flatten().collect());
        }
    }
}
