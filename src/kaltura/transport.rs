//! One HTTP request to the API and its answer; every one is counted.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, LOCATION};
use reqwest::{Client, Response, StatusCode};
use serde_json::Value;
use url::Url;

use super::answer::Answer;
use super::error::{Class, Error};
use super::http;
use super::limiter::Limiter;
use super::service_url::ServiceUrl;
use crate::domain::clock::Timestamp;

/// The bounds of one exchange with the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Until the connection stands, TLS included.
    pub connect_timeout: Duration,
    /// Until the whole answer is here.
    pub timeout: Duration,
    /// An answer is not read beyond this, decompressed.
    pub answer_bytes_max: usize,
}

impl Default for Bounds {
    /// 10 s, 60 s (as the reference handler), 64 MiB.
    fn default() -> Self {
        Self { connect_timeout: Duration::from_secs(10), timeout: Duration::from_secs(60), answer_bytes_max: 64 << 20 }
    }
}

/// Whether a call may use a connection that is already open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Connection {
    /// Any.
    #[default]
    Kept,
    /// A new one: behind a balancer this may be another server, which is why a removal is confirmed over one.
    Fresh,
}

pub(super) struct Transport {
    service: ServiceUrl,
    bounds: Bounds,
    keeping: Client,
    fresh: Client,
    limiter: Limiter,
    counts: Counts,
}

/// How many HTTP requests went to the API, in all and by call.
#[derive(Default)]
struct Counts {
    total: AtomicU64,
    by_call: Mutex<BTreeMap<&'static str, u64>>,
}

impl Transport {
    pub(super) fn new(service: ServiceUrl, bounds: Bounds, limiter: Limiter) -> Result<Self, Error> {
        let build = |idle_max| {
            http::builder(service.as_url())?
                .connect_timeout(bounds.connect_timeout)
                .timeout(bounds.timeout)
                .pool_max_idle_per_host(idle_max)
                .build()
                .map_err(|error| Error::Setup(format!("no HTTP client for {service}: {}", error.without_url())))
        };
        Ok(Self { keeping: build(8)?, fresh: build(0)?, service, bounds, limiter, counts: Counts::default() })
    }

    /// Sends one call's parameters and reads the answer, refusals included.
    ///
    /// The body goes as JSON with a Content-Type of exactly `application/json`: with a charset behind it, Kaltura ignores
    /// the body. Nothing goes into the query, where it would end up in logs and beat the body.
    ///
    /// # Errors
    /// `Resting` without sending; `Timeout`, `Unreachable`, `HttpStatus`, `Unreadable` as they say.
    pub(super) async fn post(&self, call: &'static str, body: &Value, over: Connection) -> Result<Answer, Error> {
        let _permit = self.limiter.permit().await?;
        self.counts.add(call);
        let client = match over {
            Connection::Kept => &self.keeping,
            Connection::Fresh => &self.fresh,
        };
        let request = client.post(self.url(call)).header(CONTENT_TYPE, "application/json").body(body.to_string());
        let answer = self.exchange(call, request).await;
        if answer.as_ref().is_err_and(|error| error.class() == Class::SlowDown) {
            self.limiter.slow_down();
        }
        answer
    }

    /// Asks for a file; the body is not read yet. Not among the calls, but kept to their pace.
    ///
    /// # Errors
    /// `Resting` without sending; `Timeout`, `Unreachable`.
    pub(super) async fn post_for_file(&self, call: &'static str, body: &Value) -> Result<Response, Error> {
        let _permit = self.limiter.permit().await?;
        let request = self.keeping.post(self.url(call)).header(CONTENT_TYPE, "application/json").body(body.to_string());
        request.send().await.map_err(|error| http::failed(call, error, self.bounds.timeout))
    }

    /// How long an exchange may take.
    pub(super) fn timeout(&self) -> Duration {
        self.bounds.timeout
    }

    async fn exchange(&self, call: &'static str, request: reqwest::RequestBuilder) -> Result<Answer, Error> {
        let timeout = self.bounds.timeout;
        let response = request.send().await.map_err(|error| http::failed(call, error, timeout))?;
        if response.status() != StatusCode::OK {
            let redirect = redirect_of(&response);
            return Err(Error::HttpStatus { call, status: response.status().as_u16(), redirect });
        }
        let body = http::body(call, response, self.bounds.answer_bytes_max, timeout).await?;
        Answer::parse(call, &body)
    }

    /// `multirequest:look` is for people; the wire knows `multirequest`. A single call is `service.action`.
    fn url(&self, call: &str) -> Url {
        match call.split_once('.') {
            Some((service, action)) => self.service.join(&format!("api_v3/service/{service}/action/{action}")),
            None => self.service.join("api_v3/service/multirequest"),
        }
    }

    /// The server asked, inside an answer, to slow down.
    pub(super) fn slow_down(&self) {
        self.limiter.slow_down();
    }

    /// The server answered as it should.
    pub(super) fn went_well(&self) {
        self.limiter.went_well();
    }

    pub(super) fn resting_until(&self) -> Option<Timestamp> {
        self.limiter.resting_until()
    }

    pub(super) fn calls(&self) -> u64 {
        self.counts.total.load(Ordering::Relaxed)
    }

    pub(super) fn calls_by_name(&self) -> BTreeMap<&'static str, u64> {
        self.counts.by_call.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Counts {
    fn add(&self, call: &'static str) {
        self.total.fetch_add(1, Ordering::Relaxed);
        *self.by_call.lock().unwrap_or_else(PoisonError::into_inner).entry(call).or_default() += 1;
    }
}

/// The scheme and host a redirect points to; the rest could hold anything.
fn redirect_of(response: &Response) -> Option<String> {
    let location = response.headers().get(LOCATION).filter(|_| response.status().is_redirection())?;
    let target = response.url().join(location.to_str().ok()?).ok()?;
    Some(target.origin().ascii_serialization())
}
