//! Accepting verified requests: what arrives together is committed together.
//!
//! Requests that arrive while one commit runs share the next. Each is answered only when the disk has the commit that holds it:
//! we promised; now Kaltura may forget. The next is written meanwhile.
//!
//! Whoever brings a request puts it down on the sheet that is written next; the desk only hands sheets to SQLite, one after
//! the other. So the next one is ready when the last is written, and nothing but SQLite's own work stands between them.
//! The desk has a thread of its own: whatever else the daemon is busy with, only who writes is before a notification.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sqlx::sqlite::SqliteConnection;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinSet;

use super::Store;
use super::account_asks;
use super::error::Error;
use super::known::Known;
use super::limits::{ACCEPT_BATCH_MAX, ACCEPT_QUEUE_MAX};
use super::mirror::Mirror;
use super::outbox;
use super::prune;
use super::sheet::{Bodies, Sheet};
use crate::domain::clock::Timestamp;
use crate::domain::ids::AccountId;
use crate::domain::secret::SecretLabel;
use crate::notification::hint::{DedupeKey, Hint};

/// A verified request, as it was received and what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// When its last byte was here.
    pub received_at: Timestamp,
    /// Who sent it.
    pub peer: IpAddr,
    /// The headers worth keeping, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, undecoded.
    pub body: Vec<u8>,
    /// Whose secret signed it.
    pub account: AccountId,
    /// Which secret.
    pub secret_label: SecretLabel,
    /// What it says, item by item, by number.
    pub hints: Vec<Hint>,
}

/// What became of a verified request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accepted {
    /// Its row in the inbox; that of the first one when this one repeats it.
    pub inbox_id: i64,
    /// Whether it was new.
    pub outcome: Acceptance,
}

/// Whether a verified request was new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acceptance {
    /// It has a row of its own, and its entries are dirty.
    New,
    /// Each of its items was known, fields and all: counted, and nothing else changed.
    Duplicate,
}

impl Store {
    /// Keeps a verified request and makes its entries dirty, in one transaction, shared with the requests that arrive
    /// at the same time. It is handed in at once; what is returned says when the disk has it.
    ///
    /// An item whose dedupe key is known changes nothing; a known number with other fields is a hint like any other.
    /// When the disk is full, bodies are given up before the hint is.
    ///
    /// # Errors
    /// `Full`, `Busy`, `Closed`: nothing was kept, nothing may be acknowledged.
    pub fn accept(&self, received: Received) -> impl Future<Output = Result<Accepted, Error>> + use<> {
        self.0.reception.accept(&self.0.mirror, received)
    }
}

/// Batches that are committed and not yet on disk, at most: more would only be smaller.
const ON_THEIR_WAY_TO_DISK: usize = 2;

type Answer = oneshot::Sender<Result<Accepted, Error>>;

/// Where verified requests are handed in.
pub(super) struct Reception {
    tray: Arc<Tray>,
    /// Answered when the desk has ended.
    end: Mutex<Option<oneshot::Receiver<()>>>,
}

impl Reception {
    /// Opens the desk: a thread that commits what waits.
    ///
    /// # Errors
    /// `Failed` when the system gives no thread.
    pub(super) fn open(mirror: &Arc<Mirror>) -> Result<Self, Error> {
        let failed = |error: std::io::Error| Error::Failed { cause: format!("no thread to receive with: {error}") };
        let tray = Arc::new(Tray::default());
        let (has_ended, end) = oneshot::channel();
        let desk = work(Arc::clone(mirror), Arc::clone(&tray));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().map_err(failed)?;
        std::thread::Builder::new()
            .name("reception".into())
            .spawn(move || {
                runtime.block_on(desk);
                // Nobody has to wait for it.
                let _ = has_ended.send(());
            })
            .map_err(failed)?;
        Ok(Self { tray, end: Mutex::new(Some(end)) })
    }

    /// One that never opens, for who only reads.
    pub(super) fn closed() -> Self {
        let tray = Arc::new(Tray::default());
        tray.close();
        Self { tray, end: Mutex::new(None) }
    }

    /// Hands everything in that was taken, then closes.
    pub(super) async fn close(&self) {
        self.tray.close();
        let end = self.end.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(end) = end {
            // It ends by itself; should it have panicked, there is nothing left to finish.
            let _ = end.await;
        }
    }

