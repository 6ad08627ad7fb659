//! Readings of a whole catalogue: how far each is, which entries it has met, and what was found.
//!
//! A page, what it makes dirty and where the reading goes on are one transaction: killed at any moment, a reading goes on
//! from its last page, and nothing is met twice or never.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::dirty_entries::{Hints, Lane, Reason};
use super::entry_sync::ensure_rows;
use super::error::Error;
use super::listed::{self, Held, Listed};
use super::rows::RowId;
use super::writer::WriteTx;
use super::{Store, rows};
use crate::domain::clock::Timestamp;
use crate::domain::ids::{AccountId, EntryId};

/// Mirrored entries that one transaction compares at most.
const CHUNK: i64 = 2_000;

/// What a reading is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunKind {
    /// To bring in everything there is.
    Backfill,
    /// To compare everything, and find what is gone.
    Full,
}

impl RunKind {
    /// The stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Backfill => "backfill",
            Self::Full => "full",
        }
    }

    fn from_column(word: &str) -> Result<Self, Error> {
        match word {
            "backfill" => Ok(Self::Backfill),
            "full" => Ok(Self::Full),
            other => Err(Error::Corrupt { cause: format!("catalogue_runs.kind {other:?}") }),
        }
    }
}

/// What a reading lets happen beyond bringing content in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RunOptions {
    /// Entries whose sync field says nothing yet are marked, as if a notification had told of them.
    #[serde(default)]
    pub mark: bool,
    /// Hooks are told of what comes in.
    #[serde(default)]
    pub hooks: bool,
}

/// How far a reading is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunState {
    /// Pages are being read.
    Listing,
    /// All pages are read; what none of them named is made dirty.
    Unmet,
    /// All is made dirty that must be.
    Done,
    /// It was given up.
    Stopped,
}

impl RunState {
    /// Nothing more comes of it.
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Done | Self::Stopped)
    }

    fn from_column(word: &str) -> Result<Self, Error> {
        match word {
            "listing" => Ok(Self::Listing),
            "unmet" => Ok(Self::Unmet),
            "done" => Ok(Self::Done),
            "stopped" => Ok(Self::Stopped),
            other => Err(Error::Corrupt { cause: format!("catalogue_runs.state {other:?}") }),
        }
    }
}

/// A reading of the whole catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CatalogueRun {
    /// Its number, and the generation of the entries it meets.
    pub id: i64,
    /// Whose.
    #[serde(skip, default = "nobody")]
    pub account: AccountId,
    /// What for.
    pub kind: RunKind,
    /// How far it is.
    pub state: RunState,
    /// What it lets happen.
    pub options: RunOptions,
    /// Which entries it is about, as a filter; all without.
    #[serde(default)]
    pub only: Option<String>,
    /// When it began.
    #[serde(with = "moment")]
    pub started_at: Timestamp,
    /// When its last page was read.
    #[serde(with = "moment::optional")]
    pub listed_at: Option<Timestamp>,
    /// When it was over.
    #[serde(with = "moment::optional")]
    pub ended_at: Option<Timestamp>,
    /// Steps through its windows.
    pub pages: u64,
    /// Entries met, each once.
    pub seen: u64,
    /// Of them, made dirty; the others were looked at since they were last changed.
    pub dirty: u64,
    /// Entries that no list can show.
    pub unlisted: u64,
    /// Mirrored entries that no page named, made dirty.
    pub unmet: u64,
    /// Why its latest step failed.
    pub error: Option<String>,
    /// Mirrored entries up to this row have been compared.
    #[serde(skip)]
    unmet_to: RowId,
}

impl CatalogueRun {
    /// Whether some of the mirror has been compared with what was met.
    pub const fn has_compared(&self) -> bool {
        self.unmet_to > 0
    }
}

const fn nobody() -> AccountId {
    AccountId(0)
}

/// Moments as RFC 3339, as the admin API tells them.
mod moment {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::domain::clock::Timestamp;

    pub(super) fn serialize<S: Serializer>(moment: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(moment)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        parsed(&String::deserialize(deserializer)?)
    }

