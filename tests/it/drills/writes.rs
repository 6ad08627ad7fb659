//! Writes whose outcome is not known, that are refused, or that come second.

use kaltura_mirror::simulator::account::SYNC_PROFILE;
use kaltura_mirror::simulator::edits;
use kaltura_mirror::simulator::faults::{Fault, When};
use kaltura_mirror::store::{Cause, Lane, Reason};

use super::{DONE, LONG, NEEDED};
use crate::house::House;

const UPDATE: &str = "metadata_metadata.update";
const LOOK: &str = "baseEntry.getByIds";

/// One mark goes wrong in this way: the entry is done in the end, told once, and written once.
async fn one_write_in_the_end(fault: Fault, was_done: bool) {
    let case = format!("{fault:?}");
    let house = House::open_with("[sync]\ncall_timeout = \"1s\"\n").await;
    let id = house.new_video("Written", Some(NEEDED));
    house.kaltura.reset_calls();
    house.kaltura.fault(When::call(UPDATE).once(), fault);
    house.deliver().await;
    house.pass(LONG).await;

    assert_eq!(house.sync_xml(&id).as_deref(), Some(DONE), "{case}");
    assert_eq!(house.kaltura.count(UPDATE), if was_done { 1 } else { 2 }, "{case}");
    assert!(house.kaltura.count(LOOK) >= 2, "{case}: read again before anything is sent again");
    assert_eq!(house.times_told(&id).await, 1, "{case}");
    let report = house.report(&id).await.unwrap();
    assert!(!report.sync.mark_pending, "{case}");
    assert_eq!(report.sync.marked_version, Some(12), "{case}: as it stands at Kaltura");
    assert!(house.daemon.store.dirty_counts().await.unwrap().is_idle(), "{case}");
}

#[tokio::test]
async fn a_write_that_was_done_and_whose_answer_was_lost_is_recognised_and_not_sent_again() {
    for fault in [Fault::LoseAnswer, Fault::Truncated, Fault::Garbage, Fault::NoAnswer] {
        one_write_in_the_end(fault, true).await;
    }
}

#[tokio::test]
async fn a_write_that_was_not_done_is_sent_again_only_after_another_look() {
    for fault in [Fault::Hang, Fault::Http(502), Fault::Internal, Fault::VersionConflict] {
        one_write_in_the_end(fault, false).await;
    }
}

#[tokio::test]
async fn a_conflict_that_never_ends_is_given_up_and_a_hint_revives_the_entry() {
    let house = House::open_with("[sync]\nattempts_max = 5\n").await;
    let id = house.new_video("Contested", Some(NEEDED));
    house.kaltura.fault(When::call(UPDATE), Fault::VersionConflict);
    house.deliver().await;
    assert_eq!(house.kaltura.count(UPDATE), 4, "at once, and three times more");
    house.pass(LONG).await;
    house.pass(LONG).await;
    assert_eq!(house.kaltura.count(UPDATE), 5);
    assert!(house.is_dead(&id).await);

    house.kaltura.heal();
    house.kaltura.rename_entry(&id, "No longer contested");
    house.deliver().await;
    assert_eq!(house.sync_xml(&id).as_deref(), Some(DONE));
    assert_eq!(house.public_entry(&id).await.unwrap()["name"], "No longer contested");
}

#[tokio::test]
async fn an_object_that_somebody_added_first_is_read_and_marked_instead() {
    let house = House::open_with("when_no_metadata = \"sync\"\n").await;
    let id = house.new_video("Second", None);
    let edited = id.clone();
    house.kaltura.before_call("metadata_metadata.add", move |account| {
        let xml = "<metadata><LinkText>theirs</LinkText><SyncStatus>Sync Needed</SyncStatus></metadata>";
        edits::add_metadata(account, &edited, SYNC_PROFILE, xml).unwrap();
    });
    house.deliver().await;
    let xml = house.sync_xml(&id).unwrap();
    assert_eq!(xml, "<metadata><LinkText>theirs</LinkText><SyncStatus>Sync Done</SyncStatus></metadata>");
    assert_eq!(house.public_entry(&id).await.unwrap()["metadata"]["LinkText"][0], "theirs");
}

#[tokio::test]
async fn a_stale_read_after_our_mark_ends_in_a_conflict_and_changes_nothing() {
    let house = House::open().await;
    let id = house.new_video("Lagging", Some(NEEDED));
    house.kaltura.fault(When::call("metadata_metadata.list").times(2), Fault::Stale);
    house.deliver().await;
    assert_eq!(house.sync_xml(&id).as_deref(), Some(DONE));

    house.sync(&[&id]).await; // reads Sync Needed once more, of the version that was
    assert_eq!(house.kaltura.count(UPDATE), 2, "the second one met another version");
    let version = house.kaltura.read(|account| account.metadata_of(&id, SYNC_PROFILE).unwrap().version);
    assert_eq!(version, 12);
    assert_eq!(house.causes(&id).await, [Cause::Synced]);
}

#[tokio::test]
async fn stale_content_that_was_marked_is_mended_by_the_next_look_of_the_reconcile() {
    let house = House::open().await;
    let id = house.new_video("old", Some(NEEDED));
    house.kaltura.fault(When::call(LOOK).once(), Fault::Stale);
    house.kaltura.rename_entry(&id, "new");
    house.deliver().await;
    house.pass(super::PAUSE).await;
    // Our mark moved `updatedAt`: the reconcile asks for another look.
    let store = &house.daemon.store;
    store.make_dirty(house.account(), std::slice::from_ref(&id), Reason::Reconcile, Lane::Repair).await.unwrap();
    house.pass(super::PAUSE).await;
    assert_eq!(house.public_entry(&id).await.unwrap()["name"], "new");
    assert_eq!(house.sync_xml(&id).as_deref(), Some(DONE));
}

#[tokio::test]
async fn an_unreadable_answer_is_halved_until_the_bad_entry_stands_alone() {
    let house = House::open().await;
    let ids: Vec<_> = (0..16).map(|number| house.new_video(&format!("Video {number}"), Some(NEEDED))).collect();
    let bad = &ids[5];
    house.kaltura.fault(When::call(LOOK).entry(bad), Fault::Garbage);
    house.sync(&ids.iter().collect::<Vec<_>>()).await;
    for id in ids.iter().filter(|id| *id != bad) {
        assert_eq!(house.sync_xml(id).as_deref(), Some(DONE), "{id}");
    }
    assert!(house.kaltura.count(LOOK) <= 9, "16, 8+8, 4+4, 2+2, 1+1: {}", house.kaltura.count(LOOK));
    assert!(!house.is_public(bad).await);

    house.kaltura.heal();
    house.pass(LONG).await;
    assert_eq!(house.sync_xml(bad).as_deref(), Some(DONE));
}
