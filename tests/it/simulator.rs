//! The stand-in Kaltura through its HTTP door and its handle.

use std::time::Duration;

use kaltura_mirror::domain::clock::{Clock, Timestamp};
use kaltura_mirror::domain::ids::{EntryId, MetadataProfileId, PartnerId};
use kaltura_mirror::simulator::custom_metadata::SimMetadataProfile;
use kaltura_mirror::simulator::edits;
use kaltura_mirror::simulator::entry::SimEntry;
use kaltura_mirror::simulator::faults::{Fault, When};
use kaltura_mirror::simulator::handle::{Options, Simulator};
use kaltura_mirror::simulator::jobs::JobState;
use kaltura_mirror::simulator::script::Script;
use kaltura_mirror::simulator::state::SimAccount;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const SECRET: &str = "e3f7103f48c153cf214f4172be90b85b";
const PROFILE: MetadataProfileId = MetadataProfileId(18);
const NEEDED: &str = "<metadata><SyncStatus>Sync Needed</SyncStatus></metadata>";
const DONE: &str = "<metadata><SyncStatus>Sync Done</SyncStatus></metadata>";
const MANUAL: &str = "<metadata><SyncStatus>Sync Manual</SyncStatus></metadata>";
const XSD: &str = r#"<xsd:schema xmlns:xsd="http://www.w3.org/2001/XMLSchema">
  <xsd:element name="metadata"><xsd:complexType><xsd:sequence>
    <xsd:element id="md_1" name="SyncStatus" minOccurs="0" maxOccurs="1">
      <xsd:simpleType><xsd:restriction base="listType">
        <xsd:enumeration value="Sync Needed"/><xsd:enumeration value="Sync Done"/><xsd:enumeration value="Sync Manual"/>
      </xsd:restriction></xsd:simpleType>
    </xsd:element>
  </xsd:sequence></xsd:complexType></xsd:element>
  <xsd:simpleType name="listType"><xsd:restriction base="xsd:string"/></xsd:simpleType>
</xsd:schema>"#;

fn id(text: &str) -> EntryId {
    text.parse().unwrap()
}

/// An account with two videos, one of them with metadata 11 at version 2.
fn account() -> SimAccount {
    let clock = Clock::manual(Timestamp::from_secs(1_795_460_000));
    let mut account = SimAccount::new(PartnerId(4021), SECRET, clock);
    let profile = SimMetadataProfile::for_entries(PROFILE, "apinotifications_sync_data", XSD, 1_795_459_000);
    account.metadata_profiles.insert(PROFILE, profile);
    for (entry, name) in [("0_one", "One"), ("0_two", "Two")] {
        account.entries.insert(id(entry), SimEntry::video(id(entry), name, 1_795_459_500));
    }
    edits::add_metadata(&mut account, &id("0_one"), PROFILE, NEEDED);
    account
}

async fn start() -> Simulator {
    Simulator::start(Options::new(account())).await.unwrap()
}

/// The raw answer: status line, headers and body; what came before the connection broke, if it did.
async fn exchange(simulator: &Simulator, path: &str, body: &Value) -> String {
    let url = simulator.url();
    let address = url.trim_start_matches("http://");
    let body = body.to_string();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all((head + &body).as_bytes()).await.unwrap();
    let mut received = Vec::new();
    let _broken_off = stream.read_to_end(&mut received).await;
    String::from_utf8_lossy(&received).into_owned()
}

async fn call(simulator: &Simulator, service: &str, action: &str, mut params: Value) -> Value {
    params["format"] = json!(1);
    let received = exchange(simulator, &format!("/api_v3/service/{service}/action/{action}"), &params).await;
    let body = received.split_once("\r\n\r\n").unwrap().1;
    serde_json::from_str(body).unwrap_or_else(|_| panic!("no JSON: {received}"))
}

async fn session(simulator: &Simulator) -> Value {
    let params = json!({"secret": SECRET, "type": 2, "partnerId": 4021, "privileges": "disableentitlement"});
    call(simulator, "session", "start", params).await
}

