//! Boa, an engine in Rust. It can count the turns of a loop, but keeps no time.

use boa_engine::{Context, JsString, JsValue, Source};
use serde_json::Value;

use crate::payload::SCRIPT;
use crate::worker::Engine;

pub(crate) struct Boa {
    context: Context,
}

impl Engine for Boa {
    fn start() -> Self {
        let mut context = Context::default();
        context.eval(Source::from_bytes(SCRIPT)).expect("it runs");
        Self { context }
    }

    fn call(&mut self, hook: &'static str, argument: Value) -> Value {
        let context = &mut self.context;
        let argument = JsValue::from_json(&argument, context).expect("it is data");
        let global = context.global_object();
        let function = global.get(JsString::from(hook), context).expect("it is there");
        let function = function.as_callable().expect("a function");
        let value = function.call(&JsValue::undefined(), &[argument], context);
        value.expect("it answers").to_json(context).expect("it is data").unwrap_or_default()
    }
}
