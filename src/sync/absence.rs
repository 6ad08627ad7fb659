//! Absence is not deletion: an answer that lacks an entry hides it, and only a second look removes it.

use std::time::Duration;

use super::plan::{Next, Plan};
use crate::domain::clock::Timestamp;
use crate::domain::ids::EntryId;
use crate::kaltura::batch::Witness;
use crate::store::{KnownEntry, Save};

/// Plans for an entry that an answer of a proven session lacked.
pub(super) fn plan(
    entry_id: EntryId,
    known: &KnownEntry,
    witness: Witness,
    confirm_after: Duration,
    now: Timestamp,
) -> Plan {
    let plan = |save, next| Plan { entry_id: entry_id.clone(), save, write_back: None, next };
    let absent = |confirmed| Some(Save::Absent { entry_id: entry_id.clone(), confirmed });
    if !known.in_mirror || known.removed_at.is_some() {
        return plan(absent(false), Next::Settle);
    }
    let Some(missing_since) = known.missing_since else {
        return plan(
            absent(false),
            Next::LookAgain { at: now.plus(confirm_after), reason: "to confirm that it is gone" },
        );
    };
    // An account without any other entry has no witness: a third look stands in for one.
    let looks_needed = if witness == Witness::NotAsked { 2 } else { 1 };
    let confirm_at = missing_since.plus(confirm_after * looks_needed);
    match witness {
        _ if now < missing_since.plus(confirm_after) => {
            plan(None, Next::LookAgain { at: missing_since.plus(confirm_after), reason: "to confirm that it is gone" })
        }
        Witness::Absent => plan(
            None,
            Next::Retry {
                error: "an entry seen a moment ago is missing from the same answer: nothing is concluded".to_owned(),
            },
        ),
        Witness::NotAsked if now < confirm_at => {
            plan(None, Next::LookAgain { at: confirm_at, reason: "to confirm without a witness that it is gone" })
        }
        Witness::Answered | Witness::NotAsked => plan(absent(true), Next::Settle),
    }
}

/// Whether a look now could confirm an absence, and so needs a witness and a connection of its own.
pub(super) fn may_confirm(known: &KnownEntry, confirm_after: Duration, now: Timestamp) -> bool {
    known.removed_at.is_none() && known.missing_since.is_some_and(|since| now >= since.plus(confirm_after))
}
