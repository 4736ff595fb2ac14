//! `HttpClient`: the built-in fetcher.

use std::error::Error;
use std::fmt;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ipnet::IpNet;
use reqwest::header::{HeaderName, HeaderValue};
use reqwest::{Client, Method, redirect, retry};
use rustls::{ClientConfig, RootCertStore};
use url::Host;

use super::addresses;
use super::fetcher::{FetchBody, FetchError, FetchFuture, FetchRequest, FetchResponse, Fetcher};
use super::lookup::{GrantedAddresses, Lookup, Resolver, ask_system, not_public};

/// How long a connection is kept for the next request.
const IDLE: Duration = Duration::from_secs(30);

/// Connections that are kept for each host.
const IDLE_PER_HOST: usize = 2;

/// Clients that are kept, one for each set of private networks. Another set comes up when a
/// grant is narrowed.
const KEPT: usize = 4;

/// The built-in [`Fetcher`]: HTTP/1.1 and HTTP/2, with TLS 1.2 and 1.3 in Rust and the
/// certificate authorities that Mozilla ships.
///
/// Every plugin that is granted `network` has one of its own unless the host gives a fetcher, so
/// there is nothing to do for it. A host gives one itself to resolve names in its own way:
///
/// ```
/// use std::io;
/// use std::net::IpAddr;
/// use plugin_sandbox::{HttpClient, NetworkGrant, PluginCapabilities, PluginWorker};
///
/// let client = HttpClient::with_resolver(|name: &str| match name {
///     "api.example.com" => Ok(vec![IpAddr::from([127, 0, 0, 1])]),
///     _ => Err(io::ErrorKind::NotFound.into()),
/// });
/// let worker = PluginWorker::builder("reader")
///     .capabilities(
///         PluginCapabilities::default().network(NetworkGrant::to(["http://api.example.com"])?),
///     )
///     .fetcher(client)
///     .build()?;
/// // The name leads to this machine, which is not of the public internet.
/// let code = "fetch('http://api.example.com').catch(e => e.code)";
/// assert_eq!(worker.blocking_execute(code)?, "E_REFUSED");
/// # Ok::<(), plugin_sandbox::PluginError>(())
/// ```
///
/// It connects to public addresses and to the private networks of the request and to nothing
/// else, whatever a name resolves to: to the very address that was checked. It knows no proxies
/// (also none from the environment), no cookies, no credentials and no referrer; it follows no
/// redirects and repeats no request; it asks for no compression and undoes none. Idle
/// connections are kept for half a minute, and shared by the plugins that one client is given
/// to.
pub struct HttpClient {
    lookup: Lookup,
    /// Made when they are first needed; the one used last is the last.
    made: Mutex<Vec<(Vec<IpNet>, Client)>>,
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClient").finish_non_exhaustive()
    }
}

impl Default for HttpClient {
    fn default() -> Self {
        Self::new()
    }
}

impl HttpClient {
    /// A client that asks the system for the addresses of names.
    pub fn new() -> Self {
        Self::with_resolver(ask_system)
    }

    /// A client that asks `resolver` for them. At most 8 at once.
    pub fn with_resolver(resolver: impl Resolver + 'static) -> Self {
        Self { lookup: Lookup::new(Arc::new(resolver)), made: Mutex::default() }
    }

    /// The client whose connections go to these private networks at most: none must be used
    /// again by who was granted fewer.
    fn client(&self, private_networks: &[IpNet]) -> Result<Client, FetchError> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = match made.iter().position(|(networks, _)| networks == private_networks) {
            Some(at) => made.remove(at),
            None => (private_networks.to_vec(), self.build(private_networks)?),
        };
        let client = entry.1.clone();
        if made.len() >= KEPT {
            made.remove(0);
        }
        made.push(entry);
        Ok(client)
    }

    fn build(&self, private_networks: &[IpNet]) -> Result<Client, FetchError> {
        let resolver = GrantedAddresses {
            lookup: self.lookup.clone(),
            private_networks: private_networks.to_vec(),
        };
        let no_client = |error: &dyn Error| FetchError::failed(format!("no client: {error}"));
        Client::builder()
            .tls_backend_preconfigured(tls().map_err(|error| no_client(&error))?)
            .dns_resolver(resolver)
            .no_proxy()
            .referer(false)
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(IDLE_PER_HOST)
            .build()
            .map_err(|error| no_client(&error))
    }

    async fn send(&self, request: FetchRequest) -> Result<FetchResponse, FetchError> {
        check_literal(&request)?;
        let client = self.client(&request.private_networks)?;
        let method = Method::from_bytes(request.method.as_bytes()).map_err(|error| told(&error))?;
        let mut sent = client.request(method, request.url);
        for (name, value) in request.headers {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|error| told(&error))?;
            let value = HeaderValue::from_bytes(&value).map_err(|error| told(&error))?;
            sent = sent.header(name, value);
        }
        if let Some(body) = request.body {
            sent = sent.body(body.to_vec());
        }
        let received = sent.send().await.map_err(|error| told(&error))?;
        let status = received.status();
        let headers = received.headers().iter();
        let headers =
            headers.map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_owned()));
        let mut response = FetchResponse::new(status.as_u16())
            .status_text(status.canonical_reason().unwrap_or_default());
        response.headers = headers.collect();
        Ok(response.streamed(Received(received)))
    }
}

impl Fetcher for HttpClient {
    fn fetch(&self, request: FetchRequest) -> FetchFuture<'_, FetchResponse> {
        Box::pin(self.send(request))
    }
}

/// Checks a host that is an address: nobody looks it up. The URL parser has brought every
/// spelling of it (`0x7f.1`, `2130706433`) to the one that is connected to.
fn check_literal(request: &FetchRequest) -> Result<(), FetchError> {
    let address: IpAddr = match request.url.host() {
        Some(Host::Ipv4(address)) => address.into(),
        Some(Host::Ipv6(address)) => address.into(),
        Some(Host::Domain(_)) => return Ok(()),
        None => return Err(FetchError::failed("a URL without a host")),
    };
    if addresses::is_allowed(address, &request.private_networks) {
        return Ok(());
    }
    Err(not_public(&address.to_string()))
}

fn tls() -> Result<ClientConfig, rustls::Error> {
    let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// A body on its way.
struct Received(reqwest::Response);

impl FetchBody for Received {
    fn next(&mut self) -> FetchFuture<'_, Option<Vec<u8>>> {
        Box::pin(async {
            let piece = self.0.chunk().await.map_err(|error| told(&error))?;
            Ok(piece.map(Vec::from))
        })
    }
}

/// An error as the plugin is told it: a refusal of ours as it is, of anything else its kind.
/// Texts of the system's stay here; they may name what is the host's.
fn told(error: &(dyn Error + 'static)) -> FetchError {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(ours) = error.downcast_ref::<FetchError>() {
            return ours.clone();
        }
        if let Some(error) = error.downcast_ref::<rustls::Error>() {
            return FetchError::failed(format!("no safe connection: {error}"));
        }
        cause = match error.downcast_ref::<io::Error>().map(|error| (error, error.get_ref())) {
            // Its `source` would be what lies behind the one it was made of.
            Some((_, Some(inner))) => Some(inner),
            Some((error, None)) => {
                return FetchError::failed(format!("the connection failed: {}", error.kind()));
            }
            None => error.source(),
        };
    }
    tracing::debug!(?error, "a plugin's request failed");
    FetchError::failed("the request failed, or the response is no HTTP")
}
