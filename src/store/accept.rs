//! Accepting verified requests: what arrives together is committed together.
//!
//! A commit costs a write to the disk, however much is in it, so the requests that arrive while one commit runs share
//! the next. Each is answered only after the commit that holds it: we promised; now Kaltura may forget.
//!
//! One statement a table and batch: rows as one JSON array, bodies and hashes as one blob each, cut by offset; and all
//! of them in one trip. (Measured: a statement a row is six times slower, multi-row `values` a quarter.)

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use sqlx::Row;
use sqlx::sqlite::SqliteConnection;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::Store;
use super::account_asks::{self, Asks};
use super::dirty_entries::{self, Hints, Lane, Reason};
use super::error::Error;
use super::inbox::ItemOutcome;
use super::limits::{ACCEPT_BATCH_MAX, ACCEPT_QUEUE_MAX};
use super::mirror::Mirror;
use super::outbox;
use super::prune;
use super::writer::WriteTx;
use crate::domain::clock::Timestamp;
use crate::domain::ids::AccountId;
use crate::domain::secret::SecretLabel;
use crate::notification::hint::{DedupeKey, Hint};
use crate::notification::kind::Ask;

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
    /// at the same time. Returns after the commit.
    ///
    /// An item whose dedupe key is known changes nothing; a known number with other fields is a hint like any other.
    /// When the disk is full, bodies are given up before the hint is.
    ///
    /// # Errors
    /// `Full`, `Busy`, `Closed`: nothing was kept, nothing may be acknowledged.
    pub async fn accept(&self, received: Received) -> Result<Accepted, Error> {
        self.0.reception.accept(received).await
    }
}

/// A request and whoever waits for its commit.
struct Waiting {
    received: Received,
    answer: oneshot::Sender<Result<Accepted, Error>>,
}

/// Where verified requests are handed in.
pub(super) struct Reception {
    queue: Mutex<Option<mpsc::Sender<Waiting>>>,
    desk: Mutex<Option<JoinHandle<()>>>,
}

impl Reception {
    /// Opens the desk: a task that commits what waits.
    pub(super) fn open(mirror: &Arc<Mirror>) -> Self {
        let (sender, receiver) = mpsc::channel(ACCEPT_QUEUE_MAX);
        let desk = tokio::spawn(work(Arc::clone(mirror), receiver));
        Self { queue: Mutex::new(Some(sender)), desk: Mutex::new(Some(desk)) }
    }

    /// One that never opens, for who only reads.
    pub(super) fn closed() -> Self {
        Self { queue: Mutex::new(None), desk: Mutex::new(None) }
    }

    /// Hands everything in that was taken, then closes.
    pub(super) async fn close(&self) {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).take();
        let desk = self.desk.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(desk) = desk {
            // It ends by itself; should it have panicked, there is nothing left to finish.
            let _ = desk.await;
        }
    }

    /// Tells whether accepts wait, without keeping the desk open.
    pub(super) fn quiet(&self) -> Quiet {
        Quiet(self.sender().map(|sender| sender.downgrade()))
    }

    fn sender(&self) -> Option<mpsc::Sender<Waiting>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn accept(&self, received: Received) -> Result<Accepted, Error> {
        let (answer, committed) = oneshot::channel();
        let sender = self.sender().ok_or(Error::Closed)?;
        sender.try_send(Waiting { received, answer }).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => {
                Error::Busy { cause: format!("{ACCEPT_QUEUE_MAX} notifications wait for the next commit") }
            }
            mpsc::error::TrySendError::Closed(_) => Error::Closed,
        })?;
        drop(sender);
        committed.await.unwrap_or(Err(Error::Closed))
    }
}

/// Tells whether accepts wait.
pub(super) struct Quiet(Option<mpsc::WeakSender<Waiting>>);

impl Quiet {
    /// Nobody waits for the next commit.
    pub(super) fn is_quiet(&self) -> bool {
        let sender = self.0.as_ref().and_then(mpsc::WeakSender::upgrade);
        sender.is_none_or(|sender| sender.capacity() == sender.max_capacity())
    }
}

async fn work(mirror: Arc<Mirror>, mut queue: mpsc::Receiver<Waiting>) {
    let mut waiting = Vec::with_capacity(ACCEPT_BATCH_MAX);
    while queue.recv_many(&mut waiting, ACCEPT_BATCH_MAX).await > 0 {
        let (batch, answers): (Vec<_>, Vec<_>) =
            waiting.drain(..).map(|Waiting { received, answer }| (received, answer)).unzip();
        let accepted = accept_batch(&mirror, batch).await;
        for (place, answer) in answers.into_iter().enumerate() {
            // Whoever no longer waits (a closed connection) finds it as a duplicate when it comes again.
            let _ = answer.send(match &accepted {
                Ok(accepted) => Ok(accepted[place]),
                Err(error) => Err(error.shared()),
            });
        }
    }
}

