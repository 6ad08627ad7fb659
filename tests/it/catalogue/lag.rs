//! Lists that are behind lose nothing: what they show late is looked at late, and nothing is removed for it.

use std::time::Duration;

use kaltura_mirror::domain::ids::EntryId;
use kaltura_mirror::simulator::edits;
use kaltura_mirror::simulator::entry::SimEntry;
use kaltura_mirror::simulator::generated::Plan;
use kaltura_mirror::store::{RunKind, RunOptions, RunState};

use super::{CONFIRM, DONE, NEEDED};
use crate::house::House;

const EVERY: Duration = Duration::from_secs(30);
const SCRIPT: &str = "[reconcile]\nevery = \"30s\"\n[thumbnails]\nmode = \"none\"\n[captions]\nmode = \"none\"\n";

/// A house at rest over fifty entries, whose lists are so far behind.
async fn behind(lag: Duration) -> (House, Vec<EntryId>) {
    let house = House::over(|now| Plan::synced_before(50, now), SCRIPT).await;
    house.backfill(RunOptions::default()).await;
    house.reconciled_after(EVERY).await;
    house.kaltura.set_index_lag(lag);
    let ids = (0..50).map(|number| house.made_up(number)).collect();
    (house, ids)
}

#[tokio::test]
async fn every_change_is_found_however_it_falls_between_two_passes() {
    let (house, ids) = behind(Duration::from_secs(100)).await;
    for (step, id) in ids.iter().take(12).enumerate() {
        house.kaltura.update_entry(id, |entry| entry.name = format!("Late {step}"));
        house.kaltura.set_sync_status(id, Some("Sync Needed"));
        house.reconciled_after(EVERY + Duration::from_secs(step as u64 * 7 % 23)).await;
    }
    for _ in 0..6 {
        house.reconciled_after(EVERY).await;
    }
    for (step, id) in ids.iter().take(12).enumerate() {
        assert_eq!(house.public_entry(id).await.unwrap()["name"], format!("Late {step}"));
        assert!(house.sync_xml(id).unwrap().contains("Sync Done"));
    }
    assert_eq!(house.public_entries().await.len(), 50);
    assert_eq!(house.faults().await, []);
}

#[tokio::test]
async fn a_deletion_that_lists_show_late_is_found_and_no_other_entry_is_removed() {
    let (house, ids) = behind(Duration::from_secs(100)).await;
    house.kaltura.delete_entry(&ids[4]);
    house.kaltura.recycle_entry(&ids[5]);
    for _ in 0..8 {
        house.reconciled_after(EVERY).await;
    }
    assert!(house.is_a_tombstone(&ids[4]).await);
    assert!(!house.is_there(&ids[5]).await && !house.is_a_tombstone(&ids[5]).await, "recycled");
    assert_eq!(house.public_entries().await.len(), 48);
    assert_eq!(house.faults().await, []);
}

#[tokio::test]
async fn a_new_entry_that_no_list_has_yet_is_not_missed_by_a_comparison() {
    let (house, ids) = behind(Duration::from_secs(400)).await;
    // A notification told of it, and the lists of the comparison do not know it.
    let new = house.kaltura.edit(|account| {
        let (id, now) = (account.make_entry_id(), account.now());
        edits::add_entry(account, SimEntry::video(id.clone(), "New", now));
        edits::set_metadata_xml(account, &id, kaltura_mirror::simulator::account::SYNC_PROFILE, NEEDED);
        id
    });
    house.sync(&[&new]).await;
    assert!(house.is_there(&new).await);
    house.clock.advance(CONFIRM);
    house.begin(RunKind::Full, RunOptions::default()).await;
    let report = house.read_to_the_end(RunKind::Full).await;
    assert_eq!((report.run.state, report.run.unmet), (RunState::Done, 1), "it is looked at, and found");
    house.pass(CONFIRM).await;
    assert!(house.is_there(&new).await);
    assert_eq!(house.public_entries().await.len(), ids.len() + 1);
    assert_eq!(house.sync_xml(&new).as_deref(), Some(DONE));
}

#[tokio::test]
async fn what_lists_show_later_than_a_pass_reaches_back_is_found_by_the_next_comparison() {
    let (house, ids) = behind(Duration::from_secs(3 * 3600)).await;
    house.kaltura.update_entry(&ids[0], |entry| entry.name = "Very late".to_owned());
    house.kaltura.set_sync_status(&ids[0], Some("Sync Needed"));
    for _ in 0..4 {
        house.reconciled_after(Duration::from_secs(3600)).await;
    }
    assert_ne!(house.public_entry(&ids[0]).await.unwrap()["name"], "Very late");
    house.begin(RunKind::Full, RunOptions::default()).await;
    house.read_to_the_end(RunKind::Full).await;
    assert_eq!(house.public_entry(&ids[0]).await.unwrap()["name"], "Very late");
}
