//! Commands that read the data directory, beside a running daemon and without one.

use std::net::{IpAddr, Ipv4Addr};
use std::process::{Command, Stdio};

use kaltura_mirror::domain::ids::PartnerId;
use kaltura_mirror::domain::secret::{AdminSecret, SecretLabel};
use kaltura_mirror::intake::{Intake, RawRequest};
use kaltura_mirror::notification;
use kaltura_mirror::notification::secrets::{AccountRef, NotificationSecret, SecretSet};
use kaltura_mirror::store::{Lane, Outcome, Reason};
use serde_json::{Value as Json, json};

use crate::house::events;
use crate::store_mirror::house::{House, START, entry, synced, synced_as};

const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// PROTOCOL's signed example: an update of `0_abcd1234` of partner 102.
const NOTIFICATION: &str = "notification_id=1002&notification_type=entry_delete&puser_id=&partner_id=102&entry_id=0_abcd1234&signed_fields=notification_id%2Cnotification_type%2Cpuser_id%2Cpartner_id%2Centry_id%2Csigned_fields%2C&sig=6094be03d5bf5a0d56941687fc3cfeb0";

/// A data directory of two accounts that a store, as in a running daemon, has open; and its configuration.
async fn house() -> House {
    let house = House::open().await;
    let session = format!(
        "[[accounts]]\npartner_id = 102\nlabel = \"label-102\"\nadmin_secret = \"{SECRET}\"\n\
         [[accounts]]\npartner_id = 103\nlabel = \"label-103\"\nadmin_secret = \"abc\"\n"
    );
    std::fs::write(house.directory.path().join("session_config.toml"), session).unwrap();
    let script = "sync_metadata_profile_id = 93091\ndata_dir = \".\"\n";
    std::fs::write(house.directory.path().join("script_config.toml"), script).unwrap();
    house
}

async fn receive(house: &House, bodies: &[&str]) {
    for body in bodies {
        let form = ("content-type".into(), "application/x-www-form-urlencoded".into());
        receive_with(house, vec![form], body).await;
    }
}

async fn receive_with(house: &House, headers: Vec<(String, String)>, body: &str) {
    let signer = NotificationSecret {
        account: AccountRef { account: house.account(), partner: PartnerId(102) },
        label: SecretLabel("label-102/admin_secret".into()),
        secret: AdminSecret::new(SECRET),
    };
    let secrets = SecretSet::new(vec![signer]).unwrap();
    let intake = Intake::new(house.store.clone(), secrets, notification::Limits::default());
    let body = body.as_bytes().to_vec();
    let peer = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 1));
    intake.receive(RawRequest { received_at: START, peer, headers, body }).await;
    house.store.rejections_written().await;
}

fn run(house: &House, arguments: &str) -> (i32, String, String) {
    let ran = Command::new(env!("CARGO_BIN_EXE_kaltura-mirror"))
        .current_dir(house.directory.path())
        .args(arguments.split_whitespace())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (ran.status.code().unwrap(), text(ran.stdout), text(ran.stderr))
}

fn run_json(house: &House, arguments: &str) -> Json {
    let (code, out, err) = run(house, &format!("{arguments} --json"));
    assert_eq!((code, err.as_str()), (0, ""), "{arguments}");
    serde_json::from_str(&out).unwrap()
}

#[tokio::test]
async fn an_entry_is_shown_beside_a_running_daemon() {
    let house = house().await;
    house.look_at(synced("1_82h0a7l2")).await;

    let shown = run_json(&house, "entry show 1_82h0a7l2");
    assert_eq!(
        (&shown["id"], &shown["account"], &shown["public_state"]),
        (&json!("1_82h0a7l2"), &json!("label-102"), &json!("public"))
    );
    assert!(shown["content"]["object"].is_object() && shown.get("timeline").is_none(), "{shown}");

    let (code, out, _) = run(&house, "entry show 1_82h0a7l2");
    assert_eq!(code, 0);
    assert!(out.starts_with("entry 1_82h0a7l2 of account label-102: public\n"), "{out}");
    for word in ["sync field", "Sync Needed", "decision", "name", "physics", "flavor 0_flavor02 720p"] {
        assert!(out.contains(word), "{word}: {out}");
    }
}

