//! `RestartPolicy`: what happens after a fault that costs a plugin its isolate.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::schema;

/// What happens after a fault that costs a plugin its isolate or its thread: its heap ran out,
/// or a call did not stop. A call that was merely stopped is none.
///
/// In a config file: `"never"`, or `{ on_fault = { max = 10, within = "1m", backoff = "1s" } }`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum RestartPolicy {
    /// The plugin is not started again: its calls answer
    /// [`PluginError::NotRestarted`](crate::PluginError::NotRestarted).
    Never,
    /// The plugin is started again, with its start-up scripts.
    OnFault {
        /// How many faults it may have within the time below; one more and it is not started
        /// again. Default 100.
        #[serde(default = "default_max")]
        max: u32,
        /// The time in which faults are counted. Default 60 s.
        #[serde(default = "default_within", with = "humantime_serde")]
        #[schemars(with = "schema::Time")]
        within: Duration,
        /// How long to wait before it is started again, doubled for every further fault that
        /// is still counted, up to a minute. Calls wait in the queue. Default none.
        #[serde(default, with = "humantime_serde")]
        #[schemars(with = "schema::Time")]
        backoff: Duration,
    },
}

impl Default for RestartPolicy {
    fn default() -> Self {
        Self::OnFault { max: default_max(), within: default_within(), backoff: Duration::ZERO }
    }
}

fn default_max() -> u32 {
    100
}

fn default_within() -> Duration {
    Duration::from_secs(60)
}
