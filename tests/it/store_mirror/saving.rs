//! One look at a batch of entries: what is kept, what visitors are told, and what a lost claim writes.

use std::time::Duration;

use kaltura_mirror::domain::decide::{Decision, Mark, Tell};
use kaltura_mirror::domain::ids::MetadataId;
use kaltura_mirror::domain::visibility::{PublicState, Withheld};
use kaltura_mirror::store::{Cause, Lane, MarkRecord, Noted, PendingMark, Reason, RemovalLimit, Save, Saved, Seen};
use serde_json::json;

use super::house::{
    CATEGORY, CONTENT_PROFILE, House, PRIVATE_CATEGORY, RESTRICTED_PROFILE, START, entry, member, seen_only, synced,
    synced_as,
};

const ID: &str = "0_b7eejrrj";

fn state(saved: &Saved) -> PublicState {
    match saved {
        Saved::Mirrored { state, .. } => state.clone(),
        other => panic!("not mirrored: {other:?}"),
    }
}

fn withheld(why: Withheld) -> PublicState {
    PublicState::Withheld(vec![why])
}

#[tokio::test]
async fn a_synced_entry_is_mirrored_shown_and_its_picture_wanted() {
    let house = House::open().await;
    let saved = house.look_at(synced(ID)).await;
    let Saved::Mirrored { state, change: Some(change), thumbnail_wanted: true, .. } = saved else {
        panic!("{saved:?}")
    };
    assert_eq!((state, change.cause), (PublicState::Public, Cause::Synced));
    assert_eq!(house.changes(&mut 0).await, [format!("put {ID} synced")]);

    let known = house.known(ID).await;
    assert!(known.in_mirror && !known.hidden && known.missing_since.is_none());
    assert_eq!(known.known.content, synced(ID).content.map(|content| content.fingerprint));
    assert_eq!((known.known.emitted_version, known.looked_at), (Some(2), Some(START)));
    assert_eq!(known.updated_at, Some(1_790_000_000));
}

#[tokio::test]
async fn the_echo_of_our_own_write_back_writes_no_change() {
    let house = House::open().await;
    let mut after = 0;
    house.look_at(synced(ID)).await;
    house.changes(&mut after).await;
    let echo = seen_only(ID, json!({"updatedAt": 1_790_000_009, "plays": 99}));
    let saved = house.look_at(echo).await;
    assert!(matches!(saved, Saved::Mirrored { state: PublicState::Public, change: None, .. }), "{saved:?}");
    let again =
        Seen { decision: Decision::Fill, cause: Cause::Backfill, ..synced_as(ID, json!({"updatedAt": 1_790_000_010})) };
    house.look_at(again).await;
    assert_eq!(house.changes(&mut after).await, [""; 0]);
    assert_eq!(house.known(ID).await.updated_at, Some(1_790_000_010));
}

#[tokio::test]
async fn changed_content_is_told_with_its_cause_and_an_editor_who_asks_again_is_told_again() {
    let house = House::open().await;
    let mut after = 0;
    house.look_at(synced(ID)).await;
    house.look_at(synced_as(ID, json!({"name": "Another"}))).await;
    let changed = Seen {
        decision: Decision::Sync { tell: Tell::Changed, mark: Mark::No },
        cause: Cause::Changed,
        emitted_version: None,
        ..synced_as(ID, json!({"name": "A third"}))
    };
    house.look_at(changed).await;
    let resync = Seen {
        decision: Decision::Sync { tell: Tell::Synced { resync: true }, mark: Mark::Update },
        cause: Cause::Resync,
        ..synced_as(ID, json!({"name": "A third"}))
    };
    house.look_at(resync.clone()).await;
    let told_before = Seen {
        decision: Decision::Sync { tell: Tell::ToldBefore, mark: Mark::Update },
        emitted_version: None,
        ..resync
    };
    house.look_at(told_before).await;
    let words = ["synced", "synced", "changed", "resync"].map(|cause| format!("put {ID} {cause}"));
    assert_eq!(house.changes(&mut after).await, words);
}

#[tokio::test]
async fn facts_are_kept_on_every_look_although_content_is_not() {
    let house = House::open().await;
    let mut after = 0;
    house.look_at(synced(ID)).await;
    let content = house.known(ID).await.known.content;

    let cases = [
        (json!({"status": "4"}), Withheld::NotReady, "not_ready"),
        (json!({"status": "6"}), Withheld::Moderation, "moderation"),
        (json!({"moderationStatus": 3}), Withheld::Moderation, "moderation"),
        (json!({"displayInSearch": -2}), Withheld::Recycled, "recycled"),
        (json!({"accessControlId": RESTRICTED_PROFILE}), Withheld::Restricted, "restricted"),
        (json!({"startDate": START.as_secs() + 100}), Withheld::Schedule, "schedule"),
        (json!({"endDate": START.as_secs()}), Withheld::Schedule, "schedule"),
    ];
    house.changes(&mut after).await;
    for (edit, why, cause) in cases {
        let mut edit_and_name = edit.clone();
        edit_and_name["name"] = json!("never mirrored");
        let saved = house.look_at(seen_only(ID, edit_and_name)).await;
        assert_eq!(state(&saved), withheld(why), "{edit}");
        assert_eq!(state(&house.look_at(seen_only(ID, json!({}))).await), PublicState::Public, "{edit}");
        let told = house.changes(&mut after).await;
        assert_eq!(told, [format!("drop {ID} {cause}"), format!("put {ID} {cause}")], "{edit}");
    }
    assert_eq!(house.known(ID).await.known.content, content);
}

