//! What an entry of the catalogue is: texts by its number, everything else by its kind, of which there are a hundred.

use crate::domain::ids::{AccessControlId, MetadataId};
use crate::simulator::assets::{SimCaption, SimFlavor};
use crate::simulator::categories::SimCategoryEntry;
use crate::simulator::custom_metadata::SimMetadata;
use crate::simulator::entry::{SimEntry, SimStatus};

use super::words::Words;
use super::{FIRST_METADATA, Generated, Mix, Says, whole};

/// So many kinds of entries follow each other, over and over.
pub(super) const KINDS: u64 = 100;

const DESCRIPTION_WORDS: usize = 120;
/// Since 2020: an entry that ended then is over.
const LONG_AGO: i64 = 1_577_836_800;
const DAY: i64 = 86_400;

/// What is out of the ordinary about an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Oddity {
    None,
    NoContent,
    Converting,
    Failed,
    Recycled,
    Pending,
    Rejected,
    StaffOnly,
    Closed,
    Over,
    Audio,
    NoDocument,
    Manual,
    Captioned,
}

impl Generated {
    /// Which of the kinds an entry is of.
    fn kind(&self, number: u64) -> u64 {
        // Odd and no multiple of five: neighbours differ, and each of a hundred neighbours is another kind.
        const SPREAD: u64 = 37;
        (number % KINDS * SPREAD + self.plan.seed % KINDS) % KINDS
    }

    fn oddity(&self, number: u64) -> Oddity {
        if self.plan.mix == Mix::Plain {
            return Oddity::None;
        }
        match self.kind(number) {
            0 => Oddity::NoContent,
            1 => Oddity::Converting,
            2 => Oddity::Failed,
            3 | 4 => Oddity::Recycled,
            5 => Oddity::Pending,
            6 | 7 => Oddity::Rejected,
            8 | 9 => Oddity::StaffOnly,
            10 | 11 => Oddity::Closed,
            12 => Oddity::Over,
            13 | 14 => Oddity::Audio,
            15..=17 => Oddity::NoDocument,
            18 | 19 => Oddity::Manual,
            20..=23 => Oddity::Captioned,
            _ => Oddity::None,
        }
    }

    /// An entry, whole, as it is before anything changes it. `now` (Unix seconds) tells what is over from what is not.
    pub fn entry(&self, number: u64, now: i64) -> SimEntry {
        let mut entry = self.bare(number, now);
        let mut words = Words::of(self.plan.seed, number);
        entry.name = format!("{} of the {} and the {}, part {number}", words.title(), words.next(), words.next());
        entry.tags = format!("{}, {}, {}, {}", words.next(), words.next(), words.next(), words.next());
        entry.description = words.sentences(DESCRIPTION_WORDS);
        entry
    }

    /// An entry without its texts: all that it has in common with those of its kind, its times and its id.
    pub(super) fn bare(&self, number: u64, now: i64) -> SimEntry {
        let mut entry = SimEntry::video(self.id(number), "", self.plan.created_at(number));
        entry.updated_at = self.plan.updated_at(number);
        let kind = whole(self.kind(number));
        entry.ms_duration = (20 + 37 * kind) * 1000 + 10 * kind;
        (entry.views, entry.plays) = (kind * 31, kind * 17);
        entry.thumbnail.replace(number);
        match self.oddity(number) {
            Oddity::NoContent => {
                entry.status = SimStatus::NO_CONTENT;
                (entry.width, entry.height, entry.ms_duration) = (None, None, 0);
            }
            Oddity::Converting => entry.status = SimStatus::Core(1),
            Oddity::Failed => entry.status = SimStatus::Core(-1),
            Oddity::Recycled => entry.display_in_search = -2,
            Oddity::Pending => entry.moderation_status = 1,
            Oddity::Rejected => entry.moderation_status = 3,
            Oddity::StaffOnly => entry.access_control_id = self.restricted.or(entry.access_control_id),
            Oddity::Over => entry.end_date = Some(LONG_AGO.min(now - DAY)),
            Oddity::Audio => (entry.media_type, entry.width, entry.height) = (Some(5), None, None),
            Oddity::None | Oddity::Closed | Oddity::NoDocument | Oddity::Manual | Oddity::Captioned => {}
        }
        entry.access_control_id = entry.access_control_id.or(Some(AccessControlId(2)));
        entry
    }

    /// Its document of the sync profile, if it has one.
    pub fn metadata(&self, number: u64) -> Vec<SimMetadata> {
        let oddity = self.oddity(number);
        let (Some((profile_id, profile_version)), false) = (self.profile, oddity == Oddity::NoDocument) else {
            return Vec::new();
        };
        let value = match (oddity, self.plan.says) {
            (_, Says::NoDocument) => return Vec::new(),
            (Oddity::Manual, _) => "<SyncStatus>Sync Manual</SyncStatus>",
            (_, Says::Done) => "<SyncStatus>Sync Done</SyncStatus>",
            (_, Says::Needed) => "<SyncStatus>Sync Needed</SyncStatus>",
            (_, Says::Nothing) => "",
        };
        let topic = TOPICS[self.kind(number) as usize % TOPICS.len()];
        let at = self.plan.updated_at(number);
        vec![SimMetadata {
            id: MetadataId(FIRST_METADATA + whole(number)),
            profile_id,
            profile_version,
            version: 2,
            created_at: at,
            updated_at: at,
            status: 1,
            xml: format!("<metadata>{value}<Topic>{topic}</Topic></metadata>"),
        }]
    }

    /// The file that was uploaded and two encodings; nothing before it was converted.
    pub fn flavors(&self, number: u64) -> Vec<SimFlavor> {
        if matches!(self.oddity(number), Oddity::NoContent) {
            return Vec::new();
        }
        let at = self.plan.created_at(number);
        let source = SimFlavor::source(&self.part_id(number, 1), 1920, 1080, at);
        let web = |part: u64, height: i64| {
            SimFlavor::web(&self.part_id(number, part), whole(part), height * 16 / 9, height, height * 2, at)
        };
        vec![source, web(2, 720), web(3, 360)]
    }

    /// Its captions.
    pub(super) fn captions(&self, number: u64) -> Vec<SimCaption> {
        if self.oddity(number) != Oddity::Captioned {
            return Vec::new();
        }
        let mut words = Words::of(self.plan.seed, number);
        let line = words.sentences(9);
        let content = format!("1\n00:00:01,000 --> 00:00:04,000\n{line}\n");
        vec![SimCaption::srt(&self.part_id(number, 4), &content, self.plan.updated_at(number))]
    }

    /// The one category it stands in.
    pub(super) fn memberships(&self, number: u64) -> Vec<SimCategoryEntry> {
        let open = self.categories.get(self.kind(number) as usize % self.categories.len().max(1)).copied();
        let category = match self.oddity(number) {
            Oddity::Closed => self.closed.or(open),
            _ => open,
        };
        let active = |id| SimCategoryEntry::active(id, self.plan.created_at(number));
        category.map(active).into_iter().collect()
    }
}

/// Values of the believable account's field `Topic`.
const TOPICS: [&str; 6] = ["Lecture", "Sport", "News", "Museum", "Cooking", "Music"];
