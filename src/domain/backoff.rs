//! How long to wait before the next attempt.

use std::time::Duration;

use super::clock::Jitter;

/// Exponential waiting: `first`, doubled with every attempt up to `longest`, then spread by chance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The wait after the first failure.
    pub first: Duration,
    /// No wait is longer, jitter included.
    pub longest: Duration,
}

impl Backoff {
    /// The wait after `attempts` failures (1 is the first): between half and all of the doubled time.
    ///
    /// Half is kept so that a server in trouble really gets its rest; the other half is drawn so that
    /// everything that failed together does not come back together.
    pub fn after(&self, attempts: u32, jitter: &Jitter) -> Duration {
        let doublings = attempts.saturating_sub(1).min(31);
        let full = self.first.saturating_mul(1 << doublings).min(self.longest);
        full.mul_f64(0.5 + 0.5 * jitter.draw())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_keep_at_least_half() {
        let backoff = Backoff { first: Duration::from_secs(1), longest: Duration::from_secs(300) };
        let full = |attempts| backoff.after(attempts, &Jitter::fixed(1.0)).as_secs();
        let half = |attempts| backoff.after(attempts, &Jitter::fixed(0.0)).as_millis();
        assert_eq!([full(1), full(2), full(3), full(9), full(10), full(1000)], [1, 2, 4, 256, 300, 300]);
        assert_eq!([half(1), half(2)], [500, 1000]);
    }
}
