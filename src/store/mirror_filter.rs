//! `[mirror] filter`: mirrored entries judged anew when it changes, or the name of a category does.
//!
//! Each look judges by what Kaltura says then (`sync`). Here entries are judged by what is kept of them, where that is what
//! the latest look saw; the others are looked at.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

use serde::{Deserialize, Serialize};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::Store;
use super::changes::{Cause, Occasion, Origin};
use super::dirty_entries::{Hints, Lane, Reason};
use super::error::Error;
use super::judgement;
use super::rows::{self, RowId};
use super::writer::WriteTx;
use super::{policy, settings};
use crate::domain::account_facts::CategoryMembership;
use crate::domain::api_value::ApiObject;
use crate::domain::clock::Timestamp;
use crate::domain::filter::mirror::{FilterFacts, MetadataValues, MirrorFilter, Subject, Verdict};
use crate::domain::ids::{AccountId, CategoryId, EntryId};

/// Entries judged in one transaction: a notification waits no longer than that takes.
const CHUNK: i64 = 500;

const FILTER: &str = "mirror_filter";
const PENDING: &str = "mirror_filter_pending";

/// What a changed filter came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FilterChange {
    /// Entries that left the mirror.
    pub left: u64,
    /// Entries that only another look can tell of: left out until now, or changed since their content came in.
    pub looked_at: u64,
}

/// The filter of each account, as the process knows it.
#[derive(Default)]
pub(super) struct Filters(RwLock<HashMap<AccountId, Known>>);

struct Known {
    rule: Option<Arc<Rule>>,
    /// All entries have been judged by it.
    is_applied: bool,
}

/// A filter, and what judging by it needs.
#[derive(Debug, PartialEq)]
pub(super) struct Rule {
    filter: MirrorFilter,
    facts: FilterFacts,
}

impl Filters {
    fn is_applied(&self, account: AccountId, filter: Option<&MirrorFilter>, facts: &FilterFacts) -> bool {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known.get(&account).is_some_and(|known| {
            let is_same = match (&known.rule, filter) {
                (Some(rule), Some(filter)) => rule.filter == *filter && rule.facts == *facts,
                (None, None) => true,
                _ => false,
            };
            is_same && known.is_applied
        })
    }

    fn set(&self, account: AccountId, rule: Option<Arc<Rule>>, is_applied: bool) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(account, Known { rule, is_applied });
    }

    /// Not all entries have been judged by it any more.
    fn reopen(&self, account: AccountId) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known.get_mut(&account) {
            known.is_applied = false;
        }
    }

    /// The account's filter, if it asks for categories.
    fn by_category(&self, account: AccountId) -> Option<Arc<Rule>> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known.get(&account)?.rule.clone().filter(|rule| rule.filter.names_categories())
    }
}

/// By what entries were last judged; another, and all of them are judged anew.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    filter: Option<String>,
    /// What the metadata fields that it names hold.
    fields: BTreeMap<String, String>,
}

impl Kept {
    /// Nothing while it cannot be judged: then entries stay as they are.
    fn of(filter: Option<&MirrorFilter>, facts: &FilterFacts) -> Option<Self> {
        let Some(filter) = filter else { return Some(Self::default()) };
        let kind = |name: &str| Some((name.to_owned(), facts.fields.as_ref()?.get(name)?.as_str().to_owned()));
        let fields = filter.metadata_fields().into_iter().map(kind).collect::<Option<_>>()?;
        Some(Self { filter: Some(filter.text().to_owned()), fields })
    }
}

/// How far a changed filter has judged.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Pending {
    after_row: RowId,
}

impl Store {
    /// Keeps which entries of the account are mirrored at all. Where that differs from what they were last judged by, those
    /// that it leaves out leave the mirror, and those that only a look can tell of become dirty, quietly; in chunks of a
    /// transaction each.
    ///
    /// # Errors
    /// Those of writing. What is not judged yet is so at the next call.
    pub async fn set_mirror_filter(
        &self,
        account: AccountId,
        filter: Option<&MirrorFilter>,
        facts: &FilterFacts,
    ) -> Result<FilterChange, Error> {
        let filters = &self.0.mirror.filters;
        if filters.is_applied(account, filter, facts) {
            return Ok(FilterChange::default());
        }
        let rule = filter.map(|filter| Arc::new(Rule { filter: filter.clone(), facts: facts.clone() }));
        filters.set(account, rule.clone(), false);
        let Some(kept) = Kept::of(filter, facts) else { return Ok(FilterChange::default()) };
        let mut tx = self.write().await?;
        let before: Option<String> = settings::find(&mut tx, account, FILTER).await?;
        let before: Kept = before.map(|text| rows::parsed(&text, FILTER)).transpose()?.unwrap_or_default();
        if before != kept {
            settings::put(&mut tx, account, FILTER, rows::json(&kept)).await?;
            settings::put(&mut tx, account, PENDING, rows::json(&Pending::default())).await?;
        }
        tx.commit().await?;
        let change = self.judge_pending(account, rule.as_deref()).await?;
        filters.set(account, rule, true);
        Ok(change)
    }

