//! What the policy and the decision know of an account: access-control profiles, categories, metadata profiles, and
//! what `[publish]` allows. A policy that changes re-evaluates the entries it touches.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use super::Store;
use super::changes::{Cause, Occasion, Origin};
use super::error::Error;
use super::judgement;
use super::rows::{self, RowId};
use super::settings;
use super::writer::WriteTx;
use crate::domain::account_facts::{AccessControlProfile, Category, MetadataProfile};
use crate::domain::ids::{AccessControlId, AccountId, CategoryId, MetadataProfileId};
use crate::domain::visibility::{Policy, PublishRules};

/// Entries re-evaluated in one transaction: a notification waits no longer than that takes.
const CHUNK: usize = 500;
/// Profiles and categories looked through in one transaction: most new ones have no entries yet.
const PARTS_AT_ONCE: usize = 500;
/// Changed profiles and categories kept one by one; more of them, and every entry is re-evaluated.
const NAMED_AT_MOST: usize = 10_000;

const PUBLISH_RULES: &str = "publish_rules";
const POLICY_PENDING: &str = "policy_pending";

/// What Kaltura says of an account, all of it read anew.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccountFacts {
    /// All access-control profiles.
    pub access_control_profiles: Vec<AccessControlProfile>,
    /// All categories.
    pub categories: Vec<Category>,
    /// All metadata profiles.
    pub metadata_profiles: Vec<MetadataProfile>,
}

/// What a new policy changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct PolicyChange {
    /// Access-control profiles that are new, gone or otherwise.
    pub access_control_profiles: usize,
    /// Categories that are new, gone or otherwise.
    pub categories: usize,
    /// Metadata profiles that are new, gone or otherwise.
    pub metadata_profiles: usize,
    /// Entries judged anew.
    pub reevaluated: u64,
    /// Change rows that told of it.
    pub told: u64,
}

/// What a changed policy has yet to re-evaluate. Kept until done: a crash in between re-evaluates the rest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Pending {
    /// Every entry.
    all: bool,
    profiles: BTreeSet<AccessControlId>,
    categories: BTreeSet<CategoryId>,
    /// How far the first of these is done.
    after_row: RowId,
}

/// One thing whose entries are re-evaluated.
#[derive(Debug, Clone, Copy)]
enum Part {
    All,
    Profile(AccessControlId),
    Category(CategoryId),
}

impl Pending {
    /// What is re-evaluated next.
    fn next(&self) -> Option<Part> {
        let profile = || self.profiles.first().copied().map(Part::Profile);
        let category = || self.categories.first().copied().map(Part::Category);
        if self.all { Some(Part::All) } else { profile().or_else(category) }
    }

    /// All entries of this part are done.
    fn finish(&mut self, part: Part) {
        self.after_row = 0;
        match part {
            Part::All => *self = Self::default(),
            Part::Profile(id) => {
                self.profiles.remove(&id);
            }
            Part::Category(id) => {
                self.categories.remove(&id);
            }
        }
    }

    /// Both, from the start.
    fn and(mut self, other: Self) -> Self {
        self.all |= other.all;
        self.profiles.extend(other.profiles);
        self.categories.extend(other.categories);
        if self.profiles.len() + self.categories.len() > NAMED_AT_MOST {
            self = Self { all: true, ..Self::default() };
        }
        self.after_row = 0;
        self
    }
}

/// `PublishRules` as they are kept.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct KeptRules {
    access_control_profiles: BTreeSet<AccessControlId>,
    privacy_contexts: BTreeSet<String>,
    categories: BTreeSet<CategoryId>,
    flagged: bool,
}

impl From<&PublishRules> for KeptRules {
    fn from(rules: &PublishRules) -> Self {
        Self {
            access_control_profiles: rules.access_control_profiles.clone(),
            privacy_contexts: rules.privacy_contexts.clone(),
            categories: rules.categories.clone(),
            flagged: rules.flagged,
        }
    }
}

