//! Hooks that come, go, change and are disabled; what people are shown of them, and what is forgotten.

use std::time::Duration;

use kaltura_mirror::domain::hook::{Audience, HookEvent};
use kaltura_mirror::store::{
    DeliveryContent, DeliveryFilter, DeliveryOutcome, DeliveryState, HookSpec, HookWhat, Noted,
};
use serde_json::json;

use super::{attempt, hook, listener, payload};
use crate::store_mirror::house::{House, START, entry, seen_only, synced, synced_as};

const ID: &str = "0_b7eejrrj";
const OTHER: &str = "0_other";

#[tokio::test]
async fn nobody_is_told_without_hooks_and_the_hooks_are_remembered_over_a_restart() {
    let house = House::open().await;
    house.look_at(synced(ID)).await;
    assert!(house.store.hook_states().await.unwrap().is_empty());
    assert!(house.store.claim_deliveries("cms", 10, super::LEASE, &Default::default()).await.unwrap().is_empty());

    house.store.set_hooks(vec![listener("cms")]).await.unwrap();
    let house = house.restart().await;
    house.look_at(synced(OTHER)).await;
    assert_eq!(house.deliverer().told("cms").await, ["synced synced"], "also before the configuration was read");
}

#[tokio::test]
async fn of_two_hooks_with_one_name_the_first_counts() {
    let house = House::with_hooks(vec![listener("cms"), hook("cms", &[], Audience::All, true)]).await;
    let states = house.store.hook_states().await.unwrap();
    assert_eq!(states.into_iter().map(|state| state.spec).collect::<Vec<_>>(), [listener("cms")]);
}

#[tokio::test]
async fn what_a_hook_that_is_gone_was_still_to_be_told_is_discarded() {
    let house = House::with_hooks(vec![listener("cms"), listener("other")]).await;
    house.look_at(synced(ID)).await;
    house.look_at(synced(OTHER)).await;
    let mut claimed = house.deliverer().claim("cms").await;
    house.deliverer().record(claimed.remove(0), DeliveryOutcome::Dead).await;
    house.store.set_hooks(vec![listener("other")]).await.unwrap();
    assert_eq!(house.deliverer().record(claimed.remove(0), DeliveryOutcome::Delivered).await, Noted::Lost);
    assert_eq!(house.standing(DeliveryState::Discarded).await, 2, "one under way, one given up");
    assert_eq!(house.deliverer().told("other").await.len(), 2);
    let names: Vec<_> = house.store.hook_states().await.unwrap().into_iter().map(|state| state.spec.name).collect();
    assert_eq!(names, ["other"]);
}

#[tokio::test]
async fn a_hook_that_comes_back_is_told_what_left_meanwhile() {
    let house = House::with_hooks(vec![listener("cms")]).await;
    house.look_at(synced(ID)).await;
    house.look_at(synced(OTHER)).await;
    house.deliverer().deliver("cms").await;
    house.store.set_hooks(vec![]).await.unwrap();
    house.look_at(seen_only(ID, json!({"moderationStatus": 1}))).await;
    house.store.set_hooks(vec![listener("cms")]).await.unwrap();
    let told = house.deliverer().deliver("cms").await;
    assert_eq!(told.len(), 1);
    assert_eq!((&told[0]["type"], &told[0]["data"]["id"]), (&json!("entry.removed"), &json!(ID)));
    assert_eq!(told[0]["data"]["cause"], "moderation");
    house.store.set_hooks(vec![listener("cms")]).await.unwrap();
    assert!(house.deliverer().deliver("cms").await.is_empty(), "and once");
}

#[tokio::test]
async fn a_hook_that_may_no_longer_hear_of_withheld_entries_is_told_that_they_are_removed() {
    let all = hook("cms", &HookEvent::ALL, Audience::All, false);
    let house = House::with_hooks(vec![all]).await;
    house.look_at(synced_as(ID, json!({"moderationStatus": 1}))).await;
    house.look_at(synced(OTHER)).await;
    house.deliverer().deliver("cms").await;
    house.store.set_hooks(vec![listener("cms")]).await.unwrap();
    let told = house.deliverer().deliver("cms").await;
    assert_eq!(told.iter().map(|told| told["data"]["id"].clone()).collect::<Vec<_>>(), [json!(ID)]);
    assert_eq!((&told[0]["type"], &told[0]["data"]["entry"]), (&json!("entry.removed"), &json!(null)));
}

