//! Fetching pictures.

use std::path::PathBuf;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kaltura_mirror::domain::entry::{Entry, as_object};
use kaltura_mirror::kaltura::error::{Class, Error};
use kaltura_mirror::kaltura::files::Elsewhere;
use kaltura_mirror::kaltura::thumbnails::{Fetched, NoPicture, ThumbnailSettings, Thumbnails, Wanted};
use serde_json::{Value, json};

use super::PARTNER;
use super::stub::{Reply, Stub};

fn wanted() -> Wanted {
    Wanted { partner: PARTNER, entry: "0_b7eejrrj".parse().unwrap(), version: Some("100002".to_owned()) }
}

fn settings(stub: &Stub) -> ThumbnailSettings {
    ThumbnailSettings {
        timeout: Duration::from_millis(500),
        bytes_max: 10_000,
        ..ThumbnailSettings::of(stub.service())
    }
}

async fn fetched(stub: &Stub) -> Result<Fetched, Error> {
    Thumbnails::new(settings(stub)).fetch(&wanted()).await
}

async fn answering(reply: impl Fn() -> Reply + Send + Sync + 'static) -> Result<Fetched, Error> {
    fetched(&Stub::start(move |_, _| reply()).await).await
}

/// A recorded answer, as the server gave it.
fn recorded(name: &str) -> Reply {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/kaltura/captures");
    let file: Value = serde_json::from_slice(&std::fs::read(folder.join(format!("{name}.json"))).unwrap()).unwrap();
    let response = &file["response"];
    let body = match &response["body"] {
        Value::String(text) => text.clone().into_bytes(),
        other => STANDARD.decode(other["base64"].as_str().unwrap()).unwrap(),
    };
    let headers = response["headers"].as_object().unwrap().iter().filter(|(name, _)| *name != "Content-Length");
    let headers = headers.map(|(name, value)| format!("{name}: {}\r\n", value.as_str().unwrap())).collect();
    Reply::Full(response["status"].as_u64().unwrap() as u16, headers, body)
}

fn jpeg() -> Reply {
    recorded("thumbnail.entry_sized")
}

#[tokio::test]
async fn a_picture_comes_from_a_url_of_partner_entry_version_and_width() {
    let stub = Stub::start(|_, _| jpeg()).await;
    let thumbnails = Thumbnails::new(settings(&stub));
    let fetched = thumbnails.fetch(&wanted()).await.unwrap();
    assert!(matches!(fetched, Fetched::Image { ref bytes, content_type: "image/jpeg" } if bytes.len() == 389));
    let request = &stub.requests()[0];
    assert_eq!(request.line, "GET /p/4021/sp/402100/thumbnail/entry_id/0_b7eejrrj/version/100002/width/640 HTTP/1.1");
    assert_eq!(request.header("referer"), None);
    assert_eq!(thumbnails.requests(), 1);
}

#[tokio::test]
async fn the_recorded_failures_pass_or_stay() {
    let passing = answering(|| recorded("thumbnail.being_made")).await.unwrap();
    assert_eq!(
        passing,
        Fetched::NotYet {
            retry_after: Duration::from_secs(60),
            why: "kaltura answers error 11 (it is being made)".to_owned()
        }
    );
    let lasting = answering(|| recorded("thumbnail.unknown_entry")).await.unwrap();
    assert_eq!(lasting, Fetched::None(NoPicture::Kaltura(1)));
    assert_eq!(
        answering(|| recorded("thumbnail.asset_serve_missing")).await.unwrap(),
        Fetched::None(NoPicture::NotAnImage("nothing"))
    );
}

#[tokio::test]
async fn kaltura_s_error_numbers_are_judged() {
    for (number, passes) in [
        (11, true),
        (46, true),
        (57, true),
        (55, true),
        (1, false),
        (3, false),
        (9, false),
        (10, false),
        (17, false),
        (25, false),
        (58, false),
    ] {
        let header = format!("X-Kaltura: error-{number}\r\n");
        let fetched = answering(move || Reply::Full(404, header.clone(), Vec::new())).await.unwrap();
        assert_eq!(matches!(fetched, Fetched::NotYet { .. }), passes, "error {number}");
    }
}

#[tokio::test]
async fn what_is_no_picture_is_not_taken_for_one_whatever_its_type_says() {
    let film = answering(|| Reply::Full(200, "Content-Type: image/jpeg\r\n".to_owned(), b"FWS\x06....".to_vec())).await;
    assert_eq!(film.unwrap(), Fetched::None(NoPicture::NotAnImage("a Flash film")));
    let page = answering(|| Reply::Body(b"<html>".to_vec())).await;
    assert_eq!(page.unwrap(), Fetched::None(NoPicture::NotAnImage("markup")));
    let large = answering(|| Reply::Body([b"\xff\xd8\xff".to_vec(), vec![0; 10_000]].concat())).await;
    assert_eq!(large.unwrap(), Fetched::None(NoPicture::TooLarge { bytes_max: 10_000 }));
}

#[tokio::test]
async fn a_picture_that_grows_beyond_the_limit_while_it_comes_is_dropped() {
    let chunked = || {
        let chunk = format!("1000\r\n{}\r\n", "x".repeat(0x1000));
        Reply::Raw(
            format!("HTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\n\r\n{}0\r\n\r\n", chunk.repeat(4)).into_bytes(),
        )
    };
    assert_eq!(answering(chunked).await.unwrap(), Fetched::None(NoPicture::TooLarge { bytes_max: 10_000 }));
}

