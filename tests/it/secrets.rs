//! Secrets stay where they are: the whole story is played by the real program at its most talkative, Kaltura quoting every
//! session it refuses; then everything it said and kept is searched for the secret and for each session that was used.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use kaltura_mirror::config;
use kaltura_mirror::domain::secret::AdminSecret;
use kaltura_mirror::simulator::edits;
use kaltura_mirror::simulator::faults::{Fault, When};
use kaltura_mirror::simulator::handle::Simulator;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::house::process::{Place, Serving, eventually};
use crate::house::{House, http};

const NEEDED: &str = "<metadata><SyncStatus>Sync Needed</SyncStatus></metadata>";

#[tokio::test]
async fn no_secret_and_no_session_is_said_or_kept_anywhere() {
    for session in ["v2", "v1", "session.start"] {
        let place = Place::new().await;
        tell_how_to_make_sessions(&place, session);
        let mut said = play(&place).await;
        said.extend(files(&place));
        let secrets = secrets_of(&place.kaltura);
        assert!(secrets.len() > 2, "{session}: the secret, and sessions before and after a refusal");
        assert!(said.iter().any(|(_, text)| contains(text, b"INVALID_KS")), "{session}: the refusal is told somewhere");
        for (place, text) in &said {
            for (what, needle) in &secrets {
                assert!(
                    !contains(text, needle.as_bytes()),
                    "{session}: {place} holds {what}: {}",
                    around(text, needle)
                );
            }
        }
    }
}

fn tell_how_to_make_sessions(place: &Place, session: &str) {
    let text = std::fs::read_to_string(place.path("session_config.toml")).unwrap();
    place.write("session_config.toml", &format!("{text}session = \"{session}\"\n"));
}

type Said = Vec<(String, Vec<u8>)>;

/// Everything that can happen, and what was said meanwhile.
async fn play(place: &Place) -> Said {
    let kaltura = &place.kaltura;
    let serving = place.serve_with([("KALTURA_MIRROR_LOG", "trace")]);
    let mut said = Said::new();

    let id = place.new_video("Tide & time", Some(NEEDED));
    kaltura.edit(|account| edits::replace_thumbnail(account, &id, 5));
    place.deliver(&serving).await;
    kaltura.edit(|account| account.allow_multi_notification = true);
    for name in ["Two", "Three"] {
        place.new_video(name, Some(NEEDED));
    }
    place.deliver(&serving).await;
    eventually("the mark", || kaltura.sync_status(&id).filter(|value| value == "Sync Done"));
    forge(place, &serving).await;

    // Every call is refused with its own session in message and arguments, for an entry and for the account.
    kaltura.fault(When::any(), Fault::InvalidKs);
    let refused = place.new_video("Refused", Some(NEEDED));
    place.deliver(&serving).await;
    eventually("a refusal is kept", || {
        place.run(&format!("entry show {refused}")).out.contains("INVALID_KS").then_some(())
    });
    hear(place, &serving, &[id.as_str(), refused.as_str()], &mut said).await;
    kaltura.heal();

    // Other errors may quote what they like.
    let ks = kaltura.sessions().pop().unwrap();
    let quoting =
        format!("while {ks} of {} was looked at, and base64 {}", kaltura.admin_secret(), STANDARD.encode(&ks));
    kaltura.fault(When::any(), Fault::Error("QUOTED_ERROR".to_owned(), quoting));
    let quoted = place.new_video("Quoted", Some(NEEDED));
    place.deliver(&serving).await;
    eventually("an error is kept", || {
        place.run(&format!("entry show {quoted}")).out.contains("QUOTED_ERROR").then_some(())
    });
    hear(place, &serving, &[quoted.as_str()], &mut said).await;
    kaltura.heal();

    kaltura.fault(When::call("metadata_metadata.update"), Fault::InvalidKs);
    kaltura.fault(When::call("metadata_metadata.list").once(), Fault::ExpiredKs);
    kaltura.edit(|account| edits::set_sync_status(account, &id, Some("Sync Needed")));
    for change in ["hide", "unhide"] {
        let ran = place.run(&format!("entry {change} {id}"));
        assert_eq!(ran.code, Some(0), "{ran:?}");
        said.push((change.to_owned(), [ran.out, ran.err].concat().into_bytes()));
    }
    let token = std::fs::read_to_string(place.path("data/admin.token")).unwrap();
    let forced = serde_json::json!({ "entries": [id], "force": true });
    http::post_json(serving.admin, "/api/v1/admin/sync", token.trim(), &forced).await;
    eventually("the refused mark is kept", || {
        place.run(&format!("entry show {id}")).out.contains("INVALID_KS").then_some(())
    });
    kaltura.heal();
    hear(place, &serving, &[id.as_str(), refused.as_str()], &mut said).await;
    said.extend(files(place));
    let ran = serving.stop();
    said.push(("standard output".to_owned(), ran.out.into_bytes()));
    assert!(ran.err.contains("TRACE"), "the log is at its most talkative");
    said.push(("the log".to_owned(), ran.err.into_bytes()));
    said
}

/// Forgeries, one of them by somebody who believes that the secret belongs into the request's address.
async fn forge(place: &Place, serving: &Serving) {
    let secret = place.kaltura.admin_secret();
    let path = format!("/notifications?secret={secret}");
    let form = ("Content-Type", "application/x-www-form-urlencoded");
    let bearer = format!("Bearer {secret}");
    let headers = [form, ("Authorization", bearer.as_str()), ("Cookie", bearer.as_str())];
    let answer = http::request(serving.public, "POST", &path, &headers, b"notification_id=1&sig=0").await;
    assert!(matches!(answer.status, 400 | 403));
}

