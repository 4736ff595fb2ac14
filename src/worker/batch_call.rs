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
    pending: Pending<BatchResponse>,
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
        Self { len, pending: Pending::new(shared, submitted, answer) }
    }

    /// Cancels the batch: its calls that wait leave the queue, the one that runs is stopped.
    /// These answer [`PluginError::Cancelled`]; those that were answered keep their answers.
    pub fn cancel(&self) {
        self.pending.cancel();
    }

    /// Waits for the answers on this thread. Not for async code: it would keep the executor's
    /// thread waiting.
    pub fn wait(self) -> BatchResponse {
        all(self.len, self.pending.wait())
    }
}

impl Future for BatchCall {
    type Output = BatchResponse;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<BatchResponse> {
        let len = self.len;
        Pin::new(&mut self.pending).poll(context).map(|answers| all(len, answers))
    }
}

/// The error of all calls together is that of each.
fn all(len: usize, answers: Result<BatchResponse, PluginError>) -> BatchResponse {
    answers.unwrap_or_else(|error| vec![Err(error); len])
}
