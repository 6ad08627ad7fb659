//! Fetches files that are no API answers: from where files are, and nowhere else.
//!
//! Redirects are followed a few times, each to a host that is allowed and an address that is. No session goes along.

use std::error::Error as _;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use reqwest::header::{CACHE_CONTROL, LOCATION};
use reqwest::{Client, Response};
use url::Url;

use super::address::{AddressGuard, AddressRefused};
use super::error::Error;
use super::hosts::AllowedHosts;
use super::http;

/// Redirects followed for one file, each checked.
pub const REDIRECTS_MAX: usize = 3;

/// Where files may be, and how long one is waited for.
#[derive(Debug, Clone)]
pub(super) struct FileSettings<'a> {
    /// What is fetched, for messages.
    pub call: &'static str,
    /// The API, which decides what addresses are acceptable.
    pub service: &'a Url,
    /// A host that is always allowed.
    pub base: &'a Url,
    /// Further hosts; `None` is `*.kaltura.com` for a service there, else none.
    pub allowed_hosts: Option<&'a [String]>,
    /// Until the connection stands, TLS included.
    pub connect_timeout: Duration,
    /// Until the whole file is here, for each redirect anew.
    pub timeout: Duration,
}

/// What came of following a URL.
pub(super) enum Followed {
    /// Whatever stands at its end, not a redirect.
    Answer(Response),
    /// Nothing may be fetched from there.
    Refused(Elsewhere),
}

/// Where a file would have to be fetched from, and is not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Elsewhere {
    /// A redirect leads to a host that is not allowed.
    #[error("a redirect leads to {0}, which is neither base_url's host nor in allowed_hosts")]
    HostNotAllowed(String),
    /// The host has an address from which nothing is fetched.
    #[error("{0}")]
    AddressNotAllowed(String),
    /// It is redirected again and again.
    #[error("more than {REDIRECTS_MAX} redirects")]
    TooManyRedirects,
}

/// Fetches files of one account.
pub(super) struct Files {
    call: &'static str,
    hosts: AllowedHosts,
    guard: AddressGuard,
    connect_timeout: Duration,
    timeout: Duration,
    plain: OnceLock<Result<Client, Error>>,
    secure: OnceLock<Result<Client, Error>>,
    requests: AtomicU64,
}

impl Files {
    pub(super) fn new(settings: &FileSettings<'_>) -> Self {
        Self {
            call: settings.call,
            hosts: AllowedHosts::new(settings.base, settings.service, settings.allowed_hosts),
            guard: AddressGuard::of(settings.service),
            connect_timeout: settings.connect_timeout,
            timeout: settings.timeout,
            plain: OnceLock::new(),
            secure: OnceLock::new(),
            requests: AtomicU64::new(0),
        }
    }

    /// HTTP requests so far, redirects included.
    pub(super) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Fetches what is at a URL that was built here.
    ///
    /// # Errors
    /// `Timeout`, `Unreachable`; `Setup` without certificates for HTTPS.
    pub(super) async fn follow(&self, url: Url) -> Result<Followed, Error> {
        self.follow_from(url, 0).await
    }

    /// Fetches what a redirect of the API leads to.
    ///
    /// # Errors
    /// As [`Files::follow`].
    pub(super) async fn follow_redirect(&self, url: Url) -> Result<Followed, Error> {
        match self.hosts.allow(&url) {
            true => self.follow_from(url, 1).await,
            false => Ok(Followed::Refused(Elsewhere::HostNotAllowed(url.origin().ascii_serialization()))),
        }
    }

    async fn follow_from(&self, mut url: Url, redirects: usize) -> Result<Followed, Error> {
        let not_allowed =
            |refused: AddressRefused| Ok(Followed::Refused(Elsewhere::AddressNotAllowed(refused.to_string())));
        for _ in redirects..=REDIRECTS_MAX {
            if let Err(refused) = self.guard.judge_literal(&url).await {
                return not_allowed(refused);
            }
            let response = match self.get(&url).await? {
                Ok(response) => response,
                Err(refused) => return not_allowed(refused),
            };
            let Some(next) = redirect_of(&response) else { return Ok(Followed::Answer(response)) };
            if !self.hosts.allow(&next) {
                return Ok(Followed::Refused(Elsewhere::HostNotAllowed(next.origin().ascii_serialization())));
            }
            url = next;
        }
        Ok(Followed::Refused(Elsewhere::TooManyRedirects))
    }

    async fn get(&self, url: &Url) -> Result<Result<Response, AddressRefused>, Error> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        match self.client(url)?.get(url.clone()).send().await {
            Ok(response) => Ok(Ok(response)),
            Err(error) => match refused_address(&error) {
                Some(refused) => Ok(Err(refused)),
                None => Err(http::failed(self.call, error, self.timeout)),
            },
        }
    }

    fn client(&self, url: &Url) -> Result<&Client, Error> {
        let slot = if url.scheme() == "https" { &self.secure } else { &self.plain };
        slot.get_or_init(|| self.build(url)).as_ref().map_err(Clone::clone)
    }

    /// Without a proxy: the address connected to would be the proxy's, and no check worth anything.
    fn build(&self, url: &Url) -> Result<Client, Error> {
        http::builder(url)?
            .no_proxy()
            .dns_resolver(self.guard.clone())
            .connect_timeout(self.connect_timeout)
            .timeout(self.timeout)
            .build()
            .map_err(|error| Error::Setup(format!("no HTTP client for {}s: {}", self.call, error.without_url())))
    }
}

/// Where an answer leads to, if it is a redirect.
pub(super) fn redirect_of(response: &Response) -> Option<Url> {
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    response.url().join(response.headers().get(LOCATION)?.to_str().ok()?).ok()
}

/// As long as the failure is cached, within reason; a minute where nothing is said.
pub(super) fn retry_after(response: &Response) -> Duration {
    let cached = response.headers().get(CACHE_CONTROL).and_then(|value| value.to_str().ok());
    let max_age =
        cached.and_then(|text| text.split(',').find_map(|part| part.trim().strip_prefix("max-age=")?.parse().ok()));
    Duration::from_secs(max_age.unwrap_or(60).clamp(10, 300))
}

/// Worth asking again: the server's own troubles.
pub(super) fn may_pass(status: u16) -> bool {
    status >= 500 || matches!(status, 408 | 425 | 429)
}

fn refused_address(error: &reqwest::Error) -> Option<AddressRefused> {
    let mut next = error.source();
    while let Some(cause) = next {
        if let Some(refused) = cause.downcast_ref::<AddressRefused>() {
            return Some(refused.clone());
        }
        next = cause.source();
    }
    None
}
