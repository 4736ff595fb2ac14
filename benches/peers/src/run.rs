//! The run: rounds in which each peer has its turn in a process of its own, and the medians
//! over them; the ordinary workloads in turns of a fraction of a second. What the machine does
//! besides then falls on all alike.

use std::io;
use std::process::{Command, Stdio};

use indexmap::IndexMap;
use serde::de::DeserializeOwned;

use crate::figures::{Figures, median};
use crate::npm::{PLACES, Place, STARTS, WORKLOADS, Worked, Workload};
use crate::peers::{ALL, node, wasmtime};
use crate::report::{Machine, Report};

/// All, or only the peers and workloads with these names.
pub(crate) fn all(rounds: usize, only: &[&str]) -> Report {
    let wanted = |name: &str| only.is_empty() || only.contains(&name);
    let mut peers: IndexMap<&str, Vec<Figures>> = IndexMap::new();
    let node = node::version();
    if node.is_none() {
        eprintln!("peers: no `node` on the PATH, left out");
    }
    let guest = wasmtime::has_guest();
    if !guest {
        eprintln!("peers: no guest for wasmtime (guest/make.sh makes it), left out");
    }
    for round in 1..=rounds {
        for (name, _) in ALL.into_iter().filter(|(name, _)| wanted(name)) {
            let absent = match name {
                "node-worker" | "node-vm" => node.is_none(),
                "wasmtime" => !guest,
                _ => false,
            };
            if absent {
                continue;
            }
            eprintln!("peers: round {round} of {rounds}, {name}");
            let Some(speed) = child::<Figures>(&["--peer", name, "--measure", "speed"]) else {
                eprintln!("peers: {name} failed, left out");
                continue;
            };
            let memory = child::<Figures>(&["--peer", name, "--measure", "memory"]);
            let memory_kib = memory.and_then(|memory| memory.memory_kib);
            peers.entry(name).or_default().push(Figures { memory_kib, ..speed });
        }
    }
    let everywhere = |places: &[&'static str]| {
        let mut worked = IndexMap::new();
        for workload in WORKLOADS.iter().filter(|workload| wanted(workload.name)) {
            eprintln!("peers: {} in turns: {}", workload.name, places.join(", "));
            match in_turns(workload, rounds, places) {
                Ok(places) => drop(worked.insert(workload.name.to_owned(), places)),
                Err(error) => eprintln!("peers: {} failed, left out: {error}", workload.name),
            }
        }
        worked
    };
    let places: Vec<_> =
        PLACES.into_iter().filter(|place| node.is_some() || *place != "node").collect();
    let (npm, npm_starts) = (everywhere(&places), everywhere(&STARTS));
    let peers = peers.into_iter().map(|(name, all)| (name.to_owned(), Figures::median(&all)));
    Report { machine: Machine::here(), node, rounds, peers: peers.collect(), npm, npm_starts }
}

/// A workload in these places, one after the other again and again.
fn in_turns(
    workload: &Workload,
    rounds: usize,
    places: &[&'static str],
) -> io::Result<IndexMap<String, Worked>> {
    /// Until V8 has compiled what is hot.
    const WARM_UP: usize = 8;
    /// For each round of the other measurements.
    const TURNS: usize = 12;
    let start = |&name| Ok((name, Place::start(workload, name)?, Vec::new()));
    let places: io::Result<Vec<(&str, _, _)>> = places.iter().map(start).collect();
    let mut places = places?;
    for turn in 0..WARM_UP + TURNS * rounds {
        // The first of the places.
        let mut bare_us = None;
        for (_, place, all) in &mut places {
            let mut worked = place.turn()?;
            let bare_us = *bare_us.get_or_insert(worked.call_us);
            worked.over_bare = Some(worked.call_us / bare_us);
            if turn >= WARM_UP {
                all.push(worked);
            }
        }
    }
    let of = |all: &[Worked], what: fn(&Worked) -> Option<f64>| {
        median(&mut all.iter().filter_map(what).collect::<Vec<_>>())
    };
    let medians = places.iter().map(|(name, _, all)| {
        let worked = Worked {
            call_us: of(all, |worked| Some(worked.call_us)).unwrap_or(f64::NAN),
            cpu_us: of(all, |worked| worked.cpu_us),
            over_bare: of(all, |worked| worked.over_bare),
            result_length: all[0].result_length,
        };
        ((*name).to_owned(), worked)
    });
    Ok(medians.collect())
}

/// What a child process of this program says of one thing.
fn child<T: DeserializeOwned>(arguments: &[&str]) -> Option<T> {
    let program = std::env::current_exe().ok()?;
    let output = Command::new(program).args(arguments).stderr(Stdio::inherit()).output().ok()?;
    serde_json::from_slice(&output.stdout).ok().filter(|_| output.status.success())
}
