//! The store's bounds and intervals: each has a default, and each may be configured.

use std::time::Duration;

/// No entry waits longer than this for its next look. A due time further ahead comes from a clock that stepped,
/// and counts as now.
pub const LONGEST_WAIT: Duration = Duration::from_secs(60 * 60);

/// Entries of one claim at most: what one multirequest asks for.
pub const CLAIM_MAX: usize = 100;

/// What may be configured.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Limits {
    /// Between two looks at one entry.
    pub resync: Resync,
}

/// The pause between two looks at an entry that is hinted again and again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resync {
    /// After the first look (`sync.resync_interval`).
    pub interval: Duration,
    /// The pause doubles up to this while hints keep coming.
    pub longest: Duration,
}

impl Default for Resync {
    fn default() -> Self {
        Self { interval: Duration::from_secs(1), longest: Duration::from_secs(30) }
    }
}

impl Resync {
    /// The pause after it has doubled `step` times.
    pub(super) fn pause(&self, step: u32) -> Duration {
        self.interval.saturating_mul(1 << step.min(20)).min(self.longest)
    }
}
