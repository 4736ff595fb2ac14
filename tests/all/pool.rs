//! Workers that have started before they are wanted.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use plugin_sandbox::{ConsoleMessage, PluginError, PluginWorker, WorkerPool};

use crate::support::{alone, eventually, patient_limits};

const SCRIPT: &str = "var seen = []; plugin.on('see', x => seen.push(x)); console.log('started')";

/// A pool, and how many of its workers have started.
fn pool(count: usize) -> (WorkerPool, Arc<AtomicUsize>) {
    let started = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&started);
    let sink = move |_: &ConsoleMessage| {
        counted.fetch_add(1, Ordering::Relaxed);
    };
    let builder = PluginWorker::builder("pooled").limits(patient_limits()).console(sink);
    (WorkerPool::new(builder.script("main.js", SCRIPT)).prewarm(count), started)
}

#[test]
fn a_worker_that_is_handed_out_is_replaced() {
    let (pool, started) = pool(2);
    assert!(eventually(|| pool.ready() == 2));
    let worker = pool.get().unwrap();
    assert_eq!(worker.blocking_call_hook("see", 1.into()), Ok(1.into()));
    assert!(eventually(|| pool.ready() == 2));
    assert_eq!(started.load(Ordering::Relaxed), 3);
}

#[test]
fn no_worker_is_handed_out_twice() {
    let (pool, _) = pool(2);
    for _ in 0..5 {
        let worker = pool.get().unwrap();
        assert_eq!(worker.blocking_call_hook("see", 1.into()), Ok(1.into()), "used before");
    }
}

#[test]
fn an_empty_pool_builds_what_is_wanted() {
    let (pool, started) = pool(0);
    assert_eq!(pool.get().unwrap().blocking_execute("seen.length"), Ok(0.into()));
    assert_eq!((pool.ready(), started.load(Ordering::Relaxed)), (0, 1));
}

#[test]
fn many_threads_each_get_a_worker() {
    let (pool, _) = pool(2);
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                let worker = pool.get().unwrap();
                assert_eq!(worker.blocking_call_hook("see", 1.into()), Ok(1.into()));
            });
        }
    });
}

#[test]
fn a_start_that_fails_is_told_to_who_wants_a_worker() {
    let pool = WorkerPool::new(PluginWorker::builder("broken").script("boot.js", "boom()"));
    let pool = pool.prewarm(2);
    for _ in 0..3 {
        assert!(matches!(pool.get(), Err(PluginError::JavaScript(_))));
    }
    assert_eq!(pool.ready(), 0);
    let pool = WorkerPool::new(PluginWorker::builder("")).prewarm(1);
    assert!(matches!(pool.get(), Err(PluginError::InvalidArgument(_))));
}

#[test]
#[cfg(target_os = "linux")]
fn dropping_a_pool_ends_its_threads() {
    alone("pool::dropping_a_pool_ends_its_threads", || {
        let (pool, _) = pool(3);
        let kept = pool.get().unwrap();
        drop(pool);
        assert_eq!(crate::support::threads_named("plugin:pooled"), 1);
        assert_eq!(kept.blocking_call_hook("see", 1.into()), Ok(1.into()));
    });
}
