//! What one transaction writes of verified requests: rows, bodies, hints, put down as the requests come in.
//!
//! One statement a table and batch: rows as one JSON array, bodies and hashes as one blob each, cut by offset; and all
//! of them in one trip. (Measured: a statement a row is six times slower, multi-row `values` a quarter.)

use std::collections::HashMap;
use std::sync::LazyLock;

use sqlx::Arguments;
use sqlx::sqlite::{SqliteArguments, SqliteConnection};

use super::accept::{Acceptance, Accepted, Received, to_json};
use super::account_asks::Asks;
use super::dirty_entries::{self, Hints, Lane, Reason, Reasons};
use super::error::Error;
use super::inbox::ItemOutcome;
use super::known::{Known, Place};
use super::mirror::Mirror;
use super::writer::WriteTx;
use crate::domain::clock::Timestamp;
use crate::domain::ids::AccountId;
use crate::notification::hint::{DedupeKey, Hint};
use crate::notification::kind::Ask;

/// Whether the bodies go in with the rows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Bodies {
    Kept,
    Dropped,
}

/// Everything a batch writes. One text, so that it is one trip to SQLite's thread: with a trip a statement, the trips
/// cost as much as the statements.
static WRITE: LazyLock<&str> = LazyLock::new(|| text(&[INSERT_REQUESTS]));
static WRITE_WITHOUT_BODIES: LazyLock<&str> = LazyLock::new(|| text(&[INSERT_WITHOUT_BODIES]));

/// The same as a whole transaction.
static COMMIT: LazyLock<&str> = LazyLock::new(|| [BEGIN, *WRITE, "commit"].join(";\n").leak());
static COMMIT_WITHOUT_BODIES: LazyLock<&str> =
    LazyLock::new(|| [BEGIN, *WRITE_WITHOUT_BODIES, "commit"].join(";\n").leak());

const BEGIN: &str = "begin immediate";

fn text(requests: &[&str]) -> &'static str {
    [requests, &[INSERT_ITEMS, COUNT_REPEATS, dirty_entries::UPSERT_HINTS]].concat().join(";\n").leak()
}

// In files, because the loop that `benches/intake` measures us by runs the very same.
const INSERT_REQUESTS: &str = include_str!("sql/insert_requests.sql");

/// Takes the same parameters.
const INSERT_WITHOUT_BODIES: &str = "
    insert into inbox
        (inbox_id, received_at, peer, headers, verdict, lane, account_id, secret_label, body_bytes, kept_bytes, body)
    select value ->> 0, value ->> 1, value ->> 2, value ->> 3, 'verified', 'verified', value ->> 4, value ->> 5,
           value ->> 6, 0, iif(true, null, ?)
    from jsonb_each(?)";

const INSERT_ITEMS: &str = include_str!("sql/insert_items.sql");
const COUNT_REPEATS: &str = include_str!("sql/count_repeats.sql");

/// What one transaction writes of verified requests.
#[derive(Default)]
pub(super) struct Sheet {
    /// `[inbox_id, received_at, peer, headers, account_id, secret_label, body_bytes, offset]` each.
    requests: JsonRows,
    bodies: Vec<u8>,
    items: Items,
    new_items: Vec<(DedupeKey, Place)>,
    written: Vec<Written>,
    /// What is bound, once nothing is added any more.
    sealed: Option<SqliteArguments>,
}

/// What becomes of a request on the sheet.
#[derive(Clone, Copy)]
struct Written {
    account: AccountId,
    accepted: Accepted,
    received_at: Timestamp,
    may_go_on: bool,
}

impl Written {
    fn of(received: &Received, accepted: Accepted, may_go_on: bool) -> Self {
        Self { account: received.account, accepted, received_at: received.received_at, may_go_on }
    }
}

/// Room for the bodies of some fifty requests: to grow there step by step copies each of them several times.
const BODIES_BYTES: usize = 64 << 10;
/// The same for rows of one table.
const ROWS_BYTES: usize = 16 << 10;

