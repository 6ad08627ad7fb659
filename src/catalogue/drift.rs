//! What reconciling found, counted by cause.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::store::Drift;

/// How many entries differed, by in what.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DriftCounts(BTreeMap<String, u64>);

impl DriftCounts {
    /// How many differed in this.
    pub fn of(&self, drift: Drift) -> u64 {
        self.0.get(drift.as_str()).copied().unwrap_or(0)
    }

    /// How many differed at all.
    pub fn total(&self) -> u64 {
        self.0.values().sum()
    }

    /// Each that was found, by its stable word.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0.iter().map(|(word, count)| (word.as_str(), *count))
    }

    pub(super) fn add(&mut self, drift: Drift, count: u64) {
        if count > 0 {
            *self.0.entry(drift.as_str().to_owned()).or_default() += count;
        }
    }

    pub(super) fn add_all(&mut self, other: &Self) {
        for drift in Drift::ALL {
            self.add(drift, other.of(drift));
        }
    }
}

impl Extend<Drift> for DriftCounts {
    fn extend<I: IntoIterator<Item = Drift>>(&mut self, found: I) {
        for drift in found {
            self.add(drift, 1);
        }
    }
}
