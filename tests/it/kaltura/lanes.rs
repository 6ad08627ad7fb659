//! Calls in lanes: who waits goes in turn, and a server that is down is left alone.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::join_all;
use kaltura_mirror::kaltura::client::Client;
use kaltura_mirror::kaltura::error::{Class, Error};
use kaltura_mirror::kaltura::lanes::Lane;
use kaltura_mirror::kaltura::thumbnails::{ThumbnailSettings, Thumbnails, Wanted};

use super::stub::{Reply, Stub};
use super::{client_with, clock, look, recorded_batch, settings};

/// Looks in a lane, and notes when it has.
async fn noted(client: Client, order: Arc<std::sync::Mutex<Vec<Lane>>>, lane: Lane) {
    look(&client.in_lane(lane)).await.unwrap();
    order.lock().unwrap().push(lane);
}

#[tokio::test]
async fn a_hint_goes_before_a_backfill_that_waits_already_and_the_backfill_still_goes_on() {
    let stub = Stub::start(|_, _| Reply::json(&recorded_batch())).await;
    let mut settings = settings(&stub);
    settings.pace.concurrent_max = 1;
    let client = Client::clone(&client_with(settings, &clock()));
    let order = Arc::new(std::sync::Mutex::new(Vec::new()));
    let lanes = [vec![Lane::Backfill; 4], vec![Lane::Repair; 4], vec![Lane::Live; 12]].concat();
    join_all(lanes.into_iter().map(|lane| noted(client.clone(), Arc::clone(&order), lane))).await;
    let order = order.lock().unwrap().clone();
    assert_eq!(order.len(), 20);
    let place = |lane| order.iter().position(|other| *other == lane).unwrap();
    assert!(place(Lane::Live) <= 1, "one call was under way: {order:?}");
    let live_last = order.iter().rposition(|lane| *lane == Lane::Live).unwrap();
    assert!(place(Lane::Repair) < live_last && place(Lane::Backfill) < live_last, "none starves: {order:?}");
}

#[tokio::test]
async fn what_hangs_in_the_backfill_leaves_a_call_to_what_somebody_waits_for() {
    let stub = Stub::start(|_, number| if number < 3 { Reply::Hang } else { Reply::json(&recorded_batch()) }).await;
    let mut settings = settings(&stub);
    settings.bounds.timeout = Duration::from_secs(60);
    let client = Client::clone(&client_with(settings, &clock()));
    let mut hanging: Vec<_> = (0..4)
        .map(|_| {
            let client = client.in_lane(Lane::Backfill);
            async move { look(&client).await }.boxed()
        })
        .collect();
    let three_hang = async {
        while stub.requests().len() < 3 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        _ = join_all(hanging.iter_mut()) => unreachable!("three of them hang"),
        () = three_hang => {}
    }
    look(&client).await.unwrap();
    assert_eq!(stub.requests().len(), 4, "the fourth of the backfill waits");
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_left_alone_and_asked_by_one_alone() {
    let stub = Stub::start(|_, number| match number {
        0..5 => Reply::Full(503, String::new(), Vec::new()),
        _ => Reply::json(&recorded_batch()),
    })
    .await;
    let clock = clock();
    let client = client_with(settings(&stub), &clock);
    for _ in 0..10 {
        let class = look(&client).await.unwrap_err().class();
        assert!(matches!(class, Class::Retry | Class::Down), "{class:?}");
    }
    assert_eq!(stub.requests().len(), 3, "then it is taken for down");
    let pictures = Thumbnails::new(ThumbnailSettings::of(stub.service()));
    let wanted = Wanted { partner: super::PARTNER, entry: super::batch_ids().remove(0), version: None };
    let picture = pictures.fetch_in_turn(&client.in_lane(Lane::Thumbnails), &wanted).await;
    assert!(matches!(picture, Err(Error::Down { .. })), "{picture:?}");
    assert_eq!(pictures.requests(), 0, "pictures of the same server wait as well");
    let since = clock.now();
    for (wait, requests) in [(5, 4), (10, 5)] {
        clock.advance(Duration::from_secs(wait));
        let looks = join_all((0..8).map(|_| look(&client))).await;
        assert_eq!(stub.requests().len(), requests, "one asks");
        let down = looks.iter().filter(|look| matches!(look, Err(Error::Down { since: told, .. }) if *told == since));
        assert_eq!(down.count(), 7);
    }
    clock.advance(Duration::from_secs(20));
    look(&client).await.unwrap();
    assert_eq!((client.down_since(), client.answered_at()), (None, Some(clock.now())));
    look(&client).await.unwrap();
}

#[tokio::test]
async fn a_refusal_is_an_answer_and_takes_no_server_for_down() {
    let stub = Stub::start(|_, _| Reply::json(&super::refusal("SERVICE_FORBIDDEN", serde_json::json!({})))).await;
    let client = client_with(settings(&stub), &clock());
    for _ in 0..10 {
        assert_eq!(look(&client).await.unwrap_err().class(), Class::Degraded);
    }
    assert_eq!((stub.requests().len(), client.down_since()), (10, None));
}

#[tokio::test]
async fn throttling_and_trouble_halve_the_pace_which_grows_back_while_all_goes_well() {
    let stub = Stub::start(|_, number| match number {
        0 => Reply::json(&super::refusal("ACTION_BLOCKED", serde_json::json!({}))),
        1 => Reply::Full(503, String::new(), Vec::new()),
        _ => Reply::json(&recorded_batch()),
    })
    .await;
    let clock = clock();
    let mut settings = settings(&stub);
    settings.pace.calls_per_second_max = Some(16.0);
    let client = client_with(settings, &clock);
    assert_eq!(client.allowed(), (4, Some(16.0)));
    look(&client).await.unwrap_err();
    assert_eq!(client.allowed(), (2, Some(8.0)));
    clock.advance(Duration::from_secs(60));
    look(&client).await.unwrap_err();
    assert_eq!(client.allowed(), (1, Some(4.0)));
    for _ in 0..30 {
        clock.advance(Duration::from_secs(5));
        look(&client).await.unwrap();
    }
    assert_eq!(client.allowed(), (4, Some(16.0)));
}
