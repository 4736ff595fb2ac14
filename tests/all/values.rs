//! The table of values in the crate's documentation, row by row.

use plugin_sandbox::{
    ByteSize, PluginError, PluginIsolate, PluginWorker, RawValue, ResourceLimits, Value,
    WorkerResponse,
};
use serde_json::json;

use crate::support::{assert_alive, hasty_worker, plugin};

/// Plugins alike, but that the results of each go another way: walked, or read by the sandbox's
/// script, of those that have given many; as a value, or as text.
struct Ways {
    values: [PluginWorker; 2],
    texts: [PluginWorker; 2],
}

impl Ways {
    fn new(worker: impl Fn() -> PluginWorker) -> Self {
        let pair = || {
            let pair = [worker(), worker()];
            pair[1].blocking_execute("Array(9999).fill(1)").unwrap();
            pair
        };
        let ways = Self { values: pair(), texts: pair() };
        for worker in &ways.texts {
            worker.blocking_execute("plugin.on('answer', () => answer); var answer").unwrap();
        }
        ways
    }

    /// What all answer.
    fn execute(&self, code: &str) -> WorkerResponse {
        let [walked, read] = self.values.each_ref().map(|worker| worker.blocking_execute(code));
        assert!(are_alike(&walked, &read), "{code}: {walked:?} and {read:?}");
        for worker in &self.texts {
            let text = text_of(worker, code);
            let as_text = walked.as_ref().map(Value::to_string).map_err(Clone::clone);
            assert!(are_alike(&as_text, &text), "{code}: {as_text:?} and {text:?}");
        }
        walked
    }

    fn assert_alive(&self) {
        self.values.iter().chain(&self.texts).for_each(assert_alive);
    }
}

/// Whether both are the same, but for the stacks of exceptions.
fn are_alike<T: PartialEq>(one: &Result<T, PluginError>, other: &Result<T, PluginError>) -> bool {
    match (one, other) {
        (Err(PluginError::JavaScript(one)), Err(PluginError::JavaScript(other))) => {
            one.headline() == other.headline()
        }
        _ => one == other,
    }
}

/// The value of `code`, statements and at last an expression, as the text that a hook answers.
fn text_of(worker: &PluginWorker, code: &str) -> Result<String, PluginError> {
    let (statements, expression) = code.split_at(last_statement(code));
    let code = format!("{statements} answer = ({expression})");
    worker.blocking_run_script("code.js", code)?;
    let text = worker.blocking_call_hook_raw("answer", RawValue::NULL.to_owned())?;
    Ok(text.get().to_owned())
}

/// Where the last statement of `code` begins.
fn last_statement(code: &str) -> usize {
    let (mut begin, mut depth, mut quote) = (0, 0, None);
    for (at, c) in code.char_indices() {
        match (c, quote) {
            (_, Some(open)) if c == open => quote = None,
            (_, Some(_)) => {}
            ('\'' | '"' | '`', None) => quote = Some(c),
            ('(' | '[' | '{', None) => depth += 1,
            (')' | ']' | '}', None) => depth -= 1,
            (';', None) if depth == 0 => begin = at + 1,
            _ => {}
        }
    }
    begin
}

fn worker() -> Ways {
    Ways::new(crate::support::worker)
}

/// `code` answers `expected`.
fn becomes(worker: &Ways, code: &str, expected: Value) {
    assert_eq!(worker.execute(code), Ok(expected), "{code}");
}

/// `code` answers a value that cannot be carried, for a reason at a path.
fn refused(worker: &Ways, code: &str, path: &str, reason: &str) {
    match worker.execute(code) {
        Err(PluginError::NotSerializable { path: at, reason: why }) => {
            assert_eq!(at, path, "{code}");
            assert!(why.contains(reason), "{code}: {why}");
        }
        other => panic!("{code} answered {other:?}"),
    }
}

