//! The capability `files`: how much a plugin can read, write and keep waiting.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use plugin_sandbox::{
    AuditOutcome, ByteSize, FileRoot, Limit, PluginCapabilities, PluginError, PluginWorker,
};
use serde_json::json;

use crate::desk::Desk;
use crate::support::{alone, assert_alive, eventually, patient_limits};

#[test]
fn a_file_that_is_too_large_is_neither_read_nor_written() {
    let desk = Desk::with(|root| root.file_size = ByteSize::b(1000));
    let sparse = std::fs::File::create(desk.root().join("sparse")).unwrap();
    sparse.set_len(1 << 40).unwrap();
    desk.put("fits", [b'x'; 1000]);
    desk.put("large", [b'x'; 1001]);
    for name in ["sparse", "large"] {
        let code = format!("files.readFile('w/{name}')");
        assert_eq!(desk.run(&code), "E_TOO_LARGE");
        let code = format!("{code}.catch(e => e instanceof RangeError)");
        assert_eq!(desk.run(&code), true);
    }
    assert_eq!(desk.run("files.readFile('w/fits').then(text => text.length)"), 1000);
    assert_eq!(desk.run("files.writeFile('w/new', 'ü'.repeat(501))"), "E_TOO_LARGE");
    assert_eq!(desk.run("files.writeFile('w/new', new Uint8Array(1001))"), "E_TOO_LARGE");
    assert!(!desk.root().join("new").exists());
}

#[test]
fn a_file_that_grows_while_it_is_read_ends_at_the_limit() {
    let desk = Desk::with(|root| root.file_size = ByteSize::kib(64));
    let over = Arc::new(AtomicBool::new(false));
    let growing = {
        let (over, path) = (Arc::clone(&over), desk.root().join("log"));
        std::fs::write(&path, "").unwrap();
        std::thread::spawn(move || {
            use std::io::Write as _;
            let mut log = std::fs::OpenOptions::new().append(true).open(path).unwrap();
            while !over.load(Ordering::Relaxed) {
                log.write_all(&[b'x'; 4096]).unwrap();
                if log.metadata().unwrap().len() > 256 << 10 {
                    log.set_len(0).unwrap();
                }
            }
        })
    };
    let code = "(async () => { let longest = 0; for (let i = 0; i < 500; i++) {
        const text = await files.readFile('w/log').catch(e => e.code);
        longest = Math.max(longest, text.length);
    } return longest })()";
    let longest = desk.run(code).as_u64().unwrap();
    over.store(true, Ordering::Relaxed);
    growing.join().unwrap();
    assert!(longest <= 64 << 10, "{longest}");
}

/// Writes until it is refused, and says how often it could.
const FLOOD: &str = "async function flood(write) {
    for (let i = 0; ; i++) try { await write(i) } catch (e) { return [i, e.code] }
}";

#[test]
fn the_size_of_a_root_is_bounded_however_it_is_filled() {
    let desk = Desk::with(|root| root.total_size = Limit::At(ByteSize::b(10_000)));
    desk.put("there", [b'x'; 4000]);
    desk.worker.blocking_execute(format!("{FLOOD}; 0")).unwrap();
    let flood = |write: &str| desk.run(&format!("flood(i => files.writeFile({write}))"));
    assert_eq!(flood("'w/' + i, 'x'.repeat(1000)"), json!([6, "E_QUOTA"]));
    // Overwriting counts the difference.
    assert_eq!(desk.run("files.writeFile('w/0', 'x'.repeat(1000))"), "done");
    assert_eq!(desk.run("files.writeFile('w/0', 'x'.repeat(1001))"), "E_QUOTA");
    assert_eq!(desk.run("files.writeFile('w/0', 'x'.repeat(900))"), "done");
    assert_eq!(flood("'w/1', 'x'.repeat(1000 + i)"), json!([101, "E_QUOTA"]));
    assert_eq!(desk.run("files.writeFile('w/empty', '')"), "done");
    // What is removed makes room.
    assert_eq!(desk.run("files.remove('w/there')"), "done");
    assert_eq!(flood("'w/more' + i, 'x'.repeat(2000)"), json!([2, "E_QUOTA"]));
}

#[test]
fn the_number_of_entries_is_bounded_however_they_are_made() {
    let desk = Desk::with(|root| root.entries = Limit::At(10));
    desk.put("there", "");
    desk.worker.blocking_execute(format!("{FLOOD}; 0")).unwrap();
    let long = "'w/' + 'x'.repeat(200) + i, ''";
    let flood = desk.run(&format!("flood(i => files.writeFile({long}))"));
    assert_eq!(flood, json!([9, "E_QUOTA"]));
    assert_eq!(desk.run("files.mkdir('w/d')"), "E_QUOTA");
    for i in 0..9 {
        assert_eq!(desk.run(&format!("files.remove('w/' + 'x'.repeat(200) + {i})")), "done");
    }
    // None of the directories is made if not all of them fit.
    assert_eq!(desk.run("files.mkdir('w' + '/d'.repeat(10))"), "E_QUOTA");
    assert_eq!(desk.names(), ["there"]);
    assert_eq!(desk.run("files.mkdir('w' + '/d'.repeat(9))"), "done");
    assert_eq!(desk.run("files.writeFile('w/one-more', '')"), "E_QUOTA");
    assert_eq!(desk.run("files.remove('w/d', { recursive: true })"), "done");
    assert_eq!(desk.run("files.writeFile('w/one-more', '')"), "done");
}

