//! Who does not pass is not kept, who ceases to pass is removed, who passes again comes back.

use std::time::Duration;

use kaltura_mirror::simulator::account::SYNC_PROFILE;
use kaltura_mirror::store::{DeliveryFilter, RunKind, RunOptions};

use super::{DONE, NEEDED, WEBSITE, has_content};
use crate::feed::reader::Stream;
use crate::house::{House, eventually, http};

const A_HOOK: &str = "[[hooks]]\nname = \"website\"\nurl = \"http://127.0.0.1:9/\"\nallow_private = true\n\
                      events = [\"entry.removed\"]\n";
/// As configured by default.
const PURGE_AFTER: Duration = Duration::from_secs(30 * 86_400);

#[tokio::test]
async fn an_entry_that_does_not_pass_is_neither_kept_nor_marked_and_says_why() {
    let house = House::open_with(WEBSITE).await;
    let (inside, outside) = (house.tagged("In", "website", NEEDED), house.tagged("Out", "intern", NEEDED));
    house.sync(&[&inside, &outside]).await;
    assert!(house.is_seen(&inside).await);
    assert_eq!(house.sync_xml(&inside).as_deref(), Some(DONE));

    let report = serde_json::to_value(house.report(&outside).await.unwrap()).unwrap();
    assert_eq!((report["in_mirror"].as_bool(), has_content(&report)), (Some(false), false));
    assert_eq!(report["sync"]["reason"], "filtered");
    assert_eq!(house.sync_xml(&outside).as_deref(), Some(NEEDED));
    assert!(house.changes(&outside).await.is_empty());
    assert!(!house.is_seen(&outside).await);
}

#[tokio::test]
async fn nothing_of_an_entry_that_does_not_pass_or_ceases_to_is_in_any_public_answer() {
    let house = House::open_with(WEBSITE).await;
    let (inside, outside) = (house.tagged("Harbour", "website", DONE), house.tagged("Lighthouse", "zeppelin", DONE));
    let leaving = house.tagged("Gasometer", "website, zeppelin", DONE);
    house.sync(&[&inside, &outside, &leaving]).await;
    house.assert_nowhere(&outside, "lighthouse", &inside).await;
    assert!(house.is_seen(&leaving).await);
    house.tag(&leaving, "zeppelin");
    house.sync(&[&leaving]).await;
    house.assert_nowhere(&leaving, "gasometer", &inside).await;
    house.assert_nowhere(&leaving, "zeppelin", &inside).await;
    // A stream tells of the one that is left, up to its own end.
    let mut stream = Stream::open(house.daemon.public, "initial=true", &[]).await;
    house.daemon.store.hide(house.account(), &inside).await.unwrap();
    loop {
        let item = stream.change().await;
        assert_eq!(item["id"], inside.as_str(), "{item}");
        if item["op"] == "drop" {
            break;
        }
    }
}

#[tokio::test]
async fn what_the_filter_leaves_out_is_as_it_should_be_when_mirror_and_account_are_compared() {
    let house = House::open_with(WEBSITE).await;
    house.kaltura.edit(|account| account.entries.clear());
    let ids = ["website", "intern", "website"].map(|tags| house.tagged(tags, tags, DONE));
    house.sync(&ids.iter().collect::<Vec<_>>()).await;
    house.tag(&ids[2], "intern");
    house.sync(&[&ids[2]]).await;
    let account = house.daemon.sync.accounts().next().unwrap();
    let verified = house.daemon.sync.verify(account, None).await.unwrap();
    let faults: Vec<_> = verified.differences.into_iter().filter(|it| !it.by_decision).collect();
    assert_eq!((verified.compared, faults), (3, Vec::new()));
}

#[tokio::test]
async fn an_entry_that_ceases_to_pass_is_dropped_told_and_forgotten_as_any_other_that_is_removed() {
    let house = House::silent_with(&format!("{WEBSITE}{A_HOOK}")).await;
    let id = house.tagged("Leaving", "website", NEEDED);
    house.sync(&[&id]).await;
    house.tag(&id, "intern");
    house.sync(&[&id]).await;
    assert_eq!(house.changes(&id).await, ["put synced", "drop filter"]);
    let told = house.daemon.store.deliveries(&DeliveryFilter::default()).await.unwrap();
    let told: Vec<_> = told.iter().rev().map(|row| (row.event.as_str(), row.cause.as_deref().unwrap())).collect();
    assert_eq!(told, [("entry.removed", "filter")]);
    let report = house.report(&id).await.unwrap();
    assert_eq!(report.public_state, "withheld:filter");
    assert!(report.content.unwrap().facts.filtered);

    let purged = house.clock.now().plus(Duration::from_secs(1));
    assert_eq!(house.daemon.store.purge_tombstones(purged.minus(Duration::from_secs(1))).await.unwrap(), 0);
    house.clock.advance(PURGE_AFTER);
    assert_eq!(house.daemon.store.purge_tombstones(purged).await.unwrap(), 1);
    let report = house.report(&id).await.unwrap();
    assert_eq!((report.in_mirror, report.sync.reason.as_deref()), (false, Some("filtered")));
    assert!(report.content.is_none());
}

