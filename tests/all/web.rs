//! The web's own APIs: what plugins get of them, and what hostile ones do with it.
//!
//! That they are what the standards say is in `conformance.rs`.

use std::time::Duration;

use plugin_sandbox::{
    ByteSize, Capability, ConsoleLevel, Hardening, HostCall, HostFunctions, Limit,
    PluginCapabilities, PluginError, PluginIsolate, PluginWorker, ResourceLimits,
};
use serde_json::json;

use crate::support::{Lines, alone, assert_alive, hasty_worker, patient_limits, thrown, worker};

const POLLUTED: &str = include_str!("../web/polluted.js");

/// Names of the global object, and what their prototypes and they themselves have.
const INTERFACES: &[(&str, &str, &str)] = &[
    ("AbortController", "abort,constructor,signal", ""),
    ("AbortSignal", "aborted,constructor,onabort,reason,throwIfAborted", "abort,any,timeout"),
    ("CustomEvent", "constructor,detail,initCustomEvent", ""),
    (
        "Event",
        "AT_TARGET,BUBBLING_PHASE,CAPTURING_PHASE,NONE,bubbles,cancelBubble,cancelable,composed,\
         composedPath,constructor,currentTarget,defaultPrevented,eventPhase,initEvent,\
         preventDefault,returnValue,srcElement,stopImmediatePropagation,stopPropagation,target,\
         timeStamp,type",
        "AT_TARGET,BUBBLING_PHASE,CAPTURING_PHASE,NONE",
    ),
    ("EventTarget", "addEventListener,constructor,dispatchEvent,removeEventListener", ""),
    ("TextDecoder", "constructor,decode,encoding,fatal,ignoreBOM", ""),
    ("TextEncoder", "constructor,encode,encodeInto,encoding", ""),
    (
        "URL",
        "constructor,hash,host,hostname,href,origin,password,pathname,port,protocol,search,\
         searchParams,toJSON,toString,username",
        "canParse,parse",
    ),
    (
        "URLSearchParams",
        "append,constructor,delete,entries,forEach,get,getAll,has,keys,set,size,sort,toString,\
         values",
        "",
    ),
];

fn timed() -> PluginIsolate {
    let capabilities = PluginCapabilities::default().grant(Capability::Timers);
    let builder = PluginIsolate::builder("test").limits(patient_limits());
    builder.capabilities(capabilities).build().unwrap()
}

fn isolate(change: impl FnOnce(&mut ResourceLimits)) -> PluginIsolate {
    let mut limits = patient_limits();
    change(&mut limits);
    PluginIsolate::builder("test").limits(limits).build().unwrap()
}

#[test]
fn the_interfaces_have_what_their_standards_say_and_nothing_else() {
    let mut plugin = timed();
    for (name, members, statics) in INTERFACES {
        let code = format!(
            "[Object.getOwnPropertyNames({name}.prototype).sort().join(),
              Object.getOwnPropertyNames({name})
                .filter((key) => !['length', 'name', 'prototype'].includes(key)).sort().join(),
              Object.getOwnPropertySymbols({name}.prototype).map(String).sort().join(),
              {name}.prototype[Symbol.toStringTag]]"
        );
        let symbols = match *name {
            "URLSearchParams" => "Symbol(Symbol.iterator),Symbol(Symbol.toStringTag)",
            _ => "Symbol(Symbol.toStringTag)",
        };
        assert_eq!(plugin.execute(&code), Ok(json!([members, statics, symbols, name])), "{name}");
    }
}

#[test]
fn instances_have_no_properties_of_their_own() {
    let code = "[new URL('a:b'), new URLSearchParams('a=b'), new TextEncoder, new TextDecoder,
        new EventTarget, new AbortController, AbortSignal.abort(), new Event('x'),
        new CustomEvent('x'), new DOMException('x')]
        .map((one) => Reflect.ownKeys(one).map(String).join())";
    let none = "";
    let all = json!([none, none, none, none, none, none, none, "isTrusted", "isTrusted", "stack"]);
    assert_eq!(worker().blocking_execute(code), Ok(all));
}

