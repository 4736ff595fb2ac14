//! `commands.run`: what a plugin may run, with what, and for how long.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use plugin_sandbox::{
    ArgumentPattern, AuditEvent, AuditOutcome, ByteSize, CommandGrant, CommandRequest,
    PluginBuilder, PluginCapabilities, PluginError, PluginWorker, Value,
};
use serde_json::json;
use tempfile::TempDir;

#[cfg(target_os = "linux")]
use crate::support::{alone, open_descriptors, threads_named};
use crate::support::{assert_alive, eventually, patient_limits};

/// A grant to run `program` in `directory` with arguments of these patterns.
fn grant(program: impl AsRef<Path>, patterns: &[&str], directory: &Path) -> CommandGrant {
    let mut grant = CommandGrant::new(program.as_ref(), directory);
    let parse = |text: &&str| -> ArgumentPattern {
        let Ok(pattern) = text.parse();
        pattern
    };
    grant.arguments = vec![patterns.iter().map(parse).collect()];
    grant.time = Duration::from_secs(60);
    grant
}

/// A program of a test's own.
fn script(directory: &TempDir, text: &str) -> std::path::PathBuf {
    let path = directory.path().join("program.sh");
    fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

fn builder(grant: CommandGrant) -> PluginBuilder<PluginWorker> {
    let capabilities = PluginCapabilities::default().command("it", grant);
    PluginWorker::builder("test").limits(patient_limits()).capabilities(capabilities)
}

fn with(grant: CommandGrant) -> PluginWorker {
    builder(grant).build().unwrap()
}

/// What running it answers, or the error's name and code.
fn run(worker: &PluginWorker, arguments: &[&str], options: &Value) -> Value {
    let arguments = json!(arguments);
    let code = format!(
        "commands.run('it', {arguments}, {options})
            .catch(error => `${{error.name}} ${{error.code}}`)"
    );
    worker.blocking_execute(code).unwrap()
}

const REFUSED: &str = "TypeError E_REFUSED";

/// Whether a process of this number is there, and no zombie.
fn lives(pid: &str) -> bool {
    let status = fs::read_to_string(format!("/proc/{}/status", pid.trim())).unwrap_or_default();
    status.contains("State:") && !status.contains("State:\tZ")
}

#[test]
fn a_command_answers_with_its_code_and_output() {
    let directory = TempDir::new().unwrap();
    let program = script(&directory, "echo out $1; echo err >&2; exit 3");
    let worker = with(grant(program, &["*"], directory.path()));
    let answer = run(&worker, &["x"], &json!({}));
    assert_eq!(answer, json!({"code": 3, "signal": null, "stdout": "out x\n", "stderr": "err\n"}));
    let worker = with(CommandGrant::new("/bin/pwd", "/"));
    let answer = worker.blocking_execute("commands.run('it').then(ran => ran.stdout)");
    assert_eq!(answer, Ok("/\n".into()));
}

#[test]
fn a_command_that_is_killed_tells_the_signal() {
    let directory = TempDir::new().unwrap();
    let program = script(&directory, "kill -TERM $$");
    let answer = run(&with(grant(program, &[], directory.path())), &[], &json!({}));
    assert_eq!((&answer["code"], &answer["signal"]), (&Value::Null, &json!("SIGTERM")));
}

#[test]
fn an_argument_is_an_argument_whatever_is_in_it() {
    let directory = TempDir::new().unwrap();
    let program = script(&directory, "for a; do printf '<%s>' \"$a\"; done");
    let worker = with(grant(program, &["..."], directory.path()));
    for argument in ["; rm -rf /", "$(id)", "`id`", "a\nb", "a b", "'\"\\", "*", "| cat", "%PATH%"]
    {
        let answer = run(&worker, &[argument, "b"], &json!({}));
        assert_eq!(answer["stdout"], format!("<{argument}><b>"), "{argument:?}");
    }
    assert_eq!(run(&worker, &["a\0b"], &json!({})), REFUSED);
}

#[test]
fn arguments_that_are_not_granted_are_refused() {
    let directory = TempDir::new().unwrap();
    let worker = with(grant("/bin/echo", &["log", "--max=*", "*"], directory.path()));
    assert_eq!(run(&worker, &["log", "--max=5", "x"], &json!({}))["code"], 0);
    for arguments in [
        &["log"][..],
        &[],
        &["log", "--max=5", "--output=/etc/passwd"],
        &["log", "--max=5", "-o/etc/passwd"],
        &["log", "--output=x", "x"],
        &["rm", "--max=5", "x"],
        &["log", "--max=5", "x", "y"],
        &["log\n", "--max=5", "x"],
    ] {
        assert_eq!(run(&worker, arguments, &json!({})), REFUSED, "{arguments:?}");
    }
    let unknown = "commands.run('__proto__').catch(error => error.code)";
    assert_eq!(worker.blocking_execute(unknown), Ok("E_REFUSED".into()));
}

#[test]
fn the_environment_is_the_grants_and_nothing_else() {
    let mut granted = CommandGrant::new("/usr/bin/env", "/");
    assert_eq!(run(&with(granted.clone()), &[], &json!({}))["stdout"], "");
    granted.environment.insert("LANG".into(), "C".into());
    assert_eq!(run(&with(granted), &[], &json!({}))["stdout"], "LANG=C\n");
}

#[cfg(target_os = "linux")]
#[test]
fn no_descriptor_and_no_terminal_is_inherited() {
    #[expect(unsafe_code, reason = "opens a descriptor that is inherited, as a C library may")]
    // SAFETY: takes no pointers.
    let inherited = unsafe { libc::dup(2) };
    let directory = TempDir::new().unwrap();
    // The shell itself opens the directory that it lists: one more than the three.
    let program = script(&directory, "ls /proc/self/fd | wc -l; cut -d' ' -f1,6,7 /proc/$$/stat");
    let mut granted = grant(program, &[], directory.path());
    granted.environment.insert("PATH".into(), "/usr/bin:/bin".into());
    let answer = run(&with(granted), &[], &json!({}));
    let said = answer["stdout"].as_str().unwrap().to_owned();
    assert!(said.starts_with("4\n"), "{inherited}: {answer}");
    let [_, process, session, terminal] = said.split_whitespace().collect::<Vec<_>>()[..] else {
        panic!("{answer}");
    };
    assert_eq!((process, terminal), (session, "0"), "a session of its own, without terminal");
}

#[test]
fn a_command_runs_in_its_directory_or_below_and_nowhere_else() {
    let outside = TempDir::new().unwrap();
    let root = TempDir::new().unwrap();
    fs::create_dir_all(root.path().join("a/b")).unwrap();
    fs::write(root.path().join("file"), "").unwrap();
    symlink(outside.path(), root.path().join("link")).unwrap();
    symlink("/", root.path().join("a/root")).unwrap();
    symlink("b", root.path().join("a/inside")).unwrap();
    let mut granted = CommandGrant::new("/bin/pwd", root.path());
    granted.arguments = vec![vec![ArgumentPattern::Exactly("-P".into())]];
    let worker = with(granted);
    let real = fs::canonicalize(root.path()).unwrap();
    for (directory, found) in
        [("a/b", "a/b"), (".", ""), ("", ""), ("a/../a", "a"), ("a/inside", "a/b")]
    {
        let answer = run(&worker, &["-P"], &json!({ "directory": directory }));
        let expected = real.join(found).display().to_string();
        let expected = format!("{}\n", expected.trim_end_matches('/'));
        assert_eq!(answer["stdout"], expected, "{directory}");
    }
    for directory in ["..", "a/../..", "/", "/tmp", "link", "a/root", "a/root/tmp", "a\0b"] {
        let answer = run(&worker, &["-P"], &json!({ "directory": directory }));
        assert_eq!(answer, REFUSED, "{directory}");
    }
    for directory in ["none", "file"] {
        let answer = run(&worker, &["-P"], &json!({ "directory": directory }));
        assert_eq!(answer, "Error E_NOT_FOUND", "{directory}");
    }
}

#[test]
fn input_is_written_and_limited() {
    let mut granted = CommandGrant::new("/bin/cat", "/");
    granted.input_size = ByteSize::b(4);
    let worker = with(granted);
    assert_eq!(run(&worker, &[], &json!({ "input": "é!" }))["stdout"], "é!");
    assert_eq!(run(&worker, &[], &json!({}))["stdout"], "");
    assert_eq!(run(&worker, &[], &json!({ "input": "12345" })), "RangeError E_TOO_LARGE");
    let code = "commands.run('it', [], { input: new Uint8Array([0, 255]), format: 'bytes' })
        .then(ran => [...ran.stdout, ran.stdout instanceof Uint8Array])";
    assert_eq!(worker.blocking_execute(code), Ok(json!([0, 255, true])));
}

#[test]
fn a_program_that_does_not_read_its_input_answers_all_the_same() {
    let directory = TempDir::new().unwrap();
    let program = script(&directory, "exec 0<&-; echo done");
    let worker = with(grant(program, &[], directory.path()));
    let input = "x".repeat(500_000);
    assert_eq!(run(&worker, &[], &json!({ "input": input }))["stdout"], "done\n");
}

#[test]
fn a_flood_of_output_is_killed_at_its_limit() {
    let directory = TempDir::new().unwrap();
    let program = script(&directory, "echo $$ >pid; yes & yes >&2");
    let mut granted = grant(program, &[], directory.path());
    granted.environment.insert("PATH".into(), "/usr/bin:/bin".into());
    let worker = with(granted);
    assert_eq!(run(&worker, &[], &json!({})), "RangeError E_TOO_LARGE");
    let pid = fs::read_to_string(directory.path().join("pid")).unwrap();
    assert!(eventually(|| !lives(&pid)));
}

#[test]
fn output_is_limited_for_both_pipes_together() {
    let directory = TempDir::new().unwrap();
    let program = script(&directory, "printf %s $1; printf %s $2 >&2");
    let mut granted = grant(program, &["*", "*"], directory.path());
    granted.output_size = ByteSize::b(4);
    let worker = with(granted);
    assert_eq!(run(&worker, &["12", "34"], &json!({}))["code"], 0);
    assert_eq!(run(&worker, &["12", "345"], &json!({})), "RangeError E_TOO_LARGE");
}

/// A program that starts another, writes the numbers of both to `pids`, and waits.
const FAMILY: &str = "sleep 1000 & echo $! >pids; echo $$ >>pids; echo begun >begun; wait";

fn family(directory: &TempDir) -> CommandGrant {
    let mut granted = grant(script(directory, FAMILY), &[], directory.path());
    granted.environment.insert("PATH".into(), "/usr/bin:/bin".into());
    granted
}

/// Whether the program and what it started come to an end.
fn family_ends(directory: &TempDir) -> bool {
    let pids = fs::read_to_string(directory.path().join("pids")).unwrap();
    assert_eq!(pids.lines().count(), 2);
    eventually(|| !pids.lines().any(lives))
}

#[cfg(target_os = "linux")]
#[test]
fn a_command_is_killed_at_its_time_limit_with_all_it_started() {
    let directory = TempDir::new().unwrap();
    let mut granted = family(&directory);
    granted.time = Duration::from_millis(500);
    assert_eq!(run(&with(granted), &[], &json!({})), "Error E_TIMEOUT");
    assert!(family_ends(&directory));
}

#[cfg(target_os = "linux")]
#[test]
fn a_call_that_is_cancelled_kills_its_command_with_all_it_started() {
    let directory = TempDir::new().unwrap();
    let worker = with(family(&directory));
    let call = worker.execute("commands.run('it')");
    assert!(eventually(|| directory.path().join("begun").exists()));
    call.cancel();
    assert_eq!(call.wait(), Err(PluginError::Cancelled));
    assert!(family_ends(&directory));
    assert_alive(&worker);
}

#[cfg(target_os = "linux")]
#[test]
fn commands_that_are_cancelled_leave_nothing_behind() {
    alone("commands::commands_that_are_cancelled_leave_nothing_behind", || {
        let worker = with(grant("/bin/sleep", &["1000"], Path::new("/")));
        let cancel_some = || {
            let code = "Promise.all([0, 0, 0, 0, 0, 0].map(() => commands.run('it', ['1000'])))";
            let call = worker.execute(code);
            assert!(eventually(|| threads_named("plugin-command") == 4));
            call.cancel();
            assert_eq!(call.wait(), Err(PluginError::Cancelled));
            assert!(eventually(|| threads_named("plugin-command") == 0));
        };
        cancel_some();
        let before = open_descriptors();
        (0..20).for_each(|_| cancel_some());
        assert!(eventually(|| open_descriptors() <= before), "{before} {}", open_descriptors());
        assert_alive(&worker);
    });
}

#[cfg(target_os = "linux")]
#[test]
fn a_plugin_that_ends_takes_its_commands_with_it() {
    let directory = TempDir::new().unwrap();
    let worker = with(family(&directory));
    worker.blocking_execute("commands.run('it'); 0").unwrap();
    assert!(eventually(|| directory.path().join("begun").exists()));
    worker.shutdown();
    drop(worker);
    assert!(family_ends(&directory));
}

#[cfg(target_os = "linux")]
#[test]
fn what_a_command_leaves_behind_is_killed() {
    let directory = TempDir::new().unwrap();
    let program = script(&directory, "sleep 1000 & echo $! >pids; echo $$ >>pids");
    let mut granted = grant(program, &[], directory.path());
    granted.environment.insert("PATH".into(), "/usr/bin:/bin".into());
    // The one that is left holds the pipes open.
    assert_eq!(run(&with(granted), &[], &json!({}))["code"], 0);
    assert!(family_ends(&directory));
}

#[test]
fn a_program_that_leaves_its_group_does_not_hold_up_the_answer() {
    if !Path::new("/usr/bin/setsid").exists() {
        return;
    }
    let directory = TempDir::new().unwrap();
    let program = script(&directory, "setsid sleep 5 & echo done");
    let mut granted = grant(program, &[], directory.path());
    granted.environment.insert("PATH".into(), "/usr/bin:/bin".into());
    assert_eq!(run(&with(granted), &[], &json!({}))["stdout"], "done\n");
}

#[test]
fn at_most_four_commands_of_a_plugin_run_at_once() {
    let directory = TempDir::new().unwrap();
    // Each leaves a mark while it runs, and counts them.
    let text = "mkdir run.$$; set -- run.*; echo $#; sleep 0.02; rmdir run.$$";
    let mut granted = grant(script(&directory, text), &[], directory.path());
    granted.environment.insert("PATH".into(), "/usr/bin:/bin".into());
    let code = "Promise.all(Array.from({ length: 40 }, () => commands.run('it')))
        .then(all => [all.length, Math.max(...all.map(ran => +ran.stdout)) <= 4])";
    assert_eq!(with(granted).blocking_execute(code), Ok(json!([40, true])));
}

#[test]
fn arguments_without_end_are_a_range_error() {
    let worker = with(grant("/bin/echo", &["..."], Path::new("/")));
    assert_eq!(run(&worker, &["a"; 257], &json!({})), "RangeError E_TOO_LARGE");
    assert_eq!(run(&worker, &[&"a".repeat(40_000)], &json!({})), "RangeError E_TOO_LARGE");
    let directory = json!({ "directory": "a/".repeat(4000) });
    assert_eq!(run(&worker, &[], &directory), "RangeError E_TOO_LARGE");
}

fn confirmed(directory: &TempDir) -> CommandGrant {
    let mut granted = grant(script(directory, "echo ran >ran"), &["*"], directory.path());
    granted.confirm = true;
    granted
}

#[test]
fn the_host_is_asked_and_its_answer_holds() {
    let directory = TempDir::new().unwrap();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&asked);
    let worker = builder(confirmed(&directory))
        .confirm_commands(move |request: &CommandRequest| {
            seen.lock().unwrap().push(request.clone());
            match &*request.arguments[0] {
                "panic" => panic!("a defect"),
                answer => answer == "yes",
            }
        })
        .build()
        .unwrap();
    let ran = directory.path().join("ran");
    assert_eq!(run(&worker, &["no"], &json!({})), REFUSED);
    assert_eq!(run(&worker, &["panic"], &json!({})), REFUSED);
    assert!(!ran.exists());
    assert_eq!(run(&worker, &["yes"], &json!({}))["code"], 0);
    assert!(ran.exists());
    let asked = asked.lock().unwrap();
    assert_eq!((&*asked[0].plugin, &*asked[0].name, asked.len()), ("test", "it", 3));
    assert_eq!(asked[0].directory.join("program.sh"), asked[0].program);
    // What is not granted is not even asked for.
    assert_eq!(run(&worker, &["-x"], &json!({})), REFUSED);
}