#[test]
fn what_json_has_is_carried_as_it_is() {
    let worker = worker();
    becomes(&worker, "null", Value::Null);
    becomes(&worker, "[true, false]", json!([true, false]));
    becomes(&worker, "'tëxt 🦀'", json!("tëxt 🦀"));
    becomes(
        &worker,
        "[0, -1, 1.5, 2**53, -(2**53), 1e300]",
        json!([0, -1, 1.5, 9_007_199_254_740_992_u64, -9_007_199_254_740_992_i64, 1e300]),
    );
    becomes(
        &worker,
        "({ a: [1, { b: 2 }], 'c d': '' })",
        json!({ "a": [1, { "b": 2 }], "c d": "" }),
    );
}

#[test]
fn undefined_is_null_and_no_member() {
    let worker = worker();
    becomes(&worker, "undefined", Value::Null);
    becomes(&worker, "[undefined, , 1]", json!([null, null, 1]));
    becomes(&worker, "({ a: undefined, b: 1 })", json!({ "b": 1 }));
}

#[test]
fn integers_are_integers_and_minus_zero_is_zero() {
    let answer = worker().execute("[3, 3.0, -0]").unwrap();
    assert!(answer.as_array().unwrap().iter().all(Value::is_i64), "{answer}");
}

#[test]
fn functions_symbols_and_bigints_are_refused_by_path() {
    let worker = worker();
    refused(&worker, "(() => 1)", "$", "function");
    refused(&worker, "({ items: [0, 1, 2, { id: () => 1 }] })", "$.items[3].id", "function");
    refused(&worker, "Symbol('s')", "$", "symbol");
    refused(&worker, "[[Symbol.iterator]]", "$[0][0]", "symbol");
    refused(&worker, "({ 'a b': 10n ** 1000n })", "$[\"a b\"]", "BigInt");
}

#[test]
fn numbers_that_json_does_not_have_are_refused() {
    let worker = worker();
    refused(&worker, "[NaN]", "$[0]", "NaN");
    refused(&worker, "({ x: -Infinity })", "$.x", "-inf");
}

#[test]
fn dates_are_iso_strings_whatever_the_plugin_did_to_date() {
    let worker = worker();
    becomes(&worker, "[new Date(0)]", json!(["1970-01-01T00:00:00.000Z"]));
    becomes(
        &worker,
        "Date.prototype.toJSON = Date.prototype.toISOString = () => 'owned'; new Date(86399999)",
        json!("1970-01-01T23:59:59.999Z"),
    );
    refused(&worker, "[new Date(NaN)]", "$[0]", "invalid date");
}

#[test]
fn maps_are_objects_and_sets_are_arrays() {
    let worker = worker();
    becomes(
        &worker,
        "new Map([['a', 1], ['__proto__', [2]]])",
        json!({ "a": 1, "__proto__": [2] }),
    );
    becomes(&worker, "({ s: new Set([3, 1, 2]) })", json!({ "s": [3, 1, 2] }));
    refused(&worker, "({ m: new Map([[1, 2]]) })", "$.m", "key that is a number");
    refused(&worker, "new Map([['k', () => 1]])", "$.k", "function");
    refused(&worker, "new Map([['k', 1]]).keys()", "$", "iterator");
    refused(&worker, "[new WeakMap]", "$[0]", "weak");
}

#[test]
fn typed_arrays_are_arrays_of_numbers_and_buffers_arrays_of_bytes() {
    let worker = worker();
    becomes(&worker, "new Uint8Array([1, 255])", json!([1, 255]));
    becomes(&worker, "new Float64Array([1.5, -2])", json!([1.5, -2]));
    becomes(&worker, "new Uint8Array([1, 2, 3]).buffer", json!([1, 2, 3]));
    becomes(&worker, "new DataView(new Uint8Array([1, 2, 3]).buffer, 1)", json!([2, 3]));
    refused(&worker, "new Float32Array([NaN])", "$[0]", "NaN");
    refused(&worker, "new BigInt64Array(1)", "$", "BigInt");
}

