//! The plugin's clock: `Date` as precise as the host says, and `performance`.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::Failure;
use super::state::State;
use super::{prelude, realm};
use crate::policy::{Capability, Clock};

/// When a plugin's isolate was made, by both of the system's clocks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Start {
    monotonic: Instant,
    wall: SystemTime,
}

impl Start {
    pub(super) fn now() -> Self {
        Self { monotonic: Instant::now(), wall: SystemTime::now() }
    }

    /// What `performance.now` answers.
    fn elapsed(self, clock: Clock) -> f64 {
        match clock {
            Clock::Full => self.monotonic.elapsed().as_micros() as f64 / 1000.0,
            Clock::Coarse(step) => rounded_down(self.monotonic.elapsed(), step),
            Clock::Frozen(_) => 0.0,
        }
    }

    /// What `performance.timeOrigin` is.
    fn time_origin(self, clock: Clock) -> f64 {
        let since_epoch = self.wall.duration_since(UNIX_EPOCH).unwrap_or_default();
        match clock {
            Clock::Full => since_epoch.as_micros() as f64 / 1000.0,
            Clock::Coarse(step) => rounded_down(since_epoch, step),
            Clock::Frozen(moment) => milliseconds(moment),
        }
    }
}

fn rounded_down(time: Duration, step: Duration) -> f64 {
    (time.as_millis() / step.as_millis().max(1) * step.as_millis()) as f64
}

/// Milliseconds since 1970; a whole number, as `Date` has them.
fn milliseconds(moment: SystemTime) -> f64 {
    match moment.duration_since(UNIX_EPOCH) {
        Ok(since) => since.as_millis() as f64,
        Err(before) => -(before.duration().as_millis() as f64),
    }
}

/// Limits `Date` and what else tells the time, if the clock is coarser than they are.
pub(super) fn limit(scope: &mut v8::PinScope<'_, '_>, clock: Clock) -> Result<(), Failure> {
    match clock {
        Clock::Coarse(step) if step > Duration::from_millis(1) => {
            prelude::limit_clock(scope, step.as_millis() as f64, None)
        }
        Clock::Frozen(moment) => prelude::limit_clock(scope, 1.0, Some(milliseconds(moment))),
        Clock::Full | Clock::Coarse(_) => Ok(()),
    }
}

/// Defines `performance`, if it is granted.
pub(super) fn define(
    scope: &v8::PinScope<'_, '_>,
    global: v8::Local<'_, v8::Object>,
) -> Result<(), Failure> {
    let state = State::of(scope);
    let capabilities = state.capabilities.borrow();
    if !capabilities.has(Capability::Clock) {
        return Ok(());
    }
    let performance = v8::Object::new(scope);
    let origin = v8::Number::new(scope, state.start.time_origin(capabilities.clock));
    realm::define(scope, performance, "timeOrigin", origin.into())?;
    realm::define_function(scope, performance, "now", 0, now)?;
    realm::define(scope, global, "performance", performance.into())
}

fn now(
    scope: &mut v8::PinScope<'_, '_>,
    _: v8::FunctionCallbackArguments<'_>,
    mut answer: v8::ReturnValue<'_>,
) {
    let state = State::of(scope);
    let clock = state.capabilities.borrow().clock;
    answer.set_double(state.start.elapsed(clock));
}
