//! What the log tells of a saved entry: decided, mirrored, withheld and why. One line each, searchable by `step`.

use std::collections::HashMap;
use std::ops::ControlFlow;

use futures_util::FutureExt;
use tracing::{debug, info, warn};

use super::{Batch, Running};
use crate::domain::decide::{Decision, Mark, Tell};
use crate::domain::ids::EntryId;
use crate::domain::visibility::PublicState;
use crate::store::{MarkGate, Save, Saved};
use crate::sync::Sync;
use crate::sync::worker::Story;

pub(super) fn run<'a>(_: &'a Sync, _: &'a mut Story<'_>, batch: &'a mut Batch) -> Running<'a> {
    async move {
        for (id, saved) in &batch.saved {
            tell(id, batch.decisions.get(id), saved);
        }
        Ok(ControlFlow::Continue(()))
    }
    .boxed()
}

/// The decisions that are about to be saved.
pub(super) fn decisions(saves: &[Save]) -> HashMap<EntryId, Decision> {
    let decision = |save: &Save| match save {
        Save::Seen(seen) => Some((seen.entry_id.clone(), seen.decision)),
        Save::Absent { .. } => None,
    };
    saves.iter().filter_map(decision).collect()
}

/// Tells what was decided of an entry, and what became of it.
fn tell(id: &EntryId, decision: Option<&Decision>, saved: &Saved) {
    if *saved == Saved::Lost {
        info!(step = "lost", entry.id = %id, "entry {id} is somebody else's by now; nothing was written");
        return;
    }
    match decision {
        Some(Decision::Nothing(reason)) => {
            debug!(step = "skipped", entry.id = %id, reason = reason.as_str(), "entry {id} is left as it is: {reason}")
        }
        Some(decision) => {
            let words = words(*decision);
            debug!(step = "decided", entry.id = %id, "entry {id}: {words}");
        }
        None => {}
    }
    if let Saved::Mirrored { state, change, gate, .. } = saved {
        match (state, change) {
            (PublicState::Public, Some(change)) => {
                info!(step = "mirrored", entry.id = %id, seq = change.seq, "entry {id} is public, change {}", change.seq)
            }
            (PublicState::Public, None) => {}
            (PublicState::Withheld(reasons), _) => {
                let why = reasons.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
                info!(step = "withheld", entry.id = %id, reason = %why, "entry {id} is withheld: {why}");
            }
        }
        match gate {
            MarkGate::Open => {}
            MarkGate::Waiting { hook } => {
                info!(step = "mark_waits", entry.id = %id, hook, "entry {id} is marked once hook {hook:?} has been told");
            }
            MarkGate::Failed { why } => warn!(step = "not_marked", entry.id = %id, "entry {id} is not marked: {why}"),
        }
    }
}

fn words(decision: Decision) -> &'static str {
    match decision {
        Decision::Nothing(_) => "nothing to do",
        Decision::Fill => "its content comes in quietly",
        Decision::Sync { tell: Tell::Changed, .. } => "its content has changed and comes in",
        Decision::Sync { tell: Tell::ToldBefore, .. } => "synced before, only the mark is missing",
        Decision::Sync { tell: Tell::Synced { resync: true }, mark: Mark::No } => "synced again; nothing differs",
        Decision::Sync { tell: Tell::Synced { resync: true }, .. } => "synced again, to be marked; nothing differs",
        Decision::Sync { tell: Tell::Synced { resync: false }, mark: Mark::No } => "synced",
        Decision::Sync { tell: Tell::Synced { resync: false }, .. } => "synced, to be marked",
    }
}
