//! Events from a plugin to its host: `plugin.emit(name, payload)`.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use crate::protocol::Value;

/// An event that a plugin told of with `plugin.emit(name, payload)`.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct PluginEvent {
    /// Its name, at most 1024 UTF-16 units: any text of the plugin's.
    pub name: String,
    /// What came with it; null if nothing did.
    pub payload: Value,
}

/// What a plugin has told of and the host has not read yet. One for a plugin, whatever becomes of
/// its isolates.
#[derive(Debug, Default)]
pub(crate) struct Outbox(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    events: VecDeque<(PluginEvent, u64)>,
    bytes: u64,
    dropped: u64,
    closed: bool,
    readers: Vec<Waker>,
}

impl Outbox {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues an event of so many `bytes`, if there is room within both limits; else it is
    /// dropped and counted. Answers whether it was queued.
    pub(crate) fn push(
        &self,
        event: PluginEvent,
        bytes: u64,
        most_events: usize,
        most_bytes: u64,
    ) -> bool {
        let mut waiting = self.waiting();
        if waiting.events.len() >= most_events || waiting.bytes.saturating_add(bytes) > most_bytes {
            waiting.dropped += 1;
            return false;
        }
        waiting.bytes += bytes;
        waiting.events.push_back((event, bytes));
        let readers = std::mem::take(&mut waiting.readers);
        drop(waiting);
        readers.into_iter().for_each(Waker::wake);
        true
    }

    /// Events that were dropped because there was no room.
    pub(crate) fn dropped(&self) -> u64 {
        self.waiting().dropped
    }

    /// There will be no more events.
    pub(crate) fn close(&self) {
        let mut waiting = self.waiting();
        waiting.closed = true;
        let readers = std::mem::take(&mut waiting.readers);
        drop(waiting);
        readers.into_iter().for_each(Waker::wake);
    }
}

/// The events of one plugin, each read once, in the order in which the plugin told of them.
///
/// They wait from the plugin's start on, at most as many as
/// [`ResourceLimits::events`](crate::ResourceLimits::events). Several of these share one queue:
/// each event goes to one of them.
///
/// ```
/// use plugin_sandbox::PluginWorker;
///
/// let worker = PluginWorker::builder("progress").build()?;
/// worker.blocking_execute("plugin.emit('progress', { done: 3, of: 10 })")?;
/// let event = pollster::block_on(worker.plugin_events().next()).unwrap();
/// assert_eq!((event.name.as_str(), &event.payload["done"]), ("progress", &3.into()));
/// # Ok::<(), plugin_sandbox::PluginError>(())
/// ```
#[derive(Debug)]
pub struct PluginEvents {
    outbox: Arc<Outbox>,
}

impl PluginEvents {
    pub(crate) fn new(outbox: &Arc<Outbox>) -> Self {
        Self { outbox: Arc::clone(outbox) }
    }

    /// The next event, under any executor. `None` once the plugin is gone and all are read.
    pub async fn next(&mut self) -> Option<PluginEvent> {
        poll_fn(|context| {
            let mut waiting = self.outbox.waiting();
            match take(&mut waiting) {
                Some(event) => Poll::Ready(Some(event)),
                None if waiting.closed => Poll::Ready(None),
                None => {
                    if !waiting.readers.iter().any(|reader| reader.will_wake(context.waker())) {
                        waiting.readers.push(context.waker().clone());
                    }
                    Poll::Pending
                }
            }
        })
        .await
    }

    /// The next event, if there is one already.
    pub fn try_next(&mut self) -> Option<PluginEvent> {
        take(&mut self.outbox.waiting())
    }
}

fn take(waiting: &mut Waiting) -> Option<PluginEvent> {
    let (event, bytes) = waiting.events.pop_front()?;
    waiting.bytes -= bytes;
    Some(event)
}
