//! `Clock` and `Randomness`: what a plugin may know that is not the same in every run.

use std::time::{Duration, SystemTime};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::misfit::Misfit;
use super::schema;

/// How precisely a plugin sees the time, in `Date` and, if it was granted
/// [`Capability::Clock`](crate::Capability::Clock), in `performance.now`.
///
/// In a config file: `"full"`, `{ coarse = "100ms" }`, `{ frozen = "2026-01-31T12:00:00Z" }`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Clock {
    /// As the system's clock: `Date` to the millisecond, `performance.now` to the microsecond.
    Full,
    /// Rounded down to a multiple of this, from 1 ms to 24 h. The default is 1 ms, which is how
    /// `Date` is in any case.
    Coarse(
        #[serde(with = "humantime_serde")]
        #[schemars(with = "schema::Time")]
        Duration,
    ),
    /// It is always this moment, in UTC: `Date` knows no other time zone, `performance.now` is
    /// 0, and timers fire in the order of their delays, however long anything takes.
    Frozen(
        #[serde(with = "humantime_serde")]
        #[schemars(with = "schema::Moment")]
        SystemTime,
    ),
}

impl Default for Clock {
    fn default() -> Self {
        Self::Coarse(Duration::from_millis(1))
    }
}

impl Clock {
    /// The longest step of a coarse clock.
    const MAX_STEP: Duration = Duration::from_secs(24 * 60 * 60);

    pub(super) fn validate(self) -> Result<(), Misfit> {
        let Self::Coarse(step) = self else { return Ok(()) };
        let refuse = |what: String| Err(Misfit::of("coarse", format!("clock: {step:?} {what}")));
        if step.subsec_nanos() % 1_000_000 != 0 || step.is_zero() {
            return refuse("is no whole number of milliseconds from 1 on; or \"full\"".into());
        }
        if step > Self::MAX_STEP {
            return refuse(format!("is more than {:?}; or \"frozen\"", Self::MAX_STEP));
        }
        Ok(())
    }
}

/// Where a plugin's random numbers come from: `Math.random`, and, if it was granted
/// [`Capability::Random`](crate::Capability::Random), `crypto`.
///
/// In a config file: `"system"`, `{ seeded = 42 }`, `"none"`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Randomness {
    /// `Math.random` as V8 makes it; `crypto` from the operating system.
    #[default]
    System,
    /// The same numbers in every run with this seed, begun anew with every isolate.
    Seeded(u64),
    /// `Math.random` is absent, and `crypto` cannot be granted.
    None,
}
