//! `OwnScript`: a script of the sandbox's own, which V8 compiles once for the process.
//!
//! Compiling is most of what the hardening costs a new isolate. What V8 has compiled for the first
//! one is kept as bytes, and the others begin with that: bytecode, and nothing of the isolate that
//! it came from.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use v8::script_compiler;

use super::Failure;
use super::failure::OrThrown as _;
use super::script;

/// An expression whose value is a function, which is called once in a realm.
pub(super) struct OwnScript {
    name: &'static str,
    code: &'static str,
    compiled: OnceLock<Box<[u8]>>,
    /// V8 did not take the bytes, for the test that it does.
    rejected: AtomicBool,
}

impl OwnScript {
    /// `name` is the path within [`SANDBOX_SCHEME`](super::prelude::SANDBOX_SCHEME).
    pub(super) const fn new(name: &'static str, code: &'static str) -> Self {
        // V8 reads such text where it is. Any other it copies into each isolate's heap, at two
        // bytes a character, which took as long as half of what the script does.
        assert!(code.is_ascii(), "the sandbox's own scripts are ASCII");
        Self { name, code, compiled: OnceLock::new(), rejected: AtomicBool::new(false) }
    }

    /// Runs the script in the present context, and calls the function that it is.
    pub(super) fn call<'s>(
        &self,
        scope: &v8::PinScope<'s, '_>,
        arguments: &[v8::Local<'_, v8::Value>],
    ) -> Result<v8::Local<'s, v8::Value>, Failure> {
        let script = self.compile(scope)?;
        let function = script.run(scope).or_thrown()?;
        let function = v8::Local::<v8::Function>::try_from(function).ok().or_thrown()?;
        let receiver = v8::undefined(scope).into();
        let answer = function.call(scope, receiver, arguments).or_thrown()?;
        // Only now: the functions inside are compiled when they are first called.
        if self.compiled.get().is_none()
            && let Some(compiled) = script.get_unbound_script(scope).create_code_cache()
        {
            self.compiled.get_or_init(|| Box::from(&compiled[..]));
        }
        Ok(answer)
    }

    fn compile<'s>(
        &self,
        scope: &v8::PinScope<'s, '_>,
    ) -> Result<v8::Local<'s, v8::Script>, Failure> {
        let text = v8::String::new_external_onebyte_static(scope, self.code.as_bytes());
        let text = text.or_thrown()?;
        let name = format!("{}{}", super::prelude::SANDBOX_SCHEME, self.name);
        let origin = script::origin(scope, &name, false)?;
        let known = self.compiled.get();
        let (script, is_taken) =
            script::compile(scope, text, &origin, known.map(|k| &**k), script_compiler::compile);
        if known.is_some() && !is_taken {
            tracing::debug!(script = self.name, "V8 compiles anew what it had compiled");
            self.rejected.store(true, Ordering::Relaxed);
        }
        script.or_thrown()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isolate::PluginIsolate;
    use crate::isolate::prelude::HARDENING;

    #[test]
    fn what_was_compiled_for_one_isolate_is_taken_by_the_next() {
        for _ in 0..3 {
            PluginIsolate::builder("test").build().unwrap();
        }
        assert!(HARDENING.compiled.get().is_some_and(|compiled| compiled.len() > 10_000));
        assert!(!HARDENING.rejected.load(Ordering::Relaxed));
    }
}
