//! Many workers under one roof.

use std::sync::Arc;

use plugin_sandbox::{PluginCapabilities, PluginError, PluginWorker, WorkerRegistry};
use serde_json::json;

fn add(registry: &WorkerRegistry, name: &str, code: &str) -> Arc<PluginWorker> {
    registry.add(PluginWorker::builder(name).script("main.js", code)).unwrap()
}

#[test]
fn workers_are_created_found_listed_and_removed() {
    let registry = WorkerRegistry::new();
    registry.create("b", PluginCapabilities::default()).unwrap();
    registry.create("a", PluginCapabilities::default()).unwrap();
    assert_eq!(registry.list(), ["a", "b"]);
    let a = registry.get("a").unwrap();
    assert_eq!(a.blocking_execute("1"), Ok(1.into()));
    registry.remove("a").unwrap();
    assert_eq!(a.blocking_execute("1"), Err(PluginError::WorkerDisconnected));
    assert!(registry.get("a").is_none());
    assert_eq!(registry.remove("a"), Err(PluginError::WorkerNotFound { name: "a".into() }));
}

#[test]
fn a_second_worker_of_one_name_is_refused_and_a_failed_start_frees_the_name() {
    let registry = WorkerRegistry::new();
    let broken = PluginWorker::builder("a").script("main.js", "throw 1");
    assert!(matches!(registry.add(broken), Err(PluginError::JavaScript(_))));
    registry.create("a", PluginCapabilities::default()).unwrap();
    let twin = registry.create("a", PluginCapabilities::default());
    assert_eq!(twin.unwrap_err(), PluginError::WorkerAlreadyExists { name: "a".into() });
}

#[test]
fn of_many_threads_that_create_one_name_one_succeeds() {
    let registry = WorkerRegistry::new();
    let create = || registry.create("one", PluginCapabilities::default()).is_ok();
    let created = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(create)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).filter(|made| *made).count()
    });
    assert_eq!(created, 1);
    assert_eq!(registry.list(), ["one"]);
}

#[test]
fn a_hook_is_called_in_every_worker_that_has_it() {
    let registry = WorkerRegistry::new();
    add(&registry, "one", "plugin.on('f', x => x + 1)");
    add(&registry, "none", "");
    add(&registry, "bad", "plugin.on('f', () => { throw new Error('no') })");
    let answers = registry.call_hook_all("f", 1.into()).wait();
    let names: Vec<_> = answers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["bad", "one"]);
    assert_eq!(answers[0].1.as_ref().unwrap_err().as_js().unwrap().message, "no");
    assert_eq!(answers[1].1, Ok(2.into()));
}

#[tokio::test]
async fn a_slow_plugin_does_not_hold_the_others_up() {
    let registry = WorkerRegistry::new();
    let begins = "plugin.on('f', () => new Promise(() => plugin.emit('begun')))";
    let slow = add(&registry, "a-slow", begins);
    add(&registry, "b", "plugin.on('f', () => 'b')");
    add(&registry, "c", "plugin.on('f', () => 'c')");
    let mut calls = registry.call_hook_all("f", json!(null));
    let mut quick = [calls.next().await.unwrap().0, calls.next().await.unwrap().0];
    quick.sort();
    assert_eq!(quick, ["b", "c"]);
    assert!(slow.plugin_events().next().await.is_some());
    slow.cancel();
    assert_eq!(calls.next().await, Some(("a-slow".into(), Err(PluginError::Cancelled))));
    assert_eq!(calls.next().await, None);
}

#[test]
fn sixty_four_workers_answer_eight_threads() {
    let registry = WorkerRegistry::new();
    let names: Vec<_> = (0..64).map(|n| format!("w{n}")).collect();
    for name in &names {
        add(&registry, name, "var calls = 0; plugin.on('f', x => [plugin.id, ++calls, x])");
    }
    std::thread::scope(|scope| {
        for caller in 0..8 {
            let (registry, names) = (&registry, &names);
            scope.spawn(move || {
                let calls: Vec<_> = names
                    .iter()
                    .map(|name| registry.get(name).unwrap().call_hook("f", caller.into()))
                    .collect();
                for (name, call) in names.iter().zip(calls) {
                    let answer = call.wait().unwrap();
                    assert_eq!((&answer[0], &answer[2]), (&json!(name), &json!(caller)));
                }
            });
        }
    });
    for name in &names {
        let worker = registry.get(name).unwrap();
        assert_eq!(worker.blocking_execute("calls"), Ok(8.into()));
    }
    registry.shutdown_all();
    assert!(registry.list().is_empty());
}
