//! The capability `storage`: a store of a plugin's own, that lasts and is bounded.

use std::path::Path;
use std::sync::{Arc, Mutex};

use plugin_sandbox::{
    AuditEvent, ByteSize, PluginCapabilities, PluginError, PluginIsolate, PluginWorker,
    StorageGrant,
};
use serde_json::json;

use crate::support::{alone, assert_alive, patient_limits, thrown};

pub fn try_worker(id: &str, grant: StorageGrant) -> Result<PluginWorker, PluginError> {
    PluginWorker::builder(id)
        .limits(patient_limits())
        .capabilities(PluginCapabilities::default().storage(grant))
        .build()
}

pub fn worker(grant: StorageGrant) -> PluginWorker {
    try_worker("test", grant).unwrap()
}

fn in_memory() -> PluginWorker {
    worker(StorageGrant::default())
}

pub fn on_disk(directory: &Path) -> StorageGrant {
    let mut grant = StorageGrant::default();
    grant.directory = Some(directory.to_owned());
    grant
}

#[test]
fn what_is_set_is_got() {
    let worker = in_memory();
    let code = "storage.set('a', { list: [1, 'ü', null, 0.1 + 0.2], deep: { yes: true } });
        storage.set('b', null);
        [storage.get('a'), storage.get('b'), storage.has('b'), storage.get('c'), storage.has('c')]";
    let a = json!({ "list": [1, "ü", null, 0.1 + 0.2], "deep": { "yes": true } });
    assert_eq!(worker.blocking_execute(code), Ok(json!([a, null, true, null, false])));
    let code = "storage.set('a', 1); [storage.get('a'), storage.delete('a'), storage.delete('a')]";
    assert_eq!(worker.blocking_execute(code), Ok(json!([1, true, false])));
    let code = "for (const k of ['x/2', 'x/10', 'x', 'y', '']) storage.set(k, k);
        [storage.keys('x/'), storage.keys(), storage.clear(), storage.keys()]";
    let all = json!([["x/10", "x/2"], ["", "b", "x", "x/10", "x/2", "y"], null, []]);
    assert_eq!(worker.blocking_execute(code), Ok(all));
}

#[test]
fn numbers_are_the_same_when_they_come_back() {
    let code = "const odd = [];
        for (let i = 0; i < 2000; i++) {
            const n = (Math.random() - 0.5) * 10 ** (Math.random() * 600 - 300);
            storage.set('n', n);
            if (storage.get('n') !== n) odd.push(n);
        }
        odd";
    assert_eq!(in_memory().blocking_execute(code), Ok(json!([])));
}

#[test]
fn a_store_on_disk_outlives_its_worker_and_is_one_a_plugin() {
    let directory = tempfile::tempdir().unwrap();
    let below = directory.path().join("made/if/missing");
    let first = try_worker("one", on_disk(&below)).unwrap();
    first.blocking_execute("storage.set('a', 'kept')").unwrap();
    drop(first);
    let again = try_worker("one", on_disk(&below)).unwrap();
    assert_eq!(again.blocking_execute("storage.get('a')"), Ok("kept".into()));
    for other in ["two", "One", "on", "one.redb", "../one"] {
        let other = try_worker(other, on_disk(&below)).unwrap();
        assert_eq!(other.blocking_execute("storage.keys()"), Ok(json!([])));
    }
    assert_eq!(std::fs::read_dir(below).unwrap().count(), 6);
}

#[test]
fn a_store_survives_the_loss_of_the_isolate() {
    let worker = in_memory();
    worker.blocking_execute("storage.set('a', 1)").unwrap();
    let flood = worker.blocking_execute("let a = []; for (;;) a.push({})");
    assert!(matches!(flood, Err(PluginError::MemoryLimitExceeded { .. })), "{flood:?}");
    assert_eq!(worker.blocking_execute("storage.get('a')"), Ok(1.into()));
}

#[test]
fn the_workers_of_a_plugin_share_its_store() {
    let directory = tempfile::tempdir().unwrap();
    let workers = [(); 3].map(|()| worker(on_disk(directory.path())));
    let code = "for (let i = 0; i < 20; i++) storage.set('n', (storage.get('n') ?? 0) + 0);
        storage.set('mine' + Math.random(), 1)";
    let calls: Vec<_> = workers.iter().map(|worker| worker.execute(code)).collect();
    calls.into_iter().for_each(|call| assert!(call.wait().is_ok()));
    assert_eq!(workers[0].blocking_execute("storage.size().keys"), Ok(4.into()));
}

#[test]
fn a_store_can_be_opened_while_it_is_being_closed() {
    let directory = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..15 {
                    let capabilities =
                        PluginCapabilities::default().storage(on_disk(directory.path()));
                    let built = PluginIsolate::builder("test").capabilities(capabilities).build();
                    assert_eq!(built.unwrap().execute("storage.has('a')"), Ok(false.into()));
                }
            });
        }
    });
}

#[test]
fn two_plugins_in_memory_do_not_see_each_other() {
    let (one, other) = (in_memory(), in_memory());
    one.blocking_execute("storage.set('a', 1)").unwrap();
    assert_eq!(other.blocking_execute("storage.has('a')"), Ok(false.into()));
}

