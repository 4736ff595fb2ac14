//! An HTTP server on loopback, and plugins that may reach it.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use plugin_sandbox::{
    HttpClient, NetworkGrant, PluginBuilder, PluginCapabilities, PluginWorker, Value,
};
use serde_json::json;

use crate::support::patient_limits;

/// A request as the server got it.
#[derive(Debug, Clone)]
pub struct Seen {
    pub line: String,
    pub headers: Vec<String>,
    pub body: Vec<u8>,
}

impl Seen {
    pub fn path(&self) -> &str {
        self.line.split(' ').nth(1).unwrap_or_default()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

/// An HTTP server on loopback, a thread for each connection; each has one request.
pub struct Server {
    pub address: SocketAddr,
    pub seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    pub fn start(answer: impl Fn(&Seen, &mut TcpStream) + Send + Sync + 'static) -> Self {
        Self::at("127.0.0.1", answer)
    }

    pub fn at(host: &str, answer: impl Fn(&Seen, &mut TcpStream) + Send + Sync + 'static) -> Self {
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
    pub fn saying(text: &'static str) -> Self {
        Self::start(move |_, stream| respond(stream, "200 OK", &[], text.as_bytes()))
    }

    /// A server that redirects to `to` with this status.
    pub fn redirecting(status: &'static str, to: String) -> Self {
        Self::start(move |_, stream| respond(stream, status, &[&format!("Location: {to}")], b""))
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn seen(&self) -> Vec<Seen> {
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
pub fn respond(stream: &mut TcpStream, status: &str, headers: &[&str], body: &[u8]) {
    let mut head = format!("HTTP/1.1 {status}\r\nConnection: close\r\n");
    for header in headers {
        head += &format!("{header}\r\n");
    }
    head += &format!("Content-Length: {}\r\n\r\n", body.len());
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
}

/// Access to these origins, on this machine.
pub fn grant<'o>(origins: impl IntoIterator<Item = &'o str>) -> NetworkGrant {
    let mut grant = NetworkGrant::to(origins).unwrap();
    grant.methods.push("POST".into());
    grant.private_networks = vec!["127.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()];
    grant
}

pub fn builder(grant: NetworkGrant) -> PluginBuilder<PluginWorker> {
    let capabilities = PluginCapabilities::default().network(grant);
    let builder = PluginWorker::builder("test").limits(patient_limits());
    builder.capabilities(capabilities).script("ask.js", ASK)
}

/// `fetch` as data in and data out.
pub const ASK: &str = "globalThis.ask = async ({ url, ...init }) => {
        const answer = await fetch(url, init);
        const { status, statusText, redirected } = answer;
        const [headers, body] = [[...answer.headers], await answer.bytes()];
        return { url: answer.url, status, statusText, redirected, headers, body };
    }";

pub fn with(grant: NetworkGrant) -> PluginWorker {
    builder(grant).build().unwrap()
}

/// What `fetch` of this answers, with its body as text; or the error's name and code.
pub fn fetch(worker: &PluginWorker, request: &Value) -> Value {
    let code = format!(
        "ask({request}).then(
            answer => ({{ ...answer, body: String.fromCharCode(...answer.body) }}),
            error => `${{error.name}} ${{error.code}}`)"
    );
    worker.blocking_execute(code).unwrap()
}

pub fn get(worker: &PluginWorker, url: impl Into<String>) -> Value {
    fetch(worker, &json!({ "url": url.into() }))
}

pub const REFUSED: &str = "TypeError E_REFUSED";

/// A client for which every name is one of `addresses`, in turn.
pub fn resolving_to(addresses: &[&[&str]]) -> HttpClient {
    let addresses: Vec<Vec<IpAddr>> = addresses
        .iter()
        .map(|addresses| addresses.iter().map(|address| address.parse().unwrap()).collect())
        .collect();
    let turn = AtomicUsize::new(0);
    HttpClient::with_resolver(move |_: &str| {
        Ok(addresses[turn.fetch_add(1, Ordering::SeqCst) % addresses.len()].clone())
    })
}
