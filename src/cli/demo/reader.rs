//! A reader of the change feed: a small client that knows nothing but the daemon's public address and its own file.
//!
//! It reads pages until there is no more, then follows the stream, and comes again when that breaks off. It may be
//! stopped anywhere; started again, it goes on from the token in its file.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail};
use reqwest::{Response, StatusCode};
use serde_json::Value as Json;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tracing::info;

use super::copy::{Copy, Entries};
use super::events::Events;
use crate::cli::loopback;

/// How long a connection, or an answer that is no stream, may take.
const TIMEOUT: Duration = Duration::from_secs(20);
/// Before it comes again after a break.
const AGAIN: Duration = Duration::from_millis(100);
/// How long it is waited for; what it lacks then shows when the copy is compared.
const PATIENCE: Duration = Duration::from_secs(10);

/// The reader, running or stopped.
pub(super) struct Reader {
    feed: Feed,
    file: PathBuf,
    running: Option<Running>,
}

struct Running {
    task: JoinHandle<()>,
    reached: watch::Receiver<Option<String>>,
}

impl Reader {
    /// One that has yet to be started.
    pub(super) fn new(public: SocketAddr, file: PathBuf) -> anyhow::Result<Self> {
        let http = loopback::client()?.connect_timeout(TIMEOUT).build()?;
        Ok(Self { feed: Feed { http, base: format!("http://{public}/api/v1") }, file, running: None })
    }

    /// Starts it with what its file holds.
    pub(super) fn start(&mut self) -> anyhow::Result<()> {
        let copy = Copy::open(&self.file)?;
        let (said, reached) = watch::channel(copy.token().map(str::to_owned));
        match copy.token() {
            None => info!(step = "reader", "begins with nothing: asks for all that is public (initial=true)"),
            Some(_) => {
                info!(step = "reader", "starts again with {} entries in its file, and its token", copy.entries().len());
            }
        }
        let task = tokio::spawn(follow_for_ever(self.feed.clone(), copy, said));
        self.running = Some(Running { task, reached });
        Ok(())
    }

    /// Stops it in the midst of whatever it does.
    pub(super) async fn stop(&mut self) {
        if let Some(Running { task, .. }) = self.running.take() {
            task.abort();
            let _ = task.await;
            info!(step = "reader", "is stopped; nothing tells the daemon of it");
        }
    }

    /// Waits until it stands where the feed ends now, but not for ever.
    pub(super) async fn caught_up(&mut self) -> anyhow::Result<()> {
        let end = self.feed.page("changes", None).await?;
        let end = next_of(&end)?;
        if let Some(running) = &mut self.running {
            let there = running.reached.wait_for(|reached| reached.as_deref() == Some(end));
            let _ = tokio::time::timeout(PATIENCE, there).await;
        }
        Ok(())
    }

    /// What its file holds.
    pub(super) fn entries(&self) -> anyhow::Result<Entries> {
        Ok(Copy::open(&self.file)?.entries().clone())
    }

    /// What visitors get, page by page.
    pub(super) async fn public(&self) -> anyhow::Result<Entries> {
        let (mut entries, mut cursor) = (Entries::new(), None);
        loop {
            let page = self.feed.page("entries?limit=100", cursor.as_deref().map(|cursor| ("cursor", cursor))).await?;
            for entry in items_of(&page)? {
                entries.insert(entry["id"].as_str().context("an entry without an id")?.to_owned(), entry.clone());
            }
            match page["next"].as_str() {
                Some(next) => cursor = Some(next.to_owned()),
                None => return Ok(entries),
            }
        }
    }
}

/// The daemon's public API, as far as a reader needs it.
#[derive(Clone)]
struct Feed {
    http: reqwest::Client,
    base: String,
}

/// Why a reader has to do something else than to go on.
enum Broken {
    /// Its token cannot be gone on with.
    Gone,
    /// Nothing more comes just now.
    Off(anyhow::Error),
}

impl From<anyhow::Error> for Broken {
    fn from(error: anyhow::Error) -> Self {
        Self::Off(error)
    }
}

impl From<reqwest::Error> for Broken {
    fn from(error: reqwest::Error) -> Self {
        Self::Off(error.into())
    }
}

