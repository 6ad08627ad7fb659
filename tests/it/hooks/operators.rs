//! Hooks as operators meet them: commands beside a running daemon and without one, and the admin API.

use serde_json::{Value, json};

use super::Delivered;
use crate::house::process::{Place, Ran, eventually};
use crate::house::{House, http};
use kaltura_mirror::simulator::sink::{Reply, Sink};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A place whose daemon tells this sink.
async fn telling(sink: &Sink) -> Place {
    let place = Place::new().await;
    let url = sink.url();
    place.write_script(&format!(
        "[[hooks]]\nname = \"site\"\nurl = \"{url}\"\nsecret = \"{SECRET}\"\nallow_private = true\n"
    ));
    place
}

fn said(ran: &Ran) -> (Option<i32>, &str, &str) {
    (ran.code, &ran.out, &ran.err)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hook_is_tested_with_a_daemon_and_without_and_what_came_back_is_told() {
    let sink = Sink::start().await;
    let place = telling(&sink).await;
    let mut serving = Some(place.serve());
    for expected in [1, 2] {
        sink.always(Reply::status(204));
        let ran = place.run("hooks test site");
        assert!(ran.out.starts_with("test msg_"), "{ran:?}");
        assert!(ran.out.ends_with(" of hook site came through: answered 204 No Content\n"), "{ran:?}");
        assert_eq!(ran.code, Some(0));
        assert_eq!(sink.count(), 2 * expected - 1);

        sink.always(Reply::status(500).with_body(format!("what is {SECRET}?")));
        let ran = place.run("hooks test site");
        assert_eq!(ran.code, Some(1), "{ran:?}");
        let told = "did not come through: answered 500 Internal Server Error: what is whsec_…?\n";
        assert!(ran.out.ends_with(told), "{ran:?}");

        let unknown = place.run("hooks test sight");
        let error = "error: no hook is named \"sight\"; there is site (a daemon takes up new ones when it starts)\n";
        assert_eq!(said(&unknown), (Some(1), "", error));
        serving.take().map(crate::house::process::Serving::stop);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn deliveries_are_listed_and_tried_again_with_a_daemon_and_without() {
    let sink = Sink::start().await;
    let place = telling(&sink).await;
    let serving = place.serve();
    sink.always(Reply::status(500));
    place.run("hooks test site");
    let listed = place.run_json("hooks deliveries --hook site --state waiting");
    assert_eq!((&listed[0]["event"], &listed[0]["attempts"]), (&json!("test"), &json!(1)));
    assert_eq!(listed[0]["attempted"][0]["status"], 500);
    let id = listed[0]["id"].as_str().unwrap().to_owned();
    let text = place.run("hooks deliveries").out;
    assert!(text.starts_with(&format!("{id}  site  test  ")) && text.contains("waiting, attempts: 1"), "{text}");

    sink.always(Reply::status(200));
    let retried = place.run(&format!("hooks retry site {id}"));
    assert_eq!(said(&retried), (Some(0), "hook site: to be tried again: 1\n", ""));
    let delivered = || place.run_json("hooks deliveries --state delivered").as_array().unwrap().len();
    eventually("it is delivered", || (delivered() == 1).then_some(()));
    let in_vain = place.run("hooks retry site msg_00000000_99");
    assert_eq!(said(&in_vain), (Some(1), "hook site: to be tried again: 0\n", ""));
    assert_eq!(place.run_json("hooks retry site --all-dead"), json!({ "id": "site", "retried": 0 }));
    serving.stop();

    assert_eq!(said(&place.run(&format!("hooks retry site {id}"))), said(&retried));
    let serving = place.serve();
    eventually("it is delivered again", || (sink.count() == 3).then_some(()));
    assert!(sink.received().iter().all(|it| it.id() == id));
    serving.stop();
    assert_eq!(place.run("hooks deliveries --state ded").code, Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hook_that_was_switched_off_is_listed_so_and_enabled_with_a_daemon_and_without() {
    let sink = Sink::start().await;
    let place = telling(&sink).await;
    let serving = place.serve();
    let line = || place.run("hooks list").out;
    let idle = format!("site  http://{}  told entry.synced; 0 delivered, 0 waiting, 0 given up\n", sink.address());
    assert_eq!(line(), idle);
    for _ in 0..2 {
        sink.always(Reply::status(410));
        place.run("hooks test site");
        let off = line();
        assert!(off.contains("switched off since 2") && off.contains("`hooks enable site`: answered 410"), "{off}");
        let listed = place.run_json("hooks list");
        assert_eq!((&listed[0]["id"], &listed[0]["waiting"]), (&json!("site"), &json!(1)));
        assert!(listed[0]["disabled"].as_str().unwrap().starts_with("answered 410"));
        sink.always(Reply::status(204));
        let enabled = place.run("hooks enable site");
        let told = "hook site is switched on; what waited for it is delivered now\n";
        assert_eq!(said(&enabled), (Some(0), told, ""));
        eventually("what waited is delivered", || line().contains(" 0 waiting").then_some(()));
    }
    sink.always(Reply::status(410));
    place.run("hooks test site");
    serving.stop();
    assert_eq!(place.run("hooks enable site").code, Some(0));
    assert!(!line().contains("switched off"));
    assert_eq!(place.run("hooks enable sight").err, "error: no hook is named \"sight\"\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hook_s_secret_is_said_and_kept_nowhere() {
    let sink = Sink::start().await;
    let place = telling(&sink).await;
    let serving = place.serve_with([("KALTURA_MIRROR_LOG", "trace")]);
    sink.always(Reply::status(500).with_body(SECRET));
    let mut said: Vec<u8> = Vec::new();
    for command in ["hooks test site", "hooks list", "hooks deliveries", "config show", "config check"] {
        for form in ["", " --json"] {
            let ran = place.run(&format!("{command}{form}"));
            said.extend([ran.out, ran.err].concat().into_bytes());
        }
    }
    let ran = serving.stop();
    assert!(ran.err.contains("TRACE"), "the log is at its most talkative");
    said.extend(ran.err.into_bytes());
    for entry in std::fs::read_dir(place.path("data")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            said.extend(std::fs::read(path).unwrap());
        }
    }
    let secret = SECRET.trim_start_matches("whsec_").as_bytes();
    assert!(!said.windows(secret.len()).any(|window| window == secret));
}

#[tokio::test]
async fn the_admin_api_tells_and_changes_the_same() {
    let sink = Sink::start().await;
    let script = format!("[[hooks]]\nname = \"site\"\nurl = \"{}\"\nallow_private = true\n", sink.url());
    let house = House::open_with(&script).await;
    let bearer = format!("Bearer {}", house.token());
    let get = async |path: &str| {
        let path = format!("/api/v1/admin/{path}");
        http::request(house.daemon.admin, "GET", &path, &[("Authorization", &bearer)], b"").await
    };
    let post = async |path: &str, body: Value| {
        http::post_json(house.daemon.admin, &format!("/api/v1/admin/{path}"), &house.token(), &body).await
    };
    let tested = post("hooks/site/test", json!({})).await.json();
    assert_eq!((&tested["state"], &tested["account"]), (&json!("delivered"), &json!("102")));
    let id = tested["id"].clone();
    let listed = get("hooks").await.json();
    assert_eq!(
        (&listed[0]["id"], &listed[0]["delivered"], &listed[0]["kind"]),
        (&json!("site"), &json!(1), &json!("hook"))
    );
    assert_eq!(get("deliveries?hook=site&state=delivered&limit=5").await.json()[0]["id"], id);
    assert_eq!(get("deliveries?state=dead").await.json(), json!([]));
    assert_eq!(post("hooks/site/retry", json!({ "ids": [id] })).await.json(), json!({ "retried": 1 }));
    assert_eq!(post("hooks/site/retry", json!({})).await.json(), json!({ "retried": 0 }));
    assert_eq!(post("hooks/site/enable", json!({})).await.json(), json!({ "id": "site", "enabled": true }));
    for (path, status) in [("hooks/sight/test", 404), ("hooks/sight/enable", 404)] {
        assert_eq!(post(path, json!({})).await.status, status, "{path}");
    }
    assert_eq!(get("deliveries?state=ded").await.status, 400);
    let bare = http::request(house.daemon.admin, "GET", "/api/v1/admin/hooks", &[], b"").await;
    assert_eq!(bare.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_without_a_daemon_tells_the_hooks_and_marks_what_required_ones_have_taken() {
    let sink = Sink::start().await;
    let place = Place::new().await;
    let url = sink.url();
    place
        .write_script(&format!("[[hooks]]\nname = \"site\"\nurl = \"{url}\"\nallow_private = true\nrequired = true\n"));
    let video = |name| place.new_video(name, Some("<metadata><SyncStatus>Sync Needed</SyncStatus></metadata>"));

    let told = |id: &kaltura_mirror::domain::ids::EntryId| {
        format!("{id}  synced   its content came in, marked \"Sync Done\"; public\n")
    };
    let alone = video("Without a daemon");
    let ran = place.run(&format!("sync {alone}"));
    assert_eq!((ran.code, &ran.out), (Some(0), &told(&alone)), "{}", ran.err);
    let serving = place.serve();
    let beside = video("Beside one");
    let ran = place.run(&format!("sync {beside}"));
    assert_eq!((ran.code, &ran.out), (Some(0), &told(&beside)), "{}", ran.err);
    serving.stop();
    let ids: Vec<Value> = sink.received().iter().map(|it| it.json()["data"]["id"].clone()).collect();
    assert_eq!(ids, [json!(alone), json!(beside)]);

    sink.always(Reply::status(503));
    let refused = video("Refused");
    let ran = place.run(&format!("sync {refused}"));
    let waits = format!(
        "{refused}  synced   its content came in, to be marked once required hooks have been told; public; deliveries to hooks \
         that wait for the daemon: 1\n"
    );
    assert_eq!((ran.code, ran.out), (Some(0), waits), "{}", ran.err);
    assert_eq!(sink.count(), 3);
    assert_eq!(place.kaltura.sync_status(&refused).as_deref(), Some("Sync Needed"));
}
