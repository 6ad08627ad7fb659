//! One HTTP request to the API and its answer; every one is counted.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, LOCATION};
use reqwest::{Client, Response, StatusCode};
use serde_json::Value;
use url::Url;

use super::answer::Answer;
use super::error::{Class, Error};
use super::http;
use super::lanes::Lane;
use super::limiter::{Heard, Limiter, Permit};
use super::service_url::ServiceUrl;

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

/// The way to the API, in one lane. Clones share connections, pace and counts.
#[derive(Clone)]
pub(super) struct Transport {
    wire: Arc<Wire>,
    lane: Lane,
    insists: bool,
}

struct Wire {
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
        let (keeping, fresh) = (build(8)?, build(0)?);
        let wire = Wire { keeping, fresh, service, bounds, limiter, counts: Counts::default() };
        Ok(Self { wire: Arc::new(wire), lane: Lane::default(), insists: false })
    }

    /// The same way, in another lane.
    pub(super) fn in_lane(&self, lane: Lane) -> Self {
        Self { lane, ..self.clone() }
    }

    /// The same way for whoever asks on a timetable of his own, also while the server is down: one at a time.
    pub(super) fn insisting(&self) -> Self {
        Self { insists: true, ..self.clone() }
    }

    /// Waits for a turn; the call counts as under way as long as the permit lives.
    ///
    /// # Errors
    /// `Resting`, `Down`.
    pub(super) async fn permit(&self) -> Result<Permit<'_>, Error> {
        self.wire.limiter.permit(self.lane, self.insists).await
    }

    /// Sends one call's parameters and reads the answer, refusals included.
    ///
    /// The body goes as JSON with a Content-Type of exactly `application/json`: with a charset behind it, Kaltura ignores
    /// the body. Nothing goes into the query, where it would end up in logs and beat the body.
    ///
    /// # Errors
    /// `Resting` and `Down` without sending; `Timeout`, `Unreachable`, `HttpStatus`, `Unreadable` as they say.
    pub(super) async fn post(&self, call: &'static str, body: &Value, over: Connection) -> Result<Answer, Error> {
        let permit = self.permit().await?;
        self.wire.counts.add(call);
        let client = match over {
            Connection::Kept => &self.wire.keeping,
            Connection::Fresh => &self.wire.fresh,
        };
        let request = client.post(self.url(call)).header(CONTENT_TYPE, "application/json").body(body.to_string());
        let answer = self.exchange(call, request).await;
        permit.heard(heard(&answer));
        if answer.as_ref().is_err_and(|error| error.class() == Class::SlowDown) {
            self.wire.limiter.slow_down();
        }
        answer
    }

    /// Asks for a file; the body is not read yet. Not among the calls, but kept to their pace.
    ///
    /// # Errors
    /// `Resting` and `Down` without sending; `Timeout`, `Unreachable`.
    pub(super) async fn post_for_file(&self, call: &'static str, body: &Value) -> Result<Response, Error> {
        let permit = self.permit().await?;
        let keeping = &self.wire.keeping;
        let request = keeping.post(self.url(call)).header(CONTENT_TYPE, "application/json").body(body.to_string());
        let response = request.send().await.map_err(|error| http::failed(call, error, self.wire.bounds.timeout));
        permit.heard(match &response {
            Ok(response) if response.status().is_server_error() => Heard::Nothing,
            Ok(_) => Heard::Answer,
            Err(error) => heard_in(error),
        });
        response
    }

    /// How long an exchange may take.
    pub(super) fn timeout(&self) -> Duration {
        self.wire.bounds.timeout
    }

    async fn exchange(&self, call: &'static str, request: reqwest::RequestBuilder) -> Result<Answer, Error> {
        let timeout = self.timeout();
        let response = request.send().await.map_err(|error| http::failed(call, error, timeout))?;
        if response.status() != StatusCode::OK {
            let redirect = redirect_of(&response);
            return Err(Error::HttpStatus { call, status: response.status().as_u16(), redirect });
        }
        let body = http::body(call, response, self.wire.bounds.answer_bytes_max, timeout).await?;
        Answer::parse(call, &body)
    }

    /// `multirequest:look` is for people; the wire knows `multirequest`. A single call is `service.action`.
    fn url(&self, call: &str) -> Url {
        match call.split_once('.') {
            Some((service, action)) => self.wire.service.join(&format!("api_v3/service/{service}/action/{action}")),
            None => self.wire.service.join("api_v3/service/multirequest"),
        }
    }

    /// The server asked, inside an answer, to slow down.
    pub(super) fn slow_down(&self) {
        self.wire.limiter.slow_down();
    }

    /// The server answered as it should.
    pub(super) fn went_well(&self) {
        self.wire.limiter.went_well();
    }

    pub(super) fn limiter(&self) -> &Limiter {
        &self.wire.limiter
    }

    pub(super) fn calls(&self) -> u64 {
        self.wire.counts.total.load(Ordering::Relaxed)
    }

    pub(super) fn calls_by_name(&self) -> BTreeMap<&'static str, u64> {
        self.wire.counts.by_call.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What an answer, or the lack of one, says about the server.
fn heard(answer: &Result<Answer, Error>) -> Heard {
    answer.as_ref().map_or_else(heard_in, |_| Heard::Answer)
}

fn heard_in(error: &Error) -> Heard {
    match error {
        error if error.is_no_answer() => Heard::Nothing,
        Error::Unreadable { .. } => Heard::Unclear,
        _ => Heard::Answer,
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