    async fn judge_pending(&self, account: AccountId, rule: Option<&Rule>) -> Result<FilterChange, Error> {
        let mut change = FilterChange::default();
        loop {
            let mut tx = self.write().await?;
            let pending: Option<String> = settings::find(&mut tx, account, PENDING).await?;
            let Some(pending) = pending else { return Ok(change) };
            let Pending { after_row } = rows::parsed(&pending, PENDING)?;
            let known = after(&mut tx, account, after_row).await?;
            let Some(last) = known.last().map(|known| known.row_id) else {
                settings::remove(&mut tx, account, PENDING).await?;
                tx.commit().await?;
                return Ok(change);
            };
            let sorted = sort(&mut tx, account, rule, &known).await?;
            let occasion = Occasion { flip: Some(Cause::Filter), ..Occasion::new(Cause::Filter, Origin::Policy) };
            let left: Vec<_> = sorted.left.iter().map(|row_id| (*row_id, occasion)).collect();
            leave(&mut tx, &sorted.left, self.now()).await?;
            judgement::judge_again(&mut tx, account, &left, self.now()).await?;
            sorted.hints(account, Lane::Backfill, self.now()).write(&mut tx, &self.0.mirror.pace, self.now()).await?;
            settings::put(&mut tx, account, PENDING, rows::json(&Pending { after_row: last })).await?;
            tx.commit().await?;
            self.0.mirror.dirty_signal.notify_one();
            change.left += left.len() as u64;
            change.looked_at += sorted.open.len() as u64;
        }
    }

    /// Judges these entries by the account's filter, if it asks for categories and a category of theirs has changed: says
    /// which of them have left. What only a look can tell of becomes dirty.
    pub(super) async fn leave_by_category(
        &self,
        tx: &mut WriteTx,
        account: AccountId,
        touched: &BTreeSet<RowId>,
    ) -> Result<BTreeSet<RowId>, Error> {
        let Some(rule) = self.0.mirror.filters.by_category(account) else { return Ok(BTreeSet::new()) };
        let known = these(tx, touched).await?;
        let sorted = sort(tx, account, Some(&rule), &known).await?;
        leave(tx, &sorted.left, self.now()).await?;
        sorted.hints(account, Lane::Repair, self.now()).write(tx, &self.0.mirror.pace, self.now()).await?;
        Ok(sorted.left.into_iter().collect())
    }

    /// So many categories have changed that nobody knows any more which: all entries are judged anew by a filter that asks for
    /// categories, at the next [`Store::set_mirror_filter`].
    pub(super) async fn judge_all_by_category(&self, tx: &mut WriteTx, account: AccountId) -> Result<(), Error> {
        if self.0.mirror.filters.by_category(account).is_some() {
            settings::put(tx, account, PENDING, rows::json(&Pending::default())).await?;
            self.0.mirror.filters.reopen(account);
        }
        Ok(())
    }
}

/// What judging came to.
#[derive(Default)]
struct Sorted {
    /// Mirrored until now.
    left: Vec<RowId>,
    /// Only a look can tell.
    open: Vec<EntryId>,
}

impl Sorted {
    /// As quietly as a backfill's finds: nobody has asked for any of them.
    fn hints(&self, account: AccountId, lane: Lane, now: Timestamp) -> Hints {
        let mut hints = Hints::default();
        for entry in &self.open {
            hints.add(account, entry, Reason::Backfill, lane, now);
        }
        hints
    }
}

/// What is kept of an entry, as far as a filter asks.
struct Stored {
    row_id: RowId,
    entry_id: EntryId,
    memberships: Vec<CategoryMembership>,
    stand: Stand,
}

enum Stand {
    /// In the mirror: its content, with what the latest look found beside it. Nothing when Kaltura has other content by now.
    LetIn(Option<(ApiObject, MetadataValues)>),
    /// The filter left it out, or could not be judged.
    LeftOut,
    /// Outside for another reason, or removed.
    Elsewhere,
}

async fn sort(tx: &mut WriteTx, account: AccountId, rule: Option<&Rule>, known: &[Stored]) -> Result<Sorted, Error> {
    let mut sorted = Sorted::default();
    let facts = match rule {
        Some(rule) => Some(facts_now(tx, account, rule, known).await?),
        None => None,
    };
    for entry in known {
        let verdict = match (&entry.stand, rule, &facts) {
            (Stand::Elsewhere, ..) | (Stand::LetIn(_), None, _) => continue,
            (Stand::LetIn(Some((object, metadata))), Some(rule), Some(facts)) => {
                let categories = facts.names_of(&entry.memberships);
                let subject = Subject { object, categories: categories.as_deref(), metadata: Some(metadata) };
                rule.filter.judge(&subject, facts)
            }
            _ => Verdict::Open,
        };
        match verdict {
            Verdict::In => {}
            Verdict::Out => sorted.left.push(entry.row_id),
            Verdict::Open => sorted.open.push(entry.entry_id.clone()),
        }
    }
    Ok(sorted)
}

