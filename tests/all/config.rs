//! Config files: what is read, what is refused and where, and which layer wins.

use std::fs;
use std::path::Path;
use std::time::Duration;

use plugin_sandbox::{
    ByteSize, Capability, Clock, ConfigFormat, ConfigLayers, ConfigOrigin, Limit, PluginError,
    PluginWorker, Preset, ResourceLimits, RestartPolicy, SandboxConfig, SourceLine,
};
use serde_json::json;

fn toml(text: &str) -> Result<SandboxConfig, PluginError> {
    SandboxConfig::parse(text, ConfigFormat::Toml, "sandbox.toml")
}

fn json(text: &str) -> Result<SandboxConfig, PluginError> {
    SandboxConfig::parse(text, ConfigFormat::Json, "sandbox.json")
}

/// What is wrong, the line, and what the caret stands under.
fn slip<T: std::fmt::Debug>(result: Result<T, PluginError>) -> (String, u32, String) {
    match result {
        Err(PluginError::InvalidConfig { reason, place }) => {
            let SourceLine { line, column, end_column, text, .. } = *place;
            let (start, end) = (column as usize - 1, end_column as usize - 1);
            (reason, line, text.chars().skip(start).take(end - start).collect())
        }
        other => panic!("{other:?}"),
    }
}

fn file(name: &str, text: &str) -> (tempfile::TempDir, std::path::PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(name);
    fs::write(&path, text).unwrap();
    (directory, path)
}

#[test]
fn both_formats_say_the_same() {
    let from_toml = toml(
        "[limits]\nheap = '32MiB'\ncpu_time = '1s'\n[capabilities]\nallow = ['timers']\n\
         clock = { frozen = 2026-01-31T12:00:00Z }\n[restart.on_fault]\nmax = 3\n\
         [process]\nquarantined = 2\n[v8]\nplatform_threads = 2",
    );
    let from_json = json(
        r#"{ "limits": { "heap": "32MiB", "cpu_time": "1s" },
             "capabilities": { "allow": ["timers"],
                               "clock": { "frozen": "2026-01-31T12:00:00Z" } },
             "restart": { "on_fault": { "max": 3 } },
             "process": { "quarantined": 2 }, "v8": { "platform_threads": 2 } }"#,
    );
    let config = from_toml.unwrap();
    assert_eq!(config, from_json.unwrap());
    assert_eq!(config.limits.heap, ByteSize::mib(32));
    assert!(config.capabilities.has(Capability::Timers));
    assert!(matches!(config.capabilities.clock, Clock::Frozen(_)));
    let RestartPolicy::OnFault { max, within, .. } = config.restart else { panic!() };
    assert_eq!((max, within), (3, Duration::from_secs(60)));
    assert_eq!((config.process.quarantined, config.v8.platform_threads), (2, 2));
}

#[test]
fn an_empty_file_is_the_default_in_either_format() {
    for empty in ["", "\n \n", "\u{feff}"] {
        assert_eq!(toml(empty).unwrap(), SandboxConfig::default());
        assert_eq!(json(empty).unwrap(), SandboxConfig::default());
    }
    assert_eq!(json("{}").unwrap(), SandboxConfig::default());
}

#[test]
fn an_unknown_key_is_shown_with_what_was_meant() {
    let (reason, line, token) = slip(toml("[limits]\nheap = '32MiB'\nwal_time = '1s'"));
    assert_eq!(reason, "unknown key `wal_time`; did you mean `wall_time`?");
    assert_eq!((line, token.as_str()), (3, "wal_time"));
    let (reason, line, token) = slip(json("{\"limits\":\n {\"heap\": 1e9, \"x\": 1}}"));
    assert!(reason.contains("floating point"), "{reason}");
    assert_eq!((line, token.as_str()), (2, "1e9"));
    let (reason, line, token) = slip(json("{\"limit\":\n {\"heap\": \"32MiB\"}}"));
    assert_eq!(reason, "unknown key `limit`; did you mean `limits`?");
    assert_eq!((line, token.as_str()), (1, "\"limit\""));
}

