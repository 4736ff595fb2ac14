//! JSON text in and JSON text out, of an isolate and of a worker. What each value becomes is in
//! `values`, whose every row is also read as text.

use std::time::Duration;

use fastrand::Rng;
use plugin_sandbox::{
    ByteSize, Limit, PluginBuilder, PluginError, PluginIsolate, PluginWorker, RawValue,
    ResourceLimits, Value, WorkerMessage,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use serde_json::value::to_raw_value;
use tokio::sync::oneshot;

use crate::support::{
    DEAF, alone, assert_alive, eventually, patient_limits, plugin, unhardened_limits,
    waiting_plugin, worker,
};

const SCRIPT: &str = "
    var calls = 0; const on = plugin.on;
    on('echo', x => { calls++; return x });
    on('later', async x => x);
    on('as', x => JSON.stringify(x));
    on('is', x => x === -1 / 0 || x === 1 / 0 ? 'infinite' : Object.is(x, -0) ? '-0' : String(x));
    on('codes', x => Array.from({ length: x.length }, (_, i) => x.charCodeAt(i)));
    on('many', () => Array(9999).fill(1));
    on('wait', x => { calls++; console.log('waiting'); return x });
    on('loop', () => { for (;;); });";

type Called = Result<String, PluginError>;

fn build<T>(builder: PluginBuilder<T>, limits: &ResourceLimits, code: &str) -> PluginBuilder<T> {
    builder.limits(limits.clone()).script("m.js", code)
}

fn raw(text: impl Into<String>) -> Box<RawValue> {
    RawValue::from_string(text.into()).unwrap()
}

fn text(answer: Result<Box<RawValue>, PluginError>) -> Called {
    answer.map(|json| json.get().to_owned())
}

/// The same for a plugin on this thread and one on its own; `test` is given how to call it.
fn both(limits: &ResourceLimits, code: &str, test: impl Fn(&dyn Fn(&str, &str) -> Called)) {
    let isolate = build(PluginIsolate::builder("raw"), limits, code).build().unwrap();
    let isolate = std::cell::RefCell::new(isolate);
    test(&|hook, argument| text(isolate.borrow_mut().call_hook_raw(hook, raw(argument))));
    let worker = build(PluginWorker::builder("raw"), limits, code).build().unwrap();
    test(&|hook, argument| text(worker.blocking_call_hook_raw(hook, raw(argument))));
}

/// A plugin on this thread, to be called both ways.
fn isolate(limits: &ResourceLimits) -> PluginIsolate {
    build(PluginIsolate::builder("raw"), limits, SCRIPT).build().unwrap()
}

#[test]
fn types_of_the_hosts_go_in_and_come_out() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Order {
        id: u32,
        lines: Vec<(String, f64)>,
        note: Option<String>,
    }
    let code = "plugin.on('double', o => ({ ...o, lines: o.lines.map(([n, p]) => [n, p * 2]) }))";
    let order = Order { id: 7, lines: vec![("tëa \"2\"".into(), 1.25)], note: None };
    let answer = plugin(code).blocking_call_hook_raw("double", to_raw_value(&order).unwrap());
    let doubled: Order = serde_json::from_str(answer.unwrap().get()).unwrap();
    assert_eq!(doubled, Order { lines: vec![("tëa \"2\"".into(), 2.5)], ..order });
}