/// Commits the batch and wakes the workers.
async fn accept_batch(mirror: &Mirror, batch: Vec<Received>) -> Result<Vec<Accepted>, Error> {
    let committed = match commit(mirror, &batch, Bodies::Kept).await {
        Err(Error::Full { cause }) => commit_in_want_of_room(mirror, &batch, &cause).await,
        other => other,
    };
    if committed.is_ok() {
        mirror.dirty_signal.notify_one();
    }
    committed
}

/// A hint is worth more than its record: the bodies stay out, and if that is not enough the oldest bodies go.
async fn commit_in_want_of_room(mirror: &Mirror, batch: &[Received], cause: &str) -> Result<Vec<Accepted>, Error> {
    tracing::warn!(requests = batch.len(), cause, "no room for the bodies of notifications: kept without them");
    match commit(mirror, batch, Bodies::Dropped).await {
        Err(Error::Full { .. }) => {}
        other => return other,
    }
    let forgotten = prune::forget_oldest_bodies(mirror).await?;
    tracing::warn!(bodies = forgotten, "no room for notifications: the oldest bodies were forgotten");
    commit(mirror, batch, Bodies::Dropped).await
}

/// Whether the bodies go in with the rows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Bodies {
    Kept,
    Dropped,
}

async fn commit(mirror: &Mirror, batch: &[Received], bodies: Bodies) -> Result<Vec<Accepted>, Error> {
    let asks_anything = batch.iter().flat_map(|received| &received.hints).any(account_asks::asks_of_account);
    if asks_anything || mirror.outbox.hooks().forwards().next().is_some() {
        return commit_in_steps(mirror, batch, bodies).await;
    }
    let mut turn = mirror.turn().await?;
    let ticket = mirror.tickets.take(&mut turn).await?;
    let mut known = Known::find(&mut turn, mirror, batch).await?;
    let mut rows = Rows::default();
    let accepted = batch.iter().map(|received| rows.add(received, &mut known, bodies, mirror)).collect();
    turn.is_begun();
    rows.write(*COMMIT_BATCH, &mut turn, ticket, mirror).await?;
    turn.is_whole();
    Ok(accepted)
}

/// The same, together with what is asked of accounts, and a reference to each new request for those it is passed on to.
async fn commit_in_steps(mirror: &Mirror, batch: &[Received], bodies: Bodies) -> Result<Vec<Accepted>, Error> {
    let mut tx = mirror.write().await?;
    let mut known = Known::find(&mut tx, mirror, batch).await?;
    let mut rows = Rows::default();
    let accepted: Vec<_> = batch.iter().map(|received| rows.add(received, &mut known, bodies, mirror)).collect();
    let asks_anything = rows.items.asks_anything();
    rows.add_to(&mut tx, mirror).await?;
    let verified = batch.iter().zip(&accepted).filter(|(received, _)| !mirror.outbox.is_returned(&received.headers));
    let verified: Vec<_> =
        verified.map(|(received, accepted)| (received.account, *accepted, received.received_at)).collect();
    outbox::forward(&mut tx, verified.into_iter()).await?;
    tx.commit().await?;
    if asks_anything {
        mirror.ask_signal.notify_one();
    }
    Ok(accepted)
}

/// An item's place in the inbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Place {
    pub(super) inbox_id: i64,
    pub(super) number: u32,
}

/// The items that are already in the inbox, by what makes them the same.
#[derive(Debug, Default)]
pub(super) struct Known(HashMap<DedupeKey, Place>);

impl Known {
    async fn find(tx: &mut SqliteConnection, mirror: &Mirror, batch: &[Received]) -> Result<Self, Error> {
        let keys = batch
            .iter()
            .flat_map(|received| received.hints.iter().filter_map(|hint| hint.dedupe_key(received.account)))
            .collect();
        Self::among(tx, mirror, keys).await
    }

