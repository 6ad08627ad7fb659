//! `simulate notify`, as its user meets it: any notification at a daemon, and what it answers.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use kaltura_mirror::domain::secret::AdminSecret;
use kaltura_mirror::simulator::account::ADMIN_SECRET;
use kaltura_mirror::simulator::sink::{Reply, Sink};
use serde_json::Value;

use crate::house::House;

const ENTRY: [&str; 4] = ["--partner", "102", "--entry", "0_abcd1234"];

async fn notify(to: &str, secret: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kaltura-mirror"));
    command.args(["simulate", "notify", "--to", to, "--secret", secret]).args(ENTRY).args(arguments);
    let ran = tokio::task::spawn_blocking(move || command.stdin(Stdio::null()).output());
    ran.await.unwrap().unwrap()
}

fn said(ran: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr))
}

#[tokio::test]
async fn a_daemon_accepts_a_genuine_notification_and_refuses_a_changed_one() {
    let house = House::open().await;
    let to = format!("http://{}/notifications", house.daemon.public);
    for arguments in [&["--kind", "entry_update"][..], &["--shape", "multi", "--count", "3"], &["--count", "2"]] {
        let ran = notify(&to, ADMIN_SECRET, arguments).await;
        assert_eq!(ran.status.code(), Some(0), "{}", said(&ran));
    }
    let changed = notify(&to, ADMIN_SECRET, &["--tamper"]).await;
    assert_eq!(changed.status.code(), Some(1));
    assert!(said(&changed).contains(": 403 not accepted"), "{}", said(&changed));
    let forged = notify(&to, "another secret", &["--json"]).await;
    let rows: Value = serde_json::from_slice(&forged.stdout).unwrap();
    assert_eq!((&rows[0]["status"], &rows[0]["accepted"]), (&403.into(), &false.into()));
    assert_eq!(forged.status.code(), Some(1));
}

#[tokio::test]
async fn every_shape_method_and_hash_goes_out_and_is_signed() {
    let sink = Sink::start().await;
    let cases: [(&[&str], &str, &str); 9] = [
        (&["--kind", "event:1:3"], "{\"object\":{\"id\":\"0_abcd1234\"", "sha1"),
        (&["--kind", "event:1:3", "--shape", "json-encoded", "--hash", "sha256"], "data=%7B%22object%22", "sha256"),
        (&["--kind", "event:1:7", "--shape", "xml", "--hash", "sha512"], "data=<notification><objectType>", "sha512"),
        (
            &["--kind", "event:1:3", "--shape", "php", "--method", "PUT"],
            "data=O:23:\"KalturaHttpNotification\":7:{",
            "sha1",
        ),
        (
            &["--kind", "event:1:3", "--shape", "fields", "--method", "delete"],
            "entry_id=0_abcd1234&entry_name=A+specimen+%26+more",
            "sha1",
        ),
        (&["--kind", "event:4:3", "--shape", "text"], "entry_id=0_abcd1234 entry_name=A specimen & more", "sha1"),
        (
            &["--kind", "event:37:5", "--shape", "json"],
            "{\"object\":{\"categoryId\":10,\"entryId\":\"0_abcd1234\"",
            "sha1",
        ),
        (
            &["--kind", "event:metadataEventNotifications.Metadata:6", "--shape", "fields"],
            "metadata_id=11&metadata_version=12&metadata_old_version=2&object_id=0_abcd1234",
            "sha1",
        ),
        (&["--kind", "event:1:3", "--shape", "empty"], "", "sha1"),
    ];
    for (arguments, begin, hash) in cases {
        sink.forget();
        let ran = notify(&sink.url(), "the secret", arguments).await;
        assert_eq!(ran.status.code(), Some(0), "{arguments:?}: {}", said(&ran));
        let received = sink.received().remove(0);
        assert!(received.text().starts_with(begin), "{arguments:?}: {}", received.text());
        assert_eq!(received.header("X-KALTURA-HASH-ALGO"), Some(hash));
        assert_eq!(
            received.header("X-KALTURA-SIGNATURE"),
            Some(digest(hash, &received.body).as_str()),
            "{arguments:?}"
        );
    }
}