#[test]
fn the_names_are_not_enumerable_and_look_like_data() {
    let worker = worker();
    assert_eq!(worker.blocking_execute("Object.keys(globalThis).length"), Ok(0.into()));
    let code = "['URL', 'atob', 'structuredClone'].map((name) => {
        const one = Object.getOwnPropertyDescriptor(globalThis, name);
        return [typeof one.value, one.writable, one.enumerable, one.configurable].join() })";
    let data = "function,true,false,true";
    assert_eq!(worker.blocking_execute(code), Ok(json!([data, data, data])));
}

#[test]
fn a_plugin_may_put_its_own_in_the_place_of_a_name_that_nobody_touched() {
    let code = "globalThis.btoa = 7; var Event = 8; delete globalThis.URL;
        Object.defineProperty(globalThis, 'atob', { value: 9 });
        const heir = Object.create(globalThis); heir.TextEncoder = 10;
        Object.freeze(globalThis);
        [btoa, Event, typeof URL, atob, heir.TextEncoder, typeof TextEncoder, typeof TextDecoder]";
    let expected = json!([7, 8, "undefined", 9, 10, "function", "function"]);
    assert_eq!(worker().blocking_execute(code), Ok(expected));
}

#[test]
fn without_timers_signals_have_no_timeout() {
    let mut plugin = isolate(|_| {});
    assert_eq!(plugin.execute("'timeout' in AbortSignal"), Ok(false.into()));
    let code = "new Promise((done) => {
        AbortSignal.timeout(1).onabort = (event) => done(event.target.reason.name) })";
    assert_eq!(timed().execute(code), Ok("TimeoutError".into()));
}

#[test]
fn an_errors_first_frame_is_the_plugins() {
    let worker = worker();
    for code in ["new URL('x')", "atob('*')", "structuredClone(() => {})", "new TextDecoder('x')"] {
        let error = thrown(&worker, code);
        assert_eq!(error.frames.len(), 1, "{error:?}");
        let stack = format!("try {{ {code} }} catch (error) {{ error.stack }}");
        let stack = worker.blocking_execute(stack).unwrap();
        let stack = stack.as_str().unwrap();
        assert!(stack.starts_with(&error.headline()), "{stack}");
        assert!(!stack.contains("sandbox:"), "{stack}");
    }
    assert_eq!(thrown(&worker, "atob('*')").name, "InvalidCharacterError");
}

#[test]
fn an_exception_is_an_error_with_its_name_to_the_console_too() {
    let lines = Lines::default();
    let worker = PluginWorker::builder("test").console(lines.sink()).build().unwrap();
    worker.blocking_execute("console.log(new DOMException('said', 'AbortError'))").unwrap();
    assert!(lines.texts()[0].starts_with("AbortError: said\n    at "), "{:?}", lines.texts());
    let code = "structuredClone(new DOMException('said', 'AbortError'))";
    assert_eq!(worker.blocking_execute(code), Ok(json!({"name": "AbortError", "message": "said"})));
}

#[test]
fn what_a_listener_or_a_microtask_throws_is_told_to_the_console() {
    let lines = Lines::default();
    let worker = PluginWorker::builder("test").console(lines.sink()).build().unwrap();
    let code = "const target = new EventTarget(); let n = 0;
        target.addEventListener('x', () => { throw new Error('one') });
        target.addEventListener('x', { get handleEvent() { throw new Error('two') } });
        target.addEventListener('x', () => n++);
        target.dispatchEvent(new Event('x'));
        queueMicrotask(() => { throw new Error('three') }); n";
    assert_eq!(worker.blocking_execute(code), Ok(1.into()));
    let messages = lines.messages();
    let told = ["Uncaught Error: one", "Uncaught Error: two", "Uncaught Error: three"];
    assert_eq!(messages.len(), told.len(), "{messages:?}");
    for (message, told) in messages.iter().zip(told) {
        assert_eq!(message.level, ConsoleLevel::Error);
        assert!(message.text.starts_with(told), "{}", message.text);
    }
}

