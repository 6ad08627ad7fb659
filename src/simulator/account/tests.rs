//! The account holds what it is to hold.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::domain::clock::Timestamp;
use crate::metadata_xml::document::Document;
use crate::metadata_xml::schema::Schema;
use crate::simulator::entry::{EntryKind, SimStatus, ThumbnailSource};

const NOW: i64 = 1_795_459_465;

fn account() -> SimAccount {
    account_of(7)
}

fn account_of(seed: u64) -> SimAccount {
    believable_account(seed, Clock::manual(Timestamp::from_secs(NOW)))
}

fn documents(account: &SimAccount) -> Vec<(&SimEntry, &str)> {
    let documents = account.metadata.iter().flat_map(|(id, list)| list.iter().map(move |metadata| (id, metadata)));
    documents.map(|(id, metadata)| (&account.entries[id], metadata.xml.as_str())).collect()
}

/// Ready, in no way withheld: what the public will see once it is synced.
fn is_open(account: &SimAccount, entry: &SimEntry) -> bool {
    let memberships = &account.category_entries.get(&entry.id).cloned().unwrap_or_default();
    entry.status == SimStatus::READY
        && matches!(entry.moderation_status, 2 | 6)
        && entry.display_in_search == 1
        && entry.access_control_id == account.default_access_control()
        && entry.start_date.is_none_or(|start| start <= NOW)
        && entry.end_date.is_none_or(|end| end > NOW)
        && entry.replaced_entry_id.is_none()
        && memberships.iter().all(|membership| account.categories[&membership.category_id].privacy_context.is_empty())
}

#[test]
fn it_holds_some_two_hundred_entries_and_most_are_open() {
    let account = account();
    assert!((190..=210).contains(&account.entries.len()), "{}", account.entries.len());
    let open = account.entries.values().filter(|entry| is_open(&account, entry)).count();
    assert!(open > 140, "{open}");
}

#[test]
fn every_status_an_entry_can_have_is_there() {
    let account = account();
    let statuses: BTreeSet<String> = account.entries.values().map(|entry| entry.status.as_text()).collect();
    for status in ["-2", "-1", "0", "1", "2", "3", "4", "5", "6", "7", "virusScan.Infected", "virusScan.ScanFailure"] {
        assert!(statuses.contains(status), "{status}");
    }
}

#[test]
fn every_moderation_status_is_there_on_a_ready_entry() {
    let account = account();
    let ready = account.entries.values().filter(|entry| entry.status == SimStatus::READY);
    let moderation: BTreeSet<i64> = ready.map(|entry| entry.moderation_status).collect();
    assert_eq!(moderation, BTreeSet::from([1, 2, 3, 4, 5, 6]));
}

#[test]
fn there_are_videos_pictures_sound_live_streams_playlists_and_texts() {
    let account = account();
    let count = |is: &dyn Fn(&SimEntry) -> bool| account.entries.values().filter(|entry| is(entry)).count();
    assert!(count(&|entry| entry.kind == EntryKind::Media && entry.media_type == Some(1)) > 150);
    assert!(count(&|entry| entry.kind == EntryKind::Media && entry.media_type == Some(2)) >= 3);
    assert!(count(&|entry| entry.kind == EntryKind::Media && entry.media_type == Some(5)) >= 3);
    assert!(count(&|entry| entry.kind == EntryKind::LiveStream && entry.media_type == Some(201)) >= 1);
    assert!(count(&|entry| entry.kind == EntryKind::Data && entry.extra.contains_key("dataContent")) >= 1);
    let playlists: Vec<&SimEntry> =
        account.entries.values().filter(|entry| entry.kind == EntryKind::Playlist).collect();
    assert!(playlists.len() >= 2);
    for playlist in playlists {
        for id in playlist.extra["playlistContent"].as_str().unwrap().split(',') {
            assert!(account.entries.contains_key(&id.parse::<EntryId>().unwrap()), "{id}");
        }
    }
}

#[test]
fn some_are_recycled_scheduled_restricted_or_for_members_only() {
    let account = account();
    let some = |what: &str, is: &dyn Fn(&SimEntry) -> bool| {
        let ready = account.entries.values().filter(|entry| entry.status == SimStatus::READY);
        assert!(ready.filter(|entry| is(entry)).count() >= 2, "{what}");
    };
    some("recycled", &|entry| entry.is_recycled());
    some("start later", &|entry| entry.start_date.is_some_and(|start| start > NOW));
    some("ended", &|entry| entry.end_date.is_some_and(|end| end < NOW));
    some("in their window", &|entry| {
        entry.start_date.is_some_and(|start| start < NOW) && entry.end_date.is_some_and(|end| end > NOW)
    });
    some("for the staff network", &|entry| entry.access_control_id == Some(STAFF_ONLY));
    some("for members", &|entry| {
        let joined = account.category_entries.get(&entry.id);
        joined.is_some_and(|joined| joined.iter().any(|membership| membership.category_id == MEMBERS))
    });
    assert!(!account.access_controls[&STAFF_ONLY].rules.is_empty());
    assert_eq!(account.categories[&MEMBERS].privacy_context, "portal");
}

#[test]
fn a_replacement_waits_in_a_hidden_twin() {
    (0..8).map(account_of).for_each(|account| check_replacement(&account));
}

