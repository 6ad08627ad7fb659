//! What a filter that does not say otherwise leaves out.

use kaltura_mirror::simulator::entry::{EntryKind, SimEntry, SimStatus};
use serde_json::json;

use super::{Lists, NOW, video};

fn with(id: &str, change: impl FnOnce(&mut SimEntry)) -> SimEntry {
    let mut entry = video(id, NOW - 1000);
    change(&mut entry);
    entry
}

/// One of each that some default leaves out, and one that none does.
async fn of_each_kind() -> Lists {
    let status = |id: &str, number: i64| with(id, |entry| entry.status = SimStatus::Core(number));
    let moderation = |id: &str, number: i64| with(id, |entry| entry.moderation_status = number);
    let display = |id: &str, number: i64| with(id, |entry| entry.display_in_search = number);
    Lists::of([
        video("0_plain", NOW - 1000),
        status("0_converting", 1),
        status("0_nocontent", 7),
        with("0_deleted", |entry| {
            entry.status = SimStatus::DELETED;
            entry.moderation_status = 4;
        }),
        with("0_infected", |entry| entry.status = SimStatus::Plugin("virusScan.Infected".to_owned())),
        moderation("0_pending", 1),
        moderation("0_rejected", 3),
        moderation("0_flagged", 5),
        display("0_recycled", -2),
        display("0_system", -1),
        display("0_network", 2),
        with("0_playlist", |entry| (entry.kind, entry.media_type) = (EntryKind::Playlist, None)),
        with("0_live", |entry| (entry.kind, entry.media_type) = (EntryKind::LiveStream, Some(201))),
    ])
    .await
}

const SHOWN: [&str; 5] = ["0_flagged", "0_live", "0_network", "0_plain", "0_playlist"];

#[tokio::test]
async fn without_a_word_a_list_shows_what_is_ready_neither_pending_nor_rejected_and_visible() {
    let lists = of_each_kind().await;
    assert_eq!(lists.ids(json!({})).await, SHOWN);
    assert_eq!(lists.call("baseEntry.count", json!({})).await, SHOWN.len());
}

#[tokio::test]
async fn each_default_ends_with_a_condition_of_its_own_kind_and_with_no_other() {
    let lists = of_each_kind().await;
    let all = "-2,-1,0,1,2,4,5,6,7";
    assert_eq!(lists.ids(json!({"statusIn": "1,7"})).await, ["0_converting", "0_nocontent"]);
    assert_eq!(lists.ids(json!({"statusEqual": "virusScan.Infected"})).await, ["0_infected"]);
    assert_eq!(lists.ids(json!({"moderationStatusIn": "1,3"})).await, ["0_pending", "0_rejected"]);
    assert_eq!(lists.ids(json!({"displayInSearchEqual": -2})).await, ["0_recycled"]);
    assert_eq!(lists.ids(json!({"displayInSearchIn": "-2,-1"})).await, ["0_recycled", "0_system"]);
    // The other two defaults hold on.
    assert_eq!(lists.ids(json!({"statusIn": all})).await.len(), SHOWN.len() + 2);
    assert_eq!(lists.ids(json!({"statusIn": all, "moderationStatusIn": "1,2,3,4,5,6"})).await.len(), SHOWN.len() + 4);
}

#[tokio::test]
async fn values_that_are_not_wanted_end_the_defaults_of_status_and_moderation_but_not_that_of_visibility() {
    let lists = of_each_kind().await;
    let others = lists.ids(json!({"statusNotEqual": 2})).await;
    assert_eq!(others, ["0_converting", "0_deleted", "0_infected", "0_nocontent"], "deleted ones too");
    let moderated = lists.ids(json!({"moderationStatusNotIn": "5,6"})).await;
    assert_eq!(moderated, ["0_pending", "0_rejected"]);
    let listed = lists.ids(json!({"displayInSearchNotEqual": 2})).await;
    assert!(!listed.contains(&"0_recycled".to_owned()) && !listed.contains(&"0_network".to_owned()), "{listed:?}");
}

#[tokio::test]
async fn naming_ids_ends_the_default_of_visibility_alone_and_naming_one_ends_all() {
    let lists = of_each_kind().await;
    let named = lists.ids(json!({"idIn": "0_plain,0_converting,0_pending,0_recycled,0_system,0_deleted"})).await;
    assert_eq!(named, ["0_plain", "0_recycled", "0_system"]);
    for id in ["0_converting", "0_pending", "0_recycled", "0_deleted"] {
        assert_eq!(lists.ids(json!({"idEqual": id})).await, [id]);
    }
}

#[tokio::test]
async fn deleted_entries_are_listed_when_their_status_is_asked_for_and_found_nowhere_else() {
    let lists = of_each_kind().await;
    assert_eq!(lists.ids(json!({"statusEqual": 3})).await, ["0_deleted"], "they are neither pending nor rejected");
    assert_eq!(lists.ids(json!({"statusIn": "3", "moderationStatusIn": "1,2,3,5,6"})).await, [""; 0]);
    assert_eq!(lists.call("baseEntry.getByIds", json!({"entryIds": "0_deleted"})).await, json!([]));
    assert_eq!(lists.call("baseEntry.get", json!({"entryId": "0_deleted"})).await["code"], "ENTRY_ID_NOT_FOUND");
}

#[tokio::test]
async fn a_filter_for_media_shows_media_alone_and_knows_conditions_that_others_do_not() {
    let lists = of_each_kind().await;
    let media = |filter: serde_json::Value| {
        let mut filter = filter;
        filter["objectType"] = json!("KalturaMediaEntryFilter");
        lists.ids(filter)
    };
    assert!(!media(json!({})).await.contains(&"0_playlist".to_owned()), "also of baseEntry.list");
    let listed = super::ids(&lists.call("media.list", json!({})).await);
    assert_eq!(listed, ["0_flagged", "0_live", "0_network", "0_plain"]);
    assert_eq!(media(json!({"typeEqual": 5})).await, [""; 0], "both conditions hold");
    assert_eq!(media(json!({"typeIn": "5"})).await, ["0_playlist"], "this one stands in place of its own");
    assert_eq!(media(json!({"mediaTypeIn": "201"})).await, ["0_live"]);
    assert_eq!(lists.ids(json!({"mediaTypeIn": "201"})).await, SHOWN, "unknown here, and passed over");
}

#[tokio::test]
async fn a_duration_is_meant_as_it_is_shown_in_whole_seconds() {
    let lasting = |id: &str, ms: i64| with(id, |entry| entry.ms_duration = ms);
    let lists =
        Lists::of([lasting("0_a", 5_499), lasting("0_b", 5_500), lasting("0_c", 6_499), lasting("0_d", 6_500)]).await;
    let of = |from: i64, to: i64| {
        lists.ids(json!({
            "objectType": "KalturaMediaEntryFilter", "durationGreaterThanOrEqual": from, "durationLessThanOrEqual": to,
        }))
    };
    assert_eq!(of(6, 6).await, ["0_b", "0_c"]);
    assert_eq!(of(0, 5).await, ["0_a"]);
    assert_eq!(of(7, 100).await, ["0_d"]);
}
