//! What is indexed of an entry, as what; and that nothing of what is withheld or not published is in it.

use kaltura_mirror::domain::ids::MetadataId;
use kaltura_mirror::search::{Settings, key};
use kaltura_mirror::store::{Save, Seen};
use serde_json::{Value, json};

use super::contents;
use super::place::Place;
use crate::store_mirror::house::{entry, synced_as};

/// A look that brings these fields of the content profile.
fn with_fields(id: &str, edit: Value, fields: &[(&str, &[&str])]) -> Save {
    let mut seen: Seen = synced_as(id, edit);
    let content = seen.content.as_mut().unwrap();
    let number: i64 = id.bytes().map(i64::from).sum();
    content.metadata[0].0.id = MetadataId(number);
    content.metadata[0].1 = fields
        .iter()
        .map(|(name, values)| ((*name).to_owned(), values.iter().map(|value| (*value).to_owned()).collect()))
        .collect();
    Save::Seen(Box::new(seen))
}

#[tokio::test]
async fn every_published_member_is_found_as_what_it_is() {
    let settings = Settings { languages: vec!["en".parse().unwrap()], ..Settings::default() };
    let place = Place::with(settings).await;
    let edit = json!({
        "name": "Crème Lectures", "description": "機械学習", "tags": "Machine Learning, AI", "referenceId": "AB-1234",
        "createdAt": 1_700_000_000, "duration": 61, "plays": 9, "mediaType": 5,
    });
    let fields: &[(&str, &[&str])] =
        &[("Topic", &["Fine Arts", "Music"]), ("Taken", &["1700000000"]), ("Episode", &["12", "x"])];
    place.house.look(vec![with_fields("0_one", edit, fields)]).await;
    place.caught_up().await;
    let held = contents::of(&place.view()).remove(&key(place.house.account(), &entry("0_one"))).unwrap();
    for expected in [
        "name=creme",
        "name=lectures",
        "name=\\x01lectur",
        "name_order:creme lectures",
        "description=\\xe6\\xa9\\x9f\\xe6\\xa2\\xb0",
        "tags=machine",
        "tags=\\x02machine learning",
        "tags=\\x02ai",
        "tags:Machine Learning",
        "identifiers=ab1234",
        "identifiers=1234",
        "identifiers=0one",
        "reference_id=ab-1234",
        "categories=\\x02portal",
        "category_paths:Portal",
        "metadata=fine",
        "metadata=12",
        "fields=Topic\\x00s\\x02fine arts",
        "fields=Topic\\x00smusic",
        "fields.Topic:Fine Arts",
        "fields.Taken:1700000000",
        "fields.Episode:12",
        "media_type:5",
        "duration:61",
        "created_at:1700000000",
        "plays:9",
        "type:1",
        "account:1",
    ] {
        assert!(held.contains(expected), "{expected}: {held:#?}");
    }
    assert!(!held.contains("metadata=1700000000"), "a date is no word");
}

#[tokio::test]
async fn a_category_s_entries_are_those_of_every_category_above_it() {
    let place = Place::open().await;
    let mut facts = crate::store_mirror::house::account_facts();
    facts.categories.push(crate::store_mirror::house::category(12, "Portal>Lectures>Physics", &[]));
    place.house.store.save_policy(place.house.account(), &facts).await.unwrap();
    let mut seen = synced_as("0_one", json!({}));
    seen.memberships = vec![crate::store_mirror::house::member("0_one", 12, 2)];
    place.house.look_at(seen).await;
    place.caught_up().await;
    let held = contents::of(&place.view()).into_values().next().unwrap();
    for path in ["portal", "portal>lectures", "portal>lectures>physics"] {
        assert!(held.contains(&format!("categories=\\x02{path}")), "{path}: {held:?}");
    }
    for path in ["Portal", "Portal>Lectures", "Portal>Lectures>Physics"] {
        assert!(held.contains(&format!("category_paths:{path}")), "{path}: {held:?}");
    }
}

#[tokio::test]
async fn nothing_of_an_entry_that_was_never_public_is_in_any_term() {
    let place = Place::open().await;
    let canary = |edit: Value| {
        let mut all =
            json!({"name": "canaryname", "description": "canarytext", "tags": "canarytag", "referenceId": "canaryref"});
        all.as_object_mut().unwrap().extend(edit.as_object().unwrap().clone());
        all
    };
    let start = place.house.clock.now().as_secs() + 1_000;
    let withheld = [
        json!({"moderationStatus": 1}),
        json!({"accessControlId": 5}),
        json!({"accessControlId": 777}),
        json!({"displayInSearch": -2}),
        json!({"startDate": start}),
        json!({"endDate": 1_000}),
    ];
    for (number, edit) in withheld.into_iter().enumerate() {
        let id = format!("0_canary{number}");
        place.house.look(vec![with_fields(&id, canary(edit), &[("Topic", &["canarytopic"])])]).await;
    }
    place.put("0_plain", json!({})).await;
    assert_eq!(place.ids().await, ["0_plain"]);
    let terms = contents::dictionary(&place.view());
    assert!(!terms.iter().any(|term| term.contains("canary")), "{terms:?}");
}

#[tokio::test]
async fn nothing_of_a_field_that_is_not_published_is_in_any_term() {
    let place = Place::open().await;
    let edit = json!({"adminTags": "canaryadmin", "userId": "canaryuser", "partnerData": "canarydata", "creatorId": "canarymaker"});
    let fields: &[(&str, &[&str])] =
        &[("Topic", &["physics"]), ("Secret", &["canaryfield"]), ("SyncStatus", &["canarystatus"])];
    place.house.look(vec![with_fields("0_one", edit, fields)]).await;
    place.caught_up().await;
    let terms = contents::dictionary(&place.view());
    assert!(terms.contains("metadata=physics"), "{terms:?}");
    assert!(!terms.iter().any(|term| term.contains("canary")), "{terms:?}");
}

#[tokio::test]
async fn what_is_withheld_after_having_been_public_leaves_the_terms_with_the_next_merge() {
    let place = Place::open().await;
    place.put("0_one", json!({"name": "canaryname"})).await;
    place.put("0_two", json!({})).await;
    place.caught_up().await;
    place.see("0_one", json!({"moderationStatus": 1})).await;
    assert_eq!(place.ids().await, ["0_two"]);
    let gone = async {
        while contents::dictionary(&place.view()).iter().any(|term| term.contains("canary")) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(crate::house::PATIENCE, gone).await.expect("deleted terms go");
}
