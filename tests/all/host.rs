//! Host functions: Rust that a plugin may call.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use plugin_sandbox::{
    Capability, HostCall, HostError, HostFunctions, PluginBuilder, PluginCapabilities, PluginError,
    PluginIsolate, PluginWorker, RawValue, ResourceLimits, Value,
};
use serde_json::json;

use crate::support::{assert_alive, eventually, thrown};

/// The functions, all of them granted.
fn granted<T>(builder: PluginBuilder<T>, host: HostFunctions) -> PluginBuilder<T> {
    let all = PluginCapabilities::default().host("*").unwrap();
    builder.host_functions(host).capabilities(all)
}

fn with(host: HostFunctions) -> PluginWorker {
    granted(PluginWorker::builder("test"), host).build().unwrap()
}

#[test]
fn arguments_and_results_are_any_serde_types() {
    #[derive(serde::Deserialize, serde::Serialize)]
    struct Point {
        x: f64,
        label: Option<String>,
    }
    let worker = with(
        HostFunctions::new()
            .function("geo.shift", |_: &HostCall, (point, by): (Point, f64)| {
                Ok(Point { x: point.x + by, label: Some("shifted".into()) })
            })
            .function("who", |call: &HostCall, ()| Ok(call.plugin_id().to_owned())),
    );
    let answer = worker.blocking_execute("geo.shift({ x: 1 }, 2)");
    assert_eq!(answer, Ok(json!({ "x": 3, "label": "shifted" })));
    assert_eq!(worker.blocking_execute("who(1, 2, 3)"), Ok("test".into()));
}

#[test]
fn wrong_arguments_and_errors_are_exceptions_that_the_plugin_can_catch() {
    let worker = with(
        HostFunctions::new()
            .function("half", |_: &HostCall, n: u32| match n % 2 {
                0 => Ok(n / 2),
                _ => Err(HostError::range("odd").with_code("E_ODD")),
            })
            .function("broken", |_: &HostCall, ()| -> Result<(), HostError> { panic!("a defect") }),
    );
    assert_eq!(thrown(&worker, "half('x')").name, "TypeError");
    assert_eq!(thrown(&worker, "half(3)").headline(), "RangeError: odd");
    assert_eq!(worker.blocking_execute("try { half(3) } catch (e) { e.code }"), Ok("E_ODD".into()));
    assert_eq!(thrown(&worker, "broken()").headline(), "Error: broken failed");
    assert_eq!(thrown(&worker, "half(Symbol())").name, "TypeError");
    assert_eq!(worker.blocking_execute("half(8)"), Ok(4.into()));
}

#[test]
fn text_of_the_plugins_is_not_parsed_on_the_way_into_a_value() {
    let worker = with(
        HostFunctions::new()
            .function("value", |_: &HostCall, v: Value| Ok(v))
            .function("raw", |_: &HostCall, v: Box<RawValue>| Ok(v.get().to_owned())),
    );
    for code in [
        "value({ '$serde_json::private::RawValue': '['.repeat(100) + ']'.repeat(100) })",
        "value([{ '$serde_json::private::Number': '1' }])",
        "raw({ '$serde_json::private::RawValue': '1, } this is no JSON' })",
    ] {
        let thrown = thrown(&worker, code);
        assert!(thrown.message.contains("keeps for itself"), "{code}: {}", thrown.message);
    }
}