#[tokio::test]
async fn what_a_hook_no_longer_wants_makes_way_for_what_it_wants() {
    let house = House::with_hooks(vec![listener("cms")]).await;
    house.look_at(synced(ID)).await;
    house.deliverer().deliver("cms").await;
    house.look_at(synced_as(ID, json!({"name": "Another"}))).await;
    house.look_at(seen_only(ID, json!({"moderationStatus": 1}))).await;
    let events = [HookEvent::Changed, HookEvent::Removed];
    house.store.set_hooks(vec![hook("cms", &events, Audience::Public, false)]).await.unwrap();
    assert_eq!(house.deliverer().told("cms").await, ["removed moderation"]);
}

#[tokio::test]
async fn a_disabled_hook_is_told_nothing_until_it_is_enabled_and_then_everything() {
    let house = House::with_hooks(vec![listener("cms")]).await;
    assert!(house.store.disable_hook("cms", "it answered 410 Gone").await.unwrap());
    assert!(!house.store.disable_hook("nobody", "").await.unwrap());
    let house = house.restart().await;
    house.look_at(synced(ID)).await;
    assert!(house.deliverer().claim("cms").await.is_empty());
    assert_eq!(house.store.next_delivery_due("cms").await.unwrap(), None);
    let state = house.hook_state("cms").await;
    assert_eq!((state.disabled.as_deref(), state.disabled_at), (Some("it answered 410 Gone"), Some(START)));
    assert_eq!((state.waiting, state.oldest_waiting_at), (1, Some(START)));
    house.store.set_hooks(vec![listener("cms")]).await.unwrap();
    assert!(house.hook_state("cms").await.disabled.is_some(), "a reading of the configuration enables nobody");

    assert!(house.store.enable_hook("cms").await.unwrap());
    assert_eq!(house.deliverer().told("cms").await, ["synced synced"]);
    assert_eq!(house.hook_state("cms").await.disabled, None);
}

#[tokio::test]
async fn what_waits_for_a_disabled_hook_is_given_up_in_the_end_unless_a_mark_needs_it() {
    let needed = hook("needed", &[HookEvent::Synced], Audience::Public, true);
    let house = House::with_hooks(vec![listener("cms"), needed]).await;
    house.look_at(synced(ID)).await;
    for name in ["cms", "needed"] {
        house.store.disable_hook(name, "gone").await.unwrap();
    }
    house.pass(60);
    house.store.prune_deliveries(house.clock.now(), 1_000).await.unwrap();
    assert_eq!((house.hook_state("cms").await.waiting, house.hook_state("needed").await.waiting), (0, 1));
}

#[tokio::test]
async fn a_test_delivery_tells_nothing_and_waits_behind_nobody() {
    let forward = HookSpec { name: "copies".into(), what: HookWhat::Forward };
    let house = House::with_hooks(vec![listener("cms"), forward]).await;
    house.look_at(synced(ID)).await;
    let _under_way = house.deliverer().claim("cms").await;
    for name in ["cms", "copies"] {
        let id = house.store.add_test_delivery(name, house.account()).await.unwrap().unwrap();
        let claimed = house.deliverer().claim(name).await;
        let [claimed] = claimed.as_slice() else { panic!("{claimed:?}") };
        assert!(matches!(claimed.content, DeliveryContent::Test { at: START, .. }), "{claimed:?}");
        assert_eq!((&claimed.id, &claimed.entry), (&id, &None));
        let told = payload(claimed);
        assert_eq!((&told["type"], &told["data"]["account"]), (&json!("test"), &json!("label-102")));
    }
    assert_eq!(house.store.add_test_delivery("nobody", house.account()).await.unwrap(), None);
}