#[test]
fn a_late_yes_starts_nothing_and_there_is_one_question_at_a_time() {
    let directory = TempDir::new().unwrap();
    let (asked, asks) = mpsc::channel();
    let (answer, answers) = mpsc::channel();
    let (answers, questions) = (Mutex::new(answers), Arc::new(AtomicUsize::new(0)));
    let count = Arc::clone(&questions);
    let worker = builder(confirmed(&directory))
        .confirm_commands(move |request: &CommandRequest| {
            count.fetch_add(1, Ordering::SeqCst);
            asked.send(request.arguments[0].clone()).unwrap();
            answers.lock().unwrap().recv().unwrap_or(false)
        })
        .build()
        .unwrap();
    let call = worker.execute("commands.run('it', ['a'])");
    assert_eq!(asks.recv_timeout(Duration::from_secs(30)), Ok("a".into()));
    call.cancel();
    assert_eq!(call.wait(), Err(PluginError::Cancelled));
    worker.blocking_execute("for (let i = 0; i < 9; i++) commands.run('it', ['b']); 0").unwrap();
    assert_eq!(questions.load(Ordering::SeqCst), 1);
    answer.send(true).unwrap();
    // The next is asked when that is answered; the first has started nothing.
    assert_eq!(asks.recv_timeout(Duration::from_secs(30)), Ok("b".into()));
    assert!(!directory.path().join("ran").exists());
    worker.shutdown();
}