#[test]
fn text_goes_in_as_what_it_says_and_comes_out_compact() {
    both(&patient_limits(), SCRIPT, |call| {
        for (argument, answer) in [
            ("null", "null"),
            ("[ true,\n\tfalse ]", "[true,false]"),
            (r#"{ "a" : [ 1 , { "b" : 2.50 } ] , "" : "" }"#, r#"{"a":[1,{"b":2.5}],"":""}"#),
            (r#""\u00e9\/\n\u0001""#, r#""é/\n\u0001""#),
            ("{}", "{}"),
        ] {
            assert_eq!(call("echo", argument), Ok(answer.to_owned()));
            assert_eq!(call("later", argument), Ok(answer.to_owned()));
        }
        assert!(matches!(call("none", "1"), Err(PluginError::HookNotFound { .. })));
    });
}

#[test]
fn of_a_name_that_is_there_twice_the_last_counts() {
    both(&patient_limits(), SCRIPT, |call| {
        let answer = call("as", r#"{"a": 1, "b": 2, "a": 3}"#);
        assert_eq!(answer, Ok(r#""{\"a\":3,\"b\":2}""#.to_owned()));
    });
}

#[test]
fn a_member_named_proto_is_a_member() {
    let code = "plugin.on('f', x => [x.polluted === undefined, ({}).polluted === undefined,
        Object.getPrototypeOf(x) === Object.prototype, Object.keys(x)])";
    both(&patient_limits(), code, |call| {
        let answer = call("f", r#"{"__proto__": {"polluted": 1}, "__proto__": {"polluted": 2}}"#);
        assert_eq!(answer, Ok(r#"[true,true,true,["__proto__"]]"#.to_owned()));
    });
}

#[test]
fn numbers_are_the_nearest_doubles() {
    both(&patient_limits(), SCRIPT, |call| {
        for (argument, is) in [
            ("-0", "-0"),
            ("0", "0"),
            ("1.0", "1"),
            ("18446744073709551615", "18446744073709552000"),
            ("123456789012345678901234567890", "1.2345678901234568e+29"),
            ("1e-999", "0"),
            ("4.35", "4.35"),
        ] {
            assert_eq!(call("is", argument), Ok(format!("\"{is}\"")), "{argument}");
            let within = call("echo", &format!("[{argument},[]]")).unwrap();
            let alone = call("echo", argument).unwrap();
            assert_eq!(within, format!("[{alone},[]]"));
        }
    });
}

#[test]
fn a_number_that_no_double_can_hold_is_refused_rather_than_infinite() {
    let long = format!("[{}]", "9".repeat(400));
    both(&patient_limits(), SCRIPT, |call| {
        for argument in ["1e999", "-1e999", "[0, 1E+400]", r#"{"a": {"b": 1e309}}"#, &long] {
            let answer = call("is", argument);
            assert!(matches!(answer, Err(PluginError::InvalidArgument(_))), "{answer:?}");
        }
        assert_eq!(call("is", r#""1e999""#), Ok("\"1e999\"".into()));
    });
}

#[test]
fn an_escaped_lone_surrogate_goes_in_and_comes_out_as_a_replacement_character() {
    both(&patient_limits(), SCRIPT, |call| {
        for text in [r"\ud800", r"a\udc00b", r"\ud800\ud800", r"\ud83e\udd80"] {
            let json = format!("\"{text}\"");
            let code = format!("plugin.on('codes', x => '{text}' === x)");
            both(&patient_limits(), &code, |call| {
                assert_eq!(call("codes", &json), Ok("true".into()));
            });
        }
        assert_eq!(call("codes", r#""\ud800a""#), Ok("[55296,97]".into()));
        assert_eq!(
            call("echo", r#"{"\ud800": "\udc00"}"#),
            Ok("{\"\u{fffd}\":\"\u{fffd}\"}".into())
        );
    });
}

#[test]
fn long_texts_arrive_whole() {
    both(&patient_limits(), SCRIPT, |call| {
        for length in [1000, 1022, 1023, 7 << 20] {
            let argument = format!("\"{}\"", "é".repeat(length / 2));
            assert_eq!(call("echo", &argument), Ok(argument));
        }
        let argument = format!("[{}1]", "1,".repeat(200_000));
        assert_eq!(call("echo", &argument), Ok(argument));
    });
}

#[test]
fn an_argument_is_held_to_its_limits_with_the_errors_of_call_hook() {
    let mut limits = patient_limits();
    limits.argument_size = ByteSize::b(20);
    limits.argument_depth = 3;
    let mut plugin = isolate(&limits);
    for beyond in
        ["[1,2,3,4,5,6,7,8,9,0]", "\"1234567890123456789\"", "[[[[]]]]", r#"{"a":[[{}]]}"#]
    {
        let value: Value = serde_json::from_str(beyond).unwrap();
        let expected = plugin.call_hook("echo", value).unwrap_err();
        assert!(matches!(expected, PluginError::TooLarge { what: "the argument", .. }));
        let refused = |call: &dyn Fn(&str, &str) -> Called| {
            assert_eq!(call("echo", beyond), Err(expected.clone()));
        };
        both(&limits, SCRIPT, refused);
    }
    both(&limits, SCRIPT, |call| {
        for fits in
            ["[1,2,3,4,5,6,7,8,9]", "\"123456789012345678\"", "[[[]]]", r#"{"[[[[":"]{{{"}"#]
        {
            assert_eq!(call("echo", fits), Ok(fits.to_owned()));
        }
        assert_eq!(call("echo", &format!("[1{:17}]", "")), Ok("[1]".into()));
        let answer = call("echo", &format!("[1{:18}]", ""));
        assert!(matches!(answer, Err(PluginError::TooLarge { .. })), "{answer:?}");
    });
}

#[test]
fn a_name_that_serde_json_keeps_for_itself_is_a_name_of_the_argument() {
    let code = "plugin.on('f', x => Object.entries(x))";
    both(&patient_limits(), code, |call| {
        let answer = call("f", r#"{"$serde_json::private::RawValue":"[[1]]"}"#);
        assert_eq!(answer, Ok(r#"[["$serde_json::private::RawValue","[[1]]"]]"#.into()));
    });
}

/// A value of some kind, with what is awkward in text.
fn any_value(rng: &mut Rng, depth: u32) -> Value {
    let any_text = |rng: &mut Rng| -> String {
        let any = ['a', '"', '\\', '\0', '\u{1f}', '\u{7f}', 'é', '\u{2028}', '🦀', '\u{fffd}'];
        (0..rng.usize(..6)).map(|_| any[rng.usize(..any.len())]).collect()
    };
    match rng.u8(..if depth == 0 { 5 } else { 8 }) {
        0 => Value::Null,
        1 => rng.bool().into(),
        2 => json!(rng.i64(-(1 << 53)..=1 << 53)),
        3 => json!(f64::from_bits(rng.u64(..))),
        4 => any_text(rng).into(),
        5 => (0..rng.usize(..12)).map(|_| any_value(rng, depth - 1)).collect(),
        _ => {
            let members = (0..rng.usize(..12)).map(|_| (any_text(rng), any_value(rng, depth - 1)));
            Value::Object(members.collect())
        }
    }
}

#[test]
fn what_comes_out_is_what_call_hook_answers_as_text() {
    let mut plugin = isolate(&patient_limits());
    let mut rng = Rng::with_seed(7);
    for _ in 0..500 {
        let value = any_value(&mut rng, 4);
        let expected = plugin.call_hook("echo", value.clone()).unwrap();
        let answer = plugin.call_hook_raw("echo", to_raw_value(&value).unwrap()).unwrap();
        assert_eq!(answer.get(), expected.to_string());
        assert_eq!(serde_json::from_str::<Value>(answer.get()).unwrap(), expected);
    }
}

#[test]
fn levels_are_counted_as_call_hook_counts_them() {
    let mut limits = patient_limits();
    limits.argument_depth = 3;
    let mut plugin = isolate(&limits);
    let mut rng = Rng::with_seed(8);
    for _ in 0..300 {
        let value = any_value(&mut rng, 4);
        let pretty = raw(serde_json::to_string_pretty(&value).unwrap());
        let expected = plugin.call_hook("as", value).map(|as_text| as_text.to_string());
        assert_eq!(text(plugin.call_hook_raw("as", pretty)), expected);
    }
}

#[test]
fn text_and_values_are_read_in_turns() {
    both(&patient_limits(), SCRIPT, |call| {
        let record = r#"{"a":[1,{"b":"two"}],"c":[]}"#;
        for _ in 0..3 {
            assert_eq!(call("echo", record), Ok(record.into()));
            assert_eq!(call("many", "null").unwrap().len(), 2 * 9999 + 1);
        }
    });
    let mut plugin = isolate(&patient_limits());
    for _ in 0..2 {
        plugin.call_hook("many", Value::Null).unwrap();
        assert_eq!(text(plugin.call_hook_raw("echo", raw("[[1]]"))), Ok("[[1]]".into()));
        assert_eq!(plugin.call_hook("echo", json!([[1]])), Ok(json!([[1]])));
    }
}

#[test]
fn a_result_that_is_too_large_in_the_middle_leaves_nothing_behind() {
    let mut limits = patient_limits();
    limits.result_size = ByteSize::kib(64);
    let code = "plugin.on('echo', x => x); plugin.on('many', () => Array(4000).fill(1));
        plugin.on('rows', n => Array.from({ length: n }, (_, i) => ({ i, text: 'x'.repeat(90) })));
        plugin.on('grow', () => { let n = 1;
            return Array(40).fill({ toJSON() { n *= 2; return 'x'.repeat(n) } }) })";
    both(&limits, code, |call| {
        for _ in ["walked", "read by the sandbox's script"] {
            for (hook, argument) in [("rows", "1000"), ("grow", "0")] {
                match call(hook, argument) {
                    Err(PluginError::TooLarge { what, .. }) => assert_eq!(what, "the result"),
                    other => panic!("{hook} answered {other:?}"),
                }
                assert_eq!(call("echo", "[[1],{}]"), Ok("[[1],{}]".into()));
            }
            call("many", "null").unwrap();
        }
    });
}

#[test]
fn a_getter_that_throws_in_the_middle_leaves_nothing_behind() {
    let code = "plugin.on('echo', x => x); plugin.on('many', () => Array(9999).fill(1));
        plugin.on('throw', () => [1, { a: 'text', get b() { throw new Error('no') } }]);
        plugin.on('unfit', () => ({ a: [1, { b: [() => 1] }] }))";
    both(&patient_limits(), code, |call| {
        for _ in ["walked", "read by the sandbox's script"] {
            assert!(matches!(call("throw", "1"), Err(PluginError::JavaScript(_))));
            match call("unfit", "1") {
                Err(PluginError::NotSerializable { path, .. }) => assert_eq!(path, "$.a[1].b[0]"),
                other => panic!("{other:?}"),
            }
            assert_eq!(call("echo", "[[1],{}]"), Ok("[[1],{}]".into()));
            call("many", "null").unwrap();
        }
    });
}

#[test]
fn a_getter_that_tells_an_event_meanwhile_does_not_get_into_the_text() {
    let code = "plugin.on('many', () => Array(9999).fill(1)); plugin.on('f', () => ({ a: 1,
        get b() { plugin.emit('x', { c: [2, 3] }); return [4] }, d: 5 }))";
    both(&patient_limits(), code, |call| {
        for _ in ["walked", "read by the sandbox's script"] {
            assert_eq!(call("f", "1"), Ok(r#"{"a":1,"b":[4],"d":5}"#.into()));
            call("many", "1").unwrap();
        }
    });
}

#[test]
fn text_is_no_longer_than_six_times_what_counts() {
    let mut limits = patient_limits();
    limits.result_size = ByteSize::kib(64);
    let code = r"plugin.on('f', n => '\x01'.repeat(n))";
    both(&limits, code, |call| {
        assert_eq!(call("f", "65534").unwrap().len(), 6 * 65534 + 2);
        assert!(matches!(call("f", "65535"), Err(PluginError::TooLarge { .. })));
    });
}

#[test]
fn a_full_queue_and_a_rate_are_as_for_other_calls() {
    let mut limits = patient_limits();
    limits.queue_length = 1;
    limits.calls_per_second = Limit::At(3);
    let (worker, running, proceed) = waiting_plugin(limits, SCRIPT);
    let first = worker.call_hook_raw("wait", raw("1"));
    running.recv().unwrap();
    let second = worker.call_hook_raw("echo", raw("[2]"));
    let answer = text(worker.blocking_call_hook_raw("echo", raw("3")));
    assert_eq!(answer, Err(PluginError::Busy { limit: 1 }));
    let mut refused = (0..10).map(|_| text(worker.blocking_call_hook_raw("echo", raw("3"))));
    assert!(refused.any(|answer| matches!(answer, Err(PluginError::RateLimited { .. }))));
    drop(proceed);
    assert_eq!((text(first.wait()), text(second.wait())), (Ok("1".into()), Ok("[2]".into())));
}

#[test]
fn cancelling_stops_the_call_that_runs_and_takes_out_the_one_that_waits() {
    let (worker, running, proceed) = waiting_plugin(patient_limits(), SCRIPT);
    let first = worker.call_hook_raw("wait", raw("1"));
    let second = worker.call_hook_raw("echo", raw("2"));
    let third = worker.call_hook_raw("echo", raw("3"));
    running.recv().unwrap();
    second.cancel();
    drop(third);
    assert_eq!(worker.stats().queue_length, 0);
    assert_eq!(text(second.wait()), Err(PluginError::Cancelled));
    first.cancel();
    drop(proceed);
    assert_eq!(text(pollster::block_on(first)), Err(PluginError::Cancelled));
    assert_eq!(worker.blocking_execute("calls"), Ok(1.into()));
}

#[test]
fn text_that_waited_too_long_does_not_reach_the_plugin() {
    let mut limits = ResourceLimits::default();
    limits.queue_time = Duration::from_millis(20);
    limits.wall_time = Duration::from_millis(200);
    let worker = build(PluginWorker::builder("raw"), &limits, SCRIPT).build().unwrap();
    let running = worker.call_hook_raw("loop", raw("1"));
    let late = worker.call_hook_raw("echo", raw("2"));
    assert!(matches!(running.wait(), Err(PluginError::Timeout { .. })));
    assert!(matches!(late.wait(), Err(PluginError::QueuedTooLong { .. })));
    assert_eq!(worker.blocking_execute("calls"), Ok(0.into()));
}

#[test]
fn a_flood_while_the_text_is_written_costs_the_plugin_its_isolate_and_no_more() {
    let mut limits = patient_limits();
    limits.heap = ByteSize::mib(24);
    let code = "plugin.on('echo', x => x); plugin.on('flood', () => [1, { get x() {
        let a = []; for (;;) a.push({ a: [1, 2, 3] }) } }])";
    let worker = build(PluginWorker::builder("raw"), &limits, code).build().unwrap();
    let answer = worker.blocking_call_hook_raw("flood", raw("1"));
    assert!(matches!(answer, Err(PluginError::MemoryLimitExceeded { .. })));
    assert_eq!(text(worker.blocking_call_hook_raw("echo", raw("[2]"))), Ok("[2]".into()));
    assert_alive(&worker);
}

#[test]
fn a_call_whose_thread_is_given_up_is_answered_and_the_next_one_runs() {
    alone("raw::a_call_whose_thread_is_given_up_is_answered_and_the_next_one_runs", || {
        let limits = unhardened_limits();
        // In the middle of the text.
        let deaf = format!(
            "plugin.on('echo', x => x);
            plugin.on('deaf', () => ['text', {{ get x() {{ return {DEAF} }} }}])"
        );
        let worker = build(PluginWorker::builder("raw"), &limits, &deaf).build().unwrap();
        let first = worker.call_hook_raw("deaf", raw("1"));
        let second = worker.call_hook_raw("echo", raw("[2]"));
        assert!(matches!(first.wait(), Err(PluginError::Timeout { .. })));
        assert_eq!(text(second.wait()), Ok("[2]".into()));
        assert_eq!(worker.stats().quarantined, 1);
    });
}

#[test]
fn shutting_down_answers_the_call_that_waits() {
    let (worker, running, proceed) = waiting_plugin(patient_limits(), SCRIPT);
    let first = worker.call_hook_raw("wait", raw("1"));
    let second = worker.call_hook_raw("echo", raw("2"));
    running.recv().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| worker.shutdown());
        assert!(eventually(|| worker.is_shut_down()));
        drop(proceed);
    });
    assert_eq!(text(first.wait()), Ok("1".into()));
    assert_eq!(text(second.wait()), Err(PluginError::WorkerDisconnected));
    let after = worker.blocking_call_hook_raw("echo", raw("3"));
    assert_eq!(text(after), Err(PluginError::WorkerDisconnected));
}

#[test]
fn a_message_sent_by_hand_answers_text_on_a_channel_of_the_callers() {
    let worker = plugin(SCRIPT);
    let (response_tx, answer) = oneshot::channel();
    let message = WorkerMessage::CallHookRaw { hook: "echo".into(), args: raw("[1]"), response_tx };
    worker.send(message).unwrap();
    assert_eq!(text(answer.blocking_recv().unwrap()), Ok("[1]".into()));
}

#[test]
fn a_worker_without_the_hook_says_so() {
    let answer = text(worker().blocking_call_hook_raw("echo", raw("1")));
    assert_eq!(answer, Err(PluginError::HookNotFound { hook: "echo".into() }));
}
