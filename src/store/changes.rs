//! The sequence of what visitors saw change: a row when an entry appears, changes or disappears, and none otherwise.

use std::collections::HashMap;
use std::fmt;

use serde::Serialize;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use tokio::sync::watch;

use super::Store;
use super::error::Error;
use super::rows::{self, RowId};
use super::writer::WriteTx;
use crate::domain::clock::Timestamp;
use crate::domain::fingerprint::Fingerprint;
use crate::domain::ids::{AccountId, EntryId};
use crate::domain::visibility::{PublicState, Withheld};

/// What a reader of the feed does about a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Op {
    /// Take the entry as it is now.
    Put,
    /// Forget the entry.
    Drop,
}

impl Op {
    const ALL: [Self; 2] = [Self::Put, Self::Drop];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Put => "put",
            Self::Drop => "drop",
        }
    }
}

/// Why visitors saw a change: the words of the feed and of the hooks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// A sync was decided.
    Synced,
    /// An editor asked again, and nothing differs.
    Resync,
    /// The content differs, without a sync having been asked for.
    Changed,
    /// It was absent and is seen again.
    Restored,
    /// A second look confirmed that it is gone.
    Deleted,
    /// An answer lacked it.
    Missing,
    /// Put into the recycle bin, or taken out.
    Recycled,
    /// Held back by moderation, or released.
    Moderation,
    /// A start or an end date passed, or was changed.
    Schedule,
    /// Restricted by its access control or a category, or opened.
    Restricted,
    /// Without playable content, or with content again.
    NotReady,
    /// Hidden by hand, or shown again.
    Hidden,
    /// Access-control profiles, categories or `[publish]` changed.
    Policy,
    /// `[mirror] filter` leaves it out, or takes it in.
    Filter,
    /// Found in the catalogue.
    Backfill,
}

impl Cause {
    const ALL: [Self; 15] = [
        Self::Synced,
        Self::Resync,
        Self::Changed,
        Self::Restored,
        Self::Deleted,
        Self::Missing,
        Self::Recycled,
        Self::Moderation,
        Self::Schedule,
        Self::Restricted,
        Self::NotReady,
        Self::Hidden,
        Self::Policy,
        Self::Filter,
        Self::Backfill,
    ];

    /// The stable word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Synced => "synced",
            Self::Resync => "resync",
            Self::Changed => "changed",
            Self::Restored => "restored",
            Self::Deleted => "deleted",
            Self::Missing => "missing",
            Self::Recycled => "recycled",
            Self::Moderation => "moderation",
            Self::Schedule => "schedule",
            Self::Restricted => "restricted",
            Self::NotReady => "not_ready",
            Self::Hidden => "hidden",
            Self::Policy => "policy",
            Self::Filter => "filter",
            Self::Backfill => "backfill",
        }
    }

    /// The reason that began.
    pub(super) fn of(why: Withheld) -> Self {
        match why {
            Withheld::Hidden => Self::Hidden,
            Withheld::Deleted => Self::Deleted,
            Withheld::Missing => Self::Missing,
            Withheld::Recycled => Self::Recycled,
            Withheld::Moderation => Self::Moderation,
            Withheld::NotReady => Self::NotReady,
            Withheld::Schedule => Self::Schedule,
            Withheld::Restricted => Self::Restricted,
            Withheld::Filter => Self::Filter,
        }
    }

    /// The reason that ended: an absence that ends is a restoration.
    pub(super) fn of_the_end_of(why: Withheld) -> Self {
        match why {
            Withheld::Deleted | Withheld::Missing => Self::Restored,
            other => Self::of(other),
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Who brought a change about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// A notification or the incremental reconcile.
    Hint,
    /// Backfill or the full sweep.
    Catalogue,
    /// A person at the command line or the dashboard.
    Person,
    /// A changed policy.
    Policy,
    /// A date that passed.
    Clock,
    /// The worker by itself: thumbnails, the brake.
    Worker,
}

impl Origin {
    const ALL: [Self; 6] = [Self::Hint, Self::Catalogue, Self::Person, Self::Policy, Self::Clock, Self::Worker];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Hint => "hint",
            Self::Catalogue => "catalogue",
            Self::Person => "person",
            Self::Policy => "policy",
            Self::Clock => "clock",
            Self::Worker => "worker",
        }
    }
}

/// A row of the sequence, as its writer learns of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Its number: higher is later.
    pub seq: i64,
    /// What readers do about it.
    pub op: Op,
    /// Why.
    pub cause: Cause,
}

/// A row of the sequence, as its readers get it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeRow {
    /// Its number, what to do, and why.
    pub change: Change,
    /// Whose entry.
    pub account: AccountId,
    /// Which.
    pub entry_id: EntryId,
    /// Who brought it about.
    pub origin: Origin,
    /// Of the public answer; `None` for a drop.
    pub fingerprint: Option<Fingerprint>,
    /// When it was written.
    pub at: Timestamp,
}

/// Rows that one transaction forgets at most.
const PRUNE_CHUNK: i64 = 500;

