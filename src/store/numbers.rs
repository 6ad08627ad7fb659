//! Which of Kaltura's notification numbers may be in the inbox already, told without asking it.
//!
//! Kaltura's numbers grow, so nearly every notification has one that was never seen; looking each up would cost as much
//! as writing it. Remembered is the highest number that was there when we first asked, and those that came since: what
//! is above the first and not among the second is new for certain. Of all others the inbox itself is asked.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use sqlx::SqliteConnection;

use super::error::Error;
use crate::domain::ids::AccountId;
use crate::notification::System;
use crate::notification::hint::DedupeKey;

/// Numbers remembered for one account and system; beyond it all of them count as possibly known.
const REMEMBERED_MAX: usize = 64 * 1024;

/// What is remembered of each account's numbers.
#[derive(Debug, Default)]
pub(super) struct Numbers(Mutex<HashMap<(AccountId, System), Seen>>);

#[derive(Debug)]
struct Seen {
    /// Of these and those below, the inbox must be asked.
    up_to: i64,
    /// Those above that came since.
    above: HashSet<i64>,
}

impl Numbers {
    /// Those of the keys whose number the inbox may have. All of them count as possibly known from now on: whoever asks
    /// is about to write them.
    pub(super) async fn possibly_known(
        &self,
        connection: &mut SqliteConnection,
        mut keys: Vec<DedupeKey>,
    ) -> Result<Vec<DedupeKey>, Error> {
        while let Some((account, system)) = self.unheard_of(&keys) {
            let highest: Option<i64> =
                sqlx::query_scalar("select max(kaltura_id) from inbox_items where account_id = ? and system = ?")
                    .bind(account.0)
                    .bind(system.as_str())
                    .fetch_one(&mut *connection)
                    .await?;
            let seen = Seen { up_to: highest.unwrap_or(i64::MIN), above: HashSet::new() };
            self.with(|numbers| numbers.insert((account, system), seen));
        }
        self.with(|numbers| {
            keys.retain(|key| {
                numbers.get_mut(&(key.account, key.system)).is_none_or(|seen| seen.has_seen(key.notification_id.0))
            });
        });
        Ok(keys)
    }

    /// Whether the inbox cannot have this number. It counts as possibly known from now on, as above.
    pub(super) fn is_new(&self, key: &DedupeKey) -> bool {
        self.with(|numbers| {
            numbers.get_mut(&(key.account, key.system)).is_some_and(|seen| !seen.has_seen(key.notification_id.0))
        })
    }

    fn unheard_of(&self, keys: &[DedupeKey]) -> Option<(AccountId, System)> {
        self.with(|numbers| keys.iter().map(|key| (key.account, key.system)).find(|whose| !numbers.contains_key(whose)))
    }

    fn with<T>(&self, work: impl FnOnce(&mut HashMap<(AccountId, System), Seen>) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Seen {
    /// Whether the number may have been seen before; from now on it has been.
    fn has_seen(&mut self, number: i64) -> bool {
        if number <= self.up_to {
            return true;
        }
        if self.above.len() >= REMEMBERED_MAX {
            self.up_to = self.above.drain().fold(self.up_to, i64::max);
        }
        number <= self.up_to || !self.above.insert(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_new_once_whatever_the_order() {
        let mut seen = Seen { up_to: 10, above: HashSet::new() };
        let answers: Vec<_> = [12, 11, 12, 10, 3, 13].map(|number| seen.has_seen(number)).into();
        assert_eq!(answers, [false, false, true, true, true, false]);
    }

    #[test]
    fn beyond_what_is_remembered_everything_lower_counts_as_possibly_known() {
        let mut seen = Seen { up_to: 0, above: HashSet::new() };
        let remembered = i64::try_from(REMEMBERED_MAX).unwrap();
        assert!((1..=remembered).all(|number| !seen.has_seen(number * 2)));
        assert!(seen.has_seen(3), "never seen, but no longer told apart");
        assert!(!seen.has_seen(remembered * 2 + 1));
        assert_eq!(seen.above.len(), 1);
    }
}
