//! The main walk: a signed notification becomes a mirrored, marked entry.

use std::time::Duration;

use kaltura_mirror::domain::clock::Clock;
use kaltura_mirror::simulator::account::{STAFF_ONLY, believable_account};
use kaltura_mirror::simulator::edits;
use kaltura_mirror::simulator::handle::{Options, Simulator};
use kaltura_mirror::simulator::sessions::SimAppToken;

use crate::house::{House, START, http};

const NEEDED: &str = "<metadata><SyncStatus>Sync Needed</SyncStatus></metadata>";
const DONE: &str = "<metadata><SyncStatus>Sync Done</SyncStatus></metadata>";
const MANUAL: &str = "<metadata><SyncStatus>Sync Manual</SyncStatus></metadata>";

#[tokio::test]
async fn a_signed_notification_becomes_a_mirrored_and_marked_entry() {
    let house = House::open().await;
    let id = house.new_video("Tide & time", Some(NEEDED));
    assert_eq!(house.public_entry(&id).await, None);

    let deliveries = house.deliver().await;

    assert!(deliveries.iter().all(|delivery| delivery.answer.is_success()));
    assert_eq!(house.public_entry(&id).await.expect("it is public")["name"], "Tide & time");
    assert_eq!(house.sync_xml(&id).as_deref(), Some(DONE));
}

#[tokio::test]
async fn a_lone_entry_costs_two_calls_and_the_echo_of_our_own_mark_changes_nothing() {
    let house = House::open().await;
    let id = house.new_video("Once", Some(NEEDED));
    house.kaltura.reset_calls();
    house.deliver().await;
    assert_eq!(house.kaltura.http_requests(), 2, "{:?}", house.kaltura.calls());

    let before = house.public_entry(&id).await;
    house.sync(&[&id]).await;
    assert_eq!(house.public_entry(&id).await, before);
    assert_eq!(house.report(&id).await.unwrap().changes.len(), 1, "the sync, and nothing after it");
    assert_eq!(house.kaltura.count("metadata_metadata.update"), 1);
}

#[tokio::test]
async fn a_parked_entry_is_left_alone_and_its_field_is_never_overwritten() {
    let house = House::open().await;
    let id = house.new_video("Parked", Some(MANUAL));
    house.deliver().await;
    assert_eq!(house.public_entry(&id).await, None);
    assert_eq!(house.sync_xml(&id).as_deref(), Some(MANUAL));
}

#[tokio::test]
async fn an_editor_who_parks_the_entry_between_our_read_and_our_mark_wins() {
    let house = House::open().await;
    let id = house.new_video("Raced", Some(NEEDED));
    let editor = id.clone();
    house.kaltura.before_call("metadata_metadata.update", move |account| {
        edits::set_sync_status(account, &editor, Some("Sync Manual"));
    });
    house.deliver().await;
    assert_eq!(house.sync_xml(&id).as_deref(), Some(MANUAL));
}

#[tokio::test]
async fn a_forged_notification_is_refused_and_changes_nothing() {
    let house = House::open().await;
    house.new_video("Forged", Some(NEEDED));
    let body = "notification_id=1&notification_type=entry_update&puser_id=&partner_id=102&entry_id=0_aaaaaaaa&signed_fields=notification_id%2Cnotification_type%2Cpuser_id%2Cpartner_id%2Centry_id%2Csigned_fields%2C&sig=00000000000000000000000000000000";
    let answer = http::post_form(house.daemon.public, "/notifications", body).await;
    assert_eq!((answer.status, answer.header("content-type")), (403, Some("application/problem+json")));
    assert!(house.daemon.store.dirty_counts().await.unwrap().is_idle());
}

#[tokio::test]
async fn a_picture_refused_while_the_entry_was_restricted_is_fetched_when_it_opens() {
    let house = House::open().await;
    let id = house.new_video("Opened later", Some(NEEDED));
    house.kaltura.replace_thumbnail(&id, 3);
    house.kaltura.set_access_control(&id, Some(STAFF_ONLY));
    house.deliver().await;
    assert_eq!(house.public_entry(&id).await, None);

    house.clock.advance(Duration::from_secs(2));
    house.kaltura.set_access_control(&id, None);
    house.deliver().await;
    let picture = http::get(house.daemon.public, &format!("/thumbnails/{id}")).await;
    assert_eq!((picture.status, picture.header("content-type")), (200, Some("image/jpeg")));
}

#[tokio::test]
async fn a_daemon_starts_answers_and_says_why_while_kaltura_is_down() {
    let house = House::open().await;
    let id = house.new_video("Seen before", Some(NEEDED));
    house.deliver().await;
    house.kaltura.stop().await;
    let house = house.restart().await;

    assert_eq!(house.public_entry(&id).await.expect("the mirror serves")["name"], "Seen before");
    let ready = http::get(house.daemon.public, "/readyz").await;
    assert_eq!(ready.status, 200);
    let state = ready.json()["accounts"][0]["state"].as_str().unwrap().to_owned();
    assert!(state.starts_with("degraded: "), "{state}");

    house.kaltura.restart().await.unwrap();
    house.learn_facts().await;
    assert_eq!(http::get(house.daemon.public, "/readyz").await.json()["accounts"][0]["state"], "ok");
}

#[tokio::test]
async fn with_an_application_token_the_admin_secret_only_verifies_notifications() {
    let clock = Clock::manual(START);
    let kaltura = Simulator::start(Options::new(believable_account(7, clock.clone()))).await.unwrap();
    kaltura.edit(|account| {
        let token = SimAppToken::admin("0_u970c0w2", "a-token-of-some-length", "SHA256");
        account.app_tokens.insert(token.id.clone(), token);
    });
    let house =
        House::beside_as(kaltura, clock, "app_token_id = \"0_u970c0w2\"\napp_token = \"a-token-of-some-length\"\n")
            .await;
    let id = house.new_video("By token", Some(NEEDED));
    house.deliver().await;
    assert_eq!(house.sync_xml(&id).as_deref(), Some(DONE));
    assert!(house.kaltura.count("appToken.startSession") > 0);
}
