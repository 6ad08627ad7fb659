//! What comes over the wire, in every shape and by every method.

use kaltura_mirror::domain::ids::EntryId;
use kaltura_mirror::store::{Asked, InboxFilter, ItemOutcome};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;

/// A body of each shape about this entry.
fn bodies(id: &EntryId) -> Vec<(&'static str, String)> {
    let json = changed(1, id);
    vec![
        ("bare JSON", json.clone()),
        ("encoded JSON", format!("data={}", utf8_percent_encode(&changed(2, id), NON_ALPHANUMERIC))),
        (
            "XML",
            format!(
                "data=<notification><object><objectType>KalturaMediaEntry</objectType><id>{id}</id><name>50% + &amp;</name>\
                 <partnerId>102</partnerId></object><eventObjectType>1</eventObjectType>\
                 <eventNotificationJobId>3</eventNotificationJobId><eventType>3</eventType></notification>"
            ),
        ),
        (
            "PHP",
            format!(
                "data=O:23:\"KalturaHttpNotification\":4:{{s:6:\"object\";O:17:\"KalturaMediaEntry\":2:{{s:2:\"id\";s:{}:\"{id}\";\
                 s:9:\"partnerId\";i:102;}}s:15:\"eventObjectType\";i:1;s:22:\"eventNotificationJobId\";i:4;\
                 s:9:\"eventType\";i:3;}}",
                id.as_str().len()
            ),
        ),
        ("fields", format!("entry_id={id}&entry_name=Q%26A+x&entry_status=2")),
        ("free text", format!("entry={id}&name=Q&A <Intro> & more")),
        (
            "the metadata object",
            events::json(
                "metadataEventNotifications.Metadata",
                6,
                5,
                &format!("{{\"id\":11,\"partnerId\":102,\"metadataObjectType\":1,\"objectId\":\"{id}\"}}"),
            ),
        ),
        (
            "a caption",
            events::json(
                "captionAssetEventNotifications.CaptionAsset",
                2,
                6,
                &format!("{{\"id\":\"0_captions\",\"entryId\":\"{id}\",\"partnerId\":102}}"),
            ),
        ),
    ]
}

#[tokio::test]
async fn an_event_of_any_shape_leads_to_a_look_at_its_entry() {
    let house = House::open().await;
    let shapes = bodies(&"0_aaaaaaaa".parse().unwrap()).len();
    for shape in 0..shapes {
        let id = house.new_video(&format!("Shape {shape}"), Some(NEEDED));
        let (name, body) = bodies(&id).swap_remove(shape);
        assert_eq!(house.public_entry(&id).await, None);
        let answer = send(&house, &body).await;
        assert_eq!((answer.status, answer.text().as_str()), (200, "OK"), "{name}");
        house.run_until_idle().await;
        assert!(house.public_entry(&id).await.is_some(), "{name}");
    }
    let requests = inbox(&house, InboxFilter::All).await;
    assert_eq!(requests.len(), shapes);
    assert!(requests.iter().all(|request| request.items[0].outcome == ItemOutcome::Hinted));
    let kinds: Vec<_> = requests.iter().rev().map(|request| request.items[0].kind.as_str()).collect();
    assert_eq!(
        kinds,
        [
            "event:1:3",
            "event:1:3",
            "event:1:3",
            "event:1:3",
            "event",
            "event",
            "event:metadataEventNotifications.Metadata:6",
            "event:captionAssetEventNotifications.CaptionAsset:2"
        ]
    );
    assert_eq!(asks(&house).await, [], "who knows the entry needs no sweep");
}

#[tokio::test]
async fn a_repeated_job_is_known_and_an_event_without_a_number_never_is() {
    let house = House::open().await;
    let id = house.new_video("Twice", Some(NEEDED));
    let numbered = changed(7, &id);
    for _ in 0..3 {
        assert_eq!(send(&house, &numbered).await.status, 200);
    }
    let fields = format!("entry_id={id}");
    for _ in 0..2 {
        assert_eq!(send(&house, &fields).await.status, 200);
    }
    let requests = inbox(&house, InboxFilter::All).await;
    let told: Vec<_> = requests
        .iter()
        .map(|request| {
            let item = &request.items[0];
            (item.notification_id.map(|id| id.0), item.outcome, item.repeats)
        })
        .collect();
    assert_eq!(
        told,
        [(None, ItemOutcome::Hinted, 0), (None, ItemOutcome::Hinted, 0), (Some(7), ItemOutcome::Hinted, 2)]
    );
}

