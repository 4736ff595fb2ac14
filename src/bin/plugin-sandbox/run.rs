//! `plugin-sandbox run`: loads plugins, activates them, calls a hook in each.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueHint};
use plugin_sandbox::{
    ByteSize, Capability, ConfigLayers, PluginCapabilities, PluginError, PluginSandbox,
    SandboxConfig, Value, WorkerResponse,
};

use crate::output;

/// Loads each plugin, activates it, and calls a hook in it
///
/// A plugin that is named twice is loaded once and called twice.
#[derive(Debug, Args)]
#[command(after_help = "Values go to stdout, console output and errors to stderr. Exit code 0 if \
                        every call answered, 1 if a plugin failed, 2 for bad usage or files.")]
pub(crate) struct Arguments {
    /// A plugin's directory (with a plugin.toml) or a .js file
    #[arg(required = true, value_name = "PLUGIN", value_hint = ValueHint::AnyPath)]
    plugins: Vec<PathBuf>,

    /// The hook to call; without it the plugins are only activated
    #[arg(long, value_name = "NAME")]
    hook: Option<String>,

    /// The hook's argument
    #[arg(long, value_name = "JSON", requires = "hook", value_parser = json)]
    args: Option<Value>,

    /// A file whose text is the hook's argument, as one string
    #[arg(long, value_name = "FILE", requires = "hook", conflicts_with = "args")]
    args_file: Option<PathBuf>,

    /// Answers and errors as JSON, one line a call
    #[arg(long)]
    json: bool,

    /// At the end, what each plugin cost
    #[arg(long, conflicts_with = "json")]
    stats: bool,

    /// A config file: what is granted, limits, what is of the process; see `check`
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    config: Option<PathBuf>,

    /// Grant a capability beyond the config; may be given more than once
    #[arg(long, value_name = "CAPABILITY")]
    allow: Vec<Capability>,

    /// The longest time that a call may run, as in 500ms or 5s
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    wall_time: Option<Duration>,

    /// The most heap that a plugin may use, as in 64MiB
    #[arg(long, value_name = "SIZE")]
    heap: Option<ByteSize>,
}

fn json(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| format!("not JSON: {error}"))
}

/// Plugins that failed, or bad usage.
enum Ended {
    Well,
    PluginFailed,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    match run_plugins(arguments) {
        Ok(Ended::Well) => ExitCode::SUCCESS,
        Ok(Ended::PluginFailed) => ExitCode::from(1),
        Err(error) => {
            output::print_error(&error);
            ExitCode::from(2)
        }
    }
}

fn run_plugins(arguments: &Arguments) -> Result<Ended, PluginError> {
    let argument = match &arguments.args_file {
        Some(file) => output::read(file)?.into(),
        None => arguments.args.clone().unwrap_or_default(),
    };
    let config = config(arguments)?;
    config.apply_to_process()?;
    let mut loaded: Vec<(&Path, Option<PluginSandbox>)> = Vec::new();
    let mut ended = Ended::Well;
    for path in &arguments.plugins {
        if loaded.iter().all(|(other, _)| other != path) {
            let plugin = match load(&config, path) {
                Err(error) if is_bad_usage(&error) => return Err(error),
                Err(error) => {
                    report(arguments, &path.display().to_string(), &Err(error));
                    ended = Ended::PluginFailed;
                    None
                }
                Ok(plugin) => Some(plugin),
            };
            loaded.push((path, plugin));
        }
    }
    for path in &arguments.plugins {
        let plugin = loaded.iter().find(|(other, _)| other == path);
        let Some((_, Some(plugin))) = plugin else { continue };
        let response = call(arguments, plugin, &argument);
        if response.is_err() {
            ended = Ended::PluginFailed;
        }
        // Without a hook there is nothing to show but a failure.
        if arguments.hook.is_some() || response.is_err() {
            report(arguments, &plugin.manifest().name, &response);
        }
    }
    for (_, plugin) in &loaded {
        if let Some(plugin) = plugin
            && let Err(error) = plugin.blocking_deactivate()
        {
            report(arguments, &plugin.manifest().name, &Err(error));
            ended = Ended::PluginFailed;
        }
    }
    if arguments.stats {
        let costs: Vec<_> = loaded
            .iter()
            .filter_map(|(_, plugin)| plugin.as_ref())
            .map(|plugin| (plugin.manifest().name.clone(), plugin.stats()))
            .collect();
        output::costs(&costs);
    }
    Ok(ended)
}

/// The defaults, below the config file, below the command line.
fn config(arguments: &Arguments) -> Result<SandboxConfig, PluginError> {
    let mut layers = ConfigLayers::new();
    if let Some(file) = &arguments.config {
        layers = layers.file(file)?;
    }
    if let Some(time) = arguments.wall_time {
        layers = layers.set("limits.wall_time", humantime::format_duration(time).to_string())?;
    }
    if let Some(heap) = arguments.heap {
        layers = layers.set("limits.heap", heap.as_u64())?;
    }
    let mut config = layers.build()?.into_config();
    let capabilities = std::mem::take(&mut config.capabilities);
    config.capabilities =
        arguments.allow.iter().copied().fold(capabilities, PluginCapabilities::grant);
    config.validate()?;
    Ok(config)
}

fn load(config: &SandboxConfig, path: &Path) -> Result<PluginSandbox, PluginError> {
    let builder = PluginSandbox::builder().config(config).console(output::console);
    if path.is_dir() { builder.load(path) } else { builder.load_file(path) }
}

fn call(arguments: &Arguments, plugin: &PluginSandbox, argument: &Value) -> WorkerResponse {
    plugin.blocking_activate()?;
    match &arguments.hook {
        Some(hook) => plugin.call_hook(hook, argument.clone()).wait(),
        None => Ok(Value::Null),
    }
}

fn report(arguments: &Arguments, plugin: &str, response: &WorkerResponse) {
    if arguments.json {
        output::answer_json(plugin, response);
    } else {
        output::answer(plugin, response);
    }
}

/// Whether the person at the terminal is to mend it, rather than the plugin.
fn is_bad_usage(error: &PluginError) -> bool {
    matches!(
        error,
        PluginError::Io { .. }
            | PluginError::InvalidManifest { .. }
            | PluginError::InvalidConfig { .. }
            | PluginError::InvalidArgument(_)
            | PluginError::NotGranted { .. }
            | PluginError::InvalidLimit { .. }
    )
}
