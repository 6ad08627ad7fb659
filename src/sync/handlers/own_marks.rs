//! A write whose answer was lost may have gone through all the same: when the document that stands now is the one we sent,
//! it was our mark, and the look is judged so.

use std::ops::ControlFlow;

use futures_util::FutureExt;

use super::{Batch, Running};
use crate::domain::ids::EntryId;
use crate::store::KnownEntry;
use crate::sync::Sync;
use crate::sync::marks::{self, Verdict};
use crate::sync::worker::Story;

pub(super) fn run<'a>(sync: &'a Sync, story: &'a mut Story<'_>, batch: &'a mut Batch) -> Running<'a> {
    async move {
        let (facts, rules, now) = (&story.facts, &story.account.rules, sync.clock.now());
        let recognise = |(id, known): (&EntryId, &KnownEntry)| {
            marks::recognise(id, known, batch.look.entries.get(id)?, facts, rules, now)
        };
        let records: Vec<_> = story.known.iter().filter_map(recognise).collect();
        if records.is_empty() {
            return Ok(ControlFlow::Continue(()));
        }
        let (done, failed): (Vec<_>, Vec<_>) = records.into_iter().partition(|(verdict, _)| *verdict == Verdict::Done);
        let [done, failed] = [done, failed].map(|records| records.into_iter().map(|(_, record)| record).collect());
        sync.store.record_mark(story.batch, done).await?;
        sync.store.record_failure_mark(story.batch, failed).await?;
        let ids: Vec<_> = story.batch.entries().iter().map(|entry| entry.entry_id.clone()).collect();
        story.known = sync.store.known(story.account.id, &ids).await?;
        Ok(ControlFlow::Continue(()))
    }
    .boxed()
}
