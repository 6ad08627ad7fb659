//! Who is told of what, and what a payload says.

use kaltura_mirror::domain::decide::{Decision, Mark, Tell};
use kaltura_mirror::domain::hook::{Audience, HookEvent};
use kaltura_mirror::store::{
    Cause, DeliveryContent, DeliveryState, FetchedThumbnail, Lane, Reason, RemovalLimit, Save, Seen,
};
use serde_json::{Value, json};

use super::{hook, listener, payload, two_words};
use crate::store_mirror::house::{
    House, RESTRICTED_PROFILE, START, account_facts, entry, seen_only, synced, synced_as,
};

const ID: &str = "0_b7eejrrj";
const WITHHELD: &str = "0_withheld";

fn everything(name: &str) -> kaltura_mirror::store::HookSpec {
    hook(name, &HookEvent::ALL, Audience::All, false)
}

fn changed(id: &str, edit: Value) -> Seen {
    Seen {
        decision: Decision::Sync { tell: Tell::Changed, mark: Mark::No },
        cause: Cause::Changed,
        emitted_version: None,
        ..synced_as(id, edit)
    }
}

fn filled(id: &str, edit: Value) -> Seen {
    Seen { decision: Decision::Fill, cause: Cause::Backfill, emitted_version: None, ..synced_as(id, edit) }
}

fn picture(id: &str) -> FetchedThumbnail {
    FetchedThumbnail {
        entry_id: entry(id),
        version: "100001".into(),
        bytes: b"jpeg".to_vec(),
        content_type: "image/jpeg".into(),
        width: None,
        height: None,
    }
}

#[tokio::test]
async fn a_sync_is_told_once_in_the_payload_that_is_promised() {
    let house = House::with_hooks(vec![listener("cms")]).await;
    house.look_at(synced(ID)).await;
    let claimed = house.deliverer().claim("cms").await;
    let [claimed] = claimed.as_slice() else { panic!("{claimed:?}") };
    assert!(claimed.id.0.starts_with("msg_") && claimed.id.0.ends_with("_1"), "{}", claimed.id);
    assert_eq!((claimed.hook.as_str(), claimed.attempt, &claimed.entry), ("cms", 1, &Some(entry(ID))));
    let DeliveryContent::Event { event: HookEvent::Synced, at: START, .. } = &claimed.content else {
        panic!("{claimed:?}")
    };
    let told = payload(claimed);
    let fingerprint = told["data"]["fingerprint"].as_str().unwrap().to_owned();
    assert_eq!(fingerprint.len(), 64);
    let public = told["data"]["entry"].clone();
    assert_eq!((&public["id"], &public["name"]), (&json!(ID), &json!(format!("Entry {ID}"))));
    assert_eq!(public["metadata"], json!({"Topic": ["physics"]}));
    let expected = json!({
        "type": "entry.synced",
        "timestamp": START.to_string(),
        "data": {
            "account": "label-102", "id": ID, "seq": 1, "cause": "synced", "resync": false,
            "fingerprint": fingerprint, "entry": public, "withheld": [],
        },
    });
    assert_eq!(told, expected);
    let members: Vec<_> = told["data"].as_object().unwrap().keys().collect();
    assert_eq!(members, ["account", "id", "seq", "cause", "resync", "fingerprint", "entry", "withheld"]);
}

#[tokio::test]
async fn an_editor_who_asks_again_is_told_again_although_nothing_differs() {
    let house = House::with_hooks(vec![listener("cms")]).await;
    house.look_at(synced(ID)).await;
    house.deliverer().deliver("cms").await;
    let resync = Seen {
        decision: Decision::Sync { tell: Tell::Synced { resync: true }, mark: Mark::Update },
        cause: Cause::Resync,
        metadata_version: Some(22),
        emitted_version: Some(22),
        ..synced(ID)
    };
    house.look_at(resync.clone()).await;
    let told = house.deliverer().deliver("cms").await;
    let words: Vec<_> = told.iter().map(two_words).collect();
    assert_eq!((words, &told[0]["data"]["resync"]), (vec!["synced resync".to_owned()], &json!(true)));

    let told_before = Seen {
        decision: Decision::Sync { tell: Tell::ToldBefore, mark: Mark::Update },
        emitted_version: None,
        ..resync
    };
    house.look_at(told_before).await;
    assert!(house.deliverer().told("cms").await.is_empty(), "of one version only once");
}

