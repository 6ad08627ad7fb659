//! `notification verify`, as its user meets it: recorded requests in, a verdict and an exit code out.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use serde_json::{Value as Json, json};
use tempfile::TempDir;

const FORM: &str = "Content-Type: application/x-www-form-urlencoded";

/// A request recorded from a running Kaltura server.
struct Recorded {
    body: Vec<u8>,
    partner_id: i64,
    admin_secret: String,
}

fn recorded() -> Recorded {
    let capture: Json =
        serde_json::from_str(include_str!("../fixtures/notification/captures/apinotification.multi_3.json")).unwrap();
    Recorded {
        body: capture["request"]["body"].as_str().unwrap().as_bytes().to_vec(),
        partner_id: capture["context"]["partnerId"].as_i64().unwrap(),
        admin_secret: capture["context"]["adminSecret"].as_str().unwrap().to_owned(),
    }
}

/// An event recorded from the same server, and the headers that sign it.
fn recorded_event(name: &str) -> (Recorded, Vec<String>) {
    let path =
        format!("{}/tests/fixtures/notification/events/httpnotification.{name}.json", env!("CARGO_MANIFEST_DIR"));
    let capture: Json = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let sent = &capture["request"];
    let header = |name: &str| format!("{name}: {}", sent["headers"][name].as_str().unwrap());
    let recorded = Recorded {
        body: sent["body"].as_str().unwrap().as_bytes().to_vec(),
        partner_id: capture["context"]["partnerId"].as_i64().unwrap(),
        admin_secret: capture["context"]["adminSecret"].as_str().unwrap().to_owned(),
    };
    (recorded, ["X-KALTURA-SIGNATURE", "X-KALTURA-HASH-ALGO"].map(header).to_vec())
}

/// A folder whose configuration knows the recorded account as `main`, and another.
fn folder(recorded: &Recorded) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let session = format!(
        "partner_id = {}\nlabel = \"main\"\nadmin_secret = \"{}\"\n[[accounts]]\npartner_id = 103\nadmin_secret = \"abc\"\n",
        recorded.partner_id, recorded.admin_secret
    );
    std::fs::write(folder.path().join("session_config.toml"), session).unwrap();
    std::fs::write(folder.path().join("script_config.toml"), "sync_metadata_profile_id = 1\n").unwrap();
    folder
}