#[tokio::test]
async fn an_event_about_another_partners_object_is_refused() {
    let house = House::open().await;
    let id = house.new_video("Not ours", Some(NEEDED));
    let body = changed(7, &id).replace("\"partnerId\":102", "\"partnerId\":103");
    assert_eq!(send(&house, &body).await.status, 403);
    assert_eq!(refusals(&house).await, ["rejected:wrong_partner"]);
    assert!(house.daemon.store.dirty_counts().await.unwrap().is_idle());
}

#[tokio::test]
async fn what_is_altered_or_signed_by_somebody_else_is_refused_and_asks_for_nothing() {
    let house = House::open().await;
    let body = "entry_id=0_aaaaaaaa";
    let answer = send_signed(&house, "POST", "/notifications", &[], body, "somebody else's").await;
    assert_eq!((answer.status, answer.header("content-type")), (403, Some("application/problem+json")));
    let signed = events::headers("sha1", &house.kaltura.admin_secret(), body.as_bytes());
    let headers = signed.each_ref().map(|(name, value)| (name.as_str(), value.as_str()));
    let altered = http::request(house.daemon.public, "POST", "/notifications", &headers, b"entry_id=0_bbbbbbbb").await;
    assert_eq!(altered.status, 403);
    assert_eq!(send(&house, "{} {}").await.status, 400);
    assert_eq!(refusals(&house).await, ["rejected:malformed:json", "rejected:bad_signature", "rejected:bad_signature"]);
    assert!(house.daemon.store.dirty_counts().await.unwrap().is_idle());
    assert_eq!(asks(&house).await, []);
}

#[tokio::test]
async fn put_and_delete_carry_events_and_get_does_not() {
    let house = House::open().await;
    for method in ["PUT", "DELETE"] {
        let id = house.new_video(method, Some(NEEDED));
        assert_eq!(send_with(&house, method, "/notifications", &[], &format!("entry_id={id}")).await.status, 200);
        house.run_until_idle().await;
        assert!(house.public_entry(&id).await.is_some(), "{method}");
    }
    let get = send_with(&house, "GET", "/notifications?entry_id=0_aaaaaaaa", &[], "").await;
    assert_eq!((get.status, get.header("allow")), (405, Some("POST, PUT, DELETE")));
    assert_eq!(send_with(&house, "GET", "/notifications/x", &[], "").await.status, 405);
}

/// As a template without data is sent: a chunked body of nothing, after a question whether it may come.
#[tokio::test]
async fn an_empty_chunked_body_that_asks_first_is_told_to_go_on_and_asks_for_a_sweep() {
    let house = House::open().await;
    let mut stream = TcpStream::connect(house.daemon.public).await.unwrap();
    let [(name, signature), (algorithm_name, algorithm)] = events::headers("sha1", &house.kaltura.admin_secret(), b"");
    let head = format!(
        "POST /notifications HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n{name}: {signature}\r\n{algorithm_name}: {algorithm}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n",
        house.daemon.public
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut go_on = [0; 25];
    stream.read_exact(&mut go_on).await.unwrap();
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n", "before any of the body has come");
    stream.write_all(b"0\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");

    assert_eq!(asks(&house).await, [Asked::Sweep]);
    let [request] = inbox(&house, InboxFilter::All).await.try_into().unwrap();
    assert_eq!((request.items[0].kind.as_str(), request.items[0].outcome), ("event", ItemOutcome::Asked));
}

#[tokio::test]
async fn each_account_has_its_weakest_algorithm() {
    let house = house_with("minimum_hash_algorithm = \"sha512\"\n").await;
    assert_eq!(send(&house, "").await.status, 403);
    assert_eq!(refusals(&house).await, ["rejected:weak_hash"]);
}
