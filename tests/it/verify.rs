//! Mirror and account compared: what differs is told with its likely cause, and nothing is written.

use std::time::Duration;

use kaltura_mirror::domain::ids::EntryId;
use kaltura_mirror::simulator::edits;
use kaltura_mirror::simulator::faults::{Fault, When};
use kaltura_mirror::sync::verify::{Difference, Error};
use serde_json::{Value, json};

use crate::house::House;
use crate::house::process::{Place, eventually};

const NEEDED: &str = "<metadata><SyncStatus>Sync Needed</SyncStatus><Topic>News</Topic></metadata>";

async fn differences(house: &House) -> Vec<Difference> {
    let account = house.daemon.sync.accounts().next().unwrap();
    house.daemon.sync.verify(account, None).await.unwrap().differences
}

/// The one difference of an entry.
async fn of(house: &House, id: &EntryId) -> Difference {
    let mut found: Vec<_> = differences(house).await.into_iter().filter(|it| it.id == *id).collect();
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

/// A house that has looked at every entry of the account.
async fn all_looked_at() -> House {
    let house = House::open().await;
    let ids: Vec<EntryId> = house.kaltura.read(|account| account.entries.keys().cloned().collect());
    house.sync(&ids.iter().collect::<Vec<_>>()).await;
    house.clock.advance(Duration::from_secs(60));
    house
}

#[tokio::test]
async fn a_mirror_that_has_seen_everything_differs_in_nothing() {
    let house = all_looked_at().await;
    let faults: Vec<_> = differences(&house).await.into_iter().filter(|it| !it.by_decision).collect();
    assert!(faults.is_empty(), "{faults:#?}");
}

#[tokio::test]
async fn an_entry_nobody_told_of_is_a_difference_and_says_so() {
    let house = House::open().await;
    let id = house.new_video("Unheard of", Some(NEEDED));
    let told = of(&house, &id).await;
    assert_eq!((told.field.as_str(), &told.mirror, &told.kaltura), ("entry", &Value::Null, &json!("READY")));
    assert!(told.cause.contains("nothing has told of it"), "{}", told.cause);
}

#[tokio::test]
async fn changes_nobody_told_of_are_found_field_by_field_until_a_look_mends_them() {
    let house = all_looked_at().await;
    let video = async |name: &str| {
        let id = house.new_video(name, Some(NEEDED));
        house.deliver().await;
        id
    };
    let (renamed, rejected, topic, deleted) =
        (video("Old title").await, video("Rejected").await, video("Topic").await, video("Deleted").await);
    assert!(differences(&house).await.iter().all(|it| it.by_decision));
    house.clock.advance(Duration::from_secs(60));

    house.kaltura.edit(|account| {
        edits::update_entry(account, &renamed, |entry| entry.name = "New title".to_owned());
        edits::reject(account, &rejected);
        edits::delete_entry(account, &deleted);
    });
    let xml = "<metadata><SyncStatus>Sync Needed</SyncStatus><Topic>Science</Topic></metadata>";
    house.kaltura.set_metadata_xml(&topic, kaltura_mirror::simulator::account::SYNC_PROFILE, xml);
    for (id, field, mirror, kaltura) in [
        (&renamed, "name", json!("Old title"), json!("New title")),
        (&rejected, "moderationStatus", json!(6), json!(3)),
        (&deleted, "entry", json!("mirrored"), Value::Null),
    ] {
        let told = of(&house, id).await;
        assert_eq!((told.field.as_str(), &told.mirror, &told.kaltura), (field, &mirror, &kaltura));
        assert!(told.cause.contains("no notification told of it") && !told.by_decision, "{}", told.cause);
    }
    let told = of(&house, &topic).await;
    assert!(told.field.starts_with("metadata.") && told.field.ends_with(".Topic"), "{told:?}");

    house.kaltura.set_sync_status(&renamed, Some("Sync Needed"));
    house.sync(&[&renamed, &rejected, &topic, &deleted]).await;
    let faults: Vec<_> = differences(&house).await.into_iter().filter(|it| !it.by_decision).collect();
    assert!(faults.is_empty(), "{faults:#?}");
}

#[tokio::test]
async fn what_an_editor_has_not_asked_for_differs_by_decision() {
    let house = all_looked_at().await;
    let id = house.new_video("First title", Some(NEEDED));
    house.deliver().await;
    house.clock.advance(Duration::from_secs(300));
    house.kaltura.rename_entry(&id, "Second title");
    house.deliver().await;
    let told = of(&house, &id).await;
    assert_eq!((told.field.as_str(), told.by_decision), ("name", true));
    assert!(told.cause.contains("Sync Done"), "{}", told.cause);
}

#[tokio::test]
async fn a_sample_is_about_as_large_as_was_asked_and_writes_nothing() {
    let house = all_looked_at().await;
    house.kaltura.reset_calls();
    let account = house.daemon.sync.accounts().next().unwrap();
    let verified = house.daemon.sync.verify(account, Some(20)).await.unwrap();
    assert!((10..=20).contains(&verified.compared), "{}", verified.compared);
    for write in ["metadata_metadata.update", "metadata_metadata.add"] {
        assert_eq!(house.kaltura.count(write), 0, "{write}");
    }
}

#[tokio::test]
async fn without_answers_nothing_is_said_about_any_entry() {
    let house = all_looked_at().await;
    house.kaltura.fault(When::call("flavorAsset.list"), Fault::Internal);
    let account = house.daemon.sync.accounts().next().unwrap();
    assert!(matches!(house.daemon.sync.verify(account, None).await, Err(Error::Kaltura(_))));
}

#[tokio::test]
async fn the_command_tells_beside_a_daemon_and_without_one_and_its_exit_code_says_whether_all_is_true() {
    let place = Place::new().await;
    let id = place.new_video("Tide & time", Some(NEEDED));
    let serving = place.serve();
    place.deliver(&serving).await;
    let report = || place.run(&format!("entry show {id} --json")).out;
    eventually("it is public", || report().contains("\"public_state\": \"public\"").then_some(()));
    let told = |arguments: &str| {
        let ran = place.run(arguments);
        assert_eq!(ran.code, Some(1), "entries of the account that nobody told of: {}{}", ran.out, ran.err);
        ran.out
    };
    let differences: Value = serde_json::from_str(&told("verify --json")).unwrap();
    let differences = differences.as_array().unwrap();
    assert!(differences.iter().any(|it| it["field"] == "entry" && it["mirror"].is_null()));
    assert!(differences.iter().all(|it| it["id"] != json!(id)), "what was brought in is true");
    serving.stop();

    let alone = told("verify");
    assert!(alone.trim_end().ends_with("differ from Kaltura") && alone.contains("nothing has told of it"), "{alone}");
    place.kaltura.stop().await;
    let unreachable = place.run("verify");
    assert_eq!(unreachable.code, Some(1));
    assert!(
        unreachable.err.contains("account main") && unreachable.err.contains("did not reach the API"),
        "{unreachable:?}"
    );
}

#[tokio::test]
async fn config_check_tells_what_a_daemon_found_out_of_an_account_with_the_cure() {
    let place = Place::new().await;
    assert!(!place.run("config check").out.contains("degraded"), "no daemon has been here");
    place.kaltura.fault(When::any(), Fault::InvalidKs);
    let serving = place.serve();
    let checked = || place.run("config check");
    let told = eventually("it is told", || Some(checked()).filter(|ran| ran.out.contains("degraded")));
    assert_eq!(told.code, Some(0), "the configuration can be used");
    assert!(
        told.out.contains("account main was degraded") && told.out.contains("compare admin_secret"),
        "{}",
        told.out
    );
    let findings = place.run_json("config check");
    let finding = findings.as_array().unwrap().iter().find(|it| it["level"] == "degraded").unwrap();
    assert_eq!(finding["id"], "account main");
    serving.stop();
}
