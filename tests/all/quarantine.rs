//! Calls that nothing can stop, and faults that would end the process. Each test runs alone in
//! a process of its own: without what it tests, that process would hang or end.

use std::time::{Duration, Instant};

use plugin_sandbox::{
    FaultContainment, Hardening, PluginError, PluginWorker, ProcessLimits, ResourceLimits,
    WorkerState, process_stats, set_fault_containment, set_process_limits,
};
use serde_json::json;

use crate::support::{DEAF, alone, assert_alive, eventually, plugin, unhardened_limits};

fn unhardened() -> PluginWorker {
    let builder = PluginWorker::builder("deaf").limits(unhardened_limits());
    builder.script("m.js", "var fresh = 1").build().unwrap()
}

#[test]
fn a_builtin_that_cannot_be_interrupted_costs_its_caller_nothing() {
    alone("quarantine::a_builtin_that_cannot_be_interrupted_costs_its_caller_nothing", || {
        let (worker, neighbour) = (unhardened(), plugin("var x = 1"));
        let queued = {
            let attack = worker.execute(DEAF);
            let queued = worker.execute("fresh");
            assert!(matches!(attack.wait(), Err(PluginError::Timeout { .. })));
            queued
        };
        assert_eq!(queued.wait(), Ok(1.into()), "a fresh thread goes on with the queue");
        assert_alive(&neighbour);
        let stats = worker.stats();
        assert_eq!((stats.quarantined, stats.rebuilds, stats.terminations.timeout), (1, 1, 1));
        assert_eq!(process_stats().quarantined, 1);
        // Ending does not wait for the lost thread.
        let began = Instant::now();
        worker.shutdown();
        assert!(began.elapsed() < Duration::from_secs(5));
    });
}

#[test]
fn a_thread_that_ends_after_all_leaves_the_quarantine() {
    alone("quarantine::a_thread_that_ends_after_all_leaves_the_quarantine", || {
        let worker = unhardened();
        // Some seconds, then it notices.
        let answer = worker.blocking_execute("Array.from({ length: 3e7 }); 1");
        assert!(matches!(answer, Err(PluginError::Timeout { .. })), "{answer:?}");
        if worker.stats().quarantined == 1 {
            let began = Instant::now();
            while process_stats().quarantined == 1 && began.elapsed() < Duration::from_secs(60) {
                std::thread::sleep(Duration::from_millis(50));
            }
        }
        assert_eq!(process_stats().quarantined, 0);
        assert_alive(&worker);
    });
}

#[test]
fn beyond_the_tolerated_number_no_thread_takes_the_place() {
    alone("quarantine::beyond_the_tolerated_number_no_thread_takes_the_place", || {
        let mut limits = ProcessLimits::default();
        limits.quarantined = 1;
        set_process_limits(limits).unwrap();
        let (worker, neighbour) = (unhardened(), plugin("var x = 1"));
        for _ in 0..2 {
            assert!(matches!(worker.blocking_execute(DEAF), Err(PluginError::Timeout { .. })));
        }
        let refused = worker.blocking_execute("1");
        let limit = PluginError::ProcessLimit { what: "quarantined", used: 2, limit: 1 };
        assert_eq!(refused, Err(limit.clone()));
        assert!(eventually(|| worker.state() == WorkerState::Stopped));
        assert_eq!(PluginWorker::builder("new").build().unwrap_err(), limit);
        assert_alive(&neighbour);
    });
}

#[test]
fn a_start_up_script_that_cannot_be_interrupted_fails_the_start() {
    alone("quarantine::a_start_up_script_that_cannot_be_interrupted_fails_the_start", || {
        let mut limits = ResourceLimits::default();
        limits.hardening = Hardening::Off;
        limits.wall_time = Duration::from_millis(100);
        limits.grace = Duration::from_millis(100);
        let builder = PluginWorker::builder("deaf").limits(limits).script("m.js", DEAF);
        let error = builder.build().unwrap_err();
        assert!(matches!(error, PluginError::Timeout { .. }), "{error:?}");
        assert_alive(&plugin("var x = 1"));
    });
}

