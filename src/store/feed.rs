//! The feed as its readers get it: the changes after a place, or all that is public now and then the changes.
//!
//! Each page is read as of one moment. A row of the sequence is told once, with the entry as it is at that moment. A
//! `put` of an entry that is withheld by then is left out: the `drop` that withheld it stands later in the sequence.
//!
//! A full pass tells, in the order in which entries came into the mirror, those that have not changed since it began;
//! the others follow with their changes. So no entry is ever told in an older state than before.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;
use sqlx::SqliteConnection;

use super::Store;
use super::changes::{self, Cause, ChangeRow, Op};
use super::error::Error;
use super::feed_token::{FeedToken, Place, Position};
use super::public_entries::{self, PAGE_MAX, PublicCursor, PublicShape, PublicShapes};
use super::rows;
use super::settings;
use super::writer::WriteTx;
use crate::domain::clock::Timestamp;
use crate::domain::fingerprint::of_texts;
use crate::domain::ids::{AccountId, EntryId};
use crate::domain::public_entry::PublicEntry;

/// Numbers of the sequence that one page looks through at most, when most are of another account.
const LOOKED_THROUGH_MAX: i64 = 2_000;
/// Pages of the feed that are read at the same time: half of the connections that read, so that however many readers
/// follow the feed, a website's pages do not wait for them.
pub(super) const PAGES_AT_ONCE: usize = 2;
/// Part of every token: raised when entries are told otherwise than before although no account's shape says so.
const FORM_OF_ENTRIES: &str = "1";
/// Names this data directory to readers of the feed. Made once; a token of another one is not gone on with.
const DIRECTORY: &str = "feed_directory";

/// Where a page of the feed begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeedStart {
    /// At the present end: nothing but what changes from now on, of this account or of all.
    Now(Option<AccountId>),
    /// With all that is public now, of this account or of all.
    Initial(Option<AccountId>),
    /// Where an earlier page or item ended.
    After(FeedToken),
}

/// The answer to a reader of the feed.
#[derive(Debug, Clone, PartialEq)]
pub enum FeedAnswer {
    /// What follows.
    Page(FeedPage),
    /// Its token cannot be gone on with; only a new full pass is complete.
    Gone(Gone),
}

/// Why a token cannot be gone on with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gone {
    /// Changes after it have been forgotten.
    Older,
    /// It is of another data directory, or of this one before an older copy was put back.
    Elsewhere,
    /// Entries are told otherwise since: other fields, labels or accounts. No change tells of that.
    ToldOtherwise,
}

/// A page of the feed.
#[derive(Debug, Clone, PartialEq)]
pub struct FeedPage {
    /// Where it begins.
    pub from: FeedToken,
    /// At most as many as were asked for; fewer, or none, also when there are more.
    pub items: Vec<FeedItem>,
    /// Where the next page begins.
    pub next: FeedToken,
    /// Whether there is more already.
    pub more: bool,
}

/// One change, or one entry of a full pass. Serialises as DESIGN 7 fixes it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FeedItem {
    /// Its number in the sequence; in a full pass that of the entry's latest change.
    pub seq: i64,
    /// What to do.
    pub op: Op,
    /// With which entry.
    pub id: EntryId,
    /// The account's label.
    pub account: String,
    /// Why; in a full pass always `backfill`.
    pub cause: Cause,
    /// When it was written, RFC 3339 UTC; in a full pass when it was read.
    pub at: String,
    /// The entry as it is now, for a put.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entry: Option<PublicEntry>,
    /// Where a reader stands who has this item and all before it.
    #[serde(skip)]
    pub token: FeedToken,
}

impl Store {
    /// What follows `start`, at most `limit` items (at most 100), of accounts that are in `shapes`.
    ///
    /// Dates that have passed are followed first, so that the feed says no later than any other answer that an entry has
    /// begun or ended.
    ///
    /// # Errors
    /// Those of reading, and of following the dates unless there is no room to write just now.
    pub async fn feed_page(&self, start: &FeedStart, limit: usize, shapes: &PublicShapes) -> Result<FeedAnswer, Error> {
        let _turn = self.0.feed_turns.acquire().await.map_err(|_| Error::Closed)?;
        self.follow_dates().await?;
        let mut tx = self.read().await?;
        let kept = Kept::read(&mut tx).await?;
        let feed = Feed::new(self, start, kept, shapes);
        if let FeedStart::After(token) = start
            && let Some(gone) = feed.gone(&mut tx, token).await?
        {
            return Ok(FeedAnswer::Gone(gone));
        }
        let limit = limit.clamp(1, PAGE_MAX);
        let page = match feed.start(start) {
            Position::After(place) => feed.changes(&mut tx, place, limit).await?,
            Position::Pass { began, after } => feed.pass(&mut tx, began, after, limit).await?,
        };
        Ok(FeedAnswer::Page(page))
    }

