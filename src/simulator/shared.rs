//! What the handle and the server share.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::calls::CallLog;
use super::faults::Faults;
use super::state::SimAccount;
use super::triggers::Triggers;

/// Everything behind the handle. Locks are taken for the length of one call and never across an await; the account's before
/// any other.
pub struct Shared {
    /// The account.
    pub account: Mutex<SimAccount>,
    /// What was called.
    pub log: Mutex<CallLog>,
    /// What goes wrong.
    pub faults: Mutex<Faults>,
    /// What happens between calls.
    pub triggers: Mutex<Triggers>,
    /// How long every API answer takes.
    pub latency: Mutex<std::time::Duration>,
}

/// Takes a lock; a test that panicked while it held it does not stop the others.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
