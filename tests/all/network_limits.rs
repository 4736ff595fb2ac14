//! `fetch`: how much of the network a plugin may use, and what is told of it.

use std::io::{Read as _, Write as _};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use plugin_sandbox::{
    AuditEvent, AuditOutcome, ByteSize, FetchBody, FetchError, FetchFuture, FetchRequest,
    FetchResponse, Fetcher, HostCall, HostFunctions, NetworkGrant, PluginCapabilities, PluginError,
    PluginWorker,
};
use serde_json::json;

#[cfg(target_os = "linux")]
use crate::support::{alone, open_descriptors};
use crate::support::{assert_alive, eventually, patient_limits};

use crate::server::*;

#[test]
fn a_body_that_is_too_large_is_not_sent() {
    let server = Server::saying("ok");
    let mut granted = grant([&*server.origin()]);
    granted.request_size = ByteSize::b(3);
    let worker = with(granted);
    let request = |body: &str| json!({ "url": server.origin(), "method": "POST", "body": body });
    assert_eq!(fetch(&worker, &request("1234")), "RangeError E_TOO_LARGE");
    assert!(server.seen().is_empty());
    assert_eq!(fetch(&worker, &request("123"))["body"], "ok");
}

#[test]
fn a_response_that_is_too_large_or_endless_is_cut_off() {
    let (done, ended) = mpsc::channel();
    let server = Server::start(move |request, stream| {
        let _ = match request.path() {
            "/large" => stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4000000000\r\n\r\n"),
            _ => stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n"),
        };
        while stream.write_all(&[b'x'; 4096]).is_ok() {}
        done.send(()).unwrap();
    });
    let mut granted = grant([&*server.origin()]);
    granted.response_size = ByteSize::kib(64);
    let worker = with(granted);
    for path in ["large", "endless"] {
        let url = format!("{}/{path}", server.origin());
        assert_eq!(get(&worker, url), "RangeError E_TOO_LARGE");
        // The server saw its connection closed.
        ended.recv_timeout(Duration::from_secs(30)).unwrap();
    }
}

#[test]
fn a_head_that_never_ends_is_cut_off() {
    let server = Server::start(|_, stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n");
        while stream.write_all(&[b'x'; 4096]).is_ok() {}
    });
    let worker = with(grant([&*server.origin()]));
    assert_eq!(get(&worker, server.origin()), "TypeError E_NETWORK");
}

#[test]
fn a_compressed_response_is_given_as_it_came() {
    let bomb = [31, 139, 8, 0, 0, 0, 0, 0];
    let server = Server::start(move |request, stream| {
        assert_eq!(request.header("accept-encoding"), None);
        respond(stream, "200 OK", &["Content-Encoding: gzip"], &bomb);
    });
    let worker = with(grant([&*server.origin()]));
    let code = format!("ask({{ url: '{}' }}).then(answer => answer.body)", server.origin());
    assert_eq!(worker.blocking_execute(code), Ok(json!(bomb)));
}

#[test]
fn a_server_that_does_not_answer_is_given_up() {
    let server = Server::start(|_, stream| {
        let _ = stream.read(&mut [0]);
    });
    let mut granted = grant([&*server.origin()]);
    granted.time = Duration::from_millis(50);
    assert_eq!(get(&with(granted), server.origin()), "Error E_TIMEOUT");
}

#[test]
fn a_call_that_is_cancelled_closes_its_connection() {
    let (begun, begins) = mpsc::channel();
    let (closed, closes) = mpsc::channel();
    let server = Server::start(move |_, stream| {
        begun.send(()).unwrap();
        closed.send(stream.read(&mut [0]).unwrap_or(0)).unwrap();
    });
    let worker = with(grant([&*server.origin()]));
    let call = worker.execute(format!("ask({{ url: '{}' }})", server.origin()));
    begins.recv_timeout(Duration::from_secs(30)).unwrap();
    call.cancel();
    assert_eq!(call.wait(), Err(PluginError::Cancelled));
    assert_eq!(closes.recv_timeout(Duration::from_secs(30)), Ok(0));
    assert_alive(&worker);
}

#[cfg(target_os = "linux")]
#[test]
fn requests_that_are_cancelled_leave_nothing_behind() {
    alone("network_limits::requests_that_are_cancelled_leave_nothing_behind", || {
        let (begun, begins) = mpsc::channel();
        let server = Server::start(move |_, stream| {
            begun.send(()).unwrap();
            let _ = stream.read(&mut [0]);
        });
        let worker = with(grant([&*server.origin()]));
        let code = format!(
            "Promise.all([0, 0, 0, 0, 0, 0, 0, 0].map(() => ask({{ url: '{}' }})))",
            server.origin()
        );
        let cancel_some = || {
            let call = worker.execute(&*code);
            (0..6).for_each(|_| begins.recv_timeout(Duration::from_secs(30)).unwrap());
            call.cancel();
            assert_eq!(call.wait(), Err(PluginError::Cancelled));
        };
        let before = open_descriptors();
        (0..20).for_each(|_| cancel_some());
        // Among them those of the runtime, which has begun meanwhile.
        let few = before + 8;
        assert!(eventually(|| open_descriptors() <= few), "{before} {}", open_descriptors());
        assert_alive(&worker);
    });
}

