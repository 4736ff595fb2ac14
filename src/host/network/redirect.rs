//! Redirects, as the Fetch standard has them, each a new request that must be granted.

use url::Url;

use super::fetcher::{FetchRequest, FetchResponse};
use super::refusal::failed;
use super::request::{check_method, check_url};
use crate::host::error::HostError;
use crate::policy::NetworkGrant;

/// What speaks of a body, and goes with it.
const BODY_HEADERS: [&str; 4] =
    ["content-encoding", "content-language", "content-location", "content-type"];

/// Where the response sends us, if it does.
pub(super) fn location(
    request: &FetchRequest,
    response: &FetchResponse,
) -> Result<Option<Url>, HostError> {
    if !matches!(response.status, 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let mut locations =
        response.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("location"));
    let Some((_, location)) = locations.next() else { return Ok(None) };
    let invalid = || failed("a redirect to what is no URL");
    if locations.any(|(_, other)| other != location) {
        return Err(failed("a redirect to two places at once"));
    }
    let location = std::str::from_utf8(location).map_err(|_| invalid())?;
    let mut url = request.url.join(location).map_err(|_| invalid())?;
    url.set_fragment(None);
    Ok(Some(url))
}

/// Makes `request` the one that follows it to `url`, if that is granted.
pub(super) fn follow(
    request: &mut FetchRequest,
    status: u16,
    url: Url,
    grant: &NetworkGrant,
) -> Result<(), HostError> {
    let becomes_get = match status {
        301 | 302 => request.method == "POST",
        303 => !matches!(&*request.method, "GET" | "HEAD"),
        _ => false,
    };
    if becomes_get {
        request.method = "GET".into();
        request.body = None;
        request.headers.retain(|(name, _)| !BODY_HEADERS.contains(&name.as_str()));
    }
    check_method(&request.method, grant)?;
    check_url(&url, grant)?;
    if url.origin() != request.url.origin() {
        request.headers.retain(|(name, _)| name != "authorization");
    }
    request.url = url;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: &str) -> FetchRequest {
        let mut request = FetchRequest::new("p", method, "https://a.org/x/y".parse().unwrap());
        request.body = Some(b"body".as_slice().into());
        for name in ["authorization", "content-type", "x-mine"] {
            request.headers.push((name.into(), b"v".into()));
        }
        request
    }

    fn followed(method: &str, status: u16, to: &str) -> Result<FetchRequest, HostError> {
        let mut grant = NetworkGrant::to(["https://a.org", "https://b.org"]).unwrap();
        grant.methods.extend(["POST".into(), "PUT".into()]);
        let mut request = request(method);
        follow(&mut request, status, to.parse().unwrap(), &grant).map(|()| request)
    }

    #[test]
    fn methods_change_as_the_standard_says() {
        for (method, status, then) in [
            ("POST", 301, "GET"),
            ("POST", 302, "GET"),
            ("PUT", 302, "PUT"),
            ("PUT", 303, "GET"),
            ("HEAD", 303, "HEAD"),
            ("POST", 307, "POST"),
            ("POST", 308, "POST"),
        ] {
            let request = followed(method, status, "https://a.org/").unwrap();
            assert_eq!(request.method, then, "{method} {status}");
            assert_eq!(request.body.is_some(), then == method);
            let typed = request.headers().any(|(name, _)| name == "content-type");
            assert_eq!(typed, then == method);
        }
    }

    #[test]
    fn authorization_stays_with_its_origin() {
        let has = |to| {
            let request = followed("GET", 302, to).unwrap();
            request.headers().any(|(name, _)| name == "authorization")
        };
        assert!(has("https://a.org/z") && !has("https://b.org/z"));
    }

    #[test]
    fn a_redirect_goes_nowhere_that_a_request_may_not() {
        for to in ["https://c.org/", "http://a.org/", "https://a.org:444/", "file:///etc/passwd"] {
            let error = followed("GET", 302, to).unwrap_err();
            assert_eq!(error.code.as_deref(), Some("E_REFUSED"), "{to}");
        }
        assert!(followed("GET", 302, "https://u:p@a.org/").is_err());
    }

    #[test]
    fn a_location_is_relative_to_the_request() {
        let location = |value: &str| {
            let response = FetchResponse::new(302).header("Location", value);
            location(&request("GET"), &response).map(|url| url.map(String::from))
        };
        assert_eq!(location("../z#f"), Ok(Some("https://a.org/z".into())));
        assert_eq!(location("//b.org"), Ok(Some("https://b.org/".into())));
        assert!(location("http://[").is_err());
    }
}
