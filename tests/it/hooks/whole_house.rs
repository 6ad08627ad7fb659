//! What a website hears while the daemon mirrors: from a notification at the door to the delivery at the receiver.

use std::sync::Arc;
use std::time::Duration;

use kaltura_mirror::domain::hook::HookEvent;
use kaltura_mirror::domain::ids::EntryId;
use kaltura_mirror::simulator::edits;
use serde_json::{Value, json};

use super::Delivered;
use crate::house::{House, http};
use kaltura_mirror::simulator::sink::{Received, Reply, Sink};

const NEEDED: &str = "<metadata><SyncStatus>Sync Needed</SyncStatus></metadata>";
const DONE: &str = "<metadata><SyncStatus>Sync Done</SyncStatus></metadata>";
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A hook of this name at a sink, with further lines.
fn hook(name: &str, sink: &Sink, further: &str) -> String {
    let events: Vec<String> = HookEvent::ALL.iter().map(|event| format!("\"{event}\"")).collect();
    let url = sink.url();
    format!(
        "[[hooks]]\nname = \"{name}\"\nurl = \"{url}\"\nsecret = \"{SECRET}\"\nallow_private = true\nevents = [{}]\n{further}\n",
        events.join(", ")
    )
}

fn types(received: &[Received]) -> Vec<String> {
    received.iter().map(|it| it.json()["type"].as_str().unwrap().to_owned()).collect()
}

fn of_entry<'a>(received: &'a [Received], id: &EntryId) -> Vec<&'a Received> {
    received.iter().filter(|it| it.json()["data"]["id"] == json!(id)).collect()
}

async fn rename(house: &House, id: &EntryId, name: &'static str) {
    house.kaltura.edit(|account| {
        edits::update_entry(account, id, |entry| entry.name = name.to_owned());
        edits::set_sync_status(account, id, Some("Sync Needed"));
    });
    house.sender().drain(house.kaltura.account()).await;
    // An entry that was looked at just now is looked at again a second later.
    house.pass(Duration::from_secs(1)).await;
}

#[tokio::test]
async fn a_website_hears_of_an_entry_when_it_is_synced_changed_and_removed() {
    let sink = Sink::start().await;
    let house = House::open_with(&hook("site", &sink, "")).await;
    let id = house.new_video("Tide & time", Some(NEEDED));
    house.deliver().await;
    let first = sink.received()[0].json();
    assert_eq!((&first["type"], &first["data"]["cause"]), (&json!("entry.synced"), &json!("synced")));
    let mut shown = house.public_entry(&id).await.unwrap();
    let mut told = first["data"]["entry"].clone();
    for entry in [&mut shown, &mut told] {
        // The picture came after the content.
        entry.as_object_mut().unwrap().remove("thumbnail");
        entry.as_object_mut().unwrap().remove("seq");
    }
    assert_eq!(told, shown, "the entry as visitors get it");

    rename(&house, &id, "Time & tide").await;
    let path = format!("/api/v1/admin/entries/{id}/hide");
    assert_eq!(http::post_json(house.daemon.admin, &path, &house.token(), &json!({})).await.status, 200);
    house.run_until_idle().await;
    let received = sink.received();
    let last = received.last().unwrap().json();
    assert_eq!((&last["type"], &last["data"]["entry"]), (&json!("entry.removed"), &Value::Null));
    let synced: Vec<Value> = received.iter().map(Received::json).filter(|it| it["type"] == "entry.synced").collect();
    let names: Vec<&Value> = synced.iter().map(|it| &it["data"]["entry"]["name"]).collect();
    assert_eq!(names, ["Tide & time", "Time & tide"], "{:?}", types(&received));
}

#[tokio::test]
async fn sync_done_waits_until_a_required_hook_has_taken_the_sync() {
    let sink = Arc::new(Sink::start().await);
    let house = House::open_with(&hook("site", &sink, "required = true")).await;
    sink.always(Reply::status(503));
    let id = house.new_video("Awaited", Some(NEEDED));
    let seen = Arc::clone(&sink);
    house.kaltura.before_call("metadata_metadata.update", move |_| {
        assert!(of_entry_taken(&seen), "marked before it was delivered");
    });
    house.deliver().await;
    assert!(house.public_entry(&id).await.is_some(), "the content does not wait");
    assert_eq!(house.sync_xml(&id).as_deref(), Some(NEEDED));

    sink.always(Reply::status(204));
    house.pass(Duration::from_secs(5)).await;
    assert_eq!(house.sync_xml(&id).as_deref(), Some(DONE));
    let synced: Vec<_> = sink.received().into_iter().filter(|it| it.json()["type"] == "entry.synced").collect();
    assert_eq!(synced.len(), 2);
    assert_eq!(synced[0].id(), synced[1].id());
}

/// Whether an `entry.synced` came a second time: the first was refused.
fn of_entry_taken(sink: &Sink) -> bool {
    types(&sink.received()).iter().filter(|kind| *kind == "entry.synced").count() == 2
}

#[tokio::test]
async fn deliveries_of_one_entry_keep_their_order_while_others_pass() {
    let sink = Sink::start().await;
    let house = House::open_with(&hook("site", &sink, "")).await;
    let stuck = house.new_video("Stuck", Some(NEEDED));
    let refused = stuck.clone();
    sink.always_by(move |it| {
        let is_refused = it.json()["data"]["id"] == json!(refused);
        Reply::status(if is_refused { 500 } else { 204 })
    });
    house.deliver().await;
    rename(&house, &stuck, "Stuck, renamed").await;
    assert_eq!(house.report(&stuck).await.unwrap().changes.len(), 2, "there is more to tell of it");
    let other = house.new_video("Other", Some(NEEDED));
    house.deliver().await;
    let received = sink.received();
    let first = of_entry(&received, &stuck)[0].id().to_owned();
    assert!(of_entry(&received, &stuck).iter().all(|it| it.id() == first), "the younger one waits for the older");
    assert!(!of_entry(&received, &other).is_empty(), "another entry does not");

    sink.always(Reply::status(204));
    for _ in 0..3 {
        house.pass(Duration::from_secs(300)).await;
    }
    let received = sink.received();
    let numbers: Vec<u64> =
        of_entry(&received, &stuck).iter().map(|it| it.id().rsplit('_').next().unwrap().parse().unwrap()).collect();
    assert!(numbers.is_sorted() && numbers.first() < numbers.last(), "{numbers:?}");
}