    async fn follow_dates(&self) -> Result<(), Error> {
        let due = self.next_schedule_change().await?;
        if due.is_none_or(|due| due > self.now()) {
            return Ok(());
        }
        for account in self.accounts() {
            match self.advance_schedule(account.id).await {
                Err(error) if !error.is_transient() => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }
}

/// The ends of what is kept of the sequence.
pub(super) struct Kept {
    oldest_seq: i64,
    pub(super) newest: Place,
}

impl Kept {
    pub(super) async fn read(connection: &mut SqliteConnection) -> Result<Self, Error> {
        let oldest: Option<i64> =
            sqlx::query_scalar("select min(seq) from changes").fetch_one(&mut *connection).await?;
        Ok(Self { oldest_seq: oldest.unwrap_or(0), newest: last_place(connection, i64::MAX).await? })
    }

    /// Why whoever stands at this place cannot go on, if so.
    pub(super) async fn gone(&self, connection: &mut SqliteConnection, place: Place) -> Result<Option<Gone>, Error> {
        if place.seq > self.newest.seq {
            return Ok(Some(Gone::Elsewhere));
        }
        if place.seq.saturating_add(1) < self.oldest_seq {
            return Ok(Some(Gone::Older));
        }
        let written: Option<i64> = sqlx::query_scalar("select at from changes where seq = ?")
            .bind(place.seq)
            .fetch_optional(connection)
            .await?;
        Ok(written.is_some_and(|at| at != place.at.as_millis()).then_some(Gone::Elsewhere))
    }
}

/// The feed as one reader gets it, at one moment.
struct Feed {
    directory: i64,
    shape: i64,
    account: Option<AccountId>,
    /// Of the accounts it is about.
    shapes: PublicShapes,
    is_one_of_several: bool,
    kept: Kept,
    now: Timestamp,
}

impl Feed {
    fn new(store: &Store, start: &FeedStart, kept: Kept, shapes: &PublicShapes) -> Self {
        let account = match start {
            FeedStart::Now(account) | FeedStart::Initial(account) => *account,
            FeedStart::After(token) => token.account,
        };
        let is_about = |id: &AccountId| account.is_none_or(|account| account == *id);
        let shapes: PublicShapes =
            shapes.iter().filter(|(id, _)| is_about(id)).map(|(id, shape)| (*id, shape.clone())).collect();
        let is_one_of_several = store.has_several_accounts();
        Self {
            directory: store.0.directory,
            shape: shape_hash(&shapes, is_one_of_several),
            account,
            shapes,
            is_one_of_several,
            kept,
            now: store.now(),
        }
    }

    fn start(&self, start: &FeedStart) -> Position {
        match start {
            FeedStart::Now(_) => Position::After(self.kept.newest),
            FeedStart::Initial(_) => Position::Pass { began: self.kept.newest, after: PublicCursor::START },
            FeedStart::After(token) => token.position,
        }
    }

    async fn gone(&self, connection: &mut SqliteConnection, token: &FeedToken) -> Result<Option<Gone>, Error> {
        if token.directory != self.directory {
            return Ok(Some(Gone::Elsewhere));
        }
        if let Some(gone) = self.kept.gone(connection, token.place()).await? {
            return Ok(Some(gone));
        }
        Ok((token.shape != self.shape).then_some(Gone::ToldOtherwise))
    }

    fn token(&self, position: Position) -> FeedToken {
        FeedToken { directory: self.directory, shape: self.shape, account: self.account, position }
    }

    async fn changes(&self, connection: &mut SqliteConnection, after: Place, limit: usize) -> Result<FeedPage, Error> {
        let newest = self.kept.newest;
        let until = after.seq.saturating_add(LOOKED_THROUGH_MAX).min(newest.seq);
        let rows = self.rows(connection, after.seq, until, limit).await?;
        let reached = match rows.last() {
            Some(last) if rows.len() == limit => place_of(last),
            _ if until == newest.seq => newest,
            _ => last_place(connection, until).await?,
        };
        let mut entries = self.entries_put(connection, &rows).await?;
        let items = rows.into_iter().filter_map(|row| self.item(row, &mut entries)).collect();
        Ok(FeedPage {
            from: self.token(Position::After(after)),
            items,
            next: self.token(Position::After(reached)),
            more: reached.seq < newest.seq,
        })
    }

    async fn rows(
        &self,
        connection: &mut SqliteConnection,
        after: i64,
        until: i64,
        limit: usize,
    ) -> Result<Vec<ChangeRow>, Error> {
        let accounts: Vec<i64> = self.shapes.keys().map(|account| account.0).collect();
        sqlx::query(
            "select seq, account_id, entry_id, op, cause, origin, fingerprint, at
             from changes
             where seq > ? and seq <= ? and account_id in (select value from json_each(?))
             order by seq
             limit ?",
        )
        .bind(after)
        .bind(until)
        .bind(rows::parameter(&accounts))
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(connection)
        .await?
        .iter()
        .map(changes::change_row)
        .collect()
    }

    /// The entries that these rows put, as far as visitors may see them now.
    async fn entries_put(
        &self,
        connection: &mut SqliteConnection,
        rows: &[ChangeRow],
    ) -> Result<HashMap<(AccountId, EntryId), PublicEntry>, Error> {
        let mut wanted: BTreeMap<AccountId, Vec<EntryId>> = BTreeMap::new();
        for row in rows.iter().filter(|row| row.change.op == Op::Put) {
            wanted.entry(row.account).or_default().push(row.entry_id.clone());
        }
        let mut entries = HashMap::new();
        for (account, mut ids) in wanted {
            ids.sort();
            ids.dedup();
            let shape = &self.shapes[&account];
            let shown = public_entries::shown_of(connection, account, &ids, shape, self.now).await?;
            let told = public_entries::assemble(shown, shape, self.is_one_of_several);
            entries.extend(told.into_iter().map(|entry| ((account, entry.id.clone()), entry)));
        }
        Ok(entries)
    }

    /// What is told of a row; nothing of a put whose entry is withheld by now.
    fn item(&self, row: ChangeRow, entries: &mut HashMap<(AccountId, EntryId), PublicEntry>) -> Option<FeedItem> {
        let token = self.token(Position::After(place_of(&row)));
        let ChangeRow { change, account, entry_id, at, .. } = row;
        let label = self.shapes[&account].label.clone();
        let entry = match change.op {
            Op::Put => Some(entries.get(&(account, entry_id.clone()))?.clone()),
            Op::Drop => None,
        };
        Some(FeedItem {
            seq: change.seq,
            op: change.op,
            id: entry_id,
            account: label,
            cause: change.cause,
            at: at.to_string(),
            entry,
            token,
        })
    }

    async fn pass(
        &self,
        connection: &mut SqliteConnection,
        began: Place,
        after: PublicCursor,
        limit: usize,
    ) -> Result<FeedPage, Error> {
        let (mut items, mut room, mut reached) = (Vec::new(), limit, after);
        let page = |items, next, more| FeedPage {
            from: self.token(Position::Pass { began, after }),
            items,
            next: self.token(next),
            more,
        };
        for (account, shape) in self.shapes.range(after.account..) {
            let from = if *account == after.account { after.row_id } else { 0 };
            // One more than there is room for tells whether there is a next page.
            let mut rows = public_entries::shown_after(connection, *account, from, room + 1, shape, self.now).await?;
            let is_last = rows.len() <= room;
            rows.truncate(room);
            room -= rows.len();
            for row in rows {
                reached = PublicCursor { account: *account, row_id: row.row_id };
                let entry = row.into_entry(shape, self.is_one_of_several);
                if entry.seq <= began.seq {
                    items.push(self.item_of_pass(entry, shape, Position::Pass { began, after: reached }));
                }
            }
            if !is_last {
                return Ok(page(items, Position::Pass { began, after: reached }, true));
            }
        }
        Ok(page(items, Position::After(began), began.seq < self.kept.newest.seq))
    }

    fn item_of_pass(&self, entry: PublicEntry, shape: &PublicShape, position: Position) -> FeedItem {
        FeedItem {
            seq: entry.seq,
            op: Op::Put,
            id: entry.id.clone(),
            account: shape.label.clone(),
            cause: Cause::Backfill,
            at: self.now.to_string(),
            entry: Some(entry),
            token: self.token(position),
        }
    }
}

fn place_of(row: &ChangeRow) -> Place {
    Place { seq: row.change.seq, at: row.at }
}

/// The latest change up to this number.
pub(super) async fn last_place(connection: &mut SqliteConnection, until: i64) -> Result<Place, Error> {
    let last: Option<(i64, i64)> =
        sqlx::query_as("select seq, at from changes where seq <= ? order by seq desc limit 1")
            .bind(until)
            .fetch_optional(connection)
            .await?;
    let (seq, at) = last.unwrap_or((0, 0));
    Ok(Place { seq, at: Timestamp::from_millis(at) })
}

/// Of everything in the answers that does not come from the rows of entries.
fn shape_hash(shapes: &PublicShapes, is_one_of_several: bool) -> i64 {
    let mut texts = vec![FORM_OF_ENTRIES.to_owned(), is_one_of_several.to_string()];
    for (account, shape) in shapes {
        let profile = shape.content_profile.map(|profile| profile.to_string()).unwrap_or_default();
        texts.extend([account.0.to_string(), shape.label.clone(), profile]);
        texts.push(rows::json(&shape.told_fields()));
        texts.push(rows::json(&shape.publish.fields.as_deref()));
    }
    let hash = of_texts(texts.iter().map(String::as_str));
    i64::from_be_bytes(*hash.as_bytes().first_chunk().expect("a hash is longer than a number"))
}

/// The number by which readers of the feed know this data directory, if it has one.
pub(super) async fn find_directory(connection: &mut SqliteConnection) -> Result<Option<i64>, Error> {
    settings::find(connection, AccountId(0), DIRECTORY).await
}

/// The same; made the first time.
pub(super) async fn directory(tx: &mut WriteTx) -> Result<i64, Error> {
    if let Some(known) = find_directory(tx).await? {
        return Ok(known);
    }
    let mut random = [0; size_of::<i64>()];
    getrandom::fill(&mut random).map_err(|error| Error::Failed { cause: format!("no randomness: {error}") })?;
    let made = i64::from_be_bytes(random);
    settings::put(tx, AccountId(0), DIRECTORY, made).await?;
    Ok(made)
}