#[test]
fn writes_at_once_do_not_overrun_the_quota() {
    let desk = Desk::with(|root| root.total_size = Limit::At(ByteSize::b(10_500)));
    let code = "Promise.allSettled(Array.from({ length: 100 },
        (_, i) => files.writeFile('w/' + i, 'x'.repeat(1000))))
        .then(all => all.filter(one => one.status == 'fulfilled').length)";
    assert_eq!(desk.run(code), 10);
    assert_eq!(desk.names().len(), 10);
    // Nor do those of several plugins with the same root.
    let mut root = FileRoot::read_write(desk.root());
    root.total_size = Limit::At(ByteSize::b(12_500));
    let workers: Vec<_> = ["a", "b", "c"]
        .map(|id| {
            let capabilities = PluginCapabilities::default().files("w", root.clone());
            PluginWorker::builder(id).limits(patient_limits()).capabilities(capabilities).build()
        })
        .into_iter()
        .map(Result::unwrap)
        .collect();
    let calls: Vec<_> = workers
        .iter()
        .map(|worker| worker.execute(code.replace("'w/' + i", &format!("'w/{}' + i", worker.id()))))
        .collect();
    let written: u64 = calls.into_iter().map(|call| call.wait().unwrap().as_u64().unwrap()).sum();
    assert_eq!((written, desk.names().len()), (2, 12));
}

#[test]
fn room_that_others_make_is_found() {
    let desk = Desk::with(|root| root.total_size = Limit::At(ByteSize::b(1000)));
    desk.put("there", [b'x'; 900]);
    assert_eq!(desk.run("files.writeFile('w/a', 'x'.repeat(500))"), "E_QUOTA");
    std::fs::remove_file(desk.root().join("there")).unwrap();
    assert!(eventually(|| desk.run("files.writeFile('w/a', 'x'.repeat(500))") == "done"));
}

#[test]
fn a_plugin_that_floods_the_files_does_not_keep_others_from_theirs() {
    let (flooding, other) = (Desk::new(), Desk::new());
    flooding.put("large", vec![b'x'; 8 << 20]);
    other.put("a", "mine");
    let code = "for (let i = 0; i < 250; i++) files.readFile('w/large', 'bytes').catch(() => 0);
        for (;;);";
    let call = flooding.worker.execute(code);
    assert!(eventually(|| !flooding.events.lock().unwrap().is_empty()));
    for _ in 0..20 {
        assert_eq!(other.run("files.readFile('w/a')"), "mine");
    }
    call.cancel();
    assert_eq!(call.wait(), Err(PluginError::Cancelled));
    // Those that waited are told of too.
    let given_up = AuditOutcome::Failed("it was given up".into());
    let is_told = || flooding.events.lock().unwrap().iter().any(|event| event.outcome == given_up);
    assert!(eventually(is_told));
    assert_eq!(flooding.run("files.stat('w/large').then(stat => stat.size)"), 8 << 20);
}

#[cfg(target_os = "linux")]
#[test]
fn answers_that_are_not_taken_do_not_fill_the_memory() {
    alone("files_limits::answers_that_are_not_taken_do_not_fill_the_memory", || {
        let desk = Desk::new();
        desk.put("large", vec![b'x'; 16 << 20]);
        // Nothing is taken while the loop runs; two hundred answers would be 3.2 GB.
        let code =
            "for (let i = 0; i < 200; i++) files.readFile('w/large', 'bytes').catch(() => 0);
            const bytes = new Uint8Array(7 << 20);
            // Beyond a quota of their own they are refused at once.
            for (let i = 0; i < 50; i++) { try { files.writeFile('w/' + i, bytes).catch(() => 0) } catch {} }
            for (;;);";
        let call = desk.worker.execute(code);
        assert!(eventually(|| !desk.events.lock().unwrap().is_empty()));
        std::thread::sleep(std::time::Duration::from_millis(500));
        let peak = std::fs::read_to_string("/proc/self/status").unwrap();
        let peak = peak.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap().trim();
        println!("peak: {peak}");
        let peak: u64 = peak.trim_end_matches(" kB").parse().unwrap();
        assert!(peak < 500 << 10, "{peak} kB");
        call.cancel();
        assert_eq!(call.wait(), Err(PluginError::Cancelled));
        assert_alive(&desk.worker);
    });
}
