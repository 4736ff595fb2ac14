//! `CallRate`: how many calls a second may be made, without a lock.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A token bucket in one atomic, by the generic cell rate algorithm: what is kept is the time
/// at which the bucket would be full again.
#[derive(Debug)]
pub(super) struct CallRate {
    began: Instant,
    /// Nanoseconds since `began`.
    full_at: AtomicU64,
    /// How long a token takes to grow, and all of them.
    token: u64,
    bucket: u64,
}

const SECOND: u64 = Duration::from_secs(1).as_nanos() as u64;

impl CallRate {
    pub(super) fn new(per_second: u32) -> Self {
        let token = SECOND / u64::from(per_second.max(1));
        let bucket = token * u64::from(per_second);
        Self { began: Instant::now(), full_at: AtomicU64::new(0), token, bucket }
    }

    /// Takes as many tokens, or none and answers when there will be enough.
    pub(super) fn take(&self, tokens: u32) -> Result<(), Duration> {
        let now = u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.take_at(now, tokens)
    }

    fn take_at(&self, now: u64, tokens: u32) -> Result<(), Duration> {
        let wanted = self.token.saturating_mul(tokens.into());
        let next = |full_at: u64| {
            let full_at = full_at.max(now).saturating_add(wanted);
            (full_at <= now + self.bucket).then_some(full_at)
        };
        match self.full_at.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next) {
            Ok(_) => Ok(()),
            Err(full_at) => {
                let enough = full_at.max(now).saturating_add(wanted) - self.bucket;
                Err(Duration::from_nanos(enough - now))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_gives_what_it_holds_and_then_as_it_grows() {
        let rate = CallRate::new(10);
        assert!((0..10).all(|_| rate.take_at(0, 1) == Ok(())));
        assert_eq!(rate.take_at(0, 1), Err(Duration::from_millis(100)));
        assert_eq!(rate.take_at(SECOND / 20, 1), Err(Duration::from_millis(50)));
        assert_eq!(rate.take_at(SECOND / 10, 1), Ok(()));
        assert!(rate.take_at(SECOND / 10, 1).is_err());
        assert!(
            (0..10).all(|_| rate.take_at(9 * SECOND, 1) == Ok(())),
            "full again, and no fuller"
        );
        assert!(rate.take_at(9 * SECOND, 1).is_err());
    }

    #[test]
    fn several_tokens_are_taken_together_or_none_of_them() {
        let rate = CallRate::new(10);
        assert_eq!(rate.take_at(0, 7), Ok(()));
        assert_eq!(rate.take_at(0, 5), Err(Duration::from_millis(200)));
        assert_eq!(rate.take_at(0, 3), Ok(()));
        assert_eq!(rate.take_at(SECOND / 5, 2), Ok(()));
    }
}
