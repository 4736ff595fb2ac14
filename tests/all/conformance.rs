//! The web's own APIs against the vectors of web-platform-tests, in `tests/vectors/`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use plugin_sandbox::{
    ByteSize, Capability, Limit, PluginCapabilities, PluginIsolate, ResourceLimits,
};

/// What is not as the tests want it: the file, a part of the test's name, how many of them there
/// are, and why. Each reason has its line in docs/web-apis.md.
const DIFFERENCES: &[(&str, &str, usize, &str)] = &[
    ("url/IdnaTestV2.window.js", "ToASCII", 55, "the parser's tables are of a newer Unicode"),
    ("url/url-constructor.any.js", "file:", 38, FILE),
    ("url/url-setters.any.js", "file:", 3, FILE),
    ("url/url-setters.any.js", "<non-spec:/.//p>.hostname", 2, PATH),
    ("url/url-setters.any.js", "<foo:///some/path>.pathname", 1, PATH),
    ("url/urlsearchparams-constructor.any.js", "FormData", 1, "there is no FormData"),
    ("dom/events/Event-constructors.any.js", "untitled", 2, "timeStamp is 0"),
    ("dom/events/EventTarget-removeEventListener.any.js", "null", 1, GLOBAL),
    ("html/webappapis/microtask-queuing/queue-microtask-exceptions.any.js", "", 1, GLOBAL),
    ("html/webappapis/structured-clone/structured-clone.any.js", "MessagePort", 1, "none here"),
];

const FILE: &str = "the parser takes hosts, drive letters and empty segments of file: otherwise";
const PATH: &str = "the parser keeps `/.` before a path, and a path that was to go";
const GLOBAL: &str = "the global object is no event target";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors")
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The scripts that a test names in its head.
fn scripts_of(file: &Path, code: &str) -> Vec<PathBuf> {
    let names = code.lines().filter_map(|line| line.strip_prefix("// META: script="));
    let wanted = names.map(|name| match name.strip_prefix('/') {
        Some(name) => root().join("wpt").join(name),
        None => file.with_file_name("").join(name),
    });
    // The harness has what these would do.
    wanted.filter(|path| !path.to_string_lossy().contains("common/subset-tests")).collect()
}

/// The outcomes of one file: the name of each test and, if it failed, why.
fn outcomes(file: &Path) -> Vec<(String, Option<String>)> {
    let mut limits = ResourceLimits::default();
    limits.wall_time = Duration::from_secs(60);
    limits.result_size = ByteSize::mib(16);
    limits.console_bytes_per_call = Limit::Off;
    // Some tests come by a `SharedArrayBuffer` through `WebAssembly`.
    let granted = [Capability::Timers, Capability::SharedMemory, Capability::Wasm];
    let capabilities: PluginCapabilities = granted.into_iter().collect();
    let builder = PluginIsolate::builder("wpt").limits(limits).capabilities(capabilities);
    let mut plugin = builder.console(|_: &_| {}).build().unwrap();
    plugin.execute(&read(&root().join("harness.js"))).unwrap();
    let code = read(file);
    for (_, rest) in
        code.match_indices("fetch(\"").map(|(at, call)| code[at..].split_at(call.len()))
    {
        let name = rest.split('"').next().unwrap();
        let text = serde_json::to_string(&read(&file.with_file_name("").join(name))).unwrap();
        plugin.execute(&format!("files[{name:?}] = {text}; 0")).unwrap();
    }
    for script in scripts_of(file, &code) {
        plugin.execute(&format!("{}\n;0", read(&script))).unwrap();
    }
    plugin.execute(&format!("{code}\n;0")).unwrap();
    let results = plugin.execute("finish()").unwrap();
    serde_json::from_value(results).unwrap()
}

/// Whether a test failed because it is about something that is in browsers only.
fn needs_a_browser(test: &str, failure: &str) -> bool {
    let names = [
        "File",
        "FileList",
        "ImageBitmap",
        "ImageData",
        "Request",
        "Response",
        "XMLHttpRequest",
        "document",
    ];
    test.contains("Blob ")
        || names.iter().any(|name| failure == format!("ReferenceError: {name} is not defined"))
}

/// Runs all tests in a folder of `wpt/`.
fn conforms(folder: &str) {
    let mut files: Vec<_> = std::fs::read_dir(root().join("wpt").join(folder))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            let name = path.to_string_lossy();
            name.ends_with(".any.js") || name.ends_with(".window.js")
        })
        .collect();
    files.sort();
    assert!(!files.is_empty());
    let (mut count, mut absent) = (0, 0);
    let (mut wrong, mut met) = (Vec::new(), vec![0; DIFFERENCES.len()]);
    for file in files {
        let name = format!("{folder}/{}", file.file_name().unwrap().to_string_lossy());
        for (test, failure) in outcomes(&file) {
            count += 1;
            let Some(failure) = failure else { continue };
            if needs_a_browser(&test, &failure) {
                absent += 1;
                continue;
            }
            let is_it = |(file, part, ..): &(_, _, _, _)| name == *file && test.contains(*part);
            match DIFFERENCES.iter().position(is_it) {
                Some(index) => met[index] += 1,
                None => wrong.push(format!("{name}: {test}\n    {failure}")),
            }
        }
    }
    println!("{folder}: {count} tests, {absent} of them for browsers");
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
    for ((file, part, expected, _), met) in DIFFERENCES.iter().zip(met) {
        let is_here = file.starts_with(folder);
        assert!(!is_here || met == *expected, "{file}: {part}: {met} differ, not {expected}");
    }
}

#[test]
fn urls_are_those_of_the_standard() {
    conforms("url");
}

#[test]
fn encodings_are_those_of_the_standard() {
    conforms("encoding");
}

#[test]
fn base64_is_that_of_the_standard() {
    conforms("html/webappapis/atob");
}

#[test]
fn clones_are_those_of_the_standard() {
    conforms("html/webappapis/structured-clone");
}

#[test]
fn microtasks_are_those_of_the_standard() {
    conforms("html/webappapis/microtask-queuing");
}

#[test]
fn events_are_those_of_the_standard() {
    conforms("dom/events");
}

#[test]
fn abort_signals_are_those_of_the_standard() {
    conforms("dom/abort");
}

#[test]
fn exceptions_are_those_of_the_standard() {
    conforms("webidl/ecmascript-binding/es-exceptions");
}
