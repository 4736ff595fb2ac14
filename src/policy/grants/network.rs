//! `NetworkGrant`: where a plugin may send requests.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use bytesize::ByteSize;
use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use url::{Host, Url};

use crate::policy::misfit::Misfit;
use crate::policy::schema;
use crate::protocol::PluginError;

/// Where a plugin may send requests, and how much.
///
/// Every redirect is a new request that is checked like the first. What is refused is a
/// `TypeError` with the code `E_REFUSED`; what fails on the way, one with the code `E_NETWORK`.
///
/// All of it holds for any [`Fetcher`](crate::Fetcher), but for `private_networks`: the built-in
/// client checks every address that a name resolves to and connects to what it has checked; a
/// fetcher of the host's has to do so itself.
///
/// Besides these limits, which are the same for everybody: 64 request headers and 16 KiB of
/// them, URLs of 16 KiB (`RangeError`, `E_TOO_LARGE`); no user information in URLs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct NetworkGrant {
    /// The origins that may be reached. Default none.
    #[schemars(with = "Vec<schema::Site>")]
    pub origins: Vec<Origin>,

    /// The methods that may be used, in capitals. Default GET and HEAD.
    #[schemars(inner(regex(pattern = r"^[A-Z-]+$")))]
    pub methods: Vec<String>,

    /// Networks that may be reached although they are private, loopback, link-local, or
    /// otherwise not of the public internet. Default none: `["127.0.0.0/8", "::1/128"]` is this
    /// machine.
    #[schemars(with = "Vec<schema::Network>")]
    pub private_networks: Vec<IpNet>,

    /// Per request: the body that is sent, in bytes. Default 1 MiB. Hit: a `RangeError` with the
    /// code `E_TOO_LARGE`, and nothing is sent.
    #[schemars(with = "schema::Size")]
    pub request_size: ByteSize,

    /// Per request: the body that is received, in bytes. Default 8 MiB. Hit: a `RangeError` with
    /// the code `E_TOO_LARGE`, and the connection is closed. The built-in client asks for no
    /// compression and undoes none.
    #[schemars(with = "schema::Size")]
    pub response_size: ByteSize,

    /// Per request: the longest time from when it may begin to the last byte, redirects included.
    /// Default 30 s. Hit: an `Error` with the code `E_TIMEOUT`. The wall time of the call that
    /// waits is shorter, as a rule.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "schema::Time")]
    pub time: Duration,

    /// Per plugin: the requests under way. Default 6. Hit: further ones wait. The host's memory
    /// holds this many times [`response_size`](Self::response_size) at most, twice for a moment.
    pub concurrent: usize,

    /// Per request: the redirects that are followed. Default 5. Hit: a `TypeError` with the code
    /// `E_REDIRECTS`.
    pub redirects: usize,
}

impl Default for NetworkGrant {
    fn default() -> Self {
        Self {
            origins: Vec::new(),
            methods: vec!["GET".into(), "HEAD".into()],
            private_networks: Vec::new(),
            request_size: ByteSize::mib(1),
            response_size: ByteSize::mib(8),
            time: Duration::from_secs(30),
            concurrent: 6,
            redirects: 5,
        }
    }
}

impl NetworkGrant {
    /// Access to these origins with default limits.
    ///
    /// # Errors
    ///
    /// [`PluginError::InvalidArgument`] if one is no origin; see [`Origin`].
    pub fn to<'o>(origins: impl IntoIterator<Item = &'o str>) -> Result<Self, PluginError> {
        let origins = origins.into_iter().map(str::parse).collect::<Result<_, _>>()?;
        Ok(Self { origins, ..Self::default() })
    }

    /// Whether this grants nothing that `other` does not.
    pub(crate) fn is_within(&self, other: &Self) -> bool {
        self.origins.iter().all(|origin| other.origins.iter().any(|wide| wide.covers(origin)))
            && self.methods.iter().all(|method| other.methods.contains(method))
            && self
                .private_networks
                .iter()
                .all(|net| other.private_networks.iter().any(|wide| wide.contains(net)))
            && self.request_size <= other.request_size
            && self.response_size <= other.response_size
            && self.time <= other.time
            && self.concurrent <= other.concurrent
            && self.redirects <= other.redirects
    }

    /// Checks that something can be reached at all.
    pub(crate) fn validate(&self) -> Result<(), Misfit> {
        let refuse = |key, what: &str| Err(Misfit::of(key, format!("network: {what}")));
        if self.origins.is_empty() {
            return refuse("origins", "no origin is named, so nothing could be reached");
        }
        if self.methods.is_empty() {
            return refuse("methods", "no method is named, so nothing could be sent");
        }
        if let Some(method) = self.methods.iter().find(|method| {
            method.is_empty() || !method.chars().all(|c| c.is_ascii_uppercase() || c == '-')
        }) {
            return refuse("methods", &format!("{method:?} is no method; write it in capitals"));
        }
        if let Some(method) =
            self.methods.iter().find(|method| matches!(&***method, "CONNECT" | "TRACE" | "TRACK"))
        {
            return refuse("methods", &format!("{method} is a method that no plugin can use"));
        }
        if self.concurrent == 0 {
            return refuse("concurrent", "`concurrent` is zero, so no request could ever be made");
        }
        if self.time.is_zero() {
            return refuse("time", "`time` is zero, so no request could ever end");
        }
        Ok(())
    }
}

