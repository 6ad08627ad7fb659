//! Categories or access control have changed: who keeps the account's facts reads them again, soon and not too often.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::Answered;
use crate::store::{AccountAsk, Error};
use crate::sync::Sync;
use crate::sync::account::Account;

pub(super) fn run<'a>(_: &'a Sync, account: &'a Account, _: &'a AccountAsk) -> BoxFuture<'a, Result<Answered, Error>> {
    async move {
        // Facts are read at every start, so a wake that a crash swallows loses nothing.
        account.facts_in_doubt.notify_one();
        Ok(Answered::Done)
    }
    .boxed()
}