#[test]
fn what_cannot_be_run_fails_when_the_plugin_is_built() {
    let directory = TempDir::new().unwrap();
    fs::write(directory.path().join("text"), "").unwrap();
    let mut asking = CommandGrant::new("/bin/echo", "/");
    asking.confirm = true;
    let mut environment = CommandGrant::new("/bin/echo", "/");
    environment.environment.insert("A=B".into(), "c".into());
    for (granted, why) in [
        (CommandGrant::new("/nowhere/program", "/"), "program"),
        (CommandGrant::new(directory.path(), "/"), "no file"),
        (CommandGrant::new(directory.path().join("text"), "/"), "no file that can be run"),
        (CommandGrant::new("echo", "/"), "absolute"),
        (CommandGrant::new("/bin/echo", "/nowhere"), "directory"),
        (CommandGrant::new("/bin/echo", directory.path().join("text")), "directory"),
        (asking, "confirm_commands"),
        (environment, "environment"),
    ] {
        match builder(granted).build() {
            Err(PluginError::InvalidArgument(error)) => assert!(error.contains(why), "{error}"),
            other => panic!("{why}: {other:?}"),
        }
    }
}

#[test]
fn a_program_that_vanished_is_not_found() {
    let directory = TempDir::new().unwrap();
    let program = script(&directory, "echo");
    let worker = with(grant(&program, &[], directory.path()));
    fs::remove_file(program).unwrap();
    assert_eq!(run(&worker, &[], &json!({})), "Error E_NOT_FOUND");
}

