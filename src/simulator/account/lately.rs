//! Films that came in last, so that no other entry's number or part depends on them: a script that is written without spaces,
//! and titles that hold an inventory number.

use super::shows::category_of;
use super::{DAY, SYNC_PROFILE, join};
use crate::domain::ids::MetadataId;
use crate::simulator::assets::SimFlavor;
use crate::simulator::custom_metadata::SimMetadata;
use crate::simulator::entry::SimEntry;
use crate::simulator::state::SimAccount;

/// Subject, title, description, tags.
const FILMS: [[&str; 4]; 6] = [
    ["Cooking", "ต้มยำกุ้งทำเองที่บ้าน", "น้ำซุปเปรี้ยวเผ็ด พร้อมเสิร์ฟในสามสิบนาที", "อาหารไทย, ต้มยำกุ้ง"],
    ["News", "ข่าวเช้า: เรือข้ามฟากกลับมาให้บริการ", "ท่าเรือสองแห่งเปิดแล้ว แห่งที่สามเปิดวันศุกร์", "ข่าว, เรือข้ามฟาก"],
    ["Lecture", "ประวัติศาสตร์กระดาษสา", "จากเปลือกไม้สู่แผ่นกระดาษ บรรยายสำหรับประชาชนทั่วไป", "ประวัติศาสตร์, กระดาษ"],
    ["Museum", "พิพิธภัณฑ์ยามค่ำคืน", "เดินชมห้องเครื่องปั้นดินเผากับภัณฑารักษ์", "พิพิธภัณฑ์, เครื่องปั้นดินเผา"],
    [
        "Museum",
        "Conservation Log MW-1042: The Ship's Bell",
        "Cleaning, casting cracks and the question of whether to ring it.",
        "conservation, MW-1042",
    ],
    [
        "Museum",
        "Conservation Log MW-1024: A Barometer Without Mercury",
        "An empty tube, a full file and a careful decision.",
        "conservation, MW-1024",
    ],
];

/// Adds them all; each is ready, open to all, and wanted on the website.
pub(super) fn add(account: &mut SimAccount) {
    for (number, [subject, title, description, tags]) in (0..).zip(FILMS) {
        let at = account.now() - (20 - number) * DAY;
        let mut entry = SimEntry::video(account.make_entry_id(), title, at);
        description.clone_into(&mut entry.description);
        tags.clone_into(&mut entry.tags);
        (entry.width, entry.height) = (Some(1280), Some(720));
        entry.ms_duration = 300_000 + 61_000 * number;
        entry.thumbnail.seed = number.unsigned_abs();
        let source = SimFlavor::source(&account.make_object_id(), 1280, 720, at + 60);
        account.flavors.insert(entry.id.clone(), vec![source]);
        join(account, &entry.id, category_of(subject), at);
        ask_for(account, &entry, subject);
        account.entries.insert(entry.id.clone(), entry);
    }
}

fn ask_for(account: &mut SimAccount, entry: &SimEntry, subject: &str) {
    let Some(profile) = account.metadata_profiles.get(&SYNC_PROFILE) else { return };
    let xml = format!("<metadata><SyncStatus>Sync Needed</SyncStatus><Topic>{subject}</Topic></metadata>");
    let metadata = SimMetadata::new(MetadataId(account.next_metadata_id), profile, &xml, entry.created_at);
    account.next_metadata_id += 1;
    account.metadata.insert(entry.id.clone(), vec![metadata]);
}
