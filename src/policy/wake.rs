//! `Wake`: how a worker and those who wait for it are woken.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::schema;

/// How a worker's thread waits for its next call, and [`Call::wait`](crate::Call::wait) and the
/// `blocking_` methods for their answer. Other waiting is up to the caller's executor.
///
/// To wake a thread that sleeps takes longer than most calls. One that stays awake answers many
/// times faster, and uses a processor core while it does. However a plugin is configured, fewer
/// threads of the process stay awake at a time than the machine has cores
/// ([`available_parallelism`](std::thread::available_parallelism)): on a machine with one core
/// none does. Whoever stays awake gives way to threads that want the core, and finding that
/// there are some, all threads of the process sleep at once for the next 2 ms, and longer each
/// time in a row, up to 32 ms. A worker that has nothing to do sleeps, whatever this says.
///
/// In a config file: `"park"`, `"adaptive"`, or `{ spin = { up_to = "50us" } }`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Wake {
    /// To sleep at once.
    Park,
    /// To stay awake for a while before every sleep.
    Spin {
        /// How long. Default 50 µs, at most [`MAX_SPIN`](Wake::MAX_SPIN).
        #[serde(default = "default_up_to", with = "humantime_serde")]
        #[schemars(with = "schema::Time")]
        up_to: Duration,
    },
    /// The default: to stay awake, for 50 µs at most, while what is waited for has lately come
    /// within that time: the next call, or the answer of one.
    #[default]
    Adaptive,
}

impl Wake {
    /// The longest that a thread may stay awake for nothing.
    pub const MAX_SPIN: Duration = Duration::from_millis(1);

    /// About what it takes to put a thread to sleep and wake it: who stays awake for as long has
    /// at worst doubled the cost of the wait.
    pub(crate) const WORTH_IT: Duration = Duration::from_micros(50);
}

fn default_up_to() -> Duration {
    Wake::WORTH_IT
}
