//! ES modules.

use std::time::Duration;

use plugin_sandbox::{PluginError, PluginWorker, ResourceLimits};
use serde_json::json;

fn built(modules: &[(&str, &str)]) -> Result<PluginWorker, PluginError> {
    let mut limits = ResourceLimits::default();
    limits.wall_time = Duration::from_millis(300);
    let builder = PluginWorker::builder("test").limits(limits);
    modules.iter().fold(builder, |builder, (name, code)| builder.module(*name, *code)).build()
}

#[test]
fn modules_import_each_other_and_await_at_the_top_level() {
    let worker = built(&[
        (
            "main.js",
            "import { x } from './lib/x.js'; import * as all from './lib/y.js';
            const y = await all.promised; plugin.on('f', () => [x, y, typeof this])",
        ),
        ("lib/x.js", "export const x = 'x'; import '../main.js'"),
        ("lib/y.js", "export const promised = Promise.resolve('y')"),
    ])
    .unwrap();
    assert_eq!(worker.blocking_call_hook("f", json!(null)), Ok(json!(["x", "y", "undefined"])));
}

#[test]
fn only_what_was_given_can_be_imported() {
    for (specifier, said) in [
        ("./gone.js", "./gone.js"),
        ("fs", "fs"),
        ("../up.js", "../up.js"),
        ("file:///etc/passwd", "passwd"),
    ] {
        let error = built(&[("main.js", &format!("import '{specifier}'"))]).unwrap_err();
        assert!(error.to_string().contains(said), "{error}");
    }
    let worker = built(&[("main.js", "plugin.on('f', () => import('./main.js'))")]).unwrap();
    assert!(matches!(worker.blocking_call_hook("f", json!(null)), Err(PluginError::JavaScript(_))));
}

#[test]
fn errors_of_modules_have_their_place() {
    let error =
        built(&[("main.js", "import './bad.js'"), ("bad.js", "let a;\nlet = ;")]).unwrap_err();
    let error = error.as_js().unwrap();
    assert_eq!((error.frames[0].script.as_str(), error.frames[0].line), ("plugin:/test/bad.js", 2));
    let error = built(&[("main.js", "await 0; throw new Error('late')")]).unwrap_err();
    assert_eq!(error.as_js().unwrap().headline(), "Error: late");
}

#[test]
fn a_module_that_never_ends_is_stopped() {
    for code in ["for (;;);", "await new Promise(() => {})"] {
        let error = built(&[("main.js", code)]).unwrap_err();
        assert!(matches!(error, PluginError::Timeout { .. }), "{code}: {error}");
    }
}