#[test]
fn the_size_and_the_keys_of_a_store_are_bounded() {
    let mut grant = StorageGrant::default();
    (grant.size, grant.keys) = (ByteSize::b(1000), 5);
    let worker = worker(grant);
    let code = "for (let i = 0; i < 9; i++) try { storage.set('k' + i, 1) } catch (e) {
        var failed = [i, e.name, e.code] } failed.concat(storage.keys().length)";
    assert_eq!(worker.blocking_execute(code), Ok(json!([8, "RangeError", "E_QUOTA", 5])));
    let code = "storage.clear();
        storage.set('a', 'x'.repeat(400));
        storage.set('b', 'x'.repeat(400));
        const refused = [];
        for (const set of [
            () => storage.set('c', 'x'.repeat(400)),
            () => storage.set('a', 'x'.repeat(700)),
            () => storage.set('a', 'x'.repeat(5000)),
        ]) try { set() } catch (e) { refused.push(e.code) }
        // A quote needs two bytes.
        try { storage.set('b', '\"'.repeat(400)) } catch (e) { refused.push(e.code) }
        storage.set('a', 'x'.repeat(590));
        [refused, storage.get('a').length, storage.get('b').length, storage.size()]";
    let refused = ["E_QUOTA"; 4];
    let size = json!({ "bytes": 1 + 592 + 1 + 402, "keys": 2 });
    assert_eq!(worker.blocking_execute(code), Ok(json!([refused, 590, 400, size])));
}

#[test]
fn keys_are_text_of_bounded_length() {
    let worker = in_memory();
    let code = "storage.set('ü'.repeat(512), 1); storage.get('ü'.repeat(512))";
    assert_eq!(worker.blocking_execute(code), Ok(1.into()));
    for call in ["set(K, 1)", "get(K)", "has(K)", "delete(K)", "keys(K)"] {
        let code = format!("storage.{}", call.replace('K', "'ü'.repeat(513)"));
        assert_eq!(thrown(&worker, &code).name, "RangeError", "{code}");
    }
    for wrong in ["set()", "set(1, 2)", "get()", "get({})", "set(Symbol(), 1)", "set('a', 1n)"] {
        assert_eq!(thrown(&worker, &format!("storage.{wrong}")).name, "TypeError", "{wrong}");
    }
    let odd = "for (const k of ['__proto__', 'constructor', '\\0', '../x', '\\ud800'])
        { storage.set(k, { __proto__: null, k }) } storage.keys().length";
    assert_eq!(worker.blocking_execute(odd), Ok(6.into()));
}

#[test]
fn values_that_fight_back_get_nowhere() {
    let worker = in_memory();
    let code = "storage.set('a', 1);
        const value = { get x() { storage.set('a', 2); storage.clear(); throw new Error('no') } };
        try { storage.set('a', value) } catch (e) { var message = e.message }
        storage.set('b', new Proxy([1], { get(t, k) { storage.set('c', 3); return t[k] } }));
        const cycle = {}; cycle.cycle = cycle;
        try { storage.set('d', cycle) } catch (e) { var cyclic = e.name }
        Object.prototype.toJSON = () => 'polluted';
        storage.set('e', { fine: 1 });
        delete Object.prototype.toJSON;
        [message, storage.get('b'), storage.keys(), cyclic, storage.get('e')]";
    let answer = worker.blocking_execute(code);
    assert_eq!(answer, Ok(json!(["no", [1], ["b", "c", "e"], "TypeError", { "fine": 1 }])));
    let deep = "let v = 1; for (let i = 0; i < 128; i++) v = [v]; storage.set('a', v)";
    assert_eq!(thrown(&worker, deep).name, "RangeError");
    assert_alive(&worker);
}

#[test]
fn every_use_leaves_one_event() {
    let events = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&events);
    let worker = PluginWorker::builder("test")
        .capabilities(PluginCapabilities::default().storage(StorageGrant::default()))
        .audit(move |event: &AuditEvent| {
            let AuditEvent { operation, target, outcome, .. } = event;
            sink.lock().unwrap().push(format!("{operation} {target}: {outcome}"));
        })
        .build()
        .unwrap();
    let code = "storage.set('a', 1); storage.get('a'); storage.keys('p'); storage.clear();
        storage.size(); storage.delete('none'); storage.has('b\\n');
        try { storage.set('big', 'x'.repeat(5e6)) } catch {}";
    worker.blocking_execute(code).unwrap();
    assert_eq!(
        *events.lock().unwrap(),
        [
            "storage.set a: done",
            "storage.get a: done",
            "storage.keys p: done",
            "storage.clear : done",
            "storage.size : done",
            "storage.delete none: done",
            "storage.has b\\u{a}: done",
            "storage.set big: failed: the store would hold more than 4.0 MiB",
        ]
    );
}

#[cfg(target_os = "linux")]
#[test]
fn writing_again_and_again_does_not_make_the_store_grow() {
    alone("storage::writing_again_and_again_does_not_make_the_store_grow", || {
        let directory = tempfile::tempdir().unwrap();
        let many = "storage.clear();
            for (let round = 0; round < 20; round++) for (let i = 0; i < 20; i++) {
                storage.set('k' + i, 'x'.repeat(20 + (round * 7919 + i * 104729) % 200_000));
            } storage.size().bytes";
        // As much as there may be, again and again.
        let one = "storage.clear();
            for (let i = 0; i < 10; i++) storage.set('k', 'x'.repeat(4_190_000 + i));
            storage.size().bytes";
        let small = "storage.clear();
            for (let i = 0; i < 2000; i++) storage.set('k' + i % 1500, 'x'.repeat(2700));
            storage.size().bytes";
        let worker = worker(on_disk(directory.path()));
        for code in [many, one, small, many] {
            let began = std::time::Instant::now();
            let bytes = worker.blocking_execute(code).unwrap();
            let length = std::fs::metadata(directory.path().join("test.redb")).unwrap().len();
            println!("{bytes} bytes in {:?}: {length} on disk", began.elapsed());
            assert!(length < 18 << 20, "{length}");
        }
        let (worker, before) = (in_memory(), resident());
        for code in [many, one, small, many] {
            worker.blocking_execute(code).unwrap();
            println!("in memory: {} kB more", resident().saturating_sub(before));
        }
    });
}

#[cfg(target_os = "linux")]
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
