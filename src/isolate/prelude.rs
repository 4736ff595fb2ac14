//! The hardening prelude: JavaScript of ours that runs in a new realm before anything else.
//!
//! It is run for every isolate, and not kept in a startup snapshot: the isolates of a process
//! share V8's read-only heap, so one that begins from another snapshot than the rest (the
//! host's own isolates among them) ends the process.

use super::Failure;
use super::failure::OrThrown as _;
use super::script;
use crate::policy::Hardening;

/// An expression whose value is the function that hardens the realm it runs in.
const HARDENING: &str = include_str!("prelude/hardening.js");

/// How the names of the sandbox's own scripts begin: frames of these are left out of what a
/// plugin or host sees.
pub(super) const SANDBOX_SCHEME: &str = "sandbox:/";

/// Guards the builtins of the present context.
pub(super) fn harden(
    scope: &mut v8::PinScope<'_, '_>,
    hardening: Hardening,
) -> Result<(), Failure> {
    let level = match hardening {
        Hardening::Full => "full",
        Hardening::AbortOnly => "abort-only",
        Hardening::Off => return Ok(()),
    };
    let harden = script::run(scope, &format!("{SANDBOX_SCHEME}hardening.js"), HARDENING)?;
    let harden = v8::Local::<v8::Function>::try_from(harden).ok().or_thrown()?;
    let level = v8::String::new(scope, level).or_thrown()?;
    let receiver = v8::undefined(scope).into();
    harden.call(scope, receiver, &[level.into()]).or_thrown().map(drop)
}