fn check_replacement(account: &SimAccount) {
    let twins: Vec<&SimEntry> = account.entries.values().filter(|entry| entry.replaced_entry_id.is_some()).collect();
    let [twin] = twins[..] else { panic!("{} twins", twins.len()) };
    let original = &account.entries[twin.replaced_entry_id.as_ref().unwrap()];
    assert_eq!(original.replacing_entry_id.as_ref(), Some(&twin.id));
    assert_eq!((twin.display_in_search, original.replacement_status), (-1, 2));
    assert!(is_open(account, original));
}

#[test]
fn every_case_of_the_sync_decision_is_there_on_an_open_entry() {
    (0..8).map(account_of).for_each(|account| check_cases(&account));
}

fn check_cases(account: &SimAccount) {
    let documents: Vec<&str> = documents(account)
        .into_iter()
        .filter(|(entry, _)| is_open(account, entry))
        .map(|(_, document)| document)
        .collect();
    let some = |what: &str, is: &dyn Fn(&str) -> bool| assert!(documents.iter().any(|document| is(document)), "{what}");
    let holds = |document: &str, value: &str| document.contains(&format!("<SyncStatus>Sync {value}</SyncStatus>"));
    for value in ["Needed", "Done", "Manual"] {
        some(value, &|document| !document.contains('\n') && holds(document, value));
    }
    some("absent", &|document| document.contains("<Topic>") && !document.contains("SyncStatus"));
    some("empty", &|document| document == "<metadata/>");
    some("pretty-printed", &|document| document.contains("\n  <SyncStatus>Sync Needed<"));
    some("declared", &|document| document.starts_with("<?xml") && holds(document, "Needed"));
    some("CDATA and entities", &|document| {
        document.contains("<![CDATA[") && document.contains("&#xE9;") && holds(document, "Needed")
    });
    some("several speakers", &|document| document.matches("<Speakers>").count() > 2);
    let without = account.entries.values().filter(|entry| is_open(account, entry));
    assert!(without.filter(|entry| !account.metadata.contains_key(&entry.id)).count() > 5);
}

#[test]
fn every_document_is_valid_and_can_be_marked_as_done() {
    let account = account();
    let schema = Schema::parse(&account.metadata_profiles[&SYNC_PROFILE].xsd).unwrap();
    let fields: Vec<&str> = schema.fields().iter().map(|field| field.name.as_str()).collect();
    assert_eq!(fields, ["LinkURL", "LinkText", "SyncStatus", "Topic", "ReleaseDate", "Speakers"]);
    for (_, document) in documents(&account) {
        assert_eq!(schema.validate(document), Ok(()), "{document}");
        let marked = Document::parse(document).unwrap().with_field("SyncStatus", "Sync Done", &schema).unwrap();
        assert_eq!(schema.validate(&marked), Ok(()), "{marked}");
    }
}

#[test]
fn every_ready_video_has_one_to_five_flavors_and_some_have_captions() {
    let account = account();
    let mut counts = BTreeSet::new();
    for entry in
        account.entries.values().filter(|entry| entry.status == SimStatus::READY && entry.media_type == Some(1))
    {
        if entry.replaced_entry_id.is_none() {
            counts.insert(account.flavors[&entry.id].len());
        }
    }
    assert_eq!(counts, BTreeSet::from([1, 2, 3, 4, 5]));
    assert!((20..100).contains(&account.captions.len()), "{}", account.captions.len());
    let languages: BTreeSet<&str> =
        account.captions.values().flatten().map(|caption| caption.language_code.as_str()).collect();
    assert!(languages.len() > 8, "{languages:?}");
}

#[test]
fn pictures_come_in_several_versions_and_from_every_source() {
    let account = account();
    let thumbnails: Vec<_> = account.entries.values().map(|entry| &entry.thumbnail).collect();
    for version in [0, 100_002, 100_012] {
        assert!(thumbnails.iter().any(|thumbnail| thumbnail.version == version), "{version}");
    }
    for source in [ThumbnailSource::Drawn, ThumbnailSource::Stock, ThumbnailSource::Missing] {
        assert!(thumbnails.iter().any(|thumbnail| thumbnail.source == source), "{source:?}");
    }
}

#[test]
fn titles_are_written_in_many_scripts() {
    let account = account();
    let all: String = account.entries.values().map(|entry| entry.name.as_str()).collect();
    let scripts = BTreeMap::from([
        ("Latin with marks", 'ü'..='ş'),
        ("Greek", 'Α'..='ω'),
        ("Cyrillic", 'А'..='я'),
        ("Hebrew", 'א'..='ת'),
        ("Arabic", 'ء'..='ي'),
        ("Devanagari", 'अ'..='ह'),
        ("Kana", 'ぁ'..='ヶ'),
        ("Han", '一'..='龥'),
        ("Emoji", '🌀'..='🫶'),
        ("Combining accents", '\u{300}'..='\u{36f}'),
    ]);
    for (script, range) in scripts {
        assert!(all.chars().any(|letter| range.contains(&letter)), "{script}");
    }
}

#[test]
fn times_are_in_the_past_and_in_order() {
    let account = account();
    for entry in account.entries.values() {
        assert!(entry.created_at <= entry.updated_at && entry.updated_at <= NOW, "{entry:?}");
    }
}

#[test]
fn the_same_seed_gives_the_same_account_and_another_seed_another() {
    let told = |seed| {
        let account = account_of(seed);
        format!("{:?} {:?} {:?} {:?}", account.entries, account.metadata, account.flavors, account.category_entries)
    };
    assert_eq!(told(7), told(7));
    assert_ne!(told(7), told(8));
}
