//! `plugin-sandbox check`: says whether configs and manifests are valid, and what they mean.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueHint};
use plugin_sandbox::{
    ConfigLayers, LayeredConfig, Permission, PluginError, PluginManifest, SandboxConfig,
};
use serde_json::json;

use crate::output;

/// Checks configs and manifests, and says in words what they mean
///
/// A directory with a plugin.toml, and a file of that name, is a manifest; so is a TOML file
/// that has a name and a version at its top. Anything else is a config.
#[derive(Debug, Args)]
#[command(after_help = "Exit code 0 if all files are valid, 2 if one is not.")]
pub(crate) struct Arguments {
    /// Configs (.toml or .json), manifests, or directories of plugins
    #[arg(required = true, value_name = "FILE", value_hint = ValueHint::AnyPath)]
    files: Vec<PathBuf>,

    /// Of manifests, show what they ask for and this config does not grant
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    config: Option<PathBuf>,

    /// Of configs, show every value and where it is from
    #[arg(long)]
    explain: bool,

    /// What there is to say as JSON, one line a file
    #[arg(long)]
    json: bool,
}

/// A file that is valid.
enum Checked {
    Config(Box<LayeredConfig>),
    Manifest {
        manifest: PluginManifest,
        /// What the config beside it does not grant, if there is one.
        missing: Option<Vec<Permission>>,
    },
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let config = match arguments.config.as_ref().map(read_config).transpose() {
        Ok(config) => config,
        Err(error) => {
            output::print_error(&error);
            return ExitCode::from(2);
        }
    };
    let mut ended = ExitCode::SUCCESS;
    for file in &arguments.files {
        let checked = check(file, config.as_ref());
        if checked.is_err() {
            ended = ExitCode::from(2);
        }
        match checked {
            checked if arguments.json => print_json(arguments, file, &checked),
            Ok(Checked::Config(config)) if arguments.explain => print_values(file, &config),
            Ok(Checked::Config(config)) => print_config(file, &config),
            Ok(Checked::Manifest { manifest, missing }) => {
                print_manifest(arguments, file, &manifest, missing.as_deref());
            }
            Err(error) => output::print_error(&error),
        }
    }
    ended
}

fn read_config(file: impl AsRef<Path>) -> Result<LayeredConfig, PluginError> {
    ConfigLayers::new().file(file)?.build()
}

fn check(file: &Path, config: Option<&LayeredConfig>) -> Result<Checked, PluginError> {
    let manifest = match file {
        directory if directory.is_dir() => read_plugin(directory)?,
        file if is_manifest(file) => PluginManifest::parse(&output::read(file)?, file)?,
        file => return read_config(file).map(|config| Checked::Config(Box::new(config))),
    };
    let granted = config.map(|config| &config.config().capabilities);
    let missing = granted.map(|granted| manifest.not_granted(granted));
    Ok(Checked::Manifest { manifest, missing })
}

/// The manifest of a plugin whose script is there, too.
fn read_plugin(directory: &Path) -> Result<PluginManifest, PluginError> {
    let manifest = PluginManifest::read(directory)?;
    let path = directory.join(&manifest.main);
    match path.is_file() {
        true => Ok(manifest),
        false => Err(PluginError::Io { path, reason: "the plugin has no such script".into() }),
    }
}

fn is_manifest(file: &Path) -> bool {
    if file.file_name().is_some_and(|name| name == PluginManifest::FILE_NAME) {
        return true;
    }
    let is_toml = file.extension().is_some_and(|extension| extension == "toml");
    // A pipe would be waited for, and a giant is neither.
    let is_small = |file: &Path| {
        file.metadata().is_ok_and(|kind| kind.is_file() && kind.len() <= SandboxConfig::MAX_FILE)
    };
    is_toml
        && is_small(file)
        && std::fs::read_to_string(file)
            .ok()
            .and_then(|text| text.parse::<toml::Table>().ok())
            .is_some_and(|table| table.contains_key("name") && table.contains_key("version"))
}

fn print_config(file: &Path, layered: &LayeredConfig) {
    let config = layered.config();
    output::print(&format!("{}: a valid config. A plugin under it", file.display()));
    let limits = config.limits.in_words().into_iter().chain([config.restart.in_words()]);
    for sentence in config.capabilities.in_words().into_iter().chain(limits) {
        output::print(&format!("  {sentence}"));
    }
}

fn print_values(file: &Path, config: &LayeredConfig) {
    output::print(&format!("{}:", file.display()));
    let rows: Vec<_> = config
        .explain()
        .map(|(path, value, origin)| [path.to_owned(), value.to_owned(), origin.to_string()])
        .collect();
    output::columns(&rows);
}

fn print_manifest(
    arguments: &Arguments,
    file: &Path,
    manifest: &PluginManifest,
    missing: Option<&[Permission]>,
) {
    let (name, version) = (&manifest.name, &manifest.version);
    let list = |permissions: &[Permission]| {
        for permission in permissions {
            output::print(&format!("  {} ({permission})", permission.in_words()));
        }
    };
    let asks = if manifest.permissions.is_empty() { "for nothing" } else { "to" };
    let file = file.display();
    output::print(&format!("{file}: a valid manifest. {name} {version} asks {asks}"));
    list(&manifest.permissions);
    let (Some(missing), Some(config)) = (missing, &arguments.config) else { return };
    if missing.is_empty() {
        output::print(&format!("{} grants all of it", config.display()));
    } else {
        output::print(&format!("{} does not let it", config.display()));
        list(missing);
    }
}

fn print_json(arguments: &Arguments, file: &Path, checked: &Result<Checked, PluginError>) {
    let mut line = match checked {
        Ok(Checked::Config(layered)) => {
            let config = layered.config();
            let mut line = json!({
                "kind": "config",
                "config": config,
                "grants": config.capabilities.in_words(),
                "limits": config.limits.in_words(),
                "restart": config.restart.in_words(),
            });
            if arguments.explain {
                let values = layered.explain().map(|(path, value, origin)| {
                    json!({ "path": path, "value": value, "origin": origin.to_string() })
                });
                line["values"] = values.collect();
            }
            line
        }
        Ok(Checked::Manifest { manifest, missing }) => json!({
            "kind": "manifest",
            "name": manifest.name,
            "version": manifest.version,
            "asks": manifest.permissions,
            "not_granted": missing,
        }),
        Err(error) => json!({ "error": output::error_json(error), "message": error.to_string() }),
    };
    line["file"] = file.display().to_string().into();
    line["valid"] = checked.is_ok().into();
    output::print(&line.to_string());
}
