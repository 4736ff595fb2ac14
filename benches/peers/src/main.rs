//! The same work on this crate and on what else there is, in one run.
//!
//! The parent starts each peer as a child process of its own, since no two may share a V8 that
//! was initialised differently, collects what they say and writes it down: as JSON, as tables
//! and as charts. `README.md` beside this package says how to run it.

mod chart;
mod figures;
mod measure;
mod npm;
mod payload;
mod peers;
mod report;
mod run;
mod worker;

use std::process::exit;

const USAGE: &str = "\
peers [--rounds N] [--only NAME]...   measure, and write target/peers.json and docs/
peers --plots                         write docs/ anew from target/peers.json
peers --peer NAME --measure speed|memory
peers --npm NAME --place PLACE        a workload in one place, a turn for each line that comes";

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let option = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1).map(String::as_str)
    };
    let done = if arguments.iter().any(|argument| argument == "--help") {
        println!("{USAGE}");
        Ok(())
    } else if let Some(peer) = option("--peer") {
        print_json(peers::measure(peer, option("--measure").unwrap_or("speed")));
        Ok(())
    } else if let Some(name) = option("--npm") {
        let workload = npm::Workload::named(name);
        workload.map_or(Ok(()), |work| work.serve(option("--place").unwrap_or("full")))
    } else if arguments.iter().any(|argument| argument == "--plots") {
        report::read().and_then(|report| report::write_documents(&report))
    } else {
        let rounds = option("--rounds").and_then(|rounds| rounds.parse().ok()).unwrap_or(3);
        let only: Vec<&str> = arguments
            .windows(2)
            .filter(|pair| pair[0] == "--only")
            .map(|pair| pair[1].as_str())
            .collect();
        let report = run::all(rounds, &only);
        report::write(&report).and_then(|()| report::write_documents(&report))
    };
    if let Err(error) = done {
        eprintln!("peers: {error}");
        exit(1);
    }
    // At once: a loop that nothing can stop may still run on a thread of its own.
    exit(0);
}

fn print_json(measured: Option<impl serde::Serialize>) {
    match measured.and_then(|measured| serde_json::to_string(&measured).ok()) {
        Some(text) => println!("{text}"),
        None => exit(1),
    }
}
