//! Delivering to a URL: what is sent, what an answer means, where is never called.

use std::time::Duration;

use kaltura_mirror::domain::clock::Timestamp;
use kaltura_mirror::domain::hook::DeliveryId;
use kaltura_mirror::hooks::{Calls, Listeners, Names, Redaction, Secrets, SigningKeys};
use kaltura_mirror::store::{DeliveryState, Retried};

use super::Delivered;
use super::bench::{Bench, SECRET, calling, loopback, to};
use crate::house::START;
use kaltura_mirror::simulator::sink::{Received, Reply, Sink};

const OTHER_SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

/// What a receiver with these secrets expects in `webhook-signature`.
fn expected(received: &Received, current: &str, previous: Option<&str>) -> String {
    let keys = SigningKeys::new(current.parse().unwrap(), previous.map(|text| text.parse().unwrap()));
    let at = Timestamp::from_secs(received.header("webhook-timestamp").unwrap().parse().unwrap());
    keys.sign(&DeliveryId(received.id().to_owned()), at, &received.body)
}

#[tokio::test]
async fn a_delivery_is_a_signed_post_of_the_event_under_its_id() {
    let sink = Sink::start().await;
    let bench = Bench::with(vec![to("site", &sink)]).await;
    let row = bench.told("site").await;
    assert_eq!((row.state, row.attempts), (DeliveryState::Delivered, 1));

    let received = sink.received();
    let [received] = &received[..] else { panic!("{received:?}") };
    assert_eq!((&*received.method, &*received.target), ("POST", "/hook"));
    assert_eq!(received.header("content-type"), Some("application/json"));
    assert!(received.header("user-agent").unwrap().starts_with("kaltura-mirror/"));
    assert_eq!(received.id(), row.id.0);
    assert_eq!(received.header("webhook-timestamp"), Some(&*START.as_secs().to_string()));
    assert_eq!(received.header("webhook-signature"), Some(&*expected(received, SECRET, None)));
    assert_eq!(received.json()["type"], "test");
}

#[tokio::test]
async fn while_a_secret_is_exchanged_both_signatures_are_sent_and_other_secrets_take_force_at_once() {
    let sink = Sink::start().await;
    let bench = Bench::with(vec![to("site", &sink)]).await;
    bench.told("site").await;
    let both = SigningKeys::new(OTHER_SECRET.parse().unwrap(), Some(SECRET.parse().unwrap()));
    bench.renew("site", Secrets { keys: Some(both), ..Secrets::default() });
    bench.told("site").await;
    bench.renew("site", Secrets::default());
    bench.told("site").await;

    let received = sink.received();
    let signatures: Vec<Option<&str>> = received.iter().map(|it| it.header("webhook-signature")).collect();
    let two = expected(&received[1], OTHER_SECRET, Some(SECRET));
    assert_eq!(signatures, [Some(&*expected(&received[0], SECRET, None)), Some(&*two), None]);
    assert!(two.contains(' '));
}

#[tokio::test]
async fn a_receiver_that_is_down_all_the_time_leaves_a_dead_delivery_that_a_person_has_delivered() {
    let sink = Sink::start().await;
    let bench = Bench::with(vec![to("site", &sink)]).await;
    sink.always(Reply::status(500));
    let first = bench.told("site").await;
    assert_eq!((first.state, first.attempts), (DeliveryState::Waiting, 1));

    for (wait, tried) in [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400].into_iter().zip(2..) {
        bench.pass(wait - 1).await;
        assert_eq!(sink.count(), tried - 1, "not before its time");
        bench.pass(1).await;
        assert_eq!(sink.count(), tried);
    }
    let dead = bench.listed(DeliveryState::Dead).await;
    assert_eq!((dead.len(), &dead[0].id, dead[0].attempts), (1, &first.id, 10));
    assert!(dead[0].note.as_ref().unwrap().starts_with("answered 500"), "{dead:?}");
    bench.pass(1_000_000).await;
    assert_eq!(sink.count(), 10, "it is left alone");

    sink.always(Reply::status(204));
    assert_eq!(bench.store.retry_deliveries("site", Retried::AllDead).await.unwrap(), 1);
    bench.rest().await;
    assert_eq!(bench.delivery(&first.id).await.state, DeliveryState::Delivered);
    let received = sink.received();
    assert_eq!(received.len(), 11);
    assert!(received.iter().all(|it| it.id() == first.id.0), "the same delivery in every attempt");
    assert_ne!(received[0].header("webhook-timestamp"), received[10].header("webhook-timestamp"));
    assert_eq!(received[10].header("webhook-signature"), Some(&*expected(&received[10], SECRET, None)));
}

