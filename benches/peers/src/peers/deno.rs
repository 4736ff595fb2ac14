//! The seed's own design, on deno_core: the call is spliced into source text and compiled each
//! time, and a tokio runtime is made for each call. Limits are looked at after the call, which
//! an endless loop never reaches.
//!
//! One thing is not as it was written: the runtime of deno_core is made inside a tokio runtime,
//! as this version ends the process otherwise.

use deno_core::{JsRuntime, PollEventLoopOptions, RuntimeOptions};
use serde_json::Value;

use crate::payload::SCRIPT;
use crate::worker::Engine;

/// V8's platform, on the main thread: deno_core's belongs to the descendants of the thread that
/// made it, and each worker has a thread of its own.
pub(crate) fn initialize() {
    JsRuntime::init_platform(None);
}

fn tokio_runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("it builds")
}

/// `MENDED`: gives back what the hook answered. As written, every result is null.
pub(crate) struct Deno<const MENDED: bool> {
    runtime: JsRuntime,
    // Outlives it: V8's delayed tasks are posted here.
    _tokio: tokio::runtime::Runtime,
}

impl<const MENDED: bool> Engine for Deno<MENDED> {
    const ANSWERS: bool = MENDED;

    fn start() -> Self {
        let tokio = tokio_runtime();
        let entered = tokio.enter();
        let mut runtime = JsRuntime::new(RuntimeOptions::default());
        runtime.execute_script("plugin.js", SCRIPT).expect("it runs");
        drop(entered);
        Self { runtime, _tokio: tokio }
    }

    fn call(&mut self, hook: &'static str, argument: Value) -> Value {
        let source = format!("{hook}({argument})");
        let runtime = &mut self.runtime;
        tokio_runtime().block_on(async {
            let value = runtime.execute_script("call.js", source).expect("it answers");
            runtime.run_event_loop(PollEventLoopOptions::default()).await.expect("it ends");
            if !MENDED {
                return Value::Null;
            }
            let settled = runtime.resolve(value);
            let options = PollEventLoopOptions::default();
            let value = runtime.with_event_loop_promise(settled, options).await;
            let value = value.expect("it settles");
            deno_core::scope!(scope, runtime);
            let value = v8::Local::new(scope, value);
            serde_v8::from_v8(scope, value).expect("it is data")
        })
    }
}