/// What commands and answers say.
async fn hear(place: &Place, serving: &Serving, ids: &[&str], said: &mut Said) {
    let mut commands: Vec<String> =
        ["inbox list", "inbox show 1", "inbox reverify", "inbox replay 1", "dead list", "config show", "config check"]
            .map(str::to_owned)
            .to_vec();
    commands.extend(
        ids.iter().flat_map(|id| ["entry show", "entry explain", "dead retry"].map(|verb| format!("{verb} {id}"))),
    );
    for command in commands {
        for form in ["", " --json"] {
            let ran = place.run(&format!("{command}{form}"));
            assert_ne!(ran.code, Some(2), "{command}: {ran:?}");
            said.push((format!("{command}{form}"), [ran.out, ran.err].concat().into_bytes()));
        }
    }
    for path in ["/readyz", "/api/v1/entries", "/api/v1/entries/0_none"] {
        said.push((path.to_owned(), http::get(serving.public, path).await.body));
    }
    let token = std::fs::read_to_string(place.path("data/admin.token")).unwrap();
    let bearer = format!("Bearer {}", token.trim());
    let status = http::request(serving.admin, "GET", "/api/v1/admin/status", &[("Authorization", &bearer)], b"").await;
    assert_eq!(status.status, 200);
    said.push(("the admin status".to_owned(), status.body));
}

/// The data directory as it lies there, write-ahead logs included.
fn files(place: &Place) -> Said {
    let files = std::fs::read_dir(place.path("data")).unwrap().map(|entry| entry.unwrap().path());
    let files: Said = files
        .filter(|path| path.is_file())
        .map(|path| (path.display().to_string(), std::fs::read(&path).unwrap()))
        .collect();
    assert!(
        files.iter().any(|(name, _)| name.ends_with("mirror.db"))
            && files.iter().any(|(name, _)| name.ends_with("thumbnails.db"))
    );
    files
}

/// The secret and every session that came to Kaltura, in every form they may hide in.
fn secrets_of(kaltura: &Simulator) -> Vec<(String, String)> {
    let mut secrets = forms("the admin secret", &kaltura.admin_secret());
    for (number, ks) in kaltura.sessions().into_iter().filter(|ks| !ks.is_empty()).enumerate() {
        let name = format!("session {number}");
        // A piece from its middle, too: a message may be cut.
        secrets.push((format!("a piece of {name}"), ks[ks.len() / 2..ks.len() / 2 + 24].to_owned()));
        secrets.extend(forms(&name, &ks));
    }
    secrets
}

fn forms(name: &str, text: &str) -> Vec<(String, String)> {
    let percent = utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let hexadecimal = text.bytes().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    });
    let forms = [
        ("", text.to_owned()),
        (" in base64", STANDARD.encode(text)),
        (" in base64 without padding", STANDARD_NO_PAD.encode(text)),
        (" in base64url", URL_SAFE.encode(text)),
        (" in base64url without padding", URL_SAFE_NO_PAD.encode(text)),
        (" percent-encoded", percent.clone()),
        (" percent-encoded in lower case", percent.replace("%2B", "%2b").replace("%2F", "%2f").replace("%3D", "%3d")),
        (" in hexadecimal", hexadecimal),
    ];
    forms.map(|(form, text)| (format!("{name}{form}"), text)).to_vec()
}

fn contains(text: &[u8], needle: &[u8]) -> bool {
    text.windows(needle.len()).any(|window| window == needle)
}

/// The lines about a find, for whoever has to mend it.
fn around(text: &[u8], needle: &str) -> String {
    let text = String::from_utf8_lossy(text);
    let at = text.find(needle).unwrap_or_default();
    let from = (0..=at.saturating_sub(200)).rev().find(|from| text.is_char_boundary(*from)).unwrap_or_default();
    text[from..].chars().take(400).collect()
}

#[tokio::test]
async fn nothing_that_can_be_printed_prints_a_secret() {
    let house = House::open().await;
    let secret = house.kaltura.admin_secret();
    let session = format!(
        "partner_id = 102\nadmin_secret = \"{secret}\"\nservice_url = \"https://kaltura.example/\"\n\
         notification_secrets = [{{ label = \"template\", secret = \"{secret}0\" }}]\n"
    );
    let config = config::from_texts(&session, "sync_metadata_profile_id = 1\n").unwrap();
    let misread = config::from_texts(&session.replace("partner_id = 102", "partner_id = \"x\""), "").unwrap_err();
    let id = house.new_video("Printed", Some(NEEDED));
    house.deliver().await;
    let printed = [
        format!("{config:?} {:?}", house.daemon.config()),
        format!("{misread} {misread:?}"),
        format!("{:?} {:?}", house.kaltura, house.kaltura.read(|account| format!("{account:?}"))),
        format!("{:?} {:?}", house.sender(), AdminSecret::new(&*secret)),
        format!("{:?}", house.report(&id).await),
    ];
    let secrets = secrets_of(&house.kaltura);
    for printed in &printed {
        for (what, needle) in &secrets {
            assert!(!printed.contains(needle), "{what}: {printed}");
        }
    }
}