#[tokio::test]
async fn a_hook_that_hangs_delays_neither_reception_nor_sync_nor_other_hooks() {
    let (slow, quick) = (Sink::start().await, Sink::start().await);
    slow.always(Reply::Hang);
    let house = House::open_with(&[hook("slow", &slow, ""), hook("quick", &quick, "")].concat()).await;
    let ids: Vec<EntryId> = (0..10).map(|n| house.new_video(&format!("Video {n}"), Some(NEEDED))).collect();
    let deliveries = house.sender().drain(house.kaltura.account()).await;
    assert!(deliveries.iter().all(|delivery| delivery.answer.is_success()));
    tokio::time::timeout(crate::house::PATIENCE, house.daemon.sync.idle()).await.expect("sync rests").unwrap();
    for id in &ids {
        assert_eq!(house.sync_xml(id).as_deref(), Some(DONE));
    }
    assert_eq!(quick.wait_for(ids.len()).await.len(), ids.len());
    assert_eq!(slow.wait_for(4).await.len(), 4, "no more at once than its concurrency");
    house.daemon.stop().await;
}

#[tokio::test]
async fn verified_requests_are_passed_on_byte_for_byte_and_refused_ones_are_not() {
    let sink = Sink::start().await;
    let forward = format!("[[forward]]\nname = \"old\"\nurl = \"{}\"\nallow_private = true\n", sink.url());
    let house = House::open_with(&forward).await;
    house.new_video("Passed on & on", Some(NEEDED));
    let deliveries = house.deliver().await;
    assert!(!deliveries.is_empty());
    let received = sink.received();
    assert_eq!(received.len(), deliveries.len());
    for (number, received) in (1..).zip(&received) {
        let stored = house.daemon.store.inbox_find(number).await.unwrap().unwrap();
        assert_eq!(received.body, stored.body);
        assert_eq!(received.method, "POST");
        let type_of = |headers: &[(String, String)]| {
            headers.iter().find(|(name, _)| name == "content-type").map(|(_, value)| value.clone())
        };
        assert_eq!(type_of(&received.headers), type_of(&stored.headers));
        assert!(received.header("webhook-id").is_none() && received.header("cookie").is_none());
    }

    // The same once more, as a sender would that adds what is nobody's business, and forged.
    let body = String::from_utf8(received[0].body.clone()).unwrap();
    let form = ("Content-Type", "application/x-www-form-urlencoded; charset=utf-8");
    let path = "/notifications?token=hunter2";
    let headers = [form, ("Cookie", "session=hunter2"), ("X-Kaltura-Hash-Algo", "sha1")];
    let again = http::request(house.daemon.public, "POST", path, &headers, body.as_bytes()).await;
    assert_eq!(again.status, 200);
    let forged = body.replace("sig=", "sig=0");
    assert_eq!(http::request(house.daemon.public, "POST", path, &headers, forged.as_bytes()).await.status, 403);
    house.run_until_idle().await;
    let after = sink.received();
    assert!(after.len() <= received.len() + 1, "the forgery is not passed on");
    for it in &after[received.len()..] {
        assert_eq!((&it.body, &*it.target), (&received[0].body, "/hook"));
        assert_eq!(it.header("content-type"), Some(form.1));
        assert_eq!(it.header("x-kaltura-hash-algo"), Some("sha1"));
        assert_eq!(it.header("cookie"), None);
    }
}

#[tokio::test]
async fn a_hook_s_secret_file_is_read_again_with_the_others() {
    let sink = Sink::start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("site");
    std::fs::write(&file, SECRET).unwrap();
    let hook = format!(
        "[[hooks]]\nname = \"site\"\nurl = \"{}\"\nsecret_file = \"{}\"\nallow_private = true\n",
        sink.url(),
        file.display()
    );
    let house = House::open_with(&hook).await;
    let test = async || {
        let path = "/api/v1/admin/hooks/site/test";
        http::post_json(house.daemon.admin, path, &house.token(), &json!({})).await.json()
    };
    assert_eq!(test().await["state"], "delivered");
    std::fs::write(&file, "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD\n").unwrap();
    house.daemon.reload_secrets().await.unwrap();
    assert_eq!(test().await["state"], "delivered");
    std::fs::write(&file, "whsec_short").unwrap();
    let error = house.daemon.reload_secrets().await.unwrap_err().to_string();
    assert!(error.starts_with("hook site: secret file "), "{error}");
    assert_eq!(test().await["state"], "delivered", "the old one stays in force");

    let received = sink.received();
    let signed_with = |it: &Received, secret: &str| {
        let keys = kaltura_mirror::hooks::SigningKeys::new(secret.parse().unwrap(), None);
        let id = kaltura_mirror::domain::hook::DeliveryId(it.id().to_owned());
        it.header("webhook-signature") == Some(&*keys.sign(&id, crate::house::START, &it.body))
    };
    assert!(signed_with(&received[0], SECRET));
    assert!(received[1..].iter().all(|it| signed_with(it, "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD")));
}
