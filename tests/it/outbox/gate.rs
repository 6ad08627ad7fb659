//! Which deliveries a mark waits for, and what lets it through.

use kaltura_mirror::domain::decide::{Decision, Mark, Tell};
use kaltura_mirror::domain::hook::{Audience, HookEvent};
use kaltura_mirror::store::{
    Cause, ClaimedBatch, DeliveryOutcome, HookSpec, Lane, MarkGate, PendingMark, Reason, Reasons, RemovalLimit,
    Retried, Save, Saved, Seen,
};
use serde_json::json;

use super::{LEASE, hook, listener, required};
use crate::store_mirror::house::{House, entry, seen_only, synced, synced_as};

const ID: &str = "0_b7eejrrj";

/// The sync of this version, about to be marked.
fn asked(version: i64, tell: Tell) -> Seen {
    let told = matches!(tell, Tell::Synced { .. });
    Seen {
        decision: Decision::Sync { tell, mark: Mark::Update },
        cause: Cause::Synced,
        metadata_version: Some(version),
        emitted_version: told.then_some(version),
        pending_mark: Some(PendingMark { xml_sent: "<metadata/>".into(), base_version: Some(version) }),
        ..synced(ID)
    }
}

const FIRST: Tell = Tell::Synced { resync: false };

async fn gate_of(house: &House, seen: Seen) -> MarkGate {
    match house.look_at(seen).await {
        Saved::Mirrored { gate, .. } => gate,
        other => panic!("{other:?}"),
    }
}

fn waits_for(hook: &str) -> MarkGate {
    MarkGate::Waiting { hook: hook.into() }
}

/// What the entry is dirty for, if it is.
async fn dirty(house: &House) -> Option<(ClaimedBatch, Reasons)> {
    let batch = house.store.claim(&Lane::ALL, 100, LEASE).await.unwrap()?;
    let reasons = batch.entries()[0].reasons;
    Some((batch, reasons))
}

async fn is_dirty_to_be_marked(house: &House) -> bool {
    match dirty(house).await {
        None => false,
        Some((batch, reasons)) => {
            assert_eq!(reasons, Reasons::from(Reason::Mark));
            house.settle(batch).await;
            true
        }
    }
}

#[tokio::test]
async fn the_last_of_the_required_hooks_lets_the_mark_through() {
    let house = House::with_hooks(vec![required("a"), required("b"), listener("c")]).await;
    assert_eq!(gate_of(&house, asked(2, FIRST)).await, waits_for("a"));
    assert_eq!(house.known(ID).await.pending_mark, None, "nothing is about to be written");
    house.deliverer().deliver("a").await;
    assert!(!is_dirty_to_be_marked(&house).await);
    house.deliverer().deliver("b").await;
    assert!(is_dirty_to_be_marked(&house).await);
    assert_eq!(gate_of(&house, asked(2, Tell::ToldBefore)).await, MarkGate::Open);
    assert!(house.known(ID).await.pending_mark.is_some());
    house.deliverer().deliver("c").await;
    assert!(!is_dirty_to_be_marked(&house).await, "once");
}

#[tokio::test]
async fn only_hooks_that_are_told_of_the_sync_hold_anything_back() {
    let changed = hook("changed", &[HookEvent::Changed], Audience::Public, true);
    let house = House::with_hooks(vec![listener("cms"), changed]).await;
    assert_eq!(gate_of(&house, asked(2, FIRST)).await, MarkGate::Open);

    let house = House::with_hooks(vec![required("public")]).await;
    let withheld = Seen { facts: synced_as(ID, json!({"moderationStatus": 1})).facts, ..asked(2, FIRST) };
    assert_eq!(
        gate_of(&house, withheld).await,
        MarkGate::Open,
        "visitors do not get to see it, and so nor does the hook"
    );

    let unmarked =
        Seen { decision: Decision::Sync { tell: FIRST, mark: Mark::No }, pending_mark: None, ..asked(2, FIRST) };
    assert_eq!(gate_of(&house, Seen { entry_id: entry("0_forced"), ..unmarked }).await, MarkGate::Open);
}