#[test]
fn a_slip_deep_inside_is_shown_at_its_value() {
    for (text, meant, token) in [
        ("[capabilities]\nallow = ['web', 'timer']", "did you mean \"timers\"", "'timer'"),
        ("[limits]\nhardening = 'ful'", "did you mean `full`", "'ful'"),
        ("preset = 'strct'", "did you mean `strict`", "'strct'"),
        ("[capabilities]\nclock = { corse = '1s' }", "did you mean `coarse`", "corse"),
        ("[limits]\nwall_time = 'soon'", "\"500ms\" or \"1m 30s\"", "'soon'"),
        ("[limits]\ncpu_time = 'of'", "or \"off\"", "'of'"),
        ("[limits]\nheap = '32MuB'", "\"64MiB\" or a number of bytes", "'32MuB'"),
        ("[limits]\nqueue_length = -1", "-1", "-1"),
        ("[capabilities.files.w]\nacess = 'read'", "did you mean `access`", "acess"),
        ("[capabilities.files.w]\naccess = 'read'", "missing field `path`", "w"),
        ("[capabilities.network]\norigins = ['example.com']", "invalid origin", "'example.com'"),
        ("[limits", "unclosed", ""),
        ("limits = 5", "expected struct ResourceLimits", "5"),
    ] {
        let (reason, _, shown) = slip(toml(text));
        assert!(reason.contains(meant), "{text}: {reason}");
        assert_eq!(shown, token, "{text}: {reason}");
    }
}

#[test]
fn what_only_a_check_finds_is_shown_at_its_line_too() {
    for (text, said, line, token) in [
        ("[limits]\nwall_time = '1s'\nheap = 64", "bare number is bytes", 3, "64"),
        ("[limits]\nwall_time = '1s'\ncpu_time = '2s'", "wall_time", 3, "'2s'"),
        ("preset = 'strict'\n[limits]\nwall_time = '1s'", "cpu_time", 3, "'1s'"),
        ("[capabilities.network]\nmethods = ['GET']", "no origin", 1, "network"),
        ("[capabilities.network]\norigins = []", "no origin", 2, "[]"),
        ("[capabilities]\nclock = { coarse = '1us' }", "whole number", 2, "'1us'"),
        ("[capabilities.files.'a b']\npath = '.'", "invalid name", 1, "'a b'"),
        ("[v8]\njitless = true\n[capabilities]\nallow = ['wasm']", "jitless", 2, "true"),
        ("[v8]\nplatform_threads = 99", "more than 16", 2, "99"),
        (
            "[capabilities.commands.git]\nprogram = 'git'\ndirectory = '.'",
            "no absolute path",
            2,
            "'git'",
        ),
    ] {
        let (reason, at, shown) = slip(toml(text));
        assert!(reason.contains(said), "{text}: {reason}");
        assert_eq!((at, shown.as_str()), (line, token), "{text}: {reason}");
    }
}

#[test]
fn an_error_names_the_file_and_has_a_caret() {
    let (_directory, path) = file("broken.json", "{\n\t\"limits\": {\"heap\": \"1MiB\"}}");
    let shown = SandboxConfig::read(&path).unwrap_err().to_string();
    let place = format!("--> {}:2:21\n 2 | \t\"limits\": {{\"heap\": \"1MiB\"}}}}", path.display());
    assert!(shown.contains(&place), "{shown}");
    assert!(
        shown.ends_with("|  \t                   ^^^^^^".replacen(" \t", "\t", 1).as_str()),
        "{shown}"
    );
}

#[test]
fn relative_paths_are_below_the_files_directory() {
    let text = "[capabilities.files.w]\npath = 'notes'\n[capabilities.files.abs]\npath = '/srv'\n\
                [capabilities.commands.git]\nprogram = '/usr/bin/git'\ndirectory = '.'\n\
                [capabilities.storage]\ndirectory = 'store'";
    let (directory, path) = file("c.toml", text);
    let capabilities = SandboxConfig::read(&path).unwrap().capabilities;
    assert_eq!(capabilities.files["w"].path, directory.path().join("notes"));
    assert_eq!(capabilities.files["abs"].path, Path::new("/srv"));
    assert_eq!(capabilities.commands["git"].directory, directory.path().join("."));
    assert_eq!(capabilities.storage.unwrap().directory.unwrap(), directory.path().join("store"));
    let parsed = SandboxConfig::parse(text, ConfigFormat::Toml, "/etc/app/c.toml").unwrap();
    assert_eq!(parsed.capabilities.files["w"].path, Path::new("/etc/app/notes"));
}

