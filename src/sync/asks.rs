//! What events ask of an account as a whole, done by its handler. An ask stays in the store until it is done, and through a
//! restart.

use std::sync::Arc;
use std::time::Duration;

use tracing::warn;

use super::Sync;
use super::account::Account;
use super::handlers::{self, Answered};
use crate::domain::clock::Timestamp;
use crate::store;

/// What could not be done is tried again after this time, or when something else is asked.
const RETRY: Duration = Duration::from_secs(30);

impl Sync {
    /// Does what is asked of an account, until told to stop.
    pub(super) async fn keep_asks(self: Arc<Self>, account: Arc<Account>) {
        let asked = self.store.ask_signal(account.id);
        while !self.stop.is_rung() {
            let next = self.answer_asks(&account).await.unwrap_or_else(|error| {
                warn!(account = %account.label, "what was asked of account {} is not done yet: {error}", account.label);
                None
            });
            let wait = next.map_or(RETRY, |due| self.within(due.since(self.clock.now()), RETRY));
            tokio::select! {
                () = self.stop.rest(wait) => {}
                () = asked.notified() => {}
            }
        }
    }

    /// Does what is asked of an account and due. Says when the next thing is due.
    ///
    /// # Errors
    /// The store's: what is not done stays asked.
    pub async fn answer_asks(&self, account: &Account) -> Result<Option<Timestamp>, store::Error> {
        let mut next: Option<Timestamp> = None;
        for ask in self.store.account_asks(account.id).await? {
            match handlers::of_ask(ask.asked)(self, account, &ask).await? {
                Answered::Done => _ = self.store.answer_ask(&ask).await?,
                Answered::At(due) => next = Some(next.map_or(due, |next| next.min(due))),
                Answered::PassedOn => {}
            }
        }
        Ok(next)
    }
}