#[tokio::test]
async fn what_visitors_see_change_is_told_with_the_feeds_cause_and_number() {
    let house = House::with_hooks(vec![listener("cms")]).await;
    house.look_at(synced(ID)).await;
    house.deliverer().deliver("cms").await;
    let told = async |seen: Seen| {
        house.look_at(seen).await;
        house.deliverer().deliver("cms").await
    };
    let renamed = told(changed(ID, json!({"name": "Another"}))).await;
    assert_eq!(renamed.iter().map(two_words).collect::<Vec<_>>(), ["changed changed"]);
    assert_eq!((&renamed[0]["data"]["seq"], &renamed[0]["data"]["entry"]["name"]), (&json!(2), &json!("Another")));

    let held = told(seen_only(ID, json!({"moderationStatus": 1}))).await;
    assert_eq!(held.iter().map(two_words).collect::<Vec<_>>(), ["removed moderation"]);
    let data = &held[0]["data"];
    assert_eq!((&data["seq"], &data["entry"], &data["fingerprint"]), (&json!(3), &Value::Null, &Value::Null));
    assert_eq!(data["withheld"], json!([]), "why it is withheld is not for this hook");

    let shown = told(seen_only(ID, json!({}))).await;
    assert_eq!(shown.iter().map(two_words).collect::<Vec<_>>(), ["changed moderation"]);
    assert!(told(seen_only(ID, json!({"plays": 99}))).await.is_empty(), "our own echo tells nobody");
}

#[tokio::test]
async fn every_way_in_which_an_entry_disappears_and_comes_back_is_told() {
    let house = House::with_hooks(vec![listener("cms")]).await;
    let account = house.account();
    house.look_at(synced(ID)).await;
    house.deliverer().deliver("cms").await;
    let told = async || house.deliverer().told("cms").await;

    house.store.hide(account, &entry(ID)).await.unwrap();
    assert_eq!(told().await, ["removed hidden"]);
    house.store.unhide(account, &entry(ID)).await.unwrap();
    assert_eq!(told().await, ["changed hidden"]);

    let mut closed = account_facts();
    closed.access_control_profiles[0].has_rules = true;
    house.store.save_policy(account, &closed).await.unwrap();
    assert_eq!(told().await, ["removed policy"]);
    house.store.save_policy(account, &account_facts()).await.unwrap();
    assert_eq!(told().await, ["changed policy"]);

    house.look_at(seen_only(ID, json!({"endDate": START.as_secs() + 100}))).await;
    assert_eq!(told().await, ["changed changed"], "its end date is public");
    house.pass(100);
    house.store.advance_schedule(account).await.unwrap();
    assert_eq!(told().await, ["removed schedule"]);
    house.look_at(seen_only(ID, json!({}))).await;
    assert_eq!(told().await, ["changed schedule"]);

    house.absent(ID, false).await;
    assert_eq!(told().await, ["removed missing"]);
    house.absent(ID, true).await;
    assert!(told().await.is_empty(), "removed already");
    house.look_at(seen_only(ID, json!({}))).await;
    assert_eq!(told().await, ["changed restored"]);
}

#[tokio::test]
async fn one_fact_is_one_event_even_when_a_sync_changes_what_visitors_see() {
    let house =
        House::with_hooks(vec![listener("cms"), hook("synced", &[HookEvent::Synced], Audience::Public, false)]).await;
    house.look_at(synced(ID)).await;
    house.look_at(synced_as(ID, json!({"name": "Another"}))).await;
    for name in ["cms", "synced"] {
        assert_eq!(house.deliverer().told(name).await, ["synced synced", "synced synced"], "{name}");
    }
    house.look_at(synced_as(ID, json!({"accessControlId": RESTRICTED_PROFILE}))).await;
    assert_eq!(house.deliverer().told("cms").await, ["removed restricted"], "a sync that visitors do not get to see");
    assert!(house.deliverer().told("synced").await.is_empty());
}

