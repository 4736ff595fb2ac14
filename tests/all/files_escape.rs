//! The capability `files`: nothing leads out of a root, and nothing in it stops the host.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;

use crate::desk::Desk;
use crate::support::assert_alive;

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
