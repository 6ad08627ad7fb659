//! A backfill of some entries looks at no others.

use std::collections::BTreeSet;
use std::process::Stdio;
use std::time::Duration;

use kaltura_mirror::domain::ids::EntryId;
use kaltura_mirror::simulator::account::SYNC_PROFILE;
use kaltura_mirror::simulator::entry::{EntryKind, SimEntry, SimStatus};
use kaltura_mirror::simulator::faults::{Fault, When};
use kaltura_mirror::store::{RunKind, RunOptions, RunState};
use serde_json::json;

use super::DONE;
use crate::house::process::{Place, eventually};
use crate::house::{House, http};

const LOOK: &str = "baseEntry.getByIds";
/// Nothing but the reading, and nothing that holds it up.
const SWIFTLY: &str = "thumbnails.mode = \"none\"\nreconcile.enabled = false\nreconcile.max_calls_per_second = 1000\n";

impl House {
    async fn begin_only(&self, only: &str) {
        let options = RunOptions::default();
        self.daemon.catalogue.begin_only(self.account(), RunKind::Backfill, options, Some(only)).await.unwrap();
    }

    /// The entries that a look has met.
    async fn looked_at(&self, ids: &[EntryId]) -> BTreeSet<usize> {
        let mut met = BTreeSet::new();
        for (number, id) in ids.iter().enumerate() {
            if self.report(id).await.is_some_and(|report| report.sync.looked_at.is_some()) {
                met.insert(number);
            }
        }
        met
    }
}

#[tokio::test]
async fn each_kind_of_filter_selects_what_is_looked_at_and_a_dry_run_counts_it_before() {
    let house = House::open_with(SWIFTLY).await;
    let ids = house.only_old_videos(12, Some(DONE));
    let category = house.kaltura.read(|account| {
        account.categories.values().find(|category| category.name == "Collections").map(|category| category.id).unwrap()
    });
    house.kaltura.edit(|account| {
        let mut change =
            |number: usize, change: fn(&mut SimEntry)| change(account.entries.get_mut(&ids[number]).unwrap());
        change(0, |entry| "Boat, big ship".clone_into(&mut entry.tags));
        change(1, |entry| entry.media_type = Some(5));
        change(2, |entry| entry.created_at = 1_600_000_000);
        change(3, |entry| entry.reference_id = Some("AB-1".to_owned()));
        change(4, |entry| "jane".clone_into(&mut entry.user_id));
        change(5, |entry| entry.admin_tags = Some("internal".to_owned()));
        change(6, |entry| entry.ms_duration = 3_600_000);
        change(7, |entry| entry.status = SimStatus::Core(7));
        change(8, |entry| (entry.kind, entry.media_type) = (EntryKind::LiveStream, Some(201)));
    });
    house.kaltura.add_to_category(&ids[9], category);
    let document = "<metadata><SyncStatus>Sync Done</SyncStatus><Topic>Sea</Topic></metadata>";
    house.kaltura.set_metadata_xml(&ids[10], SYNC_PROFILE, document);
    house.kaltura.update_entry(&ids[11], |entry| entry.updated_at += 1);
    let everywhere: BTreeSet<usize> = (0..12).collect();
    let mut before = BTreeSet::new();
    for (only, selected) in [
        ("tags = 'big ship'", vec![0]),
        ("mediaType = audio", vec![1]),
        ("createdAt < 2020-12-31", vec![2]),
        ("createdAt 2020-01 TO 2020-12 AND tags IS EMPTY", vec![2]),
        ("referenceId = ab-1", vec![3]),
        ("userId = jane", vec![4]),
        ("adminTags = internal", vec![5]),
        ("duration > 600", vec![6]),
        ("status = no_content", vec![7]),
        ("type = live", vec![8]),
        ("mediaType = live AND type = live", vec![8]),
        ("categories = Museum", vec![9]),
        ("metadata.Topic = Sea AND mediaType = video", vec![10]),
        ("metadata.Topic EXISTS OR categories = 'Museum>Collections'", vec![9, 10]),
        ("metadata.SyncStatus = 'Sync Done' AND NOT (tags EXISTS OR mediaType = video)", vec![1, 8]),
        ("tags = nothing", vec![]),
    ] {
        let estimate = house.daemon.catalogue.estimate(house.account(), Some(only)).await.unwrap();
        assert_eq!((estimate.entries, estimate.is_at_most), (selected.len() as u64, false), "{only}");
        house.begin_only(only).await;
        let report = house.read_to_the_end(RunKind::Backfill).await;
        assert_eq!((report.run.seen, report.run.only.as_deref()), (selected.len() as u64, Some(only)), "{only}");
        before.extend(selected);
        assert_eq!(house.looked_at(&ids).await, before, "{only}");
    }
    house.begin(RunKind::Backfill, RunOptions::default()).await;
    house.read_to_the_end(RunKind::Backfill).await;
    assert_eq!(house.looked_at(&ids).await, everywhere);
}

