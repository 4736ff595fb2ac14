//! `Faults`: how often a plugin has lost its isolate, against its restart policy.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::policy::RestartPolicy;

/// The longest wait before a restart.
const LONGEST_BACKOFF: Duration = Duration::from_secs(60);

/// The faults that still count.
#[derive(Debug, Default)]
pub(super) struct Faults {
    recent: VecDeque<Instant>,
}

impl Faults {
    /// Counts a fault at `now`. Answers how long to wait before the plugin is started again;
    /// `None` if it is not.
    pub(super) fn count(&mut self, policy: RestartPolicy, now: Instant) -> Option<Duration> {
        let RestartPolicy::OnFault { max, within, backoff } = policy else { return None };
        self.recent.retain(|fault| now.duration_since(*fault) < within);
        self.recent.push_back(now);
        let count = u32::try_from(self.recent.len()).unwrap_or(u32::MAX);
        let doublings = 2_u32.saturating_pow(count - 1);
        (count <= max).then(|| backoff.saturating_mul(doublings).min(LONGEST_BACKOFF))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_counted_within_their_time_and_waits_double() {
        let second = Duration::from_secs(1);
        let policy = RestartPolicy::OnFault { max: 3, within: 10 * second, backoff: second };
        let mut faults = Faults::default();
        let start = Instant::now();
        let mut at = |seconds| faults.count(policy, start + seconds * second);
        assert_eq!(
            [at(0), at(1), at(2), at(3)],
            [Some(second), Some(2 * second), Some(4 * second), None]
        );
        assert_eq!(at(100), Some(second));
        assert_eq!(Faults::default().count(RestartPolicy::Never, start), None);
    }
}
