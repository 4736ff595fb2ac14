//! The `console` object: its methods format their arguments and hand them to the host's sink.

use super::Failure;
use super::state::State;
use super::{inspect, realm};
use crate::host::ConsoleLevel;

/// Defines `console` with the methods that have a level.
pub(super) fn define(
    scope: &v8::PinScope<'_, '_>,
    global: v8::Local<'_, v8::Object>,
) -> Result<(), Failure> {
    let console = realm::bare_object(scope);
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
    let text = inspect::format(scope, arguments);
    State::of(scope).write_console(level, text);
}
