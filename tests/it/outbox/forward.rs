//! Raw copies of verified requests: byte for byte, from the inbox.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use kaltura_mirror::domain::hook::PASSED_BY;
use kaltura_mirror::domain::ids::{NotificationId, PartnerId};
use kaltura_mirror::domain::secret::{AdminSecret, SecretLabel};
use kaltura_mirror::intake::{Answer, Intake, RawRequest};
use kaltura_mirror::notification;
use kaltura_mirror::notification::secrets::{AccountRef, NotificationSecret, SecretSet};
use kaltura_mirror::simulator::sender::form;
use kaltura_mirror::simulator::sender::job::Job;
use kaltura_mirror::store::{ClaimedDelivery, DeliveryContent, DeliveryState, HookSpec, HookWhat};

use super::listener;
use crate::store_mirror::house::House;

const SECRET: &str = "0123456789abcdef0123456789abcdef";

fn copies(name: &str) -> HookSpec {
    HookSpec { name: name.into(), what: HookWhat::Forward }
}

fn intake(house: &House, secret: &str) -> Intake {
    let secret = NotificationSecret {
        account: AccountRef { account: house.account(), partner: PartnerId(102) },
        label: SecretLabel("102/admin_secret".into()),
        secret: AdminSecret::new(secret),
    };
    Intake::new(house.store.clone(), SecretSet::new(vec![secret]).unwrap(), notification::Limits::default())
}

