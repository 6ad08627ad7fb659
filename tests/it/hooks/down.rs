//! A receiver that is down for long: few calls, no attempt lost by waiting, and nobody else delayed.

use std::time::Duration;

use kaltura_mirror::domain::ids::EntryId;
use kaltura_mirror::simulator::sink::{Reply, Sink};
use kaltura_mirror::store::{DeliveryFilter, DeliveryState, Retried};

use super::Delivered;
use super::bench::{Bench, to};
use crate::house::House;

/// From so many failures in a row on a receiver counts as down.
const FAILURES_MAX: usize = 5;
const HOUR: u64 = 3600;
const NEEDED: &str = "<metadata><SyncStatus>Sync Needed</SyncStatus></metadata>";
const DONE: &str = "<metadata><SyncStatus>Sync Done</SyncStatus></metadata>";

/// So many deliveries to a receiver that takes none.
async fn down(deliveries: usize) -> (Sink, Bench) {
    let sink = Sink::start().await;
    sink.always(Reply::status(500));
    let mut setup = to("site", &sink);
    setup.concurrency = 1;
    let bench = Bench::with(vec![setup]).await;
    for _ in 0..deliveries {
        bench.tell("site").await;
    }
    bench.rest().await;
    (sink, bench)
}

async fn attempts(bench: &Bench) -> Vec<u32> {
    bench.listed(DeliveryState::Waiting).await.iter().map(|row| row.attempts).collect()
}

#[tokio::test]
async fn one_delivery_at_a_time_tries_a_receiver_that_is_down_and_the_others_lose_no_attempt() {
    let (sink, bench) = down(30).await;
    assert_eq!(sink.count(), FAILURES_MAX);
    // Half of chance: pauses of three quarters of 10, 20 and 40 seconds.
    for (pause, probes) in [(8, 1), (16, 2), (31, 3)] {
        bench.pass(pause).await;
        assert_eq!(sink.count() - FAILURES_MAX, probes, "after {pause} seconds more");
    }
    let attempts = attempts(&bench).await;
    assert_eq!(attempts.iter().sum::<u32>() as usize, sink.count(), "only calls count");
    assert_eq!(attempts.len(), 30);

    sink.always(Reply::status(204));
    bench.pass(300).await;
    let delivered = bench.listed(DeliveryState::Delivered).await;
    assert_eq!(delivered.len(), 30);
    assert!(delivered.iter().filter(|row| row.attempts == 1).count() >= 20, "those that waited came through at once");
}

#[tokio::test]
async fn what_was_due_through_four_days_without_anything_taken_is_dead_and_the_rest_keeps_its_own_schedule() {
    let (sink, bench) = down(40).await;
    for _ in 0..15 {
        bench.pass(6 * HOUR).await;
    }
    assert_eq!(bench.listed(DeliveryState::Dead).await.len(), 0, "not before its time");
    bench.pass(6 * HOUR + 60).await;
    let (dead, waiting) = (bench.listed(DeliveryState::Dead).await, bench.listed(DeliveryState::Waiting).await);
    assert_eq!(dead.len() + waiting.len(), 40);
    assert!(dead.len() >= 15 && dead.iter().all(|row| row.attempts <= 1), "{dead:?}");
    assert!(waiting.iter().all(|row| row.attempts > 0), "what had its turn lately goes on: {waiting:?}");
    let note = dead[0].note.as_ref().unwrap();
    assert!(note.starts_with("its receiver has taken nothing for 4 days; it said last: answered 500"), "{note}");

    sink.always(Reply::status(204));
    assert_eq!(bench.store.retry_deliveries("site", Retried::AllDead).await.unwrap(), dead.len() as u64);
    bench.pass(24 * HOUR).await;
    bench.pass(24 * HOUR).await;
    assert_eq!(bench.listed(DeliveryState::Delivered).await.len(), 40);
}

#[tokio::test]
async fn a_person_s_test_is_not_kept_waiting_by_a_receiver_that_was_down() {
    let (sink, bench) = down(30).await;
    sink.always(Reply::status(204));
    let before = sink.count();
    let tested = bench.hooks.test("site", bench.store.accounts()[0].id).await.unwrap();
    assert_eq!((tested.state, tested.attempts), (DeliveryState::Delivered, 1));
    assert_eq!(sink.received()[before].id(), tested.id.0, "before all that waits");
    bench.pass(5).await;
    assert_eq!(bench.listed(DeliveryState::Delivered).await.len(), 31, "and lets the others go");
}

#[tokio::test]
async fn a_hook_that_is_down_costs_few_calls_and_delays_neither_reception_nor_sync_nor_other_hooks() {
    let (down, quick) = (Sink::start().await, Sink::start().await);
    down.always(Reply::status(503));
    let hook = |name, sink: &Sink| {
        format!(
            "[[hooks]]\nname = \"{name}\"\nurl = \"{}\"\nallow_private = true\nevents = [\"entry.synced\"]\n",
            sink.url()
        )
    };
    let house = House::open_with(&[hook("down", &down), hook("quick", &quick)].concat()).await;
    let ids: Vec<EntryId> = (0..30).map(|n| house.new_video(&format!("Video {n}"), Some(NEEDED))).collect();
    let deliveries = house.deliver().await;
    assert!(deliveries.iter().all(|delivery| delivery.answer.is_success()));
    for id in &ids {
        assert_eq!(house.sync_xml(id).as_deref(), Some(DONE));
    }
    assert_eq!(quick.count(), ids.len(), "each once");
    // Four at once: what was under way when the fifth failed is the most that goes there beyond it.
    let called = down.count();
    assert!((FAILURES_MAX..FAILURES_MAX + 4).contains(&called), "{called}");

    down.always(Reply::status(204));
    house.pass(Duration::from_secs(10)).await;
    assert!(down.count() <= called + ids.len(), "{} calls", down.count());
    let filter = DeliveryFilter { state: Some(DeliveryState::Delivered), ..DeliveryFilter::default() };
    assert_eq!(house.daemon.store.deliveries(&filter).await.unwrap().len(), 2 * ids.len());
}
