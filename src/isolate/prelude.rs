//! The preludes: JavaScript of ours that runs in a new realm before anything else.
//!
//! They are run for every isolate, and not kept in a startup snapshot: V8 leaves out of one what
//! its features of the last years add (`Float16Array`, base64, `Atomics`, `SharedArrayBuffer`), and
//! installs them in each realm afterwards, where nothing would guard them; if what they extend was
//! removed, that ends the process. (That isolates of several snapshots share one read-only heap
//! would be no hindrance with `--no-extensible-ro-snapshot`.)

use super::Failure;
use super::failure::OrThrown as _;
use super::own_script::OwnScript;
use crate::policy::Hardening;

/// Its function hardens the realm it runs in.
pub(super) static HARDENING: OwnScript =
    OwnScript::new("hardening.js", include_str!("prelude/hardening.js"));

/// Its function has buffers keep their length, where they are not hardened.
static FIXED_BUFFERS: OwnScript =
    OwnScript::new("fixed_buffers.js", include_str!("prelude/fixed_buffers.js"));

/// Its function limits what tells the time.
static CLOCK: OwnScript = OwnScript::new("clock.js", include_str!("prelude/clock.js"));

/// How the names of the sandbox's own scripts begin: frames of these are left out of what a
/// plugin or host sees.
pub(super) const SANDBOX_SCHEME: &str = "sandbox:/";

/// Guards the builtins of the present context.
pub(super) fn harden(
    scope: &mut v8::PinScope<'_, '_>,
    hardening: Hardening,
    resizable: bool,
) -> Result<(), Failure> {
    let level = match hardening {
        Hardening::Full => "full",
        Hardening::AbortOnly => "abort-only",
        Hardening::Off if resizable => return Ok(()),
        Hardening::Off => return FIXED_BUFFERS.call(scope, &[]).map(drop),
    };
    let level = v8::String::new(scope, level).or_thrown()?;
    let resizable = v8::Boolean::new(scope, resizable);
    HARDENING.call(scope, &[level.into(), resizable.into()]).map(drop)
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
    CLOCK.call(scope, &[step, frozen]).map(drop)
}