fn request(house: &House, number: i64) -> RawRequest {
    let job = Job::about_entry(NotificationId(number), PartnerId(102), "entry_update", "0_abcd1234");
    let body = form::body_single(&job.with_fields([("name", "Café & co")]), &AdminSecret::new(SECRET));
    RawRequest {
        received_at: house.clock.now(),
        peer: IpAddr::V4(Ipv4Addr::LOCALHOST),
        headers: vec![("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned())],
        body: body.into_bytes(),
    }
}

fn raw(claimed: &ClaimedDelivery) -> (&str, &[(String, String)], &[u8]) {
    match &claimed.content {
        DeliveryContent::Raw { method, headers, body } => (method, headers, body),
        other => panic!("{other:?}"),
    }
}

/// What names the data directory, as it stands in the ids of its deliveries.
fn our_name(claimed: &ClaimedDelivery) -> String {
    claimed.id.0.split('_').nth(1).unwrap().to_owned()
}

#[tokio::test]
async fn a_verified_request_is_passed_on_byte_for_byte_and_a_repetition_is_not() {
    let house = House::with_hooks(vec![copies("old"), listener("cms")]).await;
    let intake = intake(&house, SECRET);
    let sent = request(&house, 1001);
    assert_eq!(intake.receive(sent.clone()).await, Answer::Accepted);
    assert_eq!(intake.receive(sent.clone()).await, Answer::Duplicate);
    drop(intake);
    let house = house.restart().await;
    let claimed = house.deliverer().claim("old").await;
    let [claimed] = claimed.as_slice() else { panic!("{claimed:?}") };
    let marked = [sent.headers.clone(), vec![(PASSED_BY.to_owned(), our_name(claimed))]].concat();
    assert_eq!(raw(claimed), ("POST", marked.as_slice(), sent.body.as_slice()));
    assert_eq!((claimed.account, &claimed.entry), (house.account(), &None));
    assert!(house.deliverer().claim("cms").await.is_empty(), "a hint is no event");
}

#[tokio::test]
async fn what_is_refused_is_passed_on_only_once_it_proves_genuine() {
    let house = House::with_hooks(vec![copies("old")]).await;
    let sent = request(&house, 1001);
    let wrong = intake(&house, "ffffffffffffffffffffffffffffffff");
    assert!(matches!(wrong.receive(sent.clone()).await, Answer::BadSignature(_)));
    assert!(house.deliverer().claim("old").await.is_empty());

    let repaired = intake(&house, SECRET).reverify().await.unwrap();
    assert_eq!(repaired.accepted.len(), 1);
    let claimed = house.deliverer().claim("old").await;
    assert_eq!(raw(&claimed[0]).2, sent.body.as_slice());
}

#[tokio::test]
async fn what_has_passed_us_before_is_accepted_and_counted_and_not_passed_on_again() {
    let house = House::with_hooks(vec![copies("old")]).await;
    let intake = intake(&house, SECRET);
    let passed_by = |number, names: &str| {
        let mut request = request(&house, number);
        request.headers.push((PASSED_BY.to_owned(), names.to_owned()));
        request
    };
    intake.receive(request(&house, 1)).await;
    let us = our_name(&house.deliverer().claim("old").await[0]);
    for (number, names) in [(2, us.clone()), (3, format!("0123abcd, {us}"))] {
        assert_eq!(intake.receive(passed_by(number, &names)).await, Answer::Accepted);
    }
    assert!(house.deliverer().claim("old").await.is_empty());
    assert_eq!(house.store.returned_forwards(), 2);

    intake.receive(passed_by(4, "0123abcd")).await;
    let claimed = house.deliverer().claim("old").await;
    let named = raw(&claimed[0]).1.iter().find(|(name, _)| name == PASSED_BY).unwrap();
    assert_eq!(named.1, format!("{us}, 0123abcd"), "a circle of two is seen by both");
    assert_eq!(house.store.returned_forwards(), 2);
}

#[tokio::test]
async fn what_has_passed_us_before_and_was_refused_is_not_passed_on_when_it_proves_genuine() {
    let house = House::with_hooks(vec![copies("old")]).await;
    intake(&house, SECRET).receive(request(&house, 1)).await;
    let us = our_name(&house.deliverer().claim("old").await[0]);
    let mut back = request(&house, 2);
    back.headers.push((PASSED_BY.to_owned(), us));
    intake(&house, "ffffffffffffffffffffffffffffffff").receive(back).await;
    assert_eq!(intake(&house, SECRET).reverify().await.unwrap().accepted.len(), 1);
    assert!(house.deliverer().claim("old").await.is_empty());
}

#[tokio::test]
async fn the_method_is_kept_and_is_no_header() {
    let house = House::with_hooks(vec![copies("old")]).await;
    let intake = intake(&house, SECRET);
    let mut sent = request(&house, 1);
    sent.headers.insert(0, (":method".to_owned(), "PUT".to_owned()));
    intake.receive(sent).await;
    assert_eq!(house.store.inbox_find(1).await.unwrap().unwrap().method(), "PUT");
    let claimed = house.deliverer().claim("old").await;
    let (method, headers, _) = raw(&claimed[0]);
    assert_eq!(method, "PUT");
    assert!(headers.iter().all(|(name, _)| name != ":method"), "{headers:?}");
}

#[tokio::test]
async fn a_request_whose_body_is_no_longer_kept_cannot_be_passed_on() {
    let house = House::with_hooks(vec![copies("old")]).await;
    let intake = intake(&house, SECRET);
    intake.receive(request(&house, 1001)).await;
    house.clock.advance(Duration::from_secs(15 * 24 * 60 * 60));
    house.store.prune_inbox().await.unwrap();
    assert!(house.deliverer().claim("old").await.is_empty());
    assert_eq!(house.standing(DeliveryState::Discarded).await, 1);
}

#[tokio::test]
async fn requests_that_arrive_together_are_all_passed_on() {
    let house = House::with_hooks(vec![copies("old"), copies("older")]).await;
    let intake = intake(&house, SECRET);
    let requests: Vec<_> = (1..=40).map(|number| request(&house, number)).collect();
    let answers = futures_util::future::join_all(requests.iter().map(|one| intake.receive(one.clone()))).await;
    assert!(answers.iter().all(|answer| *answer == Answer::Accepted));
    for name in ["old", "older"] {
        let claimed = house.deliverer().claim(name).await;
        let mut bodies: Vec<_> = claimed.iter().map(|one| raw(one).2).collect();
        let mut sent: Vec<_> = requests.iter().map(|one| one.body.as_slice()).collect();
        bodies.sort_unstable();
        sent.sort_unstable();
        assert_eq!(bodies, sent, "{name}");
    }
}
