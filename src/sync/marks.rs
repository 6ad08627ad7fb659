//! Writing back: the sync field in Kaltura's custom metadata, so that editors see what was synced.

use std::collections::HashMap;

use tracing::{info, warn};

use super::Sync;
use super::account::{Account, AccountFacts};
use super::plan::{self, WriteBack};
use super::troubles::Work;
use crate::domain::account_facts::MetadataObject;
use crate::domain::clock::Timestamp;
use crate::domain::ids::{EntryId, MetadataProfileId};
use crate::domain::sync_rules::SyncRules;
use crate::kaltura::batch::EntryLook;
use crate::kaltura::error::{Class, Error as ApiError};
use crate::kaltura::mark::{MARKS_MAX, Mark, Marked, NewMetadata};
use crate::metadata_xml::document::{Document, Field};
use crate::store::{self, ClaimedBatch, KnownEntry, MarkRecord, Outcome};

/// What a write-back tells editors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The entry is synced.
    Done,
    /// Its sync failed for good.
    Failed,
}

impl Verdict {
    /// The value that says so; empty for a failure the operator has no word for.
    fn value(self, rules: &SyncRules) -> &str {
        match self {
            Self::Done => &rules.done,
            Self::Failed => rules.failed.as_deref().unwrap_or_default(),
        }
    }
}

impl Sync {
    /// Writes back and records what was written; answers the outcomes of those that did not go well.
    pub(super) async fn mark(
        &self,
        account: &Account,
        batch: &mut ClaimedBatch,
        mut to_mark: Vec<(EntryId, WriteBack)>,
        verdict: Verdict,
    ) -> Result<Vec<(EntryId, Outcome)>, store::Error> {
        let mut outcomes = Vec::new();
        while !to_mark.is_empty() {
            let rest = to_mark.split_off(to_mark.len().min(MARKS_MAX));
            let mut writes = std::mem::replace(&mut to_mark, rest);
            // The lease must outlast the write: what is somebody else's by now is not ours to mark.
            let held = self.store.extend_lease(batch, self.settings.lease).await?;
            writes.retain(|(id, _)| held.contains(id));
            if verdict == Verdict::Failed {
                // A look announces its own mark; this one was not planned by it.
                let pending = writes.iter().map(|(id, write)| (id.clone(), write.pending())).collect();
                self.store.announce_failures(batch, pending).await?;
            }
            let mut records = Vec::new();
            let mut trouble = None;
            for (id, write, answer) in send(account, writes).await {
                match answer {
                    Ok(marked) => records.push(self.marked(account, id, &write, marked, verdict)),
                    Err(error) => {
                        outcomes.push(self.not_marked(account, batch, id, &error));
                        trouble = Some(error);
                    }
                }
            }
            let went_well = !records.is_empty();
            match verdict {
                Verdict::Done => self.store.record_mark(batch, records).await?,
                Verdict::Failed => self.store.record_failure_mark(batch, records).await?,
            };
            match trouble {
                Some(error) => self.note_trouble(account, Work::Mark, &error).await?,
                None if went_well => self.out_of_trouble(account, Work::Mark).await?,
                None => {}
            }
        }
        Ok(outcomes)
    }

    fn marked(
        &self,
        account: &Account,
        id: EntryId,
        write: &WriteBack,
        marked: Marked,
        verdict: Verdict,
    ) -> MarkRecord {
        let value = verdict.value(&account.rules);
        info!(step = "marked", entry.id = %id, version = marked.version, "entry {id} is marked {value:?}, version {}", marked.version);
        let object = MetadataObject {
            id: marked.metadata,
            partner_id: account.partner_id,
            profile_id: profile_of(write, account),
            entry_id: id,
            version: marked.version,
            xml: write.xml().to_owned(),
        };
        record(object, value, self.clock.now())
    }

    fn not_marked(&self, account: &Account, batch: &ClaimedBatch, id: EntryId, error: &ApiError) -> (EntryId, Outcome) {
        warn!(step = "not_marked", entry.id = %id, "entry {id} is not marked: {error}");
        let in_doubt = match error.class() {
            Class::Dead => true,
            Class::Degraded => account.troubles.begin(Work::Mark, &error.to_string()),
            _ => false,
        };
        if in_doubt {
            account.facts_in_doubt.notify_one();
        }
        let attempts =
            batch.entries().iter().find(|claimed| claimed.entry_id == id).map_or(0, |claimed| claimed.attempts);
        (id, self.outcome_of(account, error, attempts))
    }
}

/// Updates in one request, additions in another.
async fn send(
    account: &Account,
    writes: Vec<(EntryId, WriteBack)>,
) -> Vec<(EntryId, WriteBack, Result<Marked, ApiError>)> {
    let (mut updates, mut additions) = (Vec::new(), Vec::new());
    for (entry, write) in &writes {
        match write {
            WriteBack::Update { id, version, xml } => {
                updates.push(Mark { entry: entry.clone(), metadata: *id, xml: xml.clone(), version: *version });
            }
            WriteBack::Add { profile, xml } => {
                additions.push(NewMetadata { entry: entry.clone(), profile: *profile, xml: xml.clone() });
            }
        }
    }
    let mut answers = account.client.mark(&updates).await;
    answers.extend(account.client.add_metadata(&additions).await);
    let mut writes: HashMap<_, _> = writes.into_iter().collect();
    answers.into_iter().filter_map(|(id, answer)| Some((id.clone(), writes.remove(&id)?, answer))).collect()
}

fn profile_of(write: &WriteBack, account: &Account) -> MetadataProfileId {
    match write {
        WriteBack::Add { profile, .. } => *profile,
        WriteBack::Update { .. } => {
            account.facts().sync_profile.as_ref().map_or(MetadataProfileId(0), |profile| profile.id)
        }
    }
}

fn record(object: MetadataObject, value: &str, at: Timestamp) -> MarkRecord {
    MarkRecord {
        fields: plan::fields(&object),
        entry_id: object.entry_id,
        metadata_id: object.id,
        profile_id: object.profile_id,
        new_version: object.version,
        xml_sent: object.xml,
        value: value.to_owned(),
        at,
    }
}

fn says_failed(object: &MetadataObject, rules: &SyncRules) -> bool {
    let field = Document::parse(&object.xml).map(|document| document.field(&rules.field));
    matches!((field, &rules.failed), (Ok(Field::Value(value)), Some(failed)) if value == *failed)
}

/// Our own mark, found standing at Kaltura although its answer never came.
pub(super) fn recognise(
    id: &EntryId,
    known: &KnownEntry,
    look: &EntryLook,
    facts: &AccountFacts,
    rules: &SyncRules,
    now: Timestamp,
) -> Option<(Verdict, MarkRecord)> {
    let pending = known.pending_mark.as_ref()?;
    let object =
        look.metadata.iter().find(|object| object.entry_id == *id && facts.is_sync_profile(object.profile_id))?;
    let ours = object.xml == pending.xml_sent && pending.base_version != Some(object.version);
    ours.then(|| {
        let verdict = if says_failed(object, rules) { Verdict::Failed } else { Verdict::Done };
        (verdict, record(object.clone(), verdict.value(rules), now))
    })
}
