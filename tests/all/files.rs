//! The capability `files`: what a plugin can do below a root, and what is told of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use plugin_sandbox::{
    AuditOutcome, ByteSize, Clock, FileAccess, FileRoot, Limit, PluginCapabilities, PluginError,
    PluginIsolate, PluginWorker,
};
use serde_json::json;

use crate::desk::Desk;
use crate::support::{assert_alive, eventually, patient_limits};

#[test]
fn what_is_written_is_read() {
    let desk = Desk::new();
    assert_eq!(desk.run("files.writeFile('w/a.txt', 'grüße')"), "done");
    assert_eq!(desk.run("files.readFile('w/a.txt')"), "grüße");
    assert_eq!(desk.run("files.readFile('w/a.txt', 'text')"), "grüße");
    let code = "files.writeFile('w/a.txt', new Uint8Array([0, 255]))
        .then(() => files.readFile('w/a.txt', 'bytes'))
        .then(bytes => [bytes instanceof Uint8Array, ...bytes])";
    assert_eq!(desk.run(code), json!([true, 0, 255]));
    assert_eq!(desk.run("files.readFile('w/a.txt')"), "E_ENCODING");
    assert_eq!(desk.names(), ["a.txt"]);
}

#[test]
fn directories_are_made_listed_and_removed() {
    let desk = Desk::new();
    assert_eq!(desk.run("files.mkdir('w/a/b')"), "done");
    assert_eq!(desk.run("files.mkdir('w/a/b')"), "done");
    assert_eq!(desk.run("files.writeFile('w/a/file', '12345')"), "done");
    let listed = json!([
        { "name": "b", "kind": "directory", "size": 0 },
        { "name": "file", "kind": "file", "size": 5 },
    ]);
    assert_eq!(desk.run("files.listFiles('w/a')"), listed);
    assert_eq!(desk.run("files.remove('w/a')"), "E_NOT_EMPTY");
    assert_eq!(desk.run("files.remove('w/a/b')"), "done");
    assert_eq!(desk.run("files.remove('w/a', { recursive: true })"), "done");
    assert_eq!(desk.run("files.listFiles('w')"), json!([]));
}

#[test]
fn stat_says_kind_size_and_when() {
    let desk = Desk::new();
    desk.put("a", "abc");
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_millis() as f64;
    let stat = desk.run("files.stat('w/a')");
    assert_eq!((&stat["kind"], &stat["size"]), (&json!("file"), &json!(3)));
    assert!((stat["modified"].as_f64().unwrap() - now).abs() < 3_600_000.0, "{stat}");
    assert_eq!(desk.run("files.stat('w')")["kind"], "directory");
}

#[test]
fn a_plugin_without_a_clock_does_not_learn_the_time_from_files() {
    let frozen = Clock::Frozen(std::time::UNIX_EPOCH);
    let desk = Desk::with_capabilities(|_| {}, |capabilities| capabilities.clock(frozen));
    desk.put("a", "abc");
    assert_eq!(desk.run("files.stat('w/a')"), json!({ "kind": "file", "size": 3 }));
    let coarse = Clock::Coarse(std::time::Duration::from_secs(3600));
    let desk = Desk::with_capabilities(|_| {}, |capabilities| capabilities.clock(coarse));
    desk.put("a", "abc");
    assert_eq!(desk.run("files.stat('w/a')")["modified"].as_u64().unwrap() % 3_600_000, 0);
}

#[test]
fn errors_have_codes() {
    let desk = Desk::new();
    desk.put("file", "");
    for (code, error) in [
        ("files.readFile('w/none')", "E_NOT_FOUND"),
        ("files.writeFile('w/none/a', '')", "E_NOT_FOUND"),
        ("files.remove('w/none')", "E_NOT_FOUND"),
        ("files.readFile('w')", "E_NOT_A_FILE"),
        ("files.mkdir('w/d').then(() => files.writeFile('w/d', ''))", "E_NOT_A_FILE"),
        ("files.mkdir('w/file')", "E_EXISTS"),
        ("files.mkdir('w/file/a')", "E_EXISTS"),
        ("files.readFile('w/file/a')", "E_NOT_A_DIRECTORY"),
        ("files.listFiles('w/file')", "E_NOT_A_DIRECTORY"),
        ("files.readFile('other/a')", "E_REFUSED"),
        ("files.readFile('W/file')", "E_REFUSED"),
    ] {
        assert_eq!(desk.run(code), error, "{code}");
    }
    for wrong in [
        "files.readFile()",
        "files.readFile(1)",
        "files.readFile('w/file', 'hex')",
        "files.writeFile('w/file')",
        "files.writeFile('w/file', 1)",
        "files.writeFile('w/file', [1, 2])",
        "files.remove('w/file', { force: true })",
    ] {
        assert!(desk.run(wrong).as_str().unwrap().starts_with("TypeError"), "{wrong}");
    }
}

#[test]
fn files_in_the_making_are_hidden_and_not_counted() {
    let desk = Desk::with(|root| {
        root.total_size = Limit::At(ByteSize::b(1000));
        root.entries = Limit::At(1);
    });
    let left = ".plugin-sandbox-0123456789abcdef0123456789abcdef.tmp";
    desk.put(left, [b'x'; 5000]);
    assert_eq!(desk.run("files.listFiles('w')"), json!([]));
    assert_eq!(desk.run(&format!("files.readFile('w/{left}')")), "E_REFUSED");
    assert_eq!(desk.run(&format!("files.writeFile('w/{left}', '')")), "E_REFUSED");
    assert_eq!(desk.run(&format!("files.remove('w/{left}')")), "E_REFUSED");
    assert_eq!(desk.run("files.writeFile('w/a', 'x'.repeat(1000))"), "done");
}

