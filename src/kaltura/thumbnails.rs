//! Fetches the picture of an entry: from where pictures are, and nowhere else.
//!
//! No API call and no session: what a visitor may not see is not fetched. The URL is built here; of the entry's own only the
//! version counts, for what stands in it could be anybody's.
//!
//! Source: PROTOCOL E.6; the server's thumbnail action and its error numbers.

use std::time::Duration;

use reqwest::{Response, StatusCode};
use url::Url;

use super::client::Client;
use super::error::Error;
use super::files::{Elsewhere, FileSettings, Files, Followed, may_pass, retry_after};
use super::service_url::ServiceUrl;
use super::{http, image_type};
use crate::domain::api_value;
use crate::domain::entry::{Entry, EntryStatus};
use crate::domain::ids::{EntryId, PartnerId};

const CALL: &str = "thumbnail";

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
    /// It is where nothing is fetched from.
    #[error(transparent)]
    Elsewhere(#[from] Elsewhere),
}

/// Fetches pictures of one account's service.
pub struct Thumbnails {
    settings: ThumbnailSettings,
    files: Files,
}

impl Thumbnails {
    /// Nothing is fetched yet.
    pub fn new(settings: ThumbnailSettings) -> Self {
        let files = Files::new(&FileSettings {
            call: CALL,
            service: settings.service.as_url(),
            base: settings.base.as_url(),
            allowed_hosts: settings.allowed_hosts.as_deref(),
            connect_timeout: settings.connect_timeout,
            timeout: settings.timeout,
        });
        Self { settings, files }
    }

    /// HTTP requests for pictures so far, redirects included.
    pub fn requests(&self) -> u64 {
        self.files.requests()
    }

    /// Fetches a picture in the configured width.
    ///
    /// # Errors
    /// `Timeout`, `Unreachable`: as with any connection, try again later. `Setup` without certificates for HTTPS.
    pub async fn fetch(&self, wanted: &Wanted) -> Result<Fetched, Error> {
        match self.files.follow(wanted.url(&self.settings.base, self.settings.width)).await? {
            Followed::Answer(response) => self.judge(response).await,
            Followed::Refused(elsewhere) => Ok(Fetched::None(elsewhere.into())),
        }
    }

    /// The same, in turn with the account's calls where pictures come from the API's own server.
    ///
    /// # Errors
    /// As [`Thumbnails::fetch`]; `Resting` and `Down` without sending.
    pub async fn fetch_in_turn(&self, client: &Client, wanted: &Wanted) -> Result<Fetched, Error> {
        let (base, service) = (self.settings.base.as_url(), self.settings.service.as_url());
        let _turn = if base.origin() == service.origin() { Some(client.turn().await?) } else { None };
        self.fetch(wanted).await
    }

    async fn judge(&self, response: Response) -> Result<Fetched, Error> {
        if let Some(number) = kaltura_error(&response) {
            return Ok(of_kaltura(number, retry_after(&response)));
        }
        let status = response.status();
        if status == StatusCode::OK {
            return self.picture(response).await;
        }
        if may_pass(status.as_u16()) {
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
