//! Plugins from directories.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use plugin_sandbox::{
    Answer, Asked, Capability, HostCall, HostFunctions, Lifecycle, NotGranted, PluginCapabilities,
    PluginError, PluginManifest, PluginSandbox, ResourceLimits,
};
use serde_json::json;
use tempfile::TempDir;

use crate::support::Lines;

fn directory(manifest: &str, main: &str) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("plugin.toml"), manifest).unwrap();
    fs::write(directory.path().join("main.js"), main).unwrap();
    directory
}

const MANIFEST: &str = "name = \"p\"\nversion = \"1.2.3\"\n";

#[test]
fn a_plugin_lives_from_its_directory_to_its_end() {
    let lines = Lines::default();
    let directory = directory(
        MANIFEST,
        "plugin.on('activate', () => console.log('activate'));
         plugin.on('deactivate', () => console.log('deactivate'));
         plugin.on('f', x => x + 1)",
    );
    let plugin = PluginSandbox::builder().console(lines.sink()).load(directory.path()).unwrap();
    assert_eq!(plugin.manifest().version.to_string(), "1.2.3");
    assert_eq!(plugin.lifecycle(), Lifecycle::Loaded);
    plugin.blocking_activate().unwrap();
    plugin.blocking_activate().unwrap();
    assert_eq!(plugin.lifecycle(), Lifecycle::Active);
    assert_eq!(plugin.call_hook("f", 1.into()).wait(), Ok(2.into()));
    assert_eq!(pollster::block_on(plugin.hooks()).unwrap(), ["activate", "deactivate", "f"]);
    assert!(plugin.stats().calls >= 2);
    plugin.blocking_deactivate().unwrap();
    plugin.blocking_deactivate().unwrap();
    drop(plugin);
    assert_eq!(lines.texts(), ["activate", "deactivate"]);
}

#[test]
fn a_plugin_that_was_not_activated_is_not_deactivated_and_a_dropped_one_is() {
    let lines = Lines::default();
    let directory = directory(MANIFEST, "function onDeactivate() { console.log('deactivated') }");
    let load = || PluginSandbox::builder().console(lines.sink()).load(directory.path()).unwrap();
    drop(load());
    assert!(lines.texts().is_empty());
    let plugin = load();
    plugin.blocking_activate().unwrap();
    drop(plugin);
    assert_eq!(lines.texts(), ["deactivated"]);
}

#[test]
fn a_failing_activation_is_the_callers_error_and_is_not_repeated() {
    let directory = directory(MANIFEST, "let n = 0; function activate() { throw new Error(++n) }");
    let plugin = PluginSandbox::load(directory.path()).unwrap();
    let answer = plugin.blocking_activate();
    assert_eq!(answer.unwrap_err().as_js().unwrap().message, "1");
    assert_eq!(plugin.blocking_activate(), Ok(json!(null)));
}

#[test]
fn what_is_wrong_with_the_files_is_said_with_its_place() {
    let missing = PluginSandbox::load("/nowhere").unwrap_err();
    assert!(matches!(&missing, PluginError::Io { path, .. } if path.ends_with("plugin.toml")));

    let broken = directory("name = \"p\"\nversion = \"1.0.0\"\npermisions = []\n", "");
    let error = PluginSandbox::load(broken.path()).unwrap_err();
    let PluginError::InvalidManifest { place, .. } = &error else { panic!("{error}") };
    assert_eq!((place.line, place.column), (3, 1));

    let no_main = directory("name = \"p\"\nversion = \"1.0.0\"\nmain = \"gone.js\"\n", "");
    let error = PluginSandbox::load(no_main.path()).unwrap_err();
    assert!(matches!(&error, PluginError::Io { path, .. } if path.ends_with("gone.js")));

    let syntax = directory(MANIFEST, "let x = ;");
    let error = PluginSandbox::load(syntax.path()).unwrap_err();
    assert_eq!(error.as_js().unwrap().frames[0].script, "plugin:/p/main.js");
}

