//! `GET /api/v1/changes/stream`: the same feed as server-sent events, each change as it is committed.
//!
//! A stream holds no more than a page. It reads the next one when the reader has taken the last, so a slow reader falls
//! behind in the sequence and takes no memory; one that takes nothing at all is cut off (`stalled.rs`). It ends after
//! `stream_longest`, when the daemon stops, and when it cannot be gone on with; the reader comes again with the id of
//! the last event, as browsers do by themselves, and misses nothing. One that takes too little to hear of the end loses its
//! seat then all the same.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::{Method, header};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};
use futures_util::stream;
use serde::Deserialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot, watch};
use tokio::time::Instant;

use super::Site;
use super::changes::{self, From};
use super::feed_door::Reader;
use super::problem::Problem;
use crate::store::{FeedPage, FeedStart, FeedToken};

/// Items that are read and sent at once.
const ITEMS_AT_ONCE: usize = 20;
/// After the bell: commits that follow close upon each other are read together.
const GATHERED: Duration = Duration::from_millis(50);
/// What a browser is told to wait before it comes again.
const RETRY: &str = "retry: 2000\n";
/// Where a browser says which event it had last.
const LAST_EVENT_ID: &str = "last-event-id";

/// The streams that are open, and the bell that ends them.
#[derive(Debug)]
pub(super) struct Streams {
    seats: Arc<Semaphore>,
    closing: watch::Sender<bool>,
}

impl Streams {
    pub(super) fn new(seats: usize) -> Self {
        Self { seats: Arc::new(Semaphore::new(seats)), closing: watch::Sender::new(false) }
    }

    /// Ends every stream, those that are still to begin included.
    pub(super) fn close(&self) {
        self.closing.send_replace(true);
    }

    fn take_seat(&self) -> Result<OwnedSemaphorePermit, Problem> {
        Arc::clone(&self.seats).try_acquire_owned().map_err(|_| {
            Problem::TooMany(
                "all streams are taken: come again later, or ask /api/v1/changes from time to time".to_owned(),
            )
        })
    }
}

/// A seat that is given back when this is dropped, and in any case when its time is over.
type Lent = oneshot::Sender<Infallible>;

/// A stream is asked what comes next only when its reader has taken what came before: one that takes a byte now and then
/// would keep its seat for days, however long a stream may last. So the seat goes by a clock of its own.
fn lend(seat: OwnedSemaphorePermit, longest: Duration) -> Lent {
    let (lent, given_back) = oneshot::channel();
    tokio::spawn(async move {
        let _ = tokio::time::timeout(longest, given_back).await;
        drop(seat);
    });
    lent
}

/// `?since=&initial=&account=`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    since: Option<String>,
    initial: Option<bool>,
    account: Option<String>,
}

/// Events without end. `Last-Event-ID` stands above `since` and `initial`: a browser that comes again asks for the same
/// address and adds it.
pub(super) async fn follow(
    _: Reader,
    site: web::Data<Site>,
    request: HttpRequest,
    asked: web::Query<Asked>,
) -> Result<HttpResponse, Problem> {
    let last = request.headers().get(LAST_EVENT_ID).map(|last| String::from_utf8_lossy(last.as_bytes()));
    let last = last.as_deref().filter(|last| !last.is_empty());
    let from = From {
        since: last.or(asked.since.as_deref()),
        initial: asked.initial.filter(|_| last.is_none()),
        account: asked.account.as_deref(),
    };
    let start = changes::start(&site, &from)?;
    if request.method() == Method::HEAD {
        return Ok(head().finish());
    }
    let seat = site.streams.take_seat()?;
    // Rung for whatever this first page does not see.
    let bell = site.store.changes_bell();
    let first = changes::page(&site, &start, ITEMS_AT_ONCE).await?;
    let seat = lend(seat, site.limits.stream_longest);
    let telling = Telling {
        bell,
        closing: site.streams.closing.subscribe(),
        ends_at: Instant::now() + site.limits.stream_longest,
        heartbeat: site.limits.stream_heartbeat,
        site,
        told: first.from,
        reached: first.from,
        first: Some(first),
        _seat: seat,
    };
    Ok(head().streaming(stream::unfold(telling, Telling::next)))
}

fn head() -> HttpResponseBuilder {
    let mut head = HttpResponse::Ok();
    head.insert_header((header::CONTENT_TYPE, "text/event-stream"));
    // A proxy that gathers answers would hold back the events.
    head.insert_header(("X-Accel-Buffering", "no"));
    head.force_close();
    head
}

/// One stream.
struct Telling {
    site: web::Data<Site>,
    bell: watch::Receiver<i64>,
    closing: watch::Receiver<bool>,
    ends_at: Instant,
    heartbeat: Duration,
    /// The page whose reading showed that there is a stream at all.
    first: Option<FeedPage>,
    /// The last id that was sent.
    told: FeedToken,
    /// Up to here everything has been looked through.
    reached: FeedToken,
    _seat: Lent,
}

impl Telling {
    async fn next(mut self) -> Option<(Result<Bytes, Infallible>, Self)> {
        let (mut closing, ends_at) = (self.closing.clone(), self.ends_at);
        let text = tokio::select! {
            biased;
            _ = closing.wait_for(|closing| *closing) => None,
            () = tokio::time::sleep_until(ends_at) => None,
            text = self.text() => text,
        }?;
        Some((Ok(Bytes::from(text)), self))
    }

    /// What is sent next: events, or a sign of life. `None` when the stream cannot go on.
    async fn text(&mut self) -> Option<String> {
        if let Some(first) = self.first.take() {
            let begins = format!("{RETRY}id: {}\n\n", first.from);
            return Some(begins + &self.tell(&first));
        }
        loop {
            self.bell.mark_unchanged();
            let page = self.page().await?;
            if !page.items.is_empty() {
                return Some(self.tell(&page));
            }
            self.reached = page.next;
            if page.more {
                continue;
            }
            match tokio::time::timeout(self.heartbeat, self.bell.changed()).await {
                Ok(rung) => rung.ok()?,
                Err(_) => return Some(self.sign_of_life()),
            }
            tokio::time::sleep(GATHERED).await;
        }
    }

    /// A reader that is refused here is told why when it comes again.
    async fn page(&self) -> Option<FeedPage> {
        changes::page(&self.site, &FeedStart::After(self.reached), ITEMS_AT_ONCE).await.ok()
    }

    fn tell(&mut self, page: &FeedPage) -> String {
        let mut text = String::new();
        for item in &page.items {
            let data = serde_json::to_string(item).expect("an item has text keys and finite numbers");
            text.push_str(&format!("id: {}\nevent: change\ndata: {data}\n\n", item.token));
            self.told = item.token;
        }
        self.reached = page.next;
        text
    }

    /// A comment. When there was something to look through and nothing to tell, an id without an event goes with it, which
    /// readers keep: they come again from there.
    fn sign_of_life(&mut self) -> String {
        if self.told == self.reached {
            return ":\n\n".to_owned();
        }
        self.told = self.reached;
        format!(":\nid: {}\n\n", self.told)
    }
}