async fn multirequest(simulator: &Simulator, ks: &Value, calls: &[Value]) -> Vec<Value> {
    let mut body = json!({"format": 1, "ks": ks});
    for (at, call) in calls.iter().enumerate() {
        body[(at + 1).to_string()] = call.clone();
    }
    let received = exchange(simulator, "/api_v3/service/multirequest", &body).await;
    serde_json::from_str(received.split_once("\r\n\r\n").unwrap().1).unwrap()
}

fn read_metadata(entry: &str) -> Value {
    let filter = json!({"objectType": "KalturaMetadataFilter", "objectIdIn": entry, "metadataProfileIdEqual": 18});
    json!({"service": "metadata_metadata", "action": "list", "filter": filter})
}

fn mark(version: i64) -> Value {
    json!({"service": "metadata_metadata", "action": "update", "id": 11, "xmlData": DONE, "version": version})
}

#[tokio::test]
async fn a_batch_is_one_http_request_and_each_call_in_it_is_counted() {
    let simulator = start().await;
    let ks = session(&simulator).await;
    simulator.reset_calls();
    let entries = json!({"service": "baseEntry", "action": "getByIds", "entryIds": "0_one,0_two,0_none"});
    let answers = multirequest(&simulator, &ks, &[entries, read_metadata("0_one,0_two")]).await;
    assert_eq!(answers[0].as_array().unwrap().len(), 2);
    assert_eq!(answers[1]["objects"][0]["version"], 2);
    assert_eq!((simulator.http_requests(), simulator.count("metadata_metadata.list")), (1, 1));
    assert_eq!(simulator.calls()[0].ids, ["0_one", "0_two", "0_none"]);
}

#[tokio::test]
async fn a_metadata_write_moves_the_version_by_ten_and_updated_at_but_queues_no_notification() {
    let simulator = start().await;
    let ks = session(&simulator).await;
    simulator.edit(|account| account.clock.advance(Duration::from_secs(60)));
    let answers = multirequest(&simulator, &ks, &[mark(2), mark(2), mark(12), read_metadata("0_one")]).await;
    assert_eq!(answers[0]["version"], 12);
    assert_eq!(answers[1]["code"], "INVALID_METADATA_VERSION");
    assert_eq!(answers[1]["args"]["VERSION"], "12");
    assert_eq!(answers[2]["version"], 12, "the same text changes nothing");
    let (updated_at, jobs) = simulator.read(|account| (account.entries[&id("0_one")].updated_at, account.jobs.len()));
    assert_eq!((updated_at, jobs), (1_795_460_060, 0));
}

#[tokio::test]
async fn a_trigger_strikes_between_two_calls_of_one_multirequest() {
    let simulator = start().await;
    let ks = session(&simulator).await;
    simulator.before_call("metadata_metadata.update", |account| {
        edits::set_metadata_xml(account, &id("0_one"), PROFILE, MANUAL);
    });
    let answers = multirequest(&simulator, &ks, &[read_metadata("0_one"), mark(2), read_metadata("0_one")]).await;
    assert_eq!(answers[0]["objects"][0]["xml"], NEEDED);
    assert_eq!(answers[1]["code"], "INVALID_METADATA_VERSION");
    assert_eq!(answers[2]["objects"][0]["xml"], MANUAL);
    assert_eq!(simulator.triggers_left(), 0);
}

