//! What keeps entries waiting is told of the account, unless it has been mended since the story began.

use std::ops::ControlFlow;
use std::sync::Arc;

use futures_util::FutureExt;

use super::{Batch, Running};
use crate::sync::Sync;
use crate::sync::plan::{Next, Plan};
use crate::sync::troubles::Work;
use crate::sync::worker::Story;

pub(super) fn run<'a>(sync: &'a Sync, story: &'a mut Story<'_>, batch: &'a mut Batch) -> Running<'a> {
    async move {
        if let Some(trouble) = batch.plans.iter().find_map(trouble_of)
            && Arc::ptr_eq(&story.facts, &story.account.facts())
        {
            sync.in_trouble(story.account, Work::Facts, trouble).await?;
        }
        Ok(ControlFlow::Continue(()))
    }
    .boxed()
}

fn trouble_of(plan: &Plan) -> Option<&str> {
    match &plan.next {
        Next::AwaitRepair { trouble } => Some(trouble),
        _ => None,
    }
}
