//! The `console` object: its methods format their arguments and hand them to the host's sink.

use std::cell::Cell;
use std::time::{Duration, Instant};

use bytesize::ByteSize;

use super::Failure;
use super::state::State;
use super::{inspect, realm};
use crate::host::ConsoleLevel;
use crate::policy::{Limit, ResourceLimits};

/// Defines `console` with the methods that have a level.
pub(super) fn define(
    scope: &v8::PinScope<'_, '_>,
    global: v8::Local<'_, v8::Object>,
) -> Result<(), Failure> {
    let console = v8::Object::new(scope);
    macro_rules! method {
        ($name:literal, $level:ident) => {
            let write = |scope: &mut v8::PinScope<'_, '_>,
                         arguments: v8::FunctionCallbackArguments<'_>,
                         _: v8::ReturnValue<'_>| {
                write(scope, &arguments, ConsoleLevel::$level);
            };
            realm::define_function(scope, console, $name, 0, write)?;
        };
    }
    method!("trace", Trace);
    method!("debug", Debug);
    method!("log", Log);
    method!("info", Info);
    method!("warn", Warn);
    method!("error", Error);
    realm::define(scope, global, "console", console.into())
}

fn write(
    scope: &mut v8::PinScope<'_, '_>,
    arguments: &v8::FunctionCallbackArguments<'_>,
    level: ConsoleLevel,
) {
    let state = State::of(scope);
    // A message that would be dropped whatever it says is not even formatted.
    if state.console.is_spent(&state.blueprint.limits) {
        state.console.drop_bytes(1);
        return;
    }
    let text = inspect::format(scope, arguments);
    state.log(level, text);
}

impl State {
    /// Writes a console message of the plugin's, within its limits.
    pub(super) fn log(&self, level: ConsoleLevel, text: String) {
        let length = text.len() as u64;
        if self.console.spend(length, &self.blueprint.limits) {
            self.write_console(level, text);
        } else if self.console.drop_bytes(length) {
            let text = "console output beyond its limit is dropped".to_owned();
            self.write_console(ConsoleLevel::Warn, text);
        }
    }
}

/// How much a plugin has written to its console.
#[derive(Debug, Default)]
pub(super) struct ConsoleMeter {
    call: Cell<u64>,
    second: Cell<u64>,
    second_began: Cell<Option<Instant>>,
    dropped: Cell<u64>,
    /// The plugin has been told in this call that output is dropped.
    said: Cell<bool>,
}

impl ConsoleMeter {
    /// A new call has a new budget.
    pub(super) fn new_call(&self) {
        self.call.set(0);
        self.said.set(false);
    }

    /// Bytes that were dropped since the isolate was built.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped.get()
    }

    fn is_spent(&self, limits: &ResourceLimits) -> bool {
        self.said.get() && !self.fits(1, limits)
    }

    fn fits(&self, bytes: u64, limits: &ResourceLimits) -> bool {
        if self.second_began.get().is_none_or(|began| began.elapsed() >= Duration::from_secs(1)) {
            self.second_began.set(Some(Instant::now()));
            self.second.set(0);
        }
        let fits = |used: &Cell<u64>, limit: Limit<ByteSize>| {
            limit.at().is_none_or(|limit| used.get() + bytes <= limit.as_u64())
        };
        fits(&self.call, limits.console_bytes_per_call)
            && fits(&self.second, limits.console_bytes_per_second)
    }

    fn spend(&self, bytes: u64, limits: &ResourceLimits) -> bool {
        let fits = self.fits(bytes, limits);
        if fits {
            self.call.set(self.call.get() + bytes);
            self.second.set(self.second.get() + bytes);
        }
        fits
    }

    /// Counts what is dropped; answers whether that is still to be said.
    fn drop_bytes(&self, bytes: u64) -> bool {
        self.dropped.set(self.dropped.get() + bytes);
        !self.said.replace(true)
    }
}