#[tokio::test]
async fn a_receiver_that_asks_for_time_is_left_alone_for_so_long() {
    let sink = Sink::start().await;
    let bench = Bench::with(vec![to("site", &sink)]).await;
    sink.always(Reply::retry_after(429, 120));
    let first = bench.told("site").await;
    let second = bench.told("site").await;
    assert_eq!((first.due_at, second.attempts), (Some(START.plus(Duration::from_secs(120))), 0));
    sink.always(Reply::status(204));
    bench.pass(119).await;
    assert_eq!(sink.count(), 1, "nothing else is sent there meanwhile");
    bench.pass(1).await;
    assert_eq!(sink.count(), 3);
    assert_eq!(bench.listed(DeliveryState::Delivered).await.len(), 2);
}

#[tokio::test]
async fn a_receiver_that_is_gone_is_told_nothing_until_its_hook_is_enabled() {
    let sink = Sink::start().await;
    let bench = Bench::with(vec![to("site", &sink)]).await;
    sink.always(Reply::status(410));
    bench.told("site").await;
    bench.told("site").await;
    bench.pass(1_000_000).await;
    assert_eq!(sink.count(), 1);
    let states = bench.store.hook_states().await.unwrap();
    assert!(states[0].disabled.as_ref().unwrap().starts_with("answered 410"), "{states:?}");
    assert_eq!(states[0].waiting, 2);

    sink.always(Reply::status(204));
    assert!(bench.store.enable_hook("site").await.unwrap());
    bench.rest().await;
    assert_eq!(sink.count(), 3);
    assert_eq!(bench.listed(DeliveryState::Delivered).await.len(), 2);
}

#[tokio::test]
async fn a_redirect_is_a_failure_that_names_where_it_leads_and_is_not_followed() {
    let (sink, elsewhere) = (Sink::start().await, Sink::start().await);
    let bench = Bench::with(vec![to("site", &sink)]).await;
    for status in [301, 302, 307, 308] {
        sink.always(Reply::redirect(status, &format!("{}?token=hunter2", elsewhere.url())));
        let row = bench.told("site").await;
        assert_eq!(row.state, DeliveryState::Waiting, "{status}");
        let note = row.note.unwrap();
        assert!(note.contains(&format!("to http://{}; redirects are not followed", elsewhere.address())), "{note}");
        assert!(!note.contains("hunter2"), "{note}");
    }
    assert_eq!((sink.count(), elsewhere.count()), (4, 0));
}

#[tokio::test]
async fn of_an_answer_little_is_kept_and_no_secret() {
    let sink = Sink::start().await;
    let bench = Bench::with(vec![to("site", &sink)]).await;
    let hidden = Redaction::of(["hunter2hunter2".to_owned()]);
    bench.renew("site", Secrets { keys: None, hidden });
    let body = format!("no hunter2hunter2 here {}", "x".repeat(100_000));
    sink.always(Reply::status(500).with_body(body));
    let note = bench.told("site").await.note.unwrap();
    assert!(note.starts_with("answered 500 Internal Server Error: no … here xxx"), "{note}");
    assert!(note.len() < 500, "{}", note.len());
}

#[tokio::test]
async fn an_answer_counts_by_its_status_even_if_its_body_never_ends() {
    let sink = Sink::start().await;
    let bench = Bench::with(vec![to("site", &sink)]).await;
    sink.always(Reply::Dribble { status: 200, body: b"and so on".to_vec() });
    let row = bench.told("site").await;
    assert_eq!((row.state, row.note.as_deref()), (DeliveryState::Delivered, Some("answered 200 OK: and so on")));
}