#[test]
fn requests_beyond_the_limit_wait_for_others() {
    let (now, most) = (AtomicUsize::new(0), Arc::new(AtomicUsize::new(0)));
    let seen = Arc::clone(&most);
    let server = Server::start(move |_, stream| {
        seen.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(5));
        now.fetch_sub(1, Ordering::SeqCst);
        respond(stream, "200 OK", &[], b"x");
    });
    let mut granted = grant([&*server.origin()]);
    granted.concurrent = 2;
    let url = server.origin();
    let code = format!(
        "Promise.all(Array.from({{ length: 100 }}, () => ask({{ url: '{url}' }})))
            .then(all => all.filter(answer => answer.status === 200).length)"
    );
    assert_eq!(with(granted).blocking_execute(code), Ok(100.into()));
    assert!((1..=2).contains(&most.load(Ordering::SeqCst)), "{most:?}");
}

#[test]
fn limits_of_headers_and_url_are_range_errors() {
    let worker = with(grant(["https://api.example.com"]));
    let url = "https://api.example.com";
    let many = vec![("a", "b"); 65];
    let answer = fetch(&worker, &json!({ "url": url, "headers": many }));
    assert_eq!(answer, "RangeError E_TOO_LARGE");
    let answer = fetch(&worker, &json!({ "url": url, "headers": [["a", "b".repeat(20_000)]] }));
    assert_eq!(answer, "RangeError E_TOO_LARGE");
    assert_eq!(get(&worker, format!("{url}/{}", "a".repeat(20_000))), "RangeError E_TOO_LARGE");
}

#[test]
fn arguments_of_the_wrong_kind_are_type_errors() {
    let worker = with(grant(["https://api.example.com"]));
    for argument in [
        "",
        "null",
        "'https://api.example.com'",
        "{}",
        "{ url: 1 }",
        "{ url: 'https://api.example.com', headers: { a: 1 } }",
        "{ url: 'https://api.example.com', credentials: 'include' }",
        "{ url: 'https://api.example.com', redirect: 'never' }",
    ] {
        let code = format!("ask({argument}).catch(error => error.name)");
        assert_eq!(worker.blocking_execute(code), Ok("TypeError".into()), "{argument}");
    }
}

#[test]
fn every_request_leaves_one_event() {
    let server = Server::redirecting("302 Found", "/".into());
    let events = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&events);
    let worker = builder(grant([&*server.origin()]))
        .audit(move |event: &AuditEvent| sink.lock().unwrap().push(event.clone()))
        .build()
        .unwrap();
    let url = server.origin();
    fetch(&worker, &json!({ "url": format!("{url}/#f"), "redirect": "manual" }));
    get(&worker, "https://user:secret@evil.org/\u{202e}x?y");
    get(&worker, "secret");
    get(&worker, &*url);
    let events = events.lock().unwrap();
    assert!(events.iter().all(|event| event.operation == "fetch" && event.plugin == "test"));
    let targets: Vec<_> = events.iter().map(|event| &*event.target).collect();
    let url = format!("GET {url}/");
    assert_eq!(targets, [&*url, "GET https://evil.org/%E2%80%AEx?y", "GET (no URL)", &*url]);
    assert_eq!(events[0].outcome, AuditOutcome::Done);
    assert!(matches!(events[1].outcome, AuditOutcome::Refused(_)));
    assert!(events[2..].iter().all(|event| matches!(event.outcome, AuditOutcome::Failed(_))));
}

#[test]
fn a_refused_and_a_cancelled_request_leave_an_event_too() {
    let (begun, begins) = mpsc::channel();
    let server = Server::start(move |_, stream| {
        begun.send(()).unwrap();
        let _ = stream.read(&mut [0]);
    });
    let events = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&events);
    let worker = builder(grant([&*server.origin()]))
        .audit(move |event: &AuditEvent| sink.lock().unwrap().push(event.outcome.clone()))
        .build()
        .unwrap();
    get(&worker, "https://evil.org");
    let call = worker.execute(format!("ask({{ url: '{}' }})", server.origin()));
    begins.recv_timeout(Duration::from_secs(30)).unwrap();
    call.cancel();
    assert!(eventually(|| events.lock().unwrap().len() == 2));
    let events = events.lock().unwrap();
    assert_eq!(events[0], AuditOutcome::Refused("https://evil.org is not granted".into()));
    assert_eq!(events[1], AuditOutcome::Failed("it was given up".into()));
}

