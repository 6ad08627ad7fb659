//! What hides an entry is obeyed on every look, in every mode; when it ends the entry is shown again with its content.

use std::time::Duration;

use kaltura_mirror::domain::ids::{AccessControlId, EntryId};
use kaltura_mirror::simulator::account::{MEMBERS, STAFF_ONLY};
use kaltura_mirror::simulator::edits;
use kaltura_mirror::simulator::entry::{SimEntry, SimStatus};
use kaltura_mirror::simulator::handle::Simulator;
use kaltura_mirror::store::Cause;

use super::{DONE, NEEDED};
use crate::house::House;

type Deed = fn(&Simulator, &EntryId);

/// What a person or the media workers do, and undo.
const DEEDS: [(&str, Deed, Deed); 9] = [
    ("recycled", Simulator::recycle_entry, Simulator::restore_entry),
    ("rejected", Simulator::reject, Simulator::approve),
    ("flagged", |kaltura, id| kaltura.flag(id, "not nice"), Simulator::approve),
    ("pending", |kaltura, id| moderate(kaltura, id, 1), |kaltura, id| moderate(kaltura, id, 6)),
    ("blocked", Simulator::block, |kaltura, id| kaltura.set_status(id, SimStatus::READY)),
    (
        "not ready",
        |kaltura, id| kaltura.set_status(id, SimStatus::Core(1)),
        |kaltura, id| kaltura.set_status(id, SimStatus::READY),
    ),
    (
        "infected",
        |kaltura, id| kaltura.set_status(id, SimStatus::Plugin("virusScan.Infected".to_owned())),
        |kaltura, id| kaltura.set_status(id, SimStatus::READY),
    ),
    (
        "for the staff",
        |kaltura, id| kaltura.set_access_control(id, Some(STAFF_ONLY)),
        |kaltura, id| kaltura.set_access_control(id, None),
    ),
    (
        "for members",
        |kaltura, id| kaltura.add_to_category(id, MEMBERS),
        |kaltura, id| assert!(kaltura.remove_from_category(id, MEMBERS)),
    ),
];

fn moderate(kaltura: &Simulator, id: &EntryId, status: i64) {
    kaltura.update_entry(id, |entry| entry.moderation_status = status);
}

#[tokio::test]
async fn whoever_hides_an_entry_is_obeyed_whatever_the_sync_field_says() {
    let house = House::open().await;
    for field in [Some("Sync Done"), Some("Sync Manual"), None] {
        let id = house.synced_video("Hidden and shown").await;
        house.kaltura.set_sync_status(&id, field);
        for (what, hide, show) in DEEDS {
            hide(&house.kaltura, &id);
            house.sync(&[&id]).await;
            assert!(!house.is_public(&id).await, "{what}, field {field:?}");
            show(&house.kaltura, &id);
            house.sync(&[&id]).await;
            assert!(house.is_public(&id).await, "no longer {what}, field {field:?}");
        }
        let expected = if field == Some("Sync Manual") { "Sync Manual" } else { "Sync Done" };
        assert_eq!(house.kaltura.sync_status(&id).as_deref(), Some(expected));
    }
}

#[tokio::test]
async fn an_entry_is_synced_when_it_becomes_ready_and_not_before() {
    let house = House::open().await;
    let id = house.kaltura.edit(|account| {
        let (id, now) = (account.make_entry_id(), account.now());
        let entry = SimEntry { status: SimStatus::NO_CONTENT, ..SimEntry::video(id.clone(), "Converting", now) };
        edits::add_entry(account, entry);
        edits::set_sync_status(account, &id, Some("Sync Needed"));
        id
    });
    house.deliver().await;
    assert_eq!(house.kaltura.sync_status(&id).as_deref(), Some("Sync Needed"));
    assert!(!house.report(&id).await.unwrap().in_mirror);
    house.clock.advance(super::PAUSE);
    house.kaltura.set_status(&id, SimStatus::READY);
    house.deliver().await;
    assert!(house.is_public(&id).await);
    assert_eq!(house.sync_xml(&id).as_deref(), Some(DONE));
}

