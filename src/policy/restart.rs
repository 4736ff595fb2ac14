//! `RestartPolicy`: what happens after a fault that costs a plugin its isolate.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What happens after a fault that costs a plugin its isolate or its thread: its heap ran out,
/// or a call did not stop. A call that was merely stopped is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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
        max: u32,
        /// The time in which faults are counted. Default 60 s.
        #[serde(with = "humantime_serde")]
        within: Duration,
        /// How long to wait before it is started again, doubled for every further fault that
        /// is still counted, up to a minute. Calls wait in the queue. Default none.
        #[serde(with = "humantime_serde")]
        backoff: Duration,
    },
}

impl Default for RestartPolicy {
    fn default() -> Self {
        Self::OnFault { max: 100, within: Duration::from_secs(60), backoff: Duration::ZERO }
    }
}
