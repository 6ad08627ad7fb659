//! Further factors beside the signature: who lacks one is turned away, and nothing of them is kept.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::*;

const PATH: &str = "p4th-s3gment-of-its-own";
const PASSWORD: &str = "p4ssw0rd-of-its-own";
const TOKEN: &str = "t0ken-of-its-own";

fn all_factors() -> String {
    format!(
        "notification_path_secret = \"{PATH}\"\nnotification_peers = [\"127.0.0.0/8\"]\n\
         [notification_basic]\nuser = \"kaltura\"\npassword = \"{PASSWORD}\"\n\
         [notification_header]\nname = \"X-Mirror-Token\"\nvalue = \"{TOKEN}\"\n"
    )
}

#[tokio::test]
async fn with_all_factors_a_request_is_accepted_and_without_any_of_them_it_is_not() {
    let house = house_with(&all_factors()).await;
    let id = house.new_video("Guarded", Some(NEEDED));
    let (path, body) = (format!("/notifications/{PATH}"), format!("entry_id={id}"));
    let basic = format!("Basic {}", STANDARD.encode(format!("kaltura:{PASSWORD}")));
    let (basic, token) = (("Authorization", basic.as_str()), ("X-Mirror-Token", TOKEN));
    let wrong = format!("/notifications/{PATH}0");
    for (path, headers, reason) in [
        ("/notifications", &[basic, token][..], "factor:path"),
        (&wrong, &[basic, token], "factor:path"),
        (&path, &[token], "factor:basic"),
        (&path, &[("Authorization", "Basic a2FsdHVyYTp4"), token], "factor:basic"),
        (&path, &[basic], "factor:header"),
        (&path, &[basic, ("X-Mirror-Token", "another")], "factor:header"),
    ] {
        let answer = send_with(&house, "POST", path, headers, &body).await;
        assert_eq!((answer.status, answer.header("content-type")), (403, Some("application/problem+json")));
        assert_eq!(refusals(&house).await[0], format!("rejected:{reason}"));
    }
    assert!(house.daemon.store.dirty_counts().await.unwrap().is_idle());
    assert_eq!(send_with(&house, "POST", &path, &[basic, token], &body).await.status, 200);
    house.run_until_idle().await;
    assert!(house.public_entry(&id).await.is_some());

    let reverified = house.daemon.intake.reverify().await.unwrap();
    assert_eq!((reverified.accepted, reverified.still_refused), (vec![], 6), "what lacked a factor stays refused");
}

#[tokio::test]
async fn senders_from_elsewhere_are_turned_away_also_behind_a_proxy() {
    let peers = "notification_peers = [\"198.51.100.0/24\"]\n";
    let clock = Clock::manual(START);
    let kaltura = Simulator::start(Options::new(believable_account(7, clock.clone()))).await.unwrap();
    let house = House::beside_with(kaltura, clock, peers, "server.trusted_proxies = [\"127.0.0.1\"]").await;
    let from = async |address: &str| {
        let headers = [("X-Forwarded-For", address)];
        send_with(&house, "POST", "/notifications", &headers, "entry_id=0_aaaaaaaa").await.status
    };
    assert_eq!(from("203.0.113.1").await, 403);
    assert_eq!(from("198.51.100.7, 203.0.113.1").await, 403, "only the hop before the proxy counts");
    assert_eq!(from("198.51.100.7").await, 200);
    assert_eq!(send(&house, "entry_id=0_aaaaaaaa").await.status, 403, "the proxy itself is none of them");
}

#[tokio::test]
async fn api_notifications_need_the_path_as_well() {
    let house = house_with(&format!("notification_path_secret = \"{PATH}\"\n")).await;
    let id = house.new_video("By form", Some(NEEDED));
    house.deliver().await;
    assert_eq!(house.public_entry(&id).await, None);
    assert!(refusals(&house).await.iter().all(|reason| reason == "rejected:factor:path"));

    house.clock.advance(Duration::from_secs(600));
    let address = format!("http://{}/notifications/{PATH}", house.daemon.public);
    let secret = kaltura_mirror::domain::secret::AdminSecret::new(house.kaltura.admin_secret());
    let partner = house.kaltura.partner_id();
    let sender = kaltura_mirror::simulator::sender::Sender::new(partner, secret, &address).unwrap();
    let later = house.new_video("By the right path", Some(NEEDED));
    sender.drain(house.kaltura.account()).await;
    house.run_until_idle().await;
    assert!(house.public_entry(&later).await.is_some());
}

#[tokio::test]
async fn without_the_factor_a_path_behind_the_address_leads_nowhere() {
    let house = House::open().await;
    assert_eq!(send_with(&house, "POST", "/notifications/x", &[], "").await.status, 403);
    assert_eq!(send_with(&house, "POST", "/notifications/x/y", &[], "").await.status, 404);
}

#[tokio::test]
async fn no_factor_is_kept_or_told() {
    let house = house_with(&all_factors()).await;
    let basic = format!("Basic {}", STANDARD.encode(format!("kaltura:{PASSWORD}")));
    let headers = [("Authorization", basic.as_str()), ("X-Mirror-Token", TOKEN)];
    let mut said = format!("{:?}", house.daemon.config());
    for path in [format!("/notifications/{PATH}"), "/notifications".to_owned()] {
        said += &send_with(&house, "POST", &path, &headers, "").await.text();
    }
    for request in inbox(&house, InboxFilter::All).await {
        let stored = house.daemon.store.inbox_find(request.id).await.unwrap().unwrap();
        said += &format!("{stored:?}");
    }
    let data_dir = house.data_dir();
    house.daemon.stop().await;
    for file in std::fs::read_dir(data_dir).unwrap().map(|file| file.unwrap().path()).filter(|path| path.is_file()) {
        said += &String::from_utf8_lossy(&std::fs::read(file).unwrap());
    }
    for secret in [PATH, PASSWORD, TOKEN, basic.as_str()] {
        assert!(!said.contains(secret), "{secret}");
    }
}
