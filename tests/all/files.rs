//! The capability `files`: what a plugin can do below a root, and that it cannot do more.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use plugin_sandbox::{
    AuditEvent, AuditOutcome, ByteSize, Clock, FileAccess, FileRoot, Limit, PluginCapabilities,
    PluginError, PluginIsolate, PluginWorker, Value,
};
use serde_json::json;
use tempfile::TempDir;

use crate::support::{alone, assert_alive, eventually, patient_limits};

/// A directory `root` that is granted as `w`, beside one that is not, `outside`, with a secret.
struct Desk {
    directory: TempDir,
    worker: PluginWorker,
    events: Arc<Mutex<Vec<AuditEvent>>>,
}

impl Desk {
    fn new() -> Self {
        Self::with(|_| {})
    }

    fn with(change: impl FnOnce(&mut FileRoot)) -> Self {
        Self::with_capabilities(change, |capabilities| capabilities)
    }

    fn with_capabilities(
        change: impl FnOnce(&mut FileRoot),
        also: impl FnOnce(PluginCapabilities) -> PluginCapabilities,
    ) -> Self {
        let directory = tempfile::tempdir().unwrap();
        for name in ["root", "outside"] {
            std::fs::create_dir(directory.path().join(name)).unwrap();
        }
        std::fs::write(directory.path().join("outside/secret"), "secret").unwrap();
        let mut root = FileRoot::read_write(directory.path().join("root"));
        change(&mut root);
        let events = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&events);
        let worker = PluginWorker::builder("test")
            .limits(patient_limits())
            .capabilities(also(PluginCapabilities::default().files("w", root)))
            .audit(move |event: &AuditEvent| sink.lock().unwrap().push(event.clone()))
            .build()
            .unwrap();
        Self { directory, worker, events }
    }

    fn root(&self) -> std::path::PathBuf {
        self.directory.path().join("root")
    }

    fn outside(&self) -> std::path::PathBuf {
        self.directory.path().join("outside")
    }

    fn put(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.root().join(name), content).unwrap();
    }

    /// What `code` answers, or the code of its error; no error tells where the root is.
    #[track_caller]
    fn run(&self, code: &str) -> Value {
        let catching = format!(
            "(async () => {{ try {{ return (await ({code})) ?? 'done' }} \
             catch (e) {{ return e.code ? {{ failed: e.code, message: e.message }} : String(e) }} }})()"
        );
        let answer = self.worker.blocking_execute(catching.as_str()).unwrap();
        let place = self.directory.path().to_str().unwrap();
        assert!(!answer.to_string().contains(place), "{answer}");
        answer.get("failed").cloned().unwrap_or(answer)
    }

    fn outcomes(&self) -> Vec<(String, AuditOutcome)> {
        let mut events = self.events.lock().unwrap();
        let outcome =
            |event: AuditEvent| (format!("{} {}", event.operation, event.target), event.outcome);
        events.drain(..).map(outcome).collect()
    }

    /// The names in the root, also of what a plugin does not see.
    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.root()).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }
}

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
fn no_path_leads_out_of_the_root() {
    let desk = Desk::new();
    let outside = desk.outside();
    let absolute = outside.join("secret");
    for path in [
        "w/../outside/secret",
        "w/a/../../outside/secret",
        "w/./secret",
        "../outside/secret",
        "/etc/passwd",
        "w//etc/passwd",
        "//etc/passwd",
        "w/",
        "",
        ".",
        "C:\\secret",
        "w/C:\\secret",
        "w\\..\\outside\\secret",
        "\\\\host\\share",
        "w/secret\0.txt",
        "file:///etc/passwd",
        "w/..%2f/secret/..",
        absolute.to_str().unwrap(),
    ] {
        let path = json!(path);
        for call in ["readFile(P)", "writeFile(P, 'x')", "listFiles(P)", "stat(P)", "mkdir(P)"] {
            let code = format!("files.{}", call.replace('P', &path.to_string()));
            let message = format!("{code}: {}", desk.worker.id());
            let answer = desk.worker.blocking_execute(format!("{code}.catch(e => e.code)"));
            assert_eq!(answer, Ok("E_REFUSED".into()), "{message}");
        }
        let code = format!("files.remove({path}, {{ recursive: true }})");
        assert_eq!(
            desk.worker.blocking_execute(format!("{code}.catch(e => e.code)")),
            Ok("E_REFUSED".into())
        );
    }
    assert_eq!(std::fs::read(absolute).unwrap(), b"secret");
    assert_eq!(std::fs::read_dir(outside).unwrap().count(), 1);
    assert!(desk.names().is_empty());
}

