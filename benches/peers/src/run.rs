//! The run: rounds in which each peer has its turn in a process of its own, and the medians
//! over them. What the machine does besides then falls on all alike.

use std::process::{Command, Stdio};

use indexmap::IndexMap;
use serde::de::DeserializeOwned;

use crate::figures::{Figures, median};
use crate::npm::{PLACES, WORKLOADS, Worked};
use crate::peers::{ALL, node};
use crate::report::{Machine, Report};

/// All, or only the peers and workloads with these names.
pub(crate) fn all(rounds: usize, only: &[&str]) -> Report {
    let wanted = |name: &str| only.is_empty() || only.contains(&name);
    let mut peers: IndexMap<&str, Vec<Figures>> = IndexMap::new();
    let mut work: IndexMap<(&str, &str), Vec<Worked>> = IndexMap::new();
    let node = node::version();
    if node.is_none() {
        eprintln!("peers: no `node` on the PATH, left out");
    }
    for round in 1..=rounds {
        for (name, _) in ALL.into_iter().filter(|(name, _)| wanted(name)) {
            if node.is_none() && name.starts_with("node") {
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
        for workload in WORKLOADS.iter().filter(|workload| wanted(workload.name)) {
            // The first of the places.
            let mut bare_us = None;
            for place in PLACES.into_iter().filter(|place| node.is_some() || *place != "node") {
                eprintln!("peers: round {round} of {rounds}, {} in {place}", workload.name);
                let place_of = ["--npm", workload.name, "--place", place];
                let Some(mut worked) = child::<Worked>(&place_of) else {
                    eprintln!("peers: {} in {place} failed, left out", workload.name);
                    continue;
                };
                if place == "bare" {
                    bare_us = Some(worked.call_us);
                }
                worked.over_bare = bare_us.map(|bare_us| worked.call_us / bare_us);
                work.entry((workload.name, place)).or_default().push(worked);
            }
        }
    }
    let peers = peers.into_iter().map(|(name, all)| (name.to_owned(), Figures::median(&all)));
    let mut npm: IndexMap<String, IndexMap<String, Worked>> = IndexMap::new();
    for ((workload, place), all) in work {
        let mut times: Vec<f64> = all.iter().map(|worked| worked.call_us).collect();
        let call_us = median(&mut times).unwrap_or(f64::NAN);
        // Round by round, as what slows the machine seldom lasts for one round alone.
        let mut ratios: Vec<f64> = all.iter().filter_map(|worked| worked.over_bare).collect();
        let mut cpu: Vec<f64> = all.iter().filter_map(|worked| worked.cpu_us).collect();
        let worked = Worked {
            call_us,
            cpu_us: median(&mut cpu),
            over_bare: median(&mut ratios),
            result_length: all[0].result_length,
        };
        npm.entry(workload.to_owned()).or_default().insert(place.to_owned(), worked);
    }
    Report { machine: Machine::here(), node, rounds, peers: peers.collect(), npm }
}

/// What a child process of this program says of one thing.
fn child<T: DeserializeOwned>(arguments: &[&str]) -> Option<T> {
    let program = std::env::current_exe().ok()?;
    let output = Command::new(program).args(arguments).stderr(Stdio::inherit()).output().ok()?;
    serde_json::from_slice(&output.stdout).ok().filter(|_| output.status.success())
}
