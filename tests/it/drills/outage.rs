//! Kaltura is down for hours while hints go on arriving: it is left alone, visitors are served, no entry loses an attempt, and
//! afterwards all is caught up by itself with few calls.

use std::time::Duration;

use kaltura_mirror::domain::ids::EntryId;
use kaltura_mirror::simulator::faults::{Fault, When};

use super::{DONE, NEEDED};
use crate::house::{House, http};
use kaltura_mirror::domain::clock::Timestamp;

const MINUTE: Duration = Duration::from_secs(60);
const ENTRIES: usize = 30;

/// What `/readyz` says of the one account.
async fn ready(house: &House) -> serde_json::Value {
    let answer = http::get(house.daemon.public, "/readyz").await;
    assert_eq!(answer.status, 200, "visitors are served");
    answer.json()["accounts"][0].clone()
}

fn calls(house: &House) -> u64 {
    house.daemon.sync.accounts().map(|account| account.client.calls()).sum()
}

/// A house with entries that visitors see.
async fn in_use() -> (House, Vec<EntryId>) {
    let house = House::open().await;
    let mut ids = Vec::new();
    for number in 0..ENTRIES {
        ids.push(house.new_video(&format!("Part {number}"), Some(NEEDED)));
    }
    house.deliver().await;
    for id in &ids {
        assert!(house.is_public(id).await);
    }
    (house, ids)
}

/// An hour in steps of 20 s, then five in steps of ten minutes; an entry is renamed and asked for in each.
async fn hours_pass(house: &House, ids: &[EntryId]) -> (u64, u64) {
    let (before, mut step) = (calls(house), 0);
    let mut rename = |house: &House| {
        let id = &ids[step % ids.len()];
        house.kaltura.rename_entry(id, &format!("Renamed in step {step}"));
        house.kaltura.set_sync_status(id, Some("Sync Needed"));
        step += 1;
    };
    for _ in 0..180 {
        rename(house);
        house.deliver().await;
        house.pass(Duration::from_secs(20)).await;
    }
    let in_the_first_hour = calls(house) - before;
    for _ in 0..30 {
        rename(house);
        house.deliver().await;
        house.pass(MINUTE * 10).await;
    }
    (in_the_first_hour, calls(house) - before)
}

async fn nothing_lost_an_attempt(house: &House, ids: &[EntryId]) {
    for id in ids {
        let dirty = house.report(id).await.unwrap().dirty.expect("it waits");
        assert_eq!((dirty.state.as_str(), dirty.attempts), ("waiting", 0), "{id}: {:?}", dirty.last_error);
    }
}

/// Six hours without a Kaltura, by one way or another, and what is told and asked.
async fn an_outage(case: &str, begin: impl AsyncFnOnce(&House), end: impl AsyncFnOnce(&House)) {
    let (house, ids) = in_use().await;
    let last_answer = house.clock.now();
    house.clock.advance(MINUTE);
    begin(&house).await;
    // Calls that fail before it is known to be down are the server's trouble, and not the first entries'.
    house.sync(&[&ids[0]]).await;
    for _ in 0..2 {
        house.pass(Duration::from_secs(20)).await;
    }
    let (in_the_first_hour, in_all) = hours_pass(&house, &ids).await;

    let told = ready(&house).await;
    assert!(told["state"].as_str().unwrap().starts_with("degraded: kaltura has not answered since"), "{case}: {told}");
    assert_eq!(told["stale_since"], last_answer.to_string(), "{case}");
    assert!(in_the_first_hour <= 100, "{case}: 180 hints an hour and {in_the_first_hour} calls");
    assert!(in_all <= 170, "{case}: {in_all} calls in six hours");
    nothing_lost_an_attempt(&house, &ids[1..]).await;
    assert_eq!(house.public_entry(&ids[3]).await.unwrap()["name"], "Part 3", "{case}");

    end(&house).await;
    let before = calls(&house);
    house.pass(MINUTE * 2).await;
    for id in &ids {
        let name = house.public_entry(id).await.unwrap()["name"].as_str().unwrap().to_owned();
        assert!(name.starts_with("Renamed in step"), "{case}: {id} is still {name}");
        assert_eq!(house.sync_xml(id).as_deref(), Some(DONE), "{case}");
    }
    let after = calls(&house) - before;
    assert!(after <= 10, "{case}: {after} calls for {ENTRIES} entries");
    house.learn_facts().await;
    let told = ready(&house).await;
    assert_eq!((&told["state"], &told["stale_since"]), (&"ok".into(), &serde_json::Value::Null), "{case}");
}

#[tokio::test]
async fn a_server_that_answers_only_errors_for_hours_is_left_alone_and_caught_up_with() {
    let begin = async |house: &House| house.kaltura.fault(When::any(), Fault::Http(503));
    an_outage("503", begin, async |house: &House| house.kaltura.heal()).await;
}

#[tokio::test]
async fn a_server_that_takes_no_connection_for_hours_is_left_alone_and_caught_up_with() {
    let begin = async |house: &House| house.kaltura.stop().await;
    an_outage("refused", begin, async |house: &House| house.kaltura.restart().await.unwrap()).await;
}

/// A house that was in use when Kaltura went away, some minutes ago; and when Kaltura last answered.
async fn down_for_minutes() -> (House, Timestamp) {
    let (house, ids) = in_use().await;
    let last_answer = house.clock.now();
    house.clock.advance(MINUTE);
    house.kaltura.stop().await;
    for _ in 0..4 {
        house.sync(&[&ids[0]]).await;
        house.pass(MINUTE).await;
    }
    (house, last_answer)
}

#[tokio::test]
async fn a_start_while_kaltura_is_down_is_stale_since_before_it() {
    let (house, last_answer) = down_for_minutes().await;
    assert_eq!(ready(&house).await["stale_since"], last_answer.to_string());
    let house = house.restart().await;
    assert_eq!(ready(&house).await["stale_since"], last_answer.to_string());
    house.kaltura.restart().await.unwrap();
    house.learn_facts().await;
    assert_eq!(ready(&house).await["stale_since"], serde_json::Value::Null);
}

#[tokio::test]
async fn metrics_and_the_admin_status_say_since_when_an_account_is_stale() {
    let (house, last_answer) = down_for_minutes().await;
    let metrics = http::get(house.daemon.admin, "/metrics").await.text();
    let sample = "kaltura_mirror_account_stale_since_timestamp_seconds{account=\"102\"}";
    assert!(metrics.contains(&format!("{sample} {}\n", last_answer.as_secs())), "{metrics}");
    let bearer = format!("Bearer {}", house.token());
    let headers = [("Authorization", bearer.as_str())];
    let status = http::request(house.daemon.admin, "GET", "/api/v1/admin/status", &headers, b"").await.json();
    assert_eq!(status["accounts"][0]["stale_since"], last_answer.to_string());
}
