//! A request as the plugin asks for it, and as it may be sent.

use std::sync::Arc;

use serde::Deserialize;
use serde_bytes::ByteBuf;
use url::Url;

use super::fetcher::FetchRequest;
use super::headers;
use crate::host::error::HostError;
use crate::host::refusal::{refused, too_large};
use crate::policy::NetworkGrant;

/// The longest URL, in bytes.
const MAX_URL: usize = 16 * 1024;

/// The longest method, in bytes.
const MAX_METHOD: usize = 32;

/// Methods that the Fetch standard writes in capitals, however they come.
const NORMALIZED: [&str; 6] = ["DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT"];

/// What to do with a redirect.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum RedirectMode {
    /// Follow it.
    #[default]
    Follow,
    /// Fail.
    Error,
    /// Answer with it.
    Manual,
}

/// The argument of `fetch`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    url: String,
    method: Option<String>,
    headers: Option<Vec<(String, String)>>,
    body: Option<ByteBuf>,
    redirect: Option<RedirectMode>,
}

impl Asked {
    fn method(&self) -> String {
        let method = self.method.as_deref().unwrap_or("GET");
        let known = NORMALIZED.into_iter().find(|known| known.eq_ignore_ascii_case(method));
        known.unwrap_or(method).to_owned()
    }

    /// Method and URL for people to read; no password is ever in it.
    pub(super) fn target(&self) -> String {
        let shown = parse(&self.url).map_or("(no URL)".into(), |url| shown(&url));
        format!("{} {shown}", self.method())
    }

    pub(super) fn redirect(&self) -> RedirectMode {
        self.redirect.unwrap_or_default()
    }

    /// The request that this asks for, if all of it is granted.
    pub(super) fn checked(
        self,
        plugin: &str,
        grant: &NetworkGrant,
    ) -> Result<FetchRequest, HostError> {
        let method = self.method();
        if method.len() > MAX_METHOD || !headers::is_token(&method) {
            return Err(HostError::type_error("this is no method of HTTP"));
        }
        check_method(&method, grant)?;
        let mut url = parse(&self.url)?;
        url.set_fragment(None);
        check_url(&url, grant)?;
        let headers = headers::checked(self.headers.unwrap_or_default(), grant)?;
        if self.body.is_some() && matches!(&*method, "GET" | "HEAD") {
            return Err(HostError::type_error(format!("a {method} request has no body")));
        }
        let limit = grant.request_size;
        if self.body.as_ref().is_some_and(|body| body.len() as u64 > limit.as_u64()) {
            return Err(too_large(format!("a request body of more than {limit}")));
        }
        let body = self.body.map(|body| Arc::from(body.into_vec()));
        let (plugin, private_networks) = (plugin.to_owned(), grant.private_networks.clone());
        Ok(FetchRequest { plugin, method, url, headers, body, private_networks })
    }
}

/// A URL without what a log should not have: user, password, fragment.
fn shown(url: &Url) -> String {
    let mut url = url.clone();
    url.set_fragment(None);
    // These fail for URLs that have no user information.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.into()
}

fn parse(url: &str) -> Result<Url, HostError> {
    if url.len() > MAX_URL {
        return Err(too_large(format!("a URL of more than {MAX_URL} bytes")));
    }
    Url::parse(url).map_err(|error| HostError::type_error(format!("invalid URL: {error}")))
}

/// Checks the method of a request, and of each redirect.
pub(super) fn check_method(method: &str, grant: &NetworkGrant) -> Result<(), HostError> {
    if grant.methods.iter().any(|granted| granted == method) {
        return Ok(());
    }
    Err(refused(format!("the method {method} is not granted")))
}

/// Checks where a request, and each redirect, goes.
pub(super) fn check_url(url: &Url, grant: &NetworkGrant) -> Result<(), HostError> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(refused(format!("{}: is neither http nor https", url.scheme())));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refused("a URL with a user or a password in it"));
    }
    if url.as_str().len() > MAX_URL {
        return Err(too_large(format!("a URL of more than {MAX_URL} bytes")));
    }
    if grant.origins.iter().any(|origin| origin.matches(url)) {
        return Ok(());
    }
    Err(refused(format!("{} is not granted", url.origin().ascii_serialization())))
}
