//! Every entry into JavaScript is guarded: each of four attacks through each of them.
//!
//! The attack is stopped for the right cause, or meets the exception that it must; afterwards
//! the plugin and a neighbour answer.

use std::time::Duration;

use plugin_sandbox::{
    ByteSize, Capability, HostFunctions, PluginCapabilities, PluginError, PluginWorker, RawValue,
    ResourceLimits, Value, WorkerEvent,
};
use serde_json::json;

/// What a plugin does where it is let in.
#[derive(Debug, Clone, Copy)]
enum Attack {
    EndlessLoop,
    HeapFlood,
    BufferFlood,
    GetterLoop,
}

const ATTACKS: [Attack; 4] =
    [Attack::EndlessLoop, Attack::HeapFlood, Attack::BufferFlood, Attack::GetterLoop];

impl Attack {
    /// Statements.
    fn code(self) -> &'static str {
        match self {
            Self::EndlessLoop => "for (;;);",
            Self::HeapFlood => "let a = []; for (;;) a.push({ a: [1, 2, 3] });",
            Self::BufferFlood => {
                "let a = []; try { for (;;) a.push(new Uint8Array(2 ** 22).fill(1)) }
                 catch (e) { if (!(e instanceof RangeError)) throw e; a = 0; for (;;); }"
            }
            Self::GetterLoop => "({ get x() { for (;;); } }).x;",
        }
    }

    /// A buffer flood meets its quota, which the plugin can catch; it then loops, to be seen.
    fn is_answered_by(self, error: &PluginError) -> bool {
        match self {
            Self::HeapFlood => matches!(error, PluginError::MemoryLimitExceeded { .. }),
            _ => matches!(error, PluginError::Timeout { .. }),
        }
    }
}

fn worker(startup: &str, attack: Attack) -> Result<PluginWorker, PluginError> {
    let mut limits = ResourceLimits::default();
    // A heap is to be filled however busy the machine is.
    limits.wall_time = match attack {
        Attack::HeapFlood => Duration::from_secs(30),
        _ => Duration::from_millis(500),
    };
    limits.heap = ByteSize::mib(24);
    limits.array_buffers = ByteSize::mib(24);
    let host = HostFunctions::new().async_function("host.later", |_, value: Value| async move {
        tokio::time::sleep(Duration::from_millis(1)).await;
        Ok(value)
    });
    PluginWorker::builder("attacked")
        .limits(limits)
        .capabilities(PluginCapabilities::none().grant(Capability::Timers).host("*").unwrap())
        .host_functions(host)
        .script("startup.js", "plugin.on('ping', x => [x]); let armed = true")
        .module("main.js", startup)
        .build()
}

fn assert_answers(worker: &PluginWorker, what: &str) {
    let answer = worker.blocking_call_hook("ping", 1.into());
    assert_eq!(answer, Ok(json!([1])), "{what}");
}

/// Runs each attack through an entry: `code`, with `ATTACK` for the statements, executed.
fn through(entry: &str, code: &str) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_time()
        .build()
        .unwrap();
    let _context = runtime.enter();
    let neighbour = worker("", Attack::HeapFlood).unwrap();
    for attack in ATTACKS {
        let what = format!("{attack:?} through {entry}");
        let worker = worker("", attack).unwrap();
        let answer = worker.blocking_execute(code.replace("ATTACK", attack.code()));
        let Err(error) = answer else { panic!("{what}: {answer:?}") };
        assert!(attack.is_answered_by(&error), "{what}: {error:?}");
        assert_answers(&worker, &what);
        assert_answers(&neighbour, &what);
    }
}

#[test]
fn script() {
    through("a script", "{ ATTACK }");
}

#[test]
fn hook() {
    for attack in ATTACKS {
        let runtime = tokio::runtime::Builder::new_multi_thread().build().unwrap();
        let _context = runtime.enter();
        let code = format!("plugin.on('attack', () => {{ {} }})", attack.code());
        let worker = worker(&code, attack).unwrap();
        let error = worker.blocking_call_hook("attack", json!(null)).unwrap_err();
        assert!(attack.is_answered_by(&error), "{attack:?}: {error:?}");
        assert_answers(&worker, "hook");
    }
}

