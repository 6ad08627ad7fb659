//! How the index fares: for `/readyz`, `/metrics`, `search rebuild` and tests.

use serde::{Deserialize, Serialize};

/// How the index fares.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Entries in the index that serves.
    pub entries: u64,
    /// The number of the latest change it has taken; nothing serves when absent.
    pub seq: Option<i64>,
    /// How many numbers of the sequence it is behind.
    pub behind: u64,
    /// A new one is being made.
    pub building: Option<Progress>,
    /// How many have been made since the start.
    pub built: u64,
    /// Why the index does not follow, or why another cannot be made.
    pub trouble: Option<String>,
}

/// How far a new index has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Entries taken so far.
    pub done: u64,
    /// Entries that were public when it began.
    pub total: u64,
}