#[tokio::test]
async fn what_comes_in_quietly_tells_nobody_until_visitors_lose_or_regain_it() {
    let house = House::with_hooks(vec![listener("cms"), everything("all")]).await;
    house.look_at(filled(ID, json!({}))).await;
    house.store.save_thumbnail(house.account(), &picture(ID)).await.unwrap();
    house.look_at(filled(ID, json!({"name": "Another"}))).await;
    house.look_at(seen_only(ID, json!({"moderationStatus": 1}))).await;
    for name in ["cms", "all"] {
        assert!(house.deliverer().told(name).await.is_empty(), "{name} has never heard of it, so nothing is removed");
    }
    house.look_at(seen_only(ID, json!({}))).await;
    for name in ["cms", "all"] {
        assert_eq!(house.deliverer().told(name).await, ["changed moderation"], "{name}");
    }
}

#[tokio::test]
async fn what_the_catalogue_finds_tells_nobody_but_of_what_leaves() {
    let house = House::with_hooks(vec![listener("cms")]).await;
    house.look_at(synced(ID)).await;
    house.deliverer().deliver("cms").await;
    let swept = async |save: Save| {
        let id = save.entry_id().clone();
        house.pass(60);
        house.store.make_dirty(house.account(), &[id], Reason::Sweep, Lane::Repair).await.unwrap();
        let batch = house.store.claim(&[Lane::Repair], 100, super::LEASE).await.unwrap().unwrap();
        house.store.save_entries(&batch, vec![save], RemovalLimit::default()).await.unwrap();
        house.settle(batch).await;
        house.deliverer().told("cms").await
    };
    assert!(swept(Save::Seen(Box::new(changed(ID, json!({"name": "Another"}))))).await.is_empty());
    assert_eq!(swept(Save::Absent { entry_id: entry(ID), confirmed: false }).await, ["removed missing"]);
}

#[tokio::test]
async fn another_picture_is_told_as_such_and_not_as_a_change() {
    let house = House::with_hooks(vec![
        listener("cms"),
        everything("all"),
        hook("changed", &[HookEvent::Changed], Audience::Public, false),
    ])
    .await;
    house.look_at(synced(ID)).await;
    house.look_at(synced_as(WITHHELD, json!({"moderationStatus": 1}))).await;
    for name in ["cms", "all", "changed"] {
        house.deliverer().deliver(name).await;
    }
    for id in [ID, WITHHELD] {
        house.store.save_thumbnail(house.account(), &picture(id)).await.unwrap();
    }
    let told = house.deliverer().deliver("cms").await;
    assert_eq!(told.iter().map(two_words).collect::<Vec<_>>(), ["thumbnail_changed changed"]);
    assert_eq!(told[0]["data"]["entry"]["thumbnail"]["version"], "100001");
    assert_eq!(house.deliverer().told("all").await, ["thumbnail_changed changed"; 2]);
    assert!(house.deliverer().told("changed").await.is_empty());
}

#[tokio::test]
async fn who_hears_of_all_is_told_of_withheld_entries_with_the_reasons() {
    let house = House::with_hooks(vec![listener("cms"), everything("all")]).await;
    house.look_at(synced_as(WITHHELD, json!({"accessControlId": RESTRICTED_PROFILE}))).await;
    let told = house.deliverer().deliver("all").await;
    assert_eq!(told.iter().map(two_words).collect::<Vec<_>>(), ["synced synced"]);
    let data = &told[0]["data"];
    assert_eq!((&data["withheld"], &data["seq"]), (&json!(["restricted"]), &json!(0)));
    assert_eq!((&data["entry"]["id"], &data["fingerprint"]), (&json!(WITHHELD), &Value::Null));

    let hidden = json!({"accessControlId": RESTRICTED_PROFILE, "moderationStatus": 3});
    house.look_at(seen_only(WITHHELD, hidden.clone())).await;
    house.look_at(changed(WITHHELD, json!({"accessControlId": RESTRICTED_PROFILE, "name": "Another"}))).await;
    house.absent(WITHHELD, false).await;
    house.absent(WITHHELD, true).await;
    let told = house.deliverer().deliver("all").await;
    let words: Vec<_> = told.iter().map(two_words).collect();
    assert_eq!(words, ["changed moderation", "changed moderation", "changed missing", "removed deleted"]);
    assert_eq!(told[3]["data"]["withheld"], json!(["deleted", "restricted"]));
    assert!(house.deliverer().told("cms").await.is_empty(), "it was never for the public");
}

