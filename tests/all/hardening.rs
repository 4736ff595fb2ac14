//! A hardened realm looks like a stock one to ordinary code, and refuses what it must.
//!
//! `tests/prelude/` has what is compared: facts about everything that is reachable, and
//! expressions whose values are.

use std::collections::BTreeSet;
use std::time::Duration;

use plugin_sandbox::{
    ByteSize, Capability, Hardening, PluginCapabilities, PluginIsolate, ResourceLimits,
};

use crate::support::alone;

const INVENTORY: &str = include_str!("../prelude/inventory.js");
const DESCRIBE: &str = include_str!("../prelude/describe.js");
const EXPRESSIONS: &str = include_str!("../prelude/expressions.js");
const REFUSALS: &str = include_str!("../prelude/refusals.js");

fn realm(hardening: Hardening, capabilities: &PluginCapabilities) -> PluginIsolate {
    let mut limits = ResourceLimits::default();
    limits.hardening = hardening;
    limits.wall_time = Duration::from_secs(30);
    limits.result_size = ByteSize::mib(64);
    limits.heap = ByteSize::mib(256);
    let builder = PluginIsolate::builder("realm").limits(limits);
    builder.capabilities(capabilities.clone()).build().unwrap()
}

/// With buffers that grow: without them, a realm that is not hardened is not V8's own either.
fn bare() -> PluginCapabilities {
    PluginCapabilities::none().grant(Capability::ResizableBuffers)
}

fn everything() -> PluginCapabilities {
    // Not code generation: to reach `Function` through text is not what is compared. Not a clock,
    // which is another in every realm.
    let left_out = [Capability::CodeGeneration, Capability::Clock];
    Capability::ALL.into_iter().filter(|one| !left_out.contains(one)).collect()
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//"))
}

fn described(hardening: Hardening, capabilities: &PluginCapabilities, expression: &str) -> String {
    let code = DESCRIBE.replace("EXPRESSION", expression);
    let answer = realm(hardening, capabilities).execute(&code);
    answer.map_or_else(|error| error.to_string(), |text| text.as_str().unwrap().to_owned())
}

#[test]
fn every_fact_about_every_builtin_is_as_before() {
    for capabilities in [bare(), everything()] {
        let facts = |hardening| -> BTreeSet<String> {
            let facts = realm(hardening, &capabilities).execute(INVENTORY).unwrap();
            serde_json::from_value(facts).unwrap()
        };
        let stock = facts(Hardening::Off);
        assert!(stock.len() > 1000, "{}", stock.len());
        for hardening in [Hardening::AbortOnly, Hardening::Full] {
            let hard = facts(hardening);
            let lost: Vec<_> = stock.difference(&hard).collect();
            let new: Vec<_> = hard.difference(&stock).collect();
            assert!(lost.is_empty() && new.is_empty(), "{hardening:?}: {lost:#?} {new:#?}");
        }
    }
}

#[test]
fn expressions_have_the_values_that_they_had() {
    let mut differ = Vec::new();
    for expression in lines(EXPRESSIONS) {
        let stock = described(Hardening::Off, &bare(), expression);
        for hardening in [Hardening::AbortOnly, Hardening::Full] {
            let hard = described(hardening, &bare(), expression);
            if hard != stock {
                differ.push(format!("{expression}\n  stock: {stock}\n  {hardening:?}: {hard}"));
            }
        }
    }
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}

#[test]
fn what_is_beyond_the_caps_is_refused() {
    alone("hardening::what_is_beyond_the_caps_is_refused", || {
        let mut wrong = Vec::new();
        for expression in lines(REFUSALS) {
            let outcome = described(Hardening::Full, &PluginCapabilities::none(), expression);
            if outcome != "throws RangeError" && outcome != "\"held\"" {
                wrong.push(format!("{expression}: {outcome}"));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    });
}
