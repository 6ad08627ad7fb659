//! How much an account may be asked just now: calls at once and calls a second, adapted to what the server bears.
//!
//! Whatever says that it was too much (throttling, no answer in time, a server error) halves both, once for all who heard it at the
//! same time; while all goes well they grow back by steady steps. Pure: moments come in, and nothing waits here.

use std::collections::VecDeque;
use std::time::Duration;

use super::lanes::{Lane, Lanes, Place};

/// The bounds an account's budget moves in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bounds {
    /// Calls under way at once; at least 1.
    pub(super) at_once_max: usize,
    /// Calls begun in a second at most; `None` is no limit until the server asks for one.
    pub(super) per_second_max: Option<f64>,
    /// Calls begun in a second that no trouble takes away.
    pub(super) per_second_min: f64,
    /// Calls a second of reconciles and backfills together.
    pub(super) catalogue_per_second_max: Option<f64>,
}

/// Time since the budget was made.
pub(super) type Moment = Duration;

/// What somebody who waits is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// Begin; the place is given up.
    Begin,
    /// Ask again after this long.
    After(Duration),
    /// Ask again when somebody else has begun, ended or left.
    Later,
}

/// Complaints within this time after a cut are about the pace before it.
const CUT_HOLDS: Duration = Duration::from_secs(2);
/// Calls a second that are added for each second in which all went well.
const GROWTH: f64 = 0.1;
/// A pause in which nobody asked counts as so much time well spent at most.
const GROWTH_LONGEST: Duration = Duration::from_secs(5);
/// One call at once more for this much time well spent.
const SLOT_AFTER: Duration = Duration::from_secs(10);
/// Without a maximum of its own, an account that bears so much is limited no more.
const LIFTED_AT: f64 = 50.0;
/// Over this time the pace is measured that was too much.
const MEASURED: Duration = Duration::from_secs(10);
/// Of so many calls at most.
const MEASURED_MAX: usize = 1024;
/// No two calls are kept further apart.
const GAP_LONGEST: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(super) struct Budget {
    bounds: Bounds,
    lanes: Lanes,
    running: usize,
    at_once: usize,
    per_second: Option<f64>,
    next_start: Moment,
    next_catalogue_start: Moment,
    begun: VecDeque<Moment>,
    cut_at: Option<Moment>,
    grown_at: Moment,
    /// Time well spent since a call at once was added.
    towards_slot: Duration,
}

