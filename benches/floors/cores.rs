//! Which core a thread is on. How long it takes to wake one depends on little else: on the waker's
//! own core it is a switch, on another that sleeps five times that. Left to the kernel it is one for
//! the floor and the other for what is beside it, or the other way round.

/// Runs `work` on one core only, where the threads that it starts stay for good: the first, the second,
/// and so on, of those that there are.
#[cfg(target_os = "linux")]
pub(crate) fn on_core<R>(core: usize, work: impl FnOnce() -> R) -> R {
    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
    let before = sched_getaffinity(None).unwrap();
    let cores: Vec<_> = (0..CpuSet::MAX_CPU).filter(|&core| before.is_set(core)).collect();
    let mut only = CpuSet::new();
    only.set(cores[core.min(cores.len() - 1)]);
    sched_setaffinity(None, &only).unwrap();
    let result = work();
    sched_setaffinity(None, &before).unwrap();
    result
}

/// Elsewhere it is up to the system.
#[cfg(not(target_os = "linux"))]
pub(crate) fn on_core<R>(_: usize, work: impl FnOnce() -> R) -> R {
    work()
}
