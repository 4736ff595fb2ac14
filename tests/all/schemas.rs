//! The JSON schemas in `schemas/`, which editors use.

use std::path::{Path, PathBuf};

use plugin_sandbox::{ConfigFormat, PluginManifest, Preset, SandboxConfig};
use serde_json::{Value, json};

fn in_the_crate(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn read(path: &str) -> String {
    std::fs::read_to_string(in_the_crate(path)).unwrap()
}

fn assert_checked_in(path: &str, schema: &Value, kind: &str) {
    let checked_in: Value = serde_json::from_str(&read(path)).unwrap();
    assert!(
        checked_in == *schema,
        "{path} is out of date; write it anew with\n\n    \
         cargo run -- schema {kind} > {path}\n"
    );
}

/// Whether the schema takes the file, which is TOML, for a good one.
fn takes(schema: &Value, toml: &str) -> bool {
    let value: toml::Value = toml::from_str(toml).unwrap();
    jsonschema::is_valid(schema, &serde_json::to_value(value).unwrap())
}

#[test]
fn the_schemas_that_are_checked_in_are_those_of_the_types() {
    assert_checked_in("schemas/sandbox-config.schema.json", &SandboxConfig::schema(), "config");
    assert_checked_in("schemas/plugin-manifest.schema.json", &PluginManifest::schema(), "manifest");
}

#[test]
fn the_schema_takes_every_config_that_is_read() {
    let schema = SandboxConfig::schema();
    let example = read("examples/configs/editor.toml");
    for text in [
        "",
        &example,
        "restart = 'never'\n[limits]\nheap = 33_554_432\ncpu_time = 'off'\nwall_time = '1m 30s'",
        "restart = { on_fault = {} }\n[capabilities]\nclock = 'full'\nrandomness = { seeded = 7 }",
        "[capabilities]\nclock = { frozen = '2026-01-31T12:00:00Z' }\n\
         allow = ['*', 'host:who', 'a.b.c', 'wasm']",
        "[capabilities.files.w]\npath = '.'\nentries = 'off'\ntotal_size = '1.5 GB'",
    ] {
        SandboxConfig::parse(text, ConfigFormat::Toml, "c.toml").unwrap();
        assert!(takes(&schema, text), "{text}");
    }
}

#[test]
fn the_schema_takes_what_a_config_is_written_as() {
    let schema = SandboxConfig::schema();
    for preset in [Preset::Strict, Preset::Default, Preset::Trusted] {
        let mut config = SandboxConfig::default();
        config.limits = preset.limits();
        let written = serde_json::to_value(&config).unwrap();
        let errors: Vec<_> = jsonschema::validator_for(&schema)
            .unwrap()
            .iter_errors(&written)
            .map(|error| error.to_string())
            .collect();
        assert_eq!(errors, [""; 0]);
    }
    assert!(jsonschema::is_valid(&schema, &json!({ "$schema": "x.json", "preset": "strict" })));
}

#[test]
fn the_schema_refuses_what_is_refused_when_read() {
    let schema = SandboxConfig::schema();
    for text in [
        "preset = 'strct'",
        "limit = {}",
        "[limits]\nheep = '32MiB'",
        "[limits]\nheap = '32 megs'",
        "[limits]\nheap = -1",
        "[limits]\nwall_time = 5",
        "[limits]\nwall_time = 'soon'",
        "[limits]\ncpu_time = 'of'",
        "[limits]\nhardening = 'some'",
        "[capabilities]\nallow = ['timer']",
        "[capabilities]\nallow = ['files:w']",
        "[capabilities]\nallow = ['a..b']",
        "[capabilities.files.w]\naccess = 'read'",
        "[capabilities.network]\norigins = ['example.com']",
        "[capabilities.commands.git]\nprogram = 'git'\ndirectory = '.'",
        "[v8]\nplatform_threads = 17",
        "restart = 'always'",
    ] {
        assert!(SandboxConfig::parse(text, ConfigFormat::Toml, "c.toml").is_err(), "{text}");
        assert!(!takes(&schema, text), "{text}");
    }
}

#[test]
fn the_schema_of_manifests_takes_good_ones_and_no_others() {
    let schema = PluginManifest::schema();
    let manifest = |rest: &str| format!("name = 'p'\nversion = '1.0.0'\n{rest}");
    let parse = |text: &str| PluginManifest::parse(text, Path::new("plugin.toml"));
    for example in ["table-of-contents", "endless-loop"] {
        assert!(takes(&schema, &read(&format!("examples/plugins/{example}/plugin.toml"))));
    }
    let all = "permissions = ['timers', 'editor.*', '*', 'host:who', 'files:w', \
               'files:w:read_write', 'network:https://*.x.org', 'commands:git', 'storage']";
    parse(&manifest(all)).unwrap();
    assert!(takes(&schema, &manifest(all)));
    for broken in [
        "mian = 'x.js'",
        "main = '/etc/passwd'",
        "permissions = ['timer']",
        "permissions = ['files:w:execute']",
        "permissions = ['network:x.org']",
        "permissions = 'timers'",
    ] {
        assert!(parse(&manifest(broken)).is_err(), "{broken}");
        assert!(!takes(&schema, &manifest(broken)), "{broken}");
    }
    assert!(!takes(&schema, "name = '../p'\nversion = '1.0.0'"));
    assert!(!takes(&schema, "name = 'p'\nversion = '1'"));
}
