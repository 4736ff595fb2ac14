//! What a plugin can reach, name by name: `tests/golden/globals.txt`.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use plugin_sandbox::{ByteSize, Capability, PluginCapabilities, PluginIsolate};

use crate::support::patient_limits;

const NAMES: &str = include_str!("../prelude/names.js");

fn names(capabilities: PluginCapabilities) -> Vec<String> {
    let mut limits = patient_limits();
    limits.result_size = ByteSize::mib(64);
    let builder = PluginIsolate::builder("test").limits(limits).capabilities(capabilities);
    serde_json::from_value(builder.build().unwrap().execute(NAMES).unwrap()).unwrap()
}

/// What the bare global leads to, and what each capability adds.
fn golden() -> String {
    let bare = names(PluginCapabilities::none());
    let known: BTreeSet<_> = bare.iter().cloned().collect();
    let mut text = String::from(
        "# What a plugin can reach: written by `UPDATE_GOLDEN=1 cargo test --test all globals::`.\n\n\
         # The bare global\n",
    );
    bare.iter().for_each(|line| writeln!(text, "{line}").unwrap());
    for capability in Capability::ALL {
        writeln!(text, "\n# {capability} adds").unwrap();
        let added = names(PluginCapabilities::none().grant(capability));
        let new = added.iter().filter(|line| !known.contains(*line));
        new.for_each(|line| writeln!(text, "{line}").unwrap());
    }
    text
}

#[test]
fn the_names_that_a_plugin_can_reach_are_those_on_the_list() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/globals.txt");
    let found = golden();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&file, &found).unwrap();
    }
    let listed = std::fs::read_to_string(&file).unwrap();
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<BTreeSet<_>>();
    let (found_lines, listed_lines) = (lines(&found), lines(&listed));
    let new: Vec<_> = found_lines.difference(&listed_lines).collect();
    let gone: Vec<_> = listed_lines.difference(&found_lines).collect();
    assert!(new.is_empty() && gone.is_empty(), "new: {new:#?}\ngone: {gone:#?}");
    // Also in the order, so that a change shows as what it is.
    assert!(found == listed, "tests/golden/globals.txt is in another order");
}
