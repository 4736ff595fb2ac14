//! What comes of a run: `target/peers.json`, the tables in `docs/performance.md`, the charts.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::chart::{Bar, chart};
use crate::figures::Figures;
use crate::npm::{PLACES, STARTS, Worked};
use crate::peers::ALL;

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Report {
    pub(crate) machine: Machine,
    pub(crate) node: Option<String>,
    pub(crate) rounds: usize,
    pub(crate) peers: IndexMap<String, Figures>,
    pub(crate) npm: IndexMap<String, IndexMap<String, Worked>>,
    #[serde(default)]
    pub(crate) npm_starts: IndexMap<String, IndexMap<String, Worked>>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Machine {
    pub(crate) date: String,
    pub(crate) processor: String,
    pub(crate) cores: usize,
    pub(crate) system: String,
}

impl Machine {
    pub(crate) fn here() -> Self {
        let said = |program: &str, argument: &str| {
            let output = Command::new(program).arg(argument).output().ok()?;
            Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
        };
        let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = processors.lines().find_map(|line| line.strip_prefix("model name"));
        Self {
            date: said("date", "+%Y-%m-%d").unwrap_or_default(),
            processor: model
                .map_or(std::env::consts::ARCH, |model| model.trim_start_matches([' ', '\t', ':']))
                .to_owned(),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            system: said("uname", "-sr").unwrap_or_else(|| std::env::consts::OS.to_owned()),
        }
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

pub(crate) fn read() -> io::Result<Report> {
    Ok(serde_json::from_slice(&fs::read(root().join("target/peers.json"))?)?)
}

pub(crate) fn write(report: &Report) -> io::Result<()> {
    fs::create_dir_all(root().join("target"))?;
    fs::write(root().join("target/peers.json"), serde_json::to_string_pretty(report)?)
}

/// The tables, to the document and to standard output; and the charts.
pub(crate) fn write_documents(report: &Report) -> io::Result<()> {
    let tables =
        format!("{}\n{}\n{}", peers_table(report), npm_table(report), starts_table(report));
    println!("{tables}");
    into_document(&tables)?;
    let folder = root().join("docs/performance");
    fs::create_dir_all(&folder)?;
    for (file, title, unit, of) in [
        (
            "start",
            "A new worker's first answer",
            "ms",
            (|f: &Figures| Some(f.start_us? / 1e3)) as fn(&Figures) -> Option<f64>,
        ),
        ("call", "A call with an object of 350 bytes, one after the other", "µs", |f| f.object_us),
        ("pipelined", "The same call, 64 under way together", "µs", |f| f.pipelined_us),
        ("memory", "Resident memory of an idle worker", "MiB", |f| Some(f.memory_kib? / 1024.0)),
    ] {
        let bars: Vec<Bar<'_>> = report
            .peers
            .iter()
            .filter_map(|(name, figures)| Some(Bar { label: title_of(name), value: of(figures)? }))
            .collect();
        fs::write(folder.join(format!("peers-{file}.svg")), chart(title, unit, &bars))?;
    }
    fs::write(folder.join("peers-npm.svg"), npm_chart(report))
}

/// The rest of the document is written by hand.
fn into_document(tables: &str) -> io::Result<()> {
    let script = root().join("scripts/into-doc.sh");
    let mut script = Command::new(script).arg("peers").stdin(Stdio::piped()).spawn()?;
    // Dropped at once: the script reads to the end.
    script.stdin.take().map_or(Ok(()), |mut input| input.write_all(tables.as_bytes()))?;
    match script.wait()?.success() {
        true => Ok(()),
        false => Err(io::Error::other("scripts/into-doc.sh failed")),
    }
}

fn title_of(peer: &str) -> &str {
    ALL.into_iter().find(|(name, _)| *name == peer).map_or(peer, |(_, title)| title)
}

fn peers_table(report: &Report) -> String {
    let Machine { date, processor, cores, system } = &report.machine;
    let node = report.node.as_deref().unwrap_or("not there");
    let mut table = format!(
        "`make peers`, {date}: {processor}, {cores} cores, {system}; Node {node}. Medians over {} \
         rounds.\n\n\
         | | first answer | integer | 350 B | 10 kB | 350 B, 64 in flight | idle memory | loop \
         over, after its 50 ms |\n|---|--:|--:|--:|--:|--:|--:|--:|\n",
        report.rounds
    );
    let micros = |value: Option<f64>| {
        value.map_or("–".to_owned(), |value| format!("{} µs", three_digits(value)))
    };
    let millis = |value: Option<f64>, otherwise: &str| {
        value.map_or(otherwise.to_owned(), |value| format!("{} ms", three_digits(value / 1e3)))
    };
    for (name, figures) in &report.peers {
        let memory = figures.memory_kib.map(|kib| format!("{} MiB", three_digits(kib / 1024.0)));
        let _ = writeln!(
            table,
            "| {} | {} | {} | {} | {} | {} | {} | {} |",
            title_of(name),
            millis(figures.start_us, "–"),
            micros(figures.integer_us),
            micros(figures.object_us),
            micros(figures.table_us),
            micros(figures.pipelined_us),
            memory.unwrap_or("–".to_owned()),
            millis(figures.stop_us, "cannot"),
        );
    }
    table
}

/// How much longer than under bare V8, with the levels of hardening one by one.
fn npm_table(report: &Report) -> String {
    let head = "| workload | bare V8 | Node | hardening `Off` | `AbortOnly` | `Full`, the default | \
                `Full` with a heap of 512 MiB |\n|---|--:|--:|--:|--:|--:|--:|\n";
    over_bare(head, &report.npm, &PLACES)
}

/// The same for a start with the package, up to the answer for a short document.
fn starts_table(report: &Report) -> String {
    let head = "| first answer | bare V8 | here, compiled anew | here, from the third isolate on |\n\
                |---|--:|--:|--:|\n";
    over_bare(head, &report.npm_starts, &STARTS)
}

fn over_bare(
    head: &str,
    workloads: &IndexMap<String, IndexMap<String, Worked>>,
    names: &[&str],
) -> String {
    let mut table = head.to_owned();
    for (workload, places) in workloads {
        let _ = write!(table, "| {workload} |");
        for name in names {
            let cell = places.get(*name).and_then(|worked| {
                let time = three_digits(worked.call_us / 1e3);
                let ratio = worked.over_bare?;
                let is_floor = *name == names[0];
                Some(if is_floor { format!("{time} ms") } else { format!("{ratio:.2}×") })
            });
            let _ = write!(table, " {} |", cell.unwrap_or("–".to_owned()));
        }
        table.push('\n');
    }
    table
}

fn npm_chart(report: &Report) -> String {
    let mut labels = Vec::new();
    for (workload, places) in &report.npm {
        for place in PLACES {
            let Some(ratio) = places.get(place).and_then(|worked| worked.over_bare) else {
                continue;
            };
            let place = match place {
                "bare" => "bare V8",
                "node" => "Node",
                "off" => "sandbox, hardening off",
                "abort-only" => "sandbox, abort-only",
                "large" => "sandbox, heap of 512 MiB",
                _ => "sandbox, as is by default",
            };
            labels.push((format!("{workload}: {place}"), ratio));
        }
    }
    let bars: Vec<Bar<'_>> =
        labels.iter().map(|(label, value)| Bar { label, value: *value }).collect();
    chart("Packages from npm on real documents, over bare V8", "×", &bars)
}

/// As many digits as mean something.
pub(crate) fn three_digits(value: f64) -> String {
    let decimals = match value.abs() {
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        _ => 2,
    };
    format!("{value:.decimals$}")
}