#[test]
fn a_file_is_whole_for_whoever_reads_it() {
    let desk = Desk::new();
    let (path, over) = (desk.root().join("a"), Arc::new(AtomicBool::new(false)));
    desk.put("a", [b'0'; 100_000]);
    let reading = {
        let over = Arc::clone(&over);
        std::thread::spawn(move || {
            while !over.load(Ordering::Relaxed) {
                let bytes = std::fs::read(&path).unwrap();
                assert!(bytes.len() == 100_000 && bytes.iter().all(|byte| *byte == bytes[0]));
            }
        })
    };
    let code = "(async () => { for (let i = 0; i < 200; i++)
        await files.writeFile('w/a', String(i % 10).repeat(100_000)) })()";
    assert_eq!(desk.run(code), "done");
    over.store(true, Ordering::Relaxed);
    reading.join().unwrap();
    assert_eq!(desk.names(), ["a"]);
}

#[test]
fn access_is_what_was_granted_and_the_audit_says_what_was_not() {
    let desk = Desk::with(|root| root.access = FileAccess::Read);
    desk.put("a", "mine");
    assert_eq!(desk.run("files.readFile('w/a')"), "mine");
    for code in ["writeFile('w/a', '')", "remove('w/a')", "mkdir('w/d')"] {
        assert_eq!(desk.run(&format!("files.{code}")), "E_REFUSED");
    }
    let refused = AuditOutcome::Refused("the root \"w\" may not be written to".into());
    let outcomes = desk.outcomes();
    assert_eq!(outcomes[0], ("files.readFile w/a".into(), AuditOutcome::Done));
    assert_eq!(outcomes[1], ("files.writeFile w/a".into(), refused.clone()));
    assert_eq!(outcomes[3], ("files.mkdir w/d".into(), refused));

    let desk = Desk::with(|root| root.access = FileAccess::Write);
    desk.put("a", "mine");
    for code in ["readFile('w/a')", "stat('w/a')", "listFiles('w')"] {
        assert_eq!(desk.run(&format!("files.{code}")), "E_REFUSED");
    }
    assert_eq!(desk.run("files.writeFile('w/a', '')"), "done");
    let refused = AuditOutcome::Refused("the root \"w\" may not be read".into());
    assert_eq!(desk.outcomes()[1], ("files.stat w/a".into(), refused));
}

#[test]
fn every_use_leaves_one_event() {
    let desk = Desk::with(|root| root.file_size = ByteSize::b(10));
    for code in [
        "files.writeFile('w/a', 'x')",
        "files.readFile('w/a')",
        "files.readFile('w/none')",
        "files.writeFile('w/a', 'x'.repeat(11))",
        "files.stat('w/../a')",
        "files.remove('w/a\\n\\u202e')",
    ] {
        desk.run(code);
    }
    let outcomes: Vec<String> = desk
        .outcomes()
        .into_iter()
        .map(|(what, outcome)| format!("{what}: {outcome}"))
        .map(|line| line.split(['"', '\'']).next().unwrap().trim_end().to_owned())
        .collect();
    assert_eq!(
        outcomes,
        [
            "files.writeFile w/a: done",
            "files.readFile w/a: done",
            "files.readFile w/none: failed:",
            "files.writeFile w/a: failed:",
            "files.stat w/../a: refused:",
            "files.remove w/a\\u{a}\\u{202e}: refused:",
        ]
    );
}

#[test]
fn a_stopped_call_finishes_what_it_began_and_tells_of_it() {
    let desk = Desk::new();
    let code = "for (let i = 0; i < 50; i++) files.writeFile('w/' + i, 'x'); for (;;);";
    let call = desk.worker.execute(code);
    assert!(eventually(|| !desk.names().is_empty()));
    call.cancel();
    assert_eq!(call.wait(), Err(PluginError::Cancelled));
    let done = || {
        let events = desk.events.lock().unwrap();
        events.iter().filter(|event| event.outcome == AuditOutcome::Done).count()
    };
    assert!(eventually(|| desk.names().len() == done()));
    assert!(desk.names().iter().all(|name| !name.starts_with('.')));
    assert_alive(&desk.worker);
}

#[test]
fn a_root_that_is_not_there_is_an_error_when_the_plugin_is_built() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("file"), "").unwrap();
    for name in ["none", "file"] {
        let root = FileRoot::read_only(directory.path().join(name));
        let capabilities = PluginCapabilities::default().files("w", root);
        let built = PluginWorker::builder("test").capabilities(capabilities).build();
        assert!(matches!(built, Err(PluginError::Io { .. })), "{built:?}");
    }
}

#[test]
fn without_a_root_there_are_no_files() {
    let worker = crate::support::worker();
    assert_eq!(worker.blocking_execute("typeof files"), Ok("undefined".into()));
}

#[test]
fn a_plugin_on_the_callers_thread_has_files_too() {
    let directory = tempfile::tempdir().unwrap();
    let root = FileRoot::read_write(directory.path());
    let mut plugin = PluginIsolate::builder("test")
        .limits(patient_limits())
        .capabilities(PluginCapabilities::default().files("w", root))
        .build()
        .unwrap();
    let code = "files.writeFile('w/a', 'mine').then(() => files.readFile('w/a'))";
    assert_eq!(plugin.execute(code), Ok("mine".into()));
}