#[tokio::test]
async fn a_private_category_withholds_and_leaving_it_shows_again() {
    let house = House::open().await;
    house.look_at(synced(ID)).await;
    let in_both = vec![member(ID, CATEGORY, 2), member(ID, PRIVATE_CATEGORY, 1)];
    let saved = house.look_at(Seen { memberships: in_both, ..seen_only(ID, json!({})) }).await;
    assert_eq!(state(&saved), withheld(Withheld::Restricted));
    assert_eq!(state(&house.look_at(seen_only(ID, json!({}))).await), PublicState::Public);
}

#[tokio::test]
async fn dates_and_categories_belong_to_the_public_answer() {
    let house = House::open().await;
    let mut after = 0;
    house.look_at(synced(ID)).await;
    house.changes(&mut after).await;
    house.look_at(seen_only(ID, json!({"endDate": START.as_secs() + 1_000}))).await;
    house.look_at(Seen { memberships: vec![], ..seen_only(ID, json!({"endDate": START.as_secs() + 1_000})) }).await;
    assert_eq!(house.changes(&mut after).await, vec![format!("put {ID} changed"); 2]);
}

#[tokio::test]
async fn an_entry_that_is_not_brought_in_leaves_no_trace_in_the_mirror_but_is_remembered() {
    let house = House::open().await;
    assert_eq!(house.look_at(seen_only(ID, json!({}))).await, Saved::NotMirrored);
    assert_eq!(house.absent("0_never", true).await, Saved::NotMirrored);
    assert!(house.changes(&mut 0).await.is_empty());
    let known = house.known(ID).await;
    assert!(!known.in_mirror && known.known.content.is_none());
    assert_eq!(known.looked_at, Some(START));
}

#[tokio::test]
async fn a_worker_that_lost_its_claim_writes_nothing() {
    let house = House::open().await;
    let lost = house.claim(&[entry(ID), entry("0_other")]).await;
    house.pass(61);
    let taken = house.store.claim(&Lane::ALL, 1, Duration::from_secs(60)).await.unwrap().unwrap();
    let taken_id = taken.entries()[0].entry_id.clone();

    let both = vec![Save::Seen(Box::new(synced(ID))), Save::Seen(Box::new(synced("0_other")))];
    let saved = house.store.save_entries(&lost, both, RemovalLimit::default()).await.unwrap();
    assert!(saved.iter().all(|(_, saved)| *saved == Saved::Lost), "{saved:?}");
    assert!(house.changes(&mut 0).await.is_empty());
    assert_eq!(house.known(ID).await, Default::default());

    let marked = house.store.record_mark(&lost, vec![mark(taken_id.as_str())]).await.unwrap();
    assert_eq!(marked, [(taken_id.clone(), Noted::Lost)]);
    let failed = house.store.record_sync_failure(&lost, vec![(taken_id.clone(), "no".into())]).await.unwrap();
    assert_eq!(failed, [(taken_id, Noted::Lost)]);
}

#[tokio::test]
async fn a_batch_is_saved_for_those_entries_whose_claim_still_holds() {
    let house = House::open().await;
    let batch = house.claim(&[entry(ID), entry("0_other")]).await;
    house.pass(61);
    let saves = |ids: [&str; 2]| ids.map(|id| Save::Seen(Box::new(synced(id)))).to_vec();
    house.store.make_dirty(house.account(), &[entry(ID)], Reason::Person, Lane::Live).await.unwrap();
    let taken = house.store.claim(&Lane::ALL, 1, Duration::from_secs(60)).await.unwrap().unwrap();
    let (mine, other) = if taken.entries()[0].entry_id == entry(ID) { (ID, "0_other") } else { ("0_other", ID) };
    let saved = house.store.save_entries(&taken, saves([ID, "0_other"]), RemovalLimit::default()).await.unwrap();
    for (id, saved) in &saved {
        assert_eq!(matches!(saved, Saved::Mirrored { .. }), id.as_str() == mine, "{id} {saved:?}");
    }
    assert_eq!(house.changes(&mut 0).await, [format!("put {mine} synced")]);
    assert_eq!(house.known(other).await, Default::default());
    drop(batch);
}

fn mark(id: &str) -> MarkRecord {
    MarkRecord {
        entry_id: entry(id),
        metadata_id: MetadataId(11),
        profile_id: CONTENT_PROFILE,
        new_version: 12,
        xml_sent: "<metadata><SyncStatus>Sync Done</SyncStatus></metadata>".into(),
        fields: vec![("SyncStatus".into(), vec!["Sync Done".into()])],
        value: "Sync Done".into(),
        at: START,
    }
}

