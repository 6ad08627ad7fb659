//! Changes are found soon, and a restart goes on where the last commit was.

use std::time::{Duration, Instant};

use kaltura_mirror::search::{Search, Settings, Unavailable};
use serde_json::json;

use super::contents;
use super::place::Place;
use crate::store_mirror::house::entry;

#[tokio::test]
async fn an_entry_is_in_the_index_while_it_is_public() {
    let place = Place::open().await;
    place.put("0_one", json!({})).await;
    place.put("0_two", json!({})).await;
    assert_eq!(place.ids().await, ["0_one", "0_two"]);

    place.see("0_one", json!({"moderationStatus": 1})).await;
    assert_eq!(place.ids().await, ["0_two"]);
    place.see("0_one", json!({})).await;
    place.house.store.hide(place.house.account(), &entry("0_two")).await.unwrap();
    assert_eq!(place.ids().await, ["0_one"]);
    place.is_the_public_mirror().await;
}

#[tokio::test]
async fn another_title_replaces_the_old_one() {
    let place = Place::open().await;
    place.put("0_one", json!({"name": "Sunrise"})).await;
    place.caught_up().await;
    place.put("0_one", json!({"name": "Sunset"})).await;
    place.caught_up().await;
    let held = contents::of(&place.view()).into_values().next().unwrap();
    assert!(held.contains("name=sunset") && !held.contains("name=sunrise"), "{held:?}");
    place.is_the_public_mirror().await;
}

#[tokio::test]
async fn dates_that_pass_are_followed() {
    let place = Place::open().await;
    let start = place.house.clock.now().as_secs() + 30;
    place.put("0_later", json!({"startDate": start})).await;
    assert!(place.ids().await.is_empty());
    place.house.pass(60);
    place.house.store.advance_schedule(place.house.account()).await.unwrap();
    assert_eq!(place.ids().await, ["0_later"]);
}

#[tokio::test]
async fn a_change_is_found_within_a_second() {
    let place = Place::open().await;
    place.put("0_first", json!({})).await;
    place.caught_up().await;
    let began = Instant::now();
    place.put("0_second", json!({})).await;
    place.caught_up().await;
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_restart_goes_on_and_makes_no_new_index() {
    let mut place = Place::open().await;
    place.put_all(40).await;
    place.caught_up().await;
    let generation = place.generation();
    place.stop().await;
    place.put("0_meanwhile", json!({})).await;
    place.see("0_e7", json!({"moderationStatus": 1})).await;
    let place = place.restart().await;
    place.is_the_public_mirror().await;
    assert_eq!((place.search.status().built, place.generation()), (0, generation));
}

#[tokio::test]
async fn what_a_daemon_keeps_can_be_read_beside_it() {
    let place = Place::open().await;
    place.put_all(3).await;
    place.caught_up().await;
    let beside = Search::open_read_only(place.house.directory.path(), Settings::default()).unwrap();
    assert_eq!(contents::of(&beside.view().unwrap()), contents::of(&place.view()));

    let nowhere = tempfile::tempdir().unwrap();
    let none = Search::open_read_only(nowhere.path(), Settings::default()).map(|_| ());
    assert_eq!(none, Err(Unavailable::Building));
}

#[tokio::test]
async fn where_search_is_switched_off_nothing_is_indexed() {
    let mut place = Place::open().await;
    place.stop().await;
    std::fs::remove_dir_all(place.folder()).unwrap();
    place.search = Search::new(Settings { enabled: false, ..Settings::default() });
    place.start();
    place.put("0_one", json!({})).await;
    place.stop().await;
    assert_eq!(place.search.view().map(|_| ()), Err(Unavailable::Off));
    assert!(!place.folder().exists());
}

#[tokio::test]
async fn many_changes_become_few_segments() {
    let place = Place::open().await;
    for round in 0..30 {
        place.put_all(5).await;
        place.put("0_other", json!({"name": format!("Round {round}")})).await;
        place.caught_up().await;
    }
    place.is_the_public_mirror().await;
    let segments = place.view().searcher.segment_readers().len();
    assert!(segments <= 16, "{segments}");
}
