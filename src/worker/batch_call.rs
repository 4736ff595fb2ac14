//! `BatchCall`: the future of the answers of a batch.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::sync::oneshot;

use super::batch::BatchResponse;
use super::pending::Pending;
use super::shared::Shared;
use crate::protocol::PluginError;

/// A batch of calls that was handed to a worker: a future of all its answers, under any executor.
///
/// There is one answer for each argument, in their order. As with a [`Call`](crate::Call), the
/// batch is queued when this is made; dropping it takes what waits of it out of the queue.
#[must_use = "dropping a batch takes it out of the queue"]
pub struct BatchCall {
    /// How many answers there are to be.
    len: usize,
    state: State,
}

enum State {
    /// Answered before it was queued.
    Answered(BatchResponse),
    Waiting(Pending<BatchResponse>),
    /// The answer was given out.
    Spent,
}

impl fmt::Debug for BatchCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchCall").field("len", &self.len).finish_non_exhaustive()
    }
}

impl BatchCall {
    pub(super) fn new(
        len: usize,
        shared: &Arc<Shared>,
        submitted: Result<u64, PluginError>,
        answer: oneshot::Receiver<BatchResponse>,
    ) -> Self {
        let state = match submitted {
            Ok(id) => State::Waiting(Pending::new(id, shared, answer)),
            Err(error) => State::Answered(vec![Err(error); len]),
        };
        Self { len, state }
    }

    /// Cancels the batch: its calls that wait leave the queue, the one that runs is stopped.
    /// These answer [`PluginError::Cancelled`]; those that were answered keep their answers.
    pub fn cancel(&self) {
        if let State::Waiting(pending) = &self.state {
            pending.cancel();
        }
    }

    /// Waits for the answers on this thread. Not for async code: it would keep the executor's
    /// thread waiting.
    pub fn wait(mut self) -> BatchResponse {
        if let State::Waiting(pending) = &mut self.state
            && let Some(answer) = pending.soon()
        {
            return answer.unwrap_or_else(|| self.lost());
        }
        pollster::block_on(self)
    }

    /// The worker's thread is gone without an answer.
    fn lost(&self) -> BatchResponse {
        vec![Err(PluginError::WorkerDisconnected); self.len]
    }
}

impl Future for BatchCall {
    type Output = BatchResponse;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<BatchResponse> {
        let answer = match std::mem::replace(&mut self.state, State::Spent) {
            State::Waiting(mut pending) => match pending.poll(context) {
                Poll::Pending => {
                    self.state = State::Waiting(pending);
                    return Poll::Pending;
                }
                Poll::Ready(answer) => answer.unwrap_or_else(|| self.lost()),
            },
            State::Answered(answer) => answer,
            State::Spent => panic!("a BatchCall was polled after it was answered"),
        };
        Poll::Ready(answer)
    }
}
