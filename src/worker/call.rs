//! `Call`: the future of an answer.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::sync::oneshot;

use super::pending::Pending;
use super::shared::Shared;
use crate::protocol::{PluginError, Value};

/// A call that was handed to a worker: a future of its answer, under any executor.
///
/// The call is queued when this is made, not when it is first polled, so several may be under
/// way at once. Dropping it takes the call out of the queue; one that runs already runs on, and
/// nobody hears its answer. [`cancel`](Self::cancel) stops that one too.
///
/// The answer is a `T`: a JSON value, the JSON text of
/// [`call_hook_raw`](crate::PluginWorker::call_hook_raw), or the bytes of
/// [`call_hook_bytes`](crate::PluginWorker::call_hook_bytes).
#[must_use = "dropping a call takes it out of the queue"]
pub struct Call<T = Value> {
    pending: Pending<Result<T, PluginError>>,
}

impl<T> fmt::Debug for Call<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.pending {
            Pending::Refused(_) => "refused",
            Pending::Waiting(_) => "waiting",
            Pending::Answered => "answered",
        };
        f.debug_tuple("Call").field(&state).finish()
    }
}

impl<T> Call<T> {
    pub(super) fn new(
        shared: &Arc<Shared>,
        submitted: Result<u64, PluginError>,
        answer: oneshot::Receiver<Result<T, PluginError>>,
    ) -> Self {
        Self { pending: Pending::new(shared, submitted, answer) }
    }

    /// Cancels the call: if it waits it leaves the queue, if it runs it is stopped, if it was
    /// answered nothing happens. The answer is then [`PluginError::Cancelled`], unless it was
    /// on its way already.
    pub fn cancel(&self) {
        self.pending.cancel();
    }

    /// Waits for the answer on this thread. Not for async code: it would keep the executor's
    /// thread waiting.
    ///
    /// # Errors
    ///
    /// Those of the method that made the call.
    pub fn wait(self) -> Result<T, PluginError> {
        self.pending.wait().flatten()
    }
}

impl<T> Future for Call<T> {
    type Output = Result<T, PluginError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.pending).poll(context).map(Result::flatten)
    }
}
