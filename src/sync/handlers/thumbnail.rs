//! Its picture is said to have changed: fetched anew, even if its version reads the same.
//!
//! Only the version that was let in is fetched again. Another one is content, and comes in when a sync brings it.

use super::Subject;
use crate::domain::entry::EntryStatus;
use crate::store::Save;
use crate::sync::plan::{Next, Plan};

pub(super) fn run(subject: &Subject<'_>, plan: &mut Plan) {
    // Nothing is fetched of what the filter leaves out. Of an entry that is not ready a picture is something else with 200. A look that must be repeated does it then.
    if plan.next == Next::Settle
        && let Some(Save::Seen(seen)) = &mut plan.save
        && seen.facts.status == EntryStatus::Ready
        && seen.filtered != Some(true)
    {
        seen.doubted_picture.clone_from(&subject.thumbnail_version);
    }
}
