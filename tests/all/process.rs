//! What workers leave behind in the process. Each runs alone in a process of its own.

use std::fs;

use plugin_sandbox::{PluginCapabilities, PluginWorker};

use crate::support::{alone, eventually};

/// Threads of this process, and the names of those that belong to plugins.
fn threads() -> (usize, usize) {
    let names: Vec<_> = fs::read_dir("/proc/self/task")
        .unwrap()
        .filter_map(|task| fs::read_to_string(task.ok()?.path().join("comm")).ok())
        .collect();
    (names.len(), names.iter().filter(|name| name.starts_with("plugin:")).count())
}

fn file_descriptors() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

fn resident_megabytes() -> usize {
    let pages = fs::read_to_string("/proc/self/statm").unwrap();
    let pages: usize = pages.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4096 / (1 << 20)
}

/// Starts `count` workers at once, calls each, and shuts them down.
fn round(count: usize) {
    let workers: Vec<_> = (0..count)
        .map(|n| PluginWorker::new(format!("w{n}"), PluginCapabilities::default()))
        .collect();
    let calls: Vec<_> = workers.iter().map(|worker| worker.execute("1 + 1")).collect();
    for call in calls {
        assert_eq!(call.wait(), Ok(2.into()));
    }
}

#[test]
#[cfg(target_os = "linux")]
fn five_hundred_workers_leave_no_thread_and_no_memory_behind() {
    alone("process::five_hundred_workers_leave_no_thread_and_no_memory_behind", || {
        // The first round brings what stays for good: V8 itself, its helpers, the watchdog.
        round(50);
        let (threads_before, files_before) = (threads().0, file_descriptors());
        let before = resident_megabytes();
        for _ in 0..10 {
            round(50);
        }
        assert!(eventually(|| threads() == (threads_before, 0)), "{:?}", threads());
        assert_eq!(file_descriptors(), files_before);
        let after = resident_megabytes();
        // Without the shutdown they would hold more than 500 MB.
        assert!(after < before + 60, "{before} MB before, {after} MB after");
    });
}

#[test]
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn workers_that_end_give_their_memory_back_to_the_system() {
    alone("process::workers_that_end_give_their_memory_back_to_the_system", || {
        round(20);
        let before = resident_megabytes();
        let worker = |n| PluginWorker::new(format!("w{n}"), PluginCapabilities::default());
        let workers: Vec<_> = (0..100).map(worker).collect();
        for worker in &workers {
            let garbage = "Array.from({ length: 30_000 }, (_, i) => ({ i })).length";
            assert_eq!(worker.blocking_execute(garbage), Ok(30_000.into()));
        }
        let held = resident_megabytes() - before;
        drop(workers);
        let kept = resident_megabytes().saturating_sub(before);
        println!("{held} MB held by 100 workers, {kept} MB kept after them");
        assert!(kept * 4 < held, "{kept} of {held} MB are kept");
    });
}

#[test]
#[cfg(target_os = "linux")]
fn a_worker_that_was_never_called_leaves_no_thread_behind() {
    alone("process::a_worker_that_was_never_called_leaves_no_thread_behind", || {
        round(1);
        let before = threads();
        for _ in 0..20 {
            drop(PluginWorker::new("idle", PluginCapabilities::default()));
        }
        assert!(eventually(|| threads() == before), "{before:?} {:?}", threads());
    });
}

#[test]
fn v8_may_be_initialised_from_a_thread_that_is_older_than_it() {
    alone("process::v8_may_be_initialised_from_a_thread_that_is_older_than_it", || {
        let (start, started) = std::sync::mpsc::channel::<()>();
        let older = std::thread::spawn(move || {
            started.recv().unwrap();
            let mut plugin = plugin_sandbox::PluginIsolate::builder("older").build().unwrap();
            plugin.execute("[1, 2].map(x => x * 2)").unwrap()
        });
        std::thread::spawn(|| round(2)).join().unwrap();
        start.send(()).unwrap();
        assert_eq!(older.join().unwrap(), serde_json::json!([2, 4]));
    });
}
