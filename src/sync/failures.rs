//! Telling editors that a sync failed for good: `sync_failed_value`, when the operator has one and the schema takes it.
//!
//! What fails for good is a required hook that was given up, or an entry that was. Where nothing can be written, the
//! failure stays listed, and the field says what it said.

use tracing::warn;

use super::Sync;
use super::account::{Account, Profile};
use super::marks::Verdict;
use super::plan::WriteBack;
use super::worker::{Outcomes, Story};
use crate::domain::account_facts::MetadataObject;
use crate::domain::ids::EntryId;
use crate::domain::sync_rules::{SyncField, SyncRules, SyncStatus};
use crate::metadata_xml::document::{Document, Field};
use crate::store::{self, Outcome};

impl Sync {
    /// Writes it for entries whose required hooks failed, in place of the marks that were planned. Answers the outcomes of
    /// those that did not go well.
    pub(super) async fn mark_failures(
        &self,
        story: &mut Story<'_>,
        planned: Vec<(EntryId, WriteBack)>,
    ) -> Result<Vec<(EntryId, Outcome)>, store::Error> {
        if planned.is_empty() {
            return Ok(Vec::new());
        }
        let rules = &story.account.rules;
        let Some((profile, failed)) = failure_of(story.account, &story.facts.sync_profile) else {
            return Ok(Vec::new());
        };
        let instead = |(id, planned): (EntryId, WriteBack)| match planned {
            WriteBack::Update { id: metadata, version, xml } => {
                let xml = said(&id, edited(&xml, rules, failed, profile))?;
                Some((id, WriteBack::Update { id: metadata, version, xml }))
            }
            // An entry without an object is given one that says done, and never one that says less.
            WriteBack::Add { .. } => None,
        };
        let writes = planned.into_iter().filter_map(instead).collect();
        self.mark(story.account, story.batch, writes, Verdict::Failed).await
    }

    /// Writes it for entries of the batch that are given up and that an editor asked for. Their looks have failed, so the
    /// field is read anew.
    pub(super) async fn mark_given_up(&self, story: &mut Story<'_>, outcomes: &Outcomes) -> Result<(), store::Error> {
        let is_dead = |(_, outcome): &(&EntryId, &Outcome)| matches!(outcome, Outcome::Dead { .. });
        let mut dead: Vec<_> = outcomes.iter().filter(is_dead).map(|(id, _)| id.clone()).collect();
        if dead.is_empty() {
            return Ok(());
        }
        let rules = &story.account.rules;
        let Some((profile, failed)) = failure_of(story.account, &story.facts.sync_profile) else { return Ok(()) };
        let hinted_again = self.store.newer_tickets(story.batch).await?;
        dead.retain(|id| !hinted_again.contains(id));
        if dead.is_empty() {
            return Ok(());
        }
        let objects = match story.account.client.documents(&dead, profile.id).await {
            Ok(objects) => objects,
            Err(error) => {
                warn!(entries = dead.len(), "editors are not told that entries were given up: {error}");
                return Ok(());
            }
        };
        let write = |object: MetadataObject| {
            let xml = said(&object.entry_id, asked_for(&object, rules, failed, profile))??;
            Some((object.entry_id, WriteBack::Update { id: object.id, version: object.version, xml }))
        };
        let writes = objects.into_iter().filter_map(write).collect();
        self.mark(story.account, story.batch, writes, Verdict::Failed).await.map(drop)
    }
}

/// The profile to write by and the value to write, if both are there and the schema takes the value.
fn failure_of<'a, E>(account: &'a Account, profile: &'a Result<Profile, E>) -> Option<(&'a Profile, &'a str)> {
    let failed = account.rules.failed.as_deref()?;
    let profile = profile.as_ref().ok()?;
    let accepted = profile.schema().and_then(|schema| {
        schema.accepts(&account.rules.field, failed).map_err(|error| format!("sync_failed_value: {error}"))
    });
    match accepted {
        Ok(()) => Some((profile, failed)),
        Err(error) => {
            warn!(account = %account.label, "editors are not told of failed syncs: {error}");
            None
        }
    }
}

/// The document that says so, if an editor asked for the sync.
fn asked_for(
    object: &MetadataObject,
    rules: &SyncRules,
    failed: &str,
    profile: &Profile,
) -> Result<Option<String>, String> {
    let document = Document::parse(&object.xml).map_err(|error| error.to_string())?;
    let Field::Value(value) = document.field(&rules.field) else { return Ok(None) };
    match rules.status(&SyncField::Value(value)) {
        SyncStatus::Needed => edited(&object.xml, rules, failed, profile).map(Some),
        _ => Ok(None),
    }
}

fn edited(xml: &str, rules: &SyncRules, failed: &str, profile: &Profile) -> Result<String, String> {
    let schema = profile.schema()?;
    let document = Document::parse(xml).map_err(|error| error.to_string())?;
    document.with_field(&rules.field, failed, schema).map_err(|error| error.to_string())
}

fn said<T>(id: &EntryId, edited: Result<T, String>) -> Option<T> {
    edited
        .inspect_err(|error| warn!(entry.id = %id, "editors are not told that the sync of entry {id} failed: {error}"))
        .ok()
}