#[test]
fn a_main_script_may_lie_deeper_and_keeps_its_name() {
    let directory = directory("name = \"p\"\nversion = \"1.0.0\"\nmain = \"dist/p.js\"\n", "");
    fs::create_dir(directory.path().join("dist")).unwrap();
    fs::write(directory.path().join("dist/p.js"), "function f() { throw new Error('x') }").unwrap();
    let plugin = PluginSandbox::load(directory.path()).unwrap();
    let error = plugin.call_hook("f", json!(null)).wait().unwrap_err();
    assert_eq!(error.as_js().unwrap().frames[0].script, "plugin:/p/dist/p.js");
}

#[test]
#[cfg(unix)]
fn a_main_script_that_is_a_link_out_of_the_directory_is_refused() {
    let outside = tempfile::NamedTempFile::new().unwrap();
    let directory = directory("name = \"p\"\nversion = \"1.0.0\"\nmain = \"link.js\"\n", "");
    std::os::unix::fs::symlink(outside.path(), directory.path().join("link.js")).unwrap();
    let error = PluginSandbox::load(directory.path()).unwrap_err();
    assert!(error.to_string().contains("leads out of the plugin's directory"), "{error}");
}

#[test]
fn what_is_asked_and_not_granted_is_listed_and_what_is_granted_is_there() {
    let directory = directory(
        "name = \"p\"\nversion = \"1.0.0\"\npermissions = [\"intl\", \"wasm\"]\n",
        "plugin.on('f', () => [typeof Intl, typeof WebAssembly, typeof SharedArrayBuffer])",
    );
    let granted = PluginCapabilities::none().grant(Capability::Intl);
    let error = PluginSandbox::builder().capabilities(granted.clone()).load(directory.path());
    assert!(error.unwrap_err().to_string().ends_with("not granted: wasm"));
    let granted = granted.grant(Capability::Wasm);
    let plugin = PluginSandbox::builder().capabilities(granted).load(directory.path()).unwrap();
    let answer = plugin.call_hook("f", json!(null)).wait();
    assert_eq!(answer, Ok(json!(["object", "object", "undefined"])));
}

const GREEDY: &str = "name = \"p\"\nversion = \"1.0.0\"\npermissions = [\"timers\", \"intl\"]\n";
const SEES: &str = "plugin.on('f', () => [typeof setTimeout, typeof Intl])";

#[test]
#[cfg(unix)]
fn a_plugins_files_that_never_end_are_not_read() {
    let endless = |file: &str| {
        let directory = directory(MANIFEST, "");
        let path = directory.path().join(file);
        fs::remove_file(&path).unwrap();
        let name = std::ffi::CString::new(path.to_str().unwrap()).unwrap();
        // SAFETY: a string that ends with a zero; nothing of it is kept.
        assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
        PluginSandbox::load(directory.path()).unwrap_err().to_string()
    };
    for file in ["plugin.toml", "main.js"] {
        let error = endless(file);
        assert!(error.contains(file) && error.contains("no ordinary file"), "{error}");
    }
}

#[test]
fn a_plugins_files_that_are_too_long_are_not_read() {
    let giant = directory(MANIFEST, &" ".repeat((2 << 20) + 1));
    let error = PluginSandbox::load(giant.path()).unwrap_err();
    assert!(matches!(error, PluginError::TooLarge { what: "the source", .. }), "{error}");
    let giant = directory(&" ".repeat(PluginManifest::MAX_FILE as usize + 1), "");
    let error = PluginSandbox::load(giant.path()).unwrap_err().to_string();
    assert!(error.contains("longer than 65536 bytes"), "{error}");
}

#[test]
fn what_is_asked_and_not_granted_is_refused_by_name() {
    let directory = directory(GREEDY, SEES);
    let granted = PluginCapabilities::default().grant(Capability::Intl);
    let error = PluginSandbox::builder().capabilities(granted).load(directory.path()).unwrap_err();
    let missing = vec!["timers".to_owned()];
    assert_eq!(error, PluginError::NotGranted { plugin: "p".into(), missing });
    let json = serde_json::to_value(&error).unwrap();
    assert_eq!(json["detail"], json!({ "plugin": "p", "missing": ["timers"] }));
}

