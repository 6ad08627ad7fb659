//! What the mirror holds of entries, compared with a fresh look at them: what differs, and why that is likely so.
//!
//! Asks Kaltura and writes nothing. [`differences`] is pure and tells of one entry.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::Sync;
use super::account::Account;
use super::plan;
use crate::domain::clock::Timestamp;
use crate::domain::entry::{Entry, EntryStatus};
use crate::domain::ids::EntryId;
use crate::domain::{api_value, fingerprint};
use crate::kaltura::batch::{ENTRIES_MAX, EntryLook, LookOptions, SessionProof};
use crate::kaltura::catalogue::Window;
use crate::kaltura::lanes::Lane;
use crate::store::{self, EntryReport};

/// Of a sample, what was changed so lately is among what is compared, as far as there is room.
const LATELY_SECS: i64 = 86_400;

/// Why a comparison could not be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Kaltura could not be asked.
    #[error(transparent)]
    Kaltura(#[from] crate::kaltura::error::Error),
    /// The mirror could not be read.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// Answers of such a session prove nothing.
    #[error("nothing can be compared: {0}")]
    NotProven(String),
}

/// A field in which mirror and account differ.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// The entry.
    pub id: EntryId,
    /// The account's label.
    pub account: String,
    /// `entry` for the entry as a whole; else what differs, for example `name`, `categories`, `metadata.18.Topic`.
    pub field: String,
    /// What the mirror holds; null for nothing.
    pub mirror: Value,
    /// What Kaltura says; null for nothing.
    pub kaltura: Value,
    /// Why that is likely so.
    pub cause: String,
    /// The operator's rules, or an editor, want it so: it is no fault, and nothing mends it.
    pub by_decision: bool,
}

/// What came of a comparison.
#[derive(Debug, Default)]
pub struct Verified {
    /// Entries looked at.
    pub compared: usize,
    /// What differs, by entry.
    pub differences: Vec<Difference>,
}

/// What is known of an entry's account beside it.
#[derive(Debug, Clone, Default)]
pub struct Circumstances {
    /// The metadata field that tells whether an entry is to be synced: it is no content.
    pub sync_field: String,
    /// Captions are mirrored.
    pub captions: bool,
    /// Since when Kaltura cannot be asked.
    pub stale_since: Option<Timestamp>,
}

impl Sync {
    /// Compares every entry of the account, or about `sample` of them, spread evenly over the mirror.
    ///
    /// # Errors
    /// [`Error`]: then nothing is said about any entry.
    pub async fn verify(&self, account: &Account, sample: Option<usize>) -> Result<Verified, Error> {
        let ids = self.to_compare(account, sample).await?;
        let states = self.store.account_states().await?;
        let circumstances = Circumstances {
            sync_field: account.rules.field.clone(),
            captions: self.settings.caption_workers > 0,
            stale_since: states.into_iter().find(|state| state.label == account.label).and_then(|it| it.stale_since),
        };
        let client = account.client.in_lane(Lane::Repair);
        let options = LookOptions {
            profiles: account.facts().profile_ids(),
            captions: circumstances.captions,
            ..LookOptions::default()
        };
        let mut verified = Verified { compared: ids.len(), differences: Vec::new() };
        for ids in ids.chunks(ENTRIES_MAX) {
            let mut look = client.look(ids, &options).await?;
            if let SessionProof::NotProven(why) = look.session {
                return Err(Error::NotProven(why));
            }
            if let Some(incomplete) = look.incomplete {
                return Err(incomplete.into());
            }
            for id in ids {
                let report = self.store.entry_report(account.id, id).await?;
                let seen = look.entries.remove(id).filter(|seen| seen.entry.facts.status != EntryStatus::Deleted);
                let found = differences(id, report.as_ref(), seen.as_ref(), &circumstances);
                let label = &account.label;
                verified.differences.extend(found.into_iter().map(|it| Difference { account: label.clone(), ..it }));
            }
        }
        Ok(verified)
    }

    async fn to_compare(&self, account: &Account, sample: Option<usize>) -> Result<Vec<EntryId>, Error> {
        let mut ids: BTreeSet<EntryId> = self.store.mirrored_ids(account.id).await?.into_iter().collect();
        let windows = match sample {
            None => Window::everything(),
            Some(_) => Window::changed_since(self.clock.now().as_secs() - LATELY_SECS),
        };
        ids.extend(account.client.in_lane(Lane::Repair).list_ids(windows).await?);
        let ids: Vec<EntryId> = ids.into_iter().collect();
        let Some(sample) = sample else { return Ok(ids) };
        let step = ids.len().div_ceil(sample.max(1)).max(1);
        Ok(ids.into_iter().step_by(step).collect())
    }
}