/// A scheme, a host and a port that a plugin may reach: `https://api.example.com`,
/// `http://localhost:8080`, or `https://*.example.com` for every name below that domain (and not
/// the domain itself). Only `http` and `https`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    https: bool,
    /// The host as a URL writes it; of a wildcard, what follows `*.`.
    host: String,
    wildcard: bool,
    port: u16,
}

impl Origin {
    /// Whether the origin of `url` is meant.
    pub fn matches(&self, url: &Url) -> bool {
        let scheme = if self.https { "https" } else { "http" };
        let host = url.host_str().unwrap_or_default();
        let is_host = if self.wildcard {
            matches!(url.host(), Some(Host::Domain(_))) && self.is_above(host)
        } else {
            host == self.host
        };
        url.scheme() == scheme && is_host && url.port_or_known_default() == Some(self.port)
    }

    fn is_above(&self, host: &str) -> bool {
        host.strip_suffix(&self.host).is_some_and(|below| below.len() > 1 && below.ends_with('.'))
    }

    /// Whether all that `other` means is meant.
    pub fn covers(&self, other: &Self) -> bool {
        self == other
            || self.wildcard
                && self.https == other.https
                && self.port == other.port
                && self.is_above(&other.host)
    }
}

impl FromStr for Origin {
    type Err = PluginError;

    fn from_str(text: &str) -> Result<Self, PluginError> {
        let refuse = || {
            PluginError::InvalidArgument(format!(
                "invalid origin {text:?}: write scheme, host and, if it is not the scheme's own, \
                 port, as in \"https://api.example.com\" or \"https://*.example.com\""
            ))
        };
        let (scheme, rest) = text.split_once("://").ok_or_else(refuse)?;
        let (wildcard, rest) = match rest.strip_prefix("*.") {
            Some(rest) => (true, rest),
            None => (false, rest),
        };
        let url = Url::parse(&format!("{scheme}://{rest}")).map_err(|_| refuse())?;
        let is_bare = url.path() == "/"
            && !rest.ends_with(['/', '?', '#'])
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none();
        let is_name = matches!(url.host(), Some(Host::Domain(_)));
        let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
            return Err(refuse());
        };
        // A star anywhere else is a character of the host to the URL parser.
        if !is_bare
            || !matches!(url.scheme(), "http" | "https")
            || (wildcard && !is_name)
            || host.contains('*')
        {
            return Err(refuse());
        }
        Ok(Self { https: url.scheme() == "https", host: host.to_owned(), wildcard, port })
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, usual) = if self.https { ("https", 443) } else { ("http", 80) };
        write!(f, "{scheme}://{}{}", if self.wildcard { "*." } else { "" }, self.host)?;
        if self.port == usual { Ok(()) } else { write!(f, ":{}", self.port) }
    }
}

impl Serialize for Origin {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Origin {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(origin: &str, url: &str) -> bool {
        origin.parse::<Origin>().unwrap().matches(&Url::parse(url).unwrap())
    }

    #[test]
    fn an_origin_is_scheme_host_and_port_and_nothing_near_it() {
        assert!(matches("https://api.example.com", "https://API.example.com:443/x?y"));
        assert!(matches("http://[::1]:8080", "http://[0:0::1]:8080/"));
        for url in [
            "http://api.example.com/",
            "https://api.example.com:444/",
            "https://example.com/",
            "https://api.example.com.evil.org/",
            "https://api.example.com@evil.org/",
            "https://api.example.com./",
        ] {
            assert!(!matches("https://api.example.com", url), "{url}");
        }
    }

    #[test]
    fn a_wildcard_means_names_below_and_not_the_domain() {
        assert!(matches("https://*.example.com", "https://a.b.example.com/"));
        for url in ["https://example.com/", "https://evilexample.com/", "https://.example.com/"] {
            assert!(!matches("https://*.example.com", url), "{url}");
        }
        assert!("https://*.127.0.0.1".parse::<Origin>().is_err());
    }

    #[test]
    fn what_is_no_origin_is_refused() {
        for text in [
            "",
            "example.com",
            "ftp://x.org",
            "https://x.org/",
            "https://x.org/a",
            "https://u@x.org",
            "https://",
            "https://*",
            "https://*.*.x.org",
            "https://x.org?",
            "file:///etc",
        ] {
            assert!(text.parse::<Origin>().is_err(), "{text}");
        }
    }
}
