//! The receiver with a program: it records what comes, and answers as it was told.

use std::time::Duration;

use kaltura_mirror::domain::clock::{Clock, Timestamp};
use kaltura_mirror::domain::ids::PartnerId;
use kaltura_mirror::domain::secret::AdminSecret;
use kaltura_mirror::simulator::curl::{self, Response};
use kaltura_mirror::simulator::sink::{Reply, Sink};
use kaltura_mirror::simulator::specimen::{Shape, Specimen};
use kaltura_mirror::simulator::templates::numbers::{HashAlgorithm, Method};

/// Sends something there.
async fn send(sink: &Sink, timeout: Duration) -> Result<Response, String> {
    let specimen = Specimen {
        partner_id: PartnerId(102),
        secret: AdminSecret::new("a secret"),
        url: sink.url(),
        kind: "event:1:3".parse().unwrap(),
        shape: Shape::Json,
        entry: "0_abcd1234".parse().unwrap(),
        first_number: 1,
        count: 1,
        method: Method::Post,
        hash: HashAlgorithm::Sha256,
        headers: Vec::new(),
        basic_auth: None,
        at: Timestamp::from_secs(1_795_460_000),
    };
    curl::run(&specimen.requests().unwrap()[0].transfer, timeout).await
}

async fn status(sink: &Sink) -> u16 {
    send(sink, Duration::from_secs(30)).await.unwrap().status
}

#[tokio::test]
async fn replies_are_used_up_in_their_order_and_then_everything_is_fine() {
    let sink = Sink::start().await;
    sink.answer_with([Reply::status(503), Reply::retry_after(429, 7), Reply::status(410).with_body("gone")]);
    assert_eq!(status(&sink).await, 503);
    let limited = send(&sink, Duration::from_secs(30)).await.unwrap();
    assert!(limited.status == 429 && limited.headers.contains(&("Retry-After".to_owned(), "7".to_owned())));
    assert_eq!(send(&sink, Duration::from_secs(30)).await.unwrap().body, b"gone");
    assert_eq!(status(&sink).await, 200);
    assert_eq!(sink.received().len(), 4);
    sink.always(Reply::status(500));
    assert_eq!([status(&sink).await, status(&sink).await], [500, 500]);
}

#[tokio::test]
async fn a_receiver_may_hang_be_slow_or_close_the_connection() {
    let sink = Sink::start().await;
    sink.answer_with([Reply::Hang, Reply::Close, Reply::status(204).after(Duration::from_millis(30))]);
    assert_eq!(send(&sink, Duration::from_millis(50)).await, Err("no answer in time".to_owned()));
    assert!(send(&sink, Duration::from_secs(30)).await.unwrap_err().starts_with("the transfer failed"));
    let begin = std::time::Instant::now();
    assert_eq!(status(&sink).await, 204);
    assert!(begin.elapsed() >= Duration::from_millis(30));
    assert_eq!(sink.received().len(), 3, "all three came");
}

#[tokio::test]
async fn a_receiver_that_is_down_refuses_and_is_back_on_the_same_port() {
    let sink = Sink::start().await;
    sink.stop().await;
    assert!(send(&sink, Duration::from_secs(30)).await.is_err());
    sink.restart().await.unwrap();
    assert_eq!(status(&sink).await, 200);
}

#[tokio::test]
async fn whoever_waits_hears_of_a_request_that_comes_later_with_the_time_of_the_given_clock() {
    let clock = Clock::manual(Timestamp::from_secs(5));
    let sink = Sink::start_at(clock.clone()).await.unwrap();
    let (received, answered) = tokio::join!(sink.wait_for(1), status(&sink));
    assert_eq!((received.len(), answered), (1, 200));
    assert_eq!((received[0].at, received[0].method.as_str()), (Timestamp::from_secs(5), "POST"));
    sink.forget();
    assert!(sink.received().is_empty());
}
