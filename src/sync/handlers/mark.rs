//! The sync field is written back for what was saved, unless somebody hinted again meanwhile: the next look decides then.

use std::collections::HashSet;
use std::ops::ControlFlow;

use futures_util::FutureExt;

use super::{Batch, Running};
use crate::domain::ids::EntryId;
use crate::store::{MarkGate, Saved};
use crate::sync::Sync;
use crate::sync::marks::Verdict;
use crate::sync::worker::Story;

pub(super) fn run<'a>(sync: &'a Sync, story: &'a mut Story<'_>, batch: &'a mut Batch) -> Running<'a> {
    async move {
        let hinted_again = sync.store.newer_tickets(story.batch).await?;
        let mut to_mark = std::mem::take(&mut batch.to_mark);
        to_mark.retain(|(id, _)| !hinted_again.contains(id));
        let failed = failed(&batch.saved);
        let (failed, to_mark): (Vec<_>, Vec<_>) = to_mark.into_iter().partition(|(id, _)| failed.contains(id));
        batch.outcomes.extend(sync.mark(story.account, story.batch, to_mark, Verdict::Done).await?);
        let untold = failed.into_iter().filter(|(id, _)| !batch.say_failed.contains(id)).collect();
        batch.outcomes.extend(sync.mark_failures(story, untold).await?);
        Ok(ControlFlow::Continue(()))
    }
    .boxed()
}

/// Those whose required hooks have failed for good.
fn failed(saved: &[(EntryId, Saved)]) -> HashSet<EntryId> {
    let is_failed = |saved: &Saved| matches!(saved, Saved::Mirrored { gate: MarkGate::Failed { .. }, .. });
    saved.iter().filter(|(_, saved)| is_failed(saved)).map(|(id, _)| id.clone()).collect()
}
