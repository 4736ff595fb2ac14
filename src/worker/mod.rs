//! A plugin on a thread of its own.
//!
//! [`PluginWorker`] is the handle, and `calls` are its ways in; `mailbox` holds what waits; `thread` takes one message after
//! the other and makes one guarded call of each; `call` is the future of an answer. `shared` is
//! what the handle, the thread and the watchdog have in common.

mod batch;
mod batch_call;
mod call;
mod calls;
mod events;
mod faults;
mod mailbox;
mod patience;
mod pending;
mod plugin_worker;
mod rate;
mod shared;
mod state_cell;
mod stats;
mod thread;

pub use batch_call::BatchCall;
pub use call::Call;
pub use events::{WorkerEvent, WorkerEvents, WorkerState};
pub use plugin_worker::PluginWorker;
pub(crate) use plugin_worker::StartingWorker;
pub use stats::{Terminations, WorkerStats};
