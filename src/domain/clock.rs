//! Time and chance, passed in: the system's in the daemon, a test's own in a test.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// A moment: milliseconds since 1970-01-01 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From milliseconds since the epoch, as our tables keep it.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// From seconds since the epoch, as Kaltura gives it.
    pub const fn from_secs(secs: i64) -> Self {
        Self(secs.saturating_mul(1000))
    }

    /// Milliseconds since the epoch.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down.
    pub const fn as_secs(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// This moment and then some.
    pub fn plus(self, more: Duration) -> Self {
        Self(self.0.saturating_add(millis(more)))
    }

    /// This moment, less some.
    pub fn minus(self, less: Duration) -> Self {
        Self(self.0.saturating_sub(millis(less)))
    }

    /// How long after `earlier` this is; nothing when it is not after.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// RFC 3339, UTC, for example `2026-11-23T20:29:23.5Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(moment) => moment.fmt(f),
            Err(_) => write!(f, "{} ms", self.0),
        }
    }
}

/// Tells the time.
#[derive(Clone)]
pub struct Clock(Source);

#[derive(Clone)]
enum Source {
    System,
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands still until [`Clock::advance`] moves it; every clone is the same clock.
    pub fn manual(start: Timestamp) -> Self {
        Self(Source::Manual(Arc::new(AtomicI64::new(start.as_millis()))))
    }

    /// The present moment.
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Source::System => Timestamp(SystemTime::now().duration_since(UNIX_EPOCH).map(millis).unwrap_or(0)),
            Source::Manual(now) => Timestamp(now.load(Ordering::SeqCst)),
        }
    }

    /// Whether it only moves by hand: then nothing can be waited for by sleeping.
    pub fn is_manual(&self) -> bool {
        matches!(self.0, Source::Manual(_))
    }

    /// Moves a manual clock on; the machine's clock goes its own way.
    pub fn advance(&self, by: Duration) {
        if let Source::Manual(now) = &self.0 {
            now.fetch_add(millis(by), Ordering::SeqCst);
        }
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clock({})", self.now())
    }
}

/// Draws chance: the jitter of a backoff.
#[derive(Debug, Clone)]
pub struct Jitter(Chance);

#[derive(Debug, Clone)]
enum Chance {
    System,
    Fixed(f64),
}

impl Jitter {
    /// Real chance.
    pub fn system() -> Self {
        Self(Chance::System)
    }

    /// Always the same draw, between 0 and 1.
    pub fn fixed(draw: f64) -> Self {
        Self(Chance::Fixed(draw.clamp(0.0, 1.0)))
    }

    /// A number between 0 and 1.
    pub fn draw(&self) -> f64 {
        match self.0 {
            Chance::System => fastrand::f64(),
            Chance::Fixed(draw) => draw,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_prints_as_rfc_3339_in_utc() {
        assert_eq!(Timestamp::from_secs(1_795_459_465).to_string(), "2026-11-23T18:44:25Z");
        assert_eq!(Timestamp::from_millis(1_795_459_465_250).to_string(), "2026-11-23T18:44:25.25Z");
    }

    #[test]
    fn every_clone_of_a_manual_clock_is_the_same_clock() {
        let clock = Clock::manual(Timestamp::from_secs(10));
        let other = clock.clone();
        clock.advance(Duration::from_secs(5));
        assert_eq!(other.now(), Timestamp::from_secs(15));
    }
}
