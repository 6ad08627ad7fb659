//! How the stand-in sender behaves on the wire, seen by a receiver that answers what a test tells it to.

use std::sync::Mutex;
use std::time::Duration;

use kaltura_mirror::domain::clock::{Clock, Timestamp};
use kaltura_mirror::domain::ids::{AccountId, NotificationId, PartnerId};
use kaltura_mirror::domain::secret::{AdminSecret, SecretLabel};
use kaltura_mirror::notification;
use kaltura_mirror::notification::secrets::{AccountRef, NotificationSecret, SecretSet};
use kaltura_mirror::simulator::account::{ADMIN_SECRET, PARTNER, believable_account};
use kaltura_mirror::simulator::edits;
use kaltura_mirror::simulator::jobs::{JobState, NotificationJob, NotificationKind};
use kaltura_mirror::simulator::sender::job::Job;
use kaltura_mirror::simulator::sender::{Answer, Manners, Sender};
use kaltura_mirror::simulator::sink::{Received, Reply, Sink};
use kaltura_mirror::simulator::state::SimAccount;
use tokio::net::TcpListener;

const SECRET: &str = "0123456789abcdef0123456789abcdef";

fn ok() -> Reply {
    Reply::status(200)
}

fn broken() -> Reply {
    Reply::status(500)
}

#[tokio::test]
async fn a_post_looks_like_the_workers_own() {
    let receiver = Receiver::start(&[ok()]).await;
    let delivery = receiver.sender().send_single(&deletion(1002)).await;

    assert_eq!((delivery.attempts, &delivery.answer), (1, &Answer::Status(200)));
    let request = receiver.requests().remove(0);
    let mut lines: Vec<String> =
        request.headers.iter().map(|(name, value)| format!("{name}: {value}").to_ascii_lowercase()).collect();
    lines.sort();
    let host = format!("host: {}", receiver.0.address());
    let length = format!("content-length: {}", request.body.len());
    let expected = ["accept: */*", &length, "content-type: application/x-www-form-urlencoded", &host];
    assert_eq!(lines, expected);
    assert_eq!((request.method.as_str(), request.target.as_str()), ("POST", "/notifications"));
    assert!(request.text().ends_with("&sig=6094be03d5bf5a0d56941687fc3cfeb0"), "{}", request.text());
}

#[tokio::test]
async fn any_final_status_but_4xx_and_5xx_is_a_delivery() {
    for (status, delivered) in [
        (200, true),
        (201, true),
        (204, true),
        (302, true),
        (304, true),
        (400, false),
        (404, false),
        (500, false),
        (503, false),
    ] {
        let receiver = Receiver::start(&[Reply::status(status)]).await;
        let sender = receiver.sender();
        let delivery = sender.send_single(&deletion(7)).await;
        assert_eq!(delivery.answer, Answer::Status(status));
        assert_eq!(delivery.answer.is_success(), delivered, "{status}");
        assert_eq!(sender.acknowledged(), if delivered { vec![NotificationId(7)] } else { vec![] });
        assert_eq!(delivery.attempts, if delivered { 1 } else { 5 });
    }
}

#[tokio::test]
async fn a_302_becomes_a_get_without_body_and_loses_the_notification_silently() {
    let receiver = Receiver::start(&[Reply::redirect(302, "/elsewhere"), ok()]).await;
    let delivery = receiver.sender().send_single(&deletion(7)).await;

    assert!(delivery.answer.is_success());
    let followed = receiver.requests().remove(1);
    assert_eq!((followed.method.as_str(), followed.target.as_str()), ("GET", "/elsewhere"));
    assert!(followed.body.is_empty());
}

#[tokio::test]
async fn a_307_keeps_the_post() {
    let receiver = Receiver::start(&[Reply::redirect(307, "/elsewhere"), ok()]).await;
    receiver.sender().send_single(&deletion(7)).await;

    let requests = receiver.requests();
    assert_eq!((requests[1].method.as_str(), requests[1].target.as_str()), ("POST", "/elsewhere"));
    assert_eq!(requests[1].body, requests[0].body);
}

