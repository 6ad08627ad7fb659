//! Which entry plays which state. Most are simply ready; the others are dealt by chance, every part at least once.

use fastrand::Rng;

use super::{DAY, MEMBERS, STAFF_ONLY, join};
use crate::simulator::entry::{SimEntry, SimStatus};
use crate::simulator::state::SimAccount;

/// What an entry plays, one part each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// Ready, and nothing else to say.
    Ready,
    /// Another status of Kaltura's own.
    Status(i64),
    /// A status of the virus-scan plugin: `Infected`, `ScanFailure`.
    VirusScan(&'static str),
    /// Ready, with another moderation status.
    Moderation(i64),
    /// Ready, in the recycle bin.
    Recycled,
    /// Visible from a week ahead on.
    StartsLater,
    /// Visible until a week ago.
    Ended,
    /// Visible since a week ago, for another week.
    InItsWindow,
    /// Behind the access-control profile of the staff network.
    StaffOnly,
    /// In the category with the privacy context.
    MembersOnly,
}

use Part::{Ended, InItsWindow, MembersOnly, Moderation, Recycled, StaffOnly, StartsLater, Status, VirusScan};

/// The parts to be dealt, and how many entries play each.
const CAST: &[(Part, usize)] = &[
    (Status(-2), 1),
    (Status(-1), 2),
    (Status(0), 2),
    (Status(1), 2),
    (Status(3), 2),
    (Status(4), 2),
    (Status(5), 1),
    (Status(6), 1),
    (Status(7), 3),
    (VirusScan("Infected"), 1),
    (VirusScan("ScanFailure"), 1),
    (Moderation(1), 3),
    (Moderation(3), 2),
    (Moderation(4), 1),
    (Moderation(5), 2),
    (Recycled, 2),
    (StartsLater, 3),
    (Ended, 3),
    (InItsWindow, 3),
    (StaffOnly, 4),
    (MembersOnly, 4),
];

/// A part for each of `entries` entries. The first four, a series, are ready.
pub(super) fn dealt(entries: usize, rng: &mut Rng) -> Vec<Part> {
    const SERIES: usize = 4;
    let mut parts: Vec<Part> = CAST.iter().flat_map(|(part, count)| std::iter::repeat_n(*part, *count)).collect();
    parts.resize(entries.saturating_sub(SERIES).max(parts.len()), Part::Ready);
    rng.shuffle(&mut parts);
    let mut all = vec![Part::Ready; SERIES];
    all.append(&mut parts);
    all
}

impl Part {
    /// Puts the entry into its state.
    pub(super) fn play(self, account: &mut SimAccount, entry: &mut SimEntry) {
        let now = account.now();
        match self {
            Self::Ready => {}
            Status(status) => play_status(status, entry),
            VirusScan(verdict) => entry.status = SimStatus::Plugin(format!("virusScan.{verdict}")),
            Moderation(status) => moderate(status, entry),
            Recycled => entry.display_in_search = -2,
            StartsLater => entry.start_date = Some(now + 7 * DAY),
            Ended => (entry.start_date, entry.end_date) = (Some(now - 90 * DAY), Some(now - 7 * DAY)),
            InItsWindow => (entry.start_date, entry.end_date) = (Some(now - 7 * DAY), Some(now + 7 * DAY)),
            StaffOnly => entry.access_control_id = Some(STAFF_ONLY),
            MembersOnly => join(account, &entry.id, MEMBERS, entry.updated_at),
        }
    }
}

/// Before the content is read there is no size and no length.
fn play_status(status: i64, entry: &mut SimEntry) {
    entry.status = SimStatus::Core(status);
    if matches!(status, -2 | 0 | 7) {
        (entry.width, entry.height, entry.ms_duration) = (None, None, 0);
        (entry.plays, entry.views) = (0, 0);
    }
    if status == 3 {
        entry.moderation_status = 4;
    }
}

fn moderate(status: i64, entry: &mut SimEntry) {
    entry.moderation_status = status;
    if status == 5 {
        entry.moderation_count = 2;
    }
}
