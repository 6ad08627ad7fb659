//! The full-text index that lists are read from, and how far it is behind the database.
//!
//! An entry is found, counted and ordered by what the index knows of it, and shown as the database has it: a list may miss what has
//! just changed, name it in its old place, and call an entry deleted that it was not asked for. Actions that are given ids read
//! the database.
//!
//! Source: `SphinxCriteria.php` (`applySphinxResult` drops the conditions that the index has answered), and its query cache.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::domain::clock::Timestamp;
use crate::domain::ids::EntryId;

use super::entry::SimEntry;

/// What the index does not know yet.
#[derive(Debug, Clone, Default)]
pub struct Index {
    lag: Duration,
    /// Changes by time, each with the row as it was before; `None` when there was none.
    unseen: VecDeque<(Timestamp, EntryId, Option<SimEntry>)>,
}

impl Index {
    /// How long after a change lists know of it. Zero is at once; what was changed before knows no other lag than this one.
    pub fn set_lag(&mut self, lag: Duration) {
        self.lag = lag;
        if lag.is_zero() {
            self.unseen.clear();
        }
    }

    /// How long after a change lists know of it.
    pub fn lag(&self) -> Duration {
        self.lag
    }

    /// Takes down a change of an entry's row.
    pub(super) fn note(&mut self, now: Timestamp, id: &EntryId, before: Option<&SimEntry>) {
        if self.lag.is_zero() {
            return;
        }
        while self.unseen.front().is_some_and(|(at, ..)| self.is_seen(*at, now)) {
            self.unseen.pop_front();
        }
        self.unseen.push_back((now, id.clone(), before.cloned()));
    }

    /// The rows that the index has otherwise than the database, as it has them.
    pub(super) fn behind(&self, now: Timestamp) -> BTreeMap<&EntryId, Option<&SimEntry>> {
        let mut behind = BTreeMap::new();
        for (at, id, before) in &self.unseen {
            if !self.is_seen(*at, now) {
                behind.entry(id).or_insert(before.as_ref());
            }
        }
        behind
    }

    fn is_seen(&self, at: Timestamp, now: Timestamp) -> bool {
        at.plus(self.lag) <= now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_changes_the_index_knows_those_that_are_old_enough() {
        let id: EntryId = "0_abcdefgh".parse().unwrap();
        let entry = |name: &str| SimEntry::video(id.clone(), name, 1);
        let at = Timestamp::from_secs;
        let mut index = Index::default();
        index.note(at(0), &id, None);
        assert!(index.behind(at(0)).is_empty(), "no lag, nothing to remember");
        index.set_lag(Duration::from_secs(10));
        index.note(at(100), &id, None);
        index.note(at(105), &id, Some(&entry("One")));
        let seen = |now: i64| index.behind(at(now)).get(&id).map(|before| before.map(|entry| entry.name.clone()));
        assert_eq!(seen(109), Some(None), "it is not there yet");
        assert_eq!(seen(110), Some(Some("One".to_owned())), "it is there as it was made");
        assert_eq!(seen(115), None, "it is as it is");
    }
}
