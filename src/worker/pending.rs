//! `Pending`: an answer that a worker owes, of a call or of a batch.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::sync::oneshot::{self, error::TryRecvError};

use super::shared::Shared;

/// What was queued under `id`. Dropping it takes it out of the queue.
pub(super) struct Pending<T> {
    id: u64,
    shared: Arc<Shared>,
    answer: oneshot::Receiver<T>,
    is_answered: bool,
}

impl<T> Pending<T> {
    pub(super) fn new(id: u64, shared: &Arc<Shared>, answer: oneshot::Receiver<T>) -> Self {
        Self { id, shared: Arc::clone(shared), answer, is_answered: false }
    }

    pub(super) fn cancel(&self) {
        self.shared.cancel(self.id);
    }

    /// The answer; inside, `None` if the worker's thread is gone without one.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<T>> {
        let answer = Pin::new(&mut self.answer).poll(context);
        self.is_answered = answer.is_ready();
        answer.map(Result::ok)
    }

    /// The same, if it comes while it is worth staying awake for it.
    pub(super) fn soon(&mut self) -> Option<Option<T>> {
        let mut soon = None;
        self.shared.callers.stay_awake(|| {
            soon = match self.answer.try_recv() {
                Ok(answer) => Some(Some(answer)),
                Err(TryRecvError::Closed) => Some(None),
                Err(TryRecvError::Empty) => None,
            };
            soon.is_some()
        });
        self.is_answered = soon.is_some();
        soon
    }
}

impl<T> Drop for Pending<T> {
    fn drop(&mut self) {
        if !self.is_answered {
            self.shared.mailbox.remove(self.id);
        }
    }
}
