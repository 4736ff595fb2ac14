//! The preludes: JavaScript of ours that runs in a new realm before anything else.
//!
//! They are run for every isolate, and not kept in a startup snapshot: the isolates of a process
//! share V8's read-only heap, so one that begins from another snapshot than the rest (the
//! host's own isolates among them) ends the process.

use super::Failure;
use super::failure::OrThrown as _;
use super::script;
use crate::policy::{Capability, Hardening, PluginCapabilities};

/// Expressions whose values are functions that change the realm they run in.
const HARDENING: &str = include_str!("prelude/hardening.js");
const FIXED_BUFFERS: &str = include_str!("prelude/fixed_buffers.js");
const CLOCK: &str = include_str!("prelude/clock.js");

/// How the names of the sandbox's own scripts begin: frames of these are left out of what a
/// plugin or host sees.
pub(super) const SANDBOX_SCHEME: &str = "sandbox:/";

/// Guards the builtins of the present context.
pub(super) fn harden(
    scope: &mut v8::PinScope<'_, '_>,
    hardening: Hardening,
    capabilities: &PluginCapabilities,
) -> Result<(), Failure> {
    let resizable = capabilities.has(Capability::ResizableBuffers);
    let level = match hardening {
        Hardening::Full => "full",
        Hardening::AbortOnly => "abort-only",
        Hardening::Off if resizable => return Ok(()),
        Hardening::Off => return run(scope, "fixed_buffers.js", FIXED_BUFFERS, &[]),
    };
    let level = v8::String::new(scope, level).or_thrown()?.into();
    let resizable = v8::Boolean::new(scope, resizable).into();
    run(scope, "hardening.js", HARDENING, &[level, resizable])
}

/// Rounds the time down to whole `step`s, in milliseconds, or stops it at a moment.
pub(super) fn limit_clock(
    scope: &mut v8::PinScope<'_, '_>,
    step: f64,
    frozen: Option<f64>,
) -> Result<(), Failure> {
    let step = v8::Number::new(scope, step).into();
    let moving = v8::undefined(scope).into();
    let frozen = frozen.map_or(moving, |moment| v8::Number::new(scope, moment).into());
    run(scope, "clock.js", CLOCK, &[step, frozen])
}

/// Evaluates `code` to a function and calls it.
fn run<'s>(
    scope: &v8::PinScope<'s, '_>,
    name: &str,
    code: &str,
    arguments: &[v8::Local<'s, v8::Value>],
) -> Result<(), Failure> {
    let function = script::run(scope, &format!("{SANDBOX_SCHEME}{name}"), code)?;
    let function = v8::Local::<v8::Function>::try_from(function).ok().or_thrown()?;
    let receiver = v8::undefined(scope).into();
    function.call(scope, receiver, arguments).or_thrown().map(drop)
}
