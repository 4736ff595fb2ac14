//! What happens to a worker, for the host to follow.

use tokio::sync::broadcast;

use crate::protocol::PluginError;

/// What a worker is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WorkerState {
    /// Its isolate is being built and its start-up scripts run.
    Starting,
    /// It waits for calls.
    Ready,
    /// It is in a call, or in a timer's callback.
    Busy,
    /// Its isolate is being built anew after a fault.
    Rebuilding,
    /// Its thread has been given up and no other has taken its place yet.
    Condemned,
    /// It takes no more calls.
    Stopped,
}

/// Something that happened to a worker. Calls that end as they should are none.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum WorkerEvent {
    /// The plugin has started, or started again.
    Started,
    /// A call was stopped, or what runs between calls (a timer's callback, a host function's
    /// answer) failed.
    Failed(PluginError),
    /// The plugin has lost its isolate and is being started again.
    Rebuilding,
    /// The plugin's thread was given up: a call does not stop, or V8 has run out of memory.
    Quarantined,
    /// The plugin could not start, or may not any more; it takes no more calls.
    GaveUp(PluginError),
    /// The worker was shut down.
    Stopped,
    /// The receiver was too slow: so many events are missing here.
    Missed(u64),
}

/// Events kept for a receiver that is slow.
const KEPT: usize = 256;

/// The events of one worker, from the moment of
/// [`PluginWorker::subscribe`](crate::PluginWorker::subscribe) on.
#[derive(Debug)]
pub struct WorkerEvents {
    receiver: broadcast::Receiver<WorkerEvent>,
}

impl WorkerEvents {
    /// The next event, under any executor. `None` once the worker is gone.
    pub async fn next(&mut self) -> Option<WorkerEvent> {
        match self.receiver.recv().await {
            Ok(event) => Some(event),
            Err(broadcast::error::RecvError::Lagged(missed)) => Some(WorkerEvent::Missed(missed)),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }

    /// The next event if there is one already.
    pub fn try_next(&mut self) -> Option<WorkerEvent> {
        match self.receiver.try_recv() {
            Ok(event) => Some(event),
            Err(broadcast::error::TryRecvError::Lagged(missed)) => {
                Some(WorkerEvent::Missed(missed))
            }
            Err(_) => None,
        }
    }
}

/// The sending end.
#[derive(Debug)]
pub(super) struct EventSender(broadcast::Sender<WorkerEvent>);

impl Default for EventSender {
    fn default() -> Self {
        Self(broadcast::Sender::new(KEPT))
    }
}

impl EventSender {
    pub(super) fn send(&self, event: WorkerEvent) {
        // Nobody may be listening.
        let _ = self.0.send(event);
    }

    pub(super) fn subscribe(&self) -> WorkerEvents {
        WorkerEvents { receiver: self.0.subscribe() }
    }
}
