//! Absence is not deletion: it hides at once and removes after a second look, if anything can be concluded at all.

use kaltura_mirror::domain::ids::EntryId;
use kaltura_mirror::simulator::entry::SimStatus;
use kaltura_mirror::simulator::faults::{Fault, When};
use kaltura_mirror::store::{Cause, InboxFilter};

use super::{CONFIRM, LONG};
use crate::house::House;

impl House {
    async fn is_removed(&self, id: &EntryId) -> bool {
        self.report(id).await.unwrap().removed_at.is_some()
    }
}

#[tokio::test]
async fn a_deleted_entry_is_hidden_at_once_and_removed_by_a_second_look_beside_a_witness() {
    let house = House::open().await;
    let (id, witness) = (house.synced_video("Gone").await, house.synced_video("Witness").await);
    house.kaltura.delete_entry(&id);
    house.deliver().await;
    assert!(!house.is_public(&id).await);
    house.clock.advance(CONFIRM / 2);
    house.sync(&[&id]).await;
    assert!(!house.is_removed(&id).await, "a look after half the time is no second look");
    house.pass(CONFIRM / 2).await;
    assert!(house.is_removed(&id).await);
    assert!(house.is_public(&witness).await);
    assert_eq!(house.causes(&id).await, [Cause::Synced, Cause::Missing], "visitors are told once that it is gone");
}

#[tokio::test]
async fn the_purge_of_a_removed_entry_forgets_the_notifications_that_told_of_it() {
    let house = House::open().await;
    let (id, kept) = (house.synced_video("Gone").await, house.synced_video("Stays").await);
    house.kaltura.delete_entry(&id);
    house.deliver().await;
    house.pass(CONFIRM).await;
    assert!(house.is_removed(&id).await);
    let store = &house.daemon.store;
    let bodies_of = async |about: &EntryId| {
        let requests = store.inbox_list(InboxFilter::Verified, None, 100).await.unwrap();
        let about =
            requests.iter().filter(|request| request.items.iter().any(|item| item.entry_id.as_ref() == Some(about)));
        about.map(|request| request.kept_bytes).collect::<Vec<_>>()
    };
    assert!(bodies_of(&id).await.iter().all(|bytes| *bytes > 0));
    house.clock.advance(CONFIRM);
    assert_eq!(store.purge_tombstones(house.clock.now()).await.unwrap(), 1);
    assert!(!bodies_of(&id).await.is_empty() && bodies_of(&id).await.iter().all(|bytes| *bytes == 0));
    assert!(bodies_of(&kept).await.iter().all(|bytes| *bytes > 0), "of others they stay");
    assert!(house.report(&id).await.is_some(), "what was done with it is kept");
}

#[tokio::test]
async fn an_entry_without_any_witness_is_removed_by_a_third_look() {
    let house = House::open().await;
    let id = house.synced_video("Alone").await;
    house.kaltura.delete_entry(&id);
    house.deliver().await;
    house.pass(CONFIRM).await;
    assert!(!house.is_removed(&id).await);
    house.pass(CONFIRM).await;
    assert!(house.is_removed(&id).await);
}

#[tokio::test]
async fn a_session_that_is_not_proven_concludes_nothing() {
    let house = House::open().await;
    let (id, _witness) = (house.synced_video("There").await, house.synced_video("Witness").await);
    let refused = Fault::Error("SERVICE_FORBIDDEN".to_owned(), "no".to_owned());
    house.kaltura.fault(When::call("session.get"), refused);
    house.kaltura.fault(When::call("baseEntry.getByIds"), Fault::Omit);
    house.sync(&[&id]).await;
    for _ in 0..3 {
        house.pass(CONFIRM * 2).await;
    }
    assert!(house.is_public(&id).await);
    house.kaltura.heal();
    house.pass(LONG).await;
    assert!(house.daemon.store.dirty_counts().await.unwrap().is_idle());
}

