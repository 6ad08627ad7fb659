//! Thumbnails: wanted by version, kept bytes first, told, healed and pruned.

use kaltura_mirror::domain::ids::EntryId;
use kaltura_mirror::store::{FetchedThumbnail, PrunedThumbnails, SavedThumbnail};
use serde_json::{Value, json};

use super::house::{House, START, entry, seen_only, synced, synced_as};

const ID: &str = "0_b7eejrrj";

fn version(version: &str) -> Value {
    json!({"thumbnailUrl": format!("http://c/p/102/thumbnail/entry_id/{ID}/version/{version}")})
}

fn fetched(version: &str, bytes: &[u8]) -> FetchedThumbnail {
    FetchedThumbnail {
        entry_id: entry(ID),
        version: version.into(),
        bytes: bytes.to_vec(),
        content_type: "image/jpeg".into(),
        width: Some(640),
        height: Some(360),
    }
}

async fn claimed(house: &House) -> Vec<(EntryId, String, u32)> {
    let claimed = house.store.claim_thumbnails(house.account(), 10).await.unwrap();
    claimed.into_iter().map(|wanted| (wanted.entry_id, wanted.version, wanted.attempts)).collect()
}

#[tokio::test]
async fn a_wanted_picture_is_claimed_once_kept_and_told() {
    let house = House::open().await;
    let mut after = 0;
    house.look_at(synced(ID)).await;
    house.changes(&mut after).await;
    assert_eq!(claimed(&house).await, [(entry(ID), "100001".to_owned(), 0)]);
    assert_eq!(claimed(&house).await, [], "it is left to whoever claimed it");
    assert_eq!(house.store.thumbnail(house.account(), &entry(ID)).await.unwrap(), None);

    let saved = house.store.save_thumbnail(house.account(), &fetched("100001", b"jpeg")).await.unwrap();
    assert!(matches!(saved, SavedThumbnail::Kept(Some(_))), "{saved:?}");
    assert_eq!(house.changes(&mut after).await, [format!("put {ID} changed")]);
    let stored = house.store.thumbnail(house.account(), &entry(ID)).await.unwrap().unwrap();
    assert_eq!((stored.bytes.as_slice(), stored.version.as_str()), (&b"jpeg"[..], "100001"));
    assert_eq!((stored.content_type.as_str(), stored.width, stored.height), ("image/jpeg", Some(640), Some(360)));

    house.pass(3_600);
    house.look_at(synced(ID)).await;
    assert_eq!(claimed(&house).await, [], "the version is kept already");
    assert!(house.changes(&mut after).await.is_empty());
}

#[tokio::test]
async fn a_claim_that_is_not_answered_is_due_again() {
    let house = House::open().await;
    house.look_at(synced(ID)).await;
    assert_eq!(claimed(&house).await.len(), 1);
    house.pass(299);
    assert_eq!(claimed(&house).await.len(), 0);
    house.pass(1);
    assert_eq!(claimed(&house).await.len(), 1);
}

#[tokio::test]
async fn only_the_wanted_version_is_kept_and_the_one_before_stays_until_then() {
    let house = House::open().await;
    house.look_at(synced(ID)).await;
    house.store.save_thumbnail(house.account(), &fetched("100001", b"old")).await.unwrap();
    house.look_at(synced_as(ID, version("100002"))).await;
    let saved = house.store.save_thumbnail(house.account(), &fetched("100001", b"late")).await.unwrap();
    assert_eq!(saved, SavedThumbnail::Outdated);
    let stored = house.store.thumbnail(house.account(), &entry(ID)).await.unwrap().unwrap();
    assert_eq!(stored.bytes, b"old");
    assert_eq!(claimed(&house).await, [(entry(ID), "100002".to_owned(), 0)]);
    house.store.save_thumbnail(house.account(), &fetched("100002", b"new")).await.unwrap();
    let stored = house.store.thumbnail(house.account(), &entry(ID)).await.unwrap().unwrap();
    assert_eq!(stored.bytes, b"new");
}

