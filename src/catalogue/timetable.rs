//! When an account is reconciled, pure.

use std::time::Duration;

use crate::domain::clock::Timestamp;

/// Where Kaltura tells of metadata, an editor's wish comes by itself: changes are then listed more rarely.
const SLOWER: u32 = 10;
/// And at least this often, or as often as the operator wants.
const SLOWEST: Duration = Duration::from_secs(300);
/// A day on which the account is compared as a whole begins at `full_at`.
const DAY: Duration = Duration::from_secs(86_400);

/// When what happens, from `[reconcile]` and `receive`.
#[derive(Debug, Clone)]
pub struct Timetable {
    /// Without, only what is asked for is done.
    pub enabled: bool,
    /// Between two passes over what was changed lately.
    pub every: Duration,
    /// Passes may be rarer where Kaltura tells of metadata.
    pub adaptive: bool,
    /// When the whole account is compared, since midnight UTC.
    pub full_at: Duration,
    /// Between two passes that events ask for.
    pub sweep_min_interval: Duration,
}

impl Timetable {
    /// Between two passes, given whether events of metadata come.
    pub fn interval(&self, hears_of_metadata: bool) -> Duration {
        if self.adaptive && hears_of_metadata { (self.every * SLOWER).min(SLOWEST).max(self.every) } else { self.every }
    }

    /// The first moment after `last` at which the whole account is to be compared.
    pub fn full_after(&self, last: Timestamp) -> Timestamp {
        let (day, begin) = (millis(DAY), millis(self.full_at));
        let days = (last.as_millis() - begin).div_euclid(day) + 1;
        Timestamp::from_millis(days * day + begin)
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timetable(every: u64, adaptive: bool) -> Timetable {
        Timetable {
            enabled: true,
            every: Duration::from_secs(every),
            adaptive,
            full_at: Duration::from_secs(3 * 3600),
            sweep_min_interval: Duration::from_secs(60),
        }
    }

    #[test]
    fn passes_are_rarer_only_where_metadata_is_told_of_and_never_more_often_than_wanted() {
        let interval = |every, adaptive, hears| timetable(every, adaptive).interval(hears).as_secs();
        assert_eq!(interval(30, true, false), 30);
        assert_eq!(interval(30, true, true), 300);
        assert_eq!(interval(10, true, true), 100);
        assert_eq!(interval(600, true, true), 600);
        assert_eq!(interval(30, false, true), 30);
    }

    #[test]
    fn the_whole_account_is_compared_once_a_day_at_its_hour() {
        let day = 86_400;
        let after = |secs| timetable(30, true).full_after(Timestamp::from_secs(secs)).as_secs();
        assert_eq!(after(20_000 * day), 20_000 * day + 10_800);
        assert_eq!(after(20_000 * day + 10_799), 20_000 * day + 10_800);
        assert_eq!(after(20_000 * day + 10_800), 20_001 * day + 10_800, "not twice");
    }
}