#[tokio::test]
async fn who_hears_of_withheld_entries_hears_that_one_has_left() {
    let hook = A_HOOK.replace("events =", "audience = \"all\"\nevents =");
    let house = House::silent_with(&format!("{WEBSITE}{hook}")).await;
    let id = house.tagged("Flagged", "website", DONE);
    house.kaltura.flag(&id, "rude");
    house.sync(&[&id]).await;
    assert_eq!(house.report(&id).await.unwrap().public_state, "withheld:moderation");
    house.tag(&id, "intern");
    house.sync(&[&id]).await;
    let told = house.daemon.store.deliveries(&DeliveryFilter::default()).await.unwrap();
    let told: Vec<_> = told.iter().map(|row| (row.event.as_str(), row.cause.as_deref().unwrap())).collect();
    assert_eq!(told, [("entry.removed", "filter")]);
    assert!(house.changes(&id).await.is_empty(), "visitors never saw it");
}

#[tokio::test]
async fn an_entry_that_passes_again_is_shown_with_what_is_kept_and_comes_in_anew_after_the_purge() {
    let house = House::open_with(WEBSITE).await;
    let id = house.tagged("Back", "website", DONE);
    house.sync(&[&id]).await;
    for is_purged in [false, true] {
        house.tag(&id, "intern");
        house.sync(&[&id]).await;
        assert!(!house.is_seen(&id).await);
        if is_purged {
            house.clock.advance(Duration::from_secs(2));
            assert_eq!(house.daemon.store.purge_tombstones(house.clock.now()).await.unwrap(), 1);
        }
        house.tag(&id, "website");
        house.sync(&[&id]).await;
        assert!(house.is_seen(&id).await, "purged: {is_purged}");
    }
    let changes = house.changes(&id).await;
    assert_eq!(changes, ["put backfill", "drop filter", "put filter", "drop filter", "put backfill"]);
}

#[tokio::test]
async fn a_wish_made_while_an_entry_is_left_out_is_fulfilled_when_it_passes_again() {
    let house = House::open_with(WEBSITE).await;
    let id = house.tagged("Wished", "website", DONE);
    house.sync(&[&id]).await;
    house.tag(&id, "intern");
    house.kaltura.set_sync_status(&id, Some("Sync Needed"));
    house.sync(&[&id]).await;
    assert_eq!(house.sync_xml(&id).as_deref(), Some(NEEDED));
    house.kaltura.update_entry(&id, |entry| (entry.tags, entry.name) = ("website".into(), "Other".into()));
    house.sync(&[&id]).await;
    assert_eq!(house.public_entry(&id).await.unwrap()["name"], "Other");
    assert_eq!(house.sync_xml(&id).as_deref(), Some(DONE));
}

#[tokio::test]
async fn categories_custom_metadata_times_and_kinds_are_part_of_the_look() {
    let filter = "[mirror]\nfilter = \"categories = Museum OR metadata.Topic = Sea OR createdAt < 2000-01-01 OR mediaType = audio\"\n";
    let house = House::open_with(filter).await;
    let ids = ["Museum", "Sea", "Old", "Audio", "None"].map(|name| house.tagged(name, "", DONE));
    let [museum, sea, old, audio, none] = &ids;
    let collections = house.category("Collections");
    house.kaltura.add_to_category(museum, collections);
    let document = "<metadata><SyncStatus>Sync Done</SyncStatus><Topic>Sea</Topic></metadata>";
    house.kaltura.set_metadata_xml(sea, SYNC_PROFILE, document);
    house.kaltura.update_entry(old, |entry| entry.created_at = 900_000_000);
    house.kaltura.update_entry(audio, |entry| entry.media_type = Some(5));
    house.sync(&ids.iter().collect::<Vec<_>>()).await;
    for id in [museum, sea, old, audio] {
        assert!(house.is_seen(id).await, "{:?}", house.report(id).await);
    }
    assert_eq!(house.reason(none).await.as_deref(), Some("filtered"));

    house.kaltura.remove_from_category(museum, collections);
    house.kaltura.set_metadata_xml(sea, SYNC_PROFILE, DONE);
    house.sync(&[museum, sea]).await;
    for id in [museum, sea] {
        assert_eq!(house.changes(id).await.last().map(String::as_str), Some("drop filter"));
    }
}

#[tokio::test]
async fn a_person_who_insists_and_a_backfill_let_nothing_in_that_does_not_pass() {
    let house = House::open_with(WEBSITE).await;
    let id = house.tagged("Out", "intern", NEEDED);
    house.kaltura.edit(|account| account.entries.retain(|other, _| *other == id));
    let body = serde_json::json!({ "entries": [id], "force": true });
    assert_eq!(http::post_json(house.daemon.admin, "/api/v1/admin/sync", &house.token(), &body).await.status, 200);
    house.run_until_idle().await;
    assert_eq!(house.reason(&id).await.as_deref(), Some("filtered"));
    house.daemon.catalogue.begin(house.account(), RunKind::Backfill, RunOptions::default()).await.unwrap();
    let report = async || house.daemon.catalogue.latest_run(house.account(), RunKind::Backfill).await.unwrap().unwrap();
    eventually("it is over", async || {
        house.pass(Duration::from_secs(1)).await;
        report().await.result.is_some()
    })
    .await;
    let result = report().await.result.unwrap();
    assert_eq!((result.skipped.get("filtered"), result.public), (Some(&1), 0), "the table tells why");
    assert!(!house.is_seen(&id).await);
}
