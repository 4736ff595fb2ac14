//! The `network` capability: `fetch`, under a [`NetworkGrant`].
//!
//! | module | what it owns |
//! |---|---|
//! | `request`, `headers` | what a plugin asks for, and whether it may |
//! | `exchange` | a request and its redirects, until the last byte |
//! | `redirect` | what a redirect makes of a request |
//! | `fetcher` | the trait that sends one request, for hosts to implement |
//! | `client`, `lookup` | the built-in one: `reqwest`, and names resolved to granted addresses |
//! | `addresses` | which addresses are of the public internet |
//!
//! The policy is applied around whoever sends; the addresses are for the sender to check, who
//! alone knows them.

mod addresses;
#[cfg(feature = "fetch")]
mod client;
mod exchange;
mod fetcher;
mod headers;
#[cfg(feature = "fetch")]
mod lookup;
mod redirect;
mod refusal;
mod request;

use std::sync::Arc;

#[cfg(feature = "fetch")]
pub use client::HttpClient;
pub use fetcher::{FetchBody, FetchError, FetchFuture, FetchRequest, FetchResponse, Fetcher};
#[cfg(feature = "fetch")]
pub use lookup::Resolver;

use exchange::Network;
use request::Asked;

use super::call::HostCall;
use super::functions::HostFunctions;
use crate::policy::NetworkGrant;
use crate::protocol::PluginError;

/// `functions`, and `fetch`.
pub(super) fn define(
    functions: HostFunctions,
    grant: &NetworkGrant,
    fetcher: Option<Arc<dyn Fetcher>>,
) -> Result<HostFunctions, PluginError> {
    let fetcher = fetcher.map_or_else(built_in_fetcher, Ok)?;
    let network = Arc::new(Network::new(fetcher, grant.concurrent));
    Ok(functions.async_function("fetch", move |call: HostCall, (asked,): (Asked,)| {
        let network = Arc::clone(&network);
        async move { network.fetch(&call, asked).await }
    }))
}

/// A client for one plugin alone, so that plugins share no connections.
#[cfg(feature = "fetch")]
fn built_in_fetcher() -> Result<Arc<dyn Fetcher>, PluginError> {
    Ok(Arc::new(HttpClient::new()))
}

#[cfg(not(feature = "fetch"))]
fn built_in_fetcher() -> Result<Arc<dyn Fetcher>, PluginError> {
    Err(PluginError::InvalidArgument(
        "`network` is granted and nobody is there to fetch: turn on this crate's feature `fetch`, \
         or give a fetcher with `PluginBuilder::fetcher`"
            .into(),
    ))
}

#[cfg(all(test, not(feature = "fetch")))]
mod tests {
    use super::*;

    #[test]
    fn without_anybody_to_fetch_the_grant_is_an_error() {
        let grant = NetworkGrant::to(["https://api.example.com"]).unwrap();
        let error = define(HostFunctions::new(), &grant, None).unwrap_err().to_string();
        assert!(error.contains("PluginBuilder::fetcher"), "{error}");
    }
}