#[tokio::test]
async fn faults_strike_the_calls_they_are_meant_for_as_often_as_told() {
    let simulator = start().await;
    let ks = session(&simulator).await;
    let get = |entry: &str| json!({"service": "baseEntry", "action": "get", "entryId": entry});
    let code = |answer: &Value| answer["code"].as_str().map(str::to_owned);

    simulator.fault(When::call("baseEntry.get").entry(&id("0_two")).once(), Fault::Internal);
    let answers = multirequest(&simulator, &ks, &[get("0_one"), get("0_two"), get("0_two")]).await;
    assert_eq!(answers.iter().map(code).collect::<Vec<_>>(), [None, Some("INTERNAL_SERVERL_ERROR".to_owned()), None]);

    simulator.fault(When::call("metadata_metadata.update").after(1), Fault::VersionConflict);
    let answers = multirequest(&simulator, &ks, &[mark(2), mark(0)]).await;
    assert_eq!(answers.iter().map(code).collect::<Vec<_>>(), [None, Some("INVALID_METADATA_VERSION".to_owned())]);

    simulator.heal();
    simulator.fault(When::call("baseEntry.getByIds"), Fault::Omit);
    let answer = call(&simulator, "baseEntry", "getByIds", json!({"ks": ks, "entryIds": "0_one"})).await;
    assert_eq!(answer, json!([]));

    simulator.heal();
    simulator.fault(When::any(), Fault::Stale);
    simulator.edit(|account| edits::update_entry(account, &id("0_one"), |entry| entry.name = "Renamed".to_owned()));
    let stale = call(&simulator, "baseEntry", "get", json!({"ks": ks, "entryId": "0_one"})).await;
    assert_eq!(stale["name"], "One");
    simulator.heal();
    let fresh = call(&simulator, "baseEntry", "get", json!({"ks": ks, "entryId": "0_one"})).await;
    assert_eq!(fresh["name"], "Renamed");
}

#[tokio::test]
async fn an_answer_can_be_refused_cut_lost_or_no_json_at_all() {
    let simulator = start().await;
    let ks = session(&simulator).await;
    let path = "/api_v3/service/metadata_metadata/action/update";
    let body = json!({"format": 1, "ks": ks, "id": 11, "xmlData": DONE});
    let version = |simulator: &Simulator| simulator.read(|account| account.metadata[&id("0_one")][0].version);

    simulator.fault(When::any().once(), Fault::Http(503));
    assert!(exchange(&simulator, path, &body).await.starts_with("HTTP/1.1 503"));
    assert_eq!(version(&simulator), 2, "a 503 did nothing");

    simulator.fault(When::any().once(), Fault::Truncated);
    let cut = exchange(&simulator, path, &body).await;
    assert!(serde_json::from_str::<Value>(cut.split_once("\r\n\r\n").unwrap().1).is_err());
    assert_eq!(version(&simulator), 12, "the answer was cut, the work done");

    simulator.fault(When::any().once(), Fault::LoseAnswer);
    let back = json!({"format": 1, "ks": ks, "id": 11, "xmlData": NEEDED});
    let lost = exchange(&simulator, path, &back).await;
    assert!(!lost.contains("KalturaMetadata"), "{lost}");
    assert_eq!(version(&simulator), 22, "the answer was lost, the work done");

    simulator.fault(When::any().once(), Fault::Garbage);
    let garbage = exchange(&simulator, path, &body).await;
    assert!(garbage.starts_with("HTTP/1.1 200") && garbage.ends_with("garbage<"));

    simulator.fault(When::any().once(), Fault::RateLimitText);
    assert!(call(&simulator, "system", "ping", json!({})).await.is_string());
}

#[tokio::test]
async fn a_hanging_call_answers_nobody_and_a_stop_frees_the_port_for_a_restart() {
    let simulator = start().await;
    simulator.fault(When::call("system.ping").once(), Fault::Hang);
    let hanging = tokio::spawn({
        let simulator = simulator.clone();
        async move { exchange(&simulator, "/api_v3/service/system/action/ping", &json!({"format": 1})).await }
    });
    while simulator.count("system.ping") == 0 {
        tokio::task::yield_now().await;
    }
    simulator.stop().await;
    assert_eq!(hanging.await.unwrap(), "", "the connection was closed without an answer");
    let address = simulator.url().replace("http://", "");
    assert!(TcpStream::connect(&address).await.is_err(), "nobody listens");

    simulator.restart().await.unwrap();
    assert_eq!(call(&simulator, "system", "ping", json!({})).await, json!(true));
    assert_eq!(simulator.read(|account| account.entries.len()), 2, "the account is as it was");
}

