//! The work of one call done by hand in V8 as it comes: no limits, nothing guarded.

use std::hint::black_box;
use std::sync::Once;

use plugin_sandbox::Value;

/// How a payload gets in and the result out. As the sandbox does, each takes the payload with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// JSON text both ways.
    Text,
    /// `serde_v8` both ways.
    Serde,
    /// A handle each way, made by what the payload is.
    Handles,
    /// Neither in nor out, in a scope and a `TryCatch` of its own: what is left of a call.
    Nothing,
}

impl Way {
    /// Those that a payload can go.
    pub(crate) fn of(payload: &Value) -> &'static [Self] {
        match payload {
            Value::Array(_) | Value::Object(_) => &[Self::Text, Self::Serde],
            _ => &[Self::Text, Self::Serde, Self::Handles],
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Text => "bare V8, JSON text both ways",
            Self::Serde => "bare V8, serde_v8 both ways",
            Self::Handles => "bare V8, handles both ways",
            Self::Nothing => "bare V8 call in a fresh scope and TryCatch",
        }
    }
}

/// Lends `work` a function that calls `x => x` with a payload and answers the result.
pub(crate) fn with<R>(work: impl FnOnce(&mut dyn FnMut(Way, Value) -> Value) -> R) -> R {
    in_v8(|scope, echo| work(&mut |way, payload| one_way(scope, echo, way, payload)))
}

type Scope<'s, 'i> = v8::PinScope<'s, 'i>;
type Echo<'s> = v8::Local<'s, v8::Function>;

/// V8 under the flags that the sandbox has: a process has one set of them.
fn initialize() {
    static V8: Once = Once::new();
    V8.call_once(|| drop(super::isolate()));
}

/// Microtasks run when the caller says so, as in the sandbox.
fn isolate() -> v8::OwnedIsolate {
    initialize();
    let mut isolate = v8::Isolate::new(v8::CreateParams::default());
    isolate.set_microtasks_policy(v8::MicrotasksPolicy::Explicit);
    isolate
}

fn in_v8<R>(work: impl FnOnce(&mut Scope<'_, '_>, Echo<'_>) -> R) -> R {
    let isolate = &mut isolate();
    v8::scope!(let scope, isolate);
    let context = v8::Context::new(scope, v8::ContextOptions::default());
    let scope = &mut v8::ContextScope::new(scope, context);
    let echo = echo(scope);
    work(scope, echo)
}

fn echo<'s>(scope: &mut Scope<'s, '_>) -> Echo<'s> {
    let source = v8::String::new(scope, "x => x").unwrap();
    let echo = v8::Script::compile(scope, source, None).unwrap().run(scope).unwrap();
    v8::Local::<v8::Function>::try_from(echo).unwrap()
}

fn one_way(scope: &mut Scope<'_, '_>, echo: Echo<'_>, way: Way, payload: Value) -> Value {
    v8::scope!(let scope, scope);
    let receiver = v8::undefined(scope).into();
    match way {
        Way::Text => {
            let text = serde_json::to_string(&payload).unwrap();
            let text = v8::String::new(scope, &text).unwrap();
            let argument = v8::json::parse(scope, text).unwrap();
            let value = echo.call(scope, receiver, &[argument]).unwrap();
            let text = v8::json::stringify(scope, value).unwrap().to_rust_string_lossy(scope);
            serde_json::from_str(&text).unwrap()
        }
        Way::Serde => {
            let argument = serde_v8::to_v8(scope, &payload).unwrap();
            let value = echo.call(scope, receiver, &[argument]).unwrap();
            serde_v8::from_v8(scope, value).unwrap()
        }
        Way::Handles => {
            let argument: v8::Local<'_, v8::Value> = match &payload {
                Value::Bool(bool) => v8::Boolean::new(scope, *bool).into(),
                Value::String(text) => v8::String::new(scope, text).unwrap().into(),
                number => v8::Number::new(scope, number.as_f64().unwrap()).into(),
            };
            let value = echo.call(scope, receiver, &[argument]).unwrap();
            match payload {
                Value::Bool(_) => value.is_true().into(),
                Value::String(_) => value.to_rust_string_lossy(scope).into(),
                _ => Value::from(value.integer_value(scope).unwrap()),
            }
        }
        Way::Nothing => {
            v8::tc_scope!(let scope, scope);
            let argument = v8::null(scope).into();
            let value = echo.call(scope, receiver, &[argument]).unwrap();
            scope.perform_microtask_checkpoint();
            black_box(value.is_null());
            Value::Null
        }
    }
}

