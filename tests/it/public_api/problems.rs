//! What cannot be answered: always a problem by RFC 9457, never a framework's own text.

use kaltura_mirror::simulator::faults::{Fault, When};

use super::mirrored;
use crate::house::House;
use crate::house::http::{self, Answer};

/// Holds an answer to RFC 9457; returns its detail.
pub fn problem(answer: &Answer, status: u16, slug: &str) -> String {
    let text = answer.text();
    assert_eq!((answer.status, answer.header("content-type")), (status, Some("application/problem+json")), "{text}");
    let problem = answer.json();
    assert_eq!((problem["status"].as_u64(), problem.as_object().unwrap().len()), (Some(status.into()), 4), "{text}");
    assert_eq!(problem["type"], format!("urn:kaltura-mirror:problem:{slug}"), "{text}");
    assert!(problem["title"].as_str().is_some_and(|title| !title.is_empty()), "{text}");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    problem["detail"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_by_naming_it() {
    let house = House::open().await;
    let id = mirrored(&house, "Here").await;
    let cases = [
        ("/api/v1/entries?limit=0".to_owned(), 400, "bad-request", "limit=0"),
        ("/api/v1/entries?limit=101".to_owned(), 400, "bad-request", "between 1 and 100"),
        ("/api/v1/entries?limit=-1".to_owned(), 400, "bad-request", "query"),
        ("/api/v1/entries?limit=many".to_owned(), 400, "bad-request", "query"),
        ("/api/v1/entries?limit=99999999999999999999999".to_owned(), 400, "bad-request", "query"),
        ("/api/v1/entries?cursor=".to_owned(), 400, "bad-request", "start without one"),
        ("/api/v1/entries?cursor=1-x".to_owned(), 400, "bad-request", "\"1-x\""),
        ("/api/v1/entries?cursro=1-1".to_owned(), 400, "bad-request", "cursro"),
        ("/api/v1/entries?cursor=1-1&cursor=1-2".to_owned(), 400, "bad-request", "cursor"),
        ("/api/v1/entries?account=nobody".to_owned(), 400, "bad-request", "it has 102"),
        (format!("/api/v1/entries/{id}?account=nobody"), 400, "bad-request", "nobody"),
        (format!("/api/v1/entries/{id}?acount=102"), 400, "bad-request", "acount"),
        ("/api/v1/entries/..%2F..%2Fetc".to_owned(), 400, "bad-request", "an entry id such as"),
        ("/api/v1/entries/%ff%fe".to_owned(), 400, "bad-request", "an entry id such as"),
        ("/api/v1/entries/%00".to_owned(), 400, "bad-request", "an entry id such as"),
        ("/api/v1/entries/0_nobody0".to_owned(), 404, "not-found", "0_nobody0"),
        ("/thumbnails/0_nobody0".to_owned(), 404, "not-found", "0_nobody0"),
        (format!("/thumbnails/{id}?width=wide"), 400, "bad-request", "query"),
        (format!("/thumbnails/{id}?widht=640"), 400, "bad-request", "widht"),
        ("/thumbnails/".to_owned(), 404, "not-found", "no such path"),
        ("/api/v1/entries/".to_owned(), 404, "not-found", "no such path"),
        ("/api/v2/entries".to_owned(), 404, "not-found", "no such path"),
        ("/api/v1/admin/status".to_owned(), 404, "not-found", "no such path"),
        ("/".to_owned(), 404, "not-found", "no such path"),
        ("/favicon.ico".to_owned(), 404, "not-found", "no such path"),
    ];
    for (path, status, slug, told) in cases {
        let detail = problem(&http::get(house.daemon.public, &path).await, status, slug);
        assert!(detail.contains(told), "{path}: {detail}");
    }
}

#[tokio::test]
async fn a_method_a_path_does_not_have_is_refused_by_naming_those_it_has() {
    let house = House::open().await;
    let reads = "GET, HEAD, OPTIONS";
    let cases = [
        ("GET", "/notifications", "POST, PUT, DELETE"),
        ("HEAD", "/notifications", "POST, PUT, DELETE"),
        ("OPTIONS", "/notifications", "POST, PUT, DELETE"),
        ("PATCH", "/notifications", "POST, PUT, DELETE"),
        ("POST", "/api/v1/entries", reads),
        ("DELETE", "/api/v1/entries/0_abcd1234", reads),
        ("PUT", "/thumbnails/0_abcd1234", reads),
        ("POST", "/livez", reads),
        ("BREW", "/readyz", reads),
    ];
    for (method, path, allowed) in cases {
        let answer = http::request(house.daemon.public, method, path, &[], b"").await;
        assert_eq!((answer.status, answer.header("allow")), (405, Some(allowed)), "{method} {path}");
        if method != "HEAD" {
            assert!(problem(&answer, 405, "method-not-allowed").contains(allowed));
        }
    }
}

#[tokio::test]
async fn health_stays_good_and_tells_when_kaltura_is_down_or_an_account_degraded() {
    let house = House::open().await;
    let id = mirrored(&house, "Kept").await;
    let ready = async || {
        let answer = http::get(house.daemon.public, "/readyz").await;
        assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")));
        answer.json()
    };
    let told = ready().await;
    assert_eq!(told["status"], "ok");
    assert_eq!(told["accounts"], serde_json::json!([{"account": "102", "state": "ok", "stale_since": null}]));

    let forbidden = Fault::Error("SERVICE_FORBIDDEN".into(), "The access to service is forbidden".into());
    house.kaltura.fault(When::any(), forbidden);
    for account in house.daemon.sync.accounts() {
        let _ = house.daemon.sync.refresh_facts(account).await;
    }
    let state = ready().await["accounts"][0]["state"].as_str().unwrap().to_owned();
    assert!(state.starts_with("degraded: ") && state.contains("SERVICE_FORBIDDEN"), "{state}");

    house.kaltura.stop().await;
    for account in house.daemon.sync.accounts() {
        let _ = house.daemon.sync.refresh_facts(account).await;
    }
    assert_eq!(ready().await["status"], "ok");
    assert_eq!(http::get(house.daemon.public, "/livez").await.text(), "ok");
    assert_eq!(house.public_entry(&id).await.unwrap()["name"], "Kept");
    assert_eq!(http::get(house.daemon.public, &format!("/thumbnails/{id}")).await.status, 200);
}