impl From<KeptRules> for PublishRules {
    fn from(kept: KeptRules) -> Self {
        Self {
            access_control_profiles: kept.access_control_profiles,
            privacy_contexts: kept.privacy_contexts,
            categories: kept.categories,
            flagged: kept.flagged,
        }
    }
}

impl Store {
    /// The account's policy as it was last saved, and what `[publish]` allows.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn policy(&self, account: AccountId) -> Result<Policy, Error> {
        let mut tx = self.read().await?;
        whole(&mut tx, account).await
    }

    /// The account's metadata profiles as they were last saved.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn metadata_profiles(&self, account: AccountId) -> Result<Vec<MetadataProfile>, Error> {
        let mut tx = self.read().await?;
        load_metadata_profiles(&mut tx, account).await
    }

    /// Keeps what `[publish]` allows and re-evaluates every entry when that changed. Told at start, before anything
    /// is answered: a configuration that allows less holds also while Kaltura is down.
    ///
    /// # Errors
    /// Those of writing. What is not re-evaluated yet is so at the next call of this or of `save_policy`.
    pub async fn save_publish_rules(&self, account: AccountId, rules: &PublishRules) -> Result<PolicyChange, Error> {
        let mut tx = self.write().await?;
        if publish_rules(&mut tx, account).await? != *rules {
            settings::put(&mut tx, account, PUBLISH_RULES, rows::json(&KeptRules::from(rules))).await?;
            add_pending(&mut tx, account, Pending { all: true, ..Pending::default() }).await?;
        }
        tx.commit().await?;
        self.reevaluate(account, PolicyChange::default()).await
    }

    /// Replaces what is known of the account where it differs, and re-evaluates the entries that a changed, new or
    /// vanished profile or category touches, in chunks of a transaction each.
    ///
    /// # Errors
    /// Those of writing. What is not re-evaluated yet is so at the next call of this or of `save_publish_rules`.
    pub async fn save_policy(&self, account: AccountId, facts: &AccountFacts) -> Result<PolicyChange, Error> {
        let mut tx = self.write().await?;
        let before = whole(&mut tx, account).await?;
        let metadata_profiles = load_metadata_profiles(&mut tx, account).await?;

        let profiles =
            differing(before.access_control_profiles.values(), &facts.access_control_profiles, |profile| profile.id);
        let categories = differing(before.categories.values(), &facts.categories, |category| category.id);
        let schemas = differing(metadata_profiles.iter(), &facts.metadata_profiles, |profile| profile.id);
        let change = PolicyChange {
            access_control_profiles: profiles.len(),
            categories: categories.len(),
            metadata_profiles: schemas.len(),
            ..PolicyChange::default()
        };
        if !profiles.is_empty() {
            replace_access_control_profiles(&mut tx, account, &profiles, facts).await?;
        }
        if !categories.is_empty() {
            replace_categories(&mut tx, account, &categories, facts).await?;
        }
        if !schemas.is_empty() {
            replace_metadata_profiles(&mut tx, account, &schemas, facts).await?;
        }
        let has_categories = !categories.is_empty();
        let pending = Pending { profiles, categories, ..Pending::default() };
        if pending.next().is_some() && add_pending(&mut tx, account, pending).await?.all && has_categories {
            self.judge_all_by_category(&mut tx, account).await?;
        }
        tx.commit().await?;
        self.reevaluate(account, change).await
    }

    async fn reevaluate(&self, account: AccountId, mut change: PolicyChange) -> Result<PolicyChange, Error> {
        loop {
            let mut tx = self.write().await?;
            let Some(mut pending) = pending(&mut tx, account).await? else { return Ok(change) };
            let by_category = !pending.all && !pending.categories.is_empty();
            let touched = take_touched(&mut tx, account, &mut pending).await?;
            let left = match by_category {
                true => self.leave_by_category(&mut tx, account, &touched).await?,
                false => BTreeSet::new(),
            };
            let occasion = |row_id: &RowId| {
                let cause = if left.contains(row_id) { Cause::Filter } else { Cause::Policy };
                Occasion { flip: Some(cause), ..Occasion::new(cause, Origin::Policy) }
            };
            let entries: Vec<_> = touched.into_iter().map(|row_id| (row_id, occasion(&row_id))).collect();
            let judged = judgement::judge_again(&mut tx, account, &entries, self.now()).await?;
            change.reevaluated += judged.len() as u64;
            change.told += judged.values().filter(|judged| judged.change.is_some()).count() as u64;
            if pending.next().is_some() {
                settings::put(&mut tx, account, POLICY_PENDING, rows::json(&pending)).await?;
            } else {
                settings::remove(&mut tx, account, POLICY_PENDING).await?;
            }
            tx.commit().await?;
            self.0.mirror.dirty_signal.notify_one();
        }
    }
}