#[tokio::test]
async fn a_mark_is_pending_until_its_outcome_is_recorded_and_keeps_what_was_told() {
    let house = House::open().await;
    let pending = PendingMark { xml_sent: "<metadata/>".into(), base_version: Some(2) };
    let batch = house.claim(&[entry(ID)]).await;
    let seen = Seen { pending_mark: Some(pending.clone()), ..synced(ID) };
    house.store.save_entries(&batch, vec![Save::Seen(Box::new(seen))], RemovalLimit::default()).await.unwrap();
    assert_eq!(house.known(ID).await.pending_mark, Some(pending));

    let noted = house.store.record_mark(&batch, vec![mark(ID)]).await.unwrap();
    assert_eq!(noted, [(entry(ID), Noted::Noted)]);
    let known = house.known(ID).await;
    assert_eq!(known.pending_mark, None);
    assert_eq!(known.known.marked, Some((12, START)));
    assert_eq!(known.known.emitted_version, Some(2));
    assert_eq!(house.changes(&mut 0).await.len(), 1, "a mark is no change");
}

#[tokio::test]
async fn a_failure_is_kept_until_a_look_succeeds() {
    let house = House::open().await;
    let batch = house.claim(&[entry(ID)]).await;
    house.store.record_sync_failure(&batch, vec![(entry(ID), "version conflict".into())]).await.unwrap();
    assert_eq!(house.known(ID).await.error.as_deref(), Some("version conflict"));
    house.store.save_entries(&batch, vec![Save::Seen(Box::new(synced(ID)))], RemovalLimit::default()).await.unwrap();
    assert_eq!(house.known(ID).await.error, None);
}

#[tokio::test]
async fn what_a_person_hides_stays_hidden_whatever_is_hinted_also_before_it_is_mirrored() {
    let house = House::open().await;
    let mut after = 0;
    let account = house.account();
    assert_eq!(house.store.hide(account, &entry(ID)).await.unwrap(), None);
    assert_eq!(state(&house.look_at(synced(ID)).await), withheld(Withheld::Hidden));
    assert_eq!(state(&house.look_at(synced_as(ID, json!({"name": "New"}))).await), withheld(Withheld::Hidden));
    assert!(house.known(ID).await.hidden);
    assert!(house.changes(&mut after).await.is_empty());

    let shown = house.store.unhide(account, &entry(ID)).await.unwrap().unwrap();
    let hidden = house.store.hide(account, &entry(ID)).await.unwrap().unwrap();
    assert!(shown.seq < hidden.seq);
    assert_eq!(house.changes(&mut after).await, [format!("put {ID} hidden"), format!("drop {ID} hidden")]);
    let house = house.restart().await;
    assert!(house.known(ID).await.hidden);
}

#[tokio::test]
async fn an_entry_whose_policy_is_unknown_is_mirrored_and_withheld() {
    let house = House::open().await;
    let saved = house.look_at(synced_as(ID, json!({"accessControlId": 99}))).await;
    assert_eq!(state(&saved), withheld(Withheld::Restricted));
    let elsewhere = house.look_for(103, vec![Save::Seen(Box::new(synced(ID)))]).await.remove(0);
    assert_eq!(state(&elsewhere), withheld(Withheld::Restricted), "that account's policy was never read");
    assert!(house.changes(&mut 0).await.is_empty());
}

#[tokio::test]
async fn what_the_filter_leaves_out_is_withheld_and_comes_back() {
    let house = House::open().await;
    let mut after = 0;
    house.look_at(synced(ID)).await;
    let left_out = Seen { filtered: Some(true), ..seen_only(ID, json!({})) };
    assert_eq!(state(&house.look_at(left_out).await), withheld(Withheld::Filter));
    house.look_at(seen_only(ID, json!({}))).await;
    let words = ["put {} synced", "drop {} filter", "put {} filter"].map(|words| words.replace("{}", ID));
    assert_eq!(house.changes(&mut after).await, words);
}

#[tokio::test]
async fn changes_are_forgotten_by_age_and_by_number_and_their_numbers_never_restart() {
    let house = House::open().await;
    for name in ["one", "two", "three", "four"] {
        house.look_at(synced_as(ID, json!({"name": name}))).await;
        house.pass(100);
    }
    let kept =
        async || house.store.changes_after(0, 100).await.unwrap().iter().map(|row| row.change.seq).collect::<Vec<_>>();

    house.store.prune_changes(START.plus(Duration::from_secs(100)), 1_000).await.unwrap();
    assert_eq!(kept().await, [2, 3, 4], "the one that was older");
    house.store.prune_changes(START, 2).await.unwrap();
    assert_eq!(kept().await, [3, 4], "those beyond two");
    house.store.prune_changes(START.plus(Duration::from_secs(9_000)), 0).await.unwrap();
    assert_eq!(kept().await, [4], "the latest stays");
}
