//! Exceptions as data.

use plugin_sandbox::{JsError, PluginError};
use serde_json::json;

use crate::support::{Lines, assert_alive, eventually, hasty_worker, plugin, thrown, worker};
use plugin_sandbox::PluginWorker;

#[test]
fn an_error_has_name_message_frames_and_the_source_line() {
    let worker =
        plugin("function inner(x) {\n  return x.y.z;\n}\nplugin.on('f', () => inner({}));");
    let Err(PluginError::JavaScript(error)) = worker.blocking_call_hook("f", json!(null)) else {
        panic!("no exception");
    };
    assert_eq!(error.name, "TypeError");
    assert!(error.message.contains("reading 'z'"), "{}", error.message);
    let frame = &error.frames[0];
    assert_eq!(frame.function.as_deref(), Some("inner"));
    assert_eq!((frame.script.as_str(), frame.line), ("plugin:/test/main.js", 2));
    assert_eq!(error.frames.len(), 2);
    let source = error.source.as_ref().unwrap();
    assert_eq!((source.text.as_str(), source.line), ("  return x.y.z;", 2));
    let shown = error.to_string();
    assert!(shown.starts_with("TypeError: Cannot read"), "{shown}");
    assert!(shown.contains("  return x.y.z;\n") && shown.contains('^'), "{shown}");
    assert!(shown.contains("at inner (plugin:/test/main.js:2:"), "{shown}");
}

#[test]
fn a_syntax_error_has_its_position() {
    let error = thrown(&worker(), "let a = 1;\nlet b = ;\n");
    assert_eq!(error.name, "SyntaxError");
    let source = error.source.unwrap();
    assert_eq!((source.line, source.column, source.text.as_str()), (2, 9, "let b = ;"));
    assert_eq!((error.frames[0].line, error.frames[0].column), (2, 9));
    assert_eq!(source.script, "plugin:/test/main.js");
}

#[test]
fn a_bundle_of_one_long_line_shows_the_part_around_the_place() {
    let filler = "x;".repeat(5000);
    let error = thrown(&worker(), &format!("var x;{filler}throw new Error('here');{filler}"));
    let source = error.source.unwrap();
    assert!(source.text.len() <= plugin_sandbox::SourceLine::MAX_CHARS);
    let at = source.column as usize - 1;
    assert!(source.text[at..].starts_with("throw new Error('here')"), "{source:?}");
}

#[test]
fn a_rejected_promise_is_the_calls_error() {
    let worker = plugin("plugin.on('f', async () => { await 0; throw new RangeError('late') })");
    let answer = worker.blocking_call_hook("f", json!(null));
    let Err(PluginError::JavaScript(error)) = answer else { panic!("{answer:?}") };
    assert_eq!(error.headline(), "RangeError: late");
    assert_eq!(error.frames[0].script, "plugin:/test/main.js");
    let error = thrown(&worker, "Promise.reject('plain')");
    assert_eq!((error.name.as_str(), error.message.as_str()), (JsError::NOT_AN_ERROR, "plain"));
}

#[test]
fn a_thrown_non_error_is_told_with_its_value() {
    let worker = worker();
    for (code, message, value) in [
        ("throw 'text'", "text", Some(json!("text"))),
        ("throw 42", "42", Some(json!(42))),
        ("throw null", "null", Some(json!(null))),
        ("throw undefined", "undefined", Some(json!(null))),
        ("throw { code: 7 }", "[object Object]", Some(json!({ "code": 7 }))),
        ("throw Symbol('s')", "s", None),
        ("throw 10n", "10", None),
        ("throw () => 1", "() => 1", None),
        ("throw { toString() { throw 1 } }", "a value that cannot be shown", None),
        ("throw new Proxy({}, { get() { throw 1 } })", "a value that cannot be shown", None),
    ] {
        let error = thrown(&worker, code);
        assert_eq!(error.name, JsError::NOT_AN_ERROR, "{code}");
        assert_eq!(error.message, message, "{code}");
        assert_eq!(error.value.as_deref(), value.as_ref(), "{code}");
    }
    assert_alive(&worker);
}

#[test]
fn causes_are_followed_and_a_circle_of_them_ends() {
    let worker = worker();
    let code = "throw new Error('outer', { cause: new TypeError('inner', { cause: 'root' }) })";
    let error = thrown(&worker, code);
    let inner = error.cause.as_ref().unwrap();
    assert_eq!(inner.headline(), "TypeError: inner");
    assert_eq!(inner.cause.as_ref().unwrap().message, "root");
    assert!(error.to_string().contains("caused by: TypeError: inner"));
    let mut error = Some(thrown(&worker, "let e = new Error('e'); e.cause = e; throw e"));
    let mut depth = 0;
    while let Some(cause) = error.and_then(|error| error.cause) {
        depth += 1;
        error = Some(*cause);
    }
    assert_eq!(depth, 8);
}