/// The hash of secret and body, made here once more.
fn digest(hash: &str, body: &[u8]) -> String {
    use sha1::Digest;
    let text = [AdminSecret::new("the secret").expose().as_bytes(), body].concat();
    let bytes = match hash {
        "sha256" => sha2::Sha256::digest(text).to_vec(),
        "sha512" => sha2::Sha512::digest(text).to_vec(),
        _ => sha1::Sha1::digest(text).to_vec(),
    };
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn a_dry_run_prints_the_request_and_sends_nothing() {
    let sink = Sink::start().await;
    let ran = notify(
        &sink.url(),
        "the secret",
        &["--kind", "event:1:3", "--number", "7", "--header", "X-Site: cms", "--dry-run"],
    )
    .await;
    assert_eq!(ran.status.code(), Some(0));
    let text = String::from_utf8(ran.stdout).unwrap();
    assert!(text.starts_with("POST /hook HTTP/1.1\r\nHost: 127.0.0.1:"), "{text}");
    assert!(text.contains("\r\nX-Site: cms\r\n") && text.contains("\"eventNotificationJobId\":7,"), "{text}");
    let empty = notify(&sink.url(), "x", &["--kind", "event:1:3", "--shape", "empty", "--dry-run", "--json"]).await;
    let rows: Value = serde_json::from_slice(&empty.stdout).unwrap();
    assert!(rows[0]["request"].as_str().unwrap().ends_with("Expect: 100-continue\r\n\r\n0\r\n\r\n"), "{rows}");
    assert!(sink.received().is_empty());
}

#[tokio::test]
async fn an_answer_other_than_200_and_204_and_a_receiver_that_is_gone_end_with_1() {
    let sink = Sink::start().await;
    sink.answer_with([Reply::status(202).with_body("later"), Reply::status(204)]);
    let later = notify(&sink.url(), "x", &["--kind", "event:1:3"]).await;
    assert!(later.status.code() == Some(1) && said(&later).contains("202 not accepted: later"), "{}", said(&later));
    assert_eq!(notify(&sink.url(), "x", &[]).await.status.code(), Some(0));
    sink.stop().await;
    let gone = notify(&sink.url(), "x", &["--json"]).await;
    let rows: Value = serde_json::from_slice(&gone.stdout).unwrap();
    assert!(
        gone.status.code() == Some(1) && rows[0]["error"].as_str().unwrap().contains("the transfer failed"),
        "{rows}"
    );
}

#[tokio::test]
async fn what_does_not_go_together_is_told_before_anything_is_sent() {
    let to = "http://127.0.0.1:1/notifications";
    let cases: [(&str, &[&str], &str); 6] = [
        (to, &["--shape", "xml"], "entry_update does not come in the shape Xml; API notifications are form or multi"),
        (to, &["--kind", "event:1:3", "--shape", "multi"], "event notifications are json, json-encoded"),
        (to, &["--method", "put"], "is always posted"),
        (to, &["--hash", "sha256"], "is always signed with MD5"),
        (to, &["--kind", "event:1"], "an event is event:OBJECT:EVENT"),
        ("https://127.0.0.1/notifications", &[], "is not an http URL"),
    ];
    for (to, arguments, message) in cases {
        let ran = notify(to, "x", arguments).await;
        assert!(ran.status.code() == Some(2) && said(&ran).contains(message), "{arguments:?}: {}", said(&ran));
    }
    let folder = tempfile::tempdir().unwrap();
    let ran = with_secret_file(&folder.path().join("nowhere")).await;
    assert!(ran.status.code() == Some(2) && said(&ran).contains("--secret-file"), "{}", said(&ran));
    let file = folder.path().join("secret");
    std::fs::write(&file, "the secret\n").unwrap();
    assert!(said(&with_secret_file(&file).await).contains("the transfer failed"));
}

async fn with_secret_file(file: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kaltura-mirror"));
    command.args(["simulate", "notify", "--to", "http://127.0.0.1:1/", "--secret-file"]).arg(file).args(ENTRY);
    let ran = tokio::task::spawn_blocking(move || command.stdin(Stdio::null()).output());
    ran.await.unwrap().unwrap()
}
