//! What keeps an account from working, by where it was met, so that the end of one trouble does not hide another.
//!
//! Profiles and policy may read well while every look, or every mark, is refused. Each kind of work tells its own trouble
//! and its own end; what is told of the account is the first of them. While only work is in trouble, one of the entries
//! that wait for its end is let go first, and the others only when that one has gone well.

use std::sync::{Mutex, PoisonError};

use tracing::{info, warn};

use super::Sync;
use super::account::Account;
use super::plan::Next;
use crate::kaltura::error::{Class, Error as ApiError};
use crate::store::{self, Outcome};

/// Where trouble is met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Work {
    /// Reaching the server: several calls in a row were not answered, and only one at a time finds out whether it is over.
    Reaching,
    /// Asking for profiles and policy: no session, no answer, or none that can be read.
    Asking,
    /// What profiles and policy say, or that we may not have them.
    Facts,
    /// Looking at entries.
    Look,
    /// Writing marks.
    Mark,
}

/// The troubles of one account, none of them older than the start.
#[derive(Debug, Default)]
pub(super) struct Troubles(Mutex<[Option<String>; 5]>);

impl Troubles {
    /// Keeps what is wrong. Says whether that is news.
    pub(super) fn begin(&self, of: Work, cause: &str) -> bool {
        self.with(of, |known| {
            let is_new = known.as_deref() != Some(cause);
            *known = Some(cause.to_owned());
            is_new
        })
    }

    /// It is over. Says whether there was any.
    pub(super) fn end(&self, of: Work) -> bool {
        self.with(of, |known| known.take().is_some())
    }

    /// Whether not even profiles and policy are answered: then a bad answer says nothing about entries.
    pub(super) fn is_server_ill(&self) -> bool {
        self.of(Work::Asking).is_some() || self.of(Work::Reaching).is_some()
    }

    /// Whether what has changed at Kaltura cannot be seen, whatever else is wrong.
    fn is_blind(&self) -> bool {
        [Work::Reaching, Work::Asking, Work::Look].into_iter().any(|work| self.of(work).is_some())
    }

    /// What is wrong with one kind of work.
    fn of(&self, work: Work) -> Option<String> {
        self.with(work, |known| known.clone())
    }

    /// What is told of the account.
    fn first(&self) -> Option<String> {
        [Work::Reaching, Work::Asking, Work::Facts, Work::Look, Work::Mark].into_iter().find_map(|work| self.of(work))
    }

    fn with<T>(&self, of: Work, act: impl FnOnce(&mut Option<String>) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner)[of as usize])
    }
}

impl Sync {
    /// Keeps what an error says about the account as a whole, if it does.
    pub(super) async fn note_trouble(&self, account: &Account, of: Work, error: &ApiError) -> Result<(), store::Error> {
        match degradation(error) {
            Some(cause) => self.in_trouble(account, of, &cause).await,
            None => Ok(()),
        }
    }

    /// Profiles and policy were not read.
    pub(super) async fn facts_not_read(&self, account: &Account, error: &ApiError) -> Result<(), store::Error> {
        if self.note_reach(account).await? {
            return Ok(());
        }
        let is_unanswered = is_of_an_ill_server(error) || error.is_of_session();
        let of = if is_unanswered { Work::Asking } else { Work::Facts };
        self.in_trouble(account, of, &error.to_string()).await
    }

    /// Keeps whether the server answers at all, as the calls so far have found out. Says whether it is taken for down. When it
    /// answers again, what waited is due at once, and profiles and policy are read.
    pub(super) async fn note_reach(&self, account: &Account) -> Result<bool, store::Error> {
        match account.client.down_since() {
            Some(since) => {
                if account.troubles.begin(Work::Reaching, &format!("kaltura has not answered since {since}")) {
                    warn!(account = %account.label, "kaltura has not answered for account {} since {since}; one call at a time finds out when it is over", account.label);
                    self.tell_state(account).await?;
                }
                Ok(true)
            }
            None => {
                if account.troubles.end(Work::Reaching) {
                    info!(account = %account.label, "kaltura answers again for account {}", account.label);
                    account.facts_in_doubt.notify_one();
                    self.tell_state(account).await?;
                }
                Ok(false)
            }
        }
    }