#[test]
fn the_names_are_no_hooks_and_no_names_for_host_functions() {
    let worker = worker();
    for name in ["atob", "URL", "structuredClone", "encodeURI", "parseInt"] {
        assert_eq!(worker.blocking_has_hook(name), Ok(false), "{name}");
    }
    assert_eq!(worker.blocking_hooks(), Ok(vec![]));
    worker.blocking_execute("function atob() { return 'mine' }").unwrap();
    assert_eq!(worker.blocking_call_hook("atob", json!(null)), Ok("mine".into()));
    for name in ["atob", "URL.parse"] {
        let host = HostFunctions::new().function(name, |_: &HostCall, (): ()| Ok(0));
        let built = PluginWorker::builder("test").host_functions(host).build();
        assert!(matches!(built, Err(PluginError::InvalidArgument(_))), "{name}");
    }
}

#[test]
fn replaced_builtins_do_not_reach_in() {
    for hardening in [Hardening::Full, Hardening::Off] {
        let mut plugin = isolate(|limits| limits.hardening = hardening);
        let log = plugin.execute(POLLUTED).unwrap();
        let log: serde_json::Value = serde_json::from_str(log.as_str().unwrap()).unwrap();
        let expected = json!({
            "bytes": "104 195 169", "text": "h\u{e9}", "base64": "aGk= hi",
            "url": "http://x.y/z?a=1&q=r+s#x", "entry": "a1false", "event": "x2",
            "aborted": true, "reason": "AbortError", "clone": true, "called": ""
        });
        assert_eq!(log, expected, "{hardening:?}");
    }
}

#[test]
fn no_member_leads_to_code_from_text_or_to_what_is_ours() {
    let code = "const seen = new Set(), strange = [];
        const visit = (value, path) => {
          if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return;
          if (seen.has(value)) return;
          seen.add(value);
          for (const key of Reflect.ownKeys(value)) {
            if (/primordials|natives|load$|captured|parseUrl/.test(String(key))) strange.push(path);
            const one = Reflect.getOwnPropertyDescriptor(value, key);
            for (const next of [one.value, one.get, one.set]) visit(next, path + '.' + String(key));
          }
          visit(Reflect.getPrototypeOf(value), path + '.__proto__');
        };
        visit(globalThis, 'global');
        visit(new URL('a:b').searchParams.entries(), 'iterator');
        let refused = 0;
        for (const f of seen) if (typeof f === 'function') try { f.constructor('return 1') }
          catch { refused++ }
        [strange, seen.size > 500, refused > 100]";
    assert_eq!(worker().blocking_execute(code), Ok(json!([[], true, true])));
}

#[test]
fn a_first_touch_without_stack_leaves_the_name_for_the_next() {
    let worker = worker();
    let code = "let failed = 0;
        function deep() { try { deep() } catch { try { new URL('a:b') } catch { failed++ } } }
        deep(); [failed > 0, new URL('a:b').href, structuredClone([1])]";
    assert_eq!(worker.blocking_execute(code), Ok(json!([true, "a:b", [1]])));
}

#[test]
fn a_call_that_ran_out_of_stack_leaves_nothing_for_the_next() {
    let code = "URL.parse('a:b');
        function deep() { try { deep() } catch { try { URL.parse('http://old/') } catch {} } }
        for (let i = 0; i < 20; i++) deep();
        [new URL('http://new/').href, new URLSearchParams('a=b').size]";
    assert_eq!(worker().blocking_execute(code), Ok(json!(["http://new/", 1])));
}

#[test]
fn a_first_touch_that_is_stopped_leaves_the_name_for_the_next_call() {
    let code = "[new URL('a:b').href, AbortSignal.abort().aborted, structuredClone(1), atob('')]";
    let expected = json!(["a:b", true, 1, ""]);
    // The deadline falls before the touch, into it, or after it.
    let mut stopped = 0;
    for spin in (0..60).map(|step| 5 + step % 8) {
        let mut plugin = isolate(|_| {});
        plugin.set_wall_time(Duration::from_millis(10)).unwrap();
        let late = format!("const end = Date.now() + {spin}; while (Date.now() < end); {code}");
        match plugin.execute(&late) {
            Err(PluginError::Timeout { .. }) => stopped += 1,
            other => assert_eq!(other, Ok(expected.clone())),
        }
        plugin.set_wall_time(Duration::from_secs(60)).unwrap();
        assert_eq!(plugin.execute(code), Ok(expected.clone()), "{spin}");
    }
    assert!(stopped > 0);
}

