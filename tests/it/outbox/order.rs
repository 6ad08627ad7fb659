//! One entry's deliveries in their order, each at least once and always under its own name.

use std::collections::BTreeSet;
use std::time::Duration;

use kaltura_mirror::domain::hook::{Audience, DeliveryId, HookEvent};
use kaltura_mirror::store::{
    ClaimedDelivery, DeliveryFilter, DeliveryOutcome, DeliveryState, LONGEST_DELIVERY_WAIT, Noted, Retried,
};
use serde_json::json;

use super::{LEASE, hook, listener, payload, two_words};
use crate::store_mirror::house::{House, START, seen_only, synced, synced_as};

const ID: &str = "0_b7eejrrj";
const OTHER: &str = "0_other";

/// A sync, a removal and a return of one entry, none of them delivered; the hook has heard of it before.
async fn with_three_waiting() -> House {
    let house = House::with_hooks(vec![listener("cms")]).await;
    house.look_at(synced(ID)).await;
    house.deliverer().deliver("cms").await;
    house.look_at(synced_as(ID, json!({"name": "Another"}))).await;
    house.look_at(seen_only(ID, json!({"moderationStatus": 1}))).await;
    house.look_at(seen_only(ID, json!({}))).await;
    house
}

fn words(claimed: &[ClaimedDelivery]) -> Vec<String> {
    claimed.iter().map(|one| two_words(&payload(one))).collect()
}

async fn one(house: &House) -> ClaimedDelivery {
    let mut claimed = house.deliverer().claim("cms").await;
    assert_eq!(claimed.len(), 1, "{claimed:?}");
    claimed.remove(0)
}

#[tokio::test]
async fn of_one_entry_only_the_oldest_is_handed_out_and_others_do_not_wait_for_it() {
    let house = with_three_waiting().await;
    house.look_at(synced(OTHER)).await;
    let claimed = house.deliverer().claim("cms").await;
    assert_eq!(words(&claimed), ["synced synced"; 2]);
    assert!(house.deliverer().claim("cms").await.is_empty());
    let again_at = START.plus(Duration::from_secs(30));
    for claimed in claimed {
        let outcome = match payload(&claimed)["data"]["id"].as_str() {
            Some(ID) => DeliveryOutcome::RetryAt(again_at),
            _ => DeliveryOutcome::Delivered,
        };
        assert_eq!(house.deliverer().record(claimed, outcome).await, Noted::Noted);
    }
    assert!(house.deliverer().claim("cms").await.is_empty(), "a failure keeps its place before the later ones");
    assert_eq!(house.store.next_delivery_due("cms").await.unwrap(), Some(again_at));
    house.pass(30);
    assert_eq!(house.deliverer().told("cms").await, ["synced synced", "removed moderation", "changed moderation"]);
    assert_eq!(house.store.next_delivery_due("cms").await.unwrap(), None);
}

#[tokio::test]
async fn one_that_is_given_up_no_longer_holds_up_the_later_ones() {
    let house = with_three_waiting().await;
    assert_eq!(house.deliverer().give_up("cms").await, 1);
    assert_eq!(house.deliverer().told("cms").await, ["removed moderation", "changed moderation"]);
    let state = house.hook_state("cms").await;
    assert_eq!((state.waiting, state.dead, state.delivered), (0, 1, 3));
}

#[tokio::test]
async fn one_that_is_tried_again_comes_before_the_later_ones_of_its_entry_but_waits_for_the_one_under_way() {
    let house = with_three_waiting().await;
    house.deliverer().give_up("cms").await;
    let removal = one(&house).await;
    assert_eq!(house.store.retry_deliveries("cms", Retried::AllDead).await.unwrap(), 1);
    assert!(house.deliverer().claim("cms").await.is_empty(), "two of one entry are never under way");
    house.deliverer().record(removal, DeliveryOutcome::RetryAt(START)).await;
    let revived = one(&house).await;
    assert_eq!((two_words(&payload(&revived)).as_str(), revived.attempt), ("synced synced", 1));
    house.deliverer().record(revived, DeliveryOutcome::Delivered).await;
    assert_eq!(house.deliverer().told("cms").await, ["removed moderation", "changed moderation"]);
}

#[tokio::test]
async fn a_removal_that_is_tried_again_after_the_entry_came_back_is_not_told() {
    let house =
        House::with_hooks(vec![listener("cms"), hook("purge", &[HookEvent::Removed], Audience::Public, false)]).await;
    house.look_at(synced(ID)).await;
    house.deliverer().deliver("cms").await;
    house.look_at(seen_only(ID, json!({"moderationStatus": 1}))).await;
    for name in ["cms", "purge"] {
        assert_eq!(house.deliverer().give_up(name).await, 1);
    }
    house.look_at(seen_only(ID, json!({}))).await;
    assert_eq!(house.deliverer().told("cms").await, ["changed moderation"]);
    for name in ["cms", "purge"] {
        assert_eq!(house.store.retry_deliveries(name, Retried::AllDead).await.unwrap(), 1);
        assert!(house.deliverer().told(name).await.is_empty(), "{name}");
    }
    assert_eq!(house.standing(DeliveryState::Skipped).await, 2);
}

