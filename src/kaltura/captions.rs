//! Fetches the file of a caption: asked of the API with our session, followed to where files are without it.
//!
//! It is the file as it was uploaded, in whatever state: `captions` reads it.
//!
//! Source: service `caption_captionasset`, action `serve`; what is stored remotely is a redirect.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use reqwest::{Response, StatusCode};
use serde_json::json;

use super::client::{Client, Served};
use super::error::{Class, Error, Refusal};
use super::files::{Elsewhere, FileSettings, Files, Followed, may_pass, retry_after};
use super::http;
use super::multirequest::SubRequest;
use super::service_url::ServiceUrl;

const CALL: &str = "caption_captionasset.serve";
/// How long a file that the server has not got yet is left to it.
const FILE_COMES_AFTER: Duration = Duration::from_secs(60);

/// Where caption files come from and how large they may be.
#[derive(Debug, Clone)]
pub struct CaptionSettings {
    /// The API, which decides what addresses are acceptable.
    pub service: ServiceUrl,
    /// Where pictures are: redirects may lead there as well.
    pub base: ServiceUrl,
    /// Hosts that redirects may lead to, besides the base's; as for pictures.
    pub allowed_hosts: Option<Vec<String>>,
    /// A larger file is not taken.
    pub bytes_max: usize,
    /// Until the connection stands, TLS included.
    pub connect_timeout: Duration,
    /// Until the whole file is here, for each redirect anew.
    pub timeout: Duration,
}

impl CaptionSettings {
    /// 2 MiB, 10 and 30 seconds, from the service itself.
    pub fn of(service: ServiceUrl) -> Self {
        Self {
            base: service.clone(),
            service,
            allowed_hosts: None,
            bytes_max: 2 << 20,
            connect_timeout: Duration::from_secs(10),
            timeout: Duration::from_secs(30),
        }
    }
}

/// What came of fetching a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fetched {
    /// The file, as it came.
    File(Vec<u8>),
    /// The server is too busy, or has not got it yet.
    NotYet {
        /// Not before.
        retry_after: Duration,
        /// What it said.
        why: String,
    },
    /// There is none for us, until its version changes.
    None(NoFile),
}

/// Why there is no file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoFile {
    /// Kaltura says so.
    #[error("kaltura answers {0}")]
    Kaltura(Refusal),
    /// An HTTP status without Kaltura's reason.
    #[error("HTTP status {0}")]
    Status(u16),
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

/// Fetches caption files of one account.
pub struct CaptionFiles {
    settings: CaptionSettings,
    files: Files,
    asked: AtomicU64,
}

impl CaptionFiles {
    /// Nothing is fetched yet.
    pub fn new(settings: CaptionSettings) -> Self {
        let files = Files::new(&FileSettings {
            call: "caption",
            service: settings.service.as_url(),
            base: settings.base.as_url(),
            allowed_hosts: settings.allowed_hosts.as_deref(),
            connect_timeout: settings.connect_timeout,
            timeout: settings.timeout,
        });
        Self { settings, files, asked: AtomicU64::new(0) }
    }

    /// Files asked for so far, and redirects followed. They are not among the client's calls.
    pub fn requests(&self) -> u64 {
        self.asked.load(Ordering::Relaxed) + self.files.requests()
    }

    /// Fetches a file: one request, and one more for each redirect.
    ///
    /// # Errors
    /// As with any call, try again later; of refusals only those that are the session's or ask to slow down.
    pub async fn fetch(&self, client: &Client, caption_id: &str) -> Result<Fetched, Error> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let request = SubRequest::new(CALL, json!({"captionAssetId": caption_id}));
        match client.serve(&request, self.settings.bytes_max).await? {
            Served::File(bytes) => Ok(Fetched::File(bytes)),
            Served::TooLarge => Ok(self.too_large()),
            Served::Refused(refusal) => of_refusal(refusal),
            Served::Status(status) => Ok(Fetched::None(NoFile::Status(status))),
            Served::Elsewhere(url) => match self.files.follow_redirect(url).await? {
                Followed::Answer(response) => self.judge(response).await,
                Followed::Refused(elsewhere) => Ok(Fetched::None(elsewhere.into())),
            },
        }
    }

    async fn judge(&self, response: Response) -> Result<Fetched, Error> {
        let status = response.status();
        if may_pass(status.as_u16()) {
            let why = format!("HTTP status {}", status.as_u16());
            return Ok(Fetched::NotYet { retry_after: retry_after(&response), why });
        }
        if status != StatusCode::OK {
            return Ok(Fetched::None(NoFile::Status(status.as_u16())));
        }
        let file = http::body_within(CALL, response, self.settings.bytes_max, self.settings.timeout).await?;
        Ok(file.map_or_else(|| self.too_large(), Fetched::File))
    }

    fn too_large(&self) -> Fetched {
        Fetched::None(NoFile::TooLarge { bytes_max: self.settings.bytes_max })
    }
}

/// A file that is on its way between data centres comes; a caption or an entry that is not there does not.
fn of_refusal(refusal: Refusal) -> Result<Fetched, Error> {
    match (refusal.code(), refusal.class()) {
        ("FILE_DOESNT_EXIST" | "CAPTION_ASSET_FILE_NOT_FOUND" | "CAPTION_ASSET_IS_NOT_READY", _) => {
            Ok(Fetched::NotYet { retry_after: FILE_COMES_AFTER, why: format!("kaltura answers {refusal}") })
        }
        ("CAPTION_ASSET_ID_NOT_FOUND", _) | (_, Class::Absent | Class::Dead | Class::Degraded) => {
            Ok(Fetched::None(NoFile::Kaltura(refusal)))
        }
        _ => Err(Error::Refused { call: CALL, refusal }),
    }
}