#[tokio::test]
async fn a_lying_session_check_refuses_a_good_session_as_kaltura_would() {
    let simulator = start().await;
    let ks = session(&simulator).await;
    for (fault, ksid) in [(Fault::ExpiredKs, json!("EXPIRED")), (Fault::InvalidKs, ks.clone())] {
        simulator.fault(When::any().once(), fault);
        let answer = call(&simulator, "session", "get", json!({"ks": ks})).await;
        assert_eq!((&answer["code"], &answer["args"]["KSID"]), (&json!("INVALID_KS"), &ksid));
    }
    simulator.edit(|account| account.clock.advance(Duration::from_secs(86_400)));
    let answer = call(&simulator, "session", "get", json!({"ks": ks})).await;
    assert_eq!(answer["args"]["KSID"], "EXPIRED", "sessions end by the server's clock");
}

#[tokio::test]
async fn pictures_are_jpegs_with_kalturas_oddities() {
    let simulator = start().await;
    simulator.edit(|account| edits::replace_thumbnail(account, &id("0_one"), 7));
    let picture = |path: String| {
        let simulator = simulator.clone();
        async move { exchange(&simulator, &path, &json!({})).await }
    };
    let base = "/p/4021/sp/402100/thumbnail/entry_id";
    assert!(picture(format!("{base}/0_one/version/100002/width/320")).await.contains("image/jpeg"));
    assert!(picture(format!("{base}/0_none/version/1")).await.contains("error-1\r"));
    assert!(picture(format!("{base}/0_two/version/0")).await.contains("error-10\r"), "no flavors, no frame to draw");
    simulator.fault(When::call("thumbnail").once(), Fault::BeingMade);
    assert!(picture(format!("{base}/0_one/version/100002")).await.contains("error-11\r"));
    simulator.edit(|account| edits::delete_entry(account, &id("0_one")));
    assert!(picture(format!("{base}/0_one/width/640/height/480")).await.contains("x-shockwave-flash"));
    assert_eq!((simulator.image_requests(), simulator.http_requests()), (5, 0));
}

#[tokio::test]
async fn an_editor_sets_and_clears_the_sync_field_without_a_notification_and_renames_with_one() {
    let simulator = start().await;
    let (one, two) = (id("0_one"), id("0_two"));
    simulator.set_sync_status(&one, Some("Sync Manual"));
    simulator.set_sync_status(&two, Some("Sync Needed"));
    assert_eq!(simulator.sync_status(&one).as_deref(), Some("Sync Manual"));
    assert_eq!(simulator.sync_status(&two).as_deref(), Some("Sync Needed"));
    simulator.set_sync_status(&one, None);
    assert_eq!(simulator.sync_status(&one), None);
    assert_eq!(simulator.read(|account| account.metadata[&id("0_one")][0].version), 22);
    simulator.rename_entry(&one, "Uno");
    simulator.rename_entry(&one, "Uno");
    let kinds = simulator.read(|account| account.jobs.iter().map(|job| job.kind.as_str()).collect::<Vec<_>>());
    assert_eq!(kinds, ["entry_update"]);
    simulator.delete_entry(&one);
    let states = simulator.read(|account| account.jobs.iter().map(|job| job.state).collect::<Vec<_>>());
    assert_eq!(states, [JobState::Aborted, JobState::Pending], "what was not sent yet gives way to the deletion");
}

#[tokio::test]
async fn every_answer_takes_as_long_as_told() {
    let simulator = start().await;
    simulator.set_latency(Duration::from_millis(50));
    let begin = std::time::Instant::now();
    call(&simulator, "system", "ping", json!({})).await;
    assert!(begin.elapsed() >= Duration::from_millis(50));
}

fn code(answer: &Value) -> Option<&str> {
    answer["code"].as_str()
}

async fn list(simulator: &Simulator, ks: &Value) -> Value {
    call(simulator, "baseEntry", "list", json!({"ks": ks})).await
}

