//! The command-line program, as its users run it.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

fn plugin_sandbox(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_plugin-sandbox")).args(arguments).output().unwrap()
}

fn example(name: &str) -> String {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/plugins");
    examples.join(name).to_str().unwrap().to_owned()
}

fn script(code: &str) -> tempfile::TempPath {
    let file = tempfile::Builder::new().prefix("script").suffix(".js").tempfile().unwrap();
    std::fs::write(&file, code).unwrap();
    file.into_temp_path()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn a_hooks_value_goes_to_stdout_and_the_console_to_stderr() {
    let file = script("function f(x) { console.log('got\\n%o', x); return [x] }");
    let output =
        plugin_sandbox(&["run", file.to_str().unwrap(), "--hook", "f", "--args", "{\"a\":1}"]);
    assert_eq!(output.status.code(), Some(0));
    let value: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(value, json!([{ "a": 1 }]));
    let name = file.file_stem().unwrap().to_str().unwrap();
    assert_eq!(stderr(&output), format!("[{name}] got\n[{name}] {{ a: 1 }}\n"));
}

#[test]
fn a_string_is_printed_as_it_is_and_as_json_on_demand() {
    let file = script("function f() { return 'two\\nlines' }");
    let plain = plugin_sandbox(&["run", file.to_str().unwrap(), "--hook", "f"]);
    assert_eq!(stdout(&plain), "two\nlines\n");
    let json = plugin_sandbox(&["run", file.to_str().unwrap(), "--hook", "f", "--json"]);
    let line: Value = serde_json::from_str(&stdout(&json)).unwrap();
    assert_eq!(line["value"], "two\nlines");
}

#[test]
fn a_plugin_that_throws_is_told_with_file_line_and_caret() {
    let file = script("function f() {\n  missing();\n}");
    let output = plugin_sandbox(&["run", file.to_str().unwrap(), "--hook", "f"]);
    assert_eq!(output.status.code(), Some(1));
    let shown = stderr(&output);
    assert!(shown.contains("ReferenceError: missing is not defined"), "{shown}");
    assert!(shown.contains(".js:2:3\n") && shown.contains("2 |   missing();"), "{shown}");
    assert!(shown.contains("|   ^"), "{shown}");
}

#[test]
fn a_script_that_does_not_parse_is_the_plugins_failure() {
    let file = script("let x = ;");
    let output = plugin_sandbox(&["run", file.to_str().unwrap(), "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let line: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(line["error"]["kind"], "java_script");
    assert_eq!(line["error"]["detail"]["name"], "SyntaxError");
}

#[test]
fn a_hostile_plugin_is_stopped_and_the_others_are_answered() {
    let (toc, endless) = (example("table-of-contents"), example("endless-loop"));
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let output = plugin_sandbox(&[
        "run",
        &toc,
        &endless,
        &toc,
        "--hook",
        "render",
        "--args-file",
        readme.to_str().unwrap(),
        "--wall-time",
        "200ms",
        "--stats",
    ]);
    assert_eq!(output.status.code(), Some(1));
    let (printed, shown) = (stdout(&output), stderr(&output));
    assert_eq!(printed.matches("Reading time:").count(), 2, "{printed}");
    assert!(printed.contains("- plugin-sandbox"), "{printed}");
    assert!(shown.contains("[endless-loop] error: stopped after 200ms"), "{shown}");
    assert!(printed.contains("heap peak") && printed.contains("endless-loop"), "{printed}");
}

#[test]
fn bad_usage_and_bad_files_end_with_2_and_say_what_to_do() {
    let file = script("1");
    let file = file.to_str().unwrap();
    for (arguments, said) in [
        (&["run"][..], "PLUGIN"),
        (&["run", "/nowhere.js"], "/nowhere.js"),
        (&["run", file, "--hook", "f", "--args", "{broken"], "not JSON"),
        (&["run", file, "--allow", "everything"], "code_generation"),
        (&["run", file, "--heap", "64"], "heap"),
        (&["run", file, "--wall-time", "soon"], "--wall-time"),
        (&["run", file, "--hook", "f", "--args-file", "/nowhere"], "/nowhere"),
        (&["fly"], "fly"),
    ] {
        let output = plugin_sandbox(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(stderr(&output).contains(said), "{arguments:?}: {}", stderr(&output));
    }
}

#[test]
fn a_broken_manifest_is_shown_with_file_line_and_caret() {
    let directory = tempfile::tempdir().unwrap();
    let manifest = directory.path().join("plugin.toml");
    std::fs::write(&manifest, "name = \"p\"\nversion = \"1\"\n").unwrap();
    let output = plugin_sandbox(&["run", directory.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    let shown = stderr(&output);
    assert!(shown.contains("plugin.toml:2:11") && shown.contains("^^^"), "{shown}");
}

fn file(directory: &tempfile::TempDir, name: &str, text: &str) -> String {
    let path = directory.path().join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

const CONFIG: &str = "preset = 'strict'\n[limits]\nheap = '48MiB'\n[capabilities]\n\
                      allow = ['timers']\n[capabilities.files.notes]\npath = 'notes'\n";
const MANIFEST: &str = "name = 'p'\nversion = '1.0.0'\npermissions = ['timers', 'intl']\n";

#[test]
fn check_says_in_words_what_a_config_grants() {
    let directory = tempfile::tempdir().unwrap();
    let config = file(&directory, "c.toml", CONFIG);
    let output = plugin_sandbox(&["check", &config]);
    assert_eq!(output.status.code(), Some(0));
    let notes = directory.path().join("notes").display().to_string();
    for said in ["may run code later", "48 MiB of heap", &format!("may read below {notes}")] {
        assert!(stdout(&output).contains(said), "{said}: {}", stdout(&output));
    }
}

#[test]
fn check_explains_every_value_in_columns() {
    let directory = tempfile::tempdir().unwrap();
    let config = file(&directory, "c.toml", CONFIG);
    let output = plugin_sandbox(&["check", "--explain", &config]);
    let printed = stdout(&output);
    let row = |path: &str| {
        let line = printed.lines().find(|line| line.trim_start().starts_with(path)).unwrap();
        let (_, rest) = line.split_once(path).unwrap();
        let (value, origin) = rest.trim().split_once("  ").unwrap();
        (line.find(origin.trim()).unwrap(), value.to_owned(), origin.trim().to_owned())
    };
    let (column, value, origin) = row("limits.heap");
    assert_eq!((value, origin), ("48MiB".into(), format!("{config}:3")));
    let (other, value, origin) = row("limits.queue_length");
    assert_eq!((value.as_str(), origin.as_str()), ("64", "preset strict"));
    assert_eq!(column, other);
    assert_eq!(row("v8.jitless").2, "default");
}

#[test]
fn check_shows_what_a_manifest_asks_for_and_a_config_does_not_grant() {
    let directory = tempfile::tempdir().unwrap();
    let config = file(&directory, "c.toml", CONFIG);
    let manifest = file(&directory, "plugin.toml", MANIFEST);
    file(&directory, "main.js", "");
    for subject in [manifest.as_str(), directory.path().to_str().unwrap()] {
        let output = plugin_sandbox(&["check", subject, "--config", &config]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let printed = stdout(&output);
        let (asked, missing) = printed.split_once("does not let it").unwrap();
        assert!(asked.contains("(timers)") && asked.contains("(intl)"), "{printed}");
        assert!(missing.contains("(intl)") && !missing.contains("(timers)"), "{printed}");
    }
    let other = file(&directory, "other.toml", MANIFEST);
    let line = stdout(&plugin_sandbox(&["check", &other, "--config", &config, "--json"]));
    let line: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(line["kind"], "manifest");
    assert_eq!(line["not_granted"], json!(["intl"]));
}

#[test]
fn check_shows_what_is_wrong_and_goes_on_with_the_others() {
    let directory = tempfile::tempdir().unwrap();
    let good = file(&directory, "good.json", "{}");
    let broken = file(&directory, "broken.toml", "[limits]\nheep = '1MiB'\n");
    let output = plugin_sandbox(&["check", &broken, "/nowhere.toml", &good]);
    assert_eq!(output.status.code(), Some(2));
    let shown = stderr(&output);
    assert!(shown.contains("did you mean `heap`?"), "{shown}");
    assert!(shown.contains(&format!("{broken}:2:1")) && shown.contains("| ^^^^"), "{shown}");
    assert!(shown.contains("/nowhere.toml: cannot be read"), "{shown}");
    assert!(stdout(&output).contains("good.json: a valid config"), "{}", stdout(&output));

    let output = plugin_sandbox(&["check", &broken, &good, "--json", "--explain"]);
    assert_eq!(output.status.code(), Some(2));
    let lines: Vec<Value> =
        stdout(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0]["error"]["kind"], "invalid_config");
    assert_eq!(lines[0]["error"]["detail"]["place"]["line"], 2);
    assert_eq!((&lines[1]["valid"], &lines[1]["kind"]), (&json!(true), &json!("config")));
    assert!(lines[1]["values"].as_array().unwrap().len() > 30);
}

#[test]
fn check_of_a_plugin_without_its_script_fails() {
    let directory = tempfile::tempdir().unwrap();
    file(&directory, "plugin.toml", MANIFEST);
    let output = plugin_sandbox(&["check", directory.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("main.js: the plugin has no such script"));
}

#[test]
fn run_takes_its_config_from_a_file_and_the_command_line_is_above_it() {
    let directory = tempfile::tempdir().unwrap();
    let script =
        file(&directory, "p.js", "function f() { return [typeof setTimeout, typeof Intl] }");
    let config = file(
        &directory,
        "c.toml",
        "[limits]\nwall_time = '100ms'\n[capabilities]\n\
                                             allow = ['timers']\n[v8]\nplatform_threads = 1",
    );
    let run = |more: &[&str]| {
        let first = ["run", &script, "--hook", "f", "--json", "--config", &config];
        plugin_sandbox(&[&first[..], more].concat())
    };
    let value =
        |output: &Output| serde_json::from_str::<Value>(&stdout(output)).unwrap()["value"].clone();
    assert_eq!(value(&run(&["--wall-time", "30s"])), json!(["function", "undefined"]));
    let wider = run(&["--allow", "intl", "--wall-time", "30s"]);
    assert_eq!(value(&wider), json!(["function", "object"]));

    std::fs::write(&script, "for (;;);").unwrap();
    let stopped = run(&[]);
    assert_eq!(stopped.status.code(), Some(1));
    assert!(stdout(&stopped).contains("100ms"), "{}", stdout(&stopped));
    let contradiction = run(&["--heap", "1KiB"]);
    assert_eq!(contradiction.status.code(), Some(2));
    assert!(stderr(&contradiction).contains("limits.heap = 1024"), "{}", stderr(&contradiction));
}

#[test]
fn run_says_what_a_plugin_asks_for_and_is_not_granted() {
    let directory = tempfile::tempdir().unwrap();
    file(&directory, "plugin.toml", MANIFEST);
    file(&directory, "main.js", "");
    let output = plugin_sandbox(&["run", directory.path().to_str().unwrap(), "--allow", "timers"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("not granted: intl"), "{}", stderr(&output));
}
