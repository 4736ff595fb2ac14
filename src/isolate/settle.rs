//! Microtasks, and waiting for what a plugin promised.

use std::time::Instant;

use super::Failure;
use super::exception;
use super::platform;
use super::state::State;
use super::{host_calls, timers};
use crate::host::ConsoleLevel;
use crate::protocol::PluginError;

/// How many unhandled rejections of one call are reported; a flood of them is cut short.
const REPORTED: usize = 16;

/// Runs what is queued until `value`, if it is a promise, has settled; answers what it is then.
pub(super) fn settle<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    state: &State,
    value: v8::Local<'s, v8::Value>,
) -> Result<v8::Local<'s, v8::Value>, Failure> {
    let Ok(promise) = v8::Local::<v8::Promise>::try_from(value) else {
        turn(scope, state)?;
        return Ok(value);
    };
    loop {
        turn(scope, state)?;
        match promise.state() {
            v8::PromiseState::Fulfilled => return Ok(promise.result(scope)),
            v8::PromiseState::Rejected => {
                // Its rejection is the call's error, not one that nobody looks at.
                state.unhandled.borrow_mut().retain(|(other, _)| *other != promise);
                let reason = promise.result(scope);
                let error = exception::describe(scope, reason, None)?;
                return Err(PluginError::from(error).into());
            }
            v8::PromiseState::Pending => {}
        }
        if !host_calls::deliver(scope)? && !timers::run_next(scope)? {
            platform::pump(scope);
            wait(state);
        }
    }
}

/// Waits until a timer is due, or somebody unparks the thread: a host function has answered, or
/// the call is to stop.
fn wait(state: &State) {
    if state.slot.stopped().is_some() || !state.answers.is_empty() {
        return;
    }
    let due = state.timers.borrow().next_due();
    match due {
        Some(due) => std::thread::park_timeout(due.saturating_duration_since(Instant::now())),
        None => std::thread::park(),
    }
}

/// One step of what goes on between calls: the host's answers that have arrived, or else the
/// next timer that is due. Answers whether there was anything.
pub(super) fn step(scope: &mut v8::PinScope<'_, '_>, state: &State) -> Result<bool, Failure> {
    let any = host_calls::deliver(scope)? || timers::run_next(scope)?;
    turn(scope, state)?;
    Ok(any)
}

/// One turn: all microtasks, and now and then the tasks that V8 has posted. These are about
/// collecting, and can wait; to ask for them costs more than a short call.
fn turn(scope: &mut v8::PinScope<'_, '_>, state: &State) -> Result<(), Failure> {
    const PUMPED: u32 = 64;
    scope.perform_microtask_checkpoint();
    let turns = state.turns.get();
    state.turns.set(turns.wrapping_add(1));
    if turns.is_multiple_of(PUMPED) {
        platform::pump(scope);
    }
    if state.slot.stopped().is_some() { Err(Failure::Thrown) } else { Ok(()) }
}

/// Tells the console of promises that were rejected and that nobody handled.
pub(super) fn report_unhandled(
    scope: &mut v8::PinScope<'_, '_>,
    state: &State,
) -> Result<(), Failure> {
    if state.unhandled.borrow().is_empty() {
        return Ok(());
    }
    let unhandled = state.unhandled.take();
    for (_, reason) in unhandled.iter().take(REPORTED) {
        let reason = v8::Local::new(scope, reason);
        let error = exception::describe(scope, reason, None)?;
        state.log(ConsoleLevel::Error, format!("Unhandled rejection: {error}"));
    }
    if unhandled.len() > REPORTED {
        let rest = unhandled.len() - REPORTED;
        state.log(ConsoleLevel::Error, format!("… and {rest} more unhandled rejections"));
    }
    Ok(())
}

/// V8's promise-reject callback: keeps the list of rejections that nobody handles.
#[expect(unsafe_code, reason = "called by V8")]
pub(super) unsafe extern "C" fn on_promise_reject(message: v8::PromiseRejectMessage<'_>) {
    /// Beyond it only the count would be of use, and each entry holds its reason alive.
    const KEPT: usize = 1024;
    // SAFETY: V8 calls this on the isolate's thread with a live message.
    v8::callback_scope!(unsafe scope, &message);
    let state = State::of(scope);
    let promise = message.get_promise();
    match message.get_event() {
        v8::PromiseRejectEvent::PromiseRejectWithNoHandler => {
            let mut unhandled = state.unhandled.borrow_mut();
            if unhandled.len() < KEPT
                && let Some(reason) = message.get_value()
            {
                unhandled.push((v8::Global::new(scope, promise), v8::Global::new(scope, reason)));
            }
        }
        v8::PromiseRejectEvent::PromiseHandlerAddedAfterReject => {
            state.unhandled.borrow_mut().retain(|(other, _)| *other != promise);
        }
        _ => {}
    }
}
