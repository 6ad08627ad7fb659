//! Telling something that happens often only now and then, with a count of what was not told.

use std::time::Duration;

use super::clock::Timestamp;

/// When something was last told, and how often it has happened since.
#[derive(Debug, Clone)]
pub struct Seldom {
    every: Duration,
    told_at: Option<Timestamp>,
    untold: u64,
}

impl Seldom {
    /// At most once in `every`; the first time at once.
    pub const fn new(every: Duration) -> Self {
        Self { every, told_at: None, untold: 0 }
    }

    /// It has happened `times` times. How often since it was last told, these included, when it is to be told now.
    pub fn happened(&mut self, times: u64, now: Timestamp) -> Option<u64> {
        self.untold += times;
        // A clock that was set back must not silence it.
        let is_due = self.told_at.is_none_or(|told| now < told || now.since(told) >= self.every);
        if !is_due {
            return None;
        }
        self.told_at = Some(now);
        Some(std::mem::take(&mut self.untold))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happens_often_is_told_once_in_a_while_and_nothing_is_left_uncounted() {
        let mut seldom = Seldom::new(Duration::from_secs(60));
        let mut told = |times, second: i64| seldom.happened(times, Timestamp::from_secs(1_000 + second));
        assert_eq!(told(1, 0), Some(1), "the first time at once");
        assert_eq!((told(1, 1), told(5, 59)), (None, None));
        assert_eq!(told(1, 60), Some(7));
        assert_eq!(told(1, 61), None);
        assert_eq!(told(1, 30), Some(2), "the clock was set back");
    }
}
