//! Fetches the picture of an entry: from where pictures are, and nowhere else.
//!
//! No API call and no session: what a visitor may not see is not fetched. The URL is built here; of the entry's own only the
//! version counts, for what stands in it could be anybody's.
//!
//! Source: PROTOCOL E.6; the server's thumbnail action and its error numbers.

use std::error::Error as _;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use reqwest::header::{CACHE_CONTROL, LOCATION};
use reqwest::{Client, Response, StatusCode};
use url::Url;

use super::address::{AddressGuard, AddressRefused};
use super::error::Error;
use super::hosts::AllowedHosts;
use super::service_url::ServiceUrl;
use super::{http, image_type};
use crate::domain::api_value;
use crate::domain::entry::{Entry, EntryStatus};
use crate::domain::ids::{EntryId, PartnerId};

const CALL: &str = "thumbnail";

/// Redirects followed for one picture, each checked.
pub const REDIRECTS_MAX: usize = 3;

/// Where pictures come from and how large they may be.
#[derive(Debug, Clone)]
pub struct ThumbnailSettings {
    /// The API, which decides what addresses are acceptable.
    pub service: ServiceUrl,
    /// What picture URLs are built on; usually the service itself.
    pub base: ServiceUrl,
    /// Hosts that redirects may lead to, besides the base's: `cdn.example.org`, `*.example.org`, `cdn.example.org:8080`.
    /// `None` is `*.kaltura.com` for a service there, else none.
    pub allowed_hosts: Option<Vec<String>>,
    /// Pixels; the height follows.
    pub width: u32,
    /// A larger picture is not taken.
    pub bytes_max: usize,
    /// Until the connection stands, TLS included.
    pub connect_timeout: Duration,
    /// Until the whole picture is here, for each redirect anew.
    pub timeout: Duration,
}

impl ThumbnailSettings {
    /// 640 pixels, 5 MiB, 10 and 30 seconds, from the service itself.
    pub fn of(service: ServiceUrl) -> Self {
        Self {
            base: service.clone(),
            service,
            allowed_hosts: None,
            width: 640,
            bytes_max: 5 << 20,
            connect_timeout: Duration::from_secs(10),
            timeout: Duration::from_secs(30),
        }
    }
}

/// A picture to fetch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The account.
    pub partner: PartnerId,
    /// The entry.
    pub entry: EntryId,
    /// The version in the entry's `thumbnailUrl`; `None` asks for whatever is current.
    pub version: Option<String>,
}

impl Wanted {
    /// The picture of an entry.
    ///
    /// # Errors
    /// Why it has none worth fetching: it is not ready, or a stock picture would come.
    pub fn of(entry: &Entry) -> Result<Self, NoPicture> {
        if entry.facts.status != EntryStatus::Ready {
            return Err(NoPicture::NotReady);
        }
        if gets_stock_picture(entry) {
            return Err(NoPicture::StockPicture);
        }
        let version =
            entry.thumbnail_version.clone().filter(|version| version.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        Ok(Self { partner: entry.partner_id, entry: entry.id.clone(), version })
    }

    /// `{base}/p/{partner}/sp/{partner}00/thumbnail/entry_id/{id}/version/{version}/width/{width}`.
    pub fn url(&self, base: &ServiceUrl, width: u32) -> Url {
        let Self { partner, entry, version } = self;
        let version = version.as_ref().map(|version| format!("/version/{version}")).unwrap_or_default();
        base.join(&format!("p/{partner}/sp/{partner}00/thumbnail/entry_id/{entry}{version}/width/{width}"))
    }
}

/// Sound, old mixes and recordings of live streams without a picture of their own get one that is the same for all,
/// with HTTP 200. A version of 0 says that there is no own one; other entries then get a frame of the video.
fn gets_stock_picture(entry: &Entry) -> bool {
    let has_own = entry.thumbnail_version.as_deref().is_some_and(|version| version != "0");
    let source = api_value::text(&entry.object, "sourceType").unwrap_or_default();
    let is_sound = entry.media_type == Some(5);
    let is_mix = entry.kind == "2";
    let is_recording = matches!(source.as_str(), "34" | "36");
    !has_own && (is_sound || is_mix || is_recording)
}

/// What came of fetching a picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fetched {
    /// The picture.
    Image {
        /// As they came.
        bytes: Vec<u8>,
        /// Recognised from the bytes: `image/jpeg` and the like.
        content_type: &'static str,
    },
    /// The server is making it, or is too busy to.
    NotYet {
        /// Not before; failures are cached this long.
        retry_after: Duration,
        /// What it said.
        why: String,
    },
    /// There is none for us, until its version changes.
    None(NoPicture),
}