    /// Something is wrong with the account.
    pub(super) async fn in_trouble(&self, account: &Account, of: Work, cause: &str) -> Result<(), store::Error> {
        account.troubles.begin(of, cause);
        self.tell_state(account).await
    }

    /// Work of this kind went well. What waited for it is due at once, if nothing else is wrong.
    pub(super) async fn out_of_trouble(&self, account: &Account, of: Work) -> Result<(), store::Error> {
        if account.troubles.end(of) { self.tell_state(account).await } else { Ok(()) }
    }

    /// What an error means for one of the account's entries after `attempts` failures.
    ///
    /// While not even profiles and policy are answered, what fails is not the entry's fault: it waits, and no attempt is
    /// counted, however long that takes.
    pub(super) fn outcome_of(&self, account: &Account, error: &ApiError, attempts: u32) -> Outcome {
        let now = self.clock.now();
        if is_nobodys_fault(account, error) {
            return self.settings.retries.after_no_answer(error, account.client.probed_at(), now);
        }
        if account.troubles.is_server_ill() && is_of_an_ill_server(error) {
            return self.settings.retries.outcome(Next::AwaitRepair { trouble: error.to_string() }, attempts, now);
        }
        self.settings.retries.after_error(error, attempts, account.client.resting_until(), now)
    }

    /// Profiles and policy are well: an entry is let go to see whether work is too. When none waits any more for the end
    /// of a trouble, there is nothing to be in trouble with.
    pub(super) async fn facts_are_well(&self, account: &Account) -> Result<(), store::Error> {
        account.troubles.end(Work::Facts);
        for work in [Work::Look, Work::Mark] {
            let Some(cause) = account.troubles.of(work) else { continue };
            if !self.store.try_one(account.id, &cause).await? {
                account.troubles.end(work);
            }
        }
        self.tell_state(account).await
    }

    async fn tell_state(&self, account: &Account) -> Result<(), store::Error> {
        let now = self.clock.now();
        let last_seen = || match account.client.down_since() {
            Some(since) => account.client.answered_at().unwrap_or(since),
            None => now,
        };
        let stale_since = account.troubles.is_blind().then(last_seen);
        self.store.record_account_state(account.id, account.troubles.first().as_deref(), stale_since).await
    }
}

/// What an error says about the account as a whole; nothing when it is about this call alone.
fn degradation(error: &ApiError) -> Option<String> {
    matches!(error.class(), Class::Degraded | Class::RereadSecret).then(|| error.to_string())
}

/// Whether a call without an answer says nothing about the entry it was made for: the connection was never made, or the call
/// before was not answered either.
fn is_nobodys_fault(account: &Account, error: &ApiError) -> bool {
    let never_sent = matches!(error, ApiError::Unreachable { sent: false, .. });
    never_sent || (error.is_no_answer() && account.client.is_suspect())
}

/// What a server says, or fails to say, that is down or out of order; and what one entry may make of a good one.
fn is_of_an_ill_server(error: &ApiError) -> bool {
    matches!(error.class(), Class::Retry | Class::Halve | Class::OutcomeUnknown | Class::Down)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_one_trouble_does_not_hide_another() {
        let troubles = Troubles::default();
        assert!(troubles.begin(Work::Mark, "may not write") && troubles.begin(Work::Facts, "no profile"));
        assert!(!troubles.begin(Work::Mark, "may not write"), "known already");
        assert_eq!(troubles.first().as_deref(), Some("no profile"));
        assert!(troubles.end(Work::Facts) && !troubles.end(Work::Facts) && !troubles.end(Work::Look));
        assert_eq!(troubles.first().as_deref(), Some("may not write"));
    }
}