#[test]
fn getters_of_an_error_that_throw_leave_their_part_out() {
    let code = "const e = new Error('x');
        Object.defineProperty(e, 'message', { get() { throw 1 } });
        Object.defineProperty(e, 'cause', { get() { throw 2 } }); throw e";
    assert_eq!(thrown(&worker(), code).headline(), "Error");
}

#[test]
fn fields_of_an_error_that_never_return_are_stopped() {
    let worker = hasty_worker();
    for code in [
        "const e = new Error('x'); Object.defineProperty(e, 'message', { get() { for (;;); } }); throw e",
        "throw { toString() { for (;;); } }",
        "throw { toString: () => 'x', toJSON() { for (;;); } }",
        "Promise.reject({ toString() { for (;;); } })",
        "Promise.reject({ toString() { for (;;); } }); 1",
    ] {
        let answer = worker.blocking_execute(format!("{{ {code} }}"));
        assert!(matches!(answer, Err(PluginError::Timeout { .. })), "{code}: {answer:?}");
        assert_alive(&worker);
    }
}

#[test]
fn rejections_that_nobody_handles_are_told_on_the_console() {
    let lines = Lines::default();
    let worker = PluginWorker::builder("test").console(lines.sink()).build().unwrap();
    let code = "Promise.reject(new Error('lost')); Promise.reject(1).catch(() => {}); 'fine'";
    assert_eq!(worker.blocking_execute(code), Ok("fine".into()));
    assert!(eventually(|| !lines.texts().is_empty()));
    let texts = lines.texts();
    assert_eq!(texts.len(), 1, "{texts:?}");
    assert!(texts[0].starts_with("Unhandled rejection: Error: lost"), "{texts:?}");
}

#[test]
fn no_path_of_the_host_is_in_an_error() {
    let error = thrown(&worker(), "[1].map(() => { throw new Error('x') })");
    assert!(error.frames.iter().all(|frame| frame.script.starts_with("plugin:/test/")));
    let stack = worker().blocking_execute("new Error('x').stack").unwrap();
    let stack = stack.as_str().unwrap();
    assert!(stack.contains("plugin:/test/main.js:1:1"), "{stack}");
    assert!(!stack.contains(".rs") && !stack.contains("home"), "{stack}");
}

#[test]
fn a_plugin_gets_no_call_sites() {
    let code = "Error.prepareStackTrace = (e, sites) => sites.map(s => s.getFunction()); new Error('x').stack";
    let stack = worker().blocking_execute(code).unwrap();
    assert!(
        stack.as_str().unwrap().starts_with("Error: x\n    at plugin:/test/main.js:1:"),
        "{stack}"
    );
}

#[test]
fn the_sandboxs_own_frames_are_not_on_a_stack() {
    let worker = worker();
    let code = "function f() { throw new RangeError('mine') }; [3, 1, 2].sort(f)";
    let error = thrown(&worker, code);
    let functions: Vec<_> = error.frames.iter().map(|frame| frame.function.as_deref()).collect();
    assert_eq!(functions.first(), Some(&Some("f")));
    assert!(error.frames.iter().all(|frame| frame.script.starts_with("plugin:/")), "{error}");
    let code = "try { [].reverse.call({ length: 2 ** 53 - 1 }) } catch (e) { e.stack }";
    let stack = worker.blocking_execute(code).unwrap();
    assert!(!stack.as_str().unwrap().contains("sandbox:/"), "{stack}");
}

#[test]
fn giant_names_and_messages_are_cut() {
    let worker = worker();
    let code = "const f = () => { throw new Error('m'.repeat(2 ** 28)) };
        Object.defineProperty(f, 'name', { value: 'n'.repeat(2 ** 28) }); f()";
    let error = thrown(&worker, &format!("{{ {code} }}"));
    assert!(error.message.len() < 20_000 && error.message.ends_with('…'));
    assert!(error.frames.iter().flat_map(|frame| &frame.function).all(|name| name.len() <= 512));
    let code = "const e = new Error('m'.repeat(2 ** 28)); e.stack.length < 20000";
    assert_eq!(worker.blocking_execute(format!("{{ {code} }}")), Ok(true.into()));
}