#[tokio::test]
async fn a_receiver_that_does_not_answer_in_time_is_told_again() {
    let sink = Sink::start().await;
    let mut setup = to("site", &sink);
    setup.timeout = Duration::from_millis(300);
    let bench = Bench::with(vec![setup]).await;
    sink.always(Reply::Hang);
    let row = bench.told("site").await;
    assert_eq!((row.state, row.note.as_deref()), (DeliveryState::Waiting, Some("no answer within 300ms")));
    sink.always(Reply::status(200));
    bench.pass(5).await;
    assert_eq!(bench.delivery(&row.id).await.state, DeliveryState::Delivered);
}

#[tokio::test]
async fn a_name_that_leads_to_a_private_address_is_not_called_unless_that_is_allowed() {
    let sink = Sink::start().await;
    let url: url::Url = format!("http://inside.example:{}/", sink.address().port()).parse().unwrap();
    let names = Names::fixed([("inside.example", &[loopback()])]);
    let hook = |name, allow_private| calling(name, Calls::Url { url: url.clone(), allow_private });
    let bench = Bench::among(vec![hook("refused", false), hook("allowed", true)], names, Listeners::default()).await;
    let refused = bench.told("refused").await;
    assert_eq!(refused.state, DeliveryState::Waiting);
    let note = refused.note.unwrap();
    assert!(note.starts_with("127.0.0.1 is no public address; set allow_private = true"), "{note}");
    assert_eq!(sink.count(), 0, "not even connected to");
    assert_eq!(bench.told("allowed").await.state, DeliveryState::Delivered);
}

#[tokio::test]
async fn our_own_server_is_never_called_by_whatever_name() {
    let sink = Sink::start().await;
    let url: url::Url = format!("http://myself.example:{}/", sink.address().port()).parse().unwrap();
    let names = Names::fixed([("myself.example", &[loopback()])]);
    let by_name = calling("by-name", Calls::Url { url, allow_private: true });
    let bench = Bench::among(vec![by_name, to("by-address", &sink)], names, Listeners::at([sink.address()])).await;
    for hook in ["by-name", "by-address"] {
        let note = bench.told(hook).await.note.unwrap();
        assert!(note.contains("this daemon's own server"), "{hook}: {note}");
    }
    assert_eq!(sink.count(), 0);
}

#[tokio::test]
async fn a_hook_that_hangs_delays_no_other_hook() {
    let (slow, quick) = (Sink::start().await, Sink::start().await);
    let bench = Bench::with(vec![to("slow", &slow), to("quick", &quick)]).await;
    slow.always(Reply::Hang);
    for _ in 0..5 {
        bench.tell("slow").await;
        bench.tell("quick").await;
    }
    assert_eq!(quick.wait_for(5).await.len(), 5);
    assert_eq!(slow.wait_for(2).await.len(), 2, "and no more at once than its concurrency");
}

#[tokio::test]
async fn what_was_written_before_a_kill_is_delivered_after_it() {
    let sink = Sink::start().await;
    let mut bench = Bench::with(vec![to("site", &sink)]).await;
    bench.break_off().await;
    let id = bench.tell("site").await;
    let bench = bench.restart().await;
    bench.rest().await;
    assert_eq!(sink.received().iter().map(Delivered::id).collect::<Vec<_>>(), [&*id.0]);
}

#[tokio::test]
async fn what_was_sent_but_not_recorded_before_a_kill_is_delivered_again_under_its_id() {
    let sink = Sink::start().await;
    let bench = Bench::with(vec![to("site", &sink)]).await;
    sink.always(Reply::Hang);
    let id = bench.tell("site").await;
    sink.wait_for(1).await;
    sink.always(Reply::status(200));
    let bench = bench.restart().await;
    bench.rest().await;
    assert_eq!(sink.received().iter().map(Delivered::id).collect::<Vec<_>>(), [&*id.0, &*id.0]);
    let row = bench.delivery(&id).await;
    assert_eq!((row.state, row.attempts), (DeliveryState::Delivered, 1), "what was broken off is no failure");
}