#[test]
fn loops_in_what_is_read_of_options_are_stopped() {
    let traps = "const endless = { get x() { for (;;); } };
        const loop = new Proxy({}, { get() { for (;;); }, ownKeys() { for (;;); } });";
    for code in [
        "new TextDecoder('utf-8', loop)",
        "new TextDecoder().decode(new Uint8Array(1), loop)",
        "new Event('x', loop)",
        "new EventTarget().addEventListener('x', () => {}, loop)",
        "new EventTarget().dispatchEvent(new Proxy(new Event('x'), loop)); loop.x",
        "AbortSignal.any(loop)",
        "AbortSignal.any({ *[Symbol.iterator]() { for (;;) yield AbortSignal.abort() } })",
        "new URLSearchParams(loop)",
        "new URLSearchParams({ [Symbol.iterator]() { return { next() { return {} } } } })",
        "new URL({ toString() { for (;;); } })",
        "structuredClone(endless)",
        "structuredClone(1, loop)",
        "const t = new EventTarget(); t.addEventListener('x', loop); t.dispatchEvent(new Event('x'))",
        "(function again() { queueMicrotask(again) })()",
    ] {
        let worker = hasty_worker();
        let answer = worker.blocking_execute(format!("{traps} {code}"));
        let is_stopped = matches!(
            answer,
            Err(PluginError::Timeout { .. } | PluginError::MemoryLimitExceeded { .. })
        ) || matches!(&answer, Err(PluginError::JavaScript(e)) if e.name == "TypeError");
        assert!(is_stopped, "{code}: {answer:?}");
        assert_alive(&worker);
    }
}

#[test]
fn proxies_are_no_instances() {
    let worker = worker();
    for code in [
        "new URL('a:b'), 'href'",
        "new TextEncoder, 'encoding'",
        "new Event('x'), 'type'",
        "AbortSignal.abort(), 'aborted'",
        "new DOMException('x'), 'name'",
    ] {
        let (object, member) = code.split_once(", ").unwrap();
        let code = format!("new Proxy({object}, {{}})[{member}]");
        assert_eq!(thrown(&worker, &code).name, "TypeError", "{code}");
    }
    let code = "const target = new EventTarget(), event = new Proxy(new Event('x'), {});
        target.dispatchEvent(event)";
    assert_eq!(thrown(&worker, code).name, "TypeError");
    assert_eq!(thrown(&worker, "structuredClone(new Proxy([], {}))").name, "DataCloneError");
}

#[test]
fn an_event_that_is_being_dispatched_cannot_be_again_and_listeners_may_change_all() {
    let worker = worker();
    let code = "const target = new EventTarget(), log = [], event = new Event('x');
        const gone = () => log.push('gone');
        target.addEventListener('x', () => {
          try { target.dispatchEvent(event) } catch (error) { log.push(error.name) }
          target.removeEventListener('x', gone);
          target.addEventListener('x', () => log.push('late'));
          target.dispatchEvent(new Event('y'));
          event.initEvent('z');
        }, { once: true });
        target.addEventListener('x', gone);
        target.addEventListener('y', () => log.push('nested'));
        target.dispatchEvent(event); log.push(event.type); target.dispatchEvent(event); log";
    let expected = json!(["InvalidStateError", "nested", "x", "late"]);
    assert_eq!(worker.blocking_execute(code), Ok(expected));
}

#[test]
fn dispatch_in_dispatch_ends_with_the_stack() {
    let lines = Lines::default();
    let builder = PluginWorker::builder("test").limits(patient_limits());
    let worker = builder.console(lines.sink()).build().unwrap();
    let code = "const target = new EventTarget(); let deepest = 0;
        target.addEventListener('x', () => { deepest++; target.dispatchEvent(new Event('x')) });
        target.dispatchEvent(new Event('x')); deepest > 100";
    assert_eq!(worker.blocking_execute(code), Ok(true.into()));
    assert_alive(&worker);
}

