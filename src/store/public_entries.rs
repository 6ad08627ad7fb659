//! Entries as visitors get them. Only rows whose stored state is public and whose dates hold now, and of these only
//! what the allow-list names: a column that is not read here leaves the house by no public route.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::str::FromStr;

use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use super::Store;
use super::error::Error;
use super::public_rows::{PublicRow, public_row};
use super::rows::{self, RowId};
use crate::domain::clock::Timestamp;
use crate::domain::ids::{AccountId, EntryId, InvalidId, MetadataProfileId};
use crate::domain::public_entry::{MetadataKind, PublicEntry, PublishFields};
use crate::domain::visibility::{PublicState, Withheld};

/// Entries on one page, at most.
pub const PAGE_MAX: usize = 100;

/// How the entries of one account are told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PublicShape {
    /// What the account is called.
    pub label: String,
    /// The profile whose fields are told; none, and no metadata is.
    pub content_profile: Option<MetadataProfileId>,
    /// The fields that its schema calls searchable.
    pub searchable: BTreeSet<String>,
    /// What its schema says that fields hold; of others it is not known.
    pub kinds: BTreeMap<String, MetadataKind>,
    /// Never told, unless `[publish] metadata_fields` names it.
    pub sync_field: String,
    /// What `[publish]` says about fields.
    pub publish: PublishFields,
}

impl PublicShape {
    /// As a parameter; null names none.
    fn profile(&self) -> Option<i64> {
        self.content_profile.map(|profile| profile.0)
    }

    pub(super) fn tells_field(&self, field: &str) -> bool {
        match &self.publish.metadata_fields {
            Some(named) => named.contains(field),
            None => self.searchable.contains(field) && field != self.sync_field,
        }
    }

    /// The fields that are told of an entry that has them.
    pub fn told_fields(&self) -> Vec<&str> {
        let named = self.publish.metadata_fields.as_ref().unwrap_or(&self.searchable);
        named.iter().map(String::as_str).filter(|field| self.tells_field(field)).collect()
    }
}

/// The shapes of all accounts that visitors may ask for; entries of any other are not told.
pub type PublicShapes = BTreeMap<AccountId, PublicShape>;

/// The answer to a visitor who asks for one entry.
#[derive(Debug, Clone, PartialEq)]
pub enum FoundEntry {
    /// Here it is.
    Found(Box<PublicEntry>),
    /// There is none that visitors may see.
    NotFound,
    /// Several accounts have one of this id; their labels.
    Ambiguous(Vec<String>),
}

/// Where the next page starts. Prints as an opaque text, stable while entries come and go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublicCursor {
    pub(super) account: AccountId,
    pub(super) row_id: RowId,
}

impl PublicCursor {
    /// Before the first entry of all.
    pub(super) const START: Self = Self { account: AccountId(0), row_id: 0 };
}

impl fmt::Display for PublicCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}-{:x}", self.account.0, self.row_id)
    }
}

impl FromStr for PublicCursor {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let number = |hex: &str| i64::from_str_radix(hex, 16).ok().filter(|number| *number >= 0);
        text.split_once('-')
            .and_then(|(account, row)| Some(Self { account: AccountId(number(account)?), row_id: number(row)? }))
            .ok_or_else(|| InvalidId {
                expected: "a cursor that an earlier page gave",
                value: text.chars().take(64).collect(),
            })
    }
}

/// One page of entries.
#[derive(Debug, Clone, PartialEq)]
pub struct PublicPage {
    /// At most as many as were asked for; fewer only on the last page.
    pub items: Vec<PublicEntry>,
    /// Where the next page starts; `None` on the last.
    pub next: Option<PublicCursor>,
}