/// How one entry in the mirror differs from a fresh look at it. The account's label is left empty.
///
/// An entry that was never mirrored by a decision (skipped, parked, not ready) is as it should be. Counters, and what moves with
/// our own mark, do not count.
pub fn differences(
    id: &EntryId,
    report: Option<&EntryReport>,
    look: Option<&EntryLook>,
    circumstances: &Circumstances,
) -> Vec<Difference> {
    let comparison = Comparison { id, report, look, circumstances };
    let is_shown =
        report.is_some_and(|report| report.in_mirror && report.removed_at.is_none() && report.missing_since.is_none());
    match (report, look) {
        (_, None) if is_shown => vec![comparison.of_entry(json!("mirrored"), Value::Null)],
        (_, None) => Vec::new(),
        (None, Some(look)) => vec![comparison.of_entry(Value::Null, json!(look.entry.facts.status.name()))],
        (Some(report), Some(look)) => match report.removed_at.is_some() || report.missing_since.is_some() {
            true => vec![comparison.of_entry(json!("removed or missing"), json!(look.entry.facts.status.name()))],
            false => comparison.of_fields(report, look),
        },
    }
}

struct Comparison<'c> {
    id: &'c EntryId,
    report: Option<&'c EntryReport>,
    look: Option<&'c EntryLook>,
    circumstances: &'c Circumstances,
}

type Fields = BTreeMap<String, Value>;

impl Comparison<'_> {
    fn of_entry(&self, mirror: Value, kaltura: Value) -> Difference {
        self.difference("entry".to_owned(), mirror, kaltura, None)
    }

    fn of_fields(&self, report: &EntryReport, look: &EntryLook) -> Vec<Difference> {
        let Some(content) = &report.content else { return Vec::new() };
        let parked = self.parked(report, look);
        let facts = self.differing(&facts_kept(content), &facts_seen(look), None);
        let kept = content_kept(content, self.circumstances);
        let seen = content_seen(look, self.circumstances);
        facts.into_iter().chain(self.differing(&kept, &seen, parked.as_deref())).collect()
    }

    fn differing(&self, kept: &Fields, seen: &Fields, parked: Option<&str>) -> Vec<Difference> {
        let names: BTreeSet<&String> = kept.keys().chain(seen.keys()).collect();
        let of = |fields: &Fields, name: &String| fields.get(name).cloned().unwrap_or_default();
        let differing = names.into_iter().filter(|name| of(kept, name) != of(seen, name));
        differing.map(|name| self.difference(name.clone(), of(kept, name), of(seen, name), parked)).collect()
    }

    /// Why content need not be as it is at Kaltura: nobody has asked for it to come in.
    fn parked(&self, report: &EntryReport, look: &EntryLook) -> Option<String> {
        let sync = &report.sync;
        let is_as_looked_at = sync.updated_at.is_some_and(|seen| seen >= look.entry.updated_at);
        let reason = sync.reason.as_deref().filter(|_| sync.decision.as_deref() == Some("nothing"))?;
        is_as_looked_at.then(|| {
            let value = sync.field_value.as_deref().unwrap_or_default();
            format!("the latest look brought nothing in ({reason}): the field says {value:?}")
        })
    }

    fn difference(&self, field: String, mirror: Value, kaltura: Value, parked: Option<&str>) -> Difference {
        let cause = parked.map_or_else(|| self.cause(), str::to_owned);
        let (id, by_decision) = (self.id.clone(), parked.is_some());
        Difference { id, account: String::new(), field, mirror, kaltura, cause, by_decision }
    }

    fn cause(&self) -> String {
        if let Some(since) = self.circumstances.stale_since {
            return format!("the account is stale since {since}");
        }
        let Some(report) = self.report else {
            return "nothing has told of it: no notification came, and no backfill was made".to_owned();
        };
        if let Some(dirty) = &report.dirty {
            let error = dirty.last_error.as_ref().map_or_else(String::new, |error| format!(", last: {error}"));
            return match dirty.state.as_str() {
                "dead" => format!("it was given up{error}; `dead retry` has it looked at again"),
                _ => format!("it waits to be looked at{error}"),
            };
        }
        let looked_at = report.sync.looked_at.as_deref().unwrap_or("never");
        match (self.look, report.sync.updated_at) {
            (None, _) => {
                format!("deleted at Kaltura since the latest look ({looked_at}), and no notification told of it")
            }
            (Some(look), Some(seen)) if look.entry.updated_at > seen => {
                format!("changed at Kaltura since the latest look ({looked_at}), and no notification told of it")
            }
            _ => {
                format!("updatedAt has not moved since the latest look ({looked_at}): such a change is told by nobody")
            }
        }
    }
}