#[test]
fn boxed_primitives_are_their_primitives() {
    let code = "[new Number(1), new String('s'), new Boolean(false), new Boolean(true)]";
    becomes(&worker(), code, json!([1, "s", false, true]));
}

#[test]
fn errors_as_values_have_name_and_message() {
    becomes(
        &worker(),
        "Object.assign(new RangeError('far'), { code: 7 })",
        json!({ "name": "RangeError", "message": "far", "code": 7 }),
    );
}

#[test]
fn an_error_with_a_name_and_a_message_of_its_own_has_each_once() {
    let code = "Object.assign(new Error('m'), { code: 7, message: 'own', name: 'Own', cause: 1 })";
    let expected = json!({ "name": "Own", "message": "own", "code": 7, "cause": 1 });
    becomes(&worker(), code, expected);
    let worker = worker();
    let code = "let reads = 0; const e = new Error; Object.defineProperty(e, 'name',
        { enumerable: true, get() { reads++; return 'N' } }); e";
    becomes(&worker, code, json!({ "name": "N", "message": "" }));
    becomes(&worker, "reads", json!(1));
}

#[test]
fn instances_are_their_own_enumerable_members() {
    let code = "class P { #x = 1; y = 2; get z() { return 3 } }; new P";
    becomes(&worker(), code, json!({ "y": 2 }));
    becomes(&worker(), "Object.create({ inherited: 1 }, { own: { value: 2 } })", json!({}));
    becomes(&worker(), "({ [Symbol('s')]: 1, a: 2 })", json!({ "a": 2 }));
}

#[test]
fn what_keeps_its_state_elsewhere_is_refused() {
    let worker = worker();
    refused(&worker, "[/x/g]", "$[0]", "regular expression");
    refused(&worker, "({ p: Promise.resolve(1) })", "$.p", "await");
    refused(&worker, "(function* () {})()", "$", "iterator");
}

#[test]
fn cycles_are_refused_and_shared_parts_are_not() {
    let worker = worker();
    refused(&worker, "let o = { a: [] }; o.a.push(o); o", "$.a[0]", "cycle");
    becomes(&worker, "let part = [1]; [part, part]", json!([[1], [1]]));
}

