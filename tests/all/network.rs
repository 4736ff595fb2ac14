//! `fetch`: what a plugin reaches of the network, and what it does not.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use plugin_sandbox::{FetchFuture, FetchRequest, FetchResponse, Fetcher, HttpClient, NetworkGrant};
use serde_json::json;

use crate::support::{assert_alive, eventually};

use crate::server::*;

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
