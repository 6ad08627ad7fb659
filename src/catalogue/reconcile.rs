//! Listing what was changed lately: each entry that no look has seen as it is now is made dirty.
//!
//! It goes on from where the last pass began, with an overlap, so that what was missed while the daemon or Kaltura was
//! down is found by the first pass after it. One path for all that ask for it: the timetable, a start, an event, a person.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tracing::{info, warn};

use super::{Account, Catalogue, DriftCounts, Error, RETRY};
use crate::domain::clock::Timestamp;
use crate::domain::ids::AccountId;
use crate::kaltura::catalogue::{self, WINDOWS_MAX, Window};
use crate::store::{AccountAsk, Asked, Listed, Reason, RunKind, RunOptions};

/// The index is given this time before it is asked for what has just changed.
const INDEX_LAG: Duration = Duration::from_secs(5);

/// What a pass came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reconciled {
    /// Rows that the lists brought.
    pub listed: u64,
    /// Entries that are looked at, by in what they differ.
    pub found: DriftCounts,
}

impl Catalogue {
    /// Reconciles whenever it is due or asked for, and begins each night's comparison.
    pub(super) async fn keep_reconciled(self, account: Arc<Account>) {
        loop {
            let wait = match self.reconcile_when_due(&account).await {
                Ok(wait) => wait,
                Err(error) => {
                    self.pass_failed(&account, &error);
                    RETRY
                }
            };
            let _ = tokio::time::timeout(self.within(wait), account.sweep_asked.notified()).await;
        }
    }

    /// Does what is due. Says how long to wait for what is due next.
    async fn reconcile_when_due(&self, account: &Account) -> Result<Duration, Error> {
        let now = self.0.clock.now();
        let failed_at = account.state().failed_at;
        if let Some(failed_at) = failed_at.filter(|failed_at| is_ahead(now, *failed_at, RETRY)) {
            return Ok(failed_at.plus(RETRY).since(now));
        }
        self.note_when_settled(account).await?;
        self.compare_as_a_whole_when_due(account, now).await?;
        let due = self.pass_due(account, now).await?;
        let Some(due) = due else { return Ok(RETRY) };
        if due > now {
            return Ok(due.since(now));
        }
        self.pass(account).await?;
        Ok(Duration::ZERO)
    }

    /// When the next pass is due: by the timetable, or because an event asks for one.
    async fn pass_due(&self, account: &Account, now: Timestamp) -> Result<Option<Timestamp>, Error> {
        let (store, timetable) = (&self.0.store, &self.0.settings.timetable);
        let last = store.swept_at(account.id).await?;
        let asks = store.account_asks(account.id).await?;
        let ask = asks.iter().find(|ask| ask.asked == Asked::Sweep);
        let asked = ask.map(|ask| {
            let settled = ask.asked_at.plus(INDEX_LAG);
            let due = last.map_or(settled, |last| settled.max(last.plus(timetable.sweep_min_interval)));
            // A due time far ahead comes from a clock that stepped.
            if due <= now.plus(timetable.sweep_min_interval.max(INDEX_LAG)) { due } else { now }
        });
        let passed_at = account.state().passed_at;
        let by_timetable = match passed_at {
            _ if !timetable.enabled => None,
            None => Some(now),
            Some(passed_at) => {
                let interval = timetable.interval(store.hears_of_metadata(account.id).await?);
                Some(if is_ahead(now, passed_at, interval) { passed_at.plus(interval) } else { now })
            }
        };
        Ok(asked.into_iter().chain(by_timetable).min())
    }

    /// Lists what was changed lately, now.
    ///
    /// # Errors
    /// What kept some of it from coming. What came by then is dirty, and the next pass begins where this one did.
    pub async fn reconcile(&self, account: AccountId) -> Result<Reconciled, Error> {
        let account = self.account(account)?;
        let reconciled = self.pass(account).await;
        if let Err(error) = &reconciled {
            self.pass_failed(account, error);
        }
        reconciled
    }

