//! `Pending`: what a worker owes to whoever handed it something, a call or a batch.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::sync::oneshot::{self, error::TryRecvError};

use super::shared::Shared;
use crate::protocol::PluginError;

/// A future of the answer; of an error, if the worker took nothing on or its thread is gone.
pub(super) enum Pending<A> {
    /// Refused before it was queued.
    Refused(PluginError),
    Waiting(Waiting<A>),
    Answered,
}

impl<A> Pending<A> {
    pub(super) fn new(
        shared: &Arc<Shared>,
        submitted: Result<u64, PluginError>,
        answer: oneshot::Receiver<A>,
    ) -> Self {
        match submitted {
            Ok(id) => {
                let shared = Arc::clone(shared);
                Self::Waiting(Waiting { id, shared, answer, is_answered: false })
            }
            Err(error) => Self::Refused(error),
        }
    }

    pub(super) fn cancel(&self) {
        if let Self::Waiting(waiting) = self {
            waiting.shared.cancel(waiting.id);
        }
    }

    /// Waits for the answer on this thread.
    pub(super) fn wait(mut self) -> Result<A, PluginError> {
        if let Self::Waiting(waiting) = &mut self
            && let Some(answer) = waiting.soon()
        {
            return answer;
        }
        pollster::block_on(self)
    }
}

impl<A> Future for Pending<A> {
    type Output = Result<A, PluginError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = match &mut *self {
            Self::Waiting(waiting) => match waiting.poll(context) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(answer) => answer,
            },
            Self::Refused(error) => Err(error.clone()),
            Self::Answered => panic!("a call was polled after it was answered"),
        };
        *self = Self::Answered;
        Poll::Ready(answer)
    }
}

/// What was queued under `id`. Dropping it takes it out of the queue.
pub(super) struct Waiting<A> {
    id: u64,
    shared: Arc<Shared>,
    answer: oneshot::Receiver<A>,
    is_answered: bool,
}

/// The worker's thread is gone without an answer.
const LOST: PluginError = PluginError::WorkerDisconnected;

impl<A> Waiting<A> {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<A, PluginError>> {
        let answer = Pin::new(&mut self.answer).poll(context);
        self.is_answered = answer.is_ready();
        answer.map_err(|_| LOST)
    }

    /// The answer, if it comes while it is worth staying awake for it.
    fn soon(&mut self) -> Option<Result<A, PluginError>> {
        let mut soon = None;
        self.shared.callers.stay_awake(|| {
            soon = match self.answer.try_recv() {
                Ok(answer) => Some(Ok(answer)),
                Err(TryRecvError::Closed) => Some(Err(LOST)),
                Err(TryRecvError::Empty) => None,
            };
            soon.is_some()
        });
        self.is_answered = soon.is_some();
        soon
    }
}

impl<A> Drop for Waiting<A> {
    fn drop(&mut self) {
        if !self.is_answered {
            self.shared.mailbox.remove(self.id);
        }
    }
}
