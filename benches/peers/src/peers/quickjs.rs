//! QuickJS through rquickjs: JSON text both ways, and its interrupt handler for the deadline.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Instant;

use rquickjs::{Context, Function, Runtime};
use serde_json::Value;

use crate::measure::DEADLINE;
use crate::payload::SCRIPT;
use crate::worker::Engine;

pub(crate) struct QuickJs {
    context: Context,
    deadline: Rc<Cell<Instant>>,
}

impl Engine for QuickJs {
    fn start() -> Self {
        let runtime = Runtime::new().expect("it starts");
        let deadline = Rc::new(Cell::new(Instant::now() + DEADLINE));
        let until = Rc::clone(&deadline);
        runtime.set_interrupt_handler(Some(Box::new(move || Instant::now() > until.get())));
        let context = Context::full(&runtime).expect("it starts");
        context.with(|js| js.eval::<(), _>(SCRIPT)).expect("it runs");
        Self { context, deadline }
    }

    fn call(&mut self, hook: &'static str, argument: Value) -> Value {
        self.deadline.set(Instant::now() + DEADLINE);
        self.context.with(|js| {
            let function: Function<'_> = js.globals().get(hook).expect("it is there");
            let argument = js.json_parse(argument.to_string()).expect("it is JSON");
            // An error is the stop of an endless loop.
            let Ok(value) = function.call::<_, rquickjs::Value<'_>>((argument,)) else {
                return Value::Null;
            };
            let text = js.json_stringify(value).expect("it is data").expect("it is a value");
            serde_json::from_str(&text.to_string().expect("it is text")).expect("it is JSON")
        })
    }
}