#[test]
fn getters_and_to_json_are_called() {
    let worker = worker();
    becomes(&worker, "({ get x() { return [1] } })", json!({ "x": [1] }));
    becomes(&worker, "({ toJSON() { return { x: 1 } } })", json!({ "x": 1 }));
    becomes(&worker, "({ toJSON: 1 })", json!({ "toJSON": 1 }));
    refused(&worker, "({ a: { toJSON() { return () => 1 } } })", "$.a", "function");
    match worker.execute("({ get x() { throw new TypeError('no') } })") {
        Err(PluginError::JavaScript(error)) => assert_eq!(error.headline(), "TypeError: no"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn proxies_are_what_they_pose_as() {
    let worker = worker();
    becomes(&worker, "new Proxy([1, 2], {})", json!([1, 2]));
    becomes(
        &worker,
        "new Proxy({ a: 1 }, { get: (t, k) => k === 'a' ? 5 : undefined })",
        json!({ "a": 5 }),
    );
    refused(
        &worker,
        "let r = Proxy.revocable({}, {}); r.revoke(); ({ r: r.proxy })",
        "$.r",
        "revoked",
    );
}

#[test]
fn lone_surrogates_become_replacement_characters() {
    becomes(&worker(), r"['a\ud800b']", json!(["a\u{fffd}b"]));
}

#[test]
fn names_that_serde_json_keeps_for_itself_are_refused() {
    let worker = worker();
    for name in ["$serde_json::private::RawValue", "$serde_json::private::Number"] {
        let path = format!("$[0][\"{name}\"]");
        for code in ["[{ 'NAME': '[[1]]' }]", "[{ a: 1, 'NAME': 1 }]", "[new Map([['NAME', '1']])]"]
        {
            refused(&worker, &code.replace("NAME", name), &path, "keeps for itself");
        }
    }
    becomes(&worker, "({ '$serde_json': 1 })", json!({ "$serde_json": 1 }));
}

#[test]
fn names_that_become_one_are_one_member() {
    let worker = worker();
    let expected = json!({ "\u{fffd}": 2, "a": 3 });
    becomes(&worker, r"({ '\ud800': 1, '\ud801': 2, a: 3 })", expected.clone());
    becomes(&worker, r"new Map([['\ud800', 1], ['\udc00', 2], ['a', 3]])", expected);
}

#[test]
fn what_is_escaped_in_json_is_what_serde_json_escapes() {
    let worker = worker();
    let text: String = ('\0'..='\u{2ff}').chain(['\u{2028}', '🦀']).collect();
    let code = "let s = ''; for (let i = 0; i < 0x300; i++) s += String.fromCharCode(i);
        s += '\\u2028🦀'; [s, { [s]: s }]";
    becomes(&worker, code, json!([text, { (text.as_str()): text }]));
    let empty = json!(["", [], {}, [[]], [{}], { "": [{}, []] }]);
    becomes(&worker, "['', [], {}, [[]], [{}], { '': [{}, []] }]", empty);
}

#[test]
fn a_proxy_that_claims_four_billion_items_is_refused() {
    let worker = worker();
    let code = "new Proxy([], { get: (t, k) => k === 'length' ? 2 ** 32 - 1 : 0 })";
    let too_large = Err(PluginError::TooLarge { what: "the result", limit: "8.0 MiB".to_owned() });
    assert_eq!(worker.execute(code), too_large);
    assert_eq!(worker.execute("new Array(2 ** 32 - 1)"), too_large);
    assert_eq!(worker.execute("'x'.repeat(2 ** 24 - 1)"), too_large);
    worker.assert_alive();
}

#[test]
fn a_value_that_doubles_at_every_level_is_refused() {
    let worker = worker();
    let code = "let x = [1]; for (let i = 0; i < 40; i++) x = [x, x]; x";
    assert!(matches!(worker.execute(code), Err(PluginError::TooLarge { .. })));
    worker.assert_alive();
}

#[test]
fn a_hundred_thousand_levels_are_refused() {
    let worker = worker();
    let code = "let x = []; for (let i = 0; i < 1e5; i++) x = [x]; x";
    let expected = PluginError::TooLarge { what: "the result", limit: "depth 128".to_owned() };
    assert_eq!(worker.execute(code), Err(expected));
    worker.assert_alive();
}

#[test]
fn a_getter_that_never_returns_is_stopped() {
    let worker = Ways::new(hasty_worker);
    for code in [
        "({ get x() { for (;;); } })",
        "({ toJSON() { for (;;); } })",
        "new Proxy({}, { ownKeys() { for (;;); } })",
        "new Proxy([], { get() { for (;;); } })",
    ] {
        let answer = worker.execute(code);
        assert!(matches!(answer, Err(PluginError::Timeout { .. })), "{code}: {answer:?}");
        worker.assert_alive();
    }
}

#[test]
fn a_polluted_prototype_does_not_get_into_answers() {
    let worker = worker();
    worker.execute("Object.prototype.toJSON = () => 'owned'; 1").unwrap();
    becomes(&worker, "({ a: [{}] })", json!({ "a": [{}] }));
    becomes(&worker, "new (class { toJSON() { return 'its own' } })", json!("its own"));
}

#[test]
fn arguments_arrive_as_they_were_sent() {
    let worker = plugin("plugin.on('echo', x => x)");
    let value = json!({
        "": [], "__proto__": { "x": 1 }, "constructor": "c", "n": [0, -1, 1.5, null, true],
        "text": "\u{0}\u{2028}🦀\"\\"
    });
    assert_eq!(worker.blocking_call_hook("echo", value.clone()), Ok(value));
    for scalar in [json!(null), json!(1), json!("s"), json!(false), json!([])] {
        assert_eq!(worker.blocking_call_hook("echo", scalar.clone()), Ok(scalar));
    }
}

#[test]
fn an_argument_named_proto_does_not_change_a_prototype() {
    let worker =
        plugin("plugin.on('f', x => x.polluted === undefined && ({}).polluted === undefined)");
    assert_eq!(
        worker.blocking_call_hook("f", json!({ "__proto__": { "polluted": 1 } })),
        Ok(true.into())
    );
}

#[test]
fn arguments_beyond_their_limits_are_refused_before_they_are_queued() {
    let worker = plugin("plugin.on('f', x => 1)");
    let deep = (0..200).fold(Value::Null, |inner, _| json!([inner]));
    let answer = worker.blocking_call_hook("f", deep);
    assert!(matches!(answer, Err(PluginError::TooLarge { what: "the argument", .. })));
    let answer = worker.blocking_call_hook("f", "x".repeat(9 << 20).into());
    assert!(matches!(answer, Err(PluginError::TooLarge { what: "the argument", .. })));
    assert_alive(&worker);
}

#[test]
fn an_argument_is_held_to_its_size_whichever_way_it_goes_in() {
    let mut limits = ResourceLimits::default();
    limits.argument_size = ByteSize::b(10);
    let builder = PluginIsolate::builder("echo").limits(limits);
    let mut plugin = builder.script("m.js", "plugin.on('echo', x => x)").build().unwrap();
    for fits in [json!("12345678"), json!(1_234_567_890), json!([1, 2, 3, 4]), json!("\u{1}..")] {
        assert_eq!(plugin.call_hook("echo", fits.clone()), Ok(fits));
    }
    for beyond in
        [json!("123456789"), json!(12_345_678_901_u64), json!([1, 2, 3, 4, 5]), json!("\u{1}\u{1}")]
    {
        let answer = plugin.call_hook("echo", beyond.clone());
        assert!(matches!(answer, Err(PluginError::TooLarge { .. })), "{beyond}: {answer:?}");
    }
}

#[test]
fn numbers_are_the_same_alone_in_short_arrays_and_in_long_ones() {
    let worker = plugin(
        "var expected;
        plugin.on('one', x => Object.is(x, expected));
        plugin.on('all', x => x.every(item => Object.is(item, expected)))",
    );
    for number in [json!(-0.0), json!(u64::MAX), json!(i64::MIN), json!(5e-324), json!(0.1)] {
        worker.blocking_execute(format!("expected = {number}; 0")).unwrap();
        assert_eq!(worker.blocking_call_hook("one", number.clone()), Ok(true.into()), "{number}");
        for count in [1, 8, 9] {
            let argument = json!(vec![number.clone(); count]);
            assert_eq!(worker.blocking_call_hook("all", argument), Ok(true.into()), "{number}");
        }
    }
}

#[test]
fn a_plugin_that_replaces_object_keys_does_not_choose_what_is_read() {
    let worker = worker();
    worker.execute("Object.keys = Reflect.ownKeys = () => { throw 1 }; 1").unwrap();
    becomes(&worker, "({ b: 1, 2: 'two', a: {} })", json!({ "2": "two", "b": 1, "a": {} }));
}

#[test]
fn items_of_short_arguments_are_their_own_whatever_array_prototype_says() {
    let worker = plugin("plugin.on('echo', x => x)");
    let code = "Object.defineProperty(Array.prototype, '0', { set() {}, get: () => 'owned' }); 1";
    worker.blocking_execute(code).unwrap();
    for argument in [json!([1, 2]), json!(vec![1; 20])] {
        assert_eq!(worker.blocking_call_hook("echo", argument.clone()), Ok(argument));
    }
}

#[test]
fn what_only_looks_plain_is_what_it_is() {
    let worker = worker();
    for prototype in ["null", "Object.prototype"] {
        let disguised = |value| format!("[Object.setPrototypeOf({value}, {prototype})]");
        becomes(&worker, &disguised("new Map([['a', 1]])"), json!([{ "a": 1 }]));
        becomes(&worker, &disguised("new Date(0)"), json!(["1970-01-01T00:00:00.000Z"]));
        becomes(&worker, &disguised("new Uint8Array([1, 2])"), json!([[1, 2]]));
        refused(&worker, &disguised("Promise.resolve(1)"), "$[0]", "promise");
    }
}

#[test]
fn a_getter_that_tells_an_event_meanwhile_does_not_get_into_the_answer() {
    let worker = worker();
    let code = "({ a: 1, get b() { plugin.emit('x', { c: [2, 3] }); return [4] }, d: 5 })";
    becomes(&worker, code, json!({ "a": 1, "b": [4], "d": 5 }));
}

#[test]
fn a_getter_that_changes_what_is_read_gets_no_further_than_its_object() {
    let worker = worker();
    let code = "const o = { get a() { o.items.push(9); delete o.b; o.late = 1; return 1 }, b: 2,
                items: [1] }; o";
    becomes(&worker, code, json!({ "a": 1, "items": [1, 9] }));
    let code = "const items = [{ get a() { items.length = 1; return 1 } }, 2, 3]; items";
    becomes(&worker, code, json!([{ "a": 1 }, null, null]));
}

#[test]
fn a_plugin_that_replaces_every_builtin_chooses_nothing_of_what_is_read() {
    let worker = worker();
    let code = "const evil = () => { throw 1 };
        Array.isArray = Reflect.apply = Reflect.getPrototypeOf = Object.getPrototypeOf = evil;
        Array.prototype[Symbol.iterator] = Array.prototype.push = Function.prototype.call = evil;
        for (let i = 0; i < 70; i++) {
            Object.defineProperty(Array.prototype, i, { set: evil, get: evil });
        }; 1";
    worker.execute(code).unwrap();
    let many: Vec<_> = (0..200).map(|index| json!({ "index": index, "text": "x" })).collect();
    let code = "Object.defineProperty({}, 'x', { value: 1 });
        JSON.parse('[' + '.'.repeat(200).replace(/./g, (_, i) => (i ? ',' : '') +
            `{\"index\":${i},\"text\":\"x\"}`) + ']')";
    becomes(&worker, code, many.into());
}

#[test]
fn members_of_a_polluted_prototype_are_nobodys() {
    let worker = worker();
    worker.execute("Object.prototype.polluted = 1; Array.prototype.polluted = 1; 0").unwrap();
    becomes(&worker, "({ a: [{}] })", json!({ "a": [{}] }));
}

#[test]
fn a_result_longer_than_one_tape_is_whole() {
    let worker = worker();
    let rows: Vec<_> = (0..1000).map(|i| json!({ "i": i, "of": [i, "x"], "no": null })).collect();
    becomes(
        &worker,
        "Array.from({ length: 1000 }, (_, i) => ({ i, of: [i, 'x'], no: null }))",
        rows.into(),
    );
}

#[test]
fn what_is_no_plain_part_of_a_plain_result_counts_its_levels_and_is_told_by_its_place() {
    let worker = worker();
    becomes(
        &worker,
        "({ a: [new Map([['m', new Date(0)]])], b: 1 })",
        json!({ "a": [{ "m": "1970-01-01T00:00:00.000Z" }], "b": 1 }),
    );
    refused(&worker, "({ a: [1, new Map([['m', [NaN]]])] })", "$.a[1].m[0]", "NaN");
    let code = "let deep = new Set([1]); for (let i = 0; i < 127; i++) deep = [deep]; deep";
    assert!(worker.execute(code).is_ok());
    let error = worker.execute("[deep]").unwrap_err();
    assert_eq!(error, PluginError::TooLarge { what: "the result", limit: "depth 128".into() });
}

#[test]
fn a_proxy_whose_length_is_no_length_is_read_all_the_same() {
    let worker = worker();
    for (length, items) in [("'2'", json!([7, 7])), ("1.9", json!([7])), ("-1", json!([]))] {
        let get = format!("(t, k) => k === 'length' ? {length} : k === 'toJSON' ? 0 : 7");
        becomes(&worker, &format!("new Proxy([], {{ get: {get} }})"), items);
    }
}
