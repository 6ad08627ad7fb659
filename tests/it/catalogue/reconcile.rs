//! What was changed lately is found in time, and costs a call when nothing was.

use std::time::Duration;

use kaltura_mirror::domain::ids::EntryId;
use kaltura_mirror::simulator::faults::{Fault, When};
use kaltura_mirror::store::{Drift, RunOptions};
use serde_json::Value;

use super::{CONFIRM, DONE, LIST, NEEDED, eventually};
use crate::house::{House, events, http};

const EVERY: Duration = Duration::from_secs(30);
const EVERY_30_S: &str = "[reconcile]\nevery = \"30s\"\n";

impl House {
    /// Lets that much time pass, and the pass that is due by then.
    pub(super) async fn reconciled_after(&self, time: Duration) {
        self.clock.advance(time);
        let now = self.clock.now();
        eventually("changes are listed", async || {
            self.daemon.store.swept_at(self.account()).await.unwrap() == Some(now)
        })
        .await;
        self.run_until_idle().await;
    }

    async fn drift(&self, drift: Drift) -> u64 {
        self.daemon.catalogue.status().await.unwrap()[0].drift.of(drift)
    }

    async fn readiness(&self) -> (u16, Value) {
        let answer = http::get(self.daemon.public, "/readyz").await;
        (answer.status, answer.json()["accounts"][0].clone())
    }

    /// A house that has come to rest: nothing was changed lately that has not been looked at.
    async fn at_rest(script: &str) -> (Self, Vec<EntryId>) {
        let house = Self::open_with(script).await;
        let ids = house.only_old_videos(20, Some(DONE));
        house.backfill(RunOptions::default()).await;
        house.reconciled_after(EVERY).await;
        (house, ids)
    }
}

#[tokio::test]
async fn an_editors_wish_that_nothing_tells_of_is_noticed_within_the_interval() {
    let (house, ids) = House::at_rest(EVERY_30_S).await;
    house.clock.advance(Duration::from_secs(1));
    house.kaltura.set_sync_status(&ids[0], Some("Sync Needed"));
    house.kaltura.edit(|account| account.entries.get_mut(&ids[0]).unwrap().name = "Renamed".to_owned());
    house.reconciled_after(EVERY).await;
    assert_eq!(house.public_entry(&ids[0]).await.unwrap()["name"], "Renamed");
    assert!(house.sync_xml(&ids[0]).unwrap().contains("Sync Done"));
    assert_eq!(house.drift(Drift::Changed).await, 1);
    // The change that our own mark made is told apart, and is the end of it.
    house.reconciled_after(EVERY).await;
    house.reconciled_after(EVERY).await;
    assert_eq!((house.drift(Drift::Changed).await, house.drift(Drift::OwnMark).await), (1, 1));
}

#[tokio::test]
async fn a_pass_over_nothing_costs_one_request() {
    let (house, _) = House::at_rest(EVERY_30_S).await;
    for _ in 0..5 {
        house.clock.advance(EVERY);
    }
    house.reconciled_after(EVERY).await;
    house.kaltura.reset_calls();
    house.reconciled_after(EVERY).await;
    assert_eq!(
        house.kaltura.count(LIST),
        5,
        "two lists, of each what may follow, and whether there is any entry at all"
    );
    assert_eq!(house.kaltura.http_requests() - house.kaltura.count("category.list"), 1, "besides the policy's");
    assert_eq!(house.kaltura.count("baseEntry.getByIds"), 0);
}

#[tokio::test]
async fn a_deleted_entry_is_found_in_the_list_of_deleted_ones() {
    let (house, ids) = House::at_rest(EVERY_30_S).await;
    house.kaltura.delete_entry(&ids[1]);
    house.reconciled_after(EVERY).await;
    assert!(house.public_entry(&ids[1]).await.is_none());
    assert_eq!(house.drift(Drift::Deleted).await, 1);
    house.reconciled_after(CONFIRM).await;
    assert!(house.report(&ids[1]).await.unwrap().removed_at.is_some());
    house.reconciled_after(EVERY).await;
    assert_eq!(house.drift(Drift::Deleted).await, 1, "once is enough");
}

#[tokio::test]
async fn the_brake_holds_when_too_many_are_listed_as_deleted() {
    let house = House::open_with(EVERY_30_S).await;
    let ids = house.only_old_videos(60, Some(DONE));
    house.backfill(RunOptions::default()).await;
    house.reconciled_after(EVERY).await;
    for id in &ids[..25] {
        house.kaltura.delete_entry(id);
    }
    house.reconciled_after(EVERY).await;
    assert!(house.daemon.store.brake(house.account()).await.unwrap().is_some());
    house.reconciled_after(CONFIRM).await;
    assert_eq!(house.public_entries().await.len(), 60);
}

#[tokio::test]
async fn lists_that_are_empty_for_a_while_hide_nothing_and_miss_nothing() {
    let (house, ids) = House::at_rest(EVERY_30_S).await;
    house.kaltura.fault(When::call(LIST), Fault::Omit);
    house.kaltura.set_sync_status(&ids[0], Some("Sync Needed"));
    for _ in 0..40 {
        house.clock.advance(EVERY);
    }
    eventually("it says why", async || house.daemon.catalogue.status().await.unwrap()[0].trouble.is_some()).await;
    assert_eq!(house.public_entries().await.len(), ids.len());
    house.kaltura.heal();
    house.reconciled_after(EVERY).await;
    assert!(house.sync_xml(&ids[0]).unwrap().contains("Sync Done"));
}