#[tokio::test]
async fn a_withheld_entry_is_in_no_payload_for_the_public_however_old_the_delivery() {
    let house = House::with_hooks(vec![listener("cms")]).await;
    house.look_at(synced(ID)).await;
    house.look_at(changed(ID, json!({"name": "Another"}))).await;
    house.look_at(seen_only(ID, json!({"moderationStatus": 1}))).await;
    assert!(house.deliverer().told("cms").await.is_empty(), "not even that something was removed");
    assert_eq!(house.standing(DeliveryState::Skipped).await, 2);

    house.look_at(seen_only(ID, json!({"endDate": START.as_secs() + 100}))).await;
    house.pass(100);
    assert!(house.deliverer().told("cms").await.is_empty(), "its date has passed, before any timer ran");
    house.store.advance_schedule(house.account()).await.unwrap();
    assert!(house.deliverer().told("cms").await.is_empty());
}

#[tokio::test]
async fn a_removal_goes_to_exactly_those_who_may_have_heard_of_the_entry() {
    let house = House::with_hooks(vec![listener("early"), listener("late")]).await;
    house.look_at(synced(ID)).await;
    house.deliverer().deliver("early").await;
    house.look_at(seen_only(ID, json!({"moderationStatus": 1}))).await;
    assert_eq!(house.deliverer().told("early").await, ["removed moderation"]);
    assert!(house.deliverer().told("late").await.is_empty());

    // An attempt whose answer never came may have arrived.
    house.look_at(seen_only(ID, json!({}))).await;
    let under_way = house.deliverer().claim("late").await;
    assert_eq!(under_way.len(), 1);
    house.look_at(seen_only(ID, json!({"moderationStatus": 1}))).await;
    house.pass(120);
    assert_eq!(house.deliverer().told("late").await, ["removed moderation"]);
    // Told of the removal, it has heard of nothing any more: not of a return that was over before it was told.
    house.look_at(seen_only(ID, json!({}))).await;
    house.look_at(seen_only(ID, json!({"moderationStatus": 1}))).await;
    assert!(house.deliverer().told("late").await.is_empty());
}

#[tokio::test]
async fn a_hook_that_wants_nothing_but_removals_hears_of_each_entry_that_leaves_the_public() {
    let house = House::with_hooks(vec![hook("purge", &[HookEvent::Removed], Audience::Public, false)]).await;
    house.look_at(synced(ID)).await;
    house.look_at(synced_as(WITHHELD, json!({"moderationStatus": 1}))).await;
    house.absent(ID, false).await;
    house.absent(WITHHELD, false).await;
    let told = house.deliverer().deliver("purge").await;
    assert_eq!(told.iter().map(two_words).collect::<Vec<_>>(), ["removed missing"]);
    assert_eq!(told[0]["data"]["id"], ID);
}

#[tokio::test]
async fn a_look_whose_claim_was_lost_tells_nobody() {
    let house = House::with_hooks(vec![listener("cms")]).await;
    let batch = house.claim(&[entry(ID)]).await;
    house.pass(120);
    let _taken_over = house.store.claim(&[Lane::Live], 100, super::LEASE).await.unwrap().unwrap();
    let save = Save::Seen(Box::new(synced(ID)));
    house.store.save_entries(&batch, vec![save], RemovalLimit::default()).await.unwrap();
    assert!(house.deliverer().claim("cms").await.is_empty());
}

#[tokio::test]
async fn an_account_whose_entries_cannot_be_told_yet_waits_without_a_hurry() {
    let house = House::with_hooks(vec![listener("cms")]).await;
    house.look_at(synced(ID)).await;
    let unknown = kaltura_mirror::store::PublicShapes::new();
    assert!(house.store.claim_deliveries("cms", 10, super::LEASE, &unknown).await.unwrap().is_empty());
    let due = house.store.next_delivery_due("cms").await.unwrap().unwrap();
    assert_eq!(due, START.plus(std::time::Duration::from_secs(10)), "nobody runs in circles");
    house.pass(10);
    assert_eq!(house.deliverer().told("cms").await, ["synced synced"]);
}