fn facts_kept(content: &store::ContentReport) -> Fields {
    let facts = &content.facts;
    let is_live = facts.is_live.map(i64::from);
    let numbers =
        [facts.moderation, facts.display_in_search, facts.start_date, facts.end_date, facts.access_control, is_live];
    facts_of(&facts.status, numbers, content.categories.iter().map(|category| (category.id, category.status)))
}

fn facts_seen(look: &EntryLook) -> Fields {
    let facts = &look.entry.facts;
    let access_control = facts.access_control.map(|profile| profile.0);
    let is_live = look.entry.live.as_ref().map(|live| i64::from(live.is_live));
    let numbers =
        [facts.moderation, facts.display_in_search, facts.start_date, facts.end_date, access_control, is_live];
    let categories = look.categories.iter().map(|membership| (membership.category_id.0, membership.status));
    facts_of(&facts.status.name(), numbers, categories)
}

/// Moderation, `displayInSearch`, start, end, access control and a broadcast's state; categories with the status of each membership.
fn facts_of(status: &str, numbers: [Option<i64>; 6], categories: impl Iterator<Item = (i64, i64)>) -> Fields {
    let names = ["moderationStatus", "displayInSearch", "startDate", "endDate", "accessControlId", "isLive"];
    let categories: BTreeMap<_, _> = categories.map(|(id, status)| (id.to_string(), status)).collect();
    let numbers = names.into_iter().zip(numbers.map(|number| json!(number)));
    let all = numbers.chain([("status", json!(status)), ("categories", json!(categories))]);
    all.map(|(name, value)| (name.to_owned(), value)).collect()
}

fn content_kept(content: &store::ContentReport, circumstances: &Circumstances) -> Fields {
    let mut kept = content.object.as_object().map(members).unwrap_or_default();
    for object in &content.metadata {
        add_metadata(&mut kept, object.profile_id, &object.fields, circumstances);
    }
    let assets = |kind: &str| -> BTreeMap<_, _> {
        let of_kind = content.assets.iter().filter(|asset| asset.kind == kind);
        of_kind.map(|asset| (asset.id.clone(), json!([asset.status, asset.height, asset.bitrate]))).collect()
    };
    kept.insert("flavors".to_owned(), json!(assets("flavor")));
    if circumstances.captions {
        let captions: BTreeSet<_> = assets("caption").into_keys().collect();
        kept.insert("captions".to_owned(), json!(captions));
    }
    kept
}

fn content_seen(look: &EntryLook, circumstances: &Circumstances) -> Fields {
    let Entry { object, .. } = &look.entry;
    let mut seen = members(object);
    for object in &look.metadata {
        let fields: BTreeMap<_, _> = plan::fields(object).into_iter().collect();
        add_metadata(&mut seen, object.profile_id.0, &json!(fields), circumstances);
    }
    let flavors: BTreeMap<_, _> = look
        .flavors
        .iter()
        .map(|flavor| (flavor.id.clone(), json!([flavor.status, flavor.height, flavor.bitrate_kbps])))
        .collect();
    seen.insert("flavors".to_owned(), json!(flavors));
    if circumstances.captions {
        let offered = look.captions.iter().filter(|caption| caption.is_on_player);
        let captions: BTreeSet<_> = offered.map(|caption| caption.id.clone()).collect();
        seen.insert("captions".to_owned(), json!(captions));
    }
    seen
}

/// Members of the entry's object that are content; scalars as texts, for integers and texts change places.
fn members(object: &Map<String, Value>) -> Fields {
    let content = object.iter().filter(|(name, _)| fingerprint::is_content(name));
    content
        .map(|(name, value)| (name.clone(), api_value::scalar(value).map_or_else(|| value.clone(), Value::String)))
        .filter(|(_, value)| !fingerprint::is_empty(value))
        .collect()
}

fn add_metadata(to: &mut Fields, profile: i64, fields: &Value, circumstances: &Circumstances) {
    for (name, value) in fields.as_object().into_iter().flatten() {
        if *name != circumstances.sync_field && !fingerprint::is_empty(value) {
            to.insert(format!("metadata.{profile}.{name}"), value.clone());
        }
    }
}