    /// Tells whether accepts wait.
    pub(super) fn quiet(&self) -> Quiet {
        Quiet(Arc::clone(&self.tray))
    }

    fn accept(&self, mirror: &Mirror, received: Received) -> impl Future<Output = Result<Accepted, Error>> + use<> {
        let (answer, committed) = oneshot::channel();
        let handed_in = self.tray.put(mirror, received, answer);
        // Whoever waits holds nothing of the request any more: thousands may wait.
        async move {
            handed_in?;
            committed.await.unwrap_or(Err(Error::Closed))
        }
    }
}

/// Who drops it unclosed waits for nothing, and the desk ends all the same.
impl Drop for Reception {
    fn drop(&mut self) {
        self.tray.close();
    }
}

/// Tells whether accepts wait.
pub(super) struct Quiet(Arc<Tray>);

impl Quiet {
    /// Nobody waits for the next commit.
    pub(super) fn is_quiet(&self) -> bool {
        self.0.locked().waiting == 0
    }
}

/// What waits for its commit.
#[derive(Default)]
struct Tray {
    waiting: Mutex<Waiting>,
    bell: Notify,
}

#[derive(Default)]
struct Waiting {
    batches: VecDeque<Batch>,
    /// Requests in them.
    waiting: usize,
    is_closed: bool,
}

/// Requests that are committed together, and whoever waits for each.
#[derive(Default)]
struct Batch {
    sheet: Sheet,
    /// In the order of the sheet.
    answers: Vec<Answer>,
    /// Those that may repeat what the inbox has: it must be asked first.
    doubtful: Vec<(Received, Answer)>,
    asks_anything: bool,
}

impl Tray {
    fn put(&self, mirror: &Mirror, received: Received, answer: Answer) -> Result<(), Error> {
        let mut waiting = self.locked();
        if waiting.is_closed {
            return Err(Error::Closed);
        }
        if waiting.waiting >= ACCEPT_QUEUE_MAX {
            return Err(Error::Busy { cause: format!("{ACCEPT_QUEUE_MAX} notifications wait for the next commit") });
        }
        waiting.waiting += 1;
        waiting.last_batch().put(mirror, received, answer);
        drop(waiting);
        self.bell.notify_one();
        Ok(())
    }

    /// What is to be committed next; nothing while nobody waits.
    fn take(&self) -> Option<Batch> {
        let mut waiting = self.locked();
        let batch = waiting.batches.pop_front()?;
        waiting.waiting -= batch.len();
        Some(batch)
    }

    /// Returns when somebody waits; says `false` when nobody ever will again.
    async fn wait(&self) -> bool {
        loop {
            {
                let waiting = self.locked();
                if waiting.waiting > 0 || waiting.is_closed {
                    return waiting.waiting > 0;
                }
            }
            self.bell.notified().await;
        }
    }

    fn close(&self) {
        self.locked().is_closed = true;
        self.bell.notify_one();
    }

    fn locked(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    /// The one that still has room.
    fn last_batch(&mut self) -> &mut Batch {
        if self.batches.back().is_none_or(|batch| batch.len() >= ACCEPT_BATCH_MAX) {
            self.batches.push_back(Batch { sheet: Sheet::with_room(), ..Batch::default() });
        }
        self.batches.back_mut().expect("one was put there if there was none")
    }
}

impl Batch {
    fn len(&self) -> usize {
        self.answers.len() + self.doubtful.len()
    }

    fn put(&mut self, mirror: &Mirror, received: Received, answer: Answer) {
        self.asks_anything |= received.hints.iter().any(account_asks::asks_of_account);
        if received.is_new(mirror) {
            self.sheet.add_new(&received, mirror);
            self.answers.push(answer);
        } else {
            self.doubtful.push((received, answer));
        }
    }

    /// Asks the inbox about the doubtful ones and puts them down behind the others.
    async fn settle_doubts(&mut self, connection: &mut SqliteConnection, mirror: &Mirror) -> Result<(), Error> {
        if self.doubtful.is_empty() {
            return Ok(());
        }
        let keys = self.doubtful.iter().flat_map(|(received, _)| received.keys()).collect();
        let mut known = Known::among(connection, mirror, keys).await?;
        known.remember(self.sheet.new_items().iter().copied());
        for (received, answer) in self.doubtful.drain(..) {
            self.sheet.add(&received, &mut known, mirror);
            self.answers.push(answer);
        }
        Ok(())
    }

