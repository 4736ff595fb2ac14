//! Bare V8 in the ordinary worker: the floor. JSON text both ways, no limits, nothing guarded.

use std::sync::Once;

use serde_json::Value;

use crate::payload::SCRIPT;
use crate::worker::Engine;

/// V8 as it comes. Never in one process with this crate, which wants flags of its own.
pub(crate) fn initialize() {
    static V8: Once = Once::new();
    V8.call_once(|| {
        v8::V8::initialize_platform(v8::new_unprotected_default_platform(0, false).make_shared());
        v8::V8::initialize();
    });
}

pub(crate) struct Bare {
    context: v8::Global<v8::Context>,
    echo: v8::Global<v8::Function>,
    // Last, as the handles have to go first.
    isolate: v8::OwnedIsolate,
}

impl Engine for Bare {
    fn start() -> Self {
        initialize();
        let mut isolate = v8::Isolate::new(v8::CreateParams::default());
        let (context, echo) = {
            v8::scope!(let scope, &mut isolate);
            let context = v8::Context::new(scope, v8::ContextOptions::default());
            let scope = &mut v8::ContextScope::new(scope, context);
            let source = v8::String::new(scope, &format!("{SCRIPT}\necho")).expect("short");
            let script = v8::Script::compile(scope, source, None).expect("it compiles");
            let echo = script.run(scope).expect("it runs");
            let echo = v8::Local::<v8::Function>::try_from(echo).expect("a function");
            (v8::Global::new(scope, context), v8::Global::new(scope, echo))
        };
        Self { context, echo, isolate }
    }

    fn call(&mut self, hook: &'static str, argument: Value) -> Value {
        // Has no deadline, so `spin` would only take a processor until the process ends.
        if hook != "echo" {
            loop {
                std::thread::park();
            }
        }
        v8::scope!(let scope, &mut self.isolate);
        let context = v8::Local::new(scope, &self.context);
        let scope = &mut v8::ContextScope::new(scope, context);
        let text = serde_json::to_string(&argument).expect("it is JSON");
        let text = v8::String::new(scope, &text).expect("short");
        let argument = v8::json::parse(scope, text).expect("it is JSON");
        let echo = v8::Local::new(scope, &self.echo);
        let receiver = v8::undefined(scope).into();
        let value = echo.call(scope, receiver, &[argument]).expect("it answers");
        let text = v8::json::stringify(scope, value).expect("JSON").to_rust_string_lossy(scope);
        serde_json::from_str(&text).expect("it is JSON")
    }
}
