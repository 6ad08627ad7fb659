//! Commands that change something: beside a running daemon and without one they say the same.

use kaltura_mirror::domain::ids::EntryId;
use serde_json::json;

use crate::house::http;
use crate::house::process::{Place, Ran, Serving, eventually};

const DONE: &str = "<metadata><SyncStatus>Sync Done</SyncStatus></metadata>";

/// A command's standard output, with what counts on replaced by `#`; it must succeed.
fn said(place: &Place, arguments: &str) -> String {
    let Ran { code, out, err } = place.run(arguments);
    assert_eq!(code, Some(0), "{arguments}: {out}{err}");
    let mut same = String::new();
    for word in out.split_inclusive([' ', '\n', ',', ';']) {
        let text = word.trim_end_matches([' ', '\n', ',', ';']);
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        same.push_str(&if is_number { word.replace(text, "#") } else { word.to_owned() });
    }
    same
}

/// A mirrored, public entry, and the daemon that mirrors it.
async fn mirrored(place: &Place) -> (EntryId, Serving) {
    let id = place.new_video("Tide & time", Some(DONE));
    let serving = place.serve();
    place.deliver(&serving).await;
    let report = || place.run(&format!("entry show {id} --json")).out;
    eventually("it is public", || report().contains("\"public_state\": \"public\"").then_some(()));
    (id, serving)
}

#[tokio::test]
async fn an_entry_is_hidden_and_shown_by_hand_with_a_daemon_and_without() {
    let place = Place::new().await;
    let (id, serving) = mirrored(&place).await;
    let status = || async { http::get(serving.public, &format!("/api/v1/entries/{id}")).await.status };
    let (hide, unhide) = (format!("entry hide {id}"), format!("entry unhide {id}"));

    let hidden = said(&place, &hide);
    assert_eq!(hidden, format!("entry {id} of account main is hidden by hand until `entry unhide`; change #\n"));
    assert_eq!(status().await, 404);
    let again = said(&place, &hide);
    assert!(again.ends_with("visitors see no difference\n"), "{again}");
    let shown = said(&place, &unhide);
    assert_eq!(status().await, 200);
    let json = place.run_json(&hide);
    serving.stop();

    assert_eq!(said(&place, &unhide), shown);
    assert_eq!(said(&place, &hide), hidden);
    assert_eq!(said(&place, &hide), again);
    assert_eq!(said(&place, &unhide), shown);
    let alone = place.run_json(&hide);
    assert_eq!(json["seq"].as_i64().map(|seq| seq + 4), alone["seq"].as_i64());
    for answer in [json, alone] {
        assert_eq!((&answer["id"], &answer["account"], &answer["hidden"]), (&json!(id), &json!("main"), &json!(true)));
    }
}

#[tokio::test]
async fn an_entry_is_explained_in_its_first_line() {
    let place = Place::new().await;
    let (id, serving) = mirrored(&place).await;
    let first_line = |id: &EntryId| place.run(&format!("entry explain {id}")).out.lines().next().unwrap().to_owned();

    let public = first_line(&id);
    assert!(public.starts_with(&format!("entry {id} is public: synced 2")), "{public}");
    said(&place, &format!("entry hide {id}"));
    let hidden = first_line(&id);
    assert!(hidden.starts_with(&format!("entry {id} is kept from visitors: hidden by hand since 2")), "{hidden}");
    assert!(hidden.ends_with("until `entry unhide`"), "{hidden}");
    assert_eq!(place.run_json(&format!("entry explain {id}"))["answer"], hidden);

    let parked = place.new_video("Parked", Some("<metadata><SyncStatus>Sync Manual</SyncStatus></metadata>"));
    let bare = place.new_video("Bare", None);
    place.deliver(&serving).await;
    let explained = |id: &EntryId, words: &str| {
        let line = format!("entry {id} is not in the mirror: {words}");
        eventually(&line, || (first_line(id) == line).then_some(()));
    };
    explained(&parked, "an editor has parked it (the sync field says \"Sync Manual\")");
    explained(&bare, "it has no metadata object of the sync profile");
}

#[tokio::test]
async fn a_stored_request_is_replayed_with_a_daemon_and_without() {
    let place = Place::new().await;
    let (id, serving) = mirrored(&place).await;
    let request = place.run_json("inbox list")[0]["id"].clone();
    let replay = format!("inbox replay {request}");

    let beside = (said(&place, &replay), place.run_json(&replay));
    assert_eq!(beside.0, format!("request #: to be looked at again: {id}\n").replace('#', &request.to_string()));
    assert_eq!(beside.1, json!({ "id": request, "entries": [id] }));
    let unknown = place.run("inbox replay 999999");
    serving.stop();

    assert_eq!((said(&place, &replay), place.run_json(&replay)), beside);
    assert_eq!((unknown.code, unknown.err.as_str()), (Some(1), "error: the inbox has no verified request 999999\n"));
    let alone = place.run("inbox replay 999999");
    assert_eq!((alone.code, alone.err), (unknown.code, unknown.err));
}

#[tokio::test]
async fn what_a_wrong_secret_refused_is_accepted_once_the_secret_is_right() {
    let place = Place::new().await;
    let wrong = "0123456789abcdef0123456789abcdef";
    place.write("secret", wrong);
    let serving = place.serve();
    for name in ["With a daemon", "Without one"] {
        place.new_video(name, None);
    }
    let deliveries = place.deliver(&serving).await;
    assert!(deliveries.iter().all(|delivery| !delivery.answer.is_success()));
    let listed = || place.run_json("inbox list --rejected").as_array().unwrap().len();
    eventually("the refused are kept", || (listed() == deliveries.len()).then_some(()));
    assert_eq!(said(&place, "inbox reverify"), "genuine after all: none; refused as before: #\n");

    place.write("secret", &place.kaltura.admin_secret());
    serving.stop();
    let reverified = place.run_json("inbox reverify");
    assert_eq!(reverified["accepted"].as_array().unwrap().len(), deliveries.len());
    assert_eq!(reverified["still_refused"], 0);
    assert_eq!(said(&place, "inbox reverify"), "genuine after all: none; refused as before: #\n");
    assert_eq!(place.run_json("inbox list --rejected"), json!([]));
}

