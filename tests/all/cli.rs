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
