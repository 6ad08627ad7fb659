//! When a delivery is tried again, and when it is given up. Pure: time and chance come from the caller.
//!
//! The waits are the example of the Standard Webhooks specification ("Deliverability and reliability"), its answers those of
//! "Delivery success and failure". A command that ends with 0 counts as 2xx, any other end as a failure.

use std::time::Duration;

use jiff::fmt::strtime::BrokenDownTime;
use jiff::tz::TimeZone;

use crate::domain::clock::{Jitter, Timestamp};

/// What one attempt came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    /// Delivered.
    Taken,
    /// 410: the receiver wants nothing any more.
    Gone,
    /// Everything else.
    Failed {
        /// The receiver wants to be left alone until then.
        not_before: Option<Timestamp>,
    },
}

/// What becomes of the delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Done with.
    Delivered,
    /// Due again at that moment.
    Retry(Timestamp),
    /// Given up: listed, and only tried again when a person says so.
    Dead,
    /// The whole hook is switched off; the delivery waits until it is on again.
    Disable,
}

const SECOND: u64 = 1;
const MINUTE: u64 = 60;
const HOUR: u64 = 3600;

/// Waits after the first, second, … failure, in seconds.
const WAITS: [u64; 9] =
    [5 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR];

/// How often a delivery is tried at most, over about three days.
pub const ATTEMPTS_MAX: u32 = 10;

/// A wait is lengthened or shortened by chance by up to this share, so that what failed together does not come back together.
const SPREAD: f64 = 0.2;

/// A receiver cannot put a delivery off further than the schedule's own longest wait.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(24 * HOUR);

impl Reply {
    /// What a status means; `retry_after` is the header's text, seconds or an HTTP date.
    pub fn of_status(status: u16, retry_after: Option<&str>, now: Timestamp) -> Self {
        match status {
            200..=299 => Self::Taken,
            410 => Self::Gone,
            _ => Self::Failed { not_before: retry_after.and_then(|text| not_before(text, now)) },
        }
    }

    /// A failure without a wish.
    pub const fn failed() -> Self {
        Self::Failed { not_before: None }
    }
}

/// What becomes of a delivery after its attempt number `attempt`, counted from 1.
pub fn judge(reply: Reply, attempt: u32, now: Timestamp, jitter: &Jitter) -> Verdict {
    match reply {
        Reply::Taken => Verdict::Delivered,
        Reply::Gone => Verdict::Disable,
        Reply::Failed { not_before } => match wait_after(attempt) {
            Some(wait) => {
                let scheduled = now.plus(spread(wait, jitter));
                Verdict::Retry(not_before.map_or(scheduled, |wished| wished.max(scheduled)))
            }
            None => Verdict::Dead,
        },
    }
}

fn wait_after(attempt: u32) -> Option<Duration> {
    let index = usize::try_from(attempt.saturating_sub(1)).ok()?;
    WAITS.get(index).copied().map(Duration::from_secs)
}

fn spread(wait: Duration, jitter: &Jitter) -> Duration {
    wait.mul_f64(1.0 - SPREAD + 2.0 * SPREAD * jitter.draw())
}

/// The moment a `Retry-After` names, if it makes sense, and no later than the bound.
///
/// Source: RFC 9110, 10.2.3: whole seconds, or a date.
fn not_before(text: &str, now: Timestamp) -> Option<Timestamp> {
    let text = text.trim();
    let moment = match text.parse::<u64>() {
        Ok(seconds) => now.plus(Duration::from_secs(seconds)),
        Err(_) => date(text)?,
    };
    Some(moment.min(now.plus(RETRY_AFTER_MAX))).filter(|moment| *moment > now)
}

