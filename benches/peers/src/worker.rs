//! The ordinary shape of a plugin worker: a thread, a queue, a reply channel for each call.
//!
//! The engines that have no such worker of their own are all measured in this one, so that the
//! difference between them is the engine's.

use std::sync::mpsc;
use std::thread::JoinHandle;

use serde_json::Value;
use tokio::sync::oneshot;

use crate::measure::{PATIENCE, Peer};

/// A JavaScript engine on its thread.
pub(crate) trait Engine: 'static {
    const ANSWERS: bool = true;

    /// Loads [`SCRIPT`](crate::payload::SCRIPT).
    fn start() -> Self;

    /// Calls a hook by name, under the deadline of 50 ms if it has a way to keep one.
    fn call(&mut self, hook: &'static str, argument: Value) -> Value;
}

struct Message {
    hook: &'static str,
    argument: Value,
    reply: oneshot::Sender<Value>,
}

pub(crate) struct Worker<E> {
    queue: Option<mpsc::Sender<Message>>,
    thread: Option<JoinHandle<()>>,
    engine: std::marker::PhantomData<fn() -> E>,
}

impl<E: Engine> Worker<E> {
    fn send(&self, hook: &'static str, argument: Value) -> oneshot::Receiver<Value> {
        let (reply, answer) = oneshot::channel();
        let queue = self.queue.as_ref().expect("it is taken when dropped");
        queue.send(Message { hook, argument, reply }).expect("the worker lives");
        answer
    }
}

impl<E: Engine> Peer for Worker<E> {
    const ANSWERS: bool = E::ANSWERS;

    fn start() -> Self {
        let (queue, messages) = mpsc::channel::<Message>();
        let thread = std::thread::spawn(move || {
            let mut engine = E::start();
            while let Ok(message) = messages.recv() {
                let _ = message.reply.send(engine.call(message.hook, message.argument));
            }
        });
        Self { queue: Some(queue), thread: Some(thread), engine: std::marker::PhantomData }
    }

    fn call(&mut self, argument: Value) -> Value {
        self.send("echo", argument).blocking_recv().expect("the worker answers")
    }

    fn call_together(&mut self, argument: &Value, count: usize) -> bool {
        let answers: Vec<_> = (0..count).map(|_| self.send("echo", argument.clone())).collect();
        for answer in answers {
            answer.blocking_recv().expect("the worker answers");
        }
        true
    }

    fn spin(&mut self) -> bool {
        let answer = self.send("spin", Value::Null);
        let (over, told) = mpsc::channel();
        std::thread::spawn(move || over.send(answer.blocking_recv().is_ok()));
        told.recv_timeout(PATIENCE).unwrap_or(false)
    }
}

impl<E> Drop for Worker<E> {
    fn drop(&mut self) {
        drop(self.queue.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