#[test]
fn giants_are_refused() {
    let worker = worker();
    let giant = "const text = 'a'.repeat(2 ** 28);";
    for code in [
        "new URL('a:' + text)",
        "URL.canParse('a:' + text)",
        "new URL('a:b').hash = text",
        "new URLSearchParams(text)",
        "new URLSearchParams([[text, '']])",
        "btoa(text)",
        "atob(text)",
        "new TextEncoder().encode(text)",
        "new TextEncoder().encodeInto(text, new Uint8Array(1))",
        "new TextDecoder(text)",
        "const a = []; a.length = 2 ** 32 - 1; structuredClone(a)",
    ] {
        let error = thrown(&worker, &format!("{{ {giant} {code} }}"));
        assert_eq!(error.name, "RangeError", "{code}");
        assert!(error.message.starts_with("plugin-sandbox:"), "{code}: {}", error.message);
    }
}

#[test]
fn text_is_decoded_in_parts_wherever_they_are_cut() {
    let worker = worker();
    let code = "const text = 'a\\u20ac\\u{1f4a9}'.repeat(400000);
        const bytes = new TextEncoder().encode(text);
        new TextDecoder().decode(bytes) === text && new TextDecoder().decode(bytes.buffer) === text";
    assert_eq!(worker.blocking_execute(code), Ok(true.into()));
    let code = "const gbk = new Uint8Array(3000001).fill(0xc4); gbk[3000000] = 65;
        new TextDecoder('gbk').decode(gbk) === '\\u54ea'.repeat(1500000) + 'A'";
    assert_eq!(worker.blocking_execute(code), Ok(true.into()));
}

#[test]
fn streams_that_are_begun_and_left_are_given_up_in_turn() {
    let code = "const all = Array.from({ length: 1000 }, () => new TextDecoder('gbk'));
        const part = new Uint8Array([0xc4]);
        for (const one of all) one.decode(part, { stream: true });
        const end = new Uint8Array([0xe3]);
        let first; try { all[0].decode(end) } catch (error) { first = error.name }
        [first, all[0].decode(end), all[999].decode(end)]";
    assert_eq!(worker().blocking_execute(code), Ok(json!(["RangeError", "\u{fffd}", "\u{4f60}"])));
}

#[test]
fn a_spent_quota_of_buffers_is_a_range_error() {
    alone("web::a_spent_quota_of_buffers_is_a_range_error", || {
        let worker = worker();
        let code = "const all = [], outcome = {};
            for (let size = 2 ** 20; size >= 1; size = Math.floor(size / 2))
              try { for (;;) all.push(new ArrayBuffer(size)) } catch {}
            const tries = {
              encode: () => new TextEncoder().encode('hello'),
              encodeMore: () => new TextEncoder().encode('hello'.repeat(1000)),
              cloneBuffer: () => structuredClone(all[0]),
              cloneView: () => structuredClone(new Uint8Array(all[0])),
              transfer: () => structuredClone(all[1], { transfer: [all[1]] }),
              base64: () => atob(btoa('x'.repeat(1e6))),
              decode: () => new TextDecoder().decode(all[0]),
            };
            for (const name in tries) try { tries[name](); outcome[name] = 'done' }
              catch (error) { outcome[name] = error.name }
            outcome";
        let refused = "RangeError";
        let expected = json!({
            "encode": refused, "encodeMore": refused, "cloneBuffer": refused,
            "cloneView": refused, "transfer": "done", "base64": "done", "decode": "done"
        });
        assert_eq!(worker.blocking_execute(format!("{{ {code} }}")), Ok(expected));
        assert_alive(&worker);
    });
}

