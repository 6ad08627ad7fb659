//! Servers that answer may lag behind those that notify: what is told and not answered yet is looked at once more.

use kaltura_mirror::simulator::account::SYNC_PROFILE;
use kaltura_mirror::simulator::edits;
use kaltura_mirror::simulator::entry::SimEntry;
use kaltura_mirror::simulator::faults::{Fault, When};

use super::*;

impl House {
    /// An id that Kaltura has given and does not answer yet.
    fn promised_entry(&self) -> EntryId {
        self.kaltura.edit(|account| account.make_entry_id())
    }

    /// From now on it is answered.
    fn appears(&self, id: &EntryId) {
        self.happens_unheard(|account| {
            let now = account.now();
            edits::add_entry(account, SimEntry::video(id.clone(), "Late", now));
            edits::add_metadata(account, id, SYNC_PROFILE, NEEDED).unwrap();
        });
    }
}

#[tokio::test]
async fn a_deletion_that_is_told_before_it_is_answered_is_found_by_the_second_look() {
    let house = House::open().await;
    let [id, witness] = house.mirrored_videos("Going").await;
    house.kaltura.fault(When::call(LOOK).once(), Fault::Stale);
    house.kaltura.delete_entry(&id);
    house.deliver().await;
    assert!(house.is_shown(&id).await, "the answer still has it, and nothing but the answer counts");
    house.pass(LAG).await;
    assert!(!house.is_shown(&id).await);
    assert!(house.report(&id).await.unwrap().removed_at.is_none(), "it has been missed once");
    house.pass(CONFIRM).await;
    assert!(house.report(&id).await.unwrap().removed_at.is_some());
    assert!(house.is_shown(&witness).await);
}

#[tokio::test]
async fn a_deletion_that_is_told_and_not_true_costs_two_looks() {
    let house = House::open().await;
    let id = house.mirrored_video("Staying").await;
    let before = house.looks();
    house.tell("entry_delete", &id).await;
    house.run_until_idle().await;
    assert_eq!(house.looks(), before + 1);
    house.pass(LAG / 2).await;
    assert_eq!(house.looks(), before + 1, "not before the servers have had their time");
    for _ in 0..5 {
        house.pass(LAG).await;
    }
    assert_eq!(house.looks(), before + 2);
    assert!(house.is_at_rest().await && house.is_shown(&id).await);
}

#[tokio::test]
async fn an_entry_that_is_told_as_new_before_it_is_answered_is_mirrored_by_the_second_look() {
    let house = House::open().await;
    let id = house.promised_entry();
    house.tell("entry_add", &id).await;
    house.run_until_idle().await;
    house.appears(&id);
    house.pass(LAG).await;
    assert!(house.is_shown(&id).await);
    assert_eq!(house.sync_xml(&id).as_deref(), Some(DONE));
}

#[tokio::test]
async fn an_entry_that_is_told_as_new_and_never_answered_costs_two_looks() {
    let house = House::open().await;
    let id = house.promised_entry();
    let before = house.looks();
    house.tell("entry_add", &id).await;
    house.run_until_idle().await;
    for _ in 0..5 {
        house.pass(LAG).await;
    }
    assert_eq!(house.looks(), before + 2);
    assert!(house.is_at_rest().await);
}

#[tokio::test]
async fn an_update_of_an_entry_that_is_not_there_costs_one_look() {
    let house = House::open().await;
    let id = house.promised_entry();
    let before = house.looks();
    house.tell("entry_update", &id).await;
    for _ in 0..5 {
        house.pass(LAG).await;
    }
    assert_eq!(house.looks(), before + 1);
}
