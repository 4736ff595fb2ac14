//! The messages a worker's thread receives, and the shape of its answer.

use tokio::sync::oneshot;

use super::{PluginError, RawValue, Value};

/// What a call answers: a JSON value, or the one cause why there is none.
pub type WorkerResponse = Result<Value, PluginError>;

/// A message to a worker's thread.
///
/// [`PluginWorker`](crate::PluginWorker) has a method for each of them; a message is sent by
/// hand, with [`PluginWorker::send`](crate::PluginWorker::send), where the answer should go to
/// a channel of the caller's.
///
/// ```
/// use plugin_sandbox::{PluginCapabilities, PluginWorker, WorkerMessage};
/// use tokio::sync::oneshot;
///
/// # fn main() -> Result<(), plugin_sandbox::PluginError> {
/// let worker = PluginWorker::new("sums", PluginCapabilities::default());
/// let (response_tx, response_rx) = oneshot::channel();
/// worker.send(WorkerMessage::Execute { code: "1 + 2".into(), response_tx })?;
/// assert_eq!(response_rx.blocking_recv().unwrap()?, 3);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum WorkerMessage {
    /// Run `code` as a classic script in the plugin's global scope; the answer is its
    /// completion value.
    Execute {
        /// JavaScript source text.
        code: String,
        /// Where the answer goes. A receiver that is dropped before the script starts takes
        /// the message out of the queue.
        response_tx: oneshot::Sender<WorkerResponse>,
    },
    /// Call the hook named `hook` with `args` as its one argument.
    CallHook {
        /// The hook's name: any string, used as a property key and never as source text.
        hook: String,
        /// The one argument.
        args: Value,
        /// Where the answer goes.
        response_tx: oneshot::Sender<WorkerResponse>,
    },
    /// Call the hook named `hook` with what `args` says in JSON text as its one argument.
    CallHookRaw {
        /// The hook's name.
        hook: String,
        /// The one argument.
        args: Box<RawValue>,
        /// Where the JSON text goes that says what it answers.
        response_tx: oneshot::Sender<Result<Box<RawValue>, PluginError>>,
    },
    /// Call the hook named `hook` with `bytes`, a `Uint8Array`, as its one argument.
    CallHookBytes {
        /// The hook's name.
        hook: String,
        /// The one argument.
        bytes: Vec<u8>,
        /// Where the bytes go that it answers.
        response_tx: oneshot::Sender<Result<Vec<u8>, PluginError>>,
    },
    /// Call the hook named `hook` once for each of `args`, in their order.
    CallHookBatch {
        /// The hook's name.
        hook: String,
        /// The one argument of each call.
        args: Vec<Value>,
        /// Where the answers go, one for each argument, once there are all.
        response_tx: oneshot::Sender<Vec<WorkerResponse>>,
    },
    /// Run `code` as a script named `name`, for what it does: its completion value is dropped
    /// (a returned promise is still awaited), and the answer is `null`.
    RunScript {
        /// The script's name inside the plugin: `plugin:/<id>/<name>` in errors.
        name: String,
        /// JavaScript source text.
        code: String,
        /// Where the answer goes.
        response_tx: oneshot::Sender<WorkerResponse>,
    },
    /// The names of the plugin's hooks, as an array of strings in ascending order.
    ListHooks {
        /// Where the answer goes.
        response_tx: oneshot::Sender<WorkerResponse>,
    },
    /// Whether the plugin has a hook of this name: `true` or `false`.
    HasHook {
        /// The hook's name.
        hook: String,
        /// Where the answer goes.
        response_tx: oneshot::Sender<WorkerResponse>,
    },
    /// Tell the plugin's listeners of an event. Nothing is answered.
    Event {
        /// The event's name.
        name: String,
        /// What each listener gets as its one argument.
        payload: Value,
    },
    /// End the worker: the running call ends as it would have, what is still queued is
    /// answered with [`PluginError::WorkerDisconnected`].
    Shutdown,
}
