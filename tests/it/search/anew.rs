//! An index that cannot go on is made anew from the store, and nothing is lost.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kaltura_mirror::domain::clock::Timestamp;
use kaltura_mirror::search::{Settings, Unavailable};
use serde_json::{Value, json};

use super::contents;
use super::place::Place;

/// Some entries, indexed, and the indexer stopped.
async fn stopped() -> Place {
    let mut place = Place::open().await;
    place.put_all(20).await;
    place.caught_up().await;
    place.stop().await;
    place
}

/// The index is what is public, and was made `times` since the indexer began.
async fn is_made_anew(place: &Place, times: u64) {
    place.built(times).await;
    place.is_the_public_mirror().await;
    assert_eq!(place.search.status().built, times);
    assert_eq!(place.search.status().trouble, None);
    place.generation();
}

/// Rewrites what the latest commit says of itself.
fn say(generation: &Path, change: impl Fn(&mut Value)) {
    let file = generation.join("meta.json");
    let mut meta: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    let mut mark: Value = serde_json::from_str(meta["payload"].as_str().unwrap()).unwrap();
    change(&mut mark);
    meta["payload"] = mark.to_string().into();
    fs::write(file, meta.to_string()).unwrap();
}

#[tokio::test]
async fn a_missing_index_is_made() {
    let mut place = stopped().await;
    fs::remove_dir_all(place.folder()).unwrap();
    place.start();
    is_made_anew(&place, 1).await;
}

#[tokio::test]
async fn an_index_that_is_thrown_away_while_it_is_in_use_is_made_again_and_goes_on_answering() {
    let mut place = stopped().await;
    place.start();
    place.caught_up().await;
    fs::remove_dir_all(place.folder()).unwrap();
    assert_eq!(contents::keys_of(&place.view()).len(), 20);
    is_made_anew(&place, 1).await;
    place.put("0_next", json!({})).await;
    place.is_the_public_mirror().await;
}

#[tokio::test]
async fn a_damaged_index_is_made_anew() {
    for extension in ["term", "idx", "fast", "pos", "fieldnorm"] {
        let mut place = stopped().await;
        let file = largest(&place.generation(), extension);
        let mut bytes = fs::read(&file).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0x55;
        fs::write(&file, bytes).unwrap();
        place.start();
        is_made_anew(&place, 1).await;
    }
}

#[tokio::test]
async fn an_index_with_a_file_cut_short_or_gone_is_made_anew() {
    type Harm = fn(&Path);
    let harms: [Harm; 5] = [
        |folder| fs::write(folder.join("meta.json"), "{").unwrap(),
        |folder| fs::remove_file(folder.join("meta.json")).unwrap(),
        |folder| fs::remove_file(largest(folder, "term")).unwrap(),
        |folder| fs::write(largest(folder, "idx"), "").unwrap(),
        |folder| fs::write(largest(folder, "fast"), "short").unwrap(),
    ];
    for harm in harms {
        let mut place = stopped().await;
        harm(&place.generation());
        place.start();
        is_made_anew(&place, 1).await;
    }
}

fn largest(folder: &Path, extension: &str) -> PathBuf {
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let mut files: Vec<_> = files.filter(|file| file.extension().is_some_and(|found| found == extension)).collect();
    files.sort_by_key(|file| fs::metadata(file).unwrap().len());
    files.pop().unwrap_or_else(|| panic!("a file .{extension}"))
}

#[tokio::test]
async fn an_index_of_another_form_or_another_version_is_made_anew() {
    let changes: [fn(&mut Value); 3] =
        [|mark| mark["form"] = 0.into(), |mark| *mark = json!({}), |mark| mark["languages"] = json!(["tlh"])];
    for change in changes {
        let mut place = stopped().await;
        say(&place.generation(), change);
        place.start();
        is_made_anew(&place, 1).await;
    }
}

#[tokio::test]
async fn an_index_that_was_never_finished_is_made_anew() {
    let mut place = stopped().await;
    let file = place.generation().join("meta.json");
    let mut meta: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    meta.as_object_mut().unwrap().remove("payload");
    fs::write(file, meta.to_string()).unwrap();
    place.start();
    is_made_anew(&place, 1).await;
}

#[tokio::test]
async fn an_index_of_another_data_directory_does_not_serve() {
    let (mut place, other) = (stopped().await, stopped().await);
    fs::remove_dir_all(place.folder()).unwrap();
    copy(&other.folder(), &place.folder());
    place.start();
    is_made_anew(&place, 1).await;
}

