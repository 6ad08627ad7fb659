//! Nothing is concluded from a session that does not see everything of this account: its lists may lack what is there.

use std::ops::ControlFlow;

use futures_util::FutureExt;
use tracing::warn;

use super::{Batch, Running};
use crate::kaltura::batch::SessionProof;
use crate::sync::Sync;
use crate::sync::worker::Story;

pub(super) fn run<'a>(sync: &'a Sync, story: &'a mut Story<'_>, batch: &'a mut Batch) -> Running<'a> {
    async move {
        let SessionProof::NotProven(why) = &batch.look.session else { return Ok(ControlFlow::Continue(())) };
        warn!(account = %story.account.label, entries = batch.ids.len(), "nothing is concluded: the session is not proven: {why}");
        let trouble = format!("the session is not proven: {why}");
        batch.outcomes = sync.await_session(story, &batch.ids, trouble).await?;
        Ok(ControlFlow::Break(()))
    }
    .boxed()
}
