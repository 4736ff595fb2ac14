//! Random numbers, and runs that are the same to the byte.

use std::time::UNIX_EPOCH;

use plugin_sandbox::{Capability, Clock, PluginCapabilities, PluginIsolate, Randomness, Value};
use serde_json::json;

use crate::support::patient_limits;

fn plugin(capabilities: PluginCapabilities) -> PluginIsolate {
    let builder = PluginIsolate::builder("test").limits(patient_limits());
    builder.capabilities(capabilities).build().unwrap()
}

fn answer(randomness: Randomness, code: &str) -> Value {
    let capabilities = PluginCapabilities::default().grant(Capability::Random);
    plugin(capabilities.randomness(randomness)).execute(code).unwrap()
}

const DRAW: &str = "[Math.random(), Math.random(), crypto.randomUUID(),
    crypto.getRandomValues(new Uint8Array(8)), crypto.getRandomValues(new BigInt64Array(1)).toString()]";

#[test]
fn a_seed_makes_the_same_numbers_and_another_seed_others() {
    let draw = |seed| answer(Randomness::Seeded(seed), DRAW);
    assert_eq!(draw(42), draw(42));
    assert_ne!(draw(42), draw(43));
    // The stream is the same everywhere and in every version, or it is of no use.
    let first = answer(Randomness::Seeded(42), "Math.random()");
    assert_eq!(first, answer(Randomness::Seeded(42), "Math.random()"));
    assert!(first.as_f64().is_some_and(|number| (0.0..1.0).contains(&number)));
}

#[test]
fn the_systems_numbers_differ() {
    assert_ne!(answer(Randomness::System, DRAW), answer(Randomness::System, DRAW));
}

#[test]
fn numbers_are_spread_evenly() {
    let code = "const bins = Array(10).fill(0); for (let i = 0; i < 1e5; i++) bins[Math.floor(Math.random() * 10)]++;
        bins.every(n => n > 9500 && n < 10500)";
    assert_eq!(answer(Randomness::Seeded(1), code), json!(true));
}

#[test]
fn without_randomness_there_is_none() {
    let mut plugin = plugin(PluginCapabilities::default().randomness(Randomness::None));
    assert_eq!(
        plugin.execute("[typeof Math.random, typeof crypto]"),
        Ok(json!(["undefined", "undefined"]))
    );
}

#[test]
fn a_uuid_is_of_version_4() {
    let code = "Array.from({ length: 200 }, () => crypto.randomUUID())
        .every(id => /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(id))";
    assert_eq!(answer(Randomness::System, code), json!(true));
}

#[test]
fn what_is_filled_is_an_integer_array_and_not_too_long() {
    let code = "const thrown = f => { try { f(); return null } catch (e) { return e.name } };
        const part = new Uint8Array(8), view = new Uint8Array(part.buffer, 2, 3);
        crypto.getRandomValues(view);
        [thrown(() => crypto.getRandomValues(new Float64Array(1))), thrown(() => crypto.getRandomValues([1])),
         thrown(() => crypto.getRandomValues()), thrown(() => crypto.getRandomValues(new Uint8Array(65537))),
         thrown(() => crypto.getRandomValues(new DataView(new ArrayBuffer(1)))),
         [part[0], part[1], part[5], part[6], part[7]], crypto.getRandomValues(view) === view]";
    let expected = json!([
        "TypeError",
        "TypeError",
        "TypeError",
        "RangeError",
        "TypeError",
        [0, 0, 0, 0, 0],
        true
    ]);
    assert_eq!(answer(Randomness::System, code), expected);
}

/// A frozen clock and a seed: the same to the byte, timers, dates and numbers included.
#[test]
fn a_plugin_with_a_frozen_clock_and_a_seed_is_reproducible() {
    let run = || {
        let capabilities = PluginCapabilities::default()
            .grant(Capability::Timers)
            .grant(Capability::Clock)
            .grant(Capability::Random)
            .clock(Clock::Frozen(UNIX_EPOCH))
            .randomness(Randomness::Seeded(7));
        let code = "new Promise(done => { const out = [];
            const step = () => { out.push(Math.random(), new Date().toLocaleString(), performance.now());
                if (out.length < 60) setTimeout(step, Math.random() * 5); else done(out) };
            for (let i = 0; i < 4; i++) setTimeout(step, Math.random() * 5);
            out.push(crypto.randomUUID(), [3, 1, 2].sort(() => Math.random() - .5), 0.1 + 0.2,
                (1234.5).toLocaleString(), new Error('x').stack) })";
        plugin(capabilities).execute(code).unwrap().to_string()
    };
    let first = run();
    assert!((0..3).all(|_| run() == first));
}
