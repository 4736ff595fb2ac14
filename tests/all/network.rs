//! `fetch`: what a plugin reaches of the network, and what it does not.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use plugin_sandbox::{
    AuditEvent, AuditOutcome, ByteSize, FetchBody, FetchError, FetchFuture, FetchRequest,
    FetchResponse, Fetcher, HostCall, HostFunctions, HttpClient, NetworkGrant, PluginBuilder,
    PluginCapabilities, PluginError, PluginWorker, Value,
};
use serde_json::json;

#[cfg(target_os = "linux")]
use crate::support::{alone, open_descriptors};
use crate::support::{assert_alive, eventually, patient_limits};

/// A request as the server got it.
#[derive(Debug, Clone)]
struct Seen {
    line: String,
    headers: Vec<String>,
    body: Vec<u8>,
}

impl Seen {
    fn path(&self) -> &str {
        self.line.split(' ').nth(1).unwrap_or_default()
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

/// An HTTP server on loopback, a thread for each connection; each has one request.
struct Server {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    fn start(answer: impl Fn(&Seen, &mut TcpStream) + Send + Sync + 'static) -> Self {
        Self::at("127.0.0.1", answer)
    }

    fn at(host: &str, answer: impl Fn(&Seen, &mut TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((host, 0)).unwrap();
        let server = Self { address: listener.local_addr().unwrap(), seen: Arc::default() };
        let (seen, answer) = (Arc::clone(&server.seen), Arc::new(answer));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (seen, answer) = (Arc::clone(&seen), Arc::clone(&answer));
                std::thread::spawn(move || {
                    let mut stream = stream.unwrap();
                    let Ok(request) = read_request(&stream) else { return };
                    seen.lock().unwrap().push(request.clone());
                    answer(&request, &mut stream);
                });
            }
        });
        server
    }

    /// A server that answers with `text`.
    fn saying(text: &'static str) -> Self {
        Self::start(move |_, stream| respond(stream, "200 OK", &[], text.as_bytes()))
    }

    /// A server that redirects to `to` with this status.
    fn redirecting(status: &'static str, to: String) -> Self {
        Self::start(move |_, stream| respond(stream, status, &[&format!("Location: {to}")], b""))
    }

    fn port(&self) -> u16 {
        self.address.port()
    }

    fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

fn read_request(stream: &TcpStream) -> io::Result<Seen> {
    let mut reader = BufReader::new(stream);
    let mut line = || -> io::Result<String> {
        let mut line = String::new();
        match reader.read_line(&mut line)? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(line.trim_end().to_owned()),
        }
    };
    let mut seen = Seen { line: line()?, headers: Vec::new(), body: Vec::new() };
    loop {
        match line()? {
            end if end.is_empty() => break,
            header => seen.headers.push(header),
        }
    }
    let length = seen.header("content-length").map_or(0, |length| length.parse().unwrap());
    seen.body.resize(length, 0);
    reader.read_exact(&mut seen.body)?;
    Ok(seen)
}

/// Writes a whole response; the client may have gone.
fn respond(stream: &mut TcpStream, status: &str, headers: &[&str], body: &[u8]) {
    let mut head = format!("HTTP/1.1 {status}\r\nConnection: close\r\n");
    for header in headers {
        head += &format!("{header}\r\n");
    }
    head += &format!("Content-Length: {}\r\n\r\n", body.len());
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
}

/// Access to these origins, on this machine.
fn grant<'o>(origins: impl IntoIterator<Item = &'o str>) -> NetworkGrant {
    let mut grant = NetworkGrant::to(origins).unwrap();
    grant.methods.push("POST".into());
    grant.private_networks = vec!["127.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()];
    grant
}

fn builder(grant: NetworkGrant) -> PluginBuilder<PluginWorker> {
    let capabilities = PluginCapabilities::default().network(grant);
    let builder = PluginWorker::builder("test").limits(patient_limits());
    builder.capabilities(capabilities).script("ask.js", ASK)
}

/// `fetch` as data in and data out.
const ASK: &str = "globalThis.ask = async ({ url, ...init }) => {
        const answer = await fetch(url, init);
        const { status, statusText, redirected } = answer;
        const [headers, body] = [[...answer.headers], await answer.bytes()];
        return { url: answer.url, status, statusText, redirected, headers, body };
    }";

fn with(grant: NetworkGrant) -> PluginWorker {
    builder(grant).build().unwrap()
}

/// What `fetch` of this answers, with its body as text; or the error's name and code.
fn fetch(worker: &PluginWorker, request: &Value) -> Value {
    let code = format!(
        "ask({request}).then(
            answer => ({{ ...answer, body: String.fromCharCode(...answer.body) }}),
            error => `${{error.name}} ${{error.code}}`)"
    );
    worker.blocking_execute(code).unwrap()
}