#[tokio::test]
async fn deliveries_are_listed_with_their_attempts_the_newest_first_by_page() {
    let house = House::with_hooks(vec![listener("cms"), listener("other")]).await;
    house.look_at(synced(ID)).await;
    house.look_at(synced(OTHER)).await;
    for number in 0..25 {
        let mut claimed = house.deliverer().claim("cms").await;
        claimed.retain(|one| one.entry == Some(entry(ID)));
        let one = claimed.pop().unwrap();
        assert_eq!(one.attempt, number + 1);
        let report = attempt(START, &format!("{number} {}", "x".repeat(1_000)));
        house.store.record_delivery(one, DeliveryOutcome::RetryAt(START), report).await.unwrap();
    }
    let list = async |filter: DeliveryFilter| house.store.deliveries(&filter).await.unwrap();
    let of_hook = DeliveryFilter { hook: Some("cms".into()), ..DeliveryFilter::default() };
    let all = list(of_hook.clone()).await;
    assert_eq!(all.len(), 2);
    assert!(all[0].id > all[1].id && all.iter().all(|row| row.hook == "cms"));
    let first = list(DeliveryFilter { limit: 1, ..of_hook.clone() }).await;
    let second = list(DeliveryFilter { limit: 1, before: Some(first[0].id.clone()), ..of_hook }).await;
    assert_eq!((&first[0], &second[0]), (&all[0], &all[1]));

    let about = DeliveryFilter { entry: Some((house.account(), entry(ID))), ..DeliveryFilter::default() };
    let about = list(about).await;
    let row = about.iter().find(|row| row.hook == "cms").unwrap();
    assert_eq!((row.state, row.attempts, row.event.as_str()), (DeliveryState::Waiting, 25, "entry.synced"));
    assert_eq!((row.cause.as_deref(), row.seq, row.entry.clone()), (Some("synced"), Some(1), Some(entry(ID))));
    assert_eq!(row.attempted.len(), 20, "the latest ones");
    let last = row.attempted.last().unwrap();
    assert!(last.detail.starts_with("24 ") && last.detail.len() == 500, "{}", last.detail.len());
    assert_eq!((last.at, last.took, last.status), (START, Duration::from_millis(12), Some(200)));
}

#[tokio::test]
async fn what_has_ended_is_forgotten_by_age_and_number_and_what_is_open_never() {
    let house = House::with_hooks(vec![listener("cms")]).await;
    for id in ["0_a", "0_b", "0_c", "0_d"] {
        house.look_at(synced(id)).await;
    }
    let mut claimed = house.deliverer().claim("cms").await;
    let open = claimed.pop().unwrap();
    for one in claimed {
        house.deliverer().record(one, DeliveryOutcome::Delivered).await;
    }
    assert_eq!(house.store.prune_deliveries(START, 3).await.unwrap(), 1, "the oldest beyond three numbers");
    house.pass(10);
    assert_eq!(house.store.prune_deliveries(house.clock.now(), 1_000).await.unwrap(), 2);
    let left = house.store.deliveries(&DeliveryFilter::default()).await.unwrap();
    assert_eq!(left.iter().map(|row| &row.id).collect::<Vec<_>>(), [&open.id]);
    assert_eq!(house.hook_state("cms").await.delivered, 3, "those forgotten since included");
}

#[tokio::test]
async fn an_entry_explains_what_hooks_have_yet_to_be_told_and_what_they_were_told() {
    let house =
        House::with_hooks(vec![listener("cms"), hook("needed", &[HookEvent::Synced], Audience::Public, true)]).await;
    house.look_at(synced(ID)).await;
    house.deliverer().deliver("cms").await;
    house.deliverer().give_up("needed").await;
    let report = house.store.entry_report(house.account(), &entry(ID)).await.unwrap().unwrap();
    let [open] = report.deliveries.as_slice() else { panic!("{:?}", report.deliveries) };
    assert_eq!((open.hook.as_str(), open.required, open.state.as_str()), ("needed", true, "dead"));
    assert_eq!((report.sync.awaited_version, report.sync.mark_pending), (Some(2), false));
    let why = "required hook \"needed\" failed for good: it did not want it";
    assert_eq!(report.sync.error.as_deref(), Some(why));
    let told: Vec<_> = report.timeline.iter().filter(|it| it.kind == "hook").map(|it| it.detail.as_str()).collect();
    assert_eq!(
        told,
        [
            "the mark waits for required hook \"needed\"",
            "hook \"cms\" was told entry.synced, attempt 1",
            "hook \"needed\": entry.synced given up after attempt 1: it did not want it",
        ]
    );
}