#[test]
fn every_run_leaves_one_event() {
    let events = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&events);
    let worker = builder(grant("/bin/echo", &["*"], Path::new("/")))
        .audit(move |event: &AuditEvent| sink.lock().unwrap().push(event.clone()))
        .build()
        .unwrap();
    run(&worker, &["a b"], &json!({}));
    run(&worker, &["-x", "\u{1b}[2J"], &json!({}));
    run(&worker, &["x"], &json!({ "directory": "none" }));
    let events = events.lock().unwrap();
    let targets: Vec<_> = events.iter().map(|event| &*event.target).collect();
    assert_eq!(targets, ["it \"a b\"", "it -x \"\\u{1b}[2J\"", "it x"]);
    assert!(events.iter().all(|event| event.operation == "commands.run"));
    assert_eq!(events[0].outcome, AuditOutcome::Done);
    let refused = "these arguments are not granted".to_owned();
    assert_eq!(events[1].outcome, AuditOutcome::Refused(refused));
    assert!(matches!(events[2].outcome, AuditOutcome::Failed(_)));
}

#[test]
fn arguments_of_the_wrong_kind_are_type_errors() {
    let worker = with(grant("/bin/echo", &["..."], Path::new("/")));
    for arguments in [
        "",
        "1",
        "'it', 'a'",
        "'it', [1]",
        "'it', [], { shell: true }",
        "'it', [], { format: 'x' }",
    ] {
        let code = format!("commands.run({arguments}).catch(error => error.name)");
        assert_eq!(worker.blocking_execute(code), Ok("TypeError".into()), "{arguments}");
    }
    let code = "Object.prototype.input = 'polluted'; Object.prototype.directory = '..';
        commands.run('it', ['a'], {}).then(ran => ran.stdout)";
    assert_eq!(worker.blocking_execute(code), Ok("a\n".into()));
}

