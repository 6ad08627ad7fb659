//! The lane of caption files is woken: what was saved may name others. It goes on by itself (`sync/captions.rs`).

use std::ops::ControlFlow;

use futures_util::FutureExt;

use super::{Batch, Running};
use crate::sync::Sync;
use crate::sync::worker::Story;

pub(super) fn run<'a>(sync: &'a Sync, _: &'a mut Story<'_>, _: &'a mut Batch) -> Running<'a> {
    async move {
        sync.captions_wanted.notify_waiters();
        Ok(ControlFlow::Continue(()))
    }
    .boxed()
}
