//! The index beside a daemon: what operators see of it, and their command.

use kaltura_mirror::search::{Search, Settings, read_key};

use super::contents;
use crate::house::House;
use crate::house::http;
use crate::house::process::{Place, eventually};

const NEEDED: &str = "<metadata><SyncStatus>Sync Needed</SyncStatus></metadata>";

async fn caught_up(house: &House) {
    let newest = *house.daemon.store.changes_bell().borrow();
    let mut watch = house.daemon.search.watch();
    let caught_up = watch.wait_for(|status| status.building.is_none() && status.seq.is_some_and(|seq| seq >= newest));
    tokio::time::timeout(crate::house::PATIENCE, caught_up).await.expect("the index follows").unwrap();
}

#[tokio::test]
async fn a_daemon_s_index_holds_what_its_visitors_can_list() {
    let house = House::open().await;
    let id = house.new_video("Sunrise", Some(NEEDED));
    house.deliver().await;
    caught_up(&house).await;
    let held = contents::keys_of(&house.daemon.search.view().unwrap());
    let held: Vec<_> = held.iter().map(|key| read_key(key).unwrap().1).collect();
    assert_eq!(held, std::slice::from_ref(&id));

    let house = house.restart().await;
    caught_up(&house).await;
    assert_eq!(contents::keys_of(&house.daemon.search.view().unwrap()).len(), 1);
    house.daemon.stop().await;
}

#[tokio::test]
async fn how_the_index_fares_is_told_to_whoever_watches() {
    let house = House::open().await;
    house.new_video("Sunrise", Some(NEEDED));
    house.deliver().await;
    caught_up(&house).await;
    let ready = http::get(house.daemon.public, "/readyz").await.json();
    assert_eq!(ready["search"], "ok");
    let metrics = http::get(house.daemon.admin, "/metrics").await.text();
    for line in [
        "kaltura_mirror_search_up 1",
        "kaltura_mirror_search_trouble 0",
        "kaltura_mirror_search_entries 1",
        "kaltura_mirror_search_behind_changes 0",
        "kaltura_mirror_search_building 0",
    ] {
        assert!(metrics.lines().any(|found| found == line), "{line}: {metrics}");
    }
    house.daemon.stop().await;
}

#[tokio::test]
async fn a_daemon_without_search_says_so_and_refuses_a_new_index() {
    let house = House::open_with("search.enabled = false\n").await;
    assert_eq!(http::get(house.daemon.public, "/readyz").await.json()["search"], "search is switched off");
    let refused =
        http::post_json(house.daemon.admin, "/api/v1/admin/search/rebuild", &house.token(), &serde_json::json!({}))
            .await;
    assert_eq!(refused.status, 400);
    assert!(!house.data_dir().join("search").exists());
    house.daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn search_rebuild_does_the_same_beside_a_daemon_and_without_one() {
    let place = Place::new().await;
    let serving = place.serve();
    place.new_video("Sunrise", Some(NEEDED));
    place.deliver(&serving).await;
    eventually("the entry is indexed", || (metric(&serving, "entries") == Some(1)).then_some(()));
    let beside = place.run_json("search rebuild");
    assert_eq!(beside["entries"], 1);
    serving.stop();
    let alone = place.run_json("search rebuild");
    assert_eq!(alone["entries"], 1);
    let said = place.run("search rebuild").out;
    assert!(said.starts_with("the search index is new: 1 entries in "), "{said}");
    let index = Search::open_read_only(&place.path("data"), Settings::default()).unwrap();
    assert_eq!(contents::keys_of(&index.view().unwrap()).len(), 1);
}

fn metric(serving: &crate::house::process::Serving, name: &str) -> Option<u64> {
    let status = super::kill::status(serving)?;
    status[name].as_u64()
}
