//! TypeScript declarations: of what is there, and of nothing else.

use std::process::{Command, Output};

use plugin_sandbox::{
    Capability, CommandGrant, FileRoot, HostCall, HostDescription, HostFunctions, NetworkGrant,
    PluginCapabilities, PluginIsolate, StorageGrant,
};

use crate::support::patient_limits;

/// Everything but what the language's own declarations of `tsc` have.
fn everything(directory: &std::path::Path) -> PluginCapabilities {
    let named: PluginCapabilities = Capability::ALL.into_iter().collect();
    named
        .host("*")
        .unwrap()
        .files("workspace", FileRoot::read_write(directory))
        .storage(StorageGrant::default())
        .network(NetworkGrant::to(["https://x.org"]).unwrap())
        .command("echo", CommandGrant::new("/bin/echo", directory))
}

fn globals(capabilities: PluginCapabilities) -> Vec<String> {
    let builder = PluginIsolate::builder("test").limits(patient_limits());
    let mut plugin = builder.capabilities(capabilities).build().unwrap();
    let names = plugin.execute("Object.getOwnPropertyNames(globalThis)").unwrap();
    serde_json::from_value(names).unwrap()
}

fn declares(text: &str, name: &str) -> bool {
    ["class", "function", "namespace", "const"].iter().any(|kind| {
        let declaration = format!("declare {kind} {name}");
        text.match_indices(&declaration).any(|(at, _)| {
            !text[at + declaration.len()..].starts_with(|c: char| c.is_alphanumeric() || c == '_')
        })
    })
}

#[test]
fn what_is_granted_is_declared_and_what_is_not_is_not() {
    let directory = tempfile::tempdir().unwrap();
    let (bare, all) = (globals(PluginCapabilities::none()), globals(everything(directory.path())));
    let host = HostDescription::default();
    let (less, more) = (
        host.typescript(&PluginCapabilities::none()),
        host.typescript(&everything(directory.path())),
    );
    // Of `tsc`, by reference.
    let libraries =
        ["Atomics", "FinalizationRegistry", "Intl", "SharedArrayBuffer", "Temporal", "WeakRef"];
    for name in all.iter().filter(|name| !bare.contains(name)) {
        assert_eq!(declares(&more, name), !libraries.contains(&&**name), "{name}");
        assert!(!declares(&less, name), "{name}");
    }
    for name in ["plugin", "console"] {
        assert!(declares(&less, name), "{name}");
    }
    for library in ["es2021.weakref", "es2017.sharedmemory", "esnext.temporal"] {
        assert!(more.contains(library) && !less.contains(library), "{library}");
    }
}

#[test]
fn roots_and_programs_are_named() {
    let directory = tempfile::tempdir().unwrap();
    let text = HostDescription::default().typescript(&everything(directory.path()));
    assert!(text.contains("type Root = \"workspace\";") && text.contains("type Name = \"echo\";"));
    assert!(
        text.contains("function readFile(path: Path, format: \"bytes\"): Promise<Uint8Array>;")
    );
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[expect(dead_code, reason = "only its schema is looked at")]
struct Query {
    text: String,
    limit: Option<u32>,
}

#[test]
fn host_functions_are_declared_from_their_rust_types_if_they_are_granted() {
    let host = HostFunctions::new()
        .function("editor.insert", |_: &HostCall, (_, _): (String, Option<u32>)| Ok(()))
        .documented("editor.insert", "Inserts text. */ export {}", &["text", "at"])
        .async_function("db.find", |_: HostCall, _: Query| async { Ok(vec![String::new()]) })
        .typed::<Query, Vec<String>>("db.find")
        .function("ui.hidden", |_: &HostCall, ()| Ok(1));
    let granted = PluginCapabilities::default().host("editor.*").unwrap().host("db.*").unwrap();
    let text = host.describe().typescript(&granted);
    assert!(text.contains("function insert(text: string, at?: number | null): null;"), "{text}");
    assert!(text.contains("function find(arg0: Query): Promise<string[]>;"), "{text}");
    assert!(text.contains("type Query = { text: string; limit?: number | null };"), "{text}");
    assert!(!text.contains("hidden") && !text.contains("*/ export"), "{text}");
}

#[test]
fn a_name_that_is_not_there_cannot_be_described() {
    let host = HostFunctions::new().documented("nobody", "", &[]);
    let built = PluginIsolate::builder("test").host_functions(host).build();
    assert!(built.unwrap_err().to_string().contains("nobody"));
}

fn types(arguments: &[&str]) -> Output {
    let program = env!("CARGO_BIN_EXE_plugin-sandbox");
    Command::new(program).arg("types").args(arguments).output().unwrap()
}

#[test]
fn the_program_prints_what_a_config_grants_with_the_hosts_functions() {
    let directory = tempfile::tempdir().unwrap();
    let (config, host) = (directory.path().join("c.toml"), directory.path().join("host.json"));
    std::fs::write(&config, "[capabilities]\nallow = ['timers', 'who.*']\ndeny = ['web']").unwrap();
    let described = HostFunctions::new().function("who.am", |_: &HostCall, ()| Ok("i")).describe();
    std::fs::write(&host, serde_json::to_string(&described).unwrap()).unwrap();
    let (config, host) = (config.to_str().unwrap(), host.to_str().unwrap());
    let output = types(&[config, "--host", host]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(declares(&text, "setTimeout") && !declares(&text, "URL"), "{text}");
    assert!(text.contains("declare namespace who {\n  function am(): string;\n}"), "{text}");
    let broken = types(&[config, "--host", config]);
    assert_eq!(broken.status.code(), Some(2));
    let said = String::from_utf8(broken.stderr).unwrap();
    assert!(said.contains("c.toml") && said.contains("line 1"), "{said}");
}