async fn follow_for_ever(feed: Feed, mut copy: Copy, said: watch::Sender<Option<String>>) {
    let mut is_told = false;
    loop {
        match feed.read(&mut copy, &said, &mut is_told).await {
            Broken::Gone => {
                info!(step = "reader", "is told that its token cannot be gone on with: begins anew");
                if let Err(error) = copy.begin_anew() {
                    info!(step = "trouble", "the reader: {error:#}");
                }
            }
            // Once a break, not once an attempt.
            Broken::Off(error) if is_told => {
                info!(step = "reader", "has lost its stream, and comes again: {error:#}");
                is_told = false;
            }
            Broken::Off(_) => {}
        }
        tokio::time::sleep(AGAIN).await;
    }
}

impl Feed {
    /// Reads until something breaks.
    async fn read(&self, copy: &mut Copy, said: &watch::Sender<Option<String>>, is_told: &mut bool) -> Broken {
        match self.pages(copy, said).await {
            Err(broken) => return broken,
            Ok(()) => *is_told = true,
        }
        match self.stream(copy, said).await {
            Err(broken) => broken,
            Ok(()) => Broken::Off(anyhow::anyhow!("it has ended")),
        }
    }

    /// Page by page, until there is no more.
    async fn pages(&self, copy: &mut Copy, said: &watch::Sender<Option<String>>) -> Result<(), Broken> {
        loop {
            let page = match copy.token() {
                None => self.get("changes?initial=true&limit=100", None).await?,
                Some(token) => self.get("changes?limit=100", Some(("since", token))).await?,
            };
            if page.status() == StatusCode::GONE {
                return Err(Broken::Gone);
            }
            let page = json(page).await?;
            let items = items_of(&page)?;
            let next = next_of(&page)?;
            if !items.is_empty() {
                copy.apply(items, next)?;
                info!(step = "reader", "takes a page of {} changes, has {} entries", items.len(), copy.entries().len());
            } else if copy.token() != Some(next) {
                copy.apply(&[], next)?;
            }
            said.send_replace(Some(next.to_owned()));
            if page["more"] != true {
                return Ok(());
            }
        }
    }

    /// Change by change, until the stream ends.
    async fn stream(&self, copy: &mut Copy, said: &watch::Sender<Option<String>>) -> Result<(), Broken> {
        let url = format!("{}/changes/stream", self.base);
        let token = copy.token().unwrap_or_default();
        let mut answer = self.http.get(url).header("Last-Event-ID", token).send().await?;
        match answer.status() {
            StatusCode::OK => {}
            StatusCode::GONE => return Err(Broken::Gone),
            status => return Err(Broken::Off(anyhow::anyhow!("the stream is answered with {status}"))),
        }
        let mut events = Events::default();
        while let Some(bytes) = answer.chunk().await? {
            events.push(&bytes);
            while let Some(event) = events.next()? {
                let Some(id) = event.id else { continue };
                if let Some(change) = &event.change {
                    info!(step = "reader", "takes {}", in_words(change));
                }
                copy.apply(event.change.as_slice(), &id)?;
                said.send_replace(Some(id));
            }
        }
        Ok(())
    }

    /// An answer that must be good.
    async fn page(&self, path: &str, parameter: Option<(&str, &str)>) -> anyhow::Result<Json> {
        json(self.get(path, parameter).await?).await
    }

    async fn get(&self, path: &str, parameter: Option<(&str, &str)>) -> anyhow::Result<Response> {
        let mut url: url::Url = format!("{}/{path}", self.base).parse()?;
        if let Some((name, value)) = parameter {
            url.query_pairs_mut().append_pair(name, value);
        }
        Ok(self.http.get(url).timeout(TIMEOUT).send().await?)
    }
}

async fn json(answer: Response) -> anyhow::Result<Json> {
    let (status, path) = (answer.status(), answer.url().path().to_owned());
    let body = answer.bytes().await?;
    if status != StatusCode::OK {
        bail!("{path} is answered with {status}");
    }
    serde_json::from_slice(&body).with_context(|| format!("the answer of {path} is no JSON"))
}

fn items_of(page: &Json) -> anyhow::Result<&[Json]> {
    page["items"].as_array().map(Vec::as_slice).context("a page without items")
}

fn next_of(page: &Json) -> anyhow::Result<&str> {
    page["next"].as_str().context("a page without a next token")
}

fn in_words(change: &Json) -> String {
    let word = |name: &str| change[name].as_str().unwrap_or("?").to_owned();
    let title = change["entry"]["name"].as_str().map_or_else(String::new, |name| format!(": {name}"));
    format!("change {}, {} {} ({}){title}", change["seq"], word("op"), word("id"), word("cause"))
}