#[test]
fn what_is_revoked_between_calls_is_refused() {
    let mut granted = grant("/bin/echo", &["*"], Path::new("/"));
    granted.arguments.push(Vec::new());
    let worker = with(granted);
    assert_eq!(run(&worker, &["x"], &json!({}))["code"], 0);
    worker.blocking_execute("globalThis.kept = commands.run; 0").unwrap();
    let mut less = worker.capabilities();
    less.commands.get_mut("it").unwrap().arguments.truncate(1);
    worker.narrow(less.clone()).unwrap();
    assert_eq!(run(&worker, &[], &json!({})), REFUSED);
    assert_eq!(run(&worker, &["x"], &json!({}))["code"], 0);
    less.commands.clear();
    worker.narrow(less).unwrap();
    let code = "try { kept('it', ['x']) } catch (error) { error.code }";
    assert_eq!(worker.blocking_execute(code), Ok("E_REFUSED".into()));
}

#[test]
fn commands_are_described_to_typescript_where_they_are_granted() {
    let describe = |granted| plugin_sandbox::HostFunctions::new().describe().typescript(granted);
    let granted = PluginCapabilities::default().command("it", CommandGrant::new("/bin/pwd", "/"));
    assert!(describe(&granted).contains("declare namespace commands"));
    assert!(!describe(&PluginCapabilities::default()).contains("commands"));
}

#[test]
fn without_the_grant_there_are_no_commands() {
    let worker = crate::support::worker();
    assert_eq!(worker.blocking_execute("typeof commands"), Ok("undefined".into()));
}