/// The ids of what is new, gone or otherwise.
fn differing<'a, T: PartialEq + 'a, Id: Ord + Copy>(
    before: impl Iterator<Item = &'a T>,
    after: &'a [T],
    id: impl Fn(&T) -> Id,
) -> BTreeSet<Id> {
    let before: BTreeMap<Id, &T> = before.map(|one| (id(one), one)).collect();
    let after: BTreeMap<Id, &T> = after.iter().map(|one| (id(one), one)).collect();
    let ids = before.keys().chain(after.keys());
    ids.filter(|id| before.get(id) != after.get(id)).copied().collect()
}

async fn pending(tx: &mut WriteTx, account: AccountId) -> Result<Option<Pending>, Error> {
    let kept: Option<String> = settings::find(tx, account, POLICY_PENDING).await?;
    kept.map(|text| rows::parsed(&text, POLICY_PENDING)).transpose()
}

/// Answers all that is pending by now.
async fn add_pending(tx: &mut WriteTx, account: AccountId, more: Pending) -> Result<Pending, Error> {
    let all = pending(tx, account).await?.unwrap_or_default().and(more);
    settings::put(tx, account, POLICY_PENDING, rows::json(&all)).await?;
    Ok(all)
}

/// Takes the next entries out of what is pending, until a chunk is full.
async fn take_touched(tx: &mut WriteTx, account: AccountId, pending: &mut Pending) -> Result<BTreeSet<RowId>, Error> {
    let mut touched = BTreeSet::new();
    for _ in 0..PARTS_AT_ONCE {
        let Some(part) = pending.next() else { break };
        let room = CHUNK - touched.len();
        let found = rows_of(tx, account, part, pending.after_row, room).await?;
        match found.last() {
            Some(last) if found.len() == room => {
                pending.after_row = *last;
                touched.extend(found);
                break;
            }
            _ => {
                pending.finish(part);
                touched.extend(found);
            }
        }
    }
    Ok(touched)
}

/// The part's entries after this row, in the order of their rows, which is that of the indexes.
async fn rows_of(
    tx: &mut WriteTx,
    account: AccountId,
    part: Part,
    after: RowId,
    limit: usize,
) -> Result<Vec<RowId>, Error> {
    let (statement, id) = match part {
        // The plus keeps this on the table itself: an index by account would have to be sorted for every chunk.
        Part::All => (
            "select row_id from entries where +account_id = ?1 and ?2 is null and row_id > ?3 order by row_id limit ?4",
            None,
        ),
        Part::Profile(id) => (
            "select row_id from entries
             where account_id = ?1 and access_control = ?2 and row_id > ?3 order by row_id limit ?4",
            Some(id.0),
        ),
        Part::Category(id) => (
            "select row_id from entry_categories
             where account_id = ?1 and category_id = ?2 and row_id > ?3 order by row_id limit ?4",
            Some(id.0),
        ),
    };
    let rows = sqlx::query_scalar(statement)
        .bind(account.0)
        .bind(id)
        .bind(after)
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(&mut **tx)
        .await?;
    Ok(rows)
}

