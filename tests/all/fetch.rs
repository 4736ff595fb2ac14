//! `fetch`, `Headers` and `Response` as the Fetch standard has them. Whom they reach: `network`.

use plugin_sandbox::{
    FetchFuture, FetchRequest, FetchResponse, Fetcher, NetworkGrant, PluginCapabilities,
    PluginWorker,
};
use serde_json::json;

use crate::support::{patient_limits, thrown};

/// Answers with what it was asked.
struct Echo;

impl Fetcher for Echo {
    fn fetch(&self, request: FetchRequest) -> FetchFuture<'_, FetchResponse> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let headers: Vec<_> = request.headers().map(|(name, value)| (name, text(value))).collect();
        let asked = json!({
            "method": request.method(),
            "headers": headers,
            "body": text(request.body().unwrap_or_default()),
        });
        Box::pin(async move {
            let response = FetchResponse::new(201).header("Content-Type", "application/json");
            Ok(response.header("X-A", "1").header("x-a", "2").body(asked.to_string().into_bytes()))
        })
    }
}

/// Never answers.
struct Silent;

impl Fetcher for Silent {
    fn fetch(&self, _: FetchRequest) -> FetchFuture<'_, FetchResponse> {
        Box::pin(std::future::pending())
    }
}

fn with(fetcher: impl Fetcher + 'static) -> PluginWorker {
    let mut grant = NetworkGrant::to(["https://x.org"]).unwrap();
    grant.methods.push("POST".into());
    PluginWorker::builder("test")
        .limits(patient_limits())
        .capabilities(PluginCapabilities::default().network(grant))
        .fetcher(fetcher)
        .build()
        .unwrap()
}

#[test]
fn a_response_is_what_the_standard_says() {
    let worker = with(Echo);
    let code =
        "fetch('https://x.org/a').then(async (r) => [r instanceof Response, r.status, r.ok, r.url,
        r.redirected, r.headers.get('CONTENT-TYPE'), r.headers.get('x-a'), r.bodyUsed,
        (await r.json()).method, r.bodyUsed, await r.text().catch(e => e.name)])";
    let expected = json!([
        true,
        201,
        true,
        "https://x.org/a",
        false,
        "application/json",
        "1, 2",
        false,
        "GET",
        true,
        "TypeError"
    ]);
    assert_eq!(worker.blocking_execute(code), Ok(expected));
    let code = "fetch(new URL('https://x.org')).then(async (r) => (await r.bytes()) instanceof Uint8Array)";
    assert_eq!(worker.blocking_execute(code), Ok(true.into()));
    let code =
        "fetch('https://x.org').then(async (r) => (await r.arrayBuffer()) instanceof ArrayBuffer)";
    assert_eq!(worker.blocking_execute(code), Ok(true.into()));
}

#[test]
fn a_body_says_what_it_is_unless_the_plugin_does() {
    let worker = with(Echo);
    let code = "const sent = async (body, headers) => {
            const echo = await (await fetch('https://x.org', { method: 'POST', body, headers })).json();
            return [echo.body, new Map(echo.headers).get('content-type') ?? null];
        };
        Promise.all([sent('é'), sent(new URLSearchParams({ a: 'b c' })), sent(new Uint8Array([65, 66]).subarray(1)),
            sent(new Uint16Array([0x4241])), sent(new ArrayBuffer(1)), sent('x', { 'content-type': 'text/x' }),
            sent({ toString: () => 'object' })])";
    let text = "text/plain;charset=UTF-8";
    let expected = json!([
        ["é", text],
        ["a=b+c", "application/x-www-form-urlencoded;charset=UTF-8"],
        ["B", null],
        ["AB", null],
        ["\0", null],
        ["x", "text/x"],
        ["object", text]
    ]);
    assert_eq!(worker.blocking_execute(code), Ok(expected));
}

#[test]
fn headers_are_normalized_sorted_and_joined() {
    let worker = with(Echo);
    let code = "const h = new Headers([['B', ' 2\\t'], ['a', '1'], ['b', '3']]);
        h.append('Set-Cookie', 'x=1'); h.append('set-cookie', 'y=2'); h.set('C', 'é');
        const same = new Headers(h), record = new Headers({ X: 'y' });
        record.delete('x');
        [[...h], [...h.keys()], h.get('B'), h.get('none'), h.has('A'), h.getSetCookie(), [...same].length,
         [...record], Object.prototype.toString.call(h), typeof h.forEach, new Headers().get('a')]";
    let expected = json!([
        [["a", "1"], ["b", "2, 3"], ["c", "é"], ["set-cookie", "x=1"], ["set-cookie", "y=2"]],
        ["a", "b", "c", "set-cookie", "set-cookie"],
        "2, 3",
        null,
        true,
        ["x=1", "y=2"],
        5,
        [],
        "[object Headers]",
        "function",
        null
    ]);
    assert_eq!(worker.blocking_execute(code), Ok(expected));
    for code in [
        "new Headers([['a b', '1']])",
        "new Headers([['', '1']])",
        "new Headers([['a', '1\\n2']])",
        "new Headers([['a', '\\u0100']])",
        "new Headers([['a']])",
        "new Headers(1)",
        "Headers.prototype.get.call({}, 'a')",
        "new Response()",
        "Object.getOwnPropertyDescriptor(Response.prototype, 'status').get.call({})",
    ] {
        assert_eq!(thrown(&worker, code).name, "TypeError", "{code}");
    }
}

#[test]
fn a_signal_ends_the_waiting() {
    let worker = with(Silent);
    let code =
        "const c = new AbortController(); const p = fetch('https://x.org', { signal: c.signal });
        c.abort(); p.catch(e => e.name)";
    assert_eq!(worker.blocking_execute(code), Ok("AbortError".into()));
    let code = "fetch('https://x.org', { signal: AbortSignal.abort('mine') }).catch(e => e)";
    assert_eq!(worker.blocking_execute(code), Ok("mine".into()));
    let code = "fetch('https://x.org', { signal: {} }).catch(e => e.name)";
    assert_eq!(worker.blocking_execute(code), Ok("TypeError".into()));
}

#[test]
fn replaced_builtins_do_not_get_between() {
    let worker = with(Echo);
    let code = "const evil = () => { throw new Error('called') };
        const owners = [String.prototype, TextEncoder.prototype, TextDecoder.prototype, URLSearchParams.prototype,
            Headers.prototype, Uint8Array.prototype, JSON, Array.prototype];
        for (let i = 0; i < owners.length; i++) {
            const keys = Reflect.ownKeys(owners[i]);
            for (let j = 0; j < keys.length; j++) {
                const d = Object.getOwnPropertyDescriptor(owners[i], keys[j]);
                if (d.configurable && typeof d.value === 'function' && keys[j] !== 'constructor')
                    Object.defineProperty(owners[i], keys[j], { value: evil });
            }
        }
        globalThis.answer = fetch('https://x.org', { method: 'POST', body: 'x' }).then((r) => r.status); answer";
    assert_eq!(worker.blocking_execute(code), Ok(201.into()));
}

#[test]
fn what_is_withdrawn_is_gone_unless_it_is_the_plugins_own() {
    let worker = with(Echo);
    worker.blocking_execute("globalThis.Headers = 'mine'; 0").unwrap();
    let mut less = worker.capabilities();
    less.network = None;
    worker.narrow(less).unwrap();
    let code = "[typeof fetch, typeof Response, Headers]";
    assert_eq!(worker.blocking_execute(code), Ok(json!(["undefined", "undefined", "mine"])));
}