    /// Looks up by number, which the index has in growing order, then compares the hash in the row.
    pub(super) async fn among(tx: &mut SqliteConnection, mirror: &Mirror, keys: Vec<DedupeKey>) -> Result<Self, Error> {
        let keys = mirror.numbers.possibly_known(tx, keys).await?;
        if keys.is_empty() {
            return Ok(Self::default());
        }
        let wanted: Vec<_> =
            keys.iter().map(|key| (key.account.0, key.system.as_str(), key.notification_id.0)).collect();
        let rows = sqlx::query(
            "select wanted.key as position, inbox_id, number, fields_hash
             from json_each(?) as wanted
             cross join inbox_items
                 on account_id = wanted.value ->> 0 and system = wanted.value ->> 1 and kaltura_id = wanted.value ->> 2
             where outcome <> 'duplicate'",
        )
        .bind(to_json(&wanted))
        .fetch_all(tx)
        .await?;
        let mut known = HashMap::with_capacity(rows.len());
        for row in rows {
            let key = keys[usize::try_from(row.try_get::<i64, _>("position")?).unwrap_or_default()];
            if row.try_get::<&[u8], _>("fields_hash")? == key.item_sha256 {
                known.insert(key, Place { inbox_id: row.try_get("inbox_id")?, number: row.try_get("number")? });
            }
        }
        Ok(Self(known))
    }

    fn find_place(&self, account: AccountId, hint: &Hint) -> Option<Place> {
        self.0.get(&hint.dedupe_key(account)?).copied()
    }

    fn remember(&mut self, account: AccountId, hint: &Hint, inbox_id: i64) {
        if let Some(key) = hint.dedupe_key(account) {
            self.0.insert(key, Place { inbox_id, number: hint.number });
        }
    }
}

/// `(inbox_id, received_at, peer, headers, account_id, secret_label, body_bytes, offset, kept_bytes)`.
type RequestRow<'r> = (i64, i64, String, &'r [(String, String)], i64, &'r str, usize, usize, usize);

/// `(inbox_id, number, account_id, system, kaltura_id, kind, entry_id, outcome)`; its hash is at its place in the blob.
type ItemRow<'r> = (i64, u32, i64, &'static str, Option<i64>, &'r str, Option<&'r str>, &'static str);

/// Everything a batch writes. One text, so that it is one trip to SQLite's thread: with a trip a statement, the trips
/// cost as much as the statements.
static WRITE_BATCH: LazyLock<&str> =
    LazyLock::new(|| [INSERT_REQUESTS, INSERT_ITEMS, COUNT_REPEATS, dirty_entries::UPSERT_HINTS].join(";\n").leak());

/// The same as a whole transaction.
static COMMIT_BATCH: LazyLock<&str> = LazyLock::new(|| ["begin immediate", *WRITE_BATCH, "commit"].join(";\n").leak());

const INSERT_REQUESTS: &str = "
    insert into inbox
        (inbox_id, received_at, peer, headers, verdict, lane, account_id, secret_label, body_bytes, kept_bytes, body)
    select value ->> 0, value ->> 1, value ->> 2, value ->> 3, 'verified', 'verified', value ->> 4, value ->> 5,
           value ->> 6, value ->> 8, iif(value ->> 8, substr(?, 1 + (value ->> 7), value ->> 8), null)
    from jsonb_each(?)";

const INSERT_ITEMS: &str = "
    insert into inbox_items
        (inbox_id, number, account_id, system, kaltura_id, kind, entry_id, outcome, fields_hash)
    select value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7,
           substr(?, 1 + 32 * key, 32)
    from jsonb_each(?)";

const COUNT_REPEATS: &str = "
    update inbox_items
    set repeats = repeats + (again.value ->> 2), repeated_at = again.value ->> 3
    from jsonb_each(?) as again
    where inbox_id = again.value ->> 0 and number = again.value ->> 1";

/// The rows of one batch.
#[derive(Default)]
pub(super) struct Rows<'r> {
    requests: Vec<RequestRow<'r>>,
    bodies: Vec<u8>,
    pub(super) items: Items<'r>,
}

impl<'r> Rows<'r> {
    fn add(&mut self, received: &'r Received, known: &mut Known, bodies: Bodies, mirror: &Mirror) -> Accepted {
        if let Some(first) = self.items.repeat(received, known) {
            return Accepted { inbox_id: first.inbox_id, outcome: Acceptance::Duplicate };
        }
        let inbox_id = mirror.next_inbox_id();
        let kept: &[u8] = if bodies == Bodies::Kept { &received.body } else { &[] };
        self.requests.push((
            inbox_id,
            received.received_at.as_millis(),
            received.peer.to_string(),
            &received.headers,
            received.account.0,
            &received.secret_label.0,
            received.body.len(),
            self.bodies.len(),
            kept.len(),
        ));
        self.bodies.extend_from_slice(kept);
        self.items.add(inbox_id, received.account, &received.hints, received.received_at, known);
        Accepted { inbox_id, outcome: Acceptance::New }
    }