impl Store {
    /// The entry of this id that visitors may see now, of the accounts of `shapes`.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn public_entry(&self, entry: &EntryId, shapes: &PublicShapes) -> Result<FoundEntry, Error> {
        let mut found = Vec::new();
        let mut tx = self.read().await?;
        for (account, shape) in shapes {
            let rows = shown_of(&mut tx, *account, std::slice::from_ref(entry), shape, self.now()).await?;
            found.extend(assemble(rows, shape, self.has_several_accounts()));
        }
        if found.len() > 1 {
            return Ok(FoundEntry::Ambiguous(found.into_iter().map(|entry| entry.account).collect()));
        }
        Ok(found.pop().map_or(FoundEntry::NotFound, |entry| FoundEntry::Found(Box::new(entry))))
    }

    /// Those of these entries that visitors may see now, in the order asked for; the others are not in the answer.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn public_entries_of(
        &self,
        account: AccountId,
        entries: &[EntryId],
        shapes: &PublicShapes,
    ) -> Result<Vec<PublicEntry>, Error> {
        let Some(shape) = shapes.get(&account) else { return Ok(Vec::new()) };
        // One statement: it sees one moment without a transaction.
        let mut reader = self.readers().acquire().await?;
        let rows = shown_of(&mut reader, account, entries, shape, self.now()).await?;
        Ok(assemble(rows, shape, self.has_several_accounts()))
    }

    /// A page of all entries that visitors may see now, of the accounts of `shapes`, in the order in which they came
    /// into the mirror. `limit` is at most 100.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn public_entries(
        &self,
        after: Option<PublicCursor>,
        limit: usize,
        shapes: &PublicShapes,
    ) -> Result<PublicPage, Error> {
        let limit = limit.clamp(1, PAGE_MAX);
        let mut items = Vec::new();
        let mut last = None;
        let mut tx = self.read().await?;
        for (account, shape) in shapes {
            let from = match after {
                Some(cursor) if cursor.account > *account => continue,
                Some(cursor) if cursor.account == *account => cursor.row_id,
                _ => 0,
            };
            // One more than wanted tells whether there is a next page.
            let room = limit - items.len();
            let mut rows = shown_after(&mut tx, *account, from, room + 1, shape, self.now()).await?;
            let is_last = rows.len() <= room;
            rows.truncate(room);
            last = rows.last().map(|row| PublicCursor { account: *account, row_id: row.row_id }).or(last);
            items.extend(assemble(rows, shape, self.has_several_accounts()));
            if !is_last {
                return Ok(PublicPage { items, next: last.or(after) });
            }
        }
        Ok(PublicPage { items, next: None })
    }

    /// Whether an id alone may not say which entry is meant, also to a visitor who asks for one account only.
    pub(super) fn has_several_accounts(&self) -> bool {
        self.accounts().len() > 1
    }
}

/// Those of these entries that visitors may see, in the order asked for.
pub(super) async fn shown_of(
    connection: &mut SqliteConnection,
    account: AccountId,
    entries: &[EntryId],
    shape: &PublicShape,
    now: Timestamp,
) -> Result<Vec<PublicRow>, Error> {
    let row = sqlx::query(concat!(
        "select '[' || ifnull(group_concat(",
        public_row!(),
        ", ',' order by wanted.key), '') || ']' as rows
         from json_each(?4) as wanted
         cross join entry_sync as s on s.account_id = ?2 and s.entry_id = wanted.value
         cross join entries as e on e.row_id = s.row_id
         left join entry_thumbnails as t on t.row_id = e.row_id and t.sha256 is not null
         where e.public_state = 'public'
           and (e.start_date is null or e.start_date <= ?3)
           and (e.end_date is null or e.end_date > ?3)"
    ))
    .bind(shape.profile())
    .bind(account.0)
    .bind(now.as_secs())
    .bind(rows::parameter(entries))
    .fetch_one(connection)
    .await?;
    rows::from_json(&row, "rows")
}

/// Those after this row that visitors may see, in the order in which they came into the mirror.
pub(super) async fn shown_after(
    connection: &mut SqliteConnection,
    account: AccountId,
    after: RowId,
    limit: usize,
    shape: &PublicShape,
    now: Timestamp,
) -> Result<Vec<PublicRow>, Error> {
    // The index entries_public has the rows in this order, and no other rows.
    let row = sqlx::query(concat!(
        "select '[' || ifnull(group_concat(row, ',' order by row_id), '') || ']' as rows
         from (select e.row_id, ",
        public_row!(),
        " as row
               from entries as e indexed by entries_public
               cross join entry_sync as s on s.row_id = e.row_id
               left join entry_thumbnails as t on t.row_id = e.row_id and t.sha256 is not null
               where e.account_id = ?2
                 and e.public_state = 'public'
                 and e.row_id > ?4
                 and (e.start_date is null or e.start_date <= ?3)
                 and (e.end_date is null or e.end_date > ?3)
               order by e.row_id
               limit ?5)"
    ))
    .bind(shape.profile())
    .bind(account.0)
    .bind(now.as_secs())
    .bind(after)
    .bind(i64::try_from(limit).unwrap_or(i64::MAX))
    .fetch_one(connection)
    .await?;
    rows::from_json(&row, "rows")
}