impl Sheet {
    /// An empty sheet for requests that come together.
    pub(super) fn with_room() -> Self {
        let mut sheet = Self::default();
        sheet.bodies.reserve(BODIES_BYTES);
        sheet.requests.0.reserve(ROWS_BYTES);
        sheet.items.rows.0.reserve(ROWS_BYTES);
        sheet
    }

    /// A sheet with nothing but the items of a request that has its row already.
    pub(super) fn of_items(items: Items) -> Self {
        Self { items, ..Self::default() }
    }

    /// Puts down a request of which every item is new for certain.
    pub(super) fn add_new(&mut self, received: &Received, mirror: &Mirror) {
        let inbox_id = self.add_request(received, mirror);
        for hint in &received.hints {
            self.new_items.extend(self.items.add_new(inbox_id, received.account, hint, received.received_at));
        }
    }

    /// Puts down a request that may repeat what is known.
    pub(super) fn add(&mut self, received: &Received, known: &mut Known, mirror: &Mirror) {
        if let Some(first) = self.items.repeat(received, known) {
            let accepted = Accepted { inbox_id: first.inbox_id, outcome: Acceptance::Duplicate };
            self.written.push(Written::of(received, accepted, false));
            return;
        }
        let inbox_id = self.add_request(received, mirror);
        self.items.add(inbox_id, received.account, &received.hints, received.received_at, known);
    }

    fn add_request(&mut self, received: &Received, mirror: &Mirror) -> i64 {
        let inbox_id = mirror.next_inbox_id();
        self.requests.push(&(
            inbox_id,
            received.received_at.as_millis(),
            received.peer,
            &received.headers,
            received.account.0,
            &received.secret_label.0,
            received.body.len(),
            self.bodies.len(),
        ));
        self.bodies.extend_from_slice(&received.body);
        let may_go_on = !mirror.outbox.is_returned(&received.headers);
        self.written.push(Written::of(received, Accepted { inbox_id, outcome: Acceptance::New }, may_go_on));
        inbox_id
    }

    /// What becomes of the request in this place, in the order they were put down.
    pub(super) fn accepted(&self, place: usize) -> Accepted {
        self.written[place].accepted
    }

    /// What may be passed on: all that is new and has not come back from whom it was passed on to.
    pub(super) fn to_forward(&self) -> impl Iterator<Item = (AccountId, Accepted, Timestamp)> + Clone + '_ {
        let may_go_on = self.written.iter().filter(|written| written.may_go_on);
        may_go_on.map(|written| (written.account, written.accepted, written.received_at))
    }

    /// The items of [`Sheet::add_new`]: no transaction has them yet, and another request on this sheet may repeat them.
    pub(super) fn new_items(&self) -> &[(DedupeKey, Place)] {
        &self.new_items
    }

    /// Whether anything is asked of an account as a whole.
    pub(super) fn asks_anything(&self) -> bool {
        !self.items.asks.is_empty()
    }

    /// Writes it as a whole transaction of its own, in one trip. What is asked of accounts is not in it.
    pub(super) async fn commit(
        &mut self,
        connection: &mut SqliteConnection,
        ticket: i64,
        bodies: Bodies,
        mirror: &Mirror,
    ) -> Result<(), Error> {
        let statements = if bodies == Bodies::Kept { *COMMIT } else { *COMMIT_WITHOUT_BODIES };
        self.run(statements, connection, ticket, mirror).await
    }

    /// Adds it to a transaction, with what is asked of accounts.
    pub(super) async fn add_to(&mut self, tx: &mut WriteTx, bodies: Bodies, mirror: &Mirror) -> Result<(), Error> {
        let ticket = tx.take_ticket().await?;
        let statements = if bodies == Bodies::Kept { *WRITE } else { *WRITE_WITHOUT_BODIES };
        self.run(statements, tx, ticket, mirror).await?;
        self.items.asks.write(tx).await
    }

    async fn run(
        &mut self,
        statements: &'static str,
        connection: &mut SqliteConnection,
        ticket: i64,
        mirror: &Mirror,
    ) -> Result<(), Error> {
        let mut arguments = self.seal();
        add(&mut arguments, ticket);
        add(&mut arguments, self.items.hints.rows(&mirror.pace, mirror.clock.now()));
        sqlx::query_with(statements, arguments).execute(connection).await?;
        Ok(())
    }

    /// What is bound before the hints. A clone shares it: what could not be written is written again without a copy.
    fn seal(&mut self) -> SqliteArguments {
        let sealed = self.sealed.get_or_insert_with(|| {
            let mut arguments = SqliteArguments::default();
            add(&mut arguments, std::mem::take(&mut self.bodies));
            add(&mut arguments, std::mem::take(&mut self.requests).into_text());
            add(&mut arguments, std::mem::take(&mut self.items.hashes));
            add(&mut arguments, std::mem::take(&mut self.items.rows).into_text());
            add(&mut arguments, to_json(&self.items.repeats()));
            arguments
        });
        sealed.clone()
    }
}