fn get(worker: &PluginWorker, url: impl Into<String>) -> Value {
    fetch(worker, &json!({ "url": url.into() }))
}

const REFUSED: &str = "TypeError E_REFUSED";

/// A client for which every name is one of `addresses`, in turn.
fn resolving_to(addresses: &[&[&str]]) -> HttpClient {
    let addresses: Vec<Vec<IpAddr>> = addresses
        .iter()
        .map(|addresses| addresses.iter().map(|address| address.parse().unwrap()).collect())
        .collect();
    let turn = AtomicUsize::new(0);
    HttpClient::with_resolver(move |_: &str| {
        Ok(addresses[turn.fetch_add(1, Ordering::SeqCst) % addresses.len()].clone())
    })
}

#[test]
fn a_request_goes_out_and_its_response_comes_back() {
    let server = Server::start(|_, stream| {
        respond(stream, "404 Not Found", &["X-A: 1", "x-a: \u{e9}", "Set-Cookie: a=b"], b"gone");
    });
    let worker = with(grant([&*server.origin()]));
    let url = format!("{}/a?b=c", server.origin());
    let answer = get(&worker, format!("{url}#d"));
    assert_eq!(answer["url"], url);
    assert_eq!((&answer["status"], &answer["statusText"]), (&json!(404), &json!("Not Found")));
    assert_eq!((&answer["redirected"], &answer["body"]), (&json!(false), &json!("gone")));
    let headers = answer["headers"].as_array().unwrap();
    // Bytes are characters, as the Fetch standard has it.
    assert!(headers.contains(&json!(["x-a", "1, \u{c3}\u{a9}"])), "{headers:?}");
    assert!(!headers.iter().any(|header| header[0] == "set-cookie"));
    assert_eq!(server.seen()[0].line, "GET /a?b=c HTTP/1.1");
}

#[test]
fn a_body_is_sent_as_bytes_or_text() {
    let server = Server::saying("ok");
    let worker = with(grant([&*server.origin()]));
    let url = server.origin();
    let request = format!("{{ url: '{url}', method: 'post', body: new Uint8Array([0, 255]) }}");
    worker.blocking_execute(format!("ask({request}).then(() => 0)")).unwrap();
    let request = json!({ "url": url, "method": "POST", "body": "é" });
    assert_eq!(fetch(&worker, &request)["body"], "ok");
    let seen = server.seen();
    assert_eq!((&*seen[0].line, &*seen[0].body), ("POST / HTTP/1.1", &[0, 255][..]));
    assert_eq!(seen[1].body, "é".as_bytes());
}

#[test]
fn a_head_request_has_no_body_and_get_takes_none() {
    let server = Server::start(|_, stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n");
    });
    let worker = with(grant([&*server.origin()]));
    let answer = fetch(&worker, &json!({ "url": server.origin(), "method": "HEAD" }));
    assert_eq!((&answer["status"], &answer["body"]), (&json!(200), &json!("")));
    let answer = fetch(&worker, &json!({ "url": server.origin(), "body": "x" }));
    assert_eq!(answer, "TypeError undefined");
}

#[test]
fn nothing_of_the_host_goes_along() {
    let server = Server::saying("ok");
    let worker = with(grant([&*server.origin()]));
    let headers = json!([["Host", "evil"], ["Cookie", "a=b"], ["Proxy-X", "y"], ["X-Mine", "z"]]);
    fetch(&worker, &json!({ "url": server.origin(), "headers": headers }));
    let seen = &server.seen()[0];
    assert_eq!(seen.header("host"), Some(&*server.address.to_string()));
    assert_eq!(seen.header("x-mine"), Some("z"));
    let names: Vec<_> = seen.headers.iter().filter_map(|line| line.split(':').next()).collect();
    assert_eq!(names.len(), 3, "besides these there is `accept: */*`: {names:?}");
}

#[test]
fn headers_cannot_smuggle_a_request() {
    let server = Server::saying("ok");
    let worker = with(grant([&*server.origin()]));
    for (name, value) in
        [("a\r\nX", "b"), ("a", "b\r\n\r\nGET /evil HTTP/1.1"), ("a", "b\nc"), ("a", "b\0")]
    {
        let request = json!({ "url": server.origin(), "headers": [[name, value]] });
        assert_eq!(fetch(&worker, &request), "TypeError undefined", "{name:?} {value:?}");
    }
    let request = json!({ "url": server.origin(), "method": "GET / HTTP/1.1\r\nX: y\r\n\r\nGET" });
    assert_eq!(fetch(&worker, &request), "TypeError undefined");
    assert!(get(&worker, format!("{}/a\r\nX:%0d%0ab c", server.origin())).is_object());
    assert_eq!(server.seen()[0].line, "GET /aX:%0d%0ab%20c HTTP/1.1");
}