/// Source: RFC 9110, 5.6.7: `Sun, 06 Nov 1994 08:49:37 GMT`, and the two forms of older days that are still to be understood.
fn date(text: &str) -> Option<Timestamp> {
    const OLD_FORMS: [&str; 2] = ["%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"];
    let old = |form| TimeZone::UTC.to_timestamp(BrokenDownTime::parse(form, text).ok()?.to_datetime().ok()?).ok();
    let current = jiff::fmt::rfc2822::parse(text).ok().map(|date| date.timestamp());
    let date = current.or_else(|| OLD_FORMS.into_iter().find_map(old))?;
    Some(Timestamp::from_secs(date.as_second()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_795_500_000);

    fn waits(draw: f64) -> Vec<f64> {
        let mut waits = Vec::new();
        for attempt in 1.. {
            match judge(Reply::failed(), attempt, NOW, &Jitter::fixed(draw)) {
                Verdict::Retry(at) => waits.push(at.since(NOW).as_secs_f64()),
                other => {
                    assert_eq!((other, attempt), (Verdict::Dead, ATTEMPTS_MAX));
                    return waits;
                }
            }
        }
        unreachable!()
    }

    #[test]
    fn a_failing_delivery_is_tried_ten_times_over_three_days_and_then_given_up() {
        let waits = waits(0.5);
        assert_eq!(waits, [5.0, 300.0, 1800.0, 7200.0, 18000.0, 36000.0, 50400.0, 72000.0, 86400.0]);
        assert_eq!(waits.iter().sum::<f64>(), 75.0 * 3600.0 + 35.0 * 60.0 + 5.0);
    }

    #[test]
    fn chance_spreads_each_wait_by_a_fifth_to_either_side() {
        assert_eq!((waits(0.0)[1], waits(1.0)[1]), (240.0, 360.0));
    }

    #[test]
    fn only_2xx_counts_as_taken_and_only_410_as_the_end() {
        for (status, expected) in [
            (200, Reply::Taken),
            (204, Reply::Taken),
            (299, Reply::Taken),
            (410, Reply::Gone),
            (100, Reply::failed()),
            (300, Reply::failed()),
            (301, Reply::failed()),
            (304, Reply::failed()),
            (404, Reply::failed()),
            (429, Reply::failed()),
            (503, Reply::failed()),
        ] {
            assert_eq!(Reply::of_status(status, None, NOW), expected, "{status}");
        }
        assert_eq!(judge(Reply::Taken, 9, NOW, &Jitter::fixed(0.5)), Verdict::Delivered);
        assert_eq!(judge(Reply::Gone, 1, NOW, &Jitter::fixed(0.5)), Verdict::Disable);
    }

    #[test]
    fn a_receiver_may_ask_for_more_time_but_not_for_more_than_a_day_or_for_less() {
        let after = |text: &str, attempt| {
            let reply = Reply::of_status(503, Some(text), NOW);
            match judge(reply, attempt, NOW, &Jitter::fixed(0.5)) {
                Verdict::Retry(at) => at.since(NOW).as_secs(),
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(after("120", 1), 120);
        assert_eq!(after(" 120 ", 2), 300, "the schedule's own wait is longer");
        assert_eq!(after("999999999", 1), 24 * HOUR);
        assert_eq!(after("99999999999999999999", 1), 5, "no number of seconds at all");
        assert_eq!(after("0", 1), 5);
        // 2026-11-24T06:00:00Z is the present moment.
        assert_eq!(NOW.to_string(), "2026-11-24T06:00:00Z");
        assert_eq!(after("Tue, 24 Nov 2026 06:10:00 GMT", 1), 600);
        assert_eq!(after("Tuesday, 24-Nov-26 06:10:00 GMT", 1), 600);
        assert_eq!(after("Tue Nov 24 06:10:00 2026", 1), 600);
        assert_eq!(after("Sun Dec  6 06:00:00 2026", 1), 24 * HOUR);
        assert_eq!(after("Tue, 24 Nov 2026 05:00:00 GMT", 1), 5, "it has passed");
        assert_eq!((after("-120", 1), after("1.5", 1), after("", 1)), (5, 5, 5));
        assert_eq!(after("Fri, 24 Nov 2056 05:00:00 GMT", 1), 24 * HOUR);
        assert_eq!(after("soon", 1), 5);
    }

    #[test]
    fn the_last_attempt_is_the_last_whatever_the_receiver_asks_for() {
        let reply = Reply::of_status(429, Some("60"), NOW);
        assert_eq!(judge(reply, ATTEMPTS_MAX, NOW, &Jitter::fixed(0.5)), Verdict::Dead);
    }
}
