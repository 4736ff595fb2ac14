//! A rules engine: a pure plugin, called a hundred thousand times on the host's own thread.
//!
//! The plugin is granted nothing, its clock stands still and there is no chance, so that the same
//! orders have the same prices on every machine and every day. Run it with
//! `cargo run --release --example rules_engine`.
#![allow(clippy::print_stdout, reason = "what an example shows")]

use std::collections::BTreeMap;
use std::time::{Duration, Instant, UNIX_EPOCH};

use plugin_sandbox::{
    Clock, PluginCapabilities, PluginError, PluginIsolate, Randomness, ResourceLimits, Value,
};
use serde::{Deserialize, Serialize};

const CALLS: u32 = 100_000;

#[derive(Serialize)]
struct Order {
    customer: Customer,
    lines: Vec<Line>,
}

#[derive(Serialize)]
struct Customer {
    since: u32,
    orders: u32,
}

#[derive(Serialize)]
struct Line {
    quantity: u32,
    price: f64,
    tags: Vec<&'static str>,
}

#[derive(Deserialize)]
struct Price {
    total: f64,
    discount: f64,
    rules: Vec<String>,
}

/// Some order or other, the same for the same number.
fn order(number: u32) -> Order {
    let some = |salt: u32, below: u32| number.wrapping_mul(2_654_435_761).rotate_left(salt) % below;
    let line = |at: u32| Line {
        quantity: 1 + some(at * 3, 120),
        price: f64::from(100 + some(at * 5, 9_900)) / 100.0,
        tags: if some(at * 7, 9) == 0 { vec!["clearance"] } else { vec!["new", "web"] },
    };
    Order {
        customer: Customer { since: 2010 + some(3, 16), orders: some(11, 40) },
        lines: (1..=1 + some(17, 4)).map(line).collect(),
    }
}

fn engine() -> Result<PluginIsolate, PluginError> {
    // Rules have no business to take longer; one that does is stopped, and the next order is
    // priced.
    let mut limits = ResourceLimits::strict();
    limits.wall_time = Duration::from_millis(100);
    limits.cpu_time = plugin_sandbox::Limit::At(Duration::from_millis(50));
    let capabilities =
        PluginCapabilities::none().clock(Clock::Frozen(UNIX_EPOCH)).randomness(Randomness::None);
    PluginIsolate::builder("rules")
        .limits(limits)
        .capabilities(capabilities)
        .module("rules.js", include_str!("rules.js"))
        .build()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut engine = engine()?;
    let mut applied: BTreeMap<String, u32> = BTreeMap::new();
    let (mut total, mut discount) = (0.0, 0.0);
    let began = Instant::now();
    for number in 0..CALLS {
        let order: Value = serde_json::to_value(order(number))?;
        let price: Price = serde_json::from_value(engine.call_hook("price", order)?)?;
        total += price.total;
        discount += price.discount;
        for rule in price.rules {
            *applied.entry(rule).or_default() += 1;
        }
    }
    let took = began.elapsed();
    println!("{CALLS} orders of {total:.2} in all, {discount:.2} off");
    for (rule, times) in &applied {
        println!("  {rule}: {times} times");
    }
    println!(
        "{:.1} µs a call, {:.0} calls a second",
        took.as_secs_f64() * 1e6 / f64::from(CALLS),
        f64::from(CALLS) / took.as_secs_f64()
    );
    Ok(())
}