impl Store {
    /// Forgets changes told before this moment, and the oldest beyond this number; the latest one stays, so that numbers never
    /// restart. Says how many; a chunk a transaction.
    ///
    /// # Errors
    /// Those of writing: what was forgotten so far stays forgotten.
    pub async fn prune_changes(&self, before: Timestamp, kept_max: u64) -> Result<u64, Error> {
        let mut forgotten = 0;
        loop {
            let mut tx = self.write().await?;
            let chunk = sqlx::query(
                "delete from changes
                 where seq in (
                     select seq
                     from (select seq, at from changes order by seq limit ?3)
                     where seq < (select max(seq) from changes)
                       and (at < ?1 or seq <= (select max(seq) from changes) - ?2))",
            )
            .bind(before.as_millis())
            .bind(i64::try_from(kept_max).unwrap_or(i64::MAX))
            .bind(PRUNE_CHUNK)
            .execute(&mut *tx)
            .await?
            .rows_affected();
            tx.commit().await?;
            forgotten += chunk;
            if chunk < PRUNE_CHUNK.unsigned_abs() {
                return Ok(forgotten);
            }
        }
    }

    /// The number of the latest change, and a bell that rings when one is committed: whoever reads after it rang sees it.
    pub fn changes_bell(&self) -> watch::Receiver<i64> {
        self.0.mirror.changes_bell.subscribe()
    }

    /// The changes after number `seq`, in their order, at most `limit` (at most 1,000).
    ///
    /// # Errors
    /// Those of reading.
    pub async fn changes_after(&self, seq: i64, limit: usize) -> Result<Vec<ChangeRow>, Error> {
        sqlx::query(
            "select seq, account_id, entry_id, op, cause, origin, fingerprint, at
             from changes
             where seq > ?
             order by seq
             limit ?",
        )
        .bind(seq)
        .bind(i64::try_from(limit.min(1_000)).unwrap_or(1_000))
        .fetch_all(self.readers())
        .await?
        .iter()
        .map(change_row)
        .collect()
    }
}

pub(super) fn change_row(row: &SqliteRow) -> Result<ChangeRow, Error> {
    Ok(ChangeRow {
        change: Change {
            seq: row.try_get("seq")?,
            op: word(row, "op", &Op::ALL, |op| op.as_str())?,
            cause: word(row, "cause", &Cause::ALL, |cause| cause.as_str())?,
        },
        account: AccountId(row.try_get("account_id")?),
        entry_id: rows::entry_id(row)?,
        origin: word(row, "origin", &Origin::ALL, |origin| origin.as_str())?,
        fingerprint: rows::fingerprint(row, "fingerprint")?,
        at: Timestamp::from_millis(row.try_get("at")?),
    })
}

/// The one of `all` that a column's word means.
fn word<T: Copy>(row: &SqliteRow, column: &str, all: &[T], as_str: impl Fn(T) -> &'static str) -> Result<T, Error> {
    let word: &str = row.try_get(column)?;
    let meant = all.iter().copied().find(|one| as_str(*one) == word);
    meant.ok_or_else(|| Error::Corrupt { cause: format!("changes.{column} {word:?}") })
}

/// On what occasion an entry is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Occasion {
    /// The cause when a new entry appears, or when the answer changes and stays public.
    pub(super) cause: Cause,
    /// The cause when an entry appears or disappears, when it is not the reason that ended or began.
    pub(super) flip: Option<Cause>,
    /// Told again although nothing differs in the answer.
    pub(super) resync: bool,
    /// Who brought it about.
    pub(super) origin: Origin,
    /// What hooks hear in it.
    pub(super) told: Told,
}

/// What an occasion is to hooks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// A sync that is told, whatever it changes.
    Synced,
    /// Content came in without a sync having been asked for.
    Content,
    /// Another picture is kept, or none.
    Picture,
    /// Something else is said in its captions.
    Spoken,
    /// Nothing but what the judgement finds.
    Facts,
    /// Content came in that nobody is to hear of.
    Quietly,
}

impl Occasion {
    /// One that tells nothing but what it changed.
    pub(super) fn new(cause: Cause, origin: Origin) -> Self {
        Self { cause, flip: None, resync: false, origin, told: Told::Facts }
    }
}

/// What visitors may see of an entry: its state, and the fingerprint of the answer while it is public.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) state: PublicState,
    pub(super) fingerprint: Option<Fingerprint>,
}

/// The change that visitors see between two answers; `before` is `None` for an entry new to the mirror.
pub(super) fn between(before: Option<&Answer>, after: &Answer, occasion: Occasion) -> Option<(Op, Cause)> {
    let was_public = before.is_some_and(|before| before.state.is_public());
    match (was_public, after.state.is_public()) {
        (false, false) => None,
        (false, true) => Some((Op::Put, why_shown(before, occasion))),
        (true, false) => Some((Op::Drop, why_hidden(&after.state, occasion))),
        (true, true) if before.is_some_and(|before| before.fingerprint != after.fingerprint) => {
            Some((Op::Put, occasion.cause))
        }
        (true, true) if occasion.told == Told::Picture => occasion.resync.then_some((Op::Put, occasion.cause)),
        (true, true) => occasion.resync.then_some((Op::Put, Cause::Resync)),
    }
}