/// Why there is no picture.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoPicture {
    /// The entry is not READY; for some sizes a Flash film would come.
    #[error("the entry is not ready")]
    NotReady,
    /// It has none of its own.
    #[error("it has none of its own, and a stock picture would come")]
    StockPicture,
    /// Kaltura says so, by the number of its error.
    #[error("kaltura answers error {0}{name}", name = name_of(*.0))]
    Kaltura(u32),
    /// An HTTP status without Kaltura's reason.
    #[error("HTTP status {0}; is base_url right?")]
    Status(u16),
    /// The bytes are none of a picture that browsers show.
    #[error("{0} came instead")]
    NotAnImage(&'static str),
    /// It is larger than allowed.
    #[error("it is larger than {bytes_max} bytes")]
    TooLarge {
        /// The limit.
        bytes_max: usize,
    },
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

/// Fetches pictures of one account's service.
pub struct Thumbnails {
    settings: ThumbnailSettings,
    hosts: AllowedHosts,
    guard: AddressGuard,
    plain: OnceLock<Result<Client, Error>>,
    secure: OnceLock<Result<Client, Error>>,
    requests: AtomicU64,
}

impl Thumbnails {
    /// Nothing is fetched yet.
    pub fn new(settings: ThumbnailSettings) -> Self {
        let (base, service) = (settings.base.as_url(), settings.service.as_url());
        Self {
            hosts: AllowedHosts::new(base, service, settings.allowed_hosts.as_deref()),
            guard: AddressGuard::of(service),
            plain: OnceLock::new(),
            secure: OnceLock::new(),
            requests: AtomicU64::new(0),
            settings,
        }
    }

    /// HTTP requests for pictures so far, redirects included.
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Fetches a picture in the configured width.
    ///
    /// # Errors
    /// `Timeout`, `Unreachable`: as with any connection, try again later. `Setup` without certificates for HTTPS.
    pub async fn fetch(&self, wanted: &Wanted) -> Result<Fetched, Error> {
        let mut url = wanted.url(&self.settings.base, self.settings.width);
        for _ in 0..=REDIRECTS_MAX {
            if let Err(refused) = self.guard.judge_literal(&url).await {
                return Ok(Fetched::None(NoPicture::AddressNotAllowed(refused.to_string())));
            }
            let response = match self.get(&url).await? {
                Ok(response) => response,
                Err(refused) => return Ok(Fetched::None(NoPicture::AddressNotAllowed(refused.to_string()))),
            };
            let Some(next) = redirect_of(&response) else { return self.judge(response).await };
            if !self.hosts.allow(&next) {
                return Ok(Fetched::None(NoPicture::HostNotAllowed(next.origin().ascii_serialization())));
            }
            url = next;
        }
        Ok(Fetched::None(NoPicture::TooManyRedirects))
    }

    async fn get(&self, url: &Url) -> Result<Result<Response, AddressRefused>, Error> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        match self.client(url)?.get(url.clone()).send().await {
            Ok(response) => Ok(Ok(response)),
            Err(error) => match refused_address(&error) {
                Some(refused) => Ok(Err(refused)),
                None => Err(http::failed(CALL, error, self.settings.timeout)),
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
            .connect_timeout(self.settings.connect_timeout)
            .timeout(self.settings.timeout)
            .build()
            .map_err(|error| Error::Setup(format!("no HTTP client for pictures: {}", error.without_url())))
    }

    async fn judge(&self, response: Response) -> Result<Fetched, Error> {
        if let Some(number) = kaltura_error(&response) {
            return Ok(of_kaltura(number, retry_after(&response)));
        }
        let status = response.status();
        if status == StatusCode::OK {
            return self.picture(response).await;
        }
        if status.is_server_error() || matches!(status.as_u16(), 408 | 425 | 429) {
            return Ok(Fetched::NotYet {
                retry_after: retry_after(&response),
                why: format!("HTTP status {}", status.as_u16()),
            });
        }
        Ok(Fetched::None(NoPicture::Status(status.as_u16())))
    }

    async fn picture(&self, response: Response) -> Result<Fetched, Error> {
        let bytes_max = self.settings.bytes_max;
        let too_large = Ok(Fetched::None(NoPicture::TooLarge { bytes_max }));
        if response.content_length().is_some_and(|length| length > bytes_max as u64) {
            return too_large;
        }
        let bytes = match http::body(CALL, response, bytes_max, self.settings.timeout).await {
            Err(Error::Unreadable { .. }) => return too_large,
            other => other?,
        };
        Ok(match image_type::of(&bytes) {
            Some(content_type) => Fetched::Image { bytes, content_type },
            None => Fetched::None(NoPicture::NotAnImage(image_type::name_of_other(&bytes))),
        })
    }
}

fn redirect_of(response: &Response) -> Option<Url> {
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    response.url().join(response.headers().get(LOCATION)?.to_str().ok()?).ok()
}

/// The number of Kaltura's own error: `X-Kaltura: error-11`.
fn kaltura_error(response: &Response) -> Option<u32> {
    let text = response.headers().get("x-kaltura")?.to_str().ok()?;
    text.strip_prefix("error-")?.trim().parse().ok()
}

/// Being made by another request, renderers busy, throttled, and the server's own troubles pass; the rest stays.
fn of_kaltura(number: u32, retry_after: Duration) -> Fetched {
    match number {
        11 | 24 | 44 | 46 | 55 | 57 => {
            Fetched::NotYet { retry_after, why: format!("kaltura answers error {number}{}", name_of(number)) }
        }
        _ => Fetched::None(NoPicture::Kaltura(number)),
    }
}

fn name_of(number: u32) -> &'static str {
    match number {
        1 => " (entry not found)",
        2 => " (not scheduled now)",
        3 => " (access control)",
        9 => " (deleted or rejected)",
        10 => " (no thumbnail file)",
        11 => " (it is being made)",
        17 => " (resizing failed)",
        25 => " (bad parameters)",
        46 => " (renderers busy)",
        57 => " (rate limit)",
        58 => " (recycled)",
        _ => "",
    }
}

/// As long as the failure is cached, within reason; a minute where nothing is said.
fn retry_after(response: &Response) -> Duration {
    let cached = response.headers().get(CACHE_CONTROL).and_then(|value| value.to_str().ok());
    let max_age =
        cached.and_then(|text| text.split(',').find_map(|part| part.trim().strip_prefix("max-age=")?.parse().ok()));
    Duration::from_secs(max_age.unwrap_or(60).clamp(10, 300))
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