/// Lends `work` a function that calls `x => x` with nothing as [`Way::Nothing`] does, in an isolate and
/// a context that it enters for the call and leaves again. Where isolates share a thread, as
/// `PluginIsolate`s may, nobody gets by without.
#[expect(unsafe_code, reason = "isolates are entered and left by hand")]
pub(crate) fn with_entered<R>(work: impl FnOnce(&mut dyn FnMut()) -> R) -> R {
    let isolate = &mut isolate();
    let (context, echo) = {
        v8::scope!(let scope, isolate);
        let context = v8::Context::new(scope, v8::ContextOptions::default());
        let kept = v8::Global::new(scope, context);
        let scope = &mut v8::ContextScope::new(scope, context);
        let echo = echo(scope);
        (kept, v8::Global::new(scope, echo))
    };
    // SAFETY: it was entered when it was made, on this thread, and no scope is left.
    unsafe { isolate.exit() };
    let result = work(&mut || {
        // SAFETY: alive, on its own thread, and left below.
        unsafe { isolate.enter() };
        {
            v8::scope!(let scope, isolate);
            let context = v8::Local::new(scope, &context);
            let scope = &mut v8::ContextScope::new(scope, context);
            let echo = v8::Local::new(scope, &echo);
            one_way(scope, echo, Way::Nothing, Value::Null);
        }
        // SAFETY: entered above, and the scopes inside have ended.
        unsafe { isolate.exit() };
    });
    // SAFETY: as above; `OwnedIsolate` leaves it when it is dropped.
    unsafe { isolate.enter() };
    result
}

/// Lends `work` a function that calls `x => x` with JSON text and answers the result's.
pub(crate) fn with_text<R>(work: impl FnOnce(&mut dyn FnMut(String) -> String) -> R) -> R {
    in_v8(|scope, echo| {
        work(&mut |text| {
            v8::scope!(let scope, scope);
            let receiver = v8::undefined(scope).into();
            let text = v8::String::new(scope, &text).unwrap();
            let argument = v8::json::parse(scope, text).unwrap();
            let value = echo.call(scope, receiver, &[argument]).unwrap();
            v8::json::stringify(scope, value).unwrap().to_rust_string_lossy(scope)
        })
    })
}

/// An isolate and a context, made and dropped.
pub(crate) fn start() {
    initialize();
    let isolate = &mut v8::Isolate::new(v8::CreateParams::default());
    v8::scope!(let scope, isolate);
    black_box(v8::Context::new(scope, v8::ContextOptions::default()));
}

/// Lends `work` a function that passes bytes through `x => x`: adopted, and copied once.
pub(crate) fn with_bytes<R>(work: impl FnOnce(&mut dyn FnMut(Vec<u8>) -> Vec<u8>) -> R) -> R {
    in_v8(|scope, echo| {
        work(&mut |bytes| {
            v8::scope!(let scope, scope);
            let length = bytes.len();
            let store = v8::ArrayBuffer::new_backing_store_from_vec(bytes).make_shared();
            let buffer = v8::ArrayBuffer::with_backing_store(scope, &store);
            let array = v8::Uint8Array::new(scope, buffer, 0, length).unwrap();
            let receiver = v8::undefined(scope).into();
            let value = echo.call(scope, receiver, &[array.into()]).unwrap();
            let view = v8::Local::<v8::ArrayBufferView>::try_from(value).unwrap();
            let mut bytes = vec![0; view.byte_length()];
            view.copy_contents(&mut bytes);
            bytes
        })
    })
}