async fn publish_rules(connection: &mut SqliteConnection, account: AccountId) -> Result<PublishRules, Error> {
    let kept: Option<String> = settings::find(connection, account, PUBLISH_RULES).await?;
    let kept: Option<KeptRules> = kept.map(|text| rows::parsed(&text, PUBLISH_RULES)).transpose()?;
    Ok(kept.unwrap_or_default().into())
}

async fn whole(connection: &mut SqliteConnection, account: AccountId) -> Result<Policy, Error> {
    let profiles = sqlx::query("select profile_id, name, has_rules from access_control_profiles where account_id = ?")
        .bind(account.0)
        .fetch_all(&mut *connection)
        .await?;
    let categories =
        sqlx::query("select category_id, full_name, privacy_contexts from categories where account_id = ?")
            .bind(account.0)
            .fetch_all(&mut *connection)
            .await?;
    policy(&profiles, &categories, publish_rules(connection, account).await?)
}

/// The policy, as far as it speaks of these profiles and categories.
pub(super) async fn part(
    tx: &mut WriteTx,
    account: AccountId,
    profiles: &BTreeSet<AccessControlId>,
    categories: &BTreeSet<CategoryId>,
) -> Result<Policy, Error> {
    let profiles = sqlx::query(
        "select p.profile_id, p.name, p.has_rules
         from json_each(?) as wanted
         cross join access_control_profiles as p on p.account_id = ? and p.profile_id = wanted.value",
    )
    .bind(rows::json(profiles))
    .bind(account.0)
    .fetch_all(&mut **tx)
    .await?;
    let categories = sqlx::query(
        "select c.category_id, c.full_name, c.privacy_contexts
         from json_each(?) as wanted
         cross join categories as c on c.account_id = ? and c.category_id = wanted.value",
    )
    .bind(rows::json(categories))
    .bind(account.0)
    .fetch_all(&mut **tx)
    .await?;
    policy(&profiles, &categories, publish_rules(tx, account).await?)
}

fn policy(profiles: &[SqliteRow], categories: &[SqliteRow], publish: PublishRules) -> Result<Policy, Error> {
    let profile = |row: &SqliteRow| -> Result<_, Error> {
        let id = AccessControlId(row.try_get("profile_id")?);
        Ok((id, AccessControlProfile { id, name: row.try_get("name")?, has_rules: row.try_get("has_rules")? }))
    };
    let category = |row: &SqliteRow| -> Result<_, Error> {
        let id = CategoryId(row.try_get("category_id")?);
        let privacy_contexts = rows::from_json(row, "privacy_contexts")?;
        Ok((id, Category { id, full_name: row.try_get("full_name")?, privacy_contexts }))
    };
    Ok(Policy {
        access_control_profiles: profiles.iter().map(profile).collect::<Result<_, _>>()?,
        categories: categories.iter().map(category).collect::<Result<_, _>>()?,
        publish,
    })
}

async fn load_metadata_profiles(
    connection: &mut SqliteConnection,
    account: AccountId,
) -> Result<Vec<MetadataProfile>, Error> {
    sqlx::query(
        "select profile_id, name, system_name, version, status, object_type, xsd
         from metadata_profiles
         where account_id = ?
         order by profile_id",
    )
    .bind(account.0)
    .fetch_all(connection)
    .await?
    .iter()
    .map(|row| {
        Ok(MetadataProfile {
            id: MetadataProfileId(row.try_get("profile_id")?),
            name: row.try_get("name")?,
            system_name: row.try_get("system_name")?,
            version: row.try_get("version")?,
            status: row.try_get("status")?,
            object_type: row.try_get("object_type")?,
            xsd: row.try_get("xsd")?,
        })
    })
    .collect()
}

