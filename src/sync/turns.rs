//! Which lanes an account's workers claim from next: the urgent ones first, none never, and one worker always free for them.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use crate::store::Lane;

/// Whose turn it is among the lanes of one account.
#[derive(Debug, Default)]
pub(super) struct Turns {
    claims: AtomicU64,
    in_backfill: AtomicUsize,
}

/// A worker with a batch; done when dropped.
pub(super) struct AtWork<'t>(Option<&'t AtomicUsize>);

impl Drop for AtWork<'_> {
    fn drop(&mut self) {
        if let Some(count) = self.0 {
            count.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

impl Turns {
    /// The lanes of the next claim, in the order in which they are tried. Of sixteen claims one begins with what a backfill has
    /// found and one with what a reconcile has, whatever else is due.
    pub(super) fn next(&self, workers: usize) -> Vec<Lane> {
        let turn = self.claims.fetch_add(1, Ordering::Relaxed);
        let mut lanes = match turn % 16 {
            7 => vec![Lane::Repair, Lane::Live, Lane::Backfill],
            15 => vec![Lane::Backfill, Lane::Live, Lane::Repair],
            _ => Lane::ALL.to_vec(),
        };
        lanes.retain(|lane| self.allowed(workers).contains(lane));
        lanes
    }

    /// The lanes that may be claimed from: not from the backfill while all workers but one are in it.
    pub(super) fn allowed(&self, workers: usize) -> &'static [Lane] {
        let in_backfill = self.in_backfill.load(Ordering::SeqCst);
        if workers > 1 && in_backfill + 1 >= workers { &[Lane::Live, Lane::Repair] } else { &Lane::ALL }
    }

    /// A batch of this lane is worked on until the answer is dropped.
    pub(super) fn at_work(&self, lane: Lane) -> AtWork<'_> {
        let count = (lane == Lane::Backfill).then_some(&self.in_backfill);
        if let Some(count) = count {
            count.fetch_add(1, Ordering::SeqCst);
        }
        AtWork(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_lane_starves_while_another_is_always_due() {
        let turns = Turns::default();
        let first: Vec<_> = (0..160).map(|_| turns.next(4)[0]).collect();
        let count = |lane| first.iter().filter(|first| **first == lane).count();
        assert_eq!([count(Lane::Live), count(Lane::Repair), count(Lane::Backfill)], [140, 10, 10]);
    }

    #[test]
    fn one_worker_is_left_to_what_somebody_waits_for_unless_there_is_only_one() {
        let turns = Turns::default();
        let first = turns.at_work(Lane::Backfill);
        assert!(turns.allowed(3).contains(&Lane::Backfill));
        let _second = turns.at_work(Lane::Backfill);
        let _live = turns.at_work(Lane::Live);
        assert!((0..16).all(|_| !turns.next(3).contains(&Lane::Backfill)));
        assert!(turns.allowed(1).contains(&Lane::Backfill));
        drop(first);
        assert!(turns.allowed(3).contains(&Lane::Backfill));
    }
}