#[test]
fn only_granted_origins_and_methods_are_reached() {
    let server = Server::saying("ok");
    let worker = with(grant([&*server.origin()]));
    let port = server.port();
    for url in [
        format!("http://127.0.0.2:{port}/"),
        format!("http://localhost:{port}/"),
        format!("https://127.0.0.1:{port}/"),
        "http://127.0.0.1/".into(),
        "file:///etc/passwd".into(),
        "data:,x".into(),
        "ftp://127.0.0.1/".into(),
        format!("http://[::ffff:127.0.0.1]:{port}/"),
    ] {
        assert_eq!(get(&worker, &*url), REFUSED, "{url}");
    }
    for method in ["DELETE", "PATCH", "CONNECT", "TRACE", "post "] {
        let answer = fetch(&worker, &json!({ "url": server.origin(), "method": method }));
        assert!(answer.is_string(), "{method}: {answer}");
    }
    assert!(server.seen().is_empty());
}

#[test]
fn a_url_with_user_information_is_refused() {
    let server = Server::saying("ok");
    let worker = with(grant([&*server.origin()]));
    for url in [
        format!("http://user:secret@{}/", server.address),
        format!("http://{}@evil.org/", server.address),
        format!("http://evil.org\\@{}/", server.address),
        "http://".into(),
        "/relative".into(),
    ] {
        assert!(get(&worker, &*url).is_string(), "{url}");
    }
    assert!(server.seen().is_empty());
}

#[test]
fn every_spelling_of_a_private_address_is_judged_as_what_it_is() {
    let server = Server::saying("secret");
    let port = server.port();
    for host in [
        "127.0.0.1",
        "127.1",
        "0x7f.1",
        "0177.0.0.1",
        "2130706433",
        "0x7f000001",
        "127.0.0.1.",
        "①②⑦.0.0.1",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::1]",
        "[::]",
        "0.0.0.0",
        "0",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "169.254.169.254",
    ] {
        let url = format!("http://{host}:{port}");
        // The origin is granted, the network is not.
        let worker = with(NetworkGrant::to([&*url]).unwrap());
        assert_eq!(get(&worker, &*url), REFUSED, "{host}");
    }
    assert!(server.seen().is_empty());
    let worker = with(grant([&*server.origin()]));
    assert_eq!(get(&worker, format!("http://0x7f.1:{port}"))["body"], "secret");
}

#[test]
fn a_name_that_resolves_to_a_private_address_is_refused() {
    let server = Server::saying("secret");
    let url = format!("http://api.example.com:{}", server.port());
    for address in ["127.0.0.1", "::ffff:127.0.0.1", "::1", "10.0.0.1", "169.254.169.254"] {
        let client = resolving_to(&[&[address]]);
        let granted = NetworkGrant::to([&*url]).unwrap();
        let worker = builder(granted).fetcher(client).build().unwrap();
        assert_eq!(get(&worker, &*url), REFUSED, "{address}");
    }
    assert!(server.seen().is_empty());
    let worker = builder(grant([&*url])).fetcher(resolving_to(&[&["127.0.0.1"]])).build().unwrap();
    assert_eq!(get(&worker, &*url)["body"], "secret");
}

#[test]
fn of_several_addresses_only_the_granted_are_connected_to() {
    let server = Server::at("127.0.0.2", |_, stream| respond(stream, "200 OK", &[], b"secret"));
    let url = format!("http://api.example.com:{}", server.port());
    let mut granted = grant([&*url]);
    granted.private_networks = vec!["127.0.0.1/32".parse().unwrap()];
    let client = resolving_to(&[&["127.0.0.2", "127.0.0.1"]]);
    let worker = builder(granted).fetcher(client).build().unwrap();
    // Nobody listens at 127.0.0.1.
    assert_eq!(get(&worker, &*url), "TypeError E_NETWORK");
    assert!(server.seen().is_empty());
}

#[test]
fn a_name_that_is_rebound_to_a_private_address_is_refused() {
    let server = Server::saying("secret");
    let url = format!("http://api.example.com:{}", server.port());
    let mut granted = grant([&*url]);
    granted.private_networks = vec!["127.0.0.1/32".parse().unwrap()];
    let client = resolving_to(&[&["127.0.0.1"], &["127.0.0.2"]]);
    let worker = builder(granted).fetcher(client).build().unwrap();
    let answers = [get(&worker, &*url), get(&worker, &*url), get(&worker, &*url)];
    assert_eq!(answers[0]["body"], "secret");
    assert_eq!(answers[1], REFUSED);
    assert_eq!(answers[2]["body"], "secret");
}