#[test]
fn host_functions_are_no_constructors_and_lead_nowhere() {
    let worker = with(HostFunctions::new().function("host.f", |_: &HostCall, v: Value| Ok(v)));
    assert_eq!(thrown(&worker, "new host.f(1)").name, "TypeError");
    assert_eq!(thrown(&worker, "host.f.constructor('return 1')()").name, "EvalError");
    let code = "[host.f.name, host.f.length, 'prototype' in host.f, Object.keys(host)]";
    assert_eq!(worker.blocking_execute(code), Ok(json!(["f", 0, false, []])));
    let code = "Object.getOwnPropertyNames(host.f).sort()";
    assert_eq!(worker.blocking_execute(code), Ok(json!(["length", "name"])));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_async_function_gives_the_plugin_a_promise() {
    let host =
        HostFunctions::new().async_function("later", |_, (ms, value): (u64, Value)| async move {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            if value.is_null() { Err(HostError::type_error("nothing")) } else { Ok(value) }
        });
    let worker = with(host);
    let code = "Promise.all([later(5, 'a'), later(1, { b: 1 })])";
    assert_eq!(worker.execute(code).await, Ok(json!(["a", { "b": 1 }])));
    let code = "later(1, null).catch(e => e instanceof TypeError && e.message)";
    assert_eq!(worker.execute(code).await, Ok("nothing".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_between_calls_is_delivered() {
    let host = HostFunctions::new().async_function("later", |_, ()| async {
        tokio::time::sleep(Duration::from_millis(10)).await;
        Ok(1)
    });
    let worker = with(host);
    worker.execute("var got; later().then(v => { got = v }); 0").await.unwrap();
    assert!(eventually(|| worker.blocking_execute("got ?? 0") == Ok(1.into())));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_in_an_async_function_rejects_its_promise() {
    async fn panics() -> Result<(), HostError> {
        panic!("a defect")
    }
    let worker = with(HostFunctions::new().async_function("broken", |_, ()| panics()));
    let code = "broken().catch(e => e.message)";
    assert_eq!(worker.execute(code).await, Ok("broken failed".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_call_drops_what_it_began() {
    struct Dropped(Arc<AtomicBool>);
    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.store(true, Ordering::SeqCst);
        }
    }
    let dropped = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&dropped);
    let host = HostFunctions::new().async_function("never", move |_, ()| {
        let guard = Dropped(Arc::clone(&seen));
        async move {
            std::future::pending::<()>().await;
            drop(guard);
            Ok(())
        }
    });
    let worker = with(host);
    let call = worker.execute("never()");
    assert!(eventually(|| worker.state() == plugin_sandbox::WorkerState::Busy));
    call.cancel();
    assert_eq!(call.await, Err(PluginError::Cancelled));
    assert!(eventually(|| dropped.load(Ordering::SeqCst)));
    assert_alive(&worker);
}

#[tokio::test(flavor = "multi_thread")]
async fn pending_host_calls_are_limited() {
    let begun = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&begun);
    let host = HostFunctions::new().async_function("never", move |_, ()| {
        count.fetch_add(1, Ordering::SeqCst);
        std::future::pending::<Result<(), HostError>>()
    });
    let mut limits = ResourceLimits::default();
    limits.pending_host_calls = 3;
    let worker = granted(PluginWorker::builder("test").limits(limits), host).build().unwrap();
    let code = "let n = 0; try { for (;;) { never(); n++ } } catch (e) { [n, e.name] }";
    assert_eq!(worker.execute(code).await, Ok(json!([3, "RangeError"])));
}

#[test]
fn a_call_that_is_being_stopped_has_no_more_effects_on_the_host() {
    let calls = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&calls);
    let host = HostFunctions::new().function("slow", move |call: &HostCall, ()| {
        std::thread::sleep(call.time_left() + Duration::from_millis(30));
        count.fetch_add(1, Ordering::SeqCst);
        Ok(())
    });
    let mut limits = ResourceLimits::default();
    limits.wall_time = Duration::from_millis(50);
    let mut plugin = granted(PluginIsolate::builder("test").limits(limits), host).build().unwrap();
    let answer = plugin.execute("for (;;) { try { slow() } catch {} }");
    assert!(matches!(answer, Err(PluginError::Timeout { .. })));
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

#[test]
fn a_name_that_cannot_be_is_refused_when_the_plugin_is_built() {
    for name in ["a b", "console.log", "Object.x", "plugin.on", "a..b", "setTimeout"] {
        let host = HostFunctions::new().function(name, |_: &HostCall, ()| Ok(()));
        let built = PluginWorker::builder("test").host_functions(host).build();
        assert!(matches!(built, Err(PluginError::InvalidArgument(_))), "{name}: {built:?}");
    }
}

#[test]
fn polluted_prototypes_do_not_reach_the_host() {
    let worker = with(HostFunctions::new().function("echo", |_: &HostCall, v: Value| Ok(v)));
    let code = "Object.defineProperty(Object.prototype, 'timeout', { get() { return 1e9 } });
        Promise.prototype.then = function () { for (;;); };
        Function.prototype.call = Function.prototype.apply = Reflect.apply = () => { for (;;); };
        echo({ a: [1] })";
    assert_eq!(worker.blocking_execute(code), Ok(json!({ "a": [1] })));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_for_a_lost_isolate_does_not_reach_the_next() {
    let host =
        HostFunctions::new().async_function("later", |_, (ms, v): (u64, Value)| async move {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            Ok(v)
        });
    let limits = crate::support::patient_limits();
    // On the caller's thread, where nothing takes what arrives between calls.
    let mut plugin = granted(PluginIsolate::builder("test").limits(limits), host).build().unwrap();
    // Answered while the heap runs full, so the answer is never delivered.
    let flood = plugin.execute("later(1, 'old'); let a = []; for (;;) a.push({})");
    assert!(matches!(flood, Err(PluginError::MemoryLimitExceeded { .. })), "{flood:?}");
    assert_eq!(plugin.execute("later(50, 'new')"), Ok("new".into()));
}

#[test]
fn a_function_that_is_not_granted_is_not_there() {
    let host = HostFunctions::new()
        .function("editor.get", |_: &HostCall, ()| Ok(1))
        .function("editor.set", |_: &HostCall, ()| Ok(2))
        .function("ui.notify", |_: &HostCall, ()| Ok(3));
    let granted = PluginCapabilities::default().host("editor.get").unwrap();
    let worker =
        PluginWorker::builder("test").host_functions(host).capabilities(granted).build().unwrap();
    let code = "[editor.get(), 'set' in editor, typeof ui, Reflect.ownKeys(editor)]";
    assert_eq!(worker.blocking_execute(code), Ok(json!([1, false, "undefined", ["get"]])));
}

#[test]
fn functions_find_the_hosts_state_the_capabilities_and_the_time_left() {
    struct Document(&'static str);
    let host = HostFunctions::new().state(7_u32).state(Document("text")).function(
        "host.look",
        |call: &HostCall, ()| {
            let document = call.state::<Document>().map(|document| document.0);
            let number = call.state::<u32>().copied();
            let timers = call.capabilities().has(Capability::Timers);
            let in_time = call.time_left() > Duration::ZERO;
            Ok((document, number, call.state::<String>().is_none(), timers, in_time))
        },
    );
    assert_eq!(
        with(host).blocking_execute("host.look()"),
        Ok(json!(["text", 7, true, false, true]))
    );
}

#[test]
fn bytes_are_bytes_on_both_sides_wherever_they_stand() {
    use serde_bytes::ByteBuf;
    #[derive(serde::Deserialize, serde::Serialize)]
    struct Blob {
        name: String,
        parts: Vec<ByteBuf>,
    }
    let host = HostFunctions::new()
        .function("host.reverse", |_: &HostCall, bytes: ByteBuf| {
            Ok(ByteBuf::from(bytes.into_iter().rev().collect::<Vec<_>>()))
        })
        .function("host.blob", |_: &HostCall, mut blob: Blob| {
            blob.parts.push(ByteBuf::from(blob.name.as_bytes()));
            Ok(blob)
        })
        .function("host.numbers", |_: &HostCall, numbers: Vec<u8>| Ok(numbers));
    let worker = with(host);
    let code = "const bytes = host.reverse(new Uint8Array([1, 2, 3]).subarray(1));
        [bytes instanceof Uint8Array, ...bytes, ...host.reverse(new Uint8Array([4, 5]).buffer),
         ...host.reverse(new DataView(new ArrayBuffer(3), 1)), ...host.reverse([8, 9])]";
    assert_eq!(worker.blocking_execute(code), Ok(json!([true, 3, 2, 5, 4, 0, 0, 9, 8])));
    let code = "const { name, parts } = host.blob({ name: 'é', parts: [new Uint8Array([7])] });
        [name, parts.length, parts[0] instanceof Uint8Array, ...parts[0], ...parts[1]]";
    assert_eq!(worker.blocking_execute(code), Ok(json!(["é", 2, true, 7, 195, 169])));
    let code = "[host.numbers(new Uint8Array([1, 2])), host.numbers([3])]";
    assert_eq!(worker.blocking_execute(code), Ok(json!([[1, 2], [3]])));
}

#[test]
fn bytes_from_the_host_count_against_the_buffer_quota() {
    use serde_bytes::ByteBuf;
    let host = HostFunctions::new()
        .function("host.bytes", |_: &HostCall, n: usize| Ok(ByteBuf::from(vec![1; n])));
    let mut limits = crate::support::patient_limits();
    limits.array_buffers = plugin_sandbox::ByteSize::mib(4);
    let worker = granted(PluginWorker::builder("test").limits(limits), host).build().unwrap();
    let code = "const kept = []; try { for (;;) kept.push(host.bytes(2 ** 20)) }
        catch (e) { [e.name, kept.length] }";
    assert_eq!(worker.blocking_execute(code), Ok(json!(["RangeError", 4])));
    // What is not kept is collected, and given back.
    let code = "let sum = 0; kept.length = 0; for (let i = 0; i < 100; i++) sum += host.bytes(2 ** 20)[9]; sum";
    assert_eq!(worker.blocking_execute(code), Ok(100.into()));
    assert_eq!(thrown(&worker, "host.bytes(2 ** 23)").name, "RangeError");
}

#[test]
fn an_answer_beyond_the_limits_is_a_range_error() {
    let host = HostFunctions::new()
        .function("host.deep", |_: &HostCall, bytes: bool| {
            let leaf = if bytes { json!([1]) } else { json!("x") };
            Ok((0..1000).fold(leaf, |inner, _| json!([inner])))
        })
        .function("host.long", |_: &HostCall, ()| Ok("x".repeat(9 << 20)));
    let worker = with(host);
    assert_eq!(thrown(&worker, "host.deep(false)").name, "RangeError");
    assert_eq!(thrown(&worker, "host.long()").name, "RangeError");
    assert_alive(&worker);
}
