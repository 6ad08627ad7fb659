//! One exchange with the API, and everything that can become of it.

use std::time::Duration;

use kaltura_mirror::domain::clock::Timestamp;
use kaltura_mirror::kaltura::error::{Class, Error};
use serde_json::json;

use super::stub::{Reply, Stub};
use super::{client, client_with, clock, look, recorded, recorded_batch, refusal, settings};

#[tokio::test]
async fn a_call_is_a_post_of_json_with_the_exact_content_type_and_nothing_in_the_query() {
    let stub = Stub::start(|_, _| Reply::json(&recorded_batch())).await;
    look(&client(&stub, &clock())).await.unwrap();
    let requests = stub.requests();
    let request = &requests[0];
    assert_eq!(request.line, "POST /api_v3/service/multirequest HTTP/1.1");
    assert_eq!(request.header("content-type"), Some("application/json"));
    assert_eq!(request.header("accept-encoding"), Some("gzip"));
    let body = request.json();
    assert_eq!((&body["format"], &body["clientTag"]), (&json!(1), &json!("kaltura-mirror:0.1.0")));
    assert!(body["ks"].as_str().unwrap().starts_with("djJ8NDAyMX"), "version 2, partner 4021");
}

#[tokio::test]
async fn every_http_request_is_counted_by_its_name() {
    let stub = Stub::start(|_, number| if number == 0 { Reply::Close } else { Reply::json(&recorded_batch()) }).await;
    let client = client(&stub, &clock());
    let _ = look(&client).await;
    let _ = look(&client).await;
    assert_eq!(client.calls(), 2);
    assert_eq!(client.calls_by_name()["multirequest:look"], 2);
}

#[tokio::test]
async fn connections_are_kept_unless_a_fresh_one_is_asked_for() {
    let stub = Stub::start(|_, _| Reply::json(&recorded_batch())).await;
    let client = client(&stub, &clock());
    look(&client).await.unwrap();
    look(&client).await.unwrap();
    assert_eq!(stub.connections(), 1);
    let fresh = super::LookOptions { fresh_connection: true, ..Default::default() };
    let _ = client.look(&super::batch_ids(), &fresh).await;
    let _ = client.look(&super::batch_ids(), &fresh).await;
    assert_eq!(stub.connections(), 3);
}

async fn error_of(reply: impl Fn() -> Reply + Send + Sync + 'static) -> Error {
    let stub = Stub::start(move |_, _| reply()).await;
    let mut settings = settings(&stub);
    settings.bounds.timeout = Duration::from_millis(200);
    settings.bounds.answer_bytes_max = 100_000;
    look(&client_with(settings, &clock())).await.unwrap_err()
}

#[tokio::test]
async fn servers_in_trouble_are_tried_again() {
    for error in [
        error_of(|| Reply::Hang).await,
        error_of(|| Reply::Close).await,
        error_of(|| Reply::Cut(b"[{\"sess".to_vec())).await,
        error_of(|| Reply::Full(503, String::new(), Vec::new())).await,
        error_of(|| Reply::Body(b"<!doctype html><title>Maintenance</title>".to_vec())).await,
        error_of(|| Reply::json(&recorded("error.internal.json.json"))).await,
    ] {
        assert_eq!(error.class(), Class::Retry, "{error}");
    }
}

#[tokio::test]
async fn nobody_listening_is_unreachable_and_nothing_was_sent() {
    let stub = Stub::start(|_, _| Reply::Close).await;
    let mut settings = settings(&stub);
    settings.service = "http://127.0.0.1:1/".parse().unwrap();
    let error = look(&client_with(settings, &clock())).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { sent: false, .. }), "{error:?}");
    assert_eq!(error.to_string(), "multirequest:look did not reach the API: Connection refused (os error 111)");
}

#[tokio::test]
async fn answers_that_cannot_be_read_ask_for_half_as_much() {
    for error in [
        error_of(|| Reply::Body(b"[{\"sessionType\":".to_vec())).await,
        error_of(|| Reply::Body(b"garbage".to_vec())).await,
        error_of(|| Reply::Body(Vec::new())).await,
        error_of(|| Reply::Body(vec![b' '; 200_000])).await,
        error_of(|| Reply::json(&json!([1, 2]))).await,
        error_of(|| Reply::json(&json!({"id": 7}))).await,
    ] {
        assert_eq!(error.class(), Class::Halve, "{error}");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_says_where_it_would_have_gone() {
    let elsewhere = Stub::start(|_, _| Reply::json(&recorded_batch())).await;
    let location = format!("Location: {}api_v3/?ks=secret\r\n", elsewhere.url);
    let error = error_of(move || Reply::Full(307, location.clone(), Vec::new())).await;
    assert!(elsewhere.requests().is_empty(), "the session went nowhere else");
    assert_eq!(error.class(), Class::Degraded);
    assert!(
        error.to_string().ends_with("is that the right service_url?") && !error.to_string().contains("secret"),
        "{error}"
    );
}

#[tokio::test]
async fn a_throttled_account_rests_and_sends_nothing_meanwhile() {
    for throttled in [
        refusal("ACTION_BLOCKED", json!({})),
        json!("Access to multirequest->null was rate limited"),
        json!([refusal("ACTION_BLOCKED", json!({})), [], [], [], []]),
    ] {
        let stub = Stub::start(
            move |_, number| {
                if number == 0 { Reply::json(&throttled) } else { Reply::json(&recorded_batch()) }
            },
        )
        .await;
        let clock = clock();
        let client = client(&stub, &clock);
        assert_eq!(look(&client).await.unwrap_err().class(), Class::SlowDown);
        let until = clock.now().plus(Duration::from_secs(60));
        assert_eq!(look(&client).await.unwrap_err(), Error::Resting { until });
        assert_eq!((stub.requests().len(), client.resting_until()), (1, Some(until)));
        clock.advance(Duration::from_secs(60));
        assert!(look(&client).await.is_ok());
        assert_eq!(client.resting_until(), None::<Timestamp>);
    }
}
