//! Who goes first when several kinds of work wait to ask the same account.
//!
//! Each lane that waits gets its share of the calls, the urgent ones a larger one: a single hint among a backfill goes next, and a
//! storm of hints does not starve the backfill. Pure: what is chosen depends on what waits and on who went before.

use std::collections::VecDeque;

/// What a call is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Lane {
    /// Somebody waits for it: notifications, people, and what keeps the account's facts.
    #[default]
    Live,
    /// What a reconcile has found, and its own lists.
    Repair,
    /// Pictures and files of captions.
    Thumbnails,
    /// The catalogue read as a whole.
    Backfill,
}

impl Lane {
    /// All of them, the most urgent first.
    pub const ALL: [Self; 4] = [Self::Live, Self::Repair, Self::Thumbnails, Self::Backfill];

    /// The lane's name, for people and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Repair => "repair",
            Self::Thumbnails => "thumbnails",
            Self::Backfill => "backfill",
        }
    }

    /// Of so many calls it gets so many, while all lanes wait: 8, 4, 2 and 1 of 15.
    const fn share(self) -> u64 {
        match self {
            Self::Live => 8,
            Self::Repair => 4,
            Self::Thumbnails => 2,
            Self::Backfill => 1,
        }
    }

    /// Whether it is bounded by `[reconcile] max_calls_per_second` as well.
    pub(super) const fn is_of_catalogue(self) -> bool {
        matches!(self, Self::Repair | Self::Backfill)
    }
}

/// A place in a lane's row; none is given twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) lane: Lane,
    number: u64,
}

/// Who waits, and whose turn it is.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    rows: [VecDeque<u64>; 4],
    /// What each lane has had, weighed by its share: the one that had least goes next.
    had: [u64; 4],
    /// What the lane served last had had before: who begins to wait has had no less.
    present: u64,
    next_number: u64,
}

/// Divisible by every share.
const TURN: u64 = 8;

impl Lanes {
    /// Joins a lane's row at its end.
    pub(super) fn join(&mut self, lane: Lane) -> Place {
        let number = self.next_number;
        self.next_number += 1;
        let had = &mut self.had[lane as usize];
        if self.rows[lane as usize].is_empty() {
            // Nobody saves up turns while he does not wait.
            *had = (*had).max(self.present);
        }
        self.rows[lane as usize].push_back(number);
        Place { lane, number }
    }

    /// Leaves the row, served or not.
    pub(super) fn leave(&mut self, place: Place) {
        self.rows[place.lane as usize].retain(|number| *number != place.number);
    }

    /// Whether it is this one's turn, among the lanes that may go at all.
    pub(super) fn is_next(&self, place: Place, may_go: impl Fn(Lane) -> bool) -> bool {
        let waits = |lane: &Lane| !self.rows[*lane as usize].is_empty() && may_go(*lane);
        let next = Lane::ALL.into_iter().filter(waits).min_by_key(|lane| (self.had[*lane as usize], *lane));
        next == Some(place.lane) && self.rows[place.lane as usize].front() == Some(&place.number)
    }

    /// It has had its turn.
    pub(super) fn serve(&mut self, place: Place) {
        self.leave(place);
        let had = &mut self.had[place.lane as usize];
        self.present = *had;
        *had += TURN / place.lane.share();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Serves `turns` calls while the lanes named always have somebody waiting. Says how many each lane got.
    fn served(waiting: &[Lane], turns: usize) -> [usize; 4] {
        let mut lanes = Lanes::default();
        let mut places: Vec<_> = waiting.iter().map(|lane| lanes.join(*lane)).collect();
        let mut count = [0; 4];
        for _ in 0..turns {
            let next = places.iter().position(|place| lanes.is_next(*place, |_| true)).unwrap();
            let place = places.remove(next);
            lanes.serve(place);
            count[place.lane as usize] += 1;
            places.push(lanes.join(place.lane));
        }
        count
    }

    #[test]
    fn each_lane_that_waits_gets_its_share_and_none_starves() {
        assert_eq!(served(&Lane::ALL, 150), [80, 40, 20, 10]);
        assert_eq!(served(&[Lane::Live, Lane::Backfill], 90), [80, 0, 0, 10]);
        assert_eq!(served(&[Lane::Thumbnails, Lane::Backfill], 90), [0, 0, 60, 30]);
    }

    #[test]
    fn a_lane_alone_gets_everything() {
        assert_eq!(served(&[Lane::Backfill], 20), [0, 0, 0, 20]);
    }

    #[test]
    fn a_hint_among_a_backfill_goes_next_however_long_nobody_hinted() {
        let mut lanes = Lanes::default();
        for _ in 0..1000 {
            let place = lanes.join(Lane::Backfill);
            lanes.serve(place);
        }
        let backfill = lanes.join(Lane::Backfill);
        let live = lanes.join(Lane::Live);
        assert!(lanes.is_next(live, |_| true) && !lanes.is_next(backfill, |_| true));
        lanes.serve(live);
        // And what was not waited for is not made up for: the backfill goes on.
        let live: Vec<_> = (0..20).map(|_| lanes.join(Lane::Live)).collect();
        let before_backfill = live.iter().take_while(|place| {
            let is_next = lanes.is_next(**place, |_| true);
            if is_next {
                lanes.serve(**place);
            }
            is_next
        });
        assert!(before_backfill.count() <= 9);
        assert!(lanes.is_next(backfill, |_| true));
    }

    #[test]
    fn who_leaves_the_row_holds_up_nobody_and_who_may_not_go_is_passed_over() {
        let mut lanes = Lanes::default();
        let (first, second) = (lanes.join(Lane::Live), lanes.join(Lane::Live));
        let backfill = lanes.join(Lane::Backfill);
        assert!(!lanes.is_next(second, |_| true));
        lanes.leave(first);
        assert!(lanes.is_next(second, |_| true));
        assert!(lanes.is_next(backfill, |lane| lane == Lane::Backfill));
    }
}