#[test]
fn the_root_itself_is_not_written_or_removed() {
    let desk = Desk::new();
    assert_eq!(desk.run("files.remove('w')"), "E_REFUSED");
    assert_eq!(desk.run("files.remove('w', { recursive: true })"), "E_REFUSED");
    assert_eq!(desk.run("files.writeFile('w', 'x')"), "E_REFUSED");
    assert!(desk.root().is_dir());
}

#[cfg(unix)]
#[test]
fn no_link_leads_out_of_the_root() {
    use std::os::unix::fs::symlink;
    let desk = Desk::new();
    let (root, outside) = (desk.root(), desk.outside());
    symlink(outside.join("secret"), root.join("file")).unwrap();
    symlink("../outside/secret", root.join("relative")).unwrap();
    symlink(&outside, root.join("directory")).unwrap();
    symlink("directory", root.join("twice")).unwrap();
    symlink("/proc/self/root", root.join("magic")).unwrap();
    symlink("..", root.join("up")).unwrap();
    for path in
        ["file", "relative", "directory/secret", "twice/secret", "magic/etc/passwd", "up/root/x"]
    {
        assert_eq!(desk.run(&format!("files.readFile('w/{path}')")), "E_REFUSED", "{path}");
        assert_eq!(desk.run(&format!("files.stat('w/{path}')")), "E_REFUSED", "{path}");
    }
    for path in ["directory", "twice", "magic", "up"] {
        for call in ["listFiles('P')", "writeFile('P/n', 'x')", "mkdir('P/n')", "remove('P/n')"] {
            let code = format!("files.{}", call.replace('P', &format!("w/{path}")));
            assert_eq!(desk.run(&code), "E_REFUSED", "{code}");
        }
    }
    assert_eq!(std::fs::read_dir(&outside).unwrap().count(), 1);
}

#[cfg(unix)]
#[test]
fn a_link_is_replaced_and_removed_but_never_written_through() {
    use std::os::unix::fs::symlink;
    let desk = Desk::new();
    let secret = desk.outside().join("secret");
    symlink(&secret, desk.root().join("file")).unwrap();
    symlink(desk.outside(), desk.root().join("directory")).unwrap();
    symlink(desk.outside().join("new"), desk.root().join("dangling")).unwrap();
    assert_eq!(desk.run("files.writeFile('w/file', 'mine')"), "done");
    assert_eq!(desk.run("files.writeFile('w/dangling', 'mine')"), "done");
    assert_eq!(desk.run("files.readFile('w/file')"), "mine");
    assert_eq!(desk.run("files.remove('w/directory', { recursive: true })"), "done");
    assert_eq!(std::fs::read(&secret).unwrap(), b"secret");
    assert_eq!(std::fs::read_dir(desk.outside()).unwrap().count(), 1);
    assert!(!desk.names().contains(&"directory".into()));
}

#[cfg(unix)]
#[test]
fn links_inside_of_the_root_are_followed() {
    use std::os::unix::fs::symlink;
    let desk = Desk::new();
    std::fs::create_dir(desk.root().join("a")).unwrap();
    desk.put("a/file", "here");
    symlink("a", desk.root().join("b")).unwrap();
    symlink("loop", desk.root().join("loop")).unwrap();
    assert_eq!(desk.run("files.readFile('w/b/file')"), "here");
    assert_eq!(desk.run("files.readFile('w/loop')"), "E_REFUSED");
    let kinds = "files.listFiles('w').then(all => all.map(entry => entry.kind))";
    assert_eq!(desk.run(kinds), json!(["directory", "other", "other"]));
}