    async fn pass(&self, account: &Account) -> Result<Reconciled, Error> {
        let _alone = account.reconciling.lock().await;
        let store = &self.0.store;
        let began = self.0.clock.now();
        let asks: Vec<AccountAsk> = store.account_asks(account.id).await?;
        let asks: Vec<_> = asks.into_iter().filter(|ask| ask.asked == Asked::Sweep).collect();
        let last = store.swept_at(account.id).await?;
        let from = last.into_iter().chain(asks.iter().map(|ask| ask.asked_at)).chain([began]).min().unwrap_or(began);
        if last.is_none() && store.runs(account.id, None, 1).await?.is_empty() {
            info!(account = %account.label, "account {} was never read as a whole: `backfill` brings in what it has, and so does the comparison of each night", account.label);
        }
        let reason = if account.state().has_caught_up || last.is_none() { Reason::Reconcile } else { Reason::GapFill };
        let reconciled = self.list_changed(account, from.minus(self.0.settings.overlap), reason).await?;
        store.record_swept(account.id, began).await?;
        for ask in asks.iter().filter(|ask| ask.asked_at.plus(INDEX_LAG) <= began || ask.asked_at > began) {
            store.answer_ask(ask).await?;
        }
        self.pass_went_well(account, began, &reconciled);
        Ok(reconciled)
    }

    async fn list_changed(&self, account: &Account, since: Timestamp, reason: Reason) -> Result<Reconciled, Error> {
        let mut reconciled = Reconciled::default();
        let mut open = Window::changed_since(since.as_secs());
        let has_some = self.0.store.witness(account.id, &[]).await?.is_some();
        while !open.is_empty() {
            let windows = open.split_off(open.len().saturating_sub(WINDOWS_MAX));
            let steps = match has_some && reconciled.listed == 0 {
                true => account.client.read_catalogue_of_some(&windows).await?,
                false => account.client.read_catalogue(&windows).await?,
            };
            for step in steps {
                if step.unlisted > 0 {
                    warn!(account = %account.label, "{} entries of account {} were changed in the same second and cannot be listed; the comparison of the whole account finds them", step.unlisted, account.label);
                }
                let listed: Vec<_> = step.rows.into_iter().map(listed).collect();
                reconciled.listed += listed.len() as u64;
                if !listed.is_empty() {
                    let found = self.0.store.record_changed(account.id, &listed, reason).await?;
                    reconciled.found.extend(found);
                }
                open.extend(step.next);
            }
        }
        Ok(reconciled)
    }

    fn pass_went_well(&self, account: &Account, began: Timestamp, reconciled: &Reconciled) {
        let recovered = {
            let mut state = account.state();
            state.drift.add_all(&reconciled.found);
            (state.passed_at, state.has_caught_up) = (Some(began), true);
            state.failed_at = None;
            state.trouble.take()
        };
        if recovered.is_some() {
            info!(account = %account.label, "changes of account {} are listed again", account.label);
        }
        let found = reconciled.found.total();
        if found > 0 {
            info!(account = %account.label, "{found} entries of account {} were changed lately and are looked at", account.label);
        }
    }

    /// Told once until it goes well again.
    fn pass_failed(&self, account: &Account, error: &Error) {
        let trouble = error.to_string();
        let before = {
            let mut state = account.state();
            state.failed_at = Some(self.0.clock.now());
            state.trouble.replace(trouble.clone())
        };
        if before.as_ref() != Some(&trouble) {
            warn!(account = %account.label, "what was changed in account {} was not listed: {trouble}", account.label);
        }
    }

    /// What was changed while nobody listened has been looked at: from here on the account is no longer catching up.
    async fn note_when_settled(&self, account: &Account) -> Result<(), Error> {
        let is_listed = {
            let state = account.state();
            state.has_caught_up && !state.has_settled
        };
        if is_listed && !self.0.store.has_repairs(account.id).await? {
            account.state().has_settled = true;
        }
        Ok(())
    }

    async fn compare_as_a_whole_when_due(&self, account: &Account, now: Timestamp) -> Result<(), Error> {
        if !self.0.settings.timetable.enabled {
            return Ok(());
        }
        let last = self.0.store.runs(account.id, Some(RunKind::Full), 1).await?;
        let last = last.first().map_or(self.0.began, |run| run.started_at);
        let due = self.0.settings.timetable.full_after(last);
        if due <= now && self.0.store.open_run(account.id).await?.is_none() {
            self.begin(account.id, RunKind::Full, RunOptions::default()).await?;
        }
        Ok(())
    }
}

/// Whether so much time from then on is not over. A moment in the future comes from a clock that was set back.
fn is_ahead(now: Timestamp, then: Timestamp, wait: Duration) -> bool {
    then <= now && now < then.plus(wait)
}

pub(super) fn listed(row: catalogue::Listed) -> Listed {
    Listed { entry: row.id, updated_at: row.updated_at, is_deleted: row.is_deleted }
}
