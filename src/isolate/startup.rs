//! Start-up scripts and modules: what V8 has compiled of them for one isolate is where the next ones
//! begin.
//!
//! That is bytecode, for the functions that an isolate had called until it handed it in, and nothing
//! else of that isolate.

use std::ffi::c_char;
use std::sync::Arc;

use v8::script_compiler;

use super::Failure;
use super::failure::OrThrown as _;
use super::script::{self, Compile};
use super::state::State;
use super::world::bytes;
use crate::process::code_cache::{self, Promise, SourceText};

/// How much of the heap what was compiled may take, in proportion: V8 reads all of it at once,
/// whether it is going to be called or not, and takes some twice its size for it.
const SHARE_OF_HEAP: usize = 4;

/// After which calls an isolate hands in what it has compiled: functions are compiled as they are
/// called. The first call needs most of them, unless it is an `onActivate`.
const HANDED_IN_AFTER: [u32; 2] = [1, 20];

/// The scripts that this isolate has compiled itself, until it has handed them in.
#[derive(Default)]
pub(super) struct Fresh {
    scripts: Vec<Script>,
    /// How many calls have ended well.
    calls: u32,
}

struct Script {
    source: SourceText,
    compiled: Compiled,
    /// That this isolate is the one to hand it in.
    promise: Option<Promise>,
}

/// The script, of no context.
enum Compiled {
    Script(v8::Global<v8::UnboundScript>),
    Module(v8::Global<v8::UnboundModuleScript>),
}

pub(super) fn compile_script<'s>(
    scope: &v8::PinScope<'s, '_>,
    state: &State,
    name: &str,
    source: &SourceText,
) -> Result<v8::Local<'s, v8::Script>, Failure> {
    let (script, is_fresh) = compile(scope, state, name, source, script_compiler::compile)?;
    if is_fresh {
        let unbound = v8::Global::new(scope, script.get_unbound_script(scope));
        note(state, source, Compiled::Script(unbound));
    }
    Ok(script)
}

pub(super) fn compile_module<'s>(
    scope: &v8::PinScope<'s, '_>,
    state: &State,
    name: &str,
    source: &SourceText,
) -> Result<v8::Local<'s, v8::Module>, Failure> {
    let (module, is_fresh) = compile(scope, state, name, source, script_compiler::compile_module2)?;
    if is_fresh {
        let unbound = v8::Global::new(scope, module.get_unbound_module_script(scope));
        note(state, source, Compiled::Module(unbound));
    }
    Ok(module)
}

/// Also answers whether V8 has compiled it anew.
fn compile<'s, T>(
    scope: &v8::PinScope<'s, '_>,
    state: &State,
    name: &str,
    source: &SourceText,
    compile: impl Compile<'s, T>,
) -> Result<(T, bool), Failure> {
    let limits = &state.blueprint.limits;
    script::check_size(&source.text, limits)?;
    let text = shared_text(scope, &source.text).or_thrown()?;
    let origin = script::origin(scope, &state.blueprint.script_name(name), source.is_module)?;
    let most = bytes(limits.heap) / SHARE_OF_HEAP;
    let known = code_cache::find(source).filter(|known| known.len() <= most);
    let (compiled, is_taken) = script::compile(scope, text, &origin, known.as_deref(), compile);
    if known.is_some() && !is_taken {
        tracing::debug!(plugin = state.blueprint.id, name, "V8 compiles anew what it had compiled");
        code_cache::forget(source);
    }
    Ok((compiled.or_thrown()?, !is_taken))
}

/// The text for V8, which reads it where it is, if it can: an isolate's heap then holds no copy.
fn shared_text<'s>(
    scope: &v8::PinScope<'s, '_>,
    text: &Arc<str>,
) -> Option<v8::Local<'s, v8::String>> {
    if !text.is_ascii() {
        return v8::String::new(scope, text);
    }
    let length = text.len();
    let bytes = Arc::into_raw(Arc::clone(text)).cast::<c_char>().cast_mut();
    #[expect(unsafe_code, reason = "V8 shares what the blueprint owns")]
    // SAFETY: ASCII, which nobody changes while V8 has its share of it, nor does V8; it drops
    // that share with `drop_text`, at the latest when the isolate ends.
    unsafe {
        v8::String::new_external_onebyte_raw(scope, bytes, length, drop_text)
    }
}

