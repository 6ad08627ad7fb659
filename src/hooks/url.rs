//! Delivering to a URL: one request, no redirects, no proxy, an address that was judged, an answer of which little is read.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderValue, LOCATION, RETRY_AFTER};
use reqwest::{Client, Method, RequestBuilder, Response};
use url::Url;

use super::Error;
use super::address::{AddressGuard, Listeners, Names};
use super::redaction::Redaction;
use super::schedule::Reply;
use super::target::{Heard, Secrets};
use crate::domain::clock::Timestamp;
use crate::domain::hook::{DeliveryId, PASSED_BY};
use crate::outbound;

/// Who receives at a URL.
pub(super) struct Receiver {
    url: Url,
    guard: AddressGuard,
    client: Client,
    timeout: Duration,
}

/// An answer is not read beyond this.
const ANSWER_MAX_BYTES: usize = 4 << 10;
/// And so much of it is told, for the outbox keeps few words of each attempt.
const ANSWER_TOLD_CHARS: usize = 400;
/// The status has decided already; an answer that dribbles in is not waited for.
const ANSWER_PATIENCE: Duration = Duration::from_secs(2);
/// Until the connection stands, TLS included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Headers of a notification that its handler needs in order to verify it, and the one that keeps it from coming round again.
const PASSED_ON: [&str; 4] = ["content-type", "x-kaltura-signature", "x-kaltura-hash-algo", PASSED_BY];

impl Receiver {
    /// # Errors
    /// When this machine has no certificates to trust, for `https`.
    pub(super) fn new(
        url: Url,
        allow_private: bool,
        timeout: Duration,
        names: Names,
        own: Listeners,
    ) -> Result<Self, Error> {
        let guard = AddressGuard::of(&url, allow_private, names, own);
        let client = outbound::builder(&url)
            .map_err(|why| Error::Setup { why })?
            // A proxy from the environment would connect where we have not looked.
            .no_proxy()
            .no_gzip()
            .dns_resolver(Arc::new(guard.clone()))
            .connect_timeout(CONNECT_TIMEOUT.min(timeout))
            .timeout(timeout)
            .build()
            .map_err(|cause| Error::Setup { why: outbound::innermost(cause) })?;
        Ok(Self { url, guard, client, timeout })
    }

    /// Posts an event the Standard Webhooks way.
    pub(super) async fn post(&self, id: &DeliveryId, body: &str, secrets: &Secrets, at: Timestamp) -> Heard {
        let mut request = self
            .client
            .post(self.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", &id.0)
            .header("webhook-timestamp", at.as_secs());
        if let Some(keys) = &secrets.keys {
            request = request.header("webhook-signature", keys.sign(id, at, body.as_bytes()));
        }
        self.send(request.body(body.to_owned()), at, Some(&secrets.hidden)).await
    }

    /// Passes a notification on as it came: method, body, and what its signature needs.
    pub(super) async fn pass_on(
        &self,
        method: &str,
        headers: &[(String, String)],
        body: Vec<u8>,
        at: Timestamp,
    ) -> Heard {
        let Ok(method) = Method::from_bytes(method.as_bytes()) else {
            return Heard::nothing(format!("{method:?} is no HTTP method"));
        };
        let mut request = self.client.request(method, self.url.clone());
        for (name, value) in headers.iter().filter(|(name, _)| is_passed_on(name)) {
            // From bytes, for a header may be no ASCII; what can be no header at all did not come as one.
            if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
                request = request.header(name, value);
            }
        }
        // What comes back may quote the notification, sessions included: nothing of it is kept.
        self.send(request.body(body), at, None).await
    }

    async fn send(&self, request: RequestBuilder, at: Timestamp, answer_kept: Option<&Redaction>) -> Heard {
        if let Err(refused) = self.guard.judge_literal(&self.url) {
            return Heard::nothing(refused.to_string());
        }
        match request.send().await {
            Ok(answer) => heard(answer, at, answer_kept).await,
            Err(error) if error.is_timeout() && !error.is_connect() => {
                Heard::nothing(format!("no answer within {:?}", self.timeout))
            }
            Err(error) if error.is_timeout() => Heard::nothing("no connection in time".to_owned()),
            Err(error) => Heard::nothing(outbound::innermost(error)),
        }
    }
}

fn is_passed_on(name: &str) -> bool {
    PASSED_ON.iter().any(|kept| name.eq_ignore_ascii_case(kept))
}

async fn heard(answer: Response, at: Timestamp, answer_kept: Option<&Redaction>) -> Heard {
    let status = answer.status();
    let retry_after = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    let reply = Reply::of_status(status.as_u16(), retry_after, at);
    let mut told = format!("answered {status}");
    if let Some(elsewhere) = redirect_of(&answer) {
        told.push_str(&format!(" to {elsewhere}; redirects are not followed, write the URL it leads to"));
    }
    if let Some(hidden) = answer_kept {
        let body = hidden.clean(&beginning(answer).await);
        if !body.trim().is_empty() {
            told.push_str(&format!(": {}", body.trim().chars().take(ANSWER_TOLD_CHARS).collect::<String>()));
        }
    }
    Heard { reply, status: Some(status.as_u16()), told }
}

/// The scheme and host a redirect points to; the rest could hold anything.
fn redirect_of(answer: &Response) -> Option<String> {
    let location = answer.headers().get(LOCATION).filter(|_| answer.status().is_redirection())?;
    let target = answer.url().join(location.to_str().ok()?).ok()?;
    Some(target.origin().ascii_serialization())
}

/// What there is of the answer's body in a moment, up to the bound.
async fn beginning(mut answer: Response) -> String {
    let mut body = Vec::new();
    let read = async {
        while let Ok(Some(chunk)) = answer.chunk().await {
            let room = ANSWER_MAX_BYTES - body.len();
            body.extend_from_slice(&chunk[..chunk.len().min(room)]);
            if body.len() == ANSWER_MAX_BYTES {
                break;
            }
        }
    };
    let _ = tokio::time::timeout(ANSWER_PATIENCE, read).await;
    String::from_utf8_lossy(&body).into_owned()
}