#[derive(Serialize)]
struct AccessControlProfileRow<'a> {
    id: AccessControlId,
    name: &'a str,
    has_rules: bool,
}

async fn replace_access_control_profiles(
    tx: &mut WriteTx,
    account: AccountId,
    changed: &BTreeSet<AccessControlId>,
    facts: &AccountFacts,
) -> Result<(), Error> {
    let now: Vec<_> = facts
        .access_control_profiles
        .iter()
        .filter(|profile| changed.contains(&profile.id))
        .map(|profile| AccessControlProfileRow { id: profile.id, name: &profile.name, has_rules: profile.has_rules })
        .collect();
    sqlx::query(
        "delete from access_control_profiles
         where account_id = ? and profile_id in (select value from json_each(?))",
    )
    .bind(account.0)
    .bind(rows::json(changed))
    .execute(&mut **tx)
    .await?;
    sqlx::query(
        "insert or replace into access_control_profiles (account_id, profile_id, name, has_rules)
         select ?, value ->> 'id', value ->> 'name', value ->> 'has_rules'
         from json_each(?)",
    )
    .bind(account.0)
    .bind(rows::parameter(&now))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

#[derive(Serialize)]
struct CategoryRow<'a> {
    id: CategoryId,
    full_name: &'a str,
    privacy_contexts: &'a [String],
}

async fn replace_categories(
    tx: &mut WriteTx,
    account: AccountId,
    changed: &BTreeSet<CategoryId>,
    facts: &AccountFacts,
) -> Result<(), Error> {
    let now: Vec<_> = facts
        .categories
        .iter()
        .filter(|category| changed.contains(&category.id))
        .map(|category| CategoryRow {
            id: category.id,
            full_name: &category.full_name,
            privacy_contexts: &category.privacy_contexts,
        })
        .collect();
    sqlx::query("delete from categories where account_id = ? and category_id in (select value from json_each(?))")
        .bind(account.0)
        .bind(rows::json(changed))
        .execute(&mut **tx)
        .await?;
    sqlx::query(
        "insert or replace into categories (account_id, category_id, full_name, privacy_contexts)
         select ?, value ->> 'id', value ->> 'full_name', value ->> 'privacy_contexts'
         from json_each(?)",
    )
    .bind(account.0)
    .bind(rows::parameter(&now))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

#[derive(Serialize)]
struct MetadataProfileRow<'a> {
    id: MetadataProfileId,
    name: &'a str,
    system_name: Option<&'a str>,
    version: i64,
    status: i64,
    object_type: &'a str,
    xsd: &'a str,
}

async fn replace_metadata_profiles(
    tx: &mut WriteTx,
    account: AccountId,
    changed: &BTreeSet<MetadataProfileId>,
    facts: &AccountFacts,
) -> Result<(), Error> {
    let now: Vec<_> = facts
        .metadata_profiles
        .iter()
        .filter(|profile| changed.contains(&profile.id))
        .map(|profile| MetadataProfileRow {
            id: profile.id,
            name: &profile.name,
            system_name: profile.system_name.as_deref(),
            version: profile.version,
            status: profile.status,
            object_type: &profile.object_type,
            xsd: &profile.xsd,
        })
        .collect();
    sqlx::query(
        "delete from metadata_profiles where account_id = ? and profile_id in (select value from json_each(?))",
    )
    .bind(account.0)
    .bind(rows::json(changed))
    .execute(&mut **tx)
    .await?;
    sqlx::query(
        "insert or replace into metadata_profiles
             (account_id, profile_id, name, system_name, version, status, object_type, xsd)
         select ?, value ->> 'id', value ->> 'name', value ->> 'system_name', value ->> 'version',
                value ->> 'status', value ->> 'object_type', value ->> 'xsd'
         from json_each(?)",
    )
    .bind(account.0)
    .bind(rows::parameter(&now))
    .execute(&mut **tx)
    .await?;
    Ok(())
}