/// The entries of these rows.
pub(super) fn assemble(
    rows: impl IntoIterator<Item = PublicRow>,
    shape: &PublicShape,
    is_one_of_several: bool,
) -> Vec<PublicEntry> {
    rows.into_iter().map(|row| row.into_entry(shape, is_one_of_several)).collect()
}

/// An entry as hooks may hear of it, withheld or not.
#[derive(Debug, Clone)]
pub(super) struct KeptEntry {
    /// As visitors get it, or would get it.
    pub(super) entry: PublicEntry,
    /// Why they do not get it now, in stable words; empty when they do.
    pub(super) withheld: Vec<&'static str>,
    /// Of the public answer; absent while there is none.
    pub(super) fingerprint: Option<String>,
}

/// Those of these entries of one account whose content is kept. Never for visitors: these may be withheld.
pub(super) async fn kept(
    connection: &mut SqliteConnection,
    row_ids: &[RowId],
    shape: &PublicShape,
    is_one_of_several: bool,
    now: Timestamp,
) -> Result<HashMap<RowId, KeptEntry>, Error> {
    let rows = sqlx::query(concat!(
        "select e.row_id, e.public_state, e.public_fingerprint, ",
        public_row!(),
        " as row
         from (select distinct value from json_each(?2)) as wanted
         cross join entries as e on e.row_id = wanted.value
         cross join entry_sync as s on s.row_id = e.row_id
         left join entry_thumbnails as t on t.row_id = e.row_id and t.sha256 is not null"
    ))
    .bind(shape.profile())
    .bind(rows::parameter(row_ids))
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| {
            let entry = rows::from_json::<PublicRow>(row, "row")?.into_entry(shape, is_one_of_several);
            let withheld = withheld(row, &entry, now)?;
            let fingerprint = rows::fingerprint(row, "public_fingerprint")?.filter(|_| withheld.is_empty());
            let fingerprint = fingerprint.map(|fingerprint| fingerprint.to_string());
            Ok((row.try_get("row_id")?, KeptEntry { entry, withheld, fingerprint }))
        })
        .collect()
}

/// A date that has passed a moment ago withholds before it has been followed.
fn withheld(row: &SqliteRow, entry: &PublicEntry, now: Timestamp) -> Result<Vec<&'static str>, Error> {
    let state = PublicState::parse(row.try_get::<Option<&str>, _>("public_state")?.unwrap_or_default());
    let now = now.as_secs();
    let begins = entry.start_date.is_some_and(|start| start > now);
    let ended = entry.end_date.is_some_and(|end| end <= now);
    Ok(match state {
        PublicState::Public if begins || ended => vec![Withheld::Schedule.as_str()],
        state => state.reasons().iter().map(|why| why.as_str()).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_as_it_was_given_and_nothing_else_is_one() {
        let cursor = PublicCursor { account: AccountId(3), row_id: 1_000_000 };
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        for bad in ["", "-", "1", "1-", "-1", "1-x", "1--2", "1-2-3", "ffffffffffffffffff-1"] {
            assert!(bad.parse::<PublicCursor>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn publish_widens_and_narrows_the_fields_that_are_told() {
        let searchable: BTreeSet<String> = ["Topic", "SyncStatus"].map(str::to_owned).into();
        let mut shape = PublicShape { searchable, sync_field: "SyncStatus".into(), ..PublicShape::default() };
        let tells = |shape: &PublicShape| ["Topic", "SyncStatus", "Internal"].map(|field| shape.tells_field(field));
        assert_eq!(tells(&shape), [true, false, false]);
        shape.publish.metadata_fields = Some(["Internal".to_owned()].into());
        assert_eq!(tells(&shape), [false, false, true]);
    }
}
