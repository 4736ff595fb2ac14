//! `setTimeout`, `setInterval`, and when they are due.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use super::Failure;
use super::failure::OrThrown as _;
use super::realm;
use super::state::State;
use crate::policy::Clock;

/// The shortest delay; an interval of nothing would leave the thread no rest.
const SHORTEST: Duration = Duration::from_millis(1);
const SHORTEST_INTERVAL: Duration = Duration::from_millis(4);
/// The longest delay, in milliseconds: 2^31 - 1, as in browsers. A longer one is cut to it.
const LONGEST: f64 = 2_147_483_647.0;

/// Arguments that a timer may keep for its callback: their handles are outside the heap.
const MAX_ARGUMENTS: i32 = 64;

/// The timers of one plugin.
#[derive(Default)]
pub(super) struct Timers {
    last_id: u32,
    set: HashMap<u32, Timer>,
    /// By when they are due, and in the order in which they were set.
    due: BTreeMap<(Instant, u64), u32>,
    order: u64,
    /// The time by which timers are set, if it is not the system's: with a frozen clock it is
    /// when the last one was due, so that the order does not depend on how long anything took.
    frozen: Option<Instant>,
}

struct Timer {
    callback: v8::Global<v8::Function>,
    arguments: Vec<v8::Global<v8::Value>>,
    interval: Option<Duration>,
    key: (Instant, u64),
    /// Before this moment of the system's clock it does not fire.
    earliest: Instant,
}

impl Timers {
    pub(super) fn new(clock: Clock) -> Self {
        let frozen = matches!(clock, Clock::Frozen(_)).then(Instant::now);
        Self { frozen, ..Self::default() }
    }

    /// When the next one is due.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.next().map(|(_, timer)| timer.earliest)
    }

    fn next(&self) -> Option<(u32, &Timer)> {
        let id = *self.due.values().next()?;
        self.set.get(&id).map(|timer| (id, timer))
    }

    fn schedule(&mut self, id: u32, delay: Duration) -> (Instant, u64) {
        self.order += 1;
        let key = (self.frozen.unwrap_or_else(Instant::now) + delay, self.order);
        self.due.insert(key, id);
        key
    }

    fn clear(&mut self, id: u32) {
        if let Some(timer) = self.set.remove(&id) {
            self.due.remove(&timer.key);
        }
    }

    /// The next timer that is due at `now`, with what to call; an interval is set again.
    fn take_due(
        &mut self,
        now: Instant,
    ) -> Option<(v8::Global<v8::Function>, Vec<v8::Global<v8::Value>>)> {
        let (id, timer) = self.next().filter(|(_, timer)| timer.earliest <= now)?;
        let (key, interval) = (timer.key, timer.interval);
        self.due.remove(&key);
        if let Some(time) = &mut self.frozen {
            *time = key.0;
        }
        match interval {
            None => self.set.remove(&id).map(|timer| (timer.callback, timer.arguments)),
            Some(interval) => {
                let key = self.schedule(id, interval);
                let timer = self.set.get_mut(&id)?;
                (timer.key, timer.earliest) = (key, now + interval);
                Some((timer.callback.clone(), timer.arguments.clone()))
            }
        }
    }
}

/// Defines the four functions.
pub(super) fn define(
    scope: &v8::PinScope<'_, '_>,
    global: v8::Local<'_, v8::Object>,
) -> Result<(), Failure> {
    realm::define_function(scope, global, "setTimeout", 1, set_timeout)?;
    realm::define_function(scope, global, "setInterval", 1, set_interval)?;
    realm::define_function(scope, global, "clearTimeout", 0, clear)?;
    realm::define_function(scope, global, "clearInterval", 0, clear)
}

pub(super) fn set_timeout(
    scope: &mut v8::PinScope<'_, '_>,
    arguments: v8::FunctionCallbackArguments<'_>,
    answer: v8::ReturnValue<'_>,
) {
    set(scope, &arguments, answer, false);
}

fn set_interval(
    scope: &mut v8::PinScope<'_, '_>,
    arguments: v8::FunctionCallbackArguments<'_>,
    answer: v8::ReturnValue<'_>,
) {
    set(scope, &arguments, answer, true);
}

fn set(
    scope: &mut v8::PinScope<'_, '_>,
    arguments: &v8::FunctionCallbackArguments<'_>,
    mut answer: v8::ReturnValue<'_>,
    repeats: bool,
) {
    let Ok(callback) = v8::Local::<v8::Function>::try_from(arguments.get(0)) else {
        return realm::throw_type_error(scope, "the timer's callback is not a function");
    };
    if arguments.length() > MAX_ARGUMENTS {
        let message = format!("more than {MAX_ARGUMENTS} arguments for a timer");
        return realm::throw_range_error(scope, &message);
    }
    let Some(delay) = arguments.get(1).number_value(scope) else { return };
    // `clamp` keeps a NaN, and the cast makes it 0.
    let delay = Duration::from_millis(delay.clamp(0.0, LONGEST) as u64);
    let shortest = if repeats { SHORTEST_INTERVAL } else { SHORTEST };
    let delay = delay.max(shortest);
    let state = State::of(scope);
    let mut timers = state.timers.borrow_mut();
    let limit = state.blueprint.limits.timers;
    if timers.set.len() >= limit {
        drop(timers);
        return realm::throw_range_error(scope, &format!("more than {limit} timers are set"));
    }
    timers.last_id = timers.last_id.wrapping_add(1).max(1);
    let id = timers.last_id;
    let key = timers.schedule(id, delay);
    let timer = Timer {
        callback: v8::Global::new(scope, callback),
        arguments: (2..arguments.length())
            .map(|index| v8::Global::new(scope, arguments.get(index)))
            .collect(),
        interval: repeats.then_some(delay),
        key,
        earliest: Instant::now() + delay,
    };
    timers.set.insert(id, timer);
    answer.set_uint32(id);
}

fn clear(
    scope: &mut v8::PinScope<'_, '_>,
    arguments: v8::FunctionCallbackArguments<'_>,
    _: v8::ReturnValue<'_>,
) {
    if let Ok(id) = v8::Local::<v8::Number>::try_from(arguments.get(0)) {
        State::of(scope).timers.borrow_mut().clear(id.value() as u32);
    }
}

/// Calls the callback of the next timer that is due. Answers whether there was one; what it
/// throws is thrown.
pub(super) fn run_next(scope: &mut v8::PinScope<'_, '_>) -> Result<bool, Failure> {
    let due = State::of(scope).timers.borrow_mut().take_due(Instant::now());
    let Some((callback, arguments)) = due else { return Ok(false) };
    v8::scope!(let scope, scope);
    let callback = v8::Local::new(scope, callback);
    let arguments: Vec<_> =
        arguments.into_iter().map(|argument| v8::Local::new(scope, argument)).collect();
    let receiver = v8::undefined(scope).into();
    callback.call(scope, receiver, &arguments).or_thrown()?;
    Ok(true)
}