    /// Adds them to a transaction.
    pub(super) async fn add_to(mut self, tx: &mut WriteTx, mirror: &Mirror) -> Result<(), Error> {
        let ticket = tx.take_ticket().await?;
        let asks = std::mem::take(&mut self.items.asks);
        self.write(*WRITE_BATCH, tx, ticket, mirror).await?;
        asks.write(tx).await
    }

    async fn write(
        self,
        statements: &'static str,
        connection: &mut SqliteConnection,
        ticket: i64,
        mirror: &Mirror,
    ) -> Result<(), Error> {
        let repeats = self.items.repeats();
        sqlx::query(statements)
            .bind(self.bodies)
            .bind(to_json(&self.requests))
            .bind(self.items.hashes)
            .bind(to_json(&self.items.rows))
            .bind(to_json(&repeats))
            .bind(ticket)
            .bind(self.items.hints.rows(&mirror.pace, mirror.clock.now()))
            .execute(connection)
            .await?;
        Ok(())
    }
}

/// The items of one batch, the repetitions among them, and the hints that follow.
#[derive(Default)]
pub(super) struct Items<'r> {
    rows: Vec<ItemRow<'r>>,
    hashes: Vec<u8>,
    repeats: HashMap<Place, (u32, Timestamp)>,
    hints: Hints,
    asks: Asks,
}

impl<'r> Items<'r> {
    /// Counts the request as a repetition if every item of it is known; says where the first of them is.
    fn repeat(&mut self, received: &Received, known: &Known) -> Option<Place> {
        let places: Option<Vec<Place>> =
            received.hints.iter().map(|hint| known.find_place(received.account, hint)).collect();
        let places = places?;
        for place in &places {
            self.count_repeat(*place, received.received_at);
        }
        places.first().copied()
    }

    /// Adds the items of a request that has a row of its own.
    pub(super) fn add(
        &mut self,
        inbox_id: i64,
        account: AccountId,
        hints: &'r [Hint],
        received_at: Timestamp,
        known: &mut Known,
    ) {
        for hint in hints {
            let outcome = self.outcome(inbox_id, account, hint, received_at, known);
            if outcome != ItemOutcome::Duplicate {
                known.remember(account, hint, inbox_id);
            }
            self.rows.push((
                inbox_id,
                hint.number,
                account.0,
                hint.system.as_str(),
                hint.notification_id.map(|id| id.0),
                hint.kind.as_str(),
                hint.entry_id.as_ref().map(|entry| entry.as_str()),
                outcome.as_str(),
            ));
            self.hashes.extend_from_slice(&hint.item_sha256);
        }
    }

    /// Whether every item added repeats an earlier one.
    pub(super) fn is_repetition(&self) -> bool {
        self.rows.iter().all(|(.., outcome)| *outcome == ItemOutcome::Duplicate.as_str())
    }

    /// Whether anything is asked of an account as a whole.
    fn asks_anything(&self) -> bool {
        !self.asks.is_empty()
    }

    fn outcome(
        &mut self,
        inbox_id: i64,
        account: AccountId,
        hint: &Hint,
        received_at: Timestamp,
        known: &Known,
    ) -> ItemOutcome {
        if let Some(place) = known.find_place(account, hint) {
            self.count_repeat(place, received_at);
            return ItemOutcome::Duplicate;
        }
        let asked = self.asks.add(account, &hint.asks, (inbox_id, hint.number), received_at);
        match &hint.entry_id {
            Some(entry) if hint.asks.contains(&Ask::LookAtEntry) => {
                self.hints.add(account, entry, Reason::Notification, Lane::Live, received_at);
                ItemOutcome::Hinted
            }
            _ if asked => ItemOutcome::Asked,
            _ => ItemOutcome::Kept,
        }
    }

    fn count_repeat(&mut self, place: Place, at: Timestamp) {
        let (count, latest) = self.repeats.entry(place).or_insert((0, at));
        *count += 1;
        *latest = at.max(*latest);
    }

    /// `(inbox_id, number, count, latest)` of each item that came again.
    fn repeats(&self) -> Vec<(i64, u32, u32, i64)> {
        let row = |(place, (count, latest)): (&Place, &(u32, Timestamp))| {
            (place.inbox_id, place.number, *count, latest.as_millis())
        };
        self.repeats.iter().map(row).collect()
    }
}

/// Texts and numbers only: nothing that could fail.
pub(super) fn to_json(rows: &impl serde::Serialize) -> String {
    serde_json::to_string(rows).expect("texts and numbers are always JSON")
}