#[tokio::test]
async fn an_index_ahead_of_a_data_directory_that_was_put_back_is_made_anew() {
    let mut place = stopped().await;
    say(&place.generation(), |mark| mark["place"]["seq"] = 1_000_000.into());
    place.start();
    is_made_anew(&place, 1).await;
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for file in fs::read_dir(from).unwrap().map(|file| file.unwrap()) {
        let target = to.join(file.file_name());
        if file.path().is_dir() {
            copy(&file.path(), &target);
        } else {
            fs::copy(file.path(), target).unwrap();
        }
    }
}

#[tokio::test]
async fn an_index_that_changes_were_forgotten_before_it_took_them_is_made_anew() {
    let mut place = stopped().await;
    place.put_all(20).await;
    place.put("0_late", json!({})).await;
    place.see("0_e3", json!({"moderationStatus": 1})).await;
    place.house.store.prune_changes(Timestamp::from_millis(0), 1).await.unwrap();
    place.start();
    is_made_anew(&place, 1).await;
}

#[tokio::test]
async fn another_list_of_languages_makes_it_anew_and_the_old_one_serves_meanwhile() {
    let mut place = stopped().await;
    let settings = Settings { languages: vec!["en".parse().unwrap()], ..Settings::default() };
    place.search = kaltura_mirror::search::Search::new(settings);
    place.start();
    place.until(|status| status.seq.is_some()).await;
    place.view();
    is_made_anew(&place, 1).await;
    let held = contents::of(&place.view()).into_values().next().unwrap();
    assert!(held.contains("name=\\x01entri"), "{held:?}");
}

#[tokio::test]
async fn a_field_that_is_published_from_now_on_is_found_and_one_that_is_not_any_more_is_not() {
    let mut place = stopped().await;
    place.start();
    place.caught_up().await;
    place.tell(|shape| {
        shape.searchable.insert("Speaker".to_owned());
    });
    is_made_anew(&place, 1).await;

    place.tell(|shape| {
        shape.searchable.remove("Topic");
    });
    is_made_anew(&place, 2).await;
    let terms = contents::dictionary(&place.view());
    assert!(!terms.iter().any(|term| term.contains("physics")), "{terms:?}");

    let members = ["name".to_owned()].into();
    place.tell(|shape| shape.publish.fields = Some(Arc::new(std::collections::BTreeSet::clone(&members))));
    is_made_anew(&place, 3).await;
    let terms = contents::dictionary(&place.view());
    assert!(!terms.iter().any(|term| term.starts_with("description=") || term.starts_with("tags=")), "{terms:?}");
}

#[tokio::test]
async fn an_index_that_tells_more_than_is_published_does_not_serve_until_another_is_made() {
    let mut place = stopped().await;
    place.tell(|shape| {
        shape.searchable.remove("Topic");
    });
    let mut watch = place.search.watch();
    place.start();
    // At no moment is there a view with the old terms.
    while place.search.status().built == 0 {
        if let Ok(view) = place.search.view() {
            assert!(!contents::dictionary(&view).iter().any(|term| term.contains("physics")));
        }
        tokio::select! {
            _ = watch.changed() => {}
            () = tokio::task::yield_now() => {}
        }
    }
    is_made_anew(&place, 1).await;
}

#[tokio::test]
async fn what_an_account_is_called_makes_no_new_index() {
    let mut place = stopped().await;
    place.start();
    place.caught_up().await;
    place.tell(|shape| shape.label.push('x'));
    place.put("0_next", json!({})).await;
    place.caught_up().await;
    assert_eq!(place.search.status().built, 0);
}

#[tokio::test]
async fn somebody_who_asks_for_a_new_one_gets_it_with_everything_in_it() {
    let mut place = stopped().await;
    place.start();
    place.caught_up().await;
    let old = place.generation();
    place.search.rebuild();
    is_made_anew(&place, 1).await;
    assert_ne!(place.generation(), old);
}

#[tokio::test]
async fn changes_while_a_new_one_is_made_are_in_it() {
    let mut place = stopped().await;
    place.start();
    place.caught_up().await;
    place.search.rebuild();
    for number in 0..20 {
        place.put(&format!("0_e{number}"), json!({"name": format!("New {number}")})).await;
    }
    place.see("0_e4", json!({"moderationStatus": 1})).await;
    is_made_anew(&place, 1).await;
}

#[tokio::test]
async fn a_disk_that_takes_no_index_stops_nothing_and_is_told_until_it_does() {
    let mut place = stopped().await;
    fs::remove_dir_all(place.folder()).unwrap();
    fs::write(place.folder(), "in the way").unwrap();
    place.start();
    let status = place.until(|status| status.trouble.is_some()).await;
    assert!(status.trouble.unwrap().contains("search"));
    assert!(matches!(place.search.view().map(|_| ()), Err(Unavailable::Broken(cause)) if cause.contains("search")));
    place.put("0_next", json!({})).await;

    fs::remove_file(place.folder()).unwrap();
    is_made_anew(&place, 1).await;
}