/// One-liners that end a process in V8 as it is, whatever its heap limit.
const ABORTING: [&str; 5] = [
    "[].sort.call({ length: 2 ** 28 })",
    "[].toSorted.call({ length: 2 ** 28 })",
    "Array(2 ** 8).fill(Array(2 ** 20).fill(1)).flat()",
    "'a'.repeat(2 ** 27 + 1).split('')",
    "'a'.repeat(2 ** 29 - 30).match(/a/g)",
];

#[test]
fn what_would_end_the_process_ends_a_thread() {
    alone("quarantine::what_would_end_the_process_ends_a_thread", || {
        let neighbour = plugin("var x = 1");
        for code in ABORTING {
            let mut limits = ResourceLimits::default();
            limits.hardening = Hardening::Off;
            limits.wall_time = Duration::from_secs(30);
            let worker = PluginWorker::builder("aborting").limits(limits).build().unwrap();
            let answer = worker.blocking_execute(format!("{code}; 1"));
            assert!(answer.is_err(), "{code}: {answer:?}");
            assert_alive(&worker);
            assert_alive(&neighbour);
        }
        assert!(process_stats().quarantined > 0, "V8 has mended them all?");
    });
}

#[test]
fn with_hardening_the_same_cost_no_thread() {
    alone("quarantine::with_hardening_the_same_cost_no_thread", || {
        for hardening in [Hardening::Full, Hardening::AbortOnly] {
            let mut limits = ResourceLimits::default();
            limits.hardening = hardening;
            let worker = PluginWorker::builder("aborting").limits(limits).build().unwrap();
            for code in ABORTING {
                let answer = worker.blocking_execute(format!("{code}; 1"));
                assert!(answer.is_err(), "{code}: {answer:?}");
                assert_alive(&worker);
            }
        }
        assert_eq!(process_stats().quarantined_total, 0);
    });
}

#[test]
#[cfg(unix)]
fn signals_on_other_threads_reach_the_handler_that_was_there_before() {
    use std::sync::atomic::{AtomicUsize, Ordering};
    static SEEN: AtomicUsize = AtomicUsize::new(0);
    extern "C" fn count(_: libc::c_int) {
        SEEN.fetch_add(1, Ordering::SeqCst);
    }
    alone("quarantine::signals_on_other_threads_reach_the_handler_that_was_there_before", || {
        let handler = count as *const () as libc::sighandler_t;
        // SAFETY: the handler does nothing but count.
        unsafe { libc::signal(libc::SIGTRAP, handler) };
        let worker = plugin("var x = 1");
        // SAFETY: raises a signal that has a handler.
        unsafe { libc::raise(libc::SIGTRAP) };
        assert_eq!(SEEN.load(Ordering::SeqCst), 1);
        assert_alive(&worker);
        assert_eq!(process_stats().quarantined, 0);
    });
}

#[test]
#[cfg(unix)]
fn without_containment_nothing_is_installed() {
    alone("quarantine::without_containment_nothing_is_installed", || {
        assert!(set_fault_containment(FaultContainment::Off));
        let worker = plugin("plugin.on('f', () => 1)");
        assert_eq!(worker.blocking_call_hook("f", json!(null)), Ok(1.into()));
        let mut action = std::mem::MaybeUninit::<libc::sigaction>::uninit();
        // SAFETY: asks for the present action.
        let action = unsafe {
            libc::sigaction(libc::SIGTRAP, std::ptr::null(), action.as_mut_ptr());
            action.assume_init()
        };
        assert_eq!(action.sa_sigaction, libc::SIG_DFL);
        assert!(!set_fault_containment(FaultContainment::On), "too late");
        assert!(eventually(|| worker.state() == WorkerState::Ready));
    });
}