#[test]
fn hook_that_takes_and_answers_bytes() {
    for attack in ATTACKS {
        let runtime = tokio::runtime::Builder::new_multi_thread().build().unwrap();
        let _context = runtime.enter();
        for hook in ["bytes => { ATTACK }", "async bytes => { await 0; ATTACK }"] {
            let hook = hook.replace("ATTACK", attack.code());
            let worker = worker(&format!("plugin.on('attack', {hook})"), attack).unwrap();
            let error = worker.blocking_call_hook_bytes("attack", vec![1, 2]).unwrap_err();
            assert!(attack.is_answered_by(&error), "{attack:?}: {error:?}");
            assert_answers(&worker, "hook with bytes");
        }
    }
}

#[test]
fn hook_that_takes_and_answers_text() {
    for attack in ATTACKS {
        let runtime = tokio::runtime::Builder::new_multi_thread().build().unwrap();
        let _context = runtime.enter();
        for hook in [
            "() => { ATTACK }",
            "async () => { await 0; ATTACK }",
            "() => [1, { get x() { ATTACK } }]",
            "() => ['text', { toJSON() { ATTACK } }]",
            "() => ({ a: new Proxy([], { get() { ATTACK } }) })",
        ] {
            let hook = hook.replace("ATTACK", attack.code());
            let code = format!("plugin.on('attack', {hook}); plugin.on('many', () => Array(9999))");
            let worker = worker(&code, attack).unwrap();
            let call = |hook| worker.blocking_call_hook_raw(hook, RawValue::NULL.to_owned());
            for _ in ["walked", "read by the sandbox's script"] {
                let error = call("attack").unwrap_err();
                assert!(attack.is_answered_by(&error), "{attack:?}: {error:?}");
                assert_answers(&worker, "hook with text");
                call("many").unwrap();
            }
        }
    }
}

#[test]
fn hook_of_a_batch() {
    for attack in ATTACKS {
        let runtime = tokio::runtime::Builder::new_multi_thread().build().unwrap();
        let _context = runtime.enter();
        let code = format!("plugin.on('attack', x => {{ if (x) {{ {} }} }})", attack.code());
        let worker = worker(&code, attack).unwrap();
        let args = vec![json!(0), json!(1), json!(0), json!(1)];
        let answers = worker.blocking_call_hook_batch("attack", args);
        let [Ok(_), Err(one), Ok(_), Err(other)] = &answers[..] else { panic!("{answers:?}") };
        for error in [one, other] {
            assert!(attack.is_answered_by(error), "{attack:?}: {error:?}");
        }
        assert_answers(&worker, "hook of a batch");
    }
}

#[test]
fn listener_of_an_event() {
    let runtime = tokio::runtime::Builder::new_multi_thread().build().unwrap();
    let _context = runtime.enter();
    for attack in ATTACKS {
        let code = format!("plugin.listen('attack', () => {{ {} }})", attack.code());
        let worker = worker(&code, attack).unwrap();
        let mut events = worker.subscribe();
        worker.emit("attack", json!(null)).unwrap();
        let failed = pollster::block_on(async {
            loop {
                if let Some(WorkerEvent::Failed(error)) = events.next().await {
                    return error;
                }
            }
        });
        assert!(attack.is_answered_by(&failed), "{attack:?}: {failed:?}");
        assert_answers(&worker, "listener");
    }
}

#[test]
fn payload_of_an_event() {
    through("a getter of what is told", "plugin.emit('x', { get x() { ATTACK } })");
}

