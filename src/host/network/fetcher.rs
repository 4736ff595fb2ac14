//! `Fetcher`: who sends a plugin's requests.

use std::fmt;
use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;

use ipnet::IpNet;
use url::Url;

use super::addresses;

/// A future that a [`Fetcher`] or a [`FetchBody`] answers with.
pub type FetchFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, FetchError>> + Send + 'a>>;

/// Sends one HTTP request of a plugin's and answers with what came back, whatever its status.
///
/// A host gives its own with [`PluginBuilder::fetcher`](crate::PluginBuilder::fetcher): to go
/// through a proxy, to trust a certificate authority of its own, to answer from a cache, or to
/// answer in tests. The [grant](crate::NetworkGrant) is applied around it: origins, methods,
/// headers, sizes, redirects, time, concurrency and audit are settled before and after. What is
/// left to a fetcher:
///
/// - it follows no redirect itself, but answers with it; otherwise the next origin is not
///   checked;
/// - it adds no cookies and no credentials;
/// - it asks [`FetchRequest::allows_address`] of each address before it connects, or knows
///   better. Only the built-in client does so by itself.
///
/// It is called on a thread of the library's for input and output, in the context of a tokio
/// runtime. Its future is dropped when the time is over and when the plugin's call is stopped,
/// and must give up its connection then.
///
/// ```
/// use plugin_sandbox::{
///     FetchFuture, FetchRequest, FetchResponse, Fetcher, NetworkGrant, PluginCapabilities,
///     PluginWorker,
/// };
///
/// struct Canned;
///
/// impl Fetcher for Canned {
///     fn fetch(&self, request: FetchRequest) -> FetchFuture<'_, FetchResponse> {
///         let body = format!("{} {}", request.method(), request.url().path());
///         Box::pin(async move { Ok(FetchResponse::new(200).body(body)) })
///     }
/// }
///
/// let worker = PluginWorker::builder("reader")
///     .capabilities(
///         PluginCapabilities::default().network(NetworkGrant::to(["https://api.example.com"])?),
///     )
///     .fetcher(Canned)
///     .build()?;
/// let code = "fetch('https://api.example.com/x').then(response => response.text())";
/// assert_eq!(worker.blocking_execute(code)?, "GET /x");
/// # Ok::<(), plugin_sandbox::PluginError>(())
/// ```
pub trait Fetcher: Send + Sync {
    /// Sends `request`. Answers as soon as the head of the response is there.
    fn fetch(&self, request: FetchRequest) -> FetchFuture<'_, FetchResponse>;
}

/// A request that was granted, for a [`Fetcher`] to send.
#[derive(Clone)]
#[non_exhaustive]
pub struct FetchRequest {
    pub(super) plugin: String,
    pub(super) method: String,
    pub(super) url: Url,
    pub(super) headers: Vec<(String, Vec<u8>)>,
    pub(super) body: Option<Arc<[u8]>>,
    pub(super) private_networks: Vec<IpNet>,
}

impl fmt::Debug for FetchRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Headers and body may be secrets.
        f.debug_struct("FetchRequest")
            .field("plugin", &self.plugin)
            .field("method", &self.method)
            .field("url", &self.url.as_str())
            .finish_non_exhaustive()
    }
}

impl FetchRequest {
    /// A request with no headers and no body, for a fetcher's own tests.
    pub fn new(plugin: impl Into<String>, method: impl Into<String>, url: Url) -> Self {
        Self {
            plugin: plugin.into(),
            method: method.into(),
            url,
            headers: Vec::new(),
            body: None,
            private_networks: Vec::new(),
        }
    }

    /// The id of the plugin that asks.
    pub fn plugin_id(&self) -> &str {
        &self.plugin
    }

    /// The method, which was granted.
    pub fn method(&self) -> &str {
        &self.method
    }

    /// Where to: `http` or `https`, of an origin that was granted, without user information and
    /// fragment.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The headers in the plugin's order: lower-case names, and values without line breaks. None
    /// of them is about the connection, the length or the host; these are the fetcher's.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.headers.iter().map(|(name, value)| (name.as_str(), value.as_slice()))
    }

    /// The body, if there is one.
    pub fn body(&self) -> Option<&[u8]> {
        self.body.as_deref()
    }

    /// The networks that may be reached although they are not of the public internet.
    pub fn private_networks(&self) -> &[IpNet] {
        &self.private_networks
    }

    /// Whether a connection to this address is granted: it is of the public internet, or in one
    /// of the [private networks](Self::private_networks).
    pub fn allows_address(&self, address: IpAddr) -> bool {
        addresses::is_allowed(address, &self.private_networks)
    }
}

/// What came back for a [`FetchRequest`].
#[non_exhaustive]
pub struct FetchResponse {
    pub(super) status: u16,
    pub(super) status_text: String,
    pub(super) headers: Vec<(String, Vec<u8>)>,
    pub(super) body: Box<dyn FetchBody>,
}

impl fmt::Debug for FetchResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FetchResponse").field("status", &self.status).finish_non_exhaustive()
    }
}

impl FetchResponse {
    /// A response of this status with no headers and no body.
    pub fn new(status: u16) -> Self {
        Self {
            status,
            status_text: String::new(),
            headers: Vec::new(),
            body: Box::new(Whole(Vec::new())),
        }
    }

    /// The same with the text that stands beside the status: `Not Found`.
    #[must_use]
    pub fn status_text(mut self, text: impl Into<String>) -> Self {
        self.status_text = text.into();
        self
    }

    /// The same with one more header.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// The same with this body.
    #[must_use]
    pub fn body(self, body: impl Into<Vec<u8>>) -> Self {
        self.streamed(Whole(body.into()))
    }

    /// The same with a body that is still on its way.
    #[must_use]
    pub fn streamed(mut self, body: impl FetchBody + 'static) -> Self {
        self.body = Box::new(body);
        self
    }
}

/// The body of a [`FetchResponse`], piece by piece. It is asked for no more than the grant
/// allows, and dropped at its end or as soon as nobody waits for it.
pub trait FetchBody: Send {
    /// The next piece, or `None` at the end.
    fn next(&mut self) -> FetchFuture<'_, Option<Vec<u8>>>;
}

/// A body that is there already.
struct Whole(Vec<u8>);

impl FetchBody for Whole {
    fn next(&mut self) -> FetchFuture<'_, Option<Vec<u8>>> {
        let piece = std::mem::take(&mut self.0);
        Box::pin(std::future::ready(Ok((!piece.is_empty()).then_some(piece))))
    }
}

/// Why there is no response. The plugin is told the message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// It may not be: a `TypeError` with the code `E_REFUSED`.
    #[error("{0}")]
    Refused(String),
    /// It could not be: a `TypeError` with the code `E_NETWORK`.
    #[error("{0}")]
    Failed(String),
}

impl FetchError {
    /// It may not be.
    pub fn refused(message: impl Into<String>) -> Self {
        Self::Refused(message.into())
    }

    /// It could not be: no connection, or none that lasted.
    pub fn failed(message: impl Into<String>) -> Self {
        Self::Failed(message.into())
    }
}