#[tokio::test]
async fn a_replacement_twin_is_ignored() {
    let house = House::open().await;
    let original = house.synced_video("Original").await;
    let twin = house.kaltura.edit(|account| {
        let (id, now) = (account.make_entry_id(), account.now());
        let twin = SimEntry { replaced_entry_id: Some(original.clone()), ..SimEntry::video(id.clone(), "Twin", now) };
        edits::add_entry(account, twin);
        edits::set_sync_status(account, &id, Some("Sync Needed"));
        id
    });
    house.deliver().await;
    assert!(!house.report(&twin).await.unwrap().in_mirror);
    assert_eq!(house.sync_xml(&twin).as_deref(), Some(NEEDED));
    assert!(house.is_public(&original).await);
}

#[tokio::test]
async fn dates_pass_by_the_clock_alone() {
    let house = House::open().await;
    let id = house.synced_video("Scheduled").await;
    let now = house.clock.now().as_secs();
    house.kaltura.set_schedule(&id, Some(now + 100), Some(now + 200));
    house.sync(&[&id]).await;
    house.kaltura.reset_calls();
    let mut seen = vec![house.is_public(&id).await];
    for _ in 0..2 {
        house.pass(Duration::from_secs(101)).await;
        seen.push(house.is_public(&id).await);
    }
    assert_eq!(seen, [false, true, false]);
    assert_eq!(house.kaltura.count("baseEntry.getByIds"), 0, "nobody was asked");
}

#[tokio::test]
async fn dates_that_passed_while_the_daemon_was_down_are_caught_up_with() {
    let house = House::open().await;
    let id = house.synced_video("Over by then").await;
    let now = house.clock.now().as_secs();
    house.kaltura.set_schedule(&id, None, Some(now + 100));
    house.sync(&[&id]).await;
    assert!(house.is_public(&id).await);
    house.clock.advance(Duration::from_secs(101));
    let house = house.restart().await;
    house.run_until_idle().await;
    assert!(!house.is_public(&id).await);
    assert_eq!(house.causes(&id).await.last(), Some(&Cause::Schedule), "readers of the feed are told as well");
}

#[tokio::test]
async fn a_policy_that_changes_is_applied_to_what_is_mirrored() {
    let house = House::open().await;
    let (id, member) = (house.synced_video("Open").await, house.synced_video("In a category").await);
    let category = house.kaltura.read(|account| *account.categories.keys().next().unwrap());
    house.kaltura.add_to_category(&member, category);
    house.sync(&[&member]).await;
    assert!(house.is_public(&member).await);

    let default = AccessControlId(2);
    let rules = house.kaltura.read(|account| account.access_controls[&STAFF_ONLY].rules.clone());
    house.kaltura.edit(|account| account.access_controls.get_mut(&default).unwrap().rules = rules);
    house.learn_facts().await;
    assert!(!house.is_public(&id).await);
    house.kaltura.edit(|account| account.access_controls.get_mut(&default).unwrap().rules.clear());
    house.kaltura.edit(|account| account.categories.get_mut(&category).unwrap().privacy_context = "portal".to_owned());
    house.learn_facts().await;
    assert!(house.is_public(&id).await);
    assert!(!house.is_public(&member).await);
}

#[tokio::test]
async fn what_was_hidden_by_hand_stays_hidden_until_a_hand_shows_it() {
    let house = House::open().await;
    let id = house.synced_video("By hand").await;
    house.daemon.store.hide(house.account(), &id).await.unwrap();
    house.kaltura.set_sync_status(&id, Some("Sync Needed"));
    house.kaltura.rename_entry(&id, "Renamed");
    house.deliver().await;
    house.pass(super::PAUSE).await;
    assert!(!house.is_public(&id).await);
    let house = house.restart().await;
    house.sync(&[&id]).await;
    assert!(!house.is_public(&id).await);
    house.daemon.store.unhide(house.account(), &id).await.unwrap();
    assert_eq!(house.public_entry(&id).await.unwrap()["name"], "Renamed");
}