#[tokio::test]
async fn a_look_meanwhile_keeps_waiting_and_an_editor_who_asks_again_waits_for_his_own_sync() {
    let house = House::with_hooks(vec![required("cms")]).await;
    gate_of(&house, asked(2, FIRST)).await;
    let first = house.deliverer().claim("cms").await;
    assert_eq!(gate_of(&house, asked(2, Tell::ToldBefore)).await, waits_for("cms"));
    assert_eq!(gate_of(&house, asked(22, Tell::Synced { resync: true })).await, waits_for("cms"));
    for one in first {
        house.deliverer().record(one, DeliveryOutcome::Delivered).await;
    }
    assert!(!is_dirty_to_be_marked(&house).await, "the first sync is not the one that is to be marked");
    house.deliverer().deliver("cms").await;
    assert!(is_dirty_to_be_marked(&house).await);
}

#[tokio::test]
async fn a_look_that_decides_otherwise_waits_for_nothing_any_more() {
    let house = House::with_hooks(vec![required("cms")]).await;
    gate_of(&house, asked(2, FIRST)).await;
    house.look_at(seen_only(ID, json!({}))).await;
    house.deliverer().deliver("cms").await;
    assert!(!is_dirty_to_be_marked(&house).await);
}

#[tokio::test]
async fn what_is_given_up_closes_the_gate_until_it_is_tried_again() {
    let house = House::with_hooks(vec![required("a"), required("b")]).await;
    gate_of(&house, asked(2, FIRST)).await;
    house.deliverer().give_up("a").await;
    assert!(!is_dirty_to_be_marked(&house).await, "another is still to be told");
    house.deliverer().deliver("b").await;
    assert!(is_dirty_to_be_marked(&house).await, "so that editors can be told of the failure");
    let why = "required hook \"a\" failed for good: it did not want it";
    let failed = MarkGate::Failed { why: why.into() };
    assert_eq!(gate_of(&house, asked(2, Tell::ToldBefore)).await, failed);
    assert_eq!(house.known(ID).await.error.as_deref(), Some(why), "a look does not forget it");
    assert_eq!(house.hook_state("a").await.dead, 1);

    let house = house.restart().await;
    assert_eq!(house.store.retry_deliveries("a", Retried::AllDead).await.unwrap(), 1);
    assert_eq!(gate_of(&house, asked(2, Tell::ToldBefore)).await, waits_for("a"));
    house.deliverer().deliver("a").await;
    assert!(is_dirty_to_be_marked(&house).await);
    assert_eq!(gate_of(&house, asked(2, Tell::ToldBefore)).await, MarkGate::Open);
}

#[tokio::test]
async fn what_was_due_for_too_long_is_given_up_as_after_a_last_attempt() {
    let house = House::with_hooks(vec![required("a"), listener("c")]).await;
    gate_of(&house, asked(2, FIRST)).await;
    let give_up = async |before| house.store.give_up_deliveries("a", before, "nothing was taken").await.unwrap();
    let began = house.clock.now();
    house.pass(60);
    assert_eq!(give_up(began).await, 0, "it has been due since then, and not before");
    assert_eq!(give_up(house.clock.now()).await, 1);
    assert_eq!(give_up(house.clock.now()).await, 0);
    assert_eq!((house.hook_state("a").await.dead, house.hook_state("c").await.waiting), (1, 1));
    assert!(is_dirty_to_be_marked(&house).await, "so that editors can be told of the failure");
    let failed = MarkGate::Failed { why: "required hook \"a\" failed for good: nothing was taken".into() };
    assert_eq!(gate_of(&house, asked(2, Tell::ToldBefore)).await, failed);

    // Asked for again it is due from now on; one that is under way is nobody's to give up.
    house.store.retry_deliveries("a", Retried::AllDead).await.unwrap();
    house.pass(60);
    assert_eq!(house.deliverer().claim("a").await.len(), 1);
    assert_eq!(give_up(house.clock.now()).await, 0);
}