#[tokio::test]
async fn any_delivery_can_be_sent_again_under_its_old_name() {
    let house = House::with_hooks(vec![listener("cms")]).await;
    house.look_at(synced(ID)).await;
    let first = one(&house).await;
    let id = first.id.clone();
    house.deliverer().record(first, DeliveryOutcome::Delivered).await;
    let these = [id.clone(), DeliveryId("msg_00000000_1".into()), DeliveryId("anything".into())];
    assert_eq!(house.store.retry_deliveries("cms", Retried::These(&these)).await.unwrap(), 1);
    assert_eq!(house.store.retry_deliveries("nobody", Retried::These(&these)).await.unwrap(), 0);
    let again = one(&house).await;
    assert_eq!(again.id, id);
}

#[tokio::test]
async fn a_delivery_whose_lease_has_ended_is_handed_out_again_under_its_old_name() {
    let house = House::with_hooks(vec![listener("cms")]).await;
    house.look_at(synced(ID)).await;
    let paused = one(&house).await;
    assert_eq!(house.store.next_delivery_due("cms").await.unwrap(), Some(START.plus(LEASE)));
    house.pass(60);
    let taken_over = one(&house).await;
    assert_eq!((&taken_over.id, taken_over.attempt), (&paused.id, 1));
    assert_eq!(house.deliverer().record(paused, DeliveryOutcome::Dead).await, Noted::Lost);
    assert_eq!(house.deliverer().record(taken_over, DeliveryOutcome::Delivered).await, Noted::Noted);
    assert_eq!((house.hook_state("cms").await.delivered, house.standing(DeliveryState::Dead).await), (1, 0));
}

#[tokio::test]
async fn after_a_restart_what_was_under_way_is_handed_out_again_and_names_are_never_used_twice() {
    let house = with_three_waiting().await;
    let before = one(&house).await;
    let house = house.restart().await;
    let after = one(&house).await;
    assert_eq!(after.id, before.id);
    assert_eq!(house.deliverer().record(before, DeliveryOutcome::Delivered).await, Noted::Lost);
    assert_eq!(house.deliverer().record(after, DeliveryOutcome::Delivered).await, Noted::Noted);
    house.deliverer().deliver("cms").await;

    let ids = async |house: &House| -> BTreeSet<DeliveryId> {
        let all = house.store.deliveries(&DeliveryFilter::default()).await.unwrap();
        all.into_iter().map(|row| row.id).collect()
    };
    let old = ids(&house).await;
    assert_eq!(old.len(), 4);
    house.store.prune_deliveries(START.plus(Duration::from_secs(1)), 10).await.unwrap();
    let house = house.restart().await;
    assert!(ids(&house).await.is_empty());
    house.look_at(synced(OTHER)).await;
    assert!(ids(&house).await.is_disjoint(&old));
}

#[tokio::test]
async fn no_attempt_is_put_off_for_ever_whatever_the_clock_did() {
    let house = House::with_hooks(vec![listener("cms")]).await;
    house.look_at(synced(ID)).await;
    let claimed = one(&house).await;
    let far = START.plus(Duration::from_secs(400 * 24 * 60 * 60));
    house.deliverer().record(claimed, DeliveryOutcome::RetryAt(far)).await;
    let due = house.store.next_delivery_due("cms").await.unwrap().unwrap();
    assert_eq!(due, START.plus(LONGEST_DELIVERY_WAIT));

    // Written while the clock was a year ahead.
    house.pass(365 * 24 * 60 * 60);
    house.look_at(synced(OTHER)).await;
    let house = House { clock: kaltura_mirror::domain::clock::Clock::manual(START), ..house }.restart().await;
    let claimed = house.deliverer().claim("cms").await;
    assert_eq!(words(&claimed), ["synced synced"], "what seems to be due in a year is due now");
}

#[tokio::test]
async fn each_hook_goes_at_its_own_pace() {
    let house = House::with_hooks(vec![listener("slow"), listener("quick")]).await;
    house.look_at(synced(ID)).await;
    let _under_way = house.deliverer().claim("slow").await;
    house.look_at(synced_as(ID, json!({"name": "Another"}))).await;
    assert_eq!(house.deliverer().told("quick").await, ["synced synced"; 2]);
    assert!(house.deliverer().claim("slow").await.is_empty());
}

#[tokio::test]
async fn whoever_waits_for_deliveries_is_woken_by_what_there_is_to_deliver() {
    let house = House::with_hooks(vec![listener("cms")]).await;
    let woken = async || {
        tokio::time::timeout(crate::house::PATIENCE, house.store.delivery_signal().notified()).await.unwrap();
    };
    woken().await; // the hooks were set
    house.look_at(synced(ID)).await;
    woken().await;
    let claimed = one(&house).await;
    house.deliverer().record(claimed, DeliveryOutcome::RetryAt(START)).await;
    woken().await;
}