impl Budget {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self {
            lanes: Lanes::default(),
            running: 0,
            at_once: bounds.at_once_max.max(1),
            per_second: bounds.per_second_max,
            next_start: Duration::ZERO,
            next_catalogue_start: Duration::ZERO,
            begun: VecDeque::new(),
            cut_at: None,
            grown_at: Duration::ZERO,
            towards_slot: Duration::ZERO,
            bounds,
        }
    }

    /// Calls at once, and calls a second where there is a limit, as they stand.
    pub(super) fn allowed(&self) -> (usize, Option<f64>) {
        (self.at_once, self.per_second)
    }

    /// Begins to wait.
    pub(super) fn join(&mut self, lane: Lane) -> Place {
        self.lanes.join(lane)
    }

    /// Waits no longer.
    pub(super) fn leave(&mut self, place: Place) {
        self.lanes.leave(place);
    }

    /// Whether a call may begin now. With [`Turn::Begin`] it has begun, and [`Budget::ended`] must follow.
    pub(super) fn turn(&mut self, place: Place, now: Moment) -> Turn {
        let has_slot = |lane: Lane| self.running < self.slots_of(lane);
        if !has_slot(place.lane) {
            return Turn::Later;
        }
        let start = self.start_of(place.lane);
        if start > now {
            return Turn::After(start - now);
        }
        if !self.lanes.is_next(place, |lane| has_slot(lane) && self.start_of(lane) <= now) {
            return Turn::Later;
        }
        self.lanes.serve(place);
        self.begin(place.lane, now);
        Turn::Begin
    }

    /// A call has ended, whatever came of it.
    pub(super) fn ended(&mut self) {
        self.running = self.running.saturating_sub(1);
    }

    /// It was too much.
    pub(super) fn cut(&mut self, now: Moment) {
        if self.cut_at.is_some_and(|at| now.saturating_sub(at) < CUT_HOLDS) {
            return;
        }
        let was = self.per_second.unwrap_or_else(|| self.measured(now));
        let ceiling = self.bounds.per_second_max.unwrap_or(f64::INFINITY);
        self.per_second = Some((was / 2.0).max(self.bounds.per_second_min).min(ceiling));
        self.at_once = (self.at_once / 2).max(1);
        (self.cut_at, self.grown_at, self.towards_slot) = (Some(now), now, Duration::ZERO);
    }

    /// All went well.
    pub(super) fn grow(&mut self, now: Moment) {
        let well_spent = now.saturating_sub(self.grown_at).min(GROWTH_LONGEST);
        self.grown_at = now;
        if let Some(per_second) = self.per_second {
            let grown = per_second + GROWTH * well_spent.as_secs_f64();
            self.per_second = match self.bounds.per_second_max {
                Some(most) => Some(grown.min(most)),
                None => Some(grown).filter(|grown| *grown < LIFTED_AT),
            };
        }
        self.towards_slot += well_spent;
        if self.towards_slot >= SLOT_AFTER && self.at_once < self.bounds.at_once_max {
            self.towards_slot = Duration::ZERO;
            self.at_once += 1;
        }
    }

    /// What waits for nobody leaves the last call at once to what somebody waits for.
    fn slots_of(&self, lane: Lane) -> usize {
        if lane == Lane::Live || self.at_once == 1 { self.at_once } else { self.at_once - 1 }
    }

    fn start_of(&self, lane: Lane) -> Moment {
        if lane.is_of_catalogue() { self.next_start.max(self.next_catalogue_start) } else { self.next_start }
    }

    fn begin(&mut self, lane: Lane, now: Moment) {
        self.running += 1;
        self.next_start = now + self.per_second.map(gap).unwrap_or_default();
        if lane.is_of_catalogue() {
            self.next_catalogue_start = now + self.bounds.catalogue_per_second_max.map(gap).unwrap_or_default();
        }
        self.begun.push_back(now);
        if self.begun.len() > MEASURED_MAX {
            self.begun.pop_front();
        }
    }

    /// Calls begun in a second, of late.
    fn measured(&self, now: Moment) -> f64 {
        let since = now.saturating_sub(MEASURED);
        let lately = self.begun.iter().filter(|begun| **begun >= since).count();
        let first = self.begun.iter().find(|begun| **begun >= since).copied().unwrap_or(now);
        lately as f64 / now.saturating_sub(first).as_secs_f64().max(1.0)
    }
}

