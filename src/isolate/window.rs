//! The guarded window: from where a call is armed to where it is disarmed. Every entry into
//! JavaScript goes through here.

use std::sync::Arc;
use std::time::Duration;

use super::failure::Failure;
use super::state::State;
use super::world::{Caught, World};
use super::{PluginIsolate, host_calls, startup};
use crate::protocol::PluginError;
use crate::watchdog::{Budget, Cause, Outcome};

/// How long our own work in an isolate may take before it is given up.
const PATIENCE: Duration = Duration::from_secs(30);

impl PluginIsolate {
    /// A call: in a world that is well, and has no more than is granted now.
    pub(super) fn guarded<R>(
        &mut self,
        work: impl FnOnce(&mut Caught<'_, '_, '_, '_>, &State) -> Result<R, Failure>,
    ) -> Result<R, PluginError> {
        self.recover()?;
        self.narrow_world()?;
        let result = self.enter(work);
        // A worker's caller is answered first.
        if !self.is_a_workers() && result.is_ok() {
            self.hand_in_compiled();
        }
        result
    }

    /// After a call that ended well: hands in what was compiled here and is wanted by isolates that
    /// begin with the same scripts, if it is time for that.
    pub(crate) fn hand_in_compiled(&mut self) {
        let is_due = |world: &World| world.state().fresh.borrow_mut().is_due();
        if !self.world.as_ref().is_some_and(is_due) {
            return;
        }
        let handed_in = self.enter_patiently(|scope, state| {
            startup::hand_in(scope, state);
            Ok(())
        });
        if let Err(error) = handed_in {
            tracing::debug!(plugin = self.id(), %error, "what was compiled is not kept");
        }
    }

    /// Takes away from the world what is not granted any more.
    pub(super) fn narrow_world(&mut self) -> Result<(), PluginError> {
        let times = self.blueprint.granted.times_narrowed();
        let Some(world) = self.world.as_ref().filter(|_| times != self.narrowed) else {
            return Ok(());
        };
        self.narrowed = times;
        let now = self.blueprint.granted.now();
        let before = world.state().capabilities.replace(Arc::clone(&now));
        if before.iter().eq(now.iter()) {
            return self.enter(|scope, _| host_calls::withdraw(scope, &before));
        }
        // Part of the realm itself, of which the plugin may have kept what it likes.
        self.discard();
        self.recover()
    }

    pub(super) fn enter<R>(
        &mut self,
        work: impl FnOnce(&mut Caught<'_, '_, '_, '_>, &State) -> Result<R, Failure>,
    ) -> Result<R, PluginError> {
        let budget = Budget { wall: self.wall_time, cpu: self.blueprint.limits.cpu_time.at() };
        self.enter_within(budget, work)
    }

    /// For our own work, which a busy machine may hold up for longer than a call may take.
    pub(super) fn enter_patiently<R>(
        &mut self,
        work: impl FnOnce(&mut Caught<'_, '_, '_, '_>, &State) -> Result<R, Failure>,
    ) -> Result<R, PluginError> {
        let budget = Budget { wall: PATIENCE.max(self.wall_time), cpu: None };
        self.enter_within(budget, work)
    }

    /// The guarded window: every entry into JavaScript goes through here. From `arm` to
    /// `disarm`, whatever the guest does is stopped by the watchdog, the heap guard or a
    /// cancel, and whoever was first is the cause.
    fn enter_within<R>(
        &mut self,
        budget: Budget,
        work: impl FnOnce(&mut Caught<'_, '_, '_, '_>, &State) -> Result<R, Failure>,
    ) -> Result<R, PluginError> {
        let Some(world) = &mut self.world else {
            return Err(PluginError::Internal("the isolate is gone".into()));
        };
        world.state().console.new_call();
        self.slot.arm(budget);
        let call = self.slot.call();
        let result = world.run(work);
        let outcome = self.slot.disarm();
        if outcome != Outcome::Finished || world.is_exhausted() {
            world.forget_termination();
            world.state().host_calls.borrow_mut().drop_of(call);
        }
        match outcome {
            Outcome::Finished => result,
            Outcome::Stopped(cause) => Err(cause.into()),
            Outcome::Condemned => Err(PluginError::WorkerDisconnected),
        }
    }
}

impl From<Cause> for PluginError {
    fn from(cause: Cause) -> Self {
        match cause {
            Cause::Timeout { limit } => Self::Timeout { limit },
            Cause::MemoryLimit { used, limit } => Self::MemoryLimitExceeded { used, limit },
            Cause::CpuTime { used, limit } => Self::CpuTimeExceeded { used, limit },
            Cause::Cancelled => Self::Cancelled,
            Cause::ShutDown => Self::ShutDown,
        }
    }
}
