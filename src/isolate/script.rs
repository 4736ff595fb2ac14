//! Compiling and running classic scripts.

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

/// Where a script or module says that it comes from.
pub(super) fn origin<'s>(
    scope: &v8::PinScope<'s, '_>,
    name: &str,
    is_module: bool,
) -> Result<v8::ScriptOrigin<'s>, Failure> {
    let name = v8::String::new(scope, name).or_thrown()?.into();
    Ok(v8::ScriptOrigin::new(scope, name, 0, 0, false, 0, None, false, false, is_module, None))
}
