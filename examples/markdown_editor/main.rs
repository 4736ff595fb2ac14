//! A Markdown editor's plugin API, without the window: documents, a menu and a status line that
//! plugins work on, through host functions and a start-up script.
//!
//! `registerHook`, `onActivate` and `registerCommand` are the editor's own words for what the
//! sandbox has; see `api.js`. Three plugins do as they should and one is hostile. Run it with
//! `cargo run --example markdown_editor`.
#![allow(clippy::print_stdout, reason = "what an example shows")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use plugin_sandbox::{
    AuditEvent, ConsoleMessage, HostCall, HostError, HostFunctions, NotGranted, PluginError,
    PluginSandbox, SandboxConfig, Value,
};
use serde_json::json;

/// What the window would show.
#[derive(Debug, Default)]
struct Window {
    text: String,
    status: String,
    /// The commands of the menu, with the plugins that added them.
    menu: BTreeMap<String, (String, String)>,
}

#[derive(Debug, Clone, Default)]
struct Editor(Arc<Mutex<Window>>);

impl Editor {
    fn window(&self) -> MutexGuard<'_, Window> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How much a notification matters.
#[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Level {
    Info,
    Warning,
}

/// The editor that a function serves.
fn editor(call: &HostCall) -> Result<&Editor, HostError> {
    call.state::<Editor>().ok_or_else(|| HostError::new("there is no editor"))
}

fn host_functions(window: &Editor) -> HostFunctions {
    HostFunctions::new()
        .state(window.clone())
        .function("editor.getContent", |call: &HostCall, ()| {
            Ok(editor(call)?.window().text.clone())
        })
        .documented("editor.getContent", "The text of the document.", &[])
        .function("editor.setContent", |call: &HostCall, text: String| {
            editor(call)?.window().text = text;
            Ok(())
        })
        .documented("editor.setContent", "Replaces the text of the document.", &["text"])
        .function("ui.notify", |call: &HostCall, (message, level): (String, Option<Level>)| {
            let mark = if matches!(level, Some(Level::Warning)) { "!" } else { "i" };
            println!("  ({mark}) {}: {message}", call.plugin_id());
            Ok(())
        })
        .typed::<(String, Option<Level>), ()>("ui.notify")
        .documented("ui.notify", "Shows a message for a while.", &["message", "level"])
        .function("ui.setStatus", |call: &HostCall, text: String| {
            editor(call)?.window().status = text;
            Ok(())
        })
        .function("ui.addCommand", |call: &HostCall, (id, title): (String, String)| {
            let owner = call.plugin_id().to_owned();
            editor(call)?.window().menu.insert(id, (owner, title));
            Ok(())
        })
}

struct Host {
    editor: Editor,
    plugins: Vec<PluginSandbox>,
}

impl Host {
    fn load(directory: &Path, config: &SandboxConfig) -> Result<Self, PluginError> {
        let editor = Editor::default();
        let mut plugins = Vec::new();
        for name in ["contents", "front-matter", "word-count", "spy"] {
            let plugin = PluginSandbox::builder()
                .config(config)
                .worker(|worker| worker.host_functions(host_functions(&editor)).audit(audit))
                .script("editor-api.js", include_str!("api.js"))
                .when_not_granted(NotGranted::LoadWithout)
                .console(|message: &ConsoleMessage| {
                    println!("  [{}] {}", message.plugin, message.text);
                })
                .load(directory.join("plugins").join(name))?;
            for missing in plugin.not_granted() {
                println!("  {name} asks for {missing}, which is not granted");
            }
            plugins.push(plugin);
        }
        Ok(Self { editor, plugins })
    }

    fn open(&self, text: String) {
        self.editor.window().text = text;
        for plugin in &self.plugins {
            report(plugin, plugin.blocking_activate().map(drop));
        }
    }

    /// Runs a command of the menu in the plugin that added it.
    fn run_command(&self, id: &str) {
        let Some((owner, _)) = self.editor.window().menu.get(id).cloned() else { return };
        for plugin in self.plugins.iter().filter(|plugin| plugin.manifest().name == owner) {
            report(plugin, plugin.call_hook(format!("command:{id}"), Value::Null).wait().map(drop));
        }
    }

    /// Has each plugin see, and perhaps change, what is saved. One that fails changes nothing.
    fn save(&self, path: &Path) -> std::io::Result<()> {
        let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
        let mut file = json!({ "name": name, "text": self.editor.window().text });
        for plugin in &self.plugins {
            match plugin.call_hook("on_file_save", file.clone()).wait() {
                Ok(changed) if changed["text"].is_string() => file = changed,
                Ok(_) | Err(PluginError::HookNotFound { .. }) => {}
                Err(error) => report(plugin, Err(error)),
            }
        }
        let text = file["text"].as_str().unwrap_or_default();
        text.clone_into(&mut self.editor.window().text);
        fs::write(path, text)
    }
}

fn audit(event: &AuditEvent) {
    let AuditEvent { plugin, operation, target, outcome, .. } = event;
    println!("  audit: {plugin} {operation} {target}: {outcome}");
}

fn report(plugin: &PluginSandbox, result: Result<(), PluginError>) {
    if let Err(error) = result {
        println!("  {} failed: {error}", plugin.manifest().name);
    }
}

const DOCUMENT: &str = "# Notes\n\n[[toc]]\n\n## On sandboxes\n\nSand stays inside.\n\n### Walls\n\n\
                        Four of them.\n\n## On plugins\n\nOther people's.\n";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/markdown_editor");
    // A place to work in, with something beside it that no plugin may see.
    let place = std::env::temp_dir().join(format!("markdown-editor-{}", std::process::id()));
    let workspace: PathBuf = place.join("workspace");
    fs::create_dir_all(&workspace)?;
    fs::write(place.join("secret.txt"), "a secret")?;
    fs::copy(source.join("sandbox.toml"), place.join("sandbox.toml"))?;
    #[cfg(unix)]
    std::os::unix::fs::symlink(&place, workspace.join("link-out"))?;

    println!("loading the plugins");
    let host = Host::load(&source, &SandboxConfig::read(place.join("sandbox.toml"))?)?;
    println!("opening a document");
    host.open(DOCUMENT.to_owned());
    println!("running the command: {:?}", host.editor.window().menu);
    host.run_command("toc");
    println!("saving it");
    host.save(&workspace.join("notes.md"))?;

    println!("\nstatus line: {}", host.editor.window().status);
    println!("\n{}", fs::read_to_string(workspace.join("notes.md"))?);
    println!("{}", fs::read_to_string(workspace.join("words.csv"))?);
    drop(host);
    fs::remove_dir_all(place)?;
    Ok(())
}