/// Between two calls.
fn gap(per_second: f64) -> Duration {
    Duration::try_from_secs_f64(1.0 / per_second).map_or(GAP_LONGEST, |gap| gap.min(GAP_LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    fn bounds() -> Bounds {
        Bounds { at_once_max: 4, per_second_max: None, per_second_min: 1.0, catalogue_per_second_max: None }
    }

    /// Begins as many calls as begin within a time, each ending at once. Says when they began.
    fn begun(budget: &mut Budget, lane: Lane, from: Moment, until: Moment) -> Vec<Moment> {
        let (mut now, mut begun) = (from, Vec::new());
        let mut place = budget.join(lane);
        while now < until {
            match budget.turn(place, now) {
                Turn::Begin => {
                    budget.ended();
                    begun.push(now);
                    place = budget.join(lane);
                    if budget.start_of(lane) <= now {
                        now += Duration::from_millis(10); // no limit: a call takes this long
                    }
                }
                Turn::After(wait) => now += wait,
                Turn::Later => panic!("nobody else waits"),
            }
        }
        budget.leave(place);
        begun
    }

    #[test]
    fn starts_are_spread_evenly_over_the_second() {
        let mut budget = Budget::new(Bounds { per_second_max: Some(10.0), ..bounds() });
        let starts = begun(&mut budget, Lane::Live, secs(0), secs(2));
        assert_eq!(starts.len(), 20);
        assert!(starts.windows(2).all(|pair| pair[1] - pair[0] == Duration::from_millis(100)), "{starts:?}");
        for odd in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e-300] {
            assert!(gap(odd) <= GAP_LONGEST, "{odd}");
        }
    }

    #[test]
    fn what_was_too_much_is_halved_once_for_all_who_heard_it_and_not_below_the_least() {
        let mut budget = Budget::new(Bounds { per_second_max: Some(16.0), ..bounds() });
        let mut seen = Vec::new();
        for second in 0..6 {
            budget.cut(secs(second * 10));
            budget.cut(secs(second * 10 + 1)); // another call of the same time
            seen.push(budget.allowed());
        }
        let (at_once, per_second): (Vec<_>, Vec<_>) = seen.into_iter().unzip();
        assert_eq!(per_second, [8.0, 4.0, 2.0, 1.0, 1.0, 1.0].map(Some));
        assert_eq!(at_once, [2, 1, 1, 1, 1, 1]);
    }

    #[test]
    fn it_grows_back_by_steady_steps_while_all_goes_well_and_not_above_the_most() {
        let mut budget = Budget::new(Bounds { per_second_max: Some(4.0), ..bounds() });
        for cut in 0..3 {
            budget.cut(secs(cut * 10));
        }
        assert_eq!(budget.allowed(), (1, Some(1.0)));
        let after = |budget: &mut Budget, from: u64, until: u64| {
            (from..until).for_each(|second| budget.grow(secs(second + 1)));
            budget.allowed()
        };
        let (at_once, per_second) = after(&mut budget, 20, 30);
        assert_eq!(at_once, 2);
        assert!((per_second.unwrap() - 2.0).abs() < 1e-9, "{per_second:?}");
        assert_eq!(after(&mut budget, 30, 80), (4, Some(4.0)));
    }

    #[test]
    fn without_a_maximum_half_of_what_was_too_much_is_the_limit_until_much_more_is_borne() {
        let mut budget = Budget::new(bounds());
        assert_eq!(begun(&mut budget, Lane::Live, secs(0), secs(10)).len(), 1000);
        budget.cut(secs(10));
        let (_, per_second) = budget.allowed();
        assert!((45.0..=55.0).contains(&per_second.unwrap()), "half of a hundred a second: {per_second:?}");
        budget.cut(secs(20));
        for second in 20..400 {
            budget.grow(secs(second));
        }
        assert_eq!(budget.allowed(), (4, None));
    }

    #[test]
    fn a_long_silence_is_not_time_well_spent() {
        let mut budget = Budget::new(Bounds { per_second_max: Some(16.0), ..bounds() });
        budget.cut(secs(0));
        budget.grow(secs(86_400));
        assert_eq!(budget.allowed().1, Some(8.5));
    }

    #[test]
    fn reconciles_and_backfills_share_a_limit_of_their_own_that_holds_up_nobody_else() {
        let mut budget = Budget::new(Bounds { catalogue_per_second_max: Some(2.0), ..bounds() });
        assert_eq!(begun(&mut budget, Lane::Repair, secs(0), secs(5)).len(), 10);
        let backfill = budget.join(Lane::Backfill);
        assert_eq!(budget.turn(backfill, secs(5)), Turn::Begin);
        let repair = budget.join(Lane::Repair);
        assert_eq!(budget.turn(repair, secs(5)), Turn::After(Duration::from_millis(500)));
        let live = budget.join(Lane::Live);
        assert_eq!(budget.turn(live, secs(5)), Turn::Begin);
    }

    #[test]
    fn the_last_call_at_once_is_kept_for_what_somebody_waits_for() {
        let mut budget = Budget::new(bounds());
        for _ in 0..3 {
            let place = budget.join(Lane::Backfill);
            assert_eq!(budget.turn(place, secs(0)), Turn::Begin);
        }
        let (backfill, live) = (budget.join(Lane::Backfill), budget.join(Lane::Live));
        assert_eq!(budget.turn(backfill, secs(0)), Turn::Later);
        assert_eq!(budget.turn(live, secs(0)), Turn::Begin);
        budget.ended();
        assert_eq!(budget.turn(backfill, secs(0)), Turn::Later, "three still hang");
        budget.ended();
        assert_eq!(budget.turn(backfill, secs(0)), Turn::Begin);
    }
}
