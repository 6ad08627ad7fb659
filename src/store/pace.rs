//! Remembers the latest looks, so that an entry that was settled a moment ago is not looked at again at once.
//!
//! The row of a settled entry is gone, and with it the pause it had reached; a storm of hints, each arriving just
//! after a look has ended, would find no row and be obeyed every time. Only memory: after a restart the first hint
//! is looked at once at once, as ever.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::limits::Resync;
use crate::domain::clock::Timestamp;
use crate::domain::ids::{AccountId, EntryId};

/// Looks remembered at most; beyond it the oldest pauses are forgotten, which costs a look and no more.
const REMEMBERED_MAX: usize = 16 * 1024;

/// When an entry may be looked at, and how often its pause has doubled by then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Turn {
    pub(super) due_at: Timestamp,
    pub(super) step: u32,
}

/// The latest looks.
#[derive(Debug)]
pub(super) struct Pace {
    resync: Resync,
    next: Mutex<HashMap<(AccountId, EntryId), Turn>>,
}

impl Pace {
    pub(super) fn new(resync: Resync) -> Self {
        Self { resync, next: Mutex::default() }
    }

    /// A look has ended now, the pause before it having doubled `step` times: says when the next one may begin.
    pub(super) fn looked(&self, account: AccountId, entry: &EntryId, step: u32, now: Timestamp) -> Turn {
        let turn = Turn { due_at: now.plus(self.resync.pause(step)), step: step.saturating_add(1) };
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        if next.len() >= REMEMBERED_MAX {
            next.retain(|_, turn| turn.due_at > now);
        }
        if next.len() < REMEMBERED_MAX {
            next.insert((account, entry.clone()), turn);
        }
        turn
    }

    /// When a hint that arrives now may be followed: at once, unless the last look was a moment ago.
    pub(super) fn turn(&self, account: AccountId, entry: &EntryId, now: Timestamp) -> Turn {
        let next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let at_once = Turn { due_at: now, step: 0 };
        if next.is_empty() {
            return at_once;
        }
        // A pause longer than any that can be comes from a clock that stepped.
        let possible = |turn: &Turn| turn.due_at > now && turn.due_at <= now.plus(self.resync.longest);
        next.get(&(account, entry.clone())).copied().filter(possible).unwrap_or(at_once)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_pause_doubles_while_hints_keep_coming_and_starts_anew_after_a_rest() {
        let pace = Pace::new(Resync::default());
        let (account, entry) = (AccountId(1), "0_e1".parse().unwrap());
        let mut now = Timestamp::from_secs(1000);
        assert_eq!(pace.turn(account, &entry, now), Turn { due_at: now, step: 0 });

        let mut pauses = Vec::new();
        let mut step = 0;
        for _ in 0..7 {
            pace.looked(account, &entry, step, now);
            let turn = pace.turn(account, &entry, now.plus(Duration::from_millis(10)));
            pauses.push(turn.due_at.since(now).as_secs());
            (now, step) = (turn.due_at, turn.step);
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 30, 30]);

        pace.looked(account, &entry, step, now);
        let rested = now.plus(Duration::from_secs(30));
        assert_eq!(pace.turn(account, &entry, rested), Turn { due_at: rested, step: 0 });
    }
}