#[tokio::test]
async fn a_witness_that_is_missing_too_concludes_nothing() {
    let house = House::open().await;
    let (id, witness) = (house.synced_video("There").await, house.synced_video("Witness").await);
    house.kaltura.fault(When::call("baseEntry.getByIds"), Fault::Omit);
    house.sync(&[&id]).await;
    assert!(!house.is_public(&id).await, "the first look hides");
    for _ in 0..4 {
        house.pass(CONFIRM).await;
    }
    assert!(!house.is_removed(&id).await);
    assert!(house.is_public(&witness).await, "nobody has hinted at the witness");
    house.kaltura.heal();
    house.pass(LONG).await;
    assert!(house.is_public(&id).await, "seen again is shown again");
}

#[tokio::test]
async fn a_witness_that_was_deleted_unheard_gives_way_to_another() {
    let house = House::open().await;
    let (id, _other) = (house.synced_video("Gone").await, house.synced_video("Other").await);
    house.clock.advance(CONFIRM);
    let witness = house.synced_video("Seen last").await;
    house.kaltura.edit(|account| account.entries.remove(&witness));
    house.kaltura.delete_entry(&id);
    house.deliver().await;
    house.pass(CONFIRM).await;
    assert!(!house.is_removed(&id).await, "its witness is missing");
    house.pass(CONFIRM).await;
    assert!(house.is_removed(&id).await, "another witness stood");
}

#[tokio::test]
async fn too_much_missing_at_once_trips_the_brake_and_is_shown_again() {
    let house = House::open().await;
    let ids: Vec<_> = (0..30).map(|number| house.new_video(&format!("Video {number}"), Some(super::NEEDED))).collect();
    house.deliver().await;
    house.kaltura.fault(When::call("baseEntry.getByIds"), Fault::Omit);
    // First as many as are always allowed, then the rest: what the brake catches is shown again, whichever batch hid it.
    house.sync(&ids[..15].iter().collect::<Vec<_>>()).await;
    assert!(!house.is_public(&ids[0]).await);
    house.sync(&ids[15..].iter().collect::<Vec<_>>()).await;
    let account = house.account();
    assert!(house.daemon.store.brake(account).await.unwrap().is_some());
    assert!(house.degraded().await.expect("it is told").starts_with("removal by absence is stopped since 20"));
    for id in &ids {
        assert!(house.is_public(id).await, "{id}");
    }
    house.pass(CONFIRM * 11).await;
    assert!(house.is_public(&ids[0]).await, "while the brake is on nothing is hidden");

    assert!(house.daemon.store.release_brake(account).await.unwrap());
    house.sync(&[&ids[0]]).await;
    assert!(!house.is_public(&ids[0]).await, "a person has confirmed it");
}

#[tokio::test]
async fn what_comes_back_is_shown_with_the_content_kept_whatever_the_field_says() {
    let house = House::open().await;
    let (id, _witness) = (house.synced_video("Back").await, house.synced_video("Witness").await);
    let metadata = house.kaltura.read(|account| account.metadata[&id].clone());
    house.kaltura.delete_entry(&id);
    house.deliver().await;
    house.pass(CONFIRM).await;
    assert!(house.is_removed(&id).await);

    house.kaltura.edit(|account| account.metadata.insert(id.clone(), metadata));
    house.kaltura.set_sync_status(&id, Some("Sync Manual"));
    house.kaltura.update_entry(&id, |entry| (entry.status, entry.moderation_status) = (SimStatus::READY, 6));
    house.deliver().await;
    house.pass(CONFIRM).await;
    assert_eq!(house.public_entry(&id).await.unwrap()["name"], "Back");
    assert_eq!(house.causes(&id).await.last(), Some(&Cause::Restored));
}

#[tokio::test]
async fn an_answer_that_calls_an_entry_deleted_goes_through_the_two_looks_as_well() {
    let house = House::open().await;
    let (id, _witness) = (house.synced_video("Status 3").await, house.synced_video("Witness").await);
    // No answer of a real getByIds was seen to have it; a server that does is believed no faster.
    house.kaltura.edit(|account| {
        let entry = account.entries.get_mut(&id).unwrap();
        entry.extra.insert("status".to_owned(), 3.into());
    });
    house.sync(&[&id]).await;
    let report = house.report(&id).await.unwrap();
    assert!(report.missing_since.is_some() && report.removed_at.is_none());
    house.pass(CONFIRM).await;
    assert!(house.is_removed(&id).await);
}
