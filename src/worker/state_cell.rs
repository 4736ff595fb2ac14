//! `StateCell`: what a worker is doing, for anybody to read without waiting.

use std::sync::atomic::{AtomicU8, Ordering};

use super::events::WorkerState;

/// A [`WorkerState`] that is written twice a call and so takes no lock. Once stopped it stays so.
#[derive(Debug)]
pub(super) struct StateCell(AtomicU8);

impl StateCell {
    pub(super) const fn new(state: WorkerState) -> Self {
        Self(AtomicU8::new(state as u8))
    }

    pub(super) fn get(&self) -> WorkerState {
        state(self.0.load(Ordering::Acquire))
    }

    /// Shows `next`, unless the worker was stopped.
    pub(super) fn enter(&self, next: WorkerState) {
        const STOPPED: u8 = WorkerState::Stopped as u8;
        let go_on = |now: u8| (now != STOPPED).then_some(next as u8);
        // Refused: it was stopped.
        let _ = self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, go_on);
    }

    /// Stops for good; answers whether this is the first time.
    pub(super) fn stop(&self) -> bool {
        state(self.0.swap(WorkerState::Stopped as u8, Ordering::AcqRel)) != WorkerState::Stopped
    }
}

fn state(number: u8) -> WorkerState {
    use WorkerState::{Busy, Condemned, Ready, Rebuilding, Starting, Stopped};
    let all = [Starting, Ready, Busy, Rebuilding, Condemned];
    all.into_iter().find(|state| *state as u8 == number).unwrap_or(Stopped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_read_as_it_was_written_and_a_stop_is_final() {
        use WorkerState::{Busy, Condemned, Ready, Rebuilding, Starting, Stopped};
        let cell = StateCell::new(Starting);
        for state in [Ready, Busy, Rebuilding, Condemned, Starting] {
            cell.enter(state);
            assert_eq!(cell.get(), state);
        }
        assert!(cell.stop());
        cell.enter(Ready);
        assert_eq!(cell.get(), Stopped);
        assert!(!cell.stop(), "once is enough");
    }
}