#[test]
fn a_plugin_may_be_loaded_without_what_is_not_granted() {
    let directory = directory(GREEDY, SEES);
    let builder = PluginSandbox::builder().when_not_granted(NotGranted::LoadWithout);
    let plugin = builder.load(directory.path()).unwrap();
    assert_eq!(plugin.not_granted(), plugin.manifest().permissions);
    let answer = plugin.call_hook("f", json!(null)).wait();
    assert_eq!(answer, Ok(json!(["undefined", "undefined"])));
}

#[test]
fn the_host_is_asked_and_its_answer_is_what_counts() {
    let directory = directory(GREEDY, SEES);
    let load = |answer: fn(&Asked<'_>) -> Answer| {
        let granted = PluginCapabilities::default().grant(Capability::Intl);
        let builder = PluginSandbox::builder().capabilities(granted);
        builder.when_not_granted(NotGranted::Ask(Arc::new(answer))).load(directory.path())
    };
    let sees = |plugin: &PluginSandbox| plugin.call_hook("f", json!(null)).wait().unwrap();

    let refused = load(|_| Answer::Refuse).unwrap_err();
    assert!(matches!(refused, PluginError::NotGranted { .. }), "{refused}");
    let without = load(|_| Answer::Without).unwrap();
    assert_eq!(sees(&without), json!(["undefined", "object"]));
    assert_eq!(without.not_granted().len(), 1);
    let granted = load(|asked| {
        assert_eq!((asked.manifest.name.as_str(), asked.missing.len()), ("p", 1));
        Answer::Grant(asked.granted.clone().grant(Capability::Timers))
    });
    let granted = granted.unwrap();
    assert_eq!(sees(&granted), json!(["function", "object"]));
    assert!(granted.not_granted().is_empty());
    let other = load(|_| Answer::Grant(PluginCapabilities::none())).unwrap();
    assert_eq!(other.not_granted().len(), 2);
}

#[test]
fn nobody_is_asked_about_a_plugin_that_has_all_it_wants() {
    let directory = directory(GREEDY, SEES);
    let granted = [Capability::Timers, Capability::Intl].into_iter().collect();
    let ask = NotGranted::Ask(Arc::new(|_| panic!("asked")));
    let builder = PluginSandbox::builder().capabilities(granted).when_not_granted(ask);
    assert!(builder.load(directory.path()).unwrap().not_granted().is_empty());
}

#[test]
fn a_sandbox_is_built_with_all_that_a_worker_can_have() {
    let directory = directory(MANIFEST, "plugin.on('f', () => answer() + other)");
    let host = HostFunctions::new().function("answer", |_: &HostCall, ()| Ok(41));
    let granted = PluginCapabilities::default().host("answer").unwrap();
    let builder = PluginSandbox::builder()
        .capabilities(granted)
        .worker(|worker| worker.host_functions(host).module("other.js", "globalThis.other = 1"));
    let plugin = builder.load(directory.path()).unwrap();
    assert_eq!(plugin.call_hook("f", json!(null)).wait(), Ok(json!(42)));
}

#[test]
fn deactivating_a_plugin_that_hangs_ends_at_its_deadline() {
    let directory = directory(MANIFEST, "function deactivate() { for (;;); }");
    let mut limits = ResourceLimits::default();
    limits.wall_time = Duration::from_millis(100);
    let plugin = PluginSandbox::builder().limits(limits).load(directory.path()).unwrap();
    plugin.blocking_activate().unwrap();
    assert!(matches!(plugin.blocking_deactivate(), Err(PluginError::Timeout { .. })));
    assert!(plugin.worker().is_shut_down());
}

#[test]
fn the_examples_do_what_they_say() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/plugins");
    let toc = PluginSandbox::load(examples.join("table-of-contents")).unwrap();
    let markdown = "intro\n# One #\ntext\n```\n# no heading\n```\n## Two\n### Three";
    let text = toc.call_hook("render", markdown.into()).wait().unwrap();
    let text = text.as_str().unwrap();
    assert!(text.starts_with("- One (1 s)\n  - Two (0 s)\n    - Three (0 s)\n"), "{text}");
}