#[tokio::test]
async fn where_kaltura_tells_of_metadata_it_is_asked_ten_times_as_rarely() {
    let (house, ids) = House::at_rest(EVERY_30_S).await;
    let object = format!(
        "{{\"id\":1,\"objectId\":\"{}\",\"metadataObjectType\":\"1\",\"objectType\":\"KalturaMetadata\"}}",
        ids[0]
    );
    let body = events::json("metadataEventNotifications.Metadata", 3, 1, &object);
    let headers = events::headers("sha256", &house.kaltura.admin_secret(), body.as_bytes());
    let headers: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let answer = http::request(house.daemon.public, "POST", "/notifications", &headers, body.as_bytes()).await;
    assert_eq!(answer.status, 200);
    house.run_until_idle().await;
    assert!(house.daemon.store.hears_of_metadata(house.account()).await.unwrap());
    house.kaltura.reset_calls();
    house.clock.advance(EVERY);
    for _ in 0..20 {
        house.daemon.sync.settled().await;
    }
    assert_eq!(house.kaltura.count(LIST), 0);
    house.reconciled_after(EVERY * 9).await;
    assert!(house.kaltura.count(LIST) > 0);
}

#[tokio::test]
async fn a_recycled_entry_is_withheld_and_shown_again_without_any_notification() {
    let (house, ids) = House::at_rest(EVERY_30_S).await;
    house.clock.advance(Duration::from_secs(10));
    house.kaltura.recycle_entry(&ids[2]);
    house.reconciled_after(EVERY).await;
    assert!(house.public_entry(&ids[2]).await.is_none());
    house.clock.advance(Duration::from_secs(10));
    house.kaltura.restore_entry(&ids[2]);
    house.reconciled_after(EVERY).await;
    assert!(house.public_entry(&ids[2]).await.is_some());
}

#[tokio::test]
async fn what_was_missed_while_the_daemon_was_down_is_found_at_the_start_while_it_serves() {
    let (house, ids) = House::at_rest(EVERY_30_S).await;
    house.kaltura.fault(When::call(LIST), Fault::Http(502));
    house.clock.advance(Duration::from_secs(3600));
    for id in &ids[..5] {
        house.kaltura.update_entry(id, |entry| entry.name = "Changed in the dark".to_owned());
        house.kaltura.set_sync_status(id, Some("Sync Needed"));
    }
    house.clock.advance(Duration::from_secs(24 * 3600));
    let house = house.restart().await;
    let (status, account) = house.readiness().await;
    assert_eq!((status, &account["catching_up"]), (200, &Value::Bool(true)));
    assert!(account["stale_since"].as_str().unwrap().starts_with("20"), "{account}");
    assert!(house.public_entry(&ids[0]).await.is_some(), "it serves meanwhile");

    house.kaltura.heal();
    house.reconciled_after(Duration::from_secs(30)).await;
    eventually("it has caught up", async || house.readiness().await.1["catching_up"] == Value::Bool(false)).await;
    assert_eq!(house.readiness().await.1["stale_since"], Value::Null);
    for id in &ids[..5] {
        assert_eq!(house.public_entry(id).await.unwrap()["name"], "Changed in the dark");
    }
}

#[tokio::test]
async fn what_was_changed_after_a_first_backfill_is_found_by_the_first_start() {
    let house = House::open().await;
    let ids = house.only_old_videos(20, Some(DONE));
    house.backfill(RunOptions::default()).await;
    house.clock.advance(Duration::from_secs(3600));
    house.kaltura.set_sync_status(&ids[0], Some("Sync Needed"));
    house.clock.advance(Duration::from_secs(24 * 3600));
    // As a daemon does it that has just been started.
    house.daemon.catalogue.reconcile(house.account()).await.unwrap();
    house.run_until_idle().await;
    assert!(house.sync_xml(&ids[0]).unwrap().contains("Sync Done"));
}

#[tokio::test]
async fn a_daemon_that_nobody_reaches_polls() {
    let (house, ids) = House::at_rest("receive = \"poll\"\n").await;
    let new = house.new_video("New", Some(NEEDED));
    house.clock.advance(Duration::from_secs(1));
    house.kaltura.update_entry(&ids[0], |entry| entry.tags = "moved".to_owned());
    house.kaltura.set_sync_status(&ids[0], Some("Sync Needed"));
    house.reconciled_after(EVERY).await;
    for id in [&new, &ids[0]] {
        assert!(house.public_entry(id).await.is_some());
        assert!(house.sync_xml(id).unwrap().contains("Sync Done"));
    }
    let stray = house.deliver().await;
    assert!(stray.iter().all(|delivery| delivery.answer.is_success()), "a notification is harmless");
}

#[tokio::test]
async fn changes_that_cannot_be_listed_are_stale_and_then_found() {
    let (house, ids) = House::at_rest(EVERY_30_S).await;
    house.kaltura.fault(When::call(LIST), Fault::Http(502));
    house.kaltura.set_sync_status(&ids[0], Some("Sync Needed"));
    house.clock.advance(Duration::from_secs(1000));
    eventually("it says so", async || {
        let status = house.daemon.catalogue.status().await.unwrap().remove(0);
        status.trouble.is_some() && status.stale_since.is_some()
    })
    .await;
    house.kaltura.heal();
    house.reconciled_after(EVERY).await;
    assert!(house.sync_xml(&ids[0]).unwrap().contains("Sync Done"));
    assert_eq!(house.daemon.catalogue.status().await.unwrap()[0].trouble, None);
}