#[test]
fn withdrawing_what_is_not_granted_any_more() {
    let runtime = tokio::runtime::Builder::new_multi_thread().build().unwrap();
    let _context = runtime.enter();
    for attack in ATTACKS {
        let code = format!(
            "Object.defineProperty(globalThis, 'host', {{ get() {{ {} }} }})",
            attack.code()
        );
        let worker = worker("", attack).unwrap();
        worker.blocking_execute(code + "; 0").unwrap();
        let mut less = worker.capabilities();
        less.host.clear();
        worker.narrow(less).unwrap();
        let error = worker.blocking_execute("1").unwrap_err();
        assert!(attack.is_answered_by(&error), "{attack:?}: {error:?}");
        assert_answers(&worker, "withdrawing");
    }
}

#[test]
fn promise_job() {
    through("a promise job", "Promise.resolve().then(() => { ATTACK })");
    through("an async function", "(async () => { await 0; ATTACK })()");
}

#[test]
fn awaited_timer() {
    through("a timer that is awaited", "new Promise(() => setTimeout(() => { ATTACK }, 1))");
}

#[test]
fn timer_between_calls() {
    let runtime = tokio::runtime::Builder::new_multi_thread().build().unwrap();
    let _context = runtime.enter();
    for attack in ATTACKS {
        let worker = worker("", attack).unwrap();
        let mut events = worker.subscribe();
        let code = format!("setTimeout(() => {{ {} }}, 1); 0", attack.code());
        assert_eq!(worker.blocking_execute(code), Ok(0.into()));
        let failed = pollster::block_on(async {
            loop {
                if let Some(WorkerEvent::Failed(error)) = events.next().await {
                    return error;
                }
            }
        });
        assert!(attack.is_answered_by(&failed), "{attack:?}: {failed:?}");
        assert_answers(&worker, "timer");
    }
}

#[test]
fn module_body() {
    let runtime = tokio::runtime::Builder::new_multi_thread().build().unwrap();
    let _context = runtime.enter();
    let neighbour = worker("", Attack::HeapFlood).unwrap();
    for attack in ATTACKS {
        for body in ["ATTACK", "await 0; ATTACK"] {
            let error = worker(&body.replace("ATTACK", attack.code()), attack).unwrap_err();
            assert!(attack.is_answered_by(&error), "{attack:?}: {error:?}");
        }
        assert_answers(&neighbour, "module body");
    }
}

#[test]
fn reply_of_a_host_function() {
    through("the reply of a host function", "host.later(1).then(() => { ATTACK })");
    through("a host function's argument", "host.later({ get x() { ATTACK } })");
}

#[test]
fn result_conversion() {
    through("a getter of the result", "({ get x() { ATTACK } })");
    through("toJSON of the result", "({ toJSON() { ATTACK } })");
    through("a trap of the result", "new Proxy({}, { ownKeys() { ATTACK } })");
    through("the result's then", "(async () => ({ then() { ATTACK } }))()");
}

#[test]
fn fields_of_a_thrown_value() {
    through("toString of what was thrown", "throw { toString() { ATTACK } }");
    let getter =
        "{ const e = new Error; Object.defineProperty(e, 'KEY', { get() { ATTACK } }); throw e }";
    for key in ["name", "message", "cause"] {
        through(key, &getter.replace("KEY", key));
    }
    through("a rejection's reason", "Promise.reject({ toString() { ATTACK } })");
    through("an unhandled rejection's reason", "Promise.reject({ toString() { ATTACK } }); 1");
}

#[test]
fn formatting_of_a_console_argument() {
    // Formatting calls nothing of the guest's, whatever it is given: see `console`. What is left
    // is the guest's own conversion on the way there.
    through("a console argument", "console.log(`${{ toString() { ATTACK } }}`)");
}

#[test]
fn looking_for_a_hook() {
    let runtime = tokio::runtime::Builder::new_multi_thread().build().unwrap();
    let _context = runtime.enter();
    for attack in ATTACKS {
        let code = format!(
            "Object.defineProperty(globalThis, 'trap', {{ enumerable: true, get() {{ {} }} }})",
            attack.code()
        );
        let worker = worker(&code, attack).unwrap();
        assert_eq!(worker.blocking_has_hook("trap"), Ok(false));
        assert_eq!(worker.blocking_hooks(), Ok(vec!["ping".to_owned()]));
        assert_answers(&worker, "looking for a hook");
    }
}