#[cfg(unix)]
#[test]
fn pipes_sockets_and_devices_are_refused_and_do_not_hang() {
    let desk = Desk::new();
    let pipe = std::ffi::CString::new(desk.root().join("pipe").to_str().unwrap()).unwrap();
    // SAFETY: the path is a C string that lives for the call.
    assert_eq!(unsafe { libc::mkfifo(pipe.as_ptr(), 0o600) }, 0);
    let _socket = std::os::unix::net::UnixListener::bind(desk.root().join("socket")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", desk.root().join("zero")).unwrap();
    for name in ["pipe", "socket"] {
        assert_eq!(desk.run(&format!("files.readFile('w/{name}')")), "E_REFUSED", "{name}");
        assert_eq!(desk.run(&format!("files.writeFile('w/{name}', 'x')")), "E_REFUSED", "{name}");
        assert_eq!(desk.run(&format!("files.remove('w/{name}')")), "E_REFUSED", "{name}");
        assert_eq!(desk.run(&format!("files.stat('w/{name}')"))["kind"], "other");
    }
    assert_eq!(desk.run("files.readFile('w/zero')"), "E_REFUSED");
}

#[cfg(unix)]
#[test]
fn a_directory_that_becomes_a_link_meanwhile_does_not_lead_out() {
    let desk = Desk::new();
    let (root, outside) = (desk.root(), desk.outside());
    std::fs::create_dir(root.join("real")).unwrap();
    desk.put("real/note", "mine");
    std::fs::write(outside.join("note"), "theirs").unwrap();
    let over = Arc::new(AtomicBool::new(false));
    let swapping = {
        let over = Arc::clone(&over);
        std::thread::spawn(move || {
            while !over.load(Ordering::Relaxed) {
                while std::fs::rename(root.join("real"), root.join("d")).is_err() {
                    let _ = std::fs::remove_dir_all(root.join("d"));
                }
                std::fs::rename(root.join("d"), root.join("real")).unwrap();
                // Where the plugin may have made a directory meanwhile.
                while std::os::unix::fs::symlink(&outside, root.join("d")).is_err() {
                    let _ = std::fs::remove_dir_all(root.join("d"));
                }
                std::fs::remove_file(root.join("d")).unwrap();
            }
        })
    };
    let code = "(async () => {
        const seen = {};
        for (let i = 0; i < 1500; i++) {
            for (const use of [
                () => files.readFile('w/d/note'),
                () => files.writeFile('w/d/note', 'mine'),
                () => files.listFiles('w/d').then(all => all.map(entry => entry.name).join()),
                () => files.remove('w/d/new'),
                () => files.mkdir('w/d/new'),
            ]) {
                const answer = await use().then(v => v ?? 'done', e => e.code);
                seen[answer] = (seen[answer] ?? 0) + 1;
            }
        }
        return seen;
    })()";
    let seen = desk.worker.blocking_execute(code);
    over.store(true, Ordering::Relaxed);
    swapping.join().unwrap();
    let seen = seen.unwrap();
    let leads_out = |answer: &String| answer.contains("theirs") || answer.contains("secret");
    assert!(!seen.as_object().unwrap().keys().any(leads_out), "{seen}");
    assert!(seen.get("mine").is_some() && seen.get("E_REFUSED").is_some(), "{seen}");
    assert_eq!(std::fs::read(desk.outside().join("note")).unwrap(), b"theirs");
    assert_eq!(std::fs::read_dir(desk.outside()).unwrap().count(), 2);
    println!("{seen}");
}