#[tokio::test]
async fn what_lists_can_select_is_not_even_listed() {
    let house = House::open_with(SWIFTLY).await;
    let ids = house.only_old_videos(2_100, None);
    house.kaltura.edit(|account| account.entries.get_mut(&ids[7]).unwrap().media_type = Some(5));
    let lists = house.kaltura.count(super::LIST);
    house.begin_only("mediaType = audio AND status IN [ready, pending] AND createdAt > 2001-01-01").await;
    let report = house.read_to_the_end(RunKind::Backfill).await;
    assert_eq!((report.run.seen, house.kaltura.count(LOOK)), (1, 1));
    assert_eq!(house.kaltura.count(super::LIST) - lists, 4, "two shelves, one step each, two pages a step");
}

#[tokio::test]
async fn a_restart_goes_on_with_the_filter_it_began_with() {
    let house = House::open_with(SWIFTLY).await;
    let ids = house.only_old_videos(1_300, Some(DONE));
    house.kaltura.edit(|account| {
        for id in ids.iter().step_by(2) {
            "even".clone_into(&mut account.entries.get_mut(id).unwrap().tags);
        }
    });
    house.kaltura.fault(When::call(super::LIST).after(1).once(), Fault::Hang);
    let listed = house.kaltura.count(super::LIST);
    house.begin_only("tags = even").await;
    house.until_called(super::LIST, listed + 1).await;
    house.kaltura.heal();
    let house = house.restart().await;
    let report = house.read_to_the_end(RunKind::Backfill).await;
    assert_eq!((report.run.seen, report.run.only.as_deref()), (650, Some("tags = even")));
    assert_eq!(house.public_entries().await.len(), 650);
}

#[tokio::test]
async fn a_list_that_fails_holds_a_selection_up_and_selects_nothing_for_it() {
    let house = House::open_with(SWIFTLY).await;
    let ids = house.only_old_videos(5, Some(DONE));
    house.kaltura.fault(When::call("metadata_metadata.list"), Fault::Internal);
    house.begin_only("metadata.Topic IS EMPTY").await;
    super::eventually("it says why", async || house.latest(RunKind::Backfill).await.run.error.is_some()).await;
    assert!(house.looked_at(&ids).await.is_empty());
    house.kaltura.heal();
    house.pass(Duration::from_secs(60)).await;
    let report = house.read_to_the_end(RunKind::Backfill).await;
    assert_eq!((report.run.state, report.run.seen), (RunState::Done, 5));
}

#[tokio::test]
async fn the_admin_api_takes_a_filter_and_says_what_is_wrong_with_one() {
    let house = House::open().await;
    let ids = house.only_old_videos(3, Some(DONE));
    house.kaltura.edit(|account| "boat".clone_into(&mut account.entries.get_mut(&ids[1]).unwrap().tags));
    let post = async |path: &str, body| {
        let path = format!("/api/v1/admin/backfill/{path}");
        http::post_json(house.daemon.admin, &path, &house.token(), &body).await
    };
    let estimate = post("estimate", json!({"only": "tags = boat"})).await;
    assert_eq!((estimate.status, estimate.json()["entries"].as_u64()), (200, Some(1)));
    for (only, word) in
        [("tags = ", "character 7"), ("metadata.Topik = a", "no field of metadata profile"), ("plays > 1", "no field")]
    {
        let refused = post("start", json!({ "only": only })).await;
        assert_eq!(refused.status, 400, "{only}");
        assert!(refused.json()["detail"].as_str().unwrap().contains(word), "{only}: {}", refused.text());
    }
    let begun = post("start", json!({"only": "tags = boat"})).await;
    assert_eq!((begun.status, begun.json()["run"]["only"].as_str()), (200, Some("tags = boat")));
    assert_eq!(house.read_to_the_end(RunKind::Backfill).await.run.seen, 1);
}

/// Each run is killed a request later than the one before, until one comes to its end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_selection_killed_after_any_request_goes_on_and_ends_whole() {
    let place = Place::new().await;
    let only = "--only metadata.Topic=Museum";
    let expected = place.run_json(&format!("backfill {only} --dry-run"))[0]["entries"].as_u64().unwrap();
    assert!(expected > 5);
    for requests in 1..=6 {
        let before = place.kaltura.http_requests();
        let mut child =
            place.command(&format!("backfill {only}")).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        eventually("it has asked so often, or come to its end", || {
            let is_over = child.try_wait().unwrap().is_some();
            (is_over || place.kaltura.http_requests() >= before + requests).then_some(())
        });
        let _ = child.kill();
        child.wait().unwrap();
    }
    let ended = place.run_json(&format!("backfill {only}"));
    assert_eq!((ended[0]["seen"].as_u64(), &ended[0]["state"]), (Some(expected), &"done".into()));
    assert_eq!(ended[0]["only"], "metadata.Topic=Museum");

    let wrong = place.run("backfill --only status=redy");
    assert_eq!(wrong.code, Some(2), "{wrong:?}");
    assert!(wrong.err.contains("character 7") && wrong.err.contains("ready"), "{}", wrong.err);
}