#[tokio::test]
async fn a_failure_of_an_earlier_sync_holds_nothing_back() {
    let house = House::with_hooks(vec![required("cms")]).await;
    gate_of(&house, asked(2, FIRST)).await;
    house.deliverer().give_up("cms").await;
    assert!(is_dirty_to_be_marked(&house).await);
    assert_eq!(gate_of(&house, asked(22, Tell::Synced { resync: true })).await, waits_for("cms"));
    house.deliverer().deliver("cms").await;
    assert!(is_dirty_to_be_marked(&house).await);
    assert_eq!(gate_of(&house, asked(22, Tell::ToldBefore)).await, MarkGate::Open);
}

#[tokio::test]
async fn a_delivery_that_is_skipped_holds_nothing_back() {
    let house = House::with_hooks(vec![required("cms")]).await;
    gate_of(&house, asked(2, FIRST)).await;
    house.store.hide(house.account(), &entry(ID)).await.unwrap();
    assert!(house.deliverer().claim("cms").await.is_empty());
    assert!(is_dirty_to_be_marked(&house).await);
}

#[tokio::test]
async fn hooks_that_are_gone_or_no_longer_required_hold_nothing_back() {
    let no_longer: [Vec<HookSpec>; 3] =
        [vec![], vec![listener("cms")], vec![hook("cms", &[HookEvent::Changed], Audience::Public, true)]];
    for hooks in no_longer {
        for given_up in [false, true] {
            let house = House::with_hooks(vec![required("cms")]).await;
            gate_of(&house, asked(2, FIRST)).await;
            if given_up {
                house.deliverer().give_up("cms").await;
                assert!(is_dirty_to_be_marked(&house).await);
                gate_of(&house, asked(2, Tell::ToldBefore)).await;
            }
            house.store.set_hooks(vec![required("cms")]).await.unwrap();
            assert!(!is_dirty_to_be_marked(&house).await, "{hooks:?}");
            house.store.set_hooks(hooks.clone()).await.unwrap();
            assert!(is_dirty_to_be_marked(&house).await, "{hooks:?}");
            assert_eq!(gate_of(&house, asked(2, Tell::ToldBefore)).await, MarkGate::Open, "{hooks:?}");
        }
    }
}

#[tokio::test]
async fn a_disabled_hook_still_holds_the_mark_back() {
    let house = House::with_hooks(vec![required("cms")]).await;
    house.store.disable_hook("cms", "gone").await.unwrap();
    assert_eq!(gate_of(&house, asked(2, FIRST)).await, waits_for("cms"));
    house.deliverer().deliver("cms").await;
    assert!(!is_dirty_to_be_marked(&house).await);
}

#[tokio::test]
async fn a_failure_that_is_forgotten_is_not_taken_for_a_success() {
    let house = House::with_hooks(vec![required("cms")]).await;
    gate_of(&house, asked(2, FIRST)).await;
    house.deliverer().give_up("cms").await;
    assert!(is_dirty_to_be_marked(&house).await);
    gate_of(&house, asked(2, Tell::ToldBefore)).await;
    house.pass(10);
    house.store.prune_deliveries(house.clock.now(), 1_000).await.unwrap();
    assert_eq!(house.known(ID).await.known.emitted_version, None, "the next look tells it anew");
}

#[tokio::test]
async fn a_look_whose_claim_was_lost_changes_no_gate() {
    let house = House::with_hooks(vec![required("cms")]).await;
    gate_of(&house, asked(2, FIRST)).await;
    let lost = house.claim(&[entry(ID)]).await;
    house.pass(120);
    let (held, _) = dirty(&house).await.unwrap();
    let save = Save::Seen(Box::new(seen_only(ID, json!({}))));
    house.store.save_entries(&lost, vec![save], RemovalLimit::default()).await.unwrap();
    house.settle(held).await;
    house.deliverer().deliver("cms").await;
    assert!(is_dirty_to_be_marked(&house).await);
}