#[test]
fn what_is_no_config_file_is_refused_for_what_it_is() {
    let (directory, path) = file("c.toml", "");
    fs::write(&path, b"a = 1\n\xff").unwrap();
    let giant = directory.path().join("giant.json");
    fs::write(&giant, " ".repeat(SandboxConfig::MAX_FILE as usize + 1)).unwrap();
    let folder = directory.path().join("folder.toml");
    fs::create_dir(&folder).unwrap();
    for (path, said) in [
        (directory.path().join("gone.toml"), "cannot be read"),
        (path, "not UTF-8: see line 2"),
        (giant, "is longer than 1048576 bytes"),
        (folder, "is a directory"),
        (Path::new("/dev/zero").with_extension("toml"), "cannot be read"),
        (directory.path().join("c.yaml"), "named .toml or .json"),
    ] {
        let error = SandboxConfig::read(&path).unwrap_err().to_string();
        assert!(error.contains(said) && error.contains(path.to_str().unwrap()), "{error}");
    }
    #[cfg(unix)]
    {
        let endless = directory.path().join("endless.toml");
        std::os::unix::fs::symlink("/dev/zero", &endless).unwrap();
        let error = SandboxConfig::read(&endless).unwrap_err().to_string();
        assert!(error.contains("no ordinary file"), "{error}");
    }
}

#[test]
fn each_layer_is_above_those_before_it() {
    let layered = ConfigLayers::new()
        .preset(Preset::Trusted)
        .text("[limits]\nheap = '32MiB'\ntimers = 7", ConfigFormat::Toml, "one.toml")
        .unwrap()
        .text("{\"limits\":\n{\"heap\": \"48MiB\"}}", ConfigFormat::Json, "two.json")
        .unwrap()
        .set("limits.queue_length", 9)
        .unwrap()
        .build()
        .unwrap();
    let limits = &layered.config().limits;
    assert_eq!(limits.heap, ByteSize::mib(48));
    assert_eq!((limits.timers, limits.queue_length), (7, 9));
    assert_eq!(limits.wall_time, ResourceLimits::trusted().wall_time);
    let file = |path: &str, line| ConfigOrigin::File { path: path.into(), line };
    for (path, origin) in [
        ("limits.heap", file("two.json", 2)),
        ("limits.timers", file("one.toml", 3)),
        ("limits.queue_length", ConfigOrigin::Code),
        ("limits.wall_time", ConfigOrigin::Preset(Preset::Trusted)),
        ("process.quarantined", ConfigOrigin::Default),
        ("capabilities.allow", ConfigOrigin::Default),
    ] {
        assert_eq!(layered.origin(path), Some(&origin), "{path}");
    }
    assert_eq!(layered.origin("limits"), None);
    assert_eq!(layered.origin("limits.heep"), None);
}

#[test]
fn a_preset_in_a_file_lies_below_that_file_and_above_what_was_before() {
    let layered = ConfigLayers::new()
        .set("limits.timers", 5)
        .unwrap()
        .text("preset = 'strict'\n[limits]\nheap = '20MiB'", ConfigFormat::Toml, "c.toml")
        .unwrap()
        .build()
        .unwrap();
    let mut expected = ResourceLimits::strict();
    expected.heap = ByteSize::mib(20);
    assert_eq!(layered.config().limits, expected);
    assert_eq!(layered.origin("limits.timers"), Some(&ConfigOrigin::Preset(Preset::Strict)));
}

#[test]
fn every_preset_is_read_as_it_is_made() {
    for preset in [Preset::Strict, Preset::Default, Preset::Trusted] {
        let config = ConfigLayers::new().preset(preset).build().unwrap().into_config();
        assert_eq!(config.limits, preset.limits());
        assert_eq!(toml(&format!("preset = '{preset}'")).unwrap(), config);
    }
}

#[test]
fn tables_are_merged_arrays_and_choices_are_replaced() {
    let layers = |upper: &str| {
        let lower = "restart = 'never'\n[capabilities]\nallow = ['timers', 'random']\n\
                     clock = { coarse = '1s' }\n[capabilities.files.a]\npath = '/a'";
        let layers = ConfigLayers::new().text(lower, ConfigFormat::Toml, "a.toml").unwrap();
        layers.text(upper, ConfigFormat::Toml, "b.toml").unwrap().build().unwrap()
    };
    let layered = layers(
        "restart = { on_fault = { max = 2 } }\n[capabilities]\nallow = ['intl']\n\
         clock = { frozen = '2026-01-01 00:00:00' }\n[capabilities.files.b]\npath = '/b'\n\
         [capabilities.files.a]\naccess = 'read_write'",
    );
    let config = layered.config();
    assert!(!config.capabilities.has(Capability::Timers));
    assert!(config.capabilities.has(Capability::Intl));
    assert!(matches!(config.capabilities.clock, Clock::Frozen(_)));
    assert_eq!(config.capabilities.files.len(), 2);
    assert_eq!(config.capabilities.files["a"].path, Path::new("/a"));
    assert!(config.capabilities.files["a"].access.writes());
    assert!(matches!(config.restart, RestartPolicy::OnFault { max: 2, .. }));
    let line = |path| match layered.origin(path) {
        Some(ConfigOrigin::File { path, line }) => (path.to_str().unwrap(), *line),
        other => panic!("{other:?}"),
    };
    assert_eq!(line("capabilities.files.a.path"), ("a.toml", 6));
    assert_eq!(line("capabilities.files.a.access"), ("b.toml", 8));
    assert_eq!(line("capabilities.clock.frozen"), ("b.toml", 4));
}