fn why_shown(before: Option<&Answer>, occasion: Occasion) -> Cause {
    let ended = before.and_then(|before| before.state.reasons().first().copied());
    occasion.flip.or(ended.map(Cause::of_the_end_of)).unwrap_or(occasion.cause)
}

fn why_hidden(state: &PublicState, occasion: Occasion) -> Cause {
    occasion.flip.or(state.reasons().first().copied().map(Cause::of)).unwrap_or(occasion.cause)
}

/// A row to append.
#[derive(Debug, Serialize)]
pub(super) struct NewChange {
    #[serde(skip)]
    pub(super) row_id: RowId,
    #[serde(skip)]
    pub(super) told: (Op, Cause),
    entry_id: EntryId,
    op: &'static str,
    cause: &'static str,
    origin: &'static str,
    fingerprint: Option<String>,
}

impl NewChange {
    pub(super) fn new(
        row_id: RowId,
        entry_id: EntryId,
        told: (Op, Cause),
        origin: Origin,
        fingerprint: Option<Fingerprint>,
    ) -> Self {
        Self {
            row_id,
            told,
            entry_id,
            op: told.0.as_str(),
            cause: told.1.as_str(),
            origin: origin.as_str(),
            fingerprint: fingerprint.map(|fingerprint| fingerprint.to_string()),
        }
    }
}

/// Appends the rows, each entry at most once, and says which numbers they got.
pub(super) async fn append(
    tx: &mut WriteTx,
    account: AccountId,
    new: &[NewChange],
    now: Timestamp,
) -> Result<HashMap<RowId, Change>, Error> {
    if new.is_empty() {
        return Ok(HashMap::new());
    }
    let written = sqlx::query(
        "insert into changes (account_id, entry_id, op, cause, origin, fingerprint, at)
         select ?1, value ->> 'entry_id', value ->> 'op', value ->> 'cause', value ->> 'origin',
                unhex(value ->> 'fingerprint'), ?2
         from jsonb_each(?3)
         order by key",
    )
    .bind(account.0)
    .bind(now.as_millis())
    .bind(rows::parameter(new))
    .execute(&mut **tx)
    .await?;
    // `autoincrement`, and nobody else writes: rows of one statement are numbered one after the other.
    let last = written.last_insert_rowid();
    tx.appended(last);
    let change = |(new, seq): (&NewChange, i64)| (new.row_id, Change { seq, op: new.told.0, cause: new.told.1 });
    Ok(new.iter().rev().zip((0..=last).rev()).map(change).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fingerprint::of_texts;

    fn public(content: &str) -> Answer {
        Answer { state: PublicState::Public, fingerprint: Some(of_texts([content])) }
    }

    fn withheld(reasons: &[Withheld]) -> Answer {
        Answer { state: PublicState::Withheld(reasons.to_vec()), fingerprint: None }
    }

    #[test]
    fn a_change_is_told_when_the_public_answer_changes_and_for_the_reason_that_began_or_ended() {
        let occasion = Occasion::new(Cause::Synced, Origin::Hint);
        let cases = [
            (None, public("a"), Some((Op::Put, Cause::Synced))),
            (None, withheld(&[Withheld::Restricted]), None),
            (Some(public("a")), public("a"), None),
            (Some(public("a")), public("b"), Some((Op::Put, Cause::Synced))),
            (
                Some(public("a")),
                withheld(&[Withheld::Moderation, Withheld::Restricted]),
                Some((Op::Drop, Cause::Moderation)),
            ),
            (Some(withheld(&[Withheld::Recycled])), public("a"), Some((Op::Put, Cause::Recycled))),
            (Some(withheld(&[Withheld::Missing])), public("a"), Some((Op::Put, Cause::Restored))),
            (Some(withheld(&[Withheld::Deleted])), public("a"), Some((Op::Put, Cause::Restored))),
            (Some(withheld(&[Withheld::Recycled])), withheld(&[Withheld::Schedule]), None),
        ];
        for (before, after, expected) in cases {
            assert_eq!(between(before.as_ref(), &after, occasion), expected, "{before:?} {after:?}");
        }
    }

    #[test]
    fn an_editor_who_asks_again_is_told_again_but_only_of_what_visitors_see() {
        let occasion = Occasion { resync: true, ..Occasion::new(Cause::Resync, Origin::Hint) };
        assert_eq!(between(Some(&public("a")), &public("a"), occasion), Some((Op::Put, Cause::Resync)));
        let hidden = withheld(&[Withheld::Hidden]);
        assert_eq!(between(Some(&hidden), &hidden, occasion), None);
    }

    #[test]
    fn a_policy_that_flips_an_entry_is_named_as_the_cause() {
        let occasion = Occasion { flip: Some(Cause::Policy), ..Occasion::new(Cause::Policy, Origin::Policy) };
        let restricted = withheld(&[Withheld::Restricted]);
        assert_eq!(between(Some(&public("a")), &restricted, occasion), Some((Op::Drop, Cause::Policy)));
        assert_eq!(between(Some(&restricted), &public("a"), occasion), Some((Op::Put, Cause::Policy)));
    }
}