#[test]
fn a_connection_that_more_was_granted_for_is_not_used_by_who_was_granted_less() {
    let server = Server::start(|_, stream| {
        // Kept open for a next request.
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na");
        let _ = stream.read(&mut [0]);
    });
    let url = format!("http://api.example.com:{}", server.port());
    let client = Arc::new(resolving_to(&[&["127.0.0.1"]]));
    struct Shared(Arc<HttpClient>);
    impl Fetcher for Shared {
        fn fetch(&self, request: FetchRequest) -> FetchFuture<'_, FetchResponse> {
            self.0.fetch(request)
        }
    }
    let more = builder(grant([&*url])).fetcher(Shared(Arc::clone(&client))).build().unwrap();
    assert_eq!(get(&more, &*url)["body"], "a");
    let granted = NetworkGrant::to([&*url]).unwrap();
    let less = builder(granted).fetcher(Shared(client)).build().unwrap();
    assert_eq!(get(&less, &*url), REFUSED);
}

#[test]
fn a_redirect_is_followed_to_a_granted_origin_without_authorization() {
    let to = Server::saying("there");
    let from = Server::redirecting("302 Found", format!("{}/x", to.origin()));
    let worker = with(grant([&*from.origin(), &*to.origin()]));
    let headers = json!([["Authorization", "secret"], ["X-Mine", "y"]]);
    let answer = fetch(&worker, &json!({ "url": from.origin(), "headers": headers }));
    assert_eq!((&answer["body"], &answer["redirected"]), (&json!("there"), &json!(true)));
    assert_eq!(answer["url"], format!("{}/x", to.origin()));
    assert_eq!(from.seen()[0].header("authorization"), Some("secret"));
    assert_eq!(to.seen()[0].header("authorization"), None);
    assert_eq!(to.seen()[0].header("x-mine"), Some("y"));
    assert_eq!(to.seen()[0].header("referer"), None);
}

#[test]
fn a_redirect_to_what_is_not_granted_is_refused() {
    let secret = Server::saying("secret");
    for to in [
        secret.origin(),
        format!("//{}/", secret.address),
        "file:///etc/passwd".into(),
        "data:,x".into(),
        "http://169.254.169.254/latest/meta-data".into(),
    ] {
        let from = Server::redirecting("302 Found", to.clone());
        let worker = with(grant([&*from.origin()]));
        assert_eq!(get(&worker, from.origin()), REFUSED, "{to}");
    }
    assert!(secret.seen().is_empty());
}

#[test]
fn a_redirect_to_a_private_address_of_a_granted_origin_is_refused() {
    let secret = Server::at("127.0.0.2", |_, stream| respond(stream, "200 OK", &[], b"secret"));
    let from = Server::redirecting("307 Temporary Redirect", secret.origin());
    let mut granted = grant([&*from.origin(), &*secret.origin()]);
    granted.private_networks = vec!["127.0.0.1/32".parse().unwrap()];
    assert_eq!(get(&with(granted), from.origin()), REFUSED);
    assert!(secret.seen().is_empty());
}

#[test]
fn a_relative_redirect_after_a_post_is_a_get() {
    let server = Server::start(|request, stream| match request.path() {
        "/a/b" => respond(stream, "303 See Other", &["Location: ../c"], b""),
        _ => respond(stream, "200 OK", &[], b"there"),
    });
    let worker = with(grant([&*server.origin()]));
    let url = format!("{}/a/b", server.origin());
    let answer = fetch(&worker, &json!({ "url": url, "method": "POST", "body": "x" }));
    assert_eq!(answer["body"], "there");
    let seen = server.seen();
    assert_eq!((&*seen[1].line, seen[1].body.len()), ("GET /c HTTP/1.1", 0));
}

#[test]
fn a_redirect_changes_to_no_method_that_is_not_granted() {
    let server = Server::redirecting("303 See Other", "/x".into());
    let mut granted = grant([&*server.origin()]);
    granted.methods = vec!["POST".into()];
    let answer = fetch(&with(granted), &json!({ "url": server.origin(), "method": "POST" }));
    assert_eq!(answer, REFUSED);
    assert_eq!(server.seen().len(), 1);
}