    fn parsed<E: Error>(text: &str) -> Result<Timestamp, E> {
        let moment: jiff::Timestamp = text.parse().map_err(E::custom)?;
        Ok(Timestamp::from_millis(moment.as_millisecond()))
    }

    pub(super) mod optional {
        use super::{Deserialize, Deserializer, Serializer, Timestamp};

        pub(in super::super) fn serialize<S: Serializer>(
            moment: &Option<Timestamp>,
            serializer: S,
        ) -> Result<S::Ok, S::Error> {
            match moment {
                Some(moment) => serializer.collect_str(moment),
                None => serializer.serialize_none(),
            }
        }

        pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
            deserializer: D,
        ) -> Result<Option<Timestamp>, D::Error> {
            Option::<String>::deserialize(deserializer)?.map(|text| super::parsed(&text)).transpose()
        }
    }
}

/// A stretch of a list that is still to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunWindow {
    /// Its number within the reading.
    pub number: i64,
    /// The reader's own words.
    pub window: String,
}

/// What a step through a window brought.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunPage {
    /// The entries that it names.
    pub listed: Vec<Listed>,
    /// What is left of the window, in the reader's own words.
    pub next: Vec<String>,
    /// Entries that no list can show.
    pub unlisted: u64,
}

/// What a reading has found and nobody has looked at to the end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backlog {
    /// Entries that are still to be looked at.
    pub waiting: u64,
    /// Of them, those whose latest look failed: they are tried again, for hours if need be.
    pub failing: u64,
}

impl Backlog {
    /// Only what has failed is left.
    pub const fn is_worked_off(self) -> bool {
        self.waiting == self.failing
    }
}

/// What became of the entries that a reading met: the table at its end.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunResult {
    /// Entries met.
    pub seen: u64,
    /// Of them, in the mirror and public.
    pub public: u64,
    /// Of them, in the mirror and withheld, by reason; one with several reasons counts for the first.
    pub withheld: BTreeMap<String, u64>,
    /// Of them, not in the mirror, by the reason of the decision.
    pub skipped: BTreeMap<String, u64>,
    /// Of them, given up, or failed and waiting to be tried again.
    pub failed: u64,
    /// Of them, yet to be looked at.
    pub waiting: u64,
}

const COLUMNS: &str = "run_id, account_id, kind, state, mark, tell, started_at, listed_at, ended_at, pages, seen, dirty, \
                       unlisted, unmet, error, unmet_to, selects";

impl Store {
    /// Begins a reading of these windows, in the reader's own words, about all entries or those that pass a filter. An account has one at a time: where one is under
    /// way, that is answered, with `false`.
    ///
    /// # Errors
    /// `Full`, `Busy`.
    pub async fn begin_run(
        &self,
        account: AccountId,
        kind: RunKind,
        options: RunOptions,
        only: Option<&str>,
        windows: &[String],
    ) -> Result<(CatalogueRun, bool), Error> {
        let mut tx = self.write().await?;
        if let Some(open) = open_run(&mut tx, account).await? {
            return Ok((open, false));
        }
        let id = sqlx::query(
            "insert into catalogue_runs (account_id, kind, state, mark, tell, selects, started_at)
             values (?, ?, 'listing', ?, ?, ?, ?)",
        )
        .bind(account.0)
        .bind(kind.as_str())
        .bind(options.mark)
        .bind(options.hooks)
        .bind(only)
        .bind(self.now().as_millis())
        .execute(&mut *tx)
        .await?
        .last_insert_rowid();
        add_windows(&mut tx, id, 1, windows).await?;
        let begun = open_run(&mut tx, account).await?;
        tx.commit().await?;
        let begun = begun.ok_or_else(|| Error::Corrupt { cause: format!("catalogue run {id} is not there") })?;
        Ok((begun, true))
    }

    /// The account's reading that is under way, if there is one.
    ///
    /// # Errors
    /// `Busy`, `Corrupt`.
    pub async fn open_run(&self, account: AccountId) -> Result<Option<CatalogueRun>, Error> {
        open_run(&mut *self.read().await?, account).await
    }

