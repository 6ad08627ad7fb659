//! Something has changed, and nobody says where: who reads the catalogue finds it, and answers the ask.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::Answered;
use crate::store::{AccountAsk, Error};
use crate::sync::Sync;
use crate::sync::account::Account;

pub(super) fn run<'a>(_: &'a Sync, account: &'a Account, _: &'a AccountAsk) -> BoxFuture<'a, Result<Answered, Error>> {
    async move {
        account.sweep_asked.notify_one();
        Ok(Answered::PassedOn)
    }
    .boxed()
}