#[test]
fn floods_meet_the_heaps_limit() {
    alone("web::floods_meet_the_heaps_limit", || {
        for code in [
            "const all = []; for (;;) all.push(new URL('http://a/?b=c').searchParams)",
            "const all = []; for (;;) all.push(new TextDecoder('gbk'), new EventTarget())",
            "const t = new EventTarget(); for (;;) t.addEventListener(Math.random(), () => {})",
            "const s = new AbortController().signal; for (;;) AbortSignal.any([s])",
            "const p = new URLSearchParams(); for (;;) p.append('a'.repeat(100), 'b')",
            "let o = []; for (;;) o = [o, structuredClone(o)]",
        ] {
            let mut limits = patient_limits();
            limits.heap = ByteSize::mib(16);
            limits.cpu_time = Limit::Off;
            let worker = PluginWorker::builder("test").limits(limits).build().unwrap();
            let answer = worker.blocking_execute(code);
            let is_full = matches!(answer, Err(PluginError::MemoryLimitExceeded { .. }));
            assert!(is_full, "{code}: {answer:?}");
            assert_alive(&worker);
        }
    });
}

#[test]
fn depth_does_not_overflow_a_clone() {
    let code =
        "let deep = []; for (let i = 0; i < 3e4; i++) deep = i % 2 ? [deep] : new Map([[deep, 1]]);
        let copy = structuredClone(deep), depth = 0;
        while (copy.length ?? copy.size) { copy = copy[0] ?? copy.keys().next().value; depth++ }
        depth";
    assert_eq!(worker().blocking_execute(code), Ok(30_000.into()));
}

#[test]
fn a_clone_is_made_of_what_was_there_and_moves_what_it_is_told() {
    let code = "const buffer = new ArrayBuffer(8);
        const source = { get a() { delete this.b; return 1 }, b: 2, c: [, 3], bytes: new Uint8Array(buffer, 4), buffer };
        const copy = structuredClone(source, { transfer: [buffer] });
        [Object.keys(copy).join(), 0 in copy.c, copy.bytes.length, copy.bytes.buffer === copy.buffer,
         buffer.byteLength, new Error('x', { cause: 1 }).cause === structuredClone(new Error('x', { cause: 1 })).cause]";
    let expected = json!(["a,c,bytes,buffer", false, 4, true, 0, true]);
    assert_eq!(worker().blocking_execute(code), Ok(expected));
}

#[test]
fn a_big_array_is_cloned_with_its_holes_and_names() {
    let code = "const all = Array(300000).fill(7); delete all[5]; all.name = 'big';
        const copy = structuredClone(all);
        [copy.length, 5 in copy, copy[299999], copy.name]";
    assert_eq!(worker().blocking_execute(code), Ok(json!([300_000, false, 7, "big"])));
}

#[test]
fn memory_that_cannot_move_or_is_shared_is_no_clone() {
    let granted = [Capability::SharedMemory, Capability::Wasm];
    let builder = PluginIsolate::builder("test").limits(patient_limits());
    let mut plugin = builder.capabilities(granted.into_iter().collect()).build().unwrap();
    let code = "const { buffer } = new WebAssembly.Memory({ initial: 1 });
        const shared = new SharedArrayBuffer(8);
        [() => structuredClone(1, { transfer: [buffer] }), () => structuredClone(shared),
         () => structuredClone(new Uint8Array(shared)), () => structuredClone(1, { transfer: [shared] })]
          .map((clone) => { try { return clone() } catch (error) { return error.name } })";
    let refused = "DataCloneError";
    assert_eq!(plugin.execute(code), Ok(json!([refused, refused, refused, refused])));
}

#[test]
fn clones_have_no_setters_called_and_no_prototype_of_a_plugins_making() {
    let code = "let called = 0;
        Object.defineProperty(Object.prototype, 'a', { set() { called++ }, configurable: true });
        Object.defineProperty(Array.prototype, 3, { set() { called++ }, configurable: true });
        const source = JSON.parse('{ \"__proto__\": { \"x\": 1 }, \"a\": [1, 2, 3, 4] }');
        const copy = structuredClone(source);
        [called, Object.keys(copy).join(), copy.a.length, Object.getPrototypeOf(copy) === Object.prototype]";
    assert_eq!(worker().blocking_execute(code), Ok(json!([0, "__proto__,a", 4, true])));
}
