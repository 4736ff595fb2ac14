//! A thread with a channel before it and an isolate in it, and nothing else of a worker's.

use std::sync::mpsc::{self, Receiver, RecvError, Sender, TryRecvError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use plugin_sandbox::Value;
use tokio::sync::oneshot;

type Sent = (Value, oneshot::Sender<Value>);

/// See above.
pub(crate) struct BareThread {
    send: Option<Sender<Sent>>,
    thread: Option<JoinHandle<()>>,
}

impl BareThread {
    /// Its thread looks for mail for so long before it parks, and so does its caller.
    pub(crate) fn new(spin: Duration, with_isolate: bool) -> Self {
        let (send, receive) = mpsc::channel::<Sent>();
        let thread = std::thread::spawn(move || {
            let mut isolate = with_isolate.then(super::isolate);
            while let Ok((argument, reply)) = receive_soon(&receive, spin) {
                let answer = match &mut isolate {
                    Some(isolate) => isolate.call_hook("echo", argument).unwrap(),
                    None => argument,
                };
                let _ = reply.send(answer);
            }
        });
        Self { send: Some(send), thread: Some(thread) }
    }

    pub(crate) fn send(&self, argument: Value) -> oneshot::Receiver<Value> {
        let (reply, answer) = oneshot::channel();
        self.send.as_ref().unwrap().send((argument, reply)).unwrap();
        answer
    }

    pub(crate) fn call(&self, argument: Value, spin: Duration) -> Value {
        let mut answer = self.send(argument);
        let until = Instant::now() + spin;
        while !spin.is_zero() && Instant::now() < until {
            if let Ok(answer) = answer.try_recv() {
                return answer;
            }
            std::hint::spin_loop();
        }
        answer.blocking_recv().unwrap()
    }
}

impl Drop for BareThread {
    fn drop(&mut self) {
        self.send = None;
        self.thread.take().unwrap().join().unwrap();
    }
}

fn receive_soon(receive: &Receiver<Sent>, spin: Duration) -> Result<Sent, RecvError> {
    let until = Instant::now() + spin;
    while !spin.is_zero() && Instant::now() < until {
        match receive.try_recv() {
            Ok(sent) => return Ok(sent),
            Err(TryRecvError::Disconnected) => return Err(RecvError),
            Err(TryRecvError::Empty) => std::hint::spin_loop(),
        }
    }
    receive.recv()
}