#[tokio::test]
async fn a_failed_post_is_sent_again_with_the_same_number_until_it_is_taken() {
    let receiver = Receiver::start(&[broken(), Reply::status(403), ok()]).await;
    let sender = receiver.sender();
    let delivery = sender.send_multi(&[deletion(7), deletion(8)]).await;

    assert_eq!((delivery.attempts, delivery.answer), (3, Answer::Status(200)));
    assert_eq!(sender.acknowledged(), [NotificationId(7), NotificationId(8)]);
    let bodies: Vec<String> = receiver.requests().into_iter().map(|request| request.text()).collect();
    assert!(bodies.iter().all(|body| *body == bodies[0]));
}

#[tokio::test]
async fn a_receiver_that_does_not_answer_in_time_has_not_taken_it() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}/", silent.local_addr().unwrap());
    let manners = Manners { timeout: Duration::from_millis(50), ..hasty() };
    let sender = sender_to(&endpoint).with_manners(Manners { attempts_max: 2, ..manners });

    let delivery = sender.send_single(&deletion(7)).await;
    assert_eq!((delivery.attempts, delivery.answer), (2, Answer::Failed("no answer in time".to_owned())));
    assert_eq!(sender.acknowledged(), []);
}

#[tokio::test]
async fn queued_notifications_go_out_one_by_one_and_are_marked_as_sent() {
    let receiver = Receiver::start(&[ok()]).await;
    let account = account_with_jobs(12);
    let deliveries = receiver.sender().drain(&account).await;

    assert_eq!(deliveries.len(), 12);
    assert_eq!(states(&account), [JobState::Sent; 12]);
    assert!(receiver.requests()[0].text().starts_with("notification_id=501&notification_type=entry_delete&"));
    assert_eq!(receiver.sender().drain(&account).await, []);
}

#[tokio::test]
async fn an_account_that_allows_it_gets_ten_notifications_in_one_post() {
    let receiver = Receiver::start(&[ok()]).await;
    let account = account_with_jobs(11);
    account.lock().unwrap().allow_multi_notification = true;
    let deliveries = receiver.sender().drain(&account).await;

    assert_eq!(deliveries.iter().map(|delivery| delivery.notifications.len()).collect::<Vec<_>>(), [10, 1]);
    let bodies: Vec<String> = receiver.requests().into_iter().map(|request| request.text()).collect();
    assert!(bodies[0].ends_with("&multi_notification=true&number_of_notifications=10"));
    assert!(bodies[1].starts_with("not1_notification_id=511&") && bodies[1].ends_with("&number_of_notifications=1"));
}

#[tokio::test]
async fn a_notification_that_failed_is_due_again_only_when_its_time_has_come() {
    let receiver = Receiver::start(&[broken(), broken(), ok()]).await;
    let account = account_with_jobs(1);
    let clock = account.lock().unwrap().clock.clone();
    let sender = sender_to(&receiver.endpoint());

    for attempt in 1..=3 {
        assert_eq!(sender.drain(&account).await.len(), 1, "attempt {attempt}");
        assert_eq!(sender.drain(&account).await.len(), 0);
        clock.advance(Duration::from_secs(600));
    }
    assert_eq!(states(&account), [JobState::Sent]);
    assert_eq!(account.lock().unwrap().jobs[0].attempts, 3);
    assert_eq!(sender.acknowledged(), [NotificationId(501)]);
}

