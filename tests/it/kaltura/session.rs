//! Sessions: made once, renewed in time, renewed once when refused.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::join_all;
use kaltura_mirror::domain::clock::{Clock, Jitter};
use kaltura_mirror::domain::secret::AdminSecret;
use kaltura_mirror::kaltura::client::{Client, ClientSettings};
use kaltura_mirror::kaltura::error::Class;
use kaltura_mirror::kaltura::ks::KsVersion;
use kaltura_mirror::kaltura::session::SessionWay;
use serde_json::json;

use super::stub::{Reply, Request, Stub};
use super::{client, client_with, clock, invalid_ks, look, recorded, recorded_batch, settings};

fn ks_of(request: &Request) -> String {
    request.json()["ks"].as_str().unwrap_or_default().to_owned()
}

fn sessions(stub: &Stub) -> Vec<String> {
    let mut sessions: Vec<_> = stub.requests().iter().map(ks_of).filter(|ks| !ks.is_empty()).collect();
    sessions.dedup();
    sessions
}

/// Refuses the first session it sees with `why`, however often it comes; takes every other.
async fn server_that_refuses_the_first_session(why: &'static str) -> Stub {
    let first = Mutex::new(None);
    Stub::start(move |request, _| {
        let ks = ks_of(request);
        let refused = first.lock().unwrap().get_or_insert(ks.clone()).clone();
        let ksid = if why.is_empty() { ks.as_str() } else { why };
        if ks == refused { Reply::json(&json!(vec![invalid_ks(ksid); 5])) } else { Reply::json(&recorded_batch()) }
    })
    .await
}

#[tokio::test]
async fn a_session_is_kept_for_eighty_percent_of_its_life() {
    let stub = Stub::start(|_, _| Reply::json(&recorded_batch())).await;
    let clock = clock();
    let client = client(&stub, &clock);
    for hours in [0, 10, 9] {
        clock.advance(Duration::from_secs(hours * 3600));
        look(&client).await.unwrap();
    }
    assert_eq!(sessions(&stub).len(), 1, "after 19 of 24 hours");
    clock.advance(Duration::from_secs(3600));
    look(&client).await.unwrap();
    assert_eq!(sessions(&stub).len(), 2, "after 20 hours");
}

#[tokio::test]
async fn many_workers_with_an_ended_session_renew_it_once() {
    for reason in ["EXPIRED", "LOGOUT", "EXCEEDED_ACTIONS_LIMIT"] {
        let stub = server_that_refuses_the_first_session(reason).await;
        let mut settings = settings(&stub);
        settings.pace.concurrent_max = 16;
        let client = client_with(settings, &clock());
        let looks = join_all((0..16).map(|_| look(&client))).await;
        assert!(looks.iter().all(Result::is_ok), "{reason}");
        let mut used = sessions(&stub);
        used.sort();
        used.dedup();
        assert_eq!(used.len(), 2, "{reason}");
    }
}

#[tokio::test]
async fn a_session_refused_again_is_not_tried_a_third_time() {
    let stub = Stub::start(|_, _| Reply::json(&json!(vec![invalid_ks("EXPIRED"); 5]))).await;
    let error = look(&client(&stub, &clock())).await.unwrap_err();
    assert_eq!(error.class(), Class::NewSession);
    assert_eq!(stub.requests().len(), 2);
}

#[tokio::test]
async fn a_refusal_that_no_new_session_mends_is_not_tried_again() {
    for reason in ["INVALID_PARTNER", "EXCEEDED_RESTRICTED_IP"] {
        let stub = Stub::start(move |_, _| Reply::json(&json!(vec![invalid_ks(reason); 5]))).await;
        assert_eq!(look(&client(&stub, &clock())).await.unwrap_err().class(), Class::Degraded);
        assert_eq!(stub.requests().len(), 1);
    }
}

/// A secret that changes with each reading, and how often it was read.
fn counted_secret(service: ClientSettings, clock: &Clock) -> (Client, Arc<AtomicUsize>) {
    let reads = Arc::new(AtomicUsize::new(0));
    let counted = reads.clone();
    let source = move || Ok(AdminSecret::new(format!("secret {}", counted.fetch_add(1, Ordering::SeqCst))));
    (Client::new(service, source, clock.clone(), Jitter::fixed(1.0)).unwrap(), reads)
}

