//! How the owner of an isolate, and whoever stops it, reach it from other threads.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Thread;

use crate::watchdog::Condemn;

/// What the owner of a worker's thread wants to be told; both are called on other threads.
pub(crate) struct Owner {
    /// The thread is given up.
    pub(crate) condemn: Condemn,
    /// There is something to do between calls.
    pub(crate) wake: Box<dyn Fn() + Send + Sync>,
}

/// How anybody reaches the isolate that is in use just now, to stop it; rebuilding changes it.
#[derive(Debug)]
pub(super) struct StopHandle {
    isolate: Mutex<Option<v8::IsolateHandle>>,
    thread: Thread,
}

impl StopHandle {
    /// For an isolate of this thread.
    pub(super) fn of_this_thread() -> Arc<Self> {
        Arc::new(Self { isolate: Mutex::new(None), thread: std::thread::current() })
    }

    pub(super) fn aim(&self, isolate: Option<v8::IsolateHandle>) {
        *self.isolate.lock().unwrap_or_else(PoisonError::into_inner) = isolate;
    }

    pub(super) fn stop(&self) {
        if let Some(isolate) = &*self.isolate.lock().unwrap_or_else(PoisonError::into_inner) {
            isolate.terminate_execution();
        }
        self.wake();
    }

    /// Wakes the thread if it waits for a promise.
    pub(super) fn wake(&self) {
        self.thread.unpark();
    }
}