#[tokio::test]
async fn the_dead_are_tried_again_with_a_daemon_and_without() {
    let place = Place::new().await;
    place.write_script("[sync]\nattempts_max = 1\n");
    // A document that is none: nobody can decide about such an entry.
    let id = place.new_video("Broken", Some("<metadata><SyncStatus>Sync Needed"));
    let serving = place.serve();
    place.deliver(&serving).await;
    let dead = || place.run_json("dead list").as_array().unwrap().first().map(|dead| dead["id"].clone());
    eventually("it is given up", || dead().filter(|dead| *dead == json!(id)));

    let one = said(&place, &format!("dead retry {id}"));
    assert_eq!(one, "account main: # given up, now tried again\n");
    eventually("it is given up again", dead);
    serving.stop();

    assert_eq!(place.run_json("dead retry --all"), json!([{ "id": "main", "revived": 1 }]));
    let in_vain = place.run(&format!("dead retry {id}"));
    assert_eq!((in_vain.code, in_vain.out.as_str()), (Some(1), "account main: 0 given up, now tried again\n"));
    assert_eq!(place.run("dead retry").code, Some(2));
}

#[tokio::test]
async fn a_data_directory_that_something_else_holds_is_told_after_a_while() {
    let place = Place::new().await;
    let (id, serving) = mirrored(&place).await;
    // As a process that is no daemon: it holds the lock and takes no orders.
    std::fs::remove_file(place.path("data/daemon.json")).unwrap();
    let ran = place.run(&format!("entry hide {id}"));
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.err.contains(&format!("is in use by process {}, which takes no orders", serving.pid())), "{ran:?}");
}

#[tokio::test]
async fn the_admin_token_is_shown_by_nothing() {
    let place = Place::new().await;
    let (id, serving) = mirrored(&place).await;
    let token = std::fs::read_to_string(place.path("data/admin.token")).unwrap();
    place.write("data/admin.token", "0000000000000000000000000000000000000000000000000000000000000000");
    let ran = place.run(&format!("entry hide {id}"));
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.err.contains("does not know the token in") && !ran.err.contains("00000000"), "{ran:?}");
    assert!(!serving.log().contains(token.trim()));
}

#[tokio::test]
async fn entries_are_synced_now_with_a_daemon_and_without() {
    let place = Place::new().await;
    let video = |name| place.new_video(name, Some("<metadata><SyncStatus>Sync Needed</SyncStatus></metadata>"));
    let parked = place.new_video("Parked", Some("<metadata><SyncStatus>Sync Manual</SyncStatus></metadata>"));
    let (beside, alone) = (video("Beside a daemon"), video("Without one"));
    place.kaltura.replace_thumbnail(&beside, 1);
    let told = |id: &EntryId| {
        let mut lines = [
            format!("{id}  synced   its content came in, marked \"Sync Done\"; public\n"),
            format!("{parked}  left     an editor has parked it; not in the mirror\n"),
            "0_nowhere1  absent   Kaltura has no such entry; not in the mirror\n".to_owned(),
        ];
        lines.sort();
        lines.concat()
    };

    let serving = place.serve();
    let ran = place.run(&format!("sync {beside} {parked} 0_nowhere1"));
    assert_eq!((ran.code, ran.out), (Some(0), told(&beside)), "{}", ran.err);
    assert_eq!(http::get(serving.public, &format!("/api/v1/entries/{beside}")).await.status, 200);
    assert_eq!(http::get(serving.public, &format!("/thumbnails/{beside}")).await.status, 200);
    serving.stop();

    let ran = place.run(&format!("sync {alone} {parked} 0_nowhere1"));
    assert_eq!((ran.code, ran.out), (Some(0), told(&alone)), "{}", ran.err);
    assert_eq!(place.kaltura.sync_status(&alone).as_deref(), Some("Sync Done"));
    let again = place.run_json(&format!("sync {alone}"));
    let again = &again[0];
    assert_eq!((&again["id"], &again["account"]), (&json!(alone), &json!("main")));
    assert_eq!((&again["outcome"], &again["public_state"]), (&json!("left"), &json!("public")));
    let forced = place.run_json(&format!("sync {parked} --force"));
    assert_eq!(forced[0]["outcome"], "synced", "{forced}");
    assert_eq!(place.kaltura.sync_status(&parked).as_deref(), Some("Sync Manual"));
}

#[tokio::test]
async fn a_sync_that_fails_says_why_and_ends_with_1() {
    let place = Place::new().await;
    let id = place.new_video("Unreachable", None);
    place.kaltura.stop().await;
    let alone = place.run(&format!("sync {id}"));
    assert_eq!(alone.code, Some(1), "{alone:?}");
    assert!(alone.out.starts_with(&format!("{id}  failed   ")) && alone.out.contains("; tried again 2"), "{alone:?}");
    let serving = place.serve();
    let beside = place.run(&format!("sync {id}"));
    let why = |out: &str| out.split("; tried again").next().unwrap().to_owned();
    assert_eq!((beside.code, why(&beside.out)), (Some(1), why(&alone.out)), "{beside:?}");
    serving.stop();
}
