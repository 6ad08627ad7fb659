//! Which entries of the catalogue are meant, counted and found without looking at each.

use super::Generated;
use super::entries::KINDS;
use crate::simulator::entry::SimEntry;

/// Entries of the catalogue that nobody has changed, within a stretch of numbers, in the order of their numbers.
#[derive(Debug, Clone)]
pub enum Matches {
    /// Those of some kinds.
    Like(Like),
    /// These, sorted.
    Listed(Vec<u64>),
}

/// Those of some kinds: every hundred numbers have the same ones.
#[derive(Debug, Clone)]
pub struct Like {
    from: u64,
    to: u64,
    /// The last two digits of those meant, ascending.
    digits: Vec<u64>,
    /// Numbers among them that are left out, ascending: they stand in the account by themselves.
    left_out: Vec<u64>,
}

impl Like {
    /// How many of those meant stand before this number, left out or not, counted from 0.
    fn rank(&self, number: u64) -> u64 {
        let before = self.digits.partition_point(|digit| *digit < number % KINDS);
        number / KINDS * self.digits.len() as u64 + before as u64
    }

    fn before(&self, number: u64) -> u64 {
        let number = number.clamp(self.from, self.to);
        let left_out = self.left_out.partition_point(|one| *one < number);
        self.rank(number) - self.rank(self.from) - left_out as u64
    }

    fn nth(&self, place: u64) -> u64 {
        // What is left out moves those behind it forward by one each.
        let first = self.rank(self.from);
        let (mut low, mut high) = (0, self.left_out.len());
        while low < high {
            let middle = low + (high - low) / 2;
            if self.rank(self.left_out[middle]) - first - middle as u64 <= place {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        let rank = first + place + low as u64;
        let a_hundred = self.digits.len() as u64;
        rank / a_hundred * KINDS + self.digits[(rank % a_hundred) as usize]
    }
}

impl Matches {
    /// How many there are.
    pub fn total(&self) -> usize {
        match self {
            Self::Like(like) => like.before(like.to) as usize,
            Self::Listed(numbers) => numbers.len(),
        }
    }

    /// How many stand before this number.
    pub fn before(&self, number: u64) -> usize {
        match self {
            Self::Like(like) => like.before(number) as usize,
            Self::Listed(numbers) => numbers.partition_point(|one| *one < number),
        }
    }

    /// The one at a place, from 0; there must be so many.
    pub fn nth(&self, place: usize) -> u64 {
        match self {
            Self::Like(like) => like.nth(place as u64),
            Self::Listed(numbers) => numbers[place],
        }
    }

    /// Those of them that this is true of, each looked at.
    pub fn each(self, is_meant: impl Fn(u64) -> bool) -> Self {
        Self::Listed((0..self.total()).map(|place| self.nth(place)).filter(|number| is_meant(*number)).collect())
    }
}

/// Bounds of a time, in Unix seconds, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bounds {
    /// From this second.
    pub from: Option<i64>,
    /// To this one.
    pub to: Option<i64>,
}

impl Bounds {
    /// Whether they admit a time.
    pub fn admit(self, time: i64) -> bool {
        self.from.is_none_or(|from| time >= from) && self.to.is_none_or(|to| time <= to)
    }
}

impl Generated {
    /// Entries of the kinds meant, at any time. What it is asked of is an example of each kind.
    pub(super) fn like(&self, is_meant: impl Fn(u64) -> bool) -> Matches {
        self.stretch(0..self.plan.entries, is_meant, &[])
    }

    /// Entries that were made and changed within these bounds and are like the examples meant, but for those of these ids. What it
    /// is asked of has no texts.
    pub fn matching(
        &self,
        created: Bounds,
        updated: Bounds,
        but: &[String],
        now: i64,
        is_meant: impl Fn(&Example) -> bool,
    ) -> Matches {
        let plan = &self.plan;
        let from =
            [created.from.map(|at| plan.first_created_since(at)), updated.from.map(|at| plan.first_updated_since(at))];
        let to = [
            created.to.map(|at| plan.first_created_since(at.saturating_add(1))),
            updated.to.map(|at| plan.first_updated_since(at.saturating_add(1))),
        ];
        let from = from.into_iter().flatten().max().unwrap_or(0);
        let to = to.into_iter().flatten().min().unwrap_or(plan.entries).max(from);
        let but: Vec<u64> = but.iter().filter_map(|id| self.number_named(id)).collect();
        let is_meant = |number| {
            let example = Example {
                entry: self.bare(number, now),
                memberships: self.memberships(number),
                documents: self.metadata(number),
            };
            is_meant(&example)
        };
        self.stretch(from..to, is_meant, &but)
    }

    /// The entry, for whoever must look at its texts.
    pub fn whole(&self, number: u64, now: i64) -> SimEntry {
        self.entry(number, now)
    }

    /// The first entry that was made (or, else, changed) at or after a second.
    pub fn first_since(&self, is_by_creation: bool, second: i64) -> u64 {
        if is_by_creation { self.plan.first_created_since(second) } else { self.plan.first_updated_since(second) }
    }

    fn stretch(&self, numbers: std::ops::Range<u64>, is_meant: impl Fn(u64) -> bool, but: &[u64]) -> Matches {
        let digits: Vec<u64> = (0..KINDS).filter(|digit| is_meant(*digit)).collect();
        if digits.is_empty() {
            return Matches::Listed(Vec::new());
        }
        let mut left_out: Vec<u64> = self.materialised.range(numbers.clone()).copied().collect();
        left_out.extend(but.iter().filter(|number| numbers.contains(number)));
        left_out.retain(|number| digits.binary_search(&(number % KINDS)).is_ok());
        left_out.sort_unstable();
        left_out.dedup();
        Matches::Like(Like { from: numbers.start, to: numbers.end, digits, left_out })
    }
}

/// An entry of each kind, and what belongs to it.
pub struct Example {
    /// Without texts.
    pub entry: SimEntry,
    /// The category it stands in.
    pub memberships: Vec<crate::simulator::categories::SimCategoryEntry>,
    /// Its documents.
    pub documents: Vec<crate::simulator::custom_metadata::SimMetadata>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counting_by_arithmetic_finds_what_looking_at_each_finds() {
        for digits in [vec![0], vec![99], vec![3, 4, 50, 98], (0..100).collect::<Vec<u64>>()] {
            for (from, to) in [(0, 1000), (1, 999), (250, 251), (250, 250), (777, 5000)] {
                for step in [1, 7, 10_000] {
                    let meant = |number: &u64| digits.contains(&(number % KINDS));
                    let left_out: Vec<u64> = (from..to).filter(meant).step_by(step).skip(1).collect();
                    let there: Vec<u64> =
                        (from..to).filter(meant).filter(|number| !left_out.contains(number)).collect();
                    let like = Matches::Like(Like { from, to, digits: digits.clone(), left_out });
                    assert_eq!(like.total(), there.len());
                    assert!((0..there.len()).all(|place| like.nth(place) == there[place]));
                    for number in [0, from, from + 1, (from + to) / 2, to, to + 10] {
                        assert_eq!(like.before(number), there.iter().filter(|one| **one < number).count());
                    }
                }
            }
        }
    }
}