#[test]
fn null_takes_away_what_a_lower_layer_granted() {
    let layered = ConfigLayers::new()
        .text("[capabilities.storage]\nsize = '1MiB'", ConfigFormat::Toml, "a.toml")
        .unwrap()
        .set("capabilities.storage", json!(null))
        .unwrap()
        .build()
        .unwrap();
    assert!(layered.config().capabilities.storage.is_none());
}

#[test]
fn a_value_set_by_the_program_is_checked_under_its_path() {
    let set = |path: &str, value: serde_json::Value| {
        ConfigLayers::new().set(path, value).and_then(ConfigLayers::build)
    };
    let (reason, _, token) = slip(set("limits.heep", "32MiB".into()));
    assert!(reason.contains("did you mean `heap`"), "{reason}");
    assert_eq!(token, "limits.heep");
    let shown = set("limits.wall_time", "soon".into()).unwrap_err().to_string();
    assert!(shown.contains("limits.wall_time = \"soon\""), "{shown}");
    assert!(slip(set("limits.heap", json!(64))).0.contains("bare number is bytes"));
    assert!(slip(set("preset", "strct".into())).0.contains("`strict`"));
    assert_eq!(set("preset", "strict".into()).unwrap().config().limits, ResourceLimits::strict());
    for path in ["", "limits..heap", "a b", "limits.heap = 1\nx"] {
        let error = set(path, json!(1)).unwrap_err();
        assert!(matches!(error, PluginError::InvalidArgument(_)), "{path}: {error}");
    }
    let part = ConfigLayers::new().set("capabilities.files.w.access", "write").unwrap();
    let whole = part.set("capabilities.files.w.path", "/tmp").unwrap().build().unwrap();
    assert!(whole.config().capabilities.files["w"].access.writes());
}

#[test]
fn every_value_is_explained_once_and_as_it_was_written() {
    let text = "[limits]\nheap = '33MB'\n[capabilities.commands.'a.b']\nprogram = '/bin/a'\n\
                directory = '/'";
    let layers = ConfigLayers::new().text(text, ConfigFormat::Toml, "c.toml").unwrap();
    let layered = layers.build().unwrap();
    let values: Vec<_> = layered.explain().collect();
    let paths: std::collections::BTreeSet<_> = values.iter().map(|(path, ..)| path).collect();
    assert_eq!(paths.len(), values.len());
    let text = |path| values.iter().find(|(other, ..)| *other == path).unwrap().1;
    assert_eq!(text("limits.heap"), "33MB");
    assert_eq!(text("limits.cpu_time"), "off");
    assert_eq!(text("capabilities.commands.\"a.b\".time"), "10s");
    assert_eq!(text("restart.on_fault.max"), "100");
    assert_eq!(text("v8.jitless"), "false");
    assert!(layered.origin("capabilities.commands.\"a.b\".program").is_some());
}

#[test]
fn a_plugin_is_built_as_its_config_says() {
    let config = toml(
        "restart = 'never'\n[limits]\nsource_size = '40B'\n[capabilities]\nallow = ['timers']\n\
         deny = ['web']",
    )
    .unwrap();
    let worker = PluginWorker::builder("configured").config(&config).build().unwrap();
    let answer = worker.blocking_execute("[typeof setTimeout, typeof URL]");
    assert_eq!(answer, Ok(json!(["function", "undefined"])));
    let long = worker.blocking_execute(" ".repeat(41));
    assert!(matches!(long, Err(PluginError::TooLarge { .. })), "{long:?}");
    assert_eq!(config.limits.cpu_time, Limit::Off);
}

#[test]
fn the_example_is_valid_and_says_what_it_is_meant_to() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/configs/editor.toml");
    let layered = ConfigLayers::new().file(&path).unwrap().build().unwrap();
    let config = layered.config();
    assert_eq!(config.limits.heap, ByteSize::mib(48));
    assert_eq!(config.limits.argument_size, ResourceLimits::strict().argument_size);
    assert!(config.capabilities.allows_host("editor.getContent"));
    assert!(config.capabilities.commands["git"].confirm);
    let notes = path.parent().unwrap().join("notes");
    assert_eq!(config.capabilities.files["notes"].path, notes);
    assert!(matches!(layered.origin("limits.heap"), Some(ConfigOrigin::File { .. })));
}