/// The categories as this transaction has them.
async fn facts_now(tx: &mut WriteTx, account: AccountId, rule: &Rule, known: &[Stored]) -> Result<FilterFacts, Error> {
    let categories: BTreeSet<CategoryId> = match rule.filter.names_categories() {
        true => known.iter().flat_map(|entry| entry.memberships.iter().map(|it| it.category_id)).collect(),
        false => BTreeSet::new(),
    };
    let policy = policy::part(tx, account, &BTreeSet::new(), &categories).await?;
    let categories = policy.categories.into_values().map(|category| (category.id, category.full_name)).collect();
    Ok(FilterFacts { categories, profiles: rule.facts.profiles.clone(), fields: rule.facts.fields.clone() })
}

/// These leave the mirror; their content is forgotten with the next purge that is due.
async fn leave(tx: &mut WriteTx, row_ids: &[RowId], now: Timestamp) -> Result<(), Error> {
    if row_ids.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "update entries
         set filtered = 1, filtered_at = coalesce(filtered_at, ?)
         where row_id in (select value from json_each(?))",
    )
    .bind(now.as_millis())
    .bind(rows::parameter(row_ids))
    .execute(&mut **tx)
    .await?;
    sqlx::query(
        "update entry_sync
         set decision = 'nothing', reason = 'filtered'
         where row_id in (select value from json_each(?))",
    )
    .bind(rows::parameter(row_ids))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// What follows `from … as s`: entries with their content only where it is judged.
const STORED: &str = "select s.row_id, s.entry_id, s.reason, s.updated_at as seen_updated_at,
            e.row_id is not null as in_mirror, e.filtered, e.removed_at, e.is_outdated, e.status,
            iif(e.filtered = 0 and e.is_outdated = 0,
                (select object from entry_objects where row_id = s.row_id), null) as object,
            (select json_group_array(json(fields)) from custom_metadata where row_id = s.row_id) as metadata,
            (select json_group_array(json_array(category_id, status))
             from entry_categories
             where row_id = s.row_id) as memberships";

async fn after(tx: &mut WriteTx, account: AccountId, after: RowId) -> Result<Vec<Stored>, Error> {
    // The plus keeps this on the table itself: an index by account would have to be sorted for every chunk.
    let statement = format!(
        "{STORED}
         from (select row_id, entry_id, reason, updated_at
               from entry_sync
               where +account_id = ? and row_id > ?
               order by row_id
               limit ?) as s
         left join entries as e on e.row_id = s.row_id
         order by s.row_id"
    );
    sqlx::query(sqlx::AssertSqlSafe(statement))
        .bind(account.0)
        .bind(after)
        .bind(CHUNK)
        .fetch_all(&mut **tx)
        .await?
        .iter()
        .map(stored)
        .collect()
}

async fn these(tx: &mut WriteTx, row_ids: &BTreeSet<RowId>) -> Result<Vec<Stored>, Error> {
    let statement = format!(
        "{STORED}
         from json_each(?) as wanted
         cross join entry_sync as s on s.row_id = wanted.value
         left join entries as e on e.row_id = s.row_id"
    );
    sqlx::query(sqlx::AssertSqlSafe(statement))
        .bind(rows::json(row_ids))
        .fetch_all(&mut **tx)
        .await?
        .iter()
        .map(stored)
        .collect()
}

fn stored(row: &SqliteRow) -> Result<Stored, Error> {
    let entry_id = rows::entry_id(row)?;
    let memberships: Vec<(i64, i64)> = rows::from_json(row, "memberships")?;
    let membership = |(category, status)| CategoryMembership {
        entry_id: entry_id.clone(),
        category_id: CategoryId(category),
        status,
    };
    Ok(Stored {
        row_id: row.try_get("row_id")?,
        memberships: memberships.into_iter().map(membership).collect(),
        stand: stand(row)?,
        entry_id,
    })
}

fn stand(row: &SqliteRow) -> Result<Stand, Error> {
    let is_left_out = matches!(row.try_get("reason")?, Some("filtered" | "filter_open"));
    if !row.try_get::<bool, _>("in_mirror")? {
        return Ok(if is_left_out { Stand::LeftOut } else { Stand::Elsewhere });
    }
    if row.try_get::<Option<i64>, _>("removed_at")?.is_some() {
        return Ok(Stand::Elsewhere);
    }
    if row.try_get("filtered")? {
        return Ok(Stand::LeftOut);
    }
    let object: Option<&str> = row.try_get("object")?;
    let Some(object) = object else { return Ok(Stand::LetIn(None)) };
    let mut object: ApiObject = rows::parsed(object, "object")?;
    // Kept on every look, and moved by more than content.
    object.insert("status".to_owned(), row.try_get::<&str, _>("status")?.into());
    if let Some(updated_at) = row.try_get::<Option<i64>, _>("seen_updated_at")? {
        object.insert("updatedAt".to_owned(), updated_at.into());
    }
    let documents: Vec<MetadataValues> = rows::from_json(row, "metadata")?;
    let mut metadata = MetadataValues::new();
    for (name, values) in documents.into_iter().flatten() {
        metadata.entry(name).or_default().extend(values);
    }
    Ok(Stand::LetIn(Some((object, metadata))))
}