#[tokio::test]
async fn an_entry_is_explained_in_order_of_time() {
    let house = house().await;
    receive(&house, &[NOTIFICATION]).await;
    house.pass(5);
    house.look_at(synced("0_abcd1234")).await;

    let explained = run_json(&house, "entry explain 0_abcd1234");
    let kinds: Vec<&str> =
        explained["timeline"].as_array().unwrap().iter().map(|it| it["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds.first(), Some(&"hint"), "{kinds:?}");
    assert!(kinds.contains(&"shown"), "{kinds:?}");
    assert!(explained["content"].get("object").is_none());

    let (_, out, _) = run(&house, "entry explain 0_abcd1234");
    let at = |word: &str| out.find(word).unwrap_or_else(|| panic!("{word}: {out}"));
    assert!(at("entry_delete") < at("shown"), "{out}");
}

#[tokio::test]
async fn an_entry_nobody_heard_of_ends_with_1_and_one_in_two_accounts_asks_which() {
    let house = house().await;
    let (code, out, err) = run(&house, "entry show 1_nobody12");
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(err.contains("entry 1_nobody12 is not known here"), "{err}");

    for partner in [102, 103] {
        let account = house.account_of(partner);
        house.store.make_dirty(account, &[entry("1_inboth11")], Reason::Person, Lane::Live).await.unwrap();
    }
    let (code, _, err) = run(&house, "entry explain 1_inboth11");
    assert_eq!(code, 2);
    assert!(err.contains("label-102, label-103; choose one with --account"), "{err}");
    assert_eq!(run_json(&house, "entry explain 1_inboth11 --account 103")["account"], "label-103");
    assert_eq!(run(&house, "entry explain 1_inboth11 --account nobody").0, 2);
    assert_eq!(run(&house, "entry show not-an-id").0, 2);
}

#[tokio::test]
async fn the_inbox_lists_what_came_the_newest_first_and_shows_each_with_its_body() {
    let house = house().await;
    receive(&house, &[NOTIFICATION, "sig=00&x=\u{1b}[2J"]).await;

    let listed = run_json(&house, "inbox list");
    let listed = listed.as_array().unwrap();
    assert_eq!(listed.len(), 2);
    let verified = listed.iter().find(|request| request["verdict"] == "verified").unwrap();
    assert_eq!((&verified["account"], &verified["secret"]), (&json!("label-102"), &json!("label-102/admin_secret")));
    assert_eq!(verified["items"][0]["entry_id"], "0_abcd1234");
    let rejected = run_json(&house, "inbox list --rejected");
    assert_eq!(rejected.as_array().unwrap().len(), 1);
    assert!(rejected[0]["verdict"].as_str().unwrap().starts_with("rejected:"), "{rejected}");
    assert_eq!(run_json(&house, "inbox list --verified --limit 1")[0]["id"], verified["id"]);

    let shown = run_json(&house, &format!("inbox show {}", verified["id"]));
    assert_eq!(shown["body"], NOTIFICATION);
    assert_eq!(shown["headers"]["content-type"], "application/x-www-form-urlencoded");
    assert_eq!(shown["method"], "POST");
    let (code, out, _) = run(&house, &format!("inbox show {} --body", verified["id"]));
    assert_eq!((code, out.as_str()), (0, NOTIFICATION));

    let (_, out, _) = run(&house, &format!("inbox show {}", rejected[0]["id"]));
    assert!(!out.contains('\u{1b}'), "what others wrote cannot drive the terminal: {out:?}");
    assert_eq!(run(&house, "inbox show 999999").0, 1);
}

#[tokio::test]
async fn events_are_listed_and_shown_as_what_they_say_of_themselves() {
    let house = house().await;
    let json = events::json("1", 3, 77, "{\"id\":\"0_abcd1234\",\"partnerId\":102}");
    for body in ["", json.as_str()] {
        let headers = events::headers("sha512", SECRET, body.as_bytes());
        let mut headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value)).to_vec();
        headers.insert(0, (":method".to_owned(), "PUT".to_owned()));
        receive_with(&house, headers, body).await;
    }
    let listed = run_json(&house, "inbox list --verified");
    let item = |request: usize| listed[request]["items"][0].clone();
    let told = |item: Json| {
        let text = |name: &str| item[name].as_str().map(str::to_owned);
        ["id", "system", "kind", "entry_id", "outcome"].map(text)
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(told(item(0)), [some("77"), some("event"), some("event:1:3"), some("0_abcd1234"), some("hinted")]);
    assert_eq!(told(item(1)), [some(""), some("event"), some("event"), None, some("asked")]);

    let shown = run_json(&house, &format!("inbox show {}", listed[0]["id"]));
    assert_eq!(shown["body"], json);
    assert_eq!(shown["headers"]["x-kaltura-hash-algo"], "sha512");
    assert_eq!((&shown["method"], &shown["headers"][":method"]), (&json!("PUT"), &Json::Null));
    assert!(run(&house, &format!("inbox show {}", listed[0]["id"])).1.contains("\nsent with PUT\n"));
    let (_, out, _) = run(&house, "inbox list");
    assert!(out.contains("no number  event  no entry  asked"), "{out}");
}

#[tokio::test]
async fn the_dead_are_listed_with_their_last_error() {
    let house = house().await;
    for partner in [102, 103] {
        let batch = house.claim_for(partner, &[entry("1_dead1111")]).await;
        let dead = Outcome::Dead { error: "refused for good".into() };
        house.store.settle(batch, vec![(entry("1_dead1111"), dead)]).await.unwrap();
    }
    let listed = run_json(&house, "dead list");
    assert_eq!(listed.as_array().unwrap().len(), 2);
    assert_eq!((&listed[0]["id"], &listed[0]["last_error"]), (&json!("1_dead1111"), &json!("refused for good")));
    let of_one = run_json(&house, "dead list --account label-103");
    assert_eq!((of_one.as_array().unwrap().len(), &of_one[0]["account"]), (1, &json!("label-103")));
    let (_, out, _) = run(&house, "dead list");
    assert!(out.contains("1_dead1111") && out.contains("refused for good"), "{out}");
}

#[tokio::test]
async fn a_list_with_nothing_in_it_says_so_to_people_and_is_empty_for_programs() {
    let house = house().await;
    let lists = [
        ("inbox list", "no such request is in the inbox\n"),
        ("inbox list --rejected", "no such request is in the inbox\n"),
        ("dead list", "no entry was given up\n"),
        ("hooks list", "no hook is configured\n"),
        ("hooks deliveries", "there is no such delivery\n"),
    ];
    for (arguments, line) in lists {
        assert_eq!(run(&house, arguments), (0, line.to_owned(), String::new()), "{arguments}");
        assert_eq!(run_json(&house, arguments), json!([]), "{arguments}");
    }
}

#[tokio::test]
async fn reading_needs_no_daemon_and_a_withheld_entry_says_why() {
    let house = house().await;
    house.look_at(synced_as("1_82h0a7l2", json!({"moderationStatus": 3}))).await;
    house.store.close().await;
    let (code, out, err) = run(&house, "entry show 1_82h0a7l2");
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.starts_with("entry 1_82h0a7l2 of account label-102: withheld:moderation\n"), "{out}");
}

#[tokio::test]
async fn a_data_directory_without_a_mirror_is_named_with_the_cure() {
    let house = house().await;
    let script = "sync_metadata_profile_id = 1\ndata_dir = \"nowhere\"\n";
    std::fs::write(house.directory.path().join("script_config.toml"), script).unwrap();
    for arguments in ["entry show 1_82h0a7l2", "inbox list", "dead list"] {
        let (code, out, err) = run(&house, arguments);
        assert_eq!((code, out.as_str()), (2, ""));
        assert!(err.contains("nowhere") && err.contains("kaltura-mirror serve"), "{err}");
    }
    assert!(!house.directory.path().join("nowhere").exists(), "reading makes nothing");
}
