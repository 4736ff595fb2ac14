//! Compiling and running classic scripts.

use v8::script_compiler::{CachedData, CompileOptions, NoCacheReason, Source};

use super::Failure;
use super::failure::OrThrown as _;
use crate::policy::ResourceLimits;
use crate::protocol::PluginError;

/// Checks a script's length against the limit.
pub(super) fn check_size(code: &str, limits: &ResourceLimits) -> Result<(), PluginError> {
    if code.len() as u64 > limits.source_size.as_u64() {
        let limit = limits.source_size.to_string();
        return Err(PluginError::TooLarge { what: "the source", limit });
    }
    Ok(())
}

/// Runs `code` in the global scope and answers its completion value.
pub(super) fn run<'s>(
    scope: &v8::PinScope<'s, '_>,
    name: &str,
    code: &str,
) -> Result<v8::Local<'s, v8::Value>, Failure> {
    let source = v8::String::new(scope, code).or_thrown()?;
    let origin = origin(scope, name, false)?;
    let script = v8::Script::compile(scope, source, Some(&origin)).or_thrown()?;
    script.run(scope).or_thrown()
}

/// One of V8's functions that compile: for scripts, for modules.
pub(super) trait Compile<'s, T>:
    FnOnce(&v8::PinScope<'s, '_>, &mut Source, CompileOptions, NoCacheReason) -> Option<T>
{
}

impl<'s, T, F> Compile<'s, T> for F where
    F: FnOnce(&v8::PinScope<'s, '_>, &mut Source, CompileOptions, NoCacheReason) -> Option<T>
{
}

/// Compiles a text. `known` is what V8 made of the same text before; also answers whether it took
/// that. It compares versions and flags, and compiles anew if it does not like the bytes.
pub(super) fn compile<'s, T>(
    scope: &v8::PinScope<'s, '_>,
    text: v8::Local<'_, v8::String>,
    origin: &v8::ScriptOrigin<'_>,
    known: Option<&[u8]>,
    compile: impl Compile<'s, T>,
) -> (Option<T>, bool) {
    let (mut source, options) = match known {
        Some(known) => {
            let data = CachedData::new(known);
            let source = Source::new_with_cached_data(text, Some(origin), data);
            (source, CompileOptions::ConsumeCodeCache)
        }
        None => (Source::new(text, Some(origin)), CompileOptions::NoCompileOptions),
    };
    let compiled = compile(scope, &mut source, options, NoCacheReason::NoReason);
    (compiled, source.get_cached_data().is_some_and(|data| !data.rejected()))
}

/// Where a script or module says that it comes from.
pub(super) fn origin<'s>(
    scope: &v8::PinScope<'s, '_>,
    name: &str,
    is_module: bool,
) -> Result<v8::ScriptOrigin<'s>, Failure> {
    let name = v8::String::new(scope, name).or_thrown()?.into();
    Ok(v8::ScriptOrigin::new(scope, name, 0, 0, false, 0, None, false, false, is_module, None))
}
