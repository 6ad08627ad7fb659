//! The door: asks come in, are understood, answered by the index and read again from the store.
//!
//! The index is asked on threads of its own, as many at a time as there are processors, never on those that serve requests.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::answer::{self, Answer, Cues, Rows};
use super::error::QueryError;
use super::find::{self, Hit};
use super::request::{Asked, Request};
use super::scope::Scope;
use crate::domain::ids::{AccountId, EntryId};
use crate::domain::public_entry::PublicEntry;
use crate::search::{Search, Unavailable, View, read_key};
use crate::store::{self, PublicShapes, Store};

/// The index stops looking after this long, and answers what it has by then.
const INDEX_TIME_MAX: Duration = Duration::from_millis(800);
/// Whoever has waited this long for a free thread is sent away.
const WAIT_MAX: Duration = Duration::from_millis(150);
/// Longer texts are looked through where that keeps nobody waiting; shorter ones are done before another thread has begun.
const TEXT_AT_ONCE_MAX_BYTES: usize = 24 << 10;
/// Cues of one entry that are looked through for the best; an hour has about a thousand.
const CUES_MAX: usize = 5_000;

/// Asks of the index and the store. Clones are the same door.
#[derive(Clone)]
pub struct Searching {
    search: Search,
    pub(super) store: Store,
    places: Arc<Semaphore>,
}

/// Why a search has no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It makes no sense; says where.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// There is no index just now.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// More searches at the same time than are answered.
    #[error("more searches at the same time than are answered; try again")]
    Busy,
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The index cannot be read.
    #[error("the search index cannot be read: {0}")]
    Index(String),
}

impl Searching {
    /// Of this index, and the store it was made of.
    pub fn new(search: Search, store: Store) -> Self {
        let processors = std::thread::available_parallelism().map_or(2, |count| count.get().clamp(2, 16));
        Self { search, store, places: Arc::new(Semaphore::new(processors)) }
    }

    /// Answers a search of the entries of `shapes`.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn search(&self, asked: &Asked, shapes: &PublicShapes) -> Result<Answer, Error> {
        let started = Instant::now();
        let request = asked.read(shapes)?;
        let scope = Scope::new(shapes, request.account);
        let (view, request, found) = self
            .on_a_thread(move |view, until| {
                let found = find::find(&view, &request, &scope, until)?;
                Ok((view, request, found))
            })
            .await?;
        let rows = self.rows(&found.hits, shapes).await?;
        let cues = self.cues(&found.hits, &request, shapes).await?;
        let q = asked.q.clone();
        let is_plain = request.highlight.is_empty() && request.crop.is_empty();
        let takes_long = !cues.is_empty() || (!is_plain && length(&rows) > TEXT_AT_ONCE_MAX_BYTES);
        let work = move || answer::answer(&q, &request, found, rows, &cues, &view.analysis);
        let mut answer = if takes_long { blocking(self.place().await?, move || Ok(work())).await? } else { work() };
        answer.processing_time_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        Ok(answer)
    }

    /// Does what reads the index where it keeps nobody else waiting.
    pub(super) async fn on_a_thread<T: Send + 'static>(
        &self,
        work: impl FnOnce(View, Instant) -> tantivy::Result<T> + Send + 'static,
    ) -> Result<T, Error> {
        let view = self.search.view()?;
        let until = Instant::now() + INDEX_TIME_MAX;
        blocking(self.place().await?, move || work(view, until)).await
    }

    async fn place(&self) -> Result<OwnedSemaphorePermit, Error> {
        let free = tokio::time::timeout(WAIT_MAX, Arc::clone(&self.places).acquire_owned()).await;
        free.map_err(|_| Error::Busy)?.map_err(|_| Error::Busy)
    }

    /// The entries of these documents that visitors may see now.
    pub(super) async fn rows(&self, hits: &[Hit], shapes: &PublicShapes) -> Result<Rows, Error> {
        let mut rows = Rows::new();
        for (account, entries) in by_account(hits.iter()) {
            let shown = self.store.public_entries_of(account, &entries, shapes).await?;
            rows.extend(shown.into_iter().map(|entry| ((account, entry.id.clone()), entry)));
        }
        Ok(rows)
    }

    /// What is said in those of them in which it was sought, as far as captions are told.
    async fn cues(&self, hits: &[Hit], request: &Request, shapes: &PublicShapes) -> Result<Cues, Error> {
        let mut cues = Cues::new();
        if request.words.clauses.is_empty() {
            return Ok(cues);
        }
        for (account, entries) in by_account(hits.iter().filter(|hit| hit.is_said)) {
            if shapes.get(&account).is_some_and(|shape| shape.publish.tells("captions")) {
                let of_entries = self.store.cues(account, &entries).await?;
                cues.extend(of_entries.into_iter().map(|(entry, mut said)| {
                    said.truncate(CUES_MAX);
                    ((account, entry), said)
                }));
            }
        }
        Ok(cues)
    }
}

/// Of what may be marked, in bytes.
fn length(rows: &Rows) -> usize {
    let of = |texts: &[String]| texts.iter().map(String::len).sum::<usize>();
    let whole = |entry: &PublicEntry| {
        let metadata: usize = entry.metadata.values().map(|values| of(values)).sum();
        let description = entry.description.as_ref().map_or(0, String::len);
        entry.name.len() + description + metadata + of(&entry.tags) + of(&entry.categories)
    };
    rows.values().map(whole).sum()
}

fn by_account<'a>(hits: impl Iterator<Item = &'a Hit>) -> BTreeMap<AccountId, Vec<EntryId>> {
    let mut wanted: BTreeMap<AccountId, Vec<EntryId>> = BTreeMap::new();
    for (account, entry) in hits.filter_map(|hit| read_key(&hit.key)) {
        wanted.entry(account).or_default().push(entry);
    }
    wanted
}

async fn blocking<T: Send + 'static>(
    place: OwnedSemaphorePermit,
    work: impl FnOnce() -> tantivy::Result<T> + Send + 'static,
) -> Result<T, Error> {
    let done = tokio::task::spawn_blocking(move || {
        let done = work();
        drop(place);
        done
    });
    done.await.map_err(|cause| Error::Index(cause.to_string()))?.map_err(|cause| Error::Index(cause.to_string()))
}
