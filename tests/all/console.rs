//! The `console` object and its sink.

use plugin_sandbox::{ConsoleLevel, PluginWorker};

use crate::support::{Lines, assert_alive};

fn logged(code: &str) -> Vec<String> {
    let lines = Lines::default();
    let worker = PluginWorker::builder("test").console(lines.sink()).build().unwrap();
    worker.blocking_run_script("test.js", code).unwrap();
    lines.texts()
}

fn shown(value: &str) -> String {
    logged(&format!("console.log({value})")).remove(0)
}

#[test]
fn every_method_has_its_level() {
    let lines = Lines::default();
    let worker = PluginWorker::builder("leveller").console(lines.sink()).build().unwrap();
    let code = "for (const m of ['trace', 'debug', 'log', 'info', 'warn', 'error']) console[m](m)";
    worker.blocking_execute(code).unwrap();
    let messages = lines.messages();
    let levels: Vec<_> = messages.iter().map(|message| message.level).collect();
    use ConsoleLevel::{Debug, Error, Info, Log, Trace, Warn};
    assert_eq!(levels, [Trace, Debug, Log, Info, Warn, Error]);
    assert!(messages.iter().all(|m| m.plugin == "leveller" && m.text == m.level.name()));
}

#[test]
fn values_are_shown_as_people_expect() {
    assert_eq!(
        shown("'a', 'b', 1, -0.5, true, null, undefined, 10n"),
        "a b 1 -0.5 true null undefined 10n"
    );
    assert_eq!(
        shown("{ a: 'x', b: [1, , 'y'], 'c d': {} }"),
        "{ a: 'x', b: [ 1, <empty>, 'y' ], c d: {} }"
    );
    assert_eq!(
        shown("[], {}, () => 1, function named() {}"),
        "[] {} [Function (anonymous)] [Function: named]"
    );
    assert_eq!(
        shown("new Map([['k', { v: 1 }]]), new Set([1])"),
        "Map(1) { 'k' => { v: 1 } } Set(1) { 1 }"
    );
    assert_eq!(
        shown("Symbol('s'), /x+/, new Uint8Array(2)"),
        "Symbol(s) /x+/ Uint8Array(2) [ 0, 0 ]"
    );
    assert_eq!(shown("new (class Point { x = 1 })"), "Point { x: 1 }");
    assert_eq!(shown("Promise.resolve(1)"), "Promise { <fulfilled> }");
    assert_eq!(shown("{ a: { b: { c: { d: 1 } } } }"), "{ a: { b: { c: [Object] } } }");
    assert!(
        shown("new TypeError('bad')").starts_with("TypeError: bad\n    at plugin:/test/test.js:1:")
    );
}

#[test]
fn placeholders_are_filled_in() {
    assert_eq!(shown("'%s is %d%% of %o %i', 'x', 5, [1], 7.9"), "x is 5% of [ 1 ] 7");
    assert_eq!(shown("'%s %s', 'one'"), "one %s");
    assert_eq!(shown("'100%', 'x'"), "100% x");
    assert_eq!(shown("'%cstyled', 'color: red'"), "styled");
}

#[test]
fn nothing_of_the_guest_is_called_to_show_a_value() {
    assert_eq!(shown("{ get x() { for (;;); } }"), "{ x: [Getter] }");
    assert_eq!(shown("new Proxy({}, { get() { for (;;); }, ownKeys() { for (;;); } })"), "[Proxy]");
    assert_eq!(
        shown("'%s%o%d', new Proxy({}, { get() { throw 1 } }), Symbol(), 1n"),
        "[Proxy]Symbol()1n"
    );
    assert_eq!(
        shown("'%d %s', { valueOf() { for (;;); } }, { toString() { for (;;); } }"),
        "NaN { toString: [Function: toString] }"
    );
    let code = "Object.prototype.value = 'polluted'; console.log({ get x() { return 1 } })";
    assert_eq!(logged(code), ["{ x: [Getter] }"]);
}

#[test]
fn an_object_in_itself_ends() {
    assert_eq!(
        shown("(() => { const o = {}; o.o = o; return o })()"),
        "{ o: { o: { o: [Object] } } }"
    );
}

#[test]
fn control_characters_cannot_reach_a_terminal() {
    assert_eq!(
        shown(r"'\u001b[2J\u202e\u0000\r[host] fake', ['\u001b']"),
        "\\u{1b}[2J\\u{202e}\\u{0}\\u{d}[host] fake [ '\\u{1b}' ]"
    );
    assert_eq!(shown(r"'two\nlines\tand a tab'"), "two\nlines\tand a tab");
}

#[test]
fn a_long_message_is_cut() {
    let text = shown("'x'.repeat(2 ** 24), 'more'");
    assert!(text.len() < 70_000 && text.ends_with('…'), "{}", text.len());
    assert!(shown("new Array(2 ** 32 - 1)").ends_with("more ]"));
}

#[test]
fn a_sink_that_panics_costs_only_its_message() {
    let sink = |_: &plugin_sandbox::ConsoleMessage| panic!("a sink of the host's");
    let worker = PluginWorker::builder("test").console(sink).build().unwrap();
    assert_eq!(worker.blocking_execute("console.log(1); 'went on'"), Ok("went on".into()));
    assert_alive(&worker);
}

#[test]
fn the_default_sink_is_tracing() {
    use std::sync::{Arc, Mutex};
    use tracing::field::{Field, Visit};
    use tracing::span;

    struct Plugin(Option<String>);
    impl Visit for Plugin {
        fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
            if field.name() == "plugin" {
                self.0 = Some(format!("{value:?}"));
            }
        }
    }
    #[derive(Clone)]
    struct Events(Arc<Mutex<Vec<(String, tracing::Level)>>>);
    impl tracing::Subscriber for Events {
        fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
            metadata.target() == "plugin_sandbox::console"
        }
        fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
            span::Id::from_u64(1)
        }
        fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
        fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
        fn event(&self, event: &tracing::Event<'_>) {
            let mut plugin = Plugin(None);
            event.record(&mut plugin);
            let plugin = plugin.0.unwrap_or_default();
            self.0.lock().unwrap().push((plugin, *event.metadata().level()));
        }
        fn enter(&self, _: &span::Id) {}
        fn exit(&self, _: &span::Id) {}
    }
    let events = Events(Arc::default());
    // On this thread, where a PluginIsolate writes its console.
    tracing::subscriber::with_default(events.clone(), || {
        let mut plugin = plugin_sandbox::PluginIsolate::builder("traced").build().unwrap();
        plugin.execute("console.warn('careful'); console.log('x')").unwrap();
    });
    let seen = events.0.lock().unwrap().clone();
    let plugin = "\"traced\"".to_owned();
    assert_eq!(seen, [(plugin.clone(), tracing::Level::WARN), (plugin, tracing::Level::INFO)]);
}
