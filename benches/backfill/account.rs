//! The account: the demo's profile and policy, and as many videos as wanted, each synced before.

use kaltura_mirror::domain::clock::Clock;
use kaltura_mirror::domain::ids::{EntryId, MetadataId};
use kaltura_mirror::simulator::account::{SYNC_PROFILE, believable_account};
use kaltura_mirror::simulator::assets::SimFlavor;
use kaltura_mirror::simulator::custom_metadata::SimMetadata;
use kaltura_mirror::simulator::entry::SimEntry;
use kaltura_mirror::simulator::state::SimAccount;

/// The first entry's `createdAt`; each follows a minute after the one before.
const FIRST: i64 = 1_500_000_000;
const APART: i64 = 60;
const WORDS: [&str; 12] = [
    "harbour",
    "lecture",
    "glacier",
    "museum",
    "orchestra",
    "bridge",
    "kitchen",
    "forest",
    "election",
    "satellite",
    "archive",
    "market",
];

pub fn of(entries: usize) -> SimAccount {
    let mut account = believable_account(7, Clock::system());
    account.entries.clear();
    account.category_entries.clear();
    account.metadata.clear();
    account.flavors.clear();
    account.captions.clear();
    account.jobs.clear();
    for number in 0..entries {
        add(&mut account, number);
    }
    account
}

fn add(account: &mut SimAccount, number: usize) {
    let id: EntryId = format!("0_{number:08x}").parse().unwrap();
    let at = FIRST + number as i64 * APART;
    let word = |place: usize| WORDS[(number / 12_usize.pow(place as u32 % 4) + place) % WORDS.len()];
    let text = |words: usize| (0..words).map(word).collect::<Vec<_>>().join(" ");
    let mut entry = SimEntry::video(id.clone(), &format!("Film {number} of the {}", text(3)), at);
    entry.description = text(120);
    entry.tags = (0..4).map(word).collect::<Vec<_>>().join(", ");
    let profile = &account.metadata_profiles[&SYNC_PROFILE];
    let xml = format!("<metadata><SyncStatus>Sync Done</SyncStatus><Topic>{}</Topic></metadata>", word(1));
    let metadata = SimMetadata::new(MetadataId(number as i64 + 1), profile, &xml, at);
    let source = SimFlavor::source(&format!("1_{number:07x}0"), 1920, 1080, at);
    let web = |place: i64, height: i64| {
        SimFlavor::web(&format!("1_{number:07x}{place}"), place + 1, height * 16 / 9, height, height * 2, at)
    };
    account.metadata.insert(id.clone(), vec![metadata]);
    account.flavors.insert(id.clone(), vec![source, web(1, 720), web(2, 360)]);
    account.entries.insert(id, entry);
}
