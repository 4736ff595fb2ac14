//! Stores that were damaged, whose process was killed, or that another has open.

use std::path::Path;
use std::process::{Command, Stdio};

use plugin_sandbox::{PluginError, Value};
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};
use serde_json::json;

use crate::storage::{on_disk, try_worker, worker};

#[test]
fn a_store_that_is_damaged_is_an_error_that_says_what_to_do_and_stays_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("test.redb");
    let fill = "for (let i = 0; i < 50; i++) storage.set('k' + i, 'x'.repeat(2000))";
    worker(on_disk(directory.path())).blocking_execute(fill).unwrap();
    let whole = std::fs::read(&path).unwrap();
    let mut random = fastrand::Rng::with_seed(7);
    let mut refused = 0;
    for round in 0..40 {
        let mut damaged = whole.clone();
        match round {
            0 => damaged = b"this is no store".to_vec(),
            1 => damaged = (0..100_000).map(|_| random.u8(..)).collect(),
            2..10 => damaged.truncate(random.usize(1..whole.len())),
            10..30 => (0..2000).for_each(|_| {
                let at = random.usize(..damaged.len());
                damaged[at] = random.u8(..);
            }),
            _ => (0..3).for_each(|_| {
                let at = random.usize(..512);
                damaged[at] ^= 1 << random.u8(..8);
            }),
        }
        std::fs::write(&path, &damaged).unwrap();
        match try_worker("test", on_disk(directory.path())) {
            Err(PluginError::Io { path: of, reason }) => {
                assert!(of.ends_with("test.redb") && reason.contains("store"), "{reason}");
                assert!(reason.contains("damaged") && reason.contains("move it away"), "{reason}");
                assert_eq!(std::fs::metadata(&path).unwrap().len(), damaged.len() as u64);
                refused += 1;
            }
            Err(other) => panic!("{other:?}"),
            // Where nothing was damaged that counts.
            Ok(worker) => {
                let code = "storage.keys().map(k => storage.get(k).length)";
                let lengths = worker.blocking_execute(code);
                assert_eq!(lengths, Ok(json!(vec![2000; 50])), "round {round}");
            }
        }
    }
    assert!(refused >= 20, "{refused}");
    std::fs::write(&path, whole).unwrap();
    let worker = worker(on_disk(directory.path()));
    assert_eq!(worker.blocking_execute("storage.size().keys"), Ok(50.into()));
}

#[test]
fn a_directory_that_cannot_be_is_an_error_when_the_plugin_is_built() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let built = try_worker("test", on_disk(&file.path().join("below")));
    assert!(matches!(built, Err(PluginError::Io { .. })), "{built:?}");
}

/// Set for the child processes of the tests below: what they are to do, and where.
const CHILD: &str = "PLUGIN_SANDBOX_TEST_STORE";

/// Starts this very test as a process that works on the store in `directory`.
fn child(test: &str, directory: &Path) -> std::process::Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("storage_damage::{test}"), "--nocapture", "--test-threads=1"])
        .env(CHILD, directory)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Waits until the child says a line that holds `word`.
fn hear(child: &mut std::process::Child, word: &str) -> bool {
    use std::io::BufRead as _;
    let stdout = std::io::BufReader::new(child.stdout.as_mut().unwrap());
    stdout.lines().any(|line| line.unwrap().contains(word))
}

#[cfg(unix)]
#[test]
fn a_process_that_is_killed_leaves_a_store_that_is_whole() {
    const NAME: &str = "a_process_that_is_killed_leaves_a_store_that_is_whole";
    if let Some(directory) = std::env::var_os(CHILD) {
        println!("begins");
        let worker = worker(on_disk(Path::new(&directory)));
        let code = "for (let i = storage.get('last')?.n ?? 0; ; i++) {
            storage.set('k' + i % 50, { n: i, again: i, pad: 'x'.repeat(i * 37 % 3000) });
            if (i % 7 == 0) storage.delete('k' + (i * 3) % 50);
            storage.set('last', { n: i, again: i, pad: '' });
        }";
        let _ = worker.blocking_execute(code);
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let mut reached = 0;
    for round in 0..12 {
        let mut child = child(NAME, directory.path());
        assert!(hear(&mut child, "begins"));
        // From before the store is made to many writes later.
        std::thread::sleep(std::time::Duration::from_millis(round * 25));
        child.kill().unwrap();
        child.wait().unwrap();
        reached = reached.max(check_whole(directory.path()));
    }
    assert!(reached > 0, "no child wrote anything");
    println!("reached {reached}");
}

/// The account says what is there and every value is whole, in the file as it was left.
#[cfg(unix)]
fn check_whole(directory: &Path) -> u64 {
    let path = directory.join("test.redb");
    if !path.exists() {
        return 0;
    }
    let database = Database::open(&path).unwrap();
    let transaction = database.begin_read().unwrap();
    let mut counted = (0, 0);
    let values: TableDefinition<'_, &str, &str> = TableDefinition::new("values");
    // Killed after the store was made and before its first transaction.
    let Ok(values) = transaction.open_table(values) else { return 0 };
    let mut last = 0;
    for entry in values.iter().unwrap() {
        let (key, value) = entry.unwrap();
        counted.0 += (key.value().len() + value.value().len()) as u64;
        counted.1 += 1;
        let value: Value = serde_json::from_str(value.value()).unwrap();
        assert_eq!(value["n"], value["again"]);
        if key.value() == "last" {
            last = value["n"].as_u64().unwrap();
        }
    }
    let used: TableDefinition<'_, &str, u64> = TableDefinition::new("used");
    let used = transaction.open_table(used).unwrap();
    let used = |name| used.get(name).unwrap().unwrap().value();
    assert_eq!((used("bytes"), used("keys")), counted);
    last
}

#[cfg(unix)]
#[test]
fn a_store_that_another_process_has_open_is_an_error_when_the_plugin_is_built() {
    const NAME: &str = "a_store_that_another_process_has_open_is_an_error_when_the_plugin_is_built";
    if let Some(directory) = std::env::var_os(CHILD) {
        let _worker = worker(on_disk(Path::new(&directory)));
        println!("is open");
        let _ = std::io::read_to_string(std::io::stdin());
        std::thread::park();
    }
    let directory = tempfile::tempdir().unwrap();
    let mut child = child(NAME, directory.path());
    assert!(hear(&mut child, "is open"));
    let built = try_worker("test", on_disk(directory.path()));
    child.kill().unwrap();
    child.wait().unwrap();
    match built {
        Err(PluginError::Io { reason, .. }) => assert!(reason.contains("another process")),
        other => panic!("{other:?}"),
    }
    assert!(try_worker("test", on_disk(directory.path())).is_ok());
}
