//! Finding and calling hooks by name.

use plugin_sandbox::PluginError;
use serde_json::json;

use crate::support::{assert_alive, plugin, worker};

#[test]
fn a_registered_hook_is_called_with_its_one_argument() {
    let worker = plugin("plugin.on('sum', function (...all) { return [all.length, ...all] })");
    assert_eq!(worker.blocking_call_hook("sum", json!([1, 2])), Ok(json!([1, [1, 2]])));
}

#[test]
fn a_function_on_the_global_object_is_a_hook() {
    let worker = plugin("function onSave(f) { return f + '!' }; globalThis.other = () => 2");
    assert_eq!(worker.blocking_call_hook("onSave", "a".into()), Ok("a!".into()));
    assert_eq!(worker.blocking_call_hook("other", json!(null)), Ok(2.into()));
}

#[test]
fn what_is_registered_goes_before_what_is_global_and_the_last_registration_counts() {
    let worker = plugin("function f() { return 'global' }; plugin.on('f', () => 1)");
    worker.blocking_run_script("again.js", "plugin.on('f', () => 'last')").unwrap();
    assert_eq!(worker.blocking_call_hook("f", json!(null)), Ok("last".into()));
    worker.blocking_run_script("off.js", "plugin.off('f')").unwrap();
    assert_eq!(worker.blocking_call_hook("f", json!(null)), Ok("global".into()));
}

#[test]
fn any_string_is_a_name_and_none_is_source_text() {
    let names =
        ["command:git.status", "__proto__", "constructor", "a\"];evil()", "", "\0", "é🦀", "1"];
    let worker = worker();
    for name in names {
        let quoted = serde_json::to_string(name).unwrap();
        worker.blocking_execute(format!("plugin.on({quoted}, x => 'hook ' + x)")).unwrap();
        assert_eq!(worker.blocking_call_hook(name, name.into()), Ok(format!("hook {name}").into()));
        assert_eq!(worker.blocking_has_hook(name), Ok(true));
    }
    let mut sorted = names.map(str::to_owned);
    sorted.sort();
    assert_eq!(worker.blocking_hooks(), Ok(sorted.to_vec()));
}

#[test]
fn names_that_nobody_registered_are_not_found() {
    let worker = worker();
    for name in ["missing", "__proto__", "constructor", "toString", "a\"];evil()", "parseInt"] {
        let missing = Err(PluginError::HookNotFound { hook: name.to_owned() });
        assert_eq!(worker.blocking_call_hook(name, json!(null)), missing);
        assert_eq!(worker.blocking_has_hook(name), Ok(false));
    }
    assert_eq!(worker.blocking_hooks(), Ok(vec![]));
}

#[test]
fn a_plugins_own_function_under_a_name_of_the_language_is_a_hook() {
    let worker = plugin("function escape(x) { return '<' + x + '>' }");
    assert_eq!(worker.blocking_call_hook("escape", 1.into()), Ok("<1>".into()));
    assert_eq!(worker.blocking_hooks(), Ok(vec!["escape".to_owned()]));
}

#[test]
fn a_getter_on_the_global_object_is_not_called_to_look_for_a_hook() {
    let worker = plugin(
        "Object.defineProperty(globalThis, 'trap', { get() { for (;;); }, enumerable: true })",
    );
    assert_eq!(worker.blocking_has_hook("trap"), Ok(false));
    assert_eq!(worker.blocking_hooks(), Ok(vec![]));
}

#[test]
fn a_replaced_plugin_object_takes_no_hook_away() {
    let worker = plugin("plugin.on('f', () => 1); plugin = null; globalThis.plugin = { on() {} }");
    assert_eq!(worker.blocking_call_hook("f", json!(null)), Ok(1.into()));
}

#[test]
fn a_returned_promise_is_awaited() {
    let worker = plugin(
        "plugin.on('f', async x => { await 0; await null; return { doubled: x * 2 } });
         plugin.on('thenable', () => ({ then(resolve) { resolve('as returned') } }))",
    );
    assert_eq!(worker.blocking_call_hook("f", 21.into()), Ok(json!({ "doubled": 42 })));
}

#[test]
fn a_hook_may_register_and_remove_hooks() {
    let worker = plugin("plugin.on('f', () => { plugin.off('f'); plugin.on('g', () => 'g') })");
    assert_eq!(worker.blocking_call_hook("f", json!(null)), Ok(json!(null)));
    assert_eq!(worker.blocking_hooks(), Ok(vec!["g".to_owned()]));
}

#[test]
fn registering_what_is_no_function_is_a_type_error() {
    let worker = worker();
    for code in ["plugin.on('f')", "plugin.on('f', {})", "plugin.on(1, () => 1)", "plugin.off()"] {
        assert_eq!(crate::support::thrown(&worker, code).name, "TypeError");
    }
    assert_alive(&worker);
}

#[test]
fn a_flood_of_hooks_or_a_giant_name_is_a_range_error() {
    let worker = worker();
    let code = "for (let i = 0; ; i++) plugin.on('hook ' + i, () => i)";
    assert_eq!(crate::support::thrown(&worker, code).name, "RangeError");
    let code = "plugin.on('x'.repeat(2 ** 28), () => 1)";
    assert_eq!(crate::support::thrown(&worker, code).name, "RangeError");
    assert_eq!(worker.blocking_call_hook("hook 7", json!(null)), Ok(7.into()));
}