    /// The account's latest readings, of one kind or of both, the latest first.
    ///
    /// # Errors
    /// `Busy`, `Corrupt`.
    pub async fn runs(
        &self,
        account: AccountId,
        kind: Option<RunKind>,
        limit: u32,
    ) -> Result<Vec<CatalogueRun>, Error> {
        let statement = format!(
            "select {COLUMNS} from catalogue_runs
             where account_id = ?1 and (?2 is null or kind = ?2)
             order by run_id desc
             limit ?3"
        );
        sqlx::query(sqlx::AssertSqlSafe(statement))
            .bind(account.0)
            .bind(kind.map(RunKind::as_str))
            .bind(limit)
            .fetch_all(self.readers())
            .await?
            .iter()
            .map(run)
            .collect()
    }

    /// What a reading has yet to read, at most so many windows, and how many there are.
    ///
    /// # Errors
    /// `Busy`, `Corrupt`.
    pub async fn run_windows(&self, run: i64, limit: usize) -> Result<(Vec<RunWindow>, usize), Error> {
        let rows = sqlx::query(
            "select number, stretch, count(*) over () as stretches
             from catalogue_windows
             where run_id = ?
             order by number
             limit ?",
        )
        .bind(run)
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(self.readers())
        .await?;
        let all = rows.first().map_or(Ok(0), |row| row.try_get::<i64, _>("stretches"))?;
        let windows = rows
            .iter()
            .map(|row| Ok(RunWindow { number: row.try_get("number")?, window: row.try_get("stretch")? }))
            .collect::<Result<_, Error>>()?;
        Ok((windows, usize::try_from(all).unwrap_or(0)))
    }

    /// Keeps a step through a window: the entries it names are met, those that must be looked at become dirty, and what
    /// is left stands in the window's place; one transaction. A window that is no longer there was read by another:
    /// nothing is kept then.
    ///
    /// Passed over are entries that a look has seen since they were changed: by a full reading all of them, by a backfill
    /// those in the mirror, by one that marks or tells none.
    ///
    /// # Errors
    /// `Full`, `Busy`: nothing is kept.
    pub async fn record_page(&self, run: &CatalogueRun, window: i64, page: &RunPage) -> Result<(), Error> {
        let mut tx = self.write().await?;
        let removed = sqlx::query("delete from catalogue_windows where run_id = ? and number = ?")
            .bind(run.id)
            .bind(window)
            .execute(&mut *tx)
            .await?
            .rows_affected();
        if removed == 0 {
            return Ok(());
        }
        let held = listed::hold(&mut tx, run.account, &page.listed).await?;
        let met = meet(&mut tx, run, &held).await?;
        let (now, mut hints) = (self.now(), Hints::default());
        for held in held.iter().filter(|held| met.contains(&held.listed.entry) && run.is_to_look_at(held)) {
            for reason in run.reasons() {
                hints.add(run.account, &held.listed.entry, reason, Lane::Backfill, now);
            }
        }
        hints.write(&mut tx, &self.0.mirror.pace, now).await?;
        keep_going(&mut tx, run, window, page).await?;
        sqlx::query(
            "update catalogue_runs
             set pages = pages + 1, seen = seen + ?2, dirty = dirty + ?3, unlisted = unlisted + ?4, error = null,
                 state = iif(exists (select 1 from catalogue_windows where run_id = ?1), state,
                             iif(kind = 'full', 'unmet', 'done')),
                 listed_at = iif(exists (select 1 from catalogue_windows where run_id = ?1), null, ?5),
                 ended_at = iif(kind = 'full' or exists (select 1 from catalogue_windows where run_id = ?1), null, ?5)
             where run_id = ?1",
        )
        .bind(run.id)
        .bind(number(met.len()))
        .bind(number(hints.len()))
        .bind(i64::try_from(page.unlisted).unwrap_or(i64::MAX))
        .bind(now.as_millis())
        .execute(&mut *tx)
        .await?;
        listed::begin_mark(&mut tx, run).await?;
        tx.commit().await?;
        self.0.mirror.dirty_signal.notify_one();
        Ok(())
    }