#[tokio::test]
async fn a_deferred_picture_waits_and_counts_its_attempts() {
    let house = House::open().await;
    house.look_at(synced(ID)).await;
    claimed(&house).await;
    let later = START.plus(std::time::Duration::from_secs(600));
    house.store.defer_thumbnail(house.account(), &entry(ID), "100001", later, "404").await.unwrap();
    assert_eq!(house.store.next_thumbnail_due(house.account()).await.unwrap(), Some(later));
    house.pass(599);
    assert_eq!(claimed(&house).await, []);
    house.pass(1);
    assert_eq!(claimed(&house).await, [(entry(ID), "100001".to_owned(), 1)]);
}

#[tokio::test]
async fn a_version_without_a_picture_takes_the_one_before_away_until_the_version_changes() {
    let house = House::open().await;
    let mut after = 0;
    house.look_at(synced(ID)).await;
    house.store.save_thumbnail(house.account(), &fetched("100001", b"old")).await.unwrap();
    house.look_at(synced_as(ID, version("100002"))).await;
    house.changes(&mut after).await;
    let change = house.store.no_thumbnail(house.account(), &entry(ID), "100002", "a stock picture").await.unwrap();
    assert!(change.is_some());
    assert_eq!(house.changes(&mut after).await, [format!("put {ID} changed")]);
    assert_eq!(house.store.thumbnail(house.account(), &entry(ID)).await.unwrap(), None);
    house.pass(10_000);
    assert_eq!(claimed(&house).await, []);
    house.look_at(synced_as(ID, version("100003"))).await;
    assert_eq!(claimed(&house).await, [(entry(ID), "100003".to_owned(), 0)]);
}

#[tokio::test]
async fn the_picture_of_a_withheld_entry_is_kept_and_not_given_away() {
    let house = House::open().await;
    house.look_at(synced(ID)).await;
    house.store.save_thumbnail(house.account(), &fetched("100001", b"jpeg")).await.unwrap();
    house.look_at(seen_only(ID, json!({"moderationStatus": 3}))).await;
    assert_eq!(house.store.thumbnail(house.account(), &entry(ID)).await.unwrap(), None);
    house.look_at(seen_only(ID, json!({"endDate": START.as_secs() + 10}))).await;
    assert!(house.store.thumbnail(house.account(), &entry(ID)).await.unwrap().is_some());
    house.pass(10);
    assert_eq!(house.store.thumbnail(house.account(), &entry(ID)).await.unwrap(), None, "before any timer ran");
}

#[tokio::test]
async fn a_row_whose_bytes_are_gone_is_wanted_again_and_bytes_without_a_row_are_forgotten() {
    let house = House::open().await;
    house.look_at(synced(ID)).await;
    house.store.save_thumbnail(house.account(), &fetched("100001", b"jpeg")).await.unwrap();
    house.store.save_thumbnail(house.account(), &fetched("99", b"of no row")).await.unwrap();
    assert_eq!(house.store.prune_thumbnails().await.unwrap(), PrunedThumbnails::default(), "too young");
    house.pass(3_601);
    let pruned = house.store.prune_thumbnails().await.unwrap();
    assert_eq!(pruned, PrunedThumbnails { forgotten: 1, healed: 0 });
    assert!(house.store.thumbnail(house.account(), &entry(ID)).await.unwrap().is_some());

    // A restored backup has no thumbnails.db.
    let House { directory, clock, store } = house;
    store.close().await;
    drop(store);
    for file in std::fs::read_dir(directory.path()).unwrap() {
        let path = file.unwrap().path();
        if path.file_name().unwrap().to_string_lossy().starts_with("thumbnails.db") {
            std::fs::remove_file(path).unwrap();
        }
    }
    let store = super::house::open(directory.path(), &clock).await;
    let house = House { directory, clock, store };
    assert_eq!(claimed(&house).await, []);
    assert_eq!(house.store.thumbnail(house.account(), &entry(ID)).await.unwrap(), None);
    assert_eq!(claimed(&house).await, [(entry(ID), "100001".to_owned(), 0)]);
    house.store.save_thumbnail(house.account(), &fetched("100001", b"jpeg")).await.unwrap();
    assert!(house.store.thumbnail(house.account(), &entry(ID)).await.unwrap().is_some());
}
