//! Nothing is concluded from lists that are not whole: what is missing from them may be there.

use std::ops::ControlFlow;

use futures_util::FutureExt;
use tracing::warn;

use super::{Batch, Running};
use crate::sync::Sync;
use crate::sync::troubles::Work;
use crate::sync::worker::Story;

pub(super) fn run<'a>(sync: &'a Sync, story: &'a mut Story<'_>, batch: &'a mut Batch) -> Running<'a> {
    async move {
        if let Some(error) = batch.look.no_captions.take() {
            let label = &story.account.label;
            warn!(account = %label, "account {label} is mirrored without captions for now: {error}");
        }
        let Some(error) = batch.look.incomplete.take() else {
            sync.out_of_trouble(story.account, Work::Look).await?;
            return Ok(ControlFlow::Continue(()));
        };
        batch.outcomes = sync.failed(story, &batch.ids, &error).await?;
        Ok(ControlFlow::Break(()))
    }
    .boxed()
}
