//! What the program reads and prints: values and costs on stdout, console output and errors on
//! stderr.

use std::io::{self, Write as _};
use std::path::Path;

use plugin_sandbox::{
    ByteSize, ConsoleLevel, ConsoleMessage, PluginError, WorkerResponse, WorkerStats,
};
use serde_json::{Value, json};

/// Writes lines to stdout; a reader that has gone away is not an error.
pub(crate) fn print(text: &str) {
    let _ = writeln!(io::stdout().lock(), "{text}");
}

/// A file's text.
pub(crate) fn read(file: &Path) -> Result<String, PluginError> {
    std::fs::read_to_string(file)
        .map_err(|error| PluginError::Io { path: file.to_owned(), reason: error.to_string() })
}

/// Writes rows with their columns under each other; a cell that is very long stands out.
pub(crate) fn columns(rows: &[[String; 3]]) {
    const WIDEST: usize = 48;
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.filter(|width| *width <= WIDEST).max().unwrap_or(0)
    };
    let (first, second) = (width(0), width(1));
    for [one, two, three] in rows {
        print(&format!("  {one:first$}  {two:second$}  {three}"));
    }
}

/// Writes lines to stderr, each marked with `name`, so that a plugin's line cannot pass for one
/// of the program's own.
pub(crate) fn print_marked(name: &str, text: &str) {
    let mut stderr = io::stderr().lock();
    for line in text.split('\n') {
        let _ = writeln!(stderr, "[{name}] {line}");
    }
}

/// Writes an error of the program's own to stderr.
pub(crate) fn print_error(error: &impl std::fmt::Display) {
    let _ = writeln!(io::stderr().lock(), "plugin-sandbox: {error}");
}

/// A plugin's console on stderr.
pub(crate) fn console(message: &ConsoleMessage) {
    let text = match message.level {
        ConsoleLevel::Log | ConsoleLevel::Info => message.text.clone(),
        level => format!("{level}: {}", message.text),
    };
    print_marked(&message.plugin, &text);
}

/// A call's answer: a string as it is, any other value as JSON, an error on stderr.
pub(crate) fn answer(plugin: &str, response: &WorkerResponse) {
    match response {
        Ok(Value::String(text)) => print(text),
        Ok(value) => print(&format!("{value:#}")),
        Err(error) => print_marked(plugin, &format!("error: {error}")),
    }
}

/// A call's answer as one line of JSON.
pub(crate) fn answer_json(plugin: &str, response: &WorkerResponse) {
    let mut line = match response {
        Ok(value) => json!({ "plugin": plugin, "value": value }),
        Err(error) => json!({ "plugin": plugin, "error": error_json(error) }),
    };
    if let Err(error) = response {
        line["message"] = error.to_string().into();
    }
    print(&line.to_string());
}

pub(crate) fn error_json(error: &PluginError) -> Value {
    serde_json::to_value(error).unwrap_or_else(|_| error.to_string().into())
}

/// What each plugin cost, as a table.
pub(crate) fn costs(plugins: &[(String, WorkerStats)]) {
    let width = plugins.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0).max(6);
    print(&format!("{:width$}  calls  failed  rebuilt      time   heap peak", "plugin"));
    for (name, stats) in plugins {
        let time = format!("{:.1} ms", stats.wall_time_total.as_secs_f64() * 1000.0);
        let heap = ByteSize::b(stats.heap_peak).to_string();
        print(&format!(
            "{name:width$}  {:>5}  {:>6}  {:>7}  {time:>8}  {heap:>10}",
            stats.calls, stats.failures, stats.rebuilds
        ));
    }
}