fn verify(folder: &TempDir, arguments: &[&str], body: &[u8]) -> (i32, String, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_kaltura-mirror"))
        .current_dir(folder.path())
        .args(["notification", "verify"])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A refused command line ends before it reads.
    let _ = child.stdin.take().unwrap().write_all(body);
    let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
    (status.code().unwrap(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

#[test]
fn a_genuine_body_is_accepted_with_its_secret_and_its_items() {
    let recorded = recorded();
    let folder = folder(&recorded);
    let (code, out, err) = verify(&folder, &["--json", "--header", FORM, "-"], &recorded.body);
    assert_eq!((code, err.as_str()), (0, ""));
    let verdict: Json = serde_json::from_str(&out).unwrap();
    assert_eq!(verdict["verdict"], "accepted");
    assert_eq!((&verdict["reason"], &verdict["system"]), (&Json::Null, &json!("api")));
    assert_eq!(verdict["secret"], "main/admin_secret");
    let items = verdict["items"].as_array().unwrap();
    assert_eq!(items.len(), 3);
    for item in items {
        assert!(item["id"].is_string() && item["kind"].is_string() && item["entry_id"].is_string(), "{item}");
    }
}

#[test]
fn the_body_can_be_a_file_and_is_told_in_words() {
    let recorded = recorded();
    let folder = folder(&recorded);
    std::fs::write(folder.path().join("body"), &recorded.body).unwrap();
    let (code, out, _) = verify(&folder, &["--header", FORM, "body"], b"");
    assert_eq!(code, 0);
    assert!(out.starts_with("accepted: api notification signed with main/admin_secret\n"), "{out}");
    assert_eq!(out.lines().count(), 4);
    assert!(!out.contains(&recorded.admin_secret));
}

#[test]
fn a_rejected_body_names_the_rule_it_breaks_and_ends_with_1() {
    let recorded = recorded();
    let folder = folder(&recorded);
    let mut altered = recorded.body.clone();
    altered.extend_from_slice(b"&extra=1");
    let cases: [(&[&str], &[u8], &str); 6] = [
        (&["--header", FORM], &altered, "malformed:not_an_item"),
        (&[], &recorded.body, "not_a_form"),
        (&["--header", FORM], b"", "malformed:empty"),
        (&["--header", FORM], &[b'a'; (1 << 20) + 1], "too_large"),
        (&["--header", FORM, "--account", "103"], &recorded.body, "bad_signature"),
        (&["--header", FORM, "--header", "X-Kaltura-Signature: 00"], &recorded.body, "signature_not_hex"),
    ];
    for (arguments, body, reason) in cases {
        let (code, out, _) = verify(&folder, &[arguments, &["--json", "-"]].concat(), body);
        let verdict: Json = serde_json::from_str(&out).unwrap();
        assert_eq!((code, &verdict["reason"]), (1, &json!(reason)));
        assert_eq!((&verdict["secret"], &verdict["items"]), (&Json::Null, &json!([])));

        let (code, out, _) = verify(&folder, &[arguments, &["-"]].concat(), body);
        assert_eq!(code, 1);
        assert!(out.starts_with("rejected: ") && out.contains(reason), "{out}");
    }
}

#[test]
fn an_event_is_judged_by_its_headers_whatever_its_content_type() {
    let metadata = "event:metadataEventNotifications.Metadata:6";
    for (name, id, kind, entry) in [
        ("entry_json_urlencoded", "537", "event:1:3", json!("0_b7eejrrj")),
        ("metadata_json_raw", "545", metadata, json!("0_b7eejrrj")),
        ("entry_fields", "", "event", json!("0_b7eejrrj")),
        ("entry_no_data", "", "event", Json::Null),
    ] {
        let (recorded, headers) = recorded_event(name);
        let folder = folder(&recorded);
        let given: Vec<&str> = headers.iter().flat_map(|header| ["--header", header.as_str()]).collect();
        let (code, out, err) = verify(&folder, &[&given[..], &["--json", "-"]].concat(), &recorded.body);
        assert_eq!((code, err.as_str()), (0, ""), "{name}: {out}");
        let expected = json!({"verdict": "accepted", "reason": null, "system": "event", "secret": "main/admin_secret",
            "items": [{"id": id, "kind": kind, "entry_id": entry}]});
        assert_eq!(serde_json::from_str::<Json>(&out).unwrap(), expected, "{name}");

        let (_, out, _) = verify(&folder, &[&given[..], &["-"]].concat(), &recorded.body);
        assert!(out.starts_with("accepted: event notification signed with main/admin_secret\n"), "{out}");
        let altered = [recorded.body.as_slice(), b" "].concat();
        let (code, out, _) = verify(&folder, &[&given[..], &["--json", "-"]].concat(), &altered);
        assert_eq!(
            (code, &serde_json::from_str::<Json>(&out).unwrap()["reason"]),
            (1, &json!("bad_signature")),
            "{name}"
        );
    }
}

#[test]
fn an_event_signed_with_less_than_its_account_takes_is_rejected() {
    let (recorded, headers) = recorded_event("entry_json_raw");
    let folder = folder(&recorded);
    let path = folder.path().join("session_config.toml");
    let session = format!("minimum_hash_algorithm = \"sha256\"\n{}", std::fs::read_to_string(&path).unwrap());
    std::fs::write(path, session).unwrap();
    let given: Vec<&str> = headers.iter().flat_map(|header| ["--header", header.as_str()]).collect();
    let (code, out, _) = verify(&folder, &[&given[..], &["-"]].concat(), &recorded.body);
    assert_eq!(code, 1);
    assert!(out.contains("takes sha256 or better") && out.contains("weak_hash"), "{out}");
}

#[test]
fn a_request_that_cannot_be_asked_about_ends_with_2_and_the_cure() {
    let folder = folder(&recorded());
    let cases: [(&[&str], &str); 4] = [
        (&["nowhere.txt"], "nowhere.txt: cannot be read"),
        (&["--header", "Content-Type", "-"], "Name: value"),
        (&["--account", "nobody", "-"], "is not known; there is main, 103"),
        (&[], "Usage:"),
    ];
    for (arguments, cure) in cases {
        let (code, out, err) = verify(&folder, arguments, b"");
        assert_eq!((code, out.as_str()), (2, ""), "{err}");
        assert!(err.contains(cure), "{err}");
    }
}
