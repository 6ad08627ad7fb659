//! A category has changed: each of its entries is looked at, as far as we know them.
//!
//! Kaltura tells of a category whenever the number of its entries changes, so a burst of events costs one pass at once and
//! one in each interval while it lasts. The pause is counted from the last pass, never from the last event: nothing starves.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tracing::info;

use super::Answered;
use crate::domain::clock::Timestamp;
use crate::domain::ids::{AccountId, CategoryId};
use crate::store::{AccountAsk, Asked, Error, Lane, Reason};
use crate::sync::Sync;
use crate::sync::account::Account;

pub(super) fn run<'a>(
    sync: &'a Sync,
    account: &'a Account,
    ask: &'a AccountAsk,
) -> BoxFuture<'a, Result<Answered, Error>> {
    async move {
        let Asked::Category(category) = ask.asked else { return Ok(Answered::PassedOn) };
        let now = sync.clock.now();
        if let Some(due) = sync.category_passes.due(account.id, category, now, sync.settings.category_min_interval) {
            return Ok(Answered::At(due));
        }
        let reason = Reason::Notification;
        let entries = sync.store.make_category_dirty(account.id, category, reason, Lane::Repair).await?;
        sync.category_passes.note(account.id, category, now);
        info!(account = %account.label, "category {category} has changed: {entries} of its entries are looked at");
        Ok(Answered::Done)
    }
    .boxed()
}

/// When each category's entries were last made dirty, in this run: after a start the first event counts at once.
#[derive(Default)]
pub(in crate::sync) struct CategoryPasses(Mutex<HashMap<(AccountId, CategoryId), Timestamp>>);

impl CategoryPasses {
    /// When the next pass is due; nothing when it is now. Passes that no longer matter are forgotten.
    fn due(&self, account: AccountId, category: CategoryId, now: Timestamp, interval: Duration) -> Option<Timestamp> {
        let mut passes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A pass that lies ahead was noted before the clock was set back.
        passes.retain(|_, at| *at <= now && now < at.plus(interval));
        passes.get(&(account, category)).map(|at| at.plus(interval))
    }

    fn note(&self, account: AccountId, category: CategoryId, at: Timestamp) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert((account, category), at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_secs(60);

    #[test]
    fn a_pass_is_followed_by_a_pause_of_its_own_category_and_no_longer_one() {
        let passes = CategoryPasses::default();
        let (account, category, start) = (AccountId(1), CategoryId(10), Timestamp::from_secs(1_000_000));
        let due = |category, after| passes.due(account, category, start.plus(Duration::from_secs(after)), INTERVAL);
        assert_eq!(due(category, 0), None, "the first is due at once");
        passes.note(account, category, start);
        assert_eq!(due(category, 0), Some(start.plus(INTERVAL)));
        assert_eq!(due(category, 59), Some(start.plus(INTERVAL)), "however often it is asked");
        assert_eq!(due(CategoryId(11), 59), None, "another category has a pause of its own");
        assert_eq!(due(category, 60), None);
        assert!(passes.0.lock().unwrap().is_empty(), "what no longer matters is forgotten");
    }

    #[test]
    fn a_clock_that_was_set_back_makes_nobody_wait() {
        let passes = CategoryPasses::default();
        let (account, category, start) = (AccountId(1), CategoryId(10), Timestamp::from_secs(1_000_000));
        passes.note(account, category, start);
        assert_eq!(passes.due(account, category, start.minus(INTERVAL), INTERVAL), None);
    }
}
