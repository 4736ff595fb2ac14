//! The runtime that the built-in capabilities do their input and output on.

use std::sync::OnceLock;

use tokio::runtime::{Builder, Handle, Runtime};

use crate::protocol::PluginError;

/// Threads that may block on files and stores at once, for all plugins together.
const BLOCKING_THREADS: usize = 8;

/// The process's runtime for built-in capabilities, started with the first plugin that is granted
/// one of them: one thread, and up to eight more while files are read and written. The host's own
/// asynchronous functions run on the host's.
pub(super) fn io_runtime() -> Result<Handle, PluginError> {
    static RUNTIME: OnceLock<Result<Runtime, PluginError>> = OnceLock::new();
    let runtime = RUNTIME.get_or_init(|| {
        Builder::new_multi_thread()
            .worker_threads(1)
            .max_blocking_threads(BLOCKING_THREADS)
            .thread_name("plugin-io")
            .enable_all()
            .build()
            .map_err(|error| {
                PluginError::Internal(format!("no thread for plugins' files: {error}"))
            })
    });
    runtime.as_ref().map(|runtime| runtime.handle().clone()).map_err(Clone::clone)
}
