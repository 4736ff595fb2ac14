//! A request and its redirects, from the grant to the last byte.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde::Serialize;
use serde_bytes::ByteBuf;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

use super::fetcher::{FetchBody, FetchRequest, FetchResponse, Fetcher};
use super::redirect;
use super::refusal::failed;
use super::request::{Asked, RedirectMode};
use crate::host::call::HostCall;
use crate::host::error::HostError;
use crate::host::refusal::{refused, too_large};
use crate::policy::NetworkGrant;

/// Response headers that a plugin does not get: cookies are nobody's here.
const HIDDEN_HEADERS: [&str; 2] = ["set-cookie", "set-cookie2"];

/// What `fetch` answers.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Answer {
    url: String,
    status: u16,
    status_text: String,
    headers: Vec<(String, String)>,
    redirected: bool,
    body: ByteBuf,
}

/// The network as one plugin has it.
pub(super) struct Network {
    fetcher: Arc<dyn Fetcher>,
    under_way: Semaphore,
    /// How many requests may be under way; fewer if the grant has been narrowed.
    concurrent: AtomicUsize,
}

impl Network {
    pub(super) fn new(fetcher: Arc<dyn Fetcher>, concurrent: usize) -> Self {
        let concurrent = concurrent.min(Semaphore::MAX_PERMITS);
        let under_way = Semaphore::new(concurrent);
        Self { fetcher, under_way, concurrent: AtomicUsize::new(concurrent) }
    }

    pub(super) async fn fetch(&self, call: &HostCall, asked: Asked) -> Result<Answer, HostError> {
        let account = call.audited("fetch", &asked.target());
        account.close(self.granted(call, asked).await)
    }

    async fn granted(&self, call: &HostCall, asked: Asked) -> Result<Answer, HostError> {
        let Some(grant) = &call.capabilities().network else {
            return Err(refused("`network` is not granted any more"));
        };
        let mode = asked.redirect();
        let request = asked.checked(call.plugin_id(), grant)?;
        let _permit = self.permit(grant.concurrent).await?;
        timeout(grant.time, self.exchange(request, mode, grant)).await.unwrap_or_else(|_| {
            let time = grant.time;
            Err(HostError::new(format!("no response within {time:?}")).with_code("E_TIMEOUT"))
        })
    }

    /// Waits until one more request may be under way.
    async fn permit(&self, limit: usize) -> Result<SemaphorePermit<'_>, HostError> {
        let before = self.concurrent.fetch_min(limit, Ordering::Relaxed);
        if let Some(fewer @ 1..) = before.checked_sub(limit) {
            let forgotten = self.under_way.forget_permits(fewer);
            // What is under way keeps its permit, and is asked for again next time.
            self.concurrent.fetch_add(fewer - forgotten, Ordering::Relaxed);
        }
        self.under_way.acquire().await.map_err(|_| failed("the plugin has ended"))
    }

    async fn exchange(
        &self,
        mut request: FetchRequest,
        mode: RedirectMode,
        grant: &NetworkGrant,
    ) -> Result<Answer, HostError> {
        for redirects in 0.. {
            let response = self.fetcher.fetch(request.clone()).await?;
            let location = match mode {
                RedirectMode::Manual => None,
                RedirectMode::Follow | RedirectMode::Error => {
                    redirect::location(&request, &response)?
                }
            };
            let Some(location) = location else {
                return answer(request, response, redirects > 0, grant).await;
            };
            let limit = if mode == RedirectMode::Error { 0 } else { grant.redirects };
            if redirects >= limit {
                let error = HostError::type_error(format!("more than {limit} redirects"));
                return Err(error.with_code("E_REDIRECTS"));
            }
            redirect::follow(&mut request, response.status, location, grant)?;
        }
        Err(failed("redirected for ever"))
    }
}

async fn answer(
    request: FetchRequest,
    response: FetchResponse,
    redirected: bool,
    grant: &NetworkGrant,
) -> Result<Answer, HostError> {
    let FetchResponse { status, status_text, headers, body } = response;
    let body = match &*request.method {
        "HEAD" => Vec::new(),
        _ => read(body, grant.response_size.as_u64()).await?.ok_or_else(|| {
            too_large(format!("a response body of more than {}", grant.response_size))
        })?,
    };
    let headers = headers
        .into_iter()
        .map(|(name, value)| {
            (name.to_ascii_lowercase(), value.into_iter().map(char::from).collect())
        })
        .filter(|(name, _): &(String, String)| !HIDDEN_HEADERS.contains(&name.as_str()));
    Ok(Answer {
        url: request.url.into(),
        status,
        status_text,
        headers: headers.collect(),
        redirected,
        body: ByteBuf::from(body),
    })
}

/// The whole body, or `None` as soon as there is more of it than `limit`.
async fn read(mut body: Box<dyn FetchBody>, limit: u64) -> Result<Option<Vec<u8>>, HostError> {
    let mut whole = Vec::new();
    while let Some(piece) = body.next().await? {
        if (whole.len() + piece.len()) as u64 > limit {
            return Ok(None);
        }
        whole.extend_from_slice(&piece);
    }
    Ok(Some(whole))
}