#[tokio::test]
async fn statuses_of_the_servers_in_between_pass_or_stay() {
    for (status, passes) in [(500, true), (503, true), (429, true), (404, false), (403, false), (410, false)] {
        let fetched = answering(move || Reply::Full(status, String::new(), Vec::new())).await.unwrap();
        assert_eq!(matches!(fetched, Fetched::NotYet { .. }), passes, "{status}");
    }
    for reply in [|| Reply::Hang, || Reply::Close, || Reply::Cut(b"\xff\xd8\xff".to_vec())] as [fn() -> Reply; 3] {
        assert_eq!(answering(reply).await.unwrap_err().class(), Class::Retry);
    }
}

fn moved(to: String) -> Reply {
    Reply::Full(302, format!("Location: {to}\r\n"), Vec::new())
}

#[tokio::test]
async fn redirects_are_followed_to_allowed_hosts_only() {
    let cdn = Stub::start(|_, _| jpeg()).await;
    let target = format!("{}picture.jpg", cdn.url);
    let stub = Stub::start(move |_, _| moved(target.clone())).await;
    let refused = fetched(&stub).await.unwrap();
    assert_eq!(
        refused,
        Fetched::None(NoPicture::Elsewhere(Elsewhere::HostNotAllowed(cdn.url.trim_end_matches('/').to_owned())))
    );
    assert!(cdn.requests().is_empty());

    let host = cdn.url.trim_start_matches("http://").trim_end_matches('/').to_owned();
    let allowing = Thumbnails::new(ThumbnailSettings { allowed_hosts: Some(vec![host]), ..settings(&stub) });
    assert!(matches!(allowing.fetch(&wanted()).await.unwrap(), Fetched::Image { .. }));
    assert_eq!(allowing.requests(), 2);
}

#[tokio::test]
async fn at_most_three_redirects_are_followed() {
    for (redirects, expected) in [(3, true), (4, false)] {
        let stub =
            Stub::start(move |_, number| if number < redirects { moved(format!("/{number}")) } else { jpeg() }).await;
        let fetched = fetched(&stub).await.unwrap();
        assert_eq!(matches!(fetched, Fetched::Image { .. }), expected, "{redirects}: {fetched:?}");
        assert_eq!(stub.requests().len(), 4);
    }
}

#[tokio::test]
async fn an_inside_address_is_refused_although_its_host_is_allowed() {
    let inside = Stub::start(|_, _| jpeg()).await;
    let port = inside.url.rsplit(':').next().unwrap().trim_end_matches('/').to_owned();
    for host in ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"] {
        let base = format!("http://{host}:{port}/").parse().unwrap();
        let outside = "http://93.184.216.34/".parse().unwrap();
        let thumbnails = Thumbnails::new(ThumbnailSettings { base, ..ThumbnailSettings::of(outside) });
        let fetched = thumbnails.fetch(&wanted()).await.unwrap();
        assert!(
            matches!(fetched, Fetched::None(NoPicture::Elsewhere(Elsewhere::AddressNotAllowed(_)))),
            "{host}: {fetched:?}"
        );
    }
    assert!(inside.requests().is_empty());
}

#[tokio::test]
async fn a_redirect_to_another_kind_of_inside_address_is_refused() {
    let stub = Stub::start(|_, _| moved("http://169.254.169.254/latest/meta-data/".to_owned())).await;
    let allowed_hosts = Some(vec!["169.254.169.254".to_owned()]);
    let thumbnails = Thumbnails::new(ThumbnailSettings { allowed_hosts, ..settings(&stub) });
    let fetched = thumbnails.fetch(&wanted()).await.unwrap();
    assert!(matches!(fetched, Fetched::None(NoPicture::Elsewhere(Elsewhere::AddressNotAllowed(_)))), "{fetched:?}");
}

fn entry(change: Value) -> Entry {
    let mut object = json!({"id": "0_b7eejrrj", "partnerId": 4021, "status": 2, "type": 1, "mediaType": 1,
        "thumbnailUrl": "http://cdn.example.test/p/4021/sp/402100/thumbnail/entry_id/0_b7eejrrj/version/100002"});
    object.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    Entry::from_api(as_object(object).unwrap()).unwrap()
}

#[test]
fn entries_without_a_picture_of_their_own_are_not_asked_for_a_stock_one() {
    let none = "http://cdn.example.test/p/4021/thumbnail/entry_id/0_b7eejrrj/version/0";
    assert_eq!(Wanted::of(&entry(json!({}))), Ok(wanted()));
    assert_eq!(Wanted::of(&entry(json!({"mediaType": 5}))), Ok(wanted()));
    assert!(Wanted::of(&entry(json!({"thumbnailUrl": none}))).is_ok(), "a frame of the video");
    for stock in [
        json!({"mediaType": 5, "thumbnailUrl": none}),
        json!({"type": 2, "thumbnailUrl": none}),
        json!({"sourceType": "36", "thumbnailUrl": null}),
    ] {
        assert_eq!(Wanted::of(&entry(stock)), Err(NoPicture::StockPicture));
    }
    assert_eq!(Wanted::of(&entry(json!({"status": 4}))), Err(NoPicture::NotReady));
}

#[test]
fn a_version_that_is_no_version_never_gets_into_the_url() {
    let odd = entry(json!({"thumbnailUrl": "http://x/version/%2e%2e/../../evil"}));
    let url = Wanted::of(&odd).unwrap().url(&"https://k.example/root".parse().unwrap(), 320);
    assert_eq!(url.as_str(), "https://k.example/root/p/4021/sp/402100/thumbnail/entry_id/0_b7eejrrj/width/320");
}
