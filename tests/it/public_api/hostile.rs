//! Requests that are too large, too slow or broken: refused, and remembered in little room.

use kaltura_mirror::store::{InboxFilter, Verdict};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::problems::problem;
use crate::house::{House, http};

const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");

#[tokio::test]
async fn a_giant_body_is_refused_and_leaves_its_beginning_only() {
    let house = House::open().await;
    let giant = vec![b'a'; 3 << 20];
    let answer = http::request(house.daemon.public, "POST", "/notifications", &[FORM], &giant).await;
    assert!(problem(&answer, 413, "too-large").contains("1048576"));

    house.daemon.store.rejections_written().await;
    let [kept] = house.daemon.store.inbox_list(InboxFilter::All, None, 10).await.unwrap().try_into().unwrap();
    assert_eq!((kept.verdict, kept.kept_bytes), (Verdict::Rejected("too_large".into()), 4096));
    assert!(house.daemon.store.dirty_counts().await.unwrap().is_idle());
}

#[tokio::test]
async fn a_body_without_a_length_or_an_end_is_given_up_at_the_limit() {
    let house = House::open().await;
    let mut request = format!(
        "POST /notifications HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Type: {}\r\nTransfer-Encoding: chunked\r\n\r\n",
        house.daemon.public, FORM.1
    )
    .into_bytes();
    let chunk = [b"10000\r\n".as_slice(), &[b'a'; 0x10000], b"\r\n"].concat();
    (0..20).for_each(|_| request.extend_from_slice(&chunk));
    problem(&http::raw(house.daemon.public, &request).await, 413, "too-large");
}

#[tokio::test]
async fn a_body_that_is_not_here_in_time_is_given_up() {
    let house = House::open_with("server.request_timeout = \"1s\"").await;
    let head = format!(
        "POST /notifications HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Type: {}\r\nContent-Length: 100\r\n\r\nnotification_id=1",
        house.daemon.public, FORM.1
    );
    problem(&http::raw(house.daemon.public, head.as_bytes()).await, 408, "too-slow");
    assert!(house.daemon.store.dirty_counts().await.unwrap().is_idle());
}

#[tokio::test]
async fn a_head_that_is_not_here_in_time_is_given_up_without_a_word_of_ours() {
    let house = House::open_with("server.request_timeout = \"1s\"").await;
    let mut stream = TcpStream::connect(house.daemon.public).await.unwrap();
    stream.write_all(b"GET /livez HTTP/1.1\r\nHost:").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 408") && answer.ends_with("\r\n\r\n"), "{answer}");
}

#[tokio::test]
async fn a_body_that_is_no_form_is_refused_as_such() {
    let house = House::open().await;
    let json = [("Content-Type", "application/json")];
    let answer = http::request(house.daemon.public, "POST", "/notifications", &json, b"{}").await;
    problem(&answer, 415, "unsupported-media-type");
    let answer = http::request(house.daemon.public, "POST", "/notifications", &[], b"a=b").await;
    problem(&answer, 415, "unsupported-media-type");
    let answer = http::request(house.daemon.public, "POST", "/notifications", &[FORM], b"").await;
    problem(&answer, 400, "malformed");
}