#[tokio::test]
async fn an_unknown_session_has_the_secret_read_again() {
    let stub = server_that_refuses_the_first_session("").await;
    let (client, reads) = counted_secret(settings(&stub), &clock());
    assert!(look(&client).await.is_ok());
    assert_eq!(reads.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn the_secret_is_read_again_at_most_once_a_minute() {
    let stub = Stub::start(|request, _| Reply::json(&json!(vec![invalid_ks(&ks_of(request)); 5]))).await;
    let clock = clock();
    let (client, reads) = counted_secret(settings(&stub), &clock);
    for _ in 0..5 {
        let error = look(&client).await.unwrap_err();
        assert_eq!(error.class(), Class::RereadSecret, "{error}");
    }
    assert_eq!((reads.load(Ordering::SeqCst), stub.requests().len()), (2, 6));
    clock.advance(Duration::from_secs(60));
    look(&client).await.unwrap_err();
    assert_eq!((reads.load(Ordering::SeqCst), stub.requests().len()), (3, 8));
}

#[tokio::test]
async fn a_secret_that_cannot_be_read_is_an_error_before_anything_is_sent() {
    let stub = Stub::start(|_, _| Reply::Close).await;
    let source = || Err("admin_secret_file /run/secret: no such file".to_owned());
    let client = Client::new(settings(&stub), source, clock(), Jitter::fixed(1.0)).unwrap();
    let error = look(&client).await.unwrap_err();
    assert_eq!(
        (error.class(), error.to_string().as_str()),
        (Class::Degraded, "admin_secret_file /run/secret: no such file")
    );
    assert!(stub.requests().is_empty());
}

#[tokio::test]
async fn a_forgotten_session_is_made_anew_from_a_secret_read_again() {
    let stub = Stub::start(|_, _| Reply::json(&recorded_batch())).await;
    let (client, reads) = counted_secret(settings(&stub), &clock());
    look(&client).await.unwrap();
    client.forget_session().await;
    look(&client).await.unwrap();
    assert_eq!((reads.load(Ordering::SeqCst), sessions(&stub).len()), (2, 2));
}

#[tokio::test]
async fn version_one_can_be_made_instead() {
    let stub = Stub::start(|_, _| Reply::json(&recorded_batch())).await;
    let mut settings = settings(&stub);
    settings.session.version = KsVersion::V1;
    look(&client_with(settings, &clock())).await.unwrap();
    assert!(!sessions(&stub)[0].starts_with("djJ8"), "\"v2|\" in base64");
}

#[tokio::test]
async fn a_session_can_be_asked_of_the_server() {
    let stub = Stub::start(|request, _| match request.line.contains("/service/session/action/start") {
        true => Reply::json(&recorded("session.start.admin.json.json")),
        false => Reply::json(&recorded_batch()),
    })
    .await;
    let mut settings = settings(&stub);
    settings.session.way = SessionWay::Start;
    let client = client_with(settings, &clock());
    look(&client).await.unwrap();
    look(&client).await.unwrap();
    let started = stub.requests()[0].json();
    assert_eq!(
        (&started["partnerId"], &started["type"], &started["privileges"], &started["expiry"]),
        (&json!(4021), &json!(2), &json!("disableentitlement"), &json!(86_400))
    );
    assert_eq!(json!(sessions(&stub)), json!([recorded("session.start.admin.json.json")]));
    assert_eq!(client.calls_by_name()["session.start"], 1);
}

#[tokio::test]
async fn a_session_the_server_will_not_start_says_so_and_a_changed_secret_mends_it() {
    let stub = Stub::start(|request, _| match request.json()["secret"].as_str() {
        Some("secret 1") => Reply::json(&json!("djJ8NDAyMXx")),
        Some(_) => Reply::json(&recorded("session.start.wrong_secret.json.json")),
        None => Reply::json(&recorded_batch()),
    })
    .await;
    let mut settings = settings(&stub);
    settings.session.way = SessionWay::Start;
    let error = look(&client_with(settings.clone(), &clock())).await.unwrap_err();
    assert_eq!(error.class(), Class::Degraded);
    assert!(error.to_string().starts_with("session.start refused with START_SESSION_ERROR"), "{error}");
    let (client, _) = counted_secret(settings, &clock());
    assert!(look(&client).await.is_ok());
}

/// A server with one application token, hashed as `hashed` says, whose sessions live an hour.
async fn server_with_app_token(accepts: fn(&str) -> bool) -> Stub {
    Stub::start(move |request, _| {
        let body = request.json();
        if request.line.contains("startWidgetSession") {
            return Reply::json(&recorded("session.startWidgetSession.json"));
        }
        if !request.line.contains("appToken") {
            return Reply::json(&recorded_batch());
        }
        match accepts(body["tokenHash"].as_str().unwrap()) {
            true => Reply::json(&json!({"ks": "djJ8NDAyMXxapp", "sessionType": 2, "expiry": 1_795_459_465 + 3600})),
            false => Reply::json(&recorded("appToken.startSession.bad_hash.json")),
        }
    })
    .await
}

#[tokio::test]
async fn a_session_can_be_had_with_an_application_token_however_it_is_hashed() {
    let hashes: [fn(&str) -> bool; 4] =
        [|hash| hash.len() == 40, |hash| hash.len() == 64, |hash| hash.len() == 128, |hash| hash.len() == 32];
    for (tries, accepts) in hashes.into_iter().enumerate() {
        let stub = server_with_app_token(accepts).await;
        let mut settings = settings(&stub);
        settings.session.way = SessionWay::AppToken { id: "0_u970c0w2".to_owned() };
        let clock = clock();
        let client = client_with(settings, &clock);
        look(&client).await.unwrap();
        assert_eq!(client.calls_by_name()["appToken.startSession"], tries as u64 + 1);
        assert_eq!(ks_of(stub.requests().last().unwrap()), "djJ8NDAyMXxapp");
        let widget = recorded("session.startWidgetSession.json")["ks"].clone();
        assert_eq!(
            (&stub.requests()[1].json()["ks"], &stub.requests()[0].json()["widgetId"]),
            (&widget, &json!("_4021"))
        );
        clock.advance(Duration::from_secs(2881));
        look(&client).await.unwrap();
        assert_eq!(client.calls_by_name()["session.startWidgetSession"], 2, "at 80 % of what was granted");
    }
}

#[tokio::test]
async fn a_wrong_application_token_degrades_the_account() {
    let stub = server_with_app_token(|_| false).await;
    let mut settings = settings(&stub);
    settings.session.way = SessionWay::AppToken { id: "0_u970c0w2".to_owned() };
    let error = look(&client_with(settings, &clock())).await.unwrap_err();
    assert_eq!(error.class(), Class::Degraded);
    assert_eq!(
        error.to_string(),
        "appToken.startSession refused with INVALID_APP_TOKEN_HASH: Invalid application token hash; app_token is not the \
         token of app_token_id: copy it again (appToken.get)"
    );
}

#[tokio::test]
async fn the_hash_that_was_right_once_is_the_first_to_be_tried() {
    let stub = server_with_app_token(|hash| hash.len() == 128).await;
    let mut settings = settings(&stub);
    settings.session.way = SessionWay::AppToken { id: "0_u970c0w2".to_owned() };
    let clock = clock();
    let client = client_with(settings, &clock);
    look(&client).await.unwrap();
    clock.advance(Duration::from_secs(3000));
    look(&client).await.unwrap();
    assert_eq!(client.calls_by_name()["appToken.startSession"], 3 + 1);
}

#[tokio::test]
async fn a_token_that_is_refused_is_not_tried_again_for_a_minute() {
    let stub = server_with_app_token(|_| false).await;
    let mut settings = settings(&stub);
    settings.session.way = SessionWay::AppToken { id: "0_u970c0w2".to_owned() };
    let clock = clock();
    let client = client_with(settings, &clock);
    let first = look(&client).await.unwrap_err();
    assert_eq!(look(&client).await.unwrap_err(), first);
    assert_eq!(client.calls(), 5, "one for the widget's session, one for each hash");
    clock.advance(Duration::from_secs(60));
    look(&client).await.unwrap_err();
    assert_eq!(client.calls(), 10);
}