/// A fetcher whose responses a closure makes.
struct Canned<F>(F);

impl<F: Fn(&FetchRequest) -> FetchResponse + Send + Sync> Fetcher for Canned<F> {
    fn fetch(&self, request: FetchRequest) -> FetchFuture<'_, FetchResponse> {
        let response = (self.0)(&request);
        Box::pin(async move { Ok(response) })
    }
}

#[test]
fn the_policy_holds_around_a_fetcher_of_the_hosts() {
    struct Endless;
    impl FetchBody for Endless {
        fn next(&mut self) -> FetchFuture<'_, Option<Vec<u8>>> {
            Box::pin(async { Ok(Some(vec![0; 1 << 20])) })
        }
    }
    let canned = Canned(|request: &FetchRequest| match request.url().path() {
        "/endless" => FetchResponse::new(200).streamed(Endless),
        "/away" => FetchResponse::new(302).header("Location", "https://evil.org/"),
        path => FetchResponse::new(200).body(path),
    });
    let worker = builder(grant(["https://api.example.com"])).fetcher(canned).build().unwrap();
    let get = |path| get(&worker, format!("https://api.example.com/{path}"));
    assert_eq!(get("x")["body"], "/x");
    assert_eq!(get("endless"), "RangeError E_TOO_LARGE");
    assert_eq!(get("away"), REFUSED);
}

#[test]
fn a_fetcher_that_fails_or_panics_fails_that_request_only() {
    struct Broken;
    impl Fetcher for Broken {
        fn fetch(&self, request: FetchRequest) -> FetchFuture<'_, FetchResponse> {
            match request.url().path() {
                "/refused" => Box::pin(async { Err(FetchError::refused("not you")) }),
                "/failed" => Box::pin(async { Err(FetchError::failed("no")) }),
                _ => panic!("a defect"),
            }
        }
    }
    let worker = builder(grant(["https://api.example.com"])).fetcher(Broken).build().unwrap();
    let get = |path| get(&worker, format!("https://api.example.com/{path}"));
    assert_eq!(get("refused"), REFUSED);
    assert_eq!(get("failed"), "TypeError E_NETWORK");
    assert_eq!(get("panics"), "Error undefined");
    assert_alive(&worker);
}

#[test]
fn responses_that_a_busy_plugin_does_not_take_do_not_pile_up() {
    let served = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&served);
    let canned = Canned(move |_: &FetchRequest| {
        count.fetch_add(1, Ordering::SeqCst);
        FetchResponse::new(200).body(vec![0; 1 << 20])
    });
    let host = HostFunctions::new()
        .function("served", move |_: &HostCall, ()| Ok(served.load(Ordering::SeqCst)));
    let mut limits = patient_limits();
    limits.array_buffers = ByteSize::mib(8);
    let granted = NetworkGrant::to(["https://api.example.com"]).unwrap();
    let granted = PluginCapabilities::default().network(granted).host("served").unwrap();
    let worker = PluginWorker::builder("test")
        .limits(limits)
        .capabilities(granted)
        .host_functions(host)
        .fetcher(canned)
        .script("ask.js", ASK)
        .build()
        .unwrap();
    let code = "
        const all = Array.from({ length: 40 }, () => ask({ url: 'https://api.example.com' }));
        while (served() < 40);
        Promise.allSettled(all)
            .then(all => all.filter(one => one.reason?.code === 'E_TOO_LARGE').length > 20)";
    assert_eq!(worker.blocking_execute(code), Ok(true.into()));
}

#[test]
fn request_bodies_that_wait_do_not_pile_up() {
    struct Never;
    impl Fetcher for Never {
        fn fetch(&self, _: FetchRequest) -> FetchFuture<'_, FetchResponse> {
            Box::pin(std::future::pending())
        }
    }
    let mut limits = patient_limits();
    limits.array_buffers = ByteSize::mib(8);
    let worker = builder(grant(["https://api.example.com"])).limits(limits).fetcher(Never);
    let worker = worker.build().unwrap();
    let code = "const body = new Uint8Array(1 << 20);
        const all = Array.from({ length: 9 }, () =>
            fetch('https://api.example.com', { method: 'POST', body }).catch(error => error.code));
        Promise.all([Promise.race([all[6], 'waits']), all[7], all[8]])";
    let expected = json!(["waits", "E_TOO_LARGE", "E_TOO_LARGE"]);
    assert_eq!(worker.blocking_execute(code), Ok(expected));
}