fn advance(simulator: &Simulator, secs: u64) {
    simulator.read(|account| account.clock.advance(Duration::from_secs(secs)));
}

fn now(simulator: &Simulator) -> Timestamp {
    simulator.read(|account| account.clock.now())
}

#[tokio::test]
async fn requests_above_the_budget_of_a_second_are_blocked_with_200_and_do_nothing() {
    let simulator = start().await;
    let ks = session(&simulator).await;
    simulator.limit_rate(Some(2));
    assert_eq!(code(&list(&simulator, &ks).await), None);
    assert_eq!(multirequest(&simulator, &ks, &[mark(2)]).await[0]["version"], 12, "a multirequest counts once");

    let path = "/api_v3/service/baseEntry/action/list";
    assert!(exchange(&simulator, path, &json!({"format": 1, "ks": ks})).await.starts_with("HTTP/1.1 200"));
    let refused = multirequest(&simulator, &ks, &[mark(12), read_metadata("0_one")]).await;
    assert_eq!(refused.iter().map(code).collect::<Vec<_>>(), [Some("ACTION_BLOCKED"); 2]);
    let version = simulator.read(|account| account.metadata[&id("0_one")][0].version);
    assert_eq!(version, 12, "what was blocked wrote nothing");

    advance(&simulator, 1);
    assert_eq!(list(&simulator, &ks).await["totalCount"], 2, "the next second has a budget of its own");
    simulator.limit_rate(None);
    for _ in 0..5 {
        assert_eq!(code(&list(&simulator, &ks).await), None);
    }
}

#[tokio::test]
async fn a_fault_with_an_end_is_over_when_the_clock_says_so() {
    let simulator = start().await;
    let ks = session(&simulator).await;
    let end = now(&simulator).plus(Duration::from_secs(600));
    simulator.fault(When::call("baseEntry.list").until(end), Fault::Omit);
    simulator.fault(When::call("baseEntry.get").until(end), Fault::OtherOwner(PartnerId(77)));
    let get = async || call(&simulator, "baseEntry", "get", json!({"ks": ks, "entryId": "0_one"})).await;

    advance(&simulator, 599);
    assert_eq!(list(&simulator, &ks).await["objects"], json!([]));
    assert_eq!(get().await["partnerId"], 77);
    advance(&simulator, 1);
    assert_eq!(list(&simulator, &ks).await["totalCount"], 2);
    assert_eq!(get().await["partnerId"], 4021);
}

#[tokio::test]
async fn a_script_is_played_by_the_clock_and_tells_each_step() {
    let simulator = start().await;
    let ks = session(&simulator).await;
    let text = "# a bad morning\nat 10s: bad-session for 60s\n\nat 1m: change 1  # an editor\nat 1m: delete 5\nat 2m: limit 0\nat 3m: heal\n";
    let mut script = Script::parse(text, now(&simulator)).unwrap();
    assert!(script.play(&simulator).is_empty(), "nothing is due yet");

    advance(&simulator, 10);
    assert_eq!(script.play(&simulator), ["script line 2, at 10s: bad-session for 60s"]);
    assert_eq!(code(&list(&simulator, &ks).await), Some("INVALID_KS"));

    advance(&simulator, 60);
    let told = ["script line 4, at 60s: 1 entries changed", "script line 5, at 60s: 2 entries deleted"];
    assert_eq!(script.play(&simulator), told);
    assert_eq!(simulator.read(|account| account.entries[&id("0_one")].name.clone()), "One (edited)");
    assert_eq!(list(&simulator, &ks).await["totalCount"], 0);

    advance(&simulator, 50);
    assert_eq!(script.play(&simulator), ["script line 6, at 120s: at most 0 requests a second"]);
    assert_eq!(code(&list(&simulator, &ks).await), Some("ACTION_BLOCKED"));
    advance(&simulator, 60);
    assert_eq!(script.play(&simulator), ["script line 7, at 180s: everything goes right again"]);
    assert_eq!(code(&list(&simulator, &ks).await), None);
    assert_eq!(script.left(), 0);
}
