//! A bell for each account: who works for one is woken by what happens to it, and never in place of another's worker.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::domain::ids::AccountId;

/// Bells by account. An account has one as soon as somebody listens.
#[derive(Default)]
pub(super) struct Signals(Mutex<BTreeMap<AccountId, Arc<Notify>>>);

impl Signals {
    /// The account's bell.
    pub(super) fn of(&self, account: AccountId) -> Arc<Notify> {
        Arc::clone(self.bells().entry(account).or_default())
    }

    /// Wakes one waiter of each account; a wake nobody waited for is kept.
    pub(super) fn notify_one(&self) {
        self.bells().values().for_each(|bell| bell.notify_one());
    }

    fn bells(&self) -> MutexGuard<'_, BTreeMap<AccountId, Arc<Notify>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