#[tokio::test]
async fn after_five_failures_a_notification_is_lost() {
    let receiver = Receiver::start(&[broken()]).await;
    let account = account_with_jobs(1);
    let deliveries = receiver.sender().drain(&account).await;

    assert_eq!(deliveries.iter().map(|delivery| delivery.attempts).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    assert_eq!(states(&account), [JobState::Failed]);
    assert_eq!(receiver.requests().len(), 5);
}

#[tokio::test]
async fn the_receiver_believes_what_is_sent_about_every_entry_of_the_account() {
    let clock = Clock::manual(Timestamp::from_secs(1_795_459_465));
    for is_multi in [false, true] {
        let account = Mutex::new(told_about_everything(clock.clone()));
        account.lock().unwrap().allow_multi_notification = is_multi;
        let queued = account.lock().unwrap().jobs.len();
        let receiver = Receiver::start(&[ok()]).await;
        Sender::new(PARTNER, AdminSecret::new(ADMIN_SECRET), &receiver.endpoint()).unwrap().drain(&account).await;

        let hints: usize = receiver.requests().iter().map(|request| hints_in(&request.text())).sum();
        assert_eq!(hints, queued, "multi: {is_multi}");
    }
}

/// The account after a person renamed every entry, and flagged and deleted one.
fn told_about_everything(clock: Clock) -> SimAccount {
    let mut account = believable_account(7, clock);
    let ids: Vec<_> =
        account.entries.values().filter(|entry| !entry.is_deleted()).map(|entry| entry.id.clone()).collect();
    for id in &ids {
        edits::update_entry(&mut account, id, |entry| entry.name.push_str(" (new)"));
    }
    edits::flag(&mut account, &ids[0], "not what it says & more");
    edits::replace_thumbnail(&mut account, &ids[1], 9);
    account
}

/// How many hints the receiver takes from a body it has verified.
fn hints_in(body: &str) -> usize {
    let secret = NotificationSecret {
        account: AccountRef { account: AccountId(1), partner: PARTNER },
        label: SecretLabel("102/admin_secret".to_owned()),
        secret: AdminSecret::new(ADMIN_SECRET),
    };
    let content_type = Some("application/x-www-form-urlencoded");
    let request = notification::Request { content_type, body: body.as_bytes(), signature: None, hash_algorithm: None };
    let signed = notification::form::parse(&request, &notification::Limits::default()).unwrap();
    let (verified, _) = signed.verify(&SecretSet::new(vec![secret]).unwrap()).unwrap();
    verified.hints().len()
}

#[test]
fn only_an_http_url_can_be_sent_to() {
    for url in ["https://127.0.0.1/notifications", "notifications", ""] {
        let refused = Sender::new(PartnerId(102), AdminSecret::new(SECRET), url).unwrap_err();
        assert!(refused.to_string().contains("is not an http URL"), "{refused}");
    }
}

fn deletion(id: i64) -> Job {
    Job::about_entry(NotificationId(id), PartnerId(102), "entry_delete", "0_abcd1234")
}

fn hasty() -> Manners {
    Manners { retry_after: Duration::ZERO, ..Manners::default() }
}

fn sender_to(endpoint: &str) -> Sender {
    Sender::new(PartnerId(102), AdminSecret::new(SECRET), endpoint).unwrap()
}

fn account_with_jobs(count: usize) -> Mutex<SimAccount> {
    let clock = Clock::manual(Timestamp::from_secs(1_795_459_465));
    let mut account = SimAccount::new(PartnerId(102), SECRET, clock);
    for _ in 0..count {
        let job = NotificationJob {
            id: account.make_notification_id(),
            kind: NotificationKind::EntryDelete,
            puser_id: "editor@example.test".to_owned(),
            object_type: 1,
            object_id: "0_abcd1234".to_owned(),
            fields: None,
            created_at: account.now(),
            state: JobState::Pending,
            attempts: 0,
        };
        account.jobs.push(job);
    }
    Mutex::new(account)
}

fn states(account: &Mutex<SimAccount>) -> Vec<JobState> {
    account.lock().unwrap().jobs.iter().map(|job| job.state).collect()
}

/// Answers each request with the next answer; the last one stays.
struct Receiver(Sink);

impl Receiver {
    async fn start(replies: &[Reply]) -> Self {
        let sink = Sink::start().await;
        let (last, first) = replies.split_last().unwrap();
        sink.always(last.clone());
        sink.answer_with(first.iter().cloned());
        Self(sink)
    }

    fn endpoint(&self) -> String {
        format!("http://{}/notifications", self.0.address())
    }

    /// A sender to this receiver that does not wait between attempts.
    fn sender(&self) -> Sender {
        sender_to(&self.endpoint()).with_manners(hasty())
    }

    fn requests(&self) -> Vec<Received> {
        self.0.received()
    }
}
