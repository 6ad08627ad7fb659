//! Which secret signed and when, and what happens when it changes.

use serde_json::Value;

use super::*;

async fn metrics(house: &House, headers: &[(&str, &str)]) -> Answer {
    http::request(house.daemon.admin, "GET", "/metrics", headers, b"").await
}

async fn status(house: &House) -> Value {
    let bearer = format!("Bearer {}", house.token());
    let headers = [("Authorization", bearer.as_str())];
    http::request(house.daemon.admin, "GET", "/api/v1/admin/status", &headers, b"").await.json()
}

const TEMPLATE: &str = "[[notification_secrets]]\nlabel = \"template-7\"\nsecret = \"the-templates-own\"\n";

#[tokio::test]
async fn it_is_told_when_each_secret_last_signed() {
    let house = house_with(TEMPLATE).await;
    send(&house, "").await;
    house.clock.advance(Duration::from_secs(5));
    send_signed(&house, "POST", "/notifications", &[], "", "the-templates-own").await;
    let seen = house.daemon.intake.secrets_seen().await.unwrap();
    let seen: Vec<_> = seen.iter().map(|seen| (seen.label.0.as_str(), seen.last_seen)).collect();
    let later = START.plus(Duration::from_secs(5));
    assert_eq!(seen, [("102/admin_secret", Some(START)), ("102/template-7", Some(later))]);

    let status = status(&house).await;
    assert_eq!(status["secrets"][1]["id"], "102/template-7");
    assert_eq!(
        (&status["secrets"][1]["system"], &status["secrets"][1]["last_seen"]),
        (&"event".into(), &later.to_string().into())
    );
    assert_eq!(status["received"]["verified"]["event"], 2);

    let text = metrics(&house, &[]).await.text();
    let line = format!(
        "kaltura_mirror_secret_last_used_timestamp_seconds{{account=\"102\",secret=\"template-7\"}} {}\n",
        later.as_secs()
    );
    assert!(text.contains(&line), "{text}");
}

#[tokio::test]
async fn a_later_run_remembers_when_a_secret_signed_and_that_one_never_did() {
    let house = house_with(TEMPLATE).await;
    send(&house, "").await;
    let house = house.restart().await;
    let seen = house.daemon.intake.secrets_seen().await.unwrap();
    assert_eq!((seen[0].last_seen, seen[1].last_seen), (Some(START), None));
}

#[tokio::test]
async fn the_numbers_are_for_everyone_on_this_machine_and_else_for_whoever_has_the_token() {
    let house = House::open().await;
    send(&house, "").await;
    send_signed(&house, "POST", "/notifications", &[], "", "somebody else's").await;
    let answer = metrics(&house, &[]).await;
    assert_eq!(answer.status, 200);
    assert!(answer.header("content-type").unwrap().starts_with("text/plain; version=0.0.4"));
    let text = answer.text();
    for line in [
        "kaltura_mirror_requests_verified_total{system=\"event\"} 1\n",
        "kaltura_mirror_requests_rejected_total{reason=\"bad_signature\"} 1\n",
        "kaltura_mirror_dirty_entries{state=\"waiting\"} 0\n",
        "kaltura_mirror_account_degraded{account=\"102\"} 0\n",
        "kaltura_mirror_removal_brake{account=\"102\"} 0\n",
    ] {
        assert!(text.contains(line), "{line}{text}");
    }
    let bearer = format!("Bearer {}", house.token());
    for header in ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"] {
        assert_eq!(metrics(&house, &[(header, "203.0.113.1")]).await.status, 401, "{header}");
        let headers = [(header, "203.0.113.1"), ("Authorization", bearer.as_str())];
        assert_eq!(metrics(&house, &headers).await.status, 200, "{header}");
    }
    let foreign = "GET /metrics HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n";
    assert_eq!(http::raw(house.daemon.admin, foreign.as_bytes()).await.status, 403);
    let post = http::request(house.daemon.admin, "POST", "/metrics", &[], b"").await;
    assert_eq!((post.status, post.header("allow")), (405, Some("GET")));
}

#[tokio::test]
async fn the_numbers_say_when_an_account_is_in_trouble() {
    let house = House::open().await;
    house.kaltura.stop().await;
    // What the daemon had asked by itself at its start may have been answered just before.
    eventually("the account is told as degraded", async || {
        house.learn_facts().await;
        metrics(&house, &[]).await.text().contains("kaltura_mirror_account_degraded{account=\"102\"} 1\n")
    })
    .await;
}

#[tokio::test]
async fn a_secret_file_that_has_changed_is_noticed_by_itself_and_what_it_refused_is_accepted() {
    let house = House::open().await;
    let id = house.new_video("Under the new secret", Some(NEEDED));
    house.write_secret("the-new-secret");
    // The daemon does not know it yet: it refuses, doubts, reads the file again, and judges again.
    let answer = send_signed(&house, "POST", "/notifications", &[], &format!("entry_id={id}"), "the-new-secret").await;
    assert_eq!(answer.status, 403);
    eventually("the refused event is accepted", async || inbox(&house, InboxFilter::Verified).await.len() == 1).await;
    assert_eq!(refusals(&house).await, Vec::<String>::new());
    let answer = send_signed(&house, "POST", "/notifications", &[], "", "the-new-secret").await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn a_reload_judges_again_what_the_old_secret_refused() {
    let house = House::open().await;
    send_signed(&house, "POST", "/notifications", &[], "entry_id=0_aaaaaaaa", "somebody else's").await;
    send_signed(&house, "POST", "/notifications", &[], "entry_id=0_bbbbbbbb", "the-new-secret").await;
    house.write_secret("the-new-secret");
    house.daemon.reload_secrets().await.unwrap();
    let [accepted] = inbox(&house, InboxFilter::Verified).await.try_into().unwrap();
    assert_eq!(accepted.items[0].entry_id.as_ref().map(EntryId::as_str), Some("0_bbbbbbbb"));
    assert_eq!(refusals(&house).await, ["rejected:bad_signature"]);
}
