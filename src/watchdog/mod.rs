//! One thread for the whole process that stops calls which outlast their deadline.
//!
//! A [`Slot`] belongs to one isolate. Arming it for a call and disarming it again are a few
//! atomic operations: no lock, no allocation, and no system call unless the watchdog sleeps
//! past the new deadline (deadlines of similar length come ever later, so it rarely does).
//!
//! Who stops a call first wins, and records the [`Cause`] before the isolate is told; that and
//! the end of the call are decided by one state word, so a stop never reaches the next call.
//! Knows clocks and threads; what "stop" means it is told as a closure.

mod cause;
mod clock;
mod cpu_clock;
mod cpu_meter;
mod fault;
mod slot;
mod thread;

pub(crate) use cause::Cause;
pub use fault::{FaultContainment, set_fault_containment};
pub(crate) use fault::{WorkerThread, doom_this_thread};
pub(crate) use slot::{Budget, Condemn, Outcome, Slot};
pub(crate) use thread::{retire, watch};