#[test]
fn redirects_in_a_circle_end() {
    let server = Server::redirecting("302 Found", "/".into());
    let worker = with(grant([&*server.origin()]));
    assert_eq!(get(&worker, server.origin()), "TypeError E_REDIRECTS");
    assert_eq!(server.seen().len(), 6);
    let request = json!({ "url": server.origin(), "redirect": "error" });
    assert_eq!(fetch(&worker, &request), "TypeError E_REDIRECTS");
    let request = json!({ "url": server.origin(), "redirect": "manual" });
    assert_eq!(fetch(&worker, &request)["status"], 302);
}

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
    alone("network::requests_that_are_cancelled_leave_nothing_behind", || {
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
fn a_polluted_prototype_adds_nothing_to_a_request() {
    let server = Server::saying("ok");
    let worker = with(grant([&*server.origin()]));
    let code = format!(
        "Object.prototype.url = 'http://evil.example.com';
        Object.prototype.asked = Object.prototype.bytes = 'polluted';
        Object.prototype[0] = Object.prototype[1] = ['x-evil', '1'];
        Array.prototype.toJSON = Object.prototype.toJSON = () => 'polluted';
        Promise.prototype.then = () => {{ for (;;); }};
        ask({{ url: '{}' }}); 0",
        server.origin()
    );
    worker.blocking_execute(code).unwrap();
    assert!(eventually(|| !server.seen().is_empty()));
    let seen = &server.seen()[0];
    assert_eq!((&*seen.line, seen.header("x-evil")), ("GET / HTTP/1.1", None));
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

#[test]
fn a_connection_that_is_no_tls_or_no_http_is_an_error() {
    let server = Server::start(|_, stream| {
        let _ = stream.write_all(b"SSH-2.0-OpenSSH_9.2\r\n");
    });
    let tls = format!("https://{}", server.address);
    let worker = with(grant([&*server.origin(), &*tls]));
    assert_eq!(get(&worker, server.origin()), "TypeError E_NETWORK");
    assert_eq!(get(&worker, tls), "TypeError E_NETWORK");
}

#[test]
fn a_server_whose_certificate_nobody_vouches_for_is_told_nothing() {
    use rustls::pki_types::pem::PemObject as _;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    use rustls::{ServerConfig, ServerConnection};

    let pem = include_bytes!("../tls/localhost.pem");
    let config =
        ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![CertificateDer::from_pem_slice(pem).unwrap()],
                PrivateKeyDer::from_pem_slice(pem).unwrap(),
            )
            .unwrap();
    let mut session = ServerConnection::new(Arc::new(config)).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        rustls::Stream::new(&mut session, &mut stream).read(&mut [0])
    });
    let code = format!("ask({{ url: '{url}' }}).catch(error => error.message)");
    let told = with(grant([&*url])).blocking_execute(code).unwrap();
    assert!(told.as_str().unwrap().contains("invalid peer certificate"), "{told}");
    assert!(server.join().unwrap().is_err());
}

#[test]
fn a_lookup_that_hangs_holds_up_nobody_else() {
    let (asked, asks) = mpsc::channel();
    let client = HttpClient::with_resolver(move |_: &str| {
        asked.send(()).unwrap();
        loop {
            std::thread::park();
        }
    });
    let hanging = builder(grant(["http://*.example.com"])).fetcher(client).build().unwrap();
    let code = "for (let i = 0; i < 50; i++) ask({ url: `http://a${i}.example.com` }); 0";
    hanging.blocking_execute(code).unwrap();
    asks.recv_timeout(Duration::from_secs(30)).unwrap();
    let server = Server::saying("ok");
    assert_eq!(get(&with(grant([&*server.origin()])), server.origin())["body"], "ok");
    assert_alive(&hanging);
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

#[test]
fn what_is_revoked_between_calls_is_refused() {
    let server = Server::saying("ok");
    let worker = with(grant([&*server.origin()]));
    assert_eq!(get(&worker, server.origin())["body"], "ok");
    worker.blocking_execute("globalThis.kept = fetch; Object.freeze(globalThis); 0").unwrap();
    let mut less = worker.capabilities();
    less.network.as_mut().unwrap().private_networks.clear();
    worker.narrow(less.clone()).unwrap();
    assert_eq!(get(&worker, server.origin()), REFUSED);
    less.network = None;
    worker.narrow(less).unwrap();
    let code = "kept('http://127.0.0.1').catch(error => error.code)";
    assert_eq!(worker.blocking_execute(code), Ok("E_REFUSED".into()));
    assert_eq!(server.seen().len(), 1);
}

#[test]
fn without_the_grant_there_is_no_fetch() {
    let worker = crate::support::worker();
    assert_eq!(worker.blocking_execute("typeof fetch"), Ok("undefined".into()));
}
