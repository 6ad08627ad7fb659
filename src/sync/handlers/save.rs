//! What was seen and decided is kept: facts, content, changes, events and deliveries, one transaction for the batch.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::time::Duration;

use futures_util::FutureExt;

use super::{Batch, Running, told};
use crate::domain::ids::EntryId;
use crate::domain::sync_rules::{SyncRules, SyncStatus};
use crate::store::{MarkGate, Outcome, Save, Saved};
use crate::sync::Sync;
use crate::sync::worker::{Story, attempts};

/// How long an absence waits while removals are braked.
const BRAKED: Duration = Duration::from_secs(600);

pub(super) fn run<'a>(sync: &'a Sync, story: &'a mut Story<'_>, batch: &'a mut Batch) -> Running<'a> {
    async move {
        let saves = carried_out(sync, story, batch);
        batch.decisions = told::decisions(&saves);
        batch.say_failed = say_failed(&saves, &story.account.rules);
        batch.saved = sync.store.save_entries(story.batch, saves, sync.settings.removal_limit).await?;
        heed(sync, batch);
        Ok(ControlFlow::Continue(()))
    }
    .boxed()
}

/// Takes the plans apart: what to save, what to mark after that, and what each entry is settled with if all goes well.
fn carried_out(sync: &Sync, story: &Story<'_>, batch: &mut Batch) -> Vec<Save> {
    let mut saves = Vec::with_capacity(batch.plans.len());
    for plan in batch.plans.drain(..) {
        let attempts = attempts(story.batch, &plan.entry_id);
        let outcome = sync.settings.retries.outcome(plan.next, attempts, sync.clock.now());
        batch.outcomes.insert(plan.entry_id.clone(), outcome);
        saves.extend(plan.save);
        batch.to_mark.extend(plan.write_back.map(|write_back| (plan.entry_id, write_back)));
    }
    saves
}

/// What was lost, or waits for a hook, is not marked; where removals are braked, the absence waits.
fn heed(sync: &Sync, batch: &mut Batch) {
    for (id, saved) in &batch.saved {
        match saved {
            Saved::Lost | Saved::Mirrored { gate: MarkGate::Waiting { .. }, .. } => {
                batch.to_mark.retain(|(marked, _)| marked != id);
            }
            Saved::Braked => {
                let reason = "removal by absence is stopped: too much of the mirror went missing at once".to_owned();
                let outcome = Outcome::Snooze { until: sync.clock.now().plus(BRAKED), reason };
                batch.outcomes.insert(id.clone(), outcome);
            }
            Saved::NotMirrored | Saved::Mirrored { .. } => {}
        }
    }
}

/// Those whose field says already that their sync failed.
fn say_failed(saves: &[Save], rules: &SyncRules) -> HashSet<EntryId> {
    let says_so = |save: &Save| match save {
        Save::Seen(seen) if rules.status(&seen.field) == SyncStatus::Failed => Some(seen.entry_id.clone()),
        _ => None,
    };
    saves.iter().filter_map(says_so).collect()
}