fn add<'t>(arguments: &mut SqliteArguments, value: impl sqlx::Encode<'t, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite>) {
    arguments.add(value).expect("texts, numbers and blobs can always be bound");
}

/// The items of one batch, the repetitions among them, and the hints that follow.
#[derive(Default)]
pub(super) struct Items {
    /// `[inbox_id, number, account_id, system, kaltura_id, kind, entry_id, outcome]` each; its hash is at its place in
    /// the blob.
    rows: JsonRows,
    hashes: Vec<u8>,
    is_any_new: bool,
    repeats: HashMap<Place, (u32, Timestamp)>,
    hints: Hints,
    asks: Asks,
}

impl Items {
    /// Adds the items of a request that has a row of its own.
    pub(super) fn add(
        &mut self,
        inbox_id: i64,
        account: AccountId,
        hints: &[Hint],
        received_at: Timestamp,
        known: &mut Known,
    ) {
        for hint in hints {
            match known.find_place(account, hint) {
                Some(place) => {
                    self.count_repeat(place, received_at);
                    self.put(inbox_id, account, hint, ItemOutcome::Duplicate);
                }
                None => known.remember(self.add_new(inbox_id, account, hint, received_at)),
            }
        }
    }

    /// Says by what it is known from now on, if by anything.
    fn add_new(
        &mut self,
        inbox_id: i64,
        account: AccountId,
        hint: &Hint,
        received_at: Timestamp,
    ) -> Option<(DedupeKey, Place)> {
        let outcome = self.follow(inbox_id, account, hint, received_at);
        self.put(inbox_id, account, hint, outcome);
        self.is_any_new = true;
        Some((hint.dedupe_key(account)?, Place { inbox_id, number: hint.number }))
    }

    /// Whether every item added repeats an earlier one.
    pub(super) fn is_repetition(&self) -> bool {
        !self.is_any_new
    }

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

    fn put(&mut self, inbox_id: i64, account: AccountId, hint: &Hint, outcome: ItemOutcome) {
        self.rows.push(&(
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

    /// Notes what an item that is new asks.
    fn follow(&mut self, inbox_id: i64, account: AccountId, hint: &Hint, received_at: Timestamp) -> ItemOutcome {
        let asked = self.asks.add(account, &hint.asks, (inbox_id, hint.number), received_at);
        match &hint.entry_id {
            Some(entry) if hint.asks.contains(&Ask::LookAtEntry) => {
                let reasons = Reasons::from(Reason::Notification).about(hint.kind.topic());
                self.hints.add(account, entry, reasons, Lane::Live, received_at);
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

/// A JSON array, written row by row.
#[derive(Default)]
struct JsonRows(Vec<u8>);

impl JsonRows {
    fn push(&mut self, row: &impl serde::Serialize) {
        self.0.push(if self.0.is_empty() { b'[' } else { b',' });
        serde_json::to_writer(&mut self.0, row).expect("texts and numbers are always JSON");
    }

    fn into_text(mut self) -> String {
        if self.0.is_empty() {
            self.0.push(b'[');
        }
        self.0.push(b']');
        String::from_utf8(self.0).expect("JSON is UTF-8")
    }
}