    /// Tells everybody what became of it.
    fn answer(self, outcome: &Result<(), Error>) {
        let doubtful = self.doubtful.into_iter().map(|(_, answer)| answer);
        for (place, answer) in self.answers.into_iter().chain(doubtful).enumerate() {
            // Whoever no longer waits (a closed connection) finds it as a duplicate when it comes again.
            let _ = answer.send(match outcome {
                Ok(()) => Ok(self.sheet.accepted(place)),
                Err(error) => Err(error.shared()),
            });
        }
    }
}

impl Received {
    fn keys(&self) -> impl Iterator<Item = DedupeKey> + '_ {
        self.hints.iter().filter_map(|hint| hint.dedupe_key(self.account))
    }

    /// Whether the inbox cannot have any of it.
    fn is_new(&self, mirror: &Mirror) -> bool {
        self.keys().all(|key| mirror.numbers.is_new(&key))
    }
}

/// Commits what waits, until nothing ever will again. Those of a commit are answered while the next one runs.
async fn work(mirror: Arc<Mirror>, tray: Arc<Tray>) {
    let mut answering = JoinSet::new();
    loop {
        let Some(mut batch) = tray.take() else {
            if tray.wait().await {
                continue;
            }
            break;
        };
        while answering.len() >= ON_THEIR_WAY_TO_DISK {
            answering.join_next().await;
        }
        let committed = accept_batch(&mirror, &mut batch).await;
        answering.spawn(answer(Arc::clone(&mirror), batch, committed));
    }
    while answering.join_next().await.is_some() {}
}

/// Wakes whoever has work with it and tells everybody, once the disk has it.
async fn answer(mirror: Arc<Mirror>, batch: Batch, committed: Result<(), Error>) {
    let kept = match committed {
        Ok(()) => mirror.on_disk().await,
        Err(error) => Err(error),
    };
    if kept.is_ok() {
        mirror.dirty_signal.notify_one();
        if batch.sheet.asks_anything() {
            mirror.ask_signal.notify_one();
        }
    }
    batch.answer(&kept);
}

async fn accept_batch(mirror: &Mirror, batch: &mut Batch) -> Result<(), Error> {
    match commit(mirror, batch, Bodies::Kept).await {
        Err(Error::Full { cause }) => commit_in_want_of_room(mirror, batch, &cause).await,
        other => other,
    }
}

/// A hint is worth more than its record: the bodies stay out, and if that is not enough the oldest bodies go.
async fn commit_in_want_of_room(mirror: &Mirror, batch: &mut Batch, cause: &str) -> Result<(), Error> {
    let told = mirror.want_of_room(batch.len());
    if let Some(requests) = told {
        tracing::warn!(
            requests,
            cause,
            "no room for the bodies of {requests} notifications: kept without them, if at all"
        );
    }
    match commit(mirror, batch, Bodies::Dropped).await {
        Err(Error::Full { .. }) => {}
        other => return other,
    }
    let forgotten = prune::forget_oldest_bodies(mirror).await?;
    if forgotten > 0 {
        tracing::warn!(bodies = forgotten, "no room for notifications: the oldest bodies were forgotten");
    }
    commit(mirror, batch, Bodies::Dropped).await
}

async fn commit(mirror: &Mirror, batch: &mut Batch, bodies: Bodies) -> Result<(), Error> {
    if batch.asks_anything || mirror.outbox.hooks().forwards().next().is_some() {
        return commit_in_steps(mirror, batch, bodies).await;
    }
    let mut turn = mirror.turn().await?;
    let ticket = mirror.tickets.take(&mut turn).await?;
    batch.settle_doubts(&mut turn, mirror).await?;
    turn.is_begun();
    batch.sheet.commit(&mut turn, ticket, bodies, mirror).await?;
    turn.is_whole();
    Ok(())
}