    /// Makes dirty what is in the mirror and was neither named by a page of this full reading nor seen by a look since it
    /// began: one bounded step. Says how many that were, or nothing when all is compared and the reading is over.
    ///
    /// # Errors
    /// `Full`, `Busy`: the step is done again.
    pub async fn record_unmet(&self, run: &CatalogueRun) -> Result<Option<u64>, Error> {
        let mut tx = self.write().await?;
        let compared = sqlx::query(
            "select e.row_id, e.entry_id,
                    e.account_id = ?2 and e.removed_at is null and m.generation is not ?1
                        and coalesce(s.seen_at, 0) < ?3 as is_unmet
             from (select row_id, entry_id, account_id, removed_at
                   from entries
                   where row_id > (select unmet_to from catalogue_runs where run_id = ?1)
                   order by row_id
                   limit ?4) as e
             join entry_sync as s on s.row_id = e.row_id
             left join entry_met as m on m.row_id = e.row_id
             order by e.row_id",
        )
        .bind(run.id)
        .bind(run.account.0)
        .bind(run.started_at.as_millis())
        .bind(CHUNK)
        .fetch_all(&mut *tx)
        .await?;
        let now = self.now();
        let Some(last) = compared.last() else {
            sqlx::query("update catalogue_runs set state = 'done', ended_at = ?, error = null where run_id = ?")
                .bind(now.as_millis())
                .bind(run.id)
                .execute(&mut *tx)
                .await?;
            tx.commit().await?;
            return Ok(None);
        };
        let mut hints = Hints::default();
        for row in &compared {
            if row.try_get::<bool, _>("is_unmet")? {
                hints.add(run.account, &rows::entry_id(row)?, Reason::Sweep, Lane::Repair, now);
            }
        }
        hints.write(&mut tx, &self.0.mirror.pace, now).await?;
        sqlx::query("update catalogue_runs set unmet = unmet + ?, unmet_to = ?, error = null where run_id = ?")
            .bind(number(hints.len()))
            .bind(last.try_get::<RowId, _>("row_id")?)
            .bind(run.id)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        self.0.mirror.dirty_signal.notify_one();
        Ok(Some(hints.len() as u64))
    }

    /// Keeps why a step of a reading failed; a step that goes well forgets it.
    ///
    /// # Errors
    /// `Full`, `Busy`.
    pub async fn record_run_error(&self, run: i64, error: &str) -> Result<(), Error> {
        let mut tx = self.write().await?;
        sqlx::query("update catalogue_runs set error = ? where run_id = ?")
            .bind(error)
            .bind(run)
            .execute(&mut *tx)
            .await?;
        tx.commit().await
    }

    /// Gives a reading up, and says why.
    ///
    /// # Errors
    /// `Full`, `Busy`.
    pub async fn stop_run(&self, run: i64, why: &str) -> Result<(), Error> {
        let mut tx = self.write().await?;
        sqlx::query("delete from catalogue_windows where run_id = ?").bind(run).execute(&mut *tx).await?;
        sqlx::query(
            "update catalogue_runs
             set state = 'stopped', ended_at = ?, error = ?
             where run_id = ? and state in ('listing', 'unmet')",
        )
        .bind(self.now().as_millis())
        .bind(why)
        .bind(run)
        .execute(&mut *tx)
        .await?;
        tx.commit().await
    }

    /// What readings have found and nobody has looked at yet comes in quietly, whatever they were to mark and to tell. Says
    /// how many entries that are.
    ///
    /// # Errors
    /// `Full`, `Busy`.
    pub async fn quieten_backlog(&self, account: AccountId) -> Result<u64, Error> {
        let mut tx = self.write().await?;
        let quiet = sqlx::query(
            "update dirty_entries
             set reasons = reasons & ~?1, fresh_reasons = fresh_reasons & ~?1
             where account_id = ?2 and reasons & ?1 <> 0",
        )
        .bind(1_i64 << Reason::BackfillMark as u32 | 1 << Reason::BackfillHooks as u32)
        .bind(account.0)
        .execute(&mut *tx)
        .await?
        .rows_affected();
        tx.commit().await?;
        Ok(quiet)
    }

