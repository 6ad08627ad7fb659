//! What the account holds besides videos and sound: pictures, playlists, texts, live streams, and a video whose content is
//! just being replaced.

use fastrand::Rng;
use serde_json::Value;

use super::{DAY, MEMBERS, STAFF_ONLY, SYNC_PROFILE};
use crate::domain::ids::{EntryId, MetadataId};
use crate::simulator::custom_metadata::SimMetadata;
use crate::simulator::entry::{EntryKind, SimEntry, SimStatus};
use crate::simulator::state::SimAccount;

const PICTURES: [(&str, &str); 6] = [
    ("Poster: Open Day", "poster, open day"),
    ("Floor plan of the maritime wing", "map, maritime"),
    ("Affiche : concert de midi", "affiche, concert"),
    ("Plakat: Turnier der Jugend & Familienfest", "plakat, turnier"),
    ("ポスター：市民マラソン", "ポスター, マラソン"),
    ("ملصق: أمسية عود ورق", "ملصق, موسيقى"),
];

const PLAYLISTS: [(&str, &str); 4] = [
    ("Databases, weeks 1 to 4", "series"),
    ("A museum in eleven languages", "museum"),
    ("לשמוע: הקלטות מהעולם", "sound"),
    ("Cooking without a recipe & without fear", "cooking"),
];

const TEXTS: [(&str, &str); 2] = [
    (
        "Chapters of the town hall meeting",
        r#"{"chapters":[{"at":0,"title":"Opening"},{"at":754,"title":"Libraries & parks"}]}"#,
    ),
    ("Glossary of restoration", "patina: the skin of time\nloss: what is missing & stays so"),
];

const LIVE_STREAMS: [&str; 2] = ["Live: Main Hall", "Live: Harbour Camera 🌊"];

/// Adds them all.
pub(super) fn add(account: &mut SimAccount, rng: &mut Rng) {
    let videos: Vec<EntryId> =
        account.entries.values().filter(|entry| is_plain_video(account, entry)).map(|entry| entry.id.clone()).collect();
    for (name, tags) in PICTURES {
        add_picture(account, name, tags, rng);
    }
    for (number, (name, tags)) in PLAYLISTS.into_iter().enumerate() {
        let listed = videos.iter().skip(number * 7).take(4).map(EntryId::as_str).collect::<Vec<_>>().join(",");
        add_text_like(account, EntryKind::Playlist, name, tags, ("playlistContent", &listed));
    }
    for (name, content) in TEXTS {
        add_text_like(account, EntryKind::Data, name, "", ("dataContent", content));
    }
    for name in LIVE_STREAMS {
        add_live_stream(account, name, rng);
    }
    if let Some(original) = videos.last() {
        add_replacement(account, original, rng);
    }
}

/// A ready video that nothing withholds.
fn is_plain_video(account: &SimAccount, entry: &SimEntry) -> bool {
    let is_scheduled = entry.start_date.is_some() || entry.end_date.is_some();
    let memberships = account.category_entries.get(&entry.id).map(Vec::as_slice).unwrap_or_default();
    entry.status == SimStatus::READY
        && entry.media_type == Some(1)
        && matches!(entry.moderation_status, 2 | 6)
        && entry.display_in_search == 1
        && !is_scheduled
        && entry.access_control_id != Some(STAFF_ONLY)
        && memberships.iter().all(|membership| membership.category_id != MEMBERS)
}

fn blank(account: &mut SimAccount, name: &str, tags: &str) -> SimEntry {
    let at = account.now() - 30 * DAY;
    let mut entry = SimEntry::video(account.make_entry_id(), name, at);
    tags.clone_into(&mut entry.tags);
    entry
}

fn insert(account: &mut SimAccount, entry: SimEntry) {
    account.entries.insert(entry.id.clone(), entry);
}

fn add_picture(account: &mut SimAccount, name: &str, tags: &str, rng: &mut Rng) {
    let mut entry = blank(account, name, tags);
    entry.media_type = Some(2);
    (entry.width, entry.height, entry.ms_duration) = (Some(1600), Some(900), 0);
    entry.data_version = 100_012;
    entry.thumbnail.version = 100_012;
    entry.thumbnail.seed = rng.u64(..);
    insert(account, entry);
}

/// A playlist or a text: no media, and its content as one more API field.
fn add_text_like(account: &mut SimAccount, kind: EntryKind, name: &str, tags: &str, content: (&str, &str)) {
    let mut entry = blank(account, name, tags);
    entry.kind = kind;
    (entry.media_type, entry.source_type) = (None, None);
    (entry.width, entry.height, entry.ms_duration) = (None, None, 0);
    entry.data_version = 100_002;
    entry.thumbnail.version = if kind == EntryKind::Playlist { 100_002 } else { 0 };
    entry.extra.insert(content.0.to_owned(), Value::from(content.1));
    insert(account, entry);
}

/// Live streams are content, too: an editor has asked for this one.
fn add_live_stream(account: &mut SimAccount, name: &str, rng: &mut Rng) {
    let mut entry = blank(account, name, "live");
    entry.kind = EntryKind::LiveStream;
    (entry.media_type, entry.source_type) = (Some(201), Some("30".to_owned()));
    (entry.width, entry.height, entry.ms_duration) = (None, None, 0);
    entry.thumbnail.seed = rng.u64(..);
    if let Some(profile) = account.metadata_profiles.get(&SYNC_PROFILE) {
        let xml = "<metadata><SyncStatus>Sync Needed</SyncStatus><Topic>News</Topic></metadata>";
        let metadata = SimMetadata::new(MetadataId(account.next_metadata_id), profile, xml, entry.created_at);
        account.next_metadata_id += 1;
        account.metadata.insert(entry.id.clone(), vec![metadata]);
    }
    insert(account, entry);
}

/// New content for `original` waits in a temporary entry: ready, hidden, and not to be mirrored.
fn add_replacement(account: &mut SimAccount, original: &EntryId, rng: &mut Rng) {
    let Some(replaced) = account.entries.get(original) else { return };
    let name = replaced.name.clone();
    let mut twin = blank(account, &name, "");
    twin.display_in_search = -1;
    twin.replaced_entry_id = Some(original.clone());
    twin.thumbnail.seed = rng.u64(..);
    if let Some(replaced) = account.entries.get_mut(original) {
        replaced.replacing_entry_id = Some(twin.id.clone());
        replaced.replacement_status = 2;
    }
    insert(account, twin);
}