/// The same, together with what is asked of accounts, and a reference to each new request for those it is passed on to.
async fn commit_in_steps(mirror: &Mirror, batch: &mut Batch, bodies: Bodies) -> Result<(), Error> {
    let mut tx = mirror.write_unsynced().await?; // whoever answers waits for the disk
    batch.settle_doubts(&mut tx, mirror).await?;
    batch.sheet.add_to(&mut tx, bodies, mirror).await?;
    outbox::forward(&mut tx, batch.sheet.to_forward()).await?;
    tx.commit().await
}

/// Texts and numbers only: nothing that could fail.
pub(super) fn to_json(rows: &impl serde::Serialize) -> String {
    serde_json::to_string(rows).expect("texts and numbers are always JSON")
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::net::Ipv4Addr;
    use std::path::Path;
    use std::sync::mpsc;

    use futures_util::FutureExt;

    use super::*;
    use crate::domain::clock::Clock;
    use crate::store::database::Database;
    use crate::store::disk::Disk;
    use crate::store::limits::Limits;
    use crate::store::migrations;

    fn received() -> Received {
        Received {
            received_at: Clock::system().now(),
            peer: Ipv4Addr::LOCALHOST.into(),
            headers: Vec::new(),
            body: b"a=1".to_vec(),
            account: AccountId(1),
            secret_label: SecretLabel("1/admin_secret".into()),
            hints: Vec::new(),
        }
    }

    async fn rows(mirror: &Mirror) -> i64 {
        sqlx::query_scalar("select count(*) from inbox").fetch_one(mirror.database.readers()).await.unwrap()
    }

    async fn mirror_in(directory: &tempfile::TempDir) -> Arc<Mirror> {
        let file = directory.path().join("mirror.db");
        mirror_of(Database::open(&file, None).await.unwrap(), &file).await
    }

    async fn mirror_of(database: Database, file: &Path) -> Arc<Mirror> {
        migrations::apply(database.writer().unwrap(), file, migrations::MIRROR).await.unwrap();
        Arc::new(Mirror::new(database, Clock::system(), Limits::default(), None).await.unwrap())
    }

    #[tokio::test]
    async fn a_request_is_kept_while_everything_else_of_the_daemon_is_held_up() {
        let directory = tempfile::tempdir().unwrap();
        let mirror = mirror_in(&directory).await;
        let reception = Reception::open(&mirror).unwrap();
        let answered = reception.accept(&mirror, received());
        let elsewhere = tokio::runtime::Builder::new_current_thread().build().unwrap();
        // This thread, which has all other tasks, waits for it and does nothing else.
        let accepted = std::thread::spawn(move || elsewhere.block_on(answered)).join().unwrap();
        assert_eq!(accepted.unwrap().outcome, Acceptance::New);
        reception.close().await;
    }

    #[tokio::test]
    async fn the_desk_of_a_reception_that_is_dropped_keeps_what_was_handed_in_and_ends() {
        let directory = tempfile::tempdir().unwrap();
        let mirror = mirror_in(&directory).await;
        let reception = Reception::open(&mirror).unwrap();
        let end = reception.end.lock().unwrap().take().unwrap();
        drop(reception.accept(&mirror, received()));
        drop(reception);
        end.await.unwrap();
        assert_eq!(rows(&mirror).await, 1);
        assert_eq!(Arc::strong_count(&mirror), 1);
    }

    #[tokio::test]
    async fn a_request_is_answered_when_the_disk_has_it_and_refused_when_the_disk_fails() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("mirror.db");
        let (lead, end) = mpsc::channel::<io::Result<()>>();
        let end = Mutex::new(end);
        let disk = Disk::new(move || end.lock().unwrap().recv().unwrap());
        let database = Database::open_on(disk, &file, None).await.unwrap();
        let mirror = mirror_of(database, &file).await;
        let reception = Reception::open(&mirror).unwrap();

        let mut answered = std::pin::pin!(reception.accept(&mirror, received()));
        while rows(&mirror).await == 0 {
            assert!(answered.as_mut().now_or_never().is_none());
            tokio::task::yield_now().await;
        }
        assert!(answered.as_mut().now_or_never().is_none());
        lead.send(Ok(())).unwrap();
        assert_eq!(answered.await.unwrap().outcome, Acceptance::New);

        lead.send(Err(io::Error::other("a bad sector"))).unwrap();
        let refused = reception.accept(&mirror, received()).await.unwrap_err();
        assert!(refused.to_string().contains("a bad sector"), "{refused}");
        reception.close().await;
    }
}