    /// Entries of the account's mirror that are no tombstones.
    ///
    /// # Errors
    /// `Busy`, `Corrupt`.
    pub async fn mirrored_entries(&self, account: AccountId) -> Result<u64, Error> {
        let number: i64 =
            sqlx::query_scalar("select count(*) from entries where account_id = ? and removed_at is null")
                .bind(account.0)
                .fetch_one(self.readers())
                .await?;
        Ok(number.unsigned_abs())
    }

    /// Entries of the account that a catalogue's reading has found and that are yet to be looked at, failed ones too.
    ///
    /// # Errors
    /// `Busy`, `Corrupt`.
    pub async fn catalogue_backlog(&self, account: AccountId) -> Result<Backlog, Error> {
        let row = sqlx::query(
            "select count(*) as waiting, count(*) filter (where last_error is not null) as failing
             from dirty_entries
             where account_id = ? and state <> 'dead' and reasons & ? <> 0",
        )
        .bind(account.0)
        .bind(FOUND_BY_A_RUN)
        .fetch_one(self.readers())
        .await?;
        let count = |name| Ok::<_, Error>(row.try_get::<i64, _>(name)?.unsigned_abs());
        Ok(Backlog { waiting: count("waiting")?, failing: count("failing")? })
    }

    /// What has become so far of the entries that a reading met.
    ///
    /// # Errors
    /// `Busy`, `Corrupt`.
    pub async fn run_result(&self, run: i64) -> Result<RunResult, Error> {
        let rows = sqlx::query(
            "select e.public_state, s.looked_at is null as is_unseen, s.reason, d.state as dirty,
                    d.last_error is not null as has_failed, count(*) as number
             from entry_met as m
             join entry_sync as s on s.row_id = m.row_id
             left join entries as e on e.row_id = m.row_id
             left join dirty_entries as d on d.account_id = s.account_id and d.entry_id = s.entry_id
             where m.generation = ?
             group by 1, 2, 3, 4, 5",
        )
        .bind(run)
        .fetch_all(self.readers())
        .await?;
        let mut result = RunResult::default();
        for row in &rows {
            result.add(row)?;
        }
        Ok(result)
    }
}

/// The bits of the reasons that a reading gives.
const FOUND_BY_A_RUN: i64 = 1 << Reason::Backfill as u32
    | 1 << Reason::Sweep as u32
    | 1 << Reason::BackfillMark as u32
    | 1 << Reason::BackfillHooks as u32;

impl RunResult {
    fn add(&mut self, row: &SqliteRow) -> Result<(), Error> {
        let number = row.try_get::<i64, _>("number")?.unsigned_abs();
        self.seen += number;
        let state: Option<&str> = row.try_get("public_state")?;
        let dirty: Option<&str> = row.try_get("dirty")?;
        let has_failed: bool = row.try_get("has_failed")?;
        let count = match (state, dirty) {
            (Some("public"), _) => &mut self.public,
            (Some(withheld), _) => {
                let why = withheld.trim_start_matches("withheld:").split(',').next().unwrap_or(withheld);
                self.withheld.entry(why.to_owned()).or_default()
            }
            (None, Some("dead")) => &mut self.failed,
            (None, Some(_)) if has_failed => &mut self.failed,
            (None, _) if row.try_get("is_unseen")? => &mut self.waiting,
            (None, _) => {
                let reason: Option<&str> = row.try_get("reason")?;
                self.skipped.entry(reason.unwrap_or("unknown").to_owned()).or_default()
            }
        };
        *count += number;
        Ok(())
    }
}

impl CatalogueRun {
    fn reasons(&self) -> impl Iterator<Item = Reason> {
        let found = match self.kind {
            RunKind::Backfill => Reason::Backfill,
            RunKind::Full => Reason::Sweep,
        };
        let told = [(self.options.mark, Reason::BackfillMark), (self.options.hooks, Reason::BackfillHooks)];
        [found].into_iter().chain(told.into_iter().filter(|(is_told, _)| *is_told).map(|(_, reason)| reason))
    }