/// Called by V8 when it is done with a text.
#[expect(unsafe_code, reason = "called by V8")]
unsafe extern "C" fn drop_text(bytes: *mut c_char, length: usize) {
    let text = std::ptr::slice_from_raw_parts(bytes.cast::<u8>(), length) as *const str;
    // SAFETY: what `shared_text` took from such a share, of this length; V8 calls this once.
    drop(unsafe { Arc::from_raw(text) });
}

fn note(state: &State, source: &SourceText, compiled: Compiled) {
    let script = Script { source: source.clone(), compiled, promise: None };
    state.fresh.borrow_mut().scripts.push(script);
}

impl Fresh {
    /// Counts a call that ended well. Answers whether it is time to [`hand_in`].
    pub(super) fn is_due(&mut self) -> bool {
        if self.scripts.is_empty() {
            return false;
        }
        self.calls += 1;
        HANDED_IN_AFTER.contains(&self.calls)
    }
}

/// Hands in what this isolate has compiled, if others wait for it and nobody else does so.
pub(super) fn hand_in(scope: &mut v8::PinScope<'_, '_>, state: &State) {
    let mut fresh = state.fresh.take();
    fresh.scripts.retain_mut(|script| {
        if script.promise.is_none() {
            script.promise = code_cache::promise(&script.source);
        }
        let Some(promise) = &mut script.promise else { return false };
        let made = match &script.compiled {
            Compiled::Script(script) => v8::Local::new(scope, script).create_code_cache(),
            Compiled::Module(module) => v8::Local::new(scope, module).create_code_cache(),
        };
        let Some(made) = made else { return false };
        promise.keep(&made);
        true
    });
    if HANDED_IN_AFTER.last().is_some_and(|last| fresh.calls < *last) {
        state.fresh.replace(fresh);
    }
}

#[cfg(test)]
mod tests {
    use crate::PluginIsolate;

    /// How many of the plugin's scripts V8 has compiled for this isolate alone.
    fn compiled_by(plugin: &mut PluginIsolate) -> usize {
        plugin.enter(|_, state| Ok(state.fresh.borrow().scripts.len())).unwrap()
    }

    #[test]
    fn what_was_compiled_for_two_isolates_is_taken_by_the_next() {
        let build = |id: &str| {
            let code = "import { one } from './one.js'; plugin.on('two', () => one() + one())";
            PluginIsolate::builder(id)
                .script("script.js", "plugin.on('fail', () => { throw new Error('here') })")
                .module("one.js", "export const one = () => 1")
                .module("main.js", code)
                .build()
                .unwrap()
        };
        let call = |plugin: &mut PluginIsolate| {
            assert_eq!(plugin.call_hook("two", 0.into()).unwrap(), 2);
            let error = plugin.call_hook("fail", 0.into()).unwrap_err();
            let frame = &error.as_js().unwrap().frames[0];
            (frame.script.clone(), frame.line, frame.column)
        };
        let mut first = build("first");
        assert_eq!(compiled_by(&mut first), 3);
        let place = call(&mut first);
        assert_eq!(compiled_by(&mut first), 0, "nobody has asked for it yet");

        let mut second = build("second");
        assert_eq!(compiled_by(&mut second), 3);
        call(&mut second);
        let mut third = build("third");
        assert_eq!(compiled_by(&mut third), 0);
        let (script, line, column) = call(&mut third);
        assert_eq!((script.replace("third", "first"), line, column), place);

        assert_eq!(compiled_by(&mut second), 3, "until it has handed in what later calls compiled");
        for _ in 0..super::HANDED_IN_AFTER[1] {
            call(&mut second);
        }
        assert_eq!(compiled_by(&mut second), 0);
        assert_eq!(compiled_by(&mut build("fourth")), 0);
    }
}
