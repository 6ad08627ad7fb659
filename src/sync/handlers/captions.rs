//! The lane of caption files is woken: what was saved may name others. It goes on by itself (`sync/captions.rs`).

use std::ops::ControlFlow;

use futures_util::FutureExt;
use tracing::warn;

use super::{Batch, Running};
use crate::sync::Sync;
use crate::sync::worker::Story;

pub(super) fn run<'a>(sync: &'a Sync, story: &'a mut Story<'_>, batch: &'a mut Batch) -> Running<'a> {
    async move {
        if let Some(error) = batch.look.no_captions.take() {
            let label = &story.account.label;
            warn!(account = %label, "account {label} is mirrored without captions for now: {error}");
        }
        sync.captions_wanted.notify_waiters();
        Ok(ControlFlow::Continue(()))
    }
    .boxed()
}