    /// A backfill comes to entries that are not in the mirror every time: the rules may have changed since they were
    /// left out.
    fn is_to_look_at(&self, held: &Held) -> bool {
        let comes_again = match self.kind {
            RunKind::Backfill => !held.in_mirror || self.options != RunOptions::default(),
            RunKind::Full => false,
        };
        comes_again || held.drift().is_some()
    }
}

async fn open_run(connection: &mut sqlx::SqliteConnection, account: AccountId) -> Result<Option<CatalogueRun>, Error> {
    let statement =
        format!("select {COLUMNS} from catalogue_runs where account_id = ? and state in ('listing', 'unmet')");
    let row = sqlx::query(sqlx::AssertSqlSafe(statement)).bind(account.0).fetch_optional(connection).await?;
    row.as_ref().map(run).transpose()
}

fn run(row: &SqliteRow) -> Result<CatalogueRun, Error> {
    let count = |name| Ok::<_, Error>(row.try_get::<i64, _>(name)?.unsigned_abs());
    let started_at = rows::time(row, "started_at")?;
    Ok(CatalogueRun {
        id: row.try_get("run_id")?,
        account: AccountId(row.try_get("account_id")?),
        kind: RunKind::from_column(row.try_get("kind")?)?,
        state: RunState::from_column(row.try_get("state")?)?,
        options: RunOptions { mark: row.try_get("mark")?, hooks: row.try_get("tell")? },
        only: row.try_get("selects")?,
        started_at: started_at.unwrap_or(Timestamp::from_millis(0)),
        listed_at: rows::time(row, "listed_at")?,
        ended_at: rows::time(row, "ended_at")?,
        pages: count("pages")?,
        seen: count("seen")?,
        dirty: count("dirty")?,
        unlisted: count("unlisted")?,
        unmet: count("unmet")?,
        error: row.try_get("error")?,
        unmet_to: row.try_get("unmet_to")?,
    })
}

/// Marks these entries as met. Says which of them this reading had not met before.
async fn meet(
    tx: &mut WriteTx,
    run: &CatalogueRun,
    held: &[Held],
) -> Result<std::collections::HashSet<EntryId>, Error> {
    let entries: Vec<&EntryId> = held.iter().map(|held| &held.listed.entry).collect();
    let row_ids = ensure_rows(tx, run.account, entries).await?;
    let mut parameter: Vec<RowId> = row_ids.values().copied().collect();
    parameter.sort_unstable();
    let met: std::collections::HashSet<RowId> = sqlx::query_scalar(
        "insert into entry_met (row_id, generation)
         select value, ?1
         from json_each(?2)
         where true
         on conflict (row_id) do update set generation = excluded.generation
         where entry_met.generation <> excluded.generation
         returning row_id",
    )
    .bind(run.id)
    .bind(rows::parameter(&parameter))
    .fetch_all(&mut **tx)
    .await?
    .into_iter()
    .collect();
    Ok(row_ids.into_iter().filter(|(_, row_id)| met.contains(row_id)).map(|(entry, _)| entry).collect())
}

/// What is left of a window takes its place; what it was divided into comes behind all others.
async fn keep_going(tx: &mut WriteTx, run: &CatalogueRun, window: i64, page: &RunPage) -> Result<(), Error> {
    let Some((first, others)) = page.next.split_first() else { return Ok(()) };
    add_windows(tx, run.id, window, std::slice::from_ref(first)).await?;
    let last: i64 = sqlx::query_scalar("select max(number) from catalogue_windows where run_id = ?")
        .bind(run.id)
        .fetch_one(&mut **tx)
        .await?;
    add_windows(tx, run.id, last + 1, others).await
}

async fn add_windows(tx: &mut WriteTx, run: i64, first: i64, windows: &[String]) -> Result<(), Error> {
    sqlx::query(
        "insert into catalogue_windows (run_id, number, stretch)
         select ?, ? + key, value
         from json_each(?)",
    )
    .bind(run)
    .bind(first)
    .bind(rows::parameter(windows))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

fn number(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}
