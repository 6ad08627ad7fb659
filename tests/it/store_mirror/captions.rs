//! Captions: wanted by version, read once, told, and due again when whoever fetched them is gone.

use kaltura_mirror::domain::caption::{Caption, SpokenCue};
use kaltura_mirror::domain::entry::as_object;
use kaltura_mirror::store::{FetchedCaption, SavedCaption, Seen, WantedCaption};
use serde_json::json;

use super::house::{House, entry, synced};

const ID: &str = "0_b7eejrrj";

/// The entry with one track whose file has this version.
fn captioned(version: &str) -> Seen {
    let object = json!({
        "id": "0_captiona", "entryId": ID, "partnerId": 102, "version": version, "status": 2, "format": "1",
        "language": "English", "languageCode": "en", "label": "English"
    });
    let mut seen = synced(ID);
    let content = seen.content.as_mut().unwrap();
    content.captions = vec![Caption::from_api(as_object(object).unwrap()).unwrap()];
    seen
}

fn said(text: &str) -> FetchedCaption {
    FetchedCaption { cues: vec![SpokenCue { start_ms: 1, end_ms: 2, text: text.to_owned() }], note: None }
}

async fn claimed(house: &House) -> Vec<WantedCaption> {
    house.store.claim_captions(house.account(), 10).await.unwrap()
}

async fn words(house: &House) -> Vec<String> {
    let mut cues = house.store.cues(house.account(), &[entry(ID)]).await.unwrap();
    cues.remove(&entry(ID)).unwrap_or_default().into_iter().map(|cue| cue.text).collect()
}

#[tokio::test]
async fn a_file_is_claimed_once_and_again_when_its_lease_ends_or_the_process_does() {
    let house = House::open().await;
    house.look_at(captioned("2")).await;
    assert_eq!(claimed(&house).await.len(), 1);
    assert_eq!(claimed(&house).await, []);
    house.pass(299);
    assert_eq!(claimed(&house).await, []);
    house.pass(1);
    assert_eq!(claimed(&house).await.len(), 1);
    let house = house.restart().await;
    let [wanted] = &claimed(&house).await[..] else { panic!("it is due at once") };
    let saved = house.store.save_caption(house.account(), wanted, &said("words")).await.unwrap();
    assert!(matches!(saved, SavedCaption::Kept(Some(_))), "{saved:?}");
    let house = house.restart().await;
    assert_eq!(claimed(&house).await, [], "what is kept is not fetched again");
    assert_eq!(words(&house).await, ["words"]);
}

#[tokio::test]
async fn only_the_wanted_version_is_kept_and_the_words_before_stay_until_then() {
    let house = House::open().await;
    house.look_at(captioned("2")).await;
    let [old] = &claimed(&house).await[..] else { panic!("it is due") };
    house.store.save_caption(house.account(), old, &said("before")).await.unwrap();
    house.look_at(captioned("12")).await;
    assert_eq!(words(&house).await, ["before"]);
    let late = house.store.save_caption(house.account(), old, &said("late")).await.unwrap();
    assert_eq!(late, SavedCaption::Outdated);
    let [new] = &claimed(&house).await[..] else { panic!("it is due") };
    assert_eq!((new.version.as_str(), new.attempts), ("12", 0));
    assert!(house.store.no_caption(house.account(), new, "no text").await.unwrap().is_some(), "visitors lose words");
    assert_eq!(words(&house).await, Vec::<String>::new());
    house.look_at(synced(ID)).await;
    let gone = house.store.save_caption(house.account(), new, &said("gone")).await.unwrap();
    assert_eq!(gone, SavedCaption::Outdated, "the track is gone");
}