#[cfg(unix)]
#[test]
fn a_file_that_becomes_a_link_or_a_pipe_meanwhile_is_neither_followed_nor_waited_for() {
    let desk = Desk::new();
    let (root, secret) = (desk.root(), desk.outside().join("secret"));
    let pipe = std::ffi::CString::new(root.join("pipe").to_str().unwrap()).unwrap();
    // SAFETY: the path is a C string that lives for the call.
    assert_eq!(unsafe { libc::mkfifo(pipe.as_ptr(), 0o600) }, 0);
    desk.put("real", "mine");
    std::os::unix::fs::symlink(secret, root.join("link")).unwrap();
    let over = Arc::new(AtomicBool::new(false));
    let swapping = {
        let over = Arc::clone(&over);
        std::thread::spawn(move || {
            // Hard links take the place of `f` at once, so there is always something.
            for name in ["real", "link", "pipe"].iter().cycle() {
                let _ = std::fs::hard_link(root.join(name), root.join("next"));
                std::fs::rename(root.join("next"), root.join("f")).unwrap();
                if over.load(Ordering::Relaxed) {
                    break;
                }
            }
        })
    };
    let code = "(async () => {
        const seen = {};
        for (let i = 0; i < 3000; i++) {
            const answer = await (i % 10 ? files.readFile('w/f') : files.writeFile('w/f', 'mine'))
                .then(v => v ?? 'done', e => e.code);
            seen[answer] = (seen[answer] ?? 0) + 1;
        }
        return seen;
    })()";
    let seen = desk.worker.blocking_execute(code);
    over.store(true, Ordering::Relaxed);
    swapping.join().unwrap();
    let seen = seen.unwrap();
    println!("{seen}");
    let known = ["mine", "done", "E_REFUSED", "E_NOT_FOUND"];
    assert!(seen.as_object().unwrap().keys().all(|answer| known.contains(&answer.as_str())));
    assert_eq!(std::fs::read(desk.outside().join("secret")).unwrap(), b"secret");
}

#[test]
fn a_root_is_the_directory_that_was_granted_whatever_is_put_in_its_place() {
    let desk = Desk::new();
    desk.put("a", "mine");
    std::fs::rename(desk.root(), desk.directory.path().join("moved")).unwrap();
    std::fs::rename(desk.outside(), desk.root()).unwrap();
    assert_eq!(desk.run("files.readFile('w/a')"), "mine");
    assert_eq!(desk.run("files.readFile('w/secret')"), "E_NOT_FOUND");
}

#[test]
fn arguments_that_fight_back_get_nowhere() {
    let desk = Desk::new();
    desk.put("a", "mine");
    let code = "(() => {
        let reads = 0;
        const path = new Proxy({}, { get() { reads++; return 'w/a' } });
        const options = { get recursive() { throw new Error('no') } };
        Object.prototype.recursive = true;
        return Promise.allSettled([
            files.readFile(path),
            files.readFile({ get path() { return 'w/a' } }),
            files.readFile(new String('w/a')),
            files.readFile({ toJSON() { files.remove('w/b').catch(() => 0); return 'w/a' } }),
        ]).then(all => all.map(one => one.value ?? one.reason.name));
    })()";
    let answer = desk.worker.blocking_execute(code);
    assert_eq!(answer, Ok(json!(["TypeError", "TypeError", "mine", "mine"])));
    // What is inherited is no option.
    std::fs::create_dir_all(desk.root().join("full/inner")).unwrap();
    assert_eq!(desk.run("files.remove('w/full', {})"), "E_NOT_EMPTY");
    assert_alive(&desk.worker);
}

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
    alone("files::answers_that_are_not_taken_do_not_fill_the_memory", || {
        let desk = Desk::new();
        desk.put("large", vec![b'x'; 16 << 20]);
        // Nothing is taken while the loop runs; two hundred answers would be 3.2 GB.
        let code =
            "for (let i = 0; i < 200; i++) files.readFile('w/large', 'bytes').catch(() => 0);
            const bytes = new Uint8Array(7 << 20);
            for (let i = 0; i < 50; i++) files.writeFile('w/' + i, bytes).catch(() => 0);
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
