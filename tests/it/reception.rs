//! What a notification changes, and what a request that is none cannot change.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::time::Duration;

use kaltura_mirror::domain::clock::{Clock, Timestamp};
use kaltura_mirror::domain::ids::{AccountId, NotificationId, PartnerId};
use kaltura_mirror::domain::secret::{AdminSecret, SecretLabel};
use kaltura_mirror::intake::{Answer, Intake, RawRequest, Reverified};
use kaltura_mirror::notification;
use kaltura_mirror::notification::secrets::{AccountRef, NotificationSecret, SecretSet};
use kaltura_mirror::simulator::sender::form;
use kaltura_mirror::simulator::sender::job::{Job, Object, ObjectKind};
use kaltura_mirror::store::{
    AccountSpec, ClaimedBatch, Error, InboxFilter, InboxRequest, ItemOutcome, Lane, Limits, Reason, Store, Verdict,
};

const SECRET: &str = "0123456789abcdef0123456789abcdef";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The reception of one daemon on real files, and the clock it goes by.
struct House {
    directory: tempfile::TempDir,
    clock: Clock,
    store: Store,
    intake: Intake,
}

impl House {
    async fn open() -> Self {
        Self::open_with(Limits::default()).await
    }

    async fn open_with(limits: Limits) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let clock = Clock::manual(Timestamp::from_secs(1_795_000_000));
        let store = store(directory.path(), &clock, limits).await;
        let intake = Intake::new(store.clone(), secrets(&store, SECRET), notification::Limits::default());
        Self { directory, clock, store, intake }
    }

    async fn restart(self) -> Self {
        self.restart_with(Limits::default()).await
    }

    async fn restart_with(self, limits: Limits) -> Self {
        let Self { directory, clock, store: old, intake } = self;
        old.close().await;
        drop((old, intake));
        let store = store(directory.path(), &clock, limits).await;
        let intake = Intake::new(store.clone(), secrets(&store, SECRET), notification::Limits::default());
        Self { directory, clock, store, intake }
    }

    async fn post(&self, body: impl Into<Vec<u8>>) -> Answer {
        self.post_from(1, body).await
    }

    async fn post_from(&self, host: u8, body: impl Into<Vec<u8>>) -> Answer {
        self.intake.receive(self.request(host, body.into())).await
    }

    fn request(&self, host: u8, body: Vec<u8>) -> RawRequest {
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        RawRequest {
            received_at: self.clock.now(),
            peer: IpAddr::V4(Ipv4Addr::new(198, 51, 100, host)),
            headers: vec![
                header("content-type", "application/x-www-form-urlencoded"),
                header("authorization", "not ours to keep"),
            ],
            body,
        }
    }

    async fn inbox(&self, filter: InboxFilter) -> Vec<InboxRequest> {
        self.store.rejections_written().await;
        self.store.inbox_list(filter, None, 1000).await.unwrap()
    }

    /// Everything that is dirty now, settled.
    async fn looks(&self) -> Vec<String> {
        let Some(batch) = self.claim().await else { return Vec::new() };
        let mut ids: Vec<String> = batch.entries().iter().map(|claimed| claimed.entry_id.to_string()).collect();
        ids.sort();
        let outcomes = batch.entries().iter().map(|claimed| (claimed.entry_id.clone(), done())).collect();
        self.store.settle(batch, outcomes).await.unwrap();
        self.clock.advance(Duration::from_secs(60));
        ids
    }

    async fn claim(&self) -> Option<ClaimedBatch> {
        self.store.claim(&Lane::ALL, 100, Duration::from_secs(60)).await.unwrap()
    }
}

async fn store(directory: &Path, clock: &Clock, limits: Limits) -> Store {
    let account =
        AccountSpec { partner_id: PartnerId(102), service_url: "https://kaltura.example".into(), label: "102".into() };
    Store::open_with(directory, &[account], clock.clone(), limits).await.unwrap()
}

fn secrets(store: &Store, secret: &str) -> SecretSet {
    let account = store.find_account(PartnerId(102)).unwrap();
    SecretSet::new(vec![NotificationSecret {
        account: AccountRef { account, partner: PartnerId(102) },
        label: SecretLabel("102/admin_secret".into()),
        secret: AdminSecret::new(secret),
    }])
    .unwrap()
}

fn done() -> kaltura_mirror::store::Outcome {
    kaltura_mirror::store::Outcome::Done
}

fn update(id: i64, entry: &str) -> Job {
    Job::about_entry(NotificationId(id), PartnerId(102), "entry_update", entry).with_fields([("name", "Café & co")])
}

fn signed(job: &Job) -> String {
    form::body_single(job, &AdminSecret::new(SECRET))
}

fn signed_multi(jobs: &[Job]) -> String {
    form::body_multi(jobs, &AdminSecret::new(SECRET))
}

#[tokio::test]
async fn a_notification_is_kept_and_its_entry_is_dirty_before_it_is_acknowledged() {
    let house = House::open().await;
    let body = signed(&update(1001, "0_abcd1234"));
    assert_eq!(house.post(body.clone()).await, Answer::Accepted);
    let house = house.restart().await;

    let [request] = house.inbox(InboxFilter::Verified).await.try_into().unwrap();
    assert_eq!(request.verdict, Verdict::Verified);
    assert_eq!(request.secret_label, Some(SecretLabel("102/admin_secret".into())));
    let item = &request.items[0];
    assert_eq!((item.notification_id, item.kind.as_str()), (Some(NotificationId(1001)), "entry_update"));
    assert_eq!(item.outcome, ItemOutcome::Hinted);
    let stored = house.store.inbox_find(request.id).await.unwrap().unwrap();
    assert_eq!(stored.body, body.into_bytes(), "the raw bytes, before any decoding");
    assert_eq!(stored.header("content-type"), Some("application/x-www-form-urlencoded"));
    assert_eq!(stored.header("authorization"), None);

    let batch = house.claim().await.unwrap();
    assert_eq!(batch.entries()[0].entry_id.as_str(), "0_abcd1234");
    assert!(batch.entries()[0].reasons.contains(Reason::Notification));
}

#[tokio::test]
async fn a_repeated_notification_is_accepted_once_and_counted() {
    let house = House::open().await;
    let body = signed(&update(1001, "0_abcd1234"));
    assert_eq!(house.post(body.clone()).await, Answer::Accepted);
    assert_eq!(house.looks().await, ["0_abcd1234"]);
    let house = house.restart().await;
    for _ in 0..3 {
        assert_eq!(house.post(body.clone()).await, Answer::Duplicate);
    }

    assert!(house.looks().await.is_empty());
    let [request] = house.inbox(InboxFilter::All).await.try_into().unwrap();
    assert_eq!((request.items[0].repeats, request.items[0].repeated_at), (3, Some(house.clock.now())));
}

#[tokio::test]
async fn a_known_number_with_other_fields_is_a_hint_like_any_other() {
    let house = House::open().await;
    house.post(signed(&update(1001, "0_abcd1234"))).await;
    house.looks().await;
    assert_eq!(house.post(signed(&update(1001, "0_other"))).await, Answer::Accepted);
    assert_eq!(house.looks().await, ["0_other"]);
    assert_eq!(house.post(signed(&update(1001, "0_other"))).await, Answer::Duplicate);
}

#[tokio::test]
async fn a_multi_is_split_by_item_and_an_item_sent_again_by_itself_is_known() {
    let house = House::open().await;
    let banned = Job {
        kind: "user_banned".into(),
        object: Some(Object { kind: ObjectKind::User, id: "77".into() }),
        ..update(2003, "0_e1")
    };
    let delete = Job::about_entry(NotificationId(2002), PartnerId(102), "entry_delete", "0_e2");
    assert_eq!(house.post(signed_multi(&[update(2001, "0_e1"), delete.clone(), banned])).await, Answer::Accepted);
    assert_eq!(house.looks().await, ["0_e1", "0_e2"]);
    assert_eq!(house.post(signed(&delete)).await, Answer::Duplicate);
    assert_eq!(house.post(signed_multi(&[delete, update(2004, "0_e4")])).await, Answer::Accepted);
    assert_eq!(house.looks().await, ["0_e4"]);

    let outcomes: Vec<Vec<ItemOutcome>> = house
        .inbox(InboxFilter::All)
        .await
        .iter()
        .map(|request| request.items.iter().map(|item| item.outcome).collect())
        .collect();
    use ItemOutcome::{Duplicate, Hinted, Kept};
    assert_eq!(outcomes, [vec![Duplicate, Hinted], vec![Hinted, Hinted, Kept]]);
}

#[tokio::test]
async fn requests_that_arrive_together_are_each_answered_for_themselves() {
    let house = House::open().await;
    together(&house, 3000).await;
    // From here on the house knows which numbers are new without asking the inbox.
    together(&house, 5000).await;
    assert_eq!(house.inbox(InboxFilter::All).await.len(), 300);
    assert_eq!(house.store.dirty_counts().await.unwrap().waiting, 150);
}

/// 150 requests and each of them again right behind it, over several commits.
async fn together(house: &House, first: i64) {
    let bodies: Vec<String> =
        (0..300).map(|number| signed(&update(first + number / 2, &format!("0_e{}", number / 2)))).collect();
    let answers = futures_util::future::join_all(bodies.into_iter().map(|body| house.post(body))).await;
    let count = |wanted: Answer| answers.iter().filter(|answer| **answer == wanted).count();
    assert_eq!((count(Answer::Accepted), count(Answer::Duplicate)), (150, 150));
}

#[tokio::test]
async fn a_refused_request_changes_nothing_but_the_record_of_it() {
    let house = House::open().await;
    let forged = signed(&update(1001, "0_abcd1234")).replace("0_abcd1234", "0_evil");
    assert!(matches!(house.post(forged).await, Answer::BadSignature(refusal) if refusal.reason == "bad_signature"));
    assert!(matches!(house.post("hello").await, Answer::Malformed(_)));
    assert!(matches!(house.post(vec![b'a'; (1 << 20) + 1]).await, Answer::TooLarge(_)));
    let mut untyped = house.request(1, signed(&update(1, "0_e1")).into());
    untyped.headers.clear();
    assert!(matches!(house.intake.receive(untyped).await, Answer::NotAForm(_)));

    assert!(house.store.dirty_counts().await.unwrap().is_idle());
    let refused = house.inbox(InboxFilter::Rejected).await;
    let reasons: Vec<String> = refused.iter().map(|request| request.verdict.to_string()).collect();
    assert_eq!(
        reasons,
        ["rejected:not_a_form", "rejected:too_large", "rejected:malformed:not_a_pair", "rejected:bad_signature"]
    );
    assert_eq!((refused[1].body_bytes, refused[1].kept_bytes), ((1 << 20) + 1, 4096));
    assert_eq!(refused[3].account, house.store.find_account(PartnerId(102)), "as it claims");
    assert_eq!(house.inbox(InboxFilter::All).await, refused);
}

#[tokio::test]
async fn a_flood_of_nonsense_is_recorded_ten_times_a_minute_for_each_peer_and_reason() {
    let house = House::open().await;
    for number in 0..50 {
        house.post(format!("nonsense{number}")).await;
    }
    house.post_from(2, "nonsense").await;
    assert_eq!(house.inbox(InboxFilter::Rejected).await.len(), 11);
    assert_eq!(house.store.rejection_counts().rate_limited, 40);
    house.clock.advance(Duration::from_secs(60));
    house.post("nonsense").await;
    assert_eq!(house.inbox(InboxFilter::Rejected).await.len(), 12);
}

#[tokio::test]
async fn what_a_wrong_secret_refused_is_accepted_when_the_secret_is_right() {
    let house = House::open().await;
    house.intake.renew_secrets(secrets(&house.store, "yesterday's secret")).await.unwrap();
    let bodies: Vec<String> = (0..30).map(|number| signed(&update(number, &format!("0_e{number}")))).collect();
    for body in &bodies {
        assert!(matches!(house.post(body.clone()).await, Answer::BadSignature(_)));
    }
    house.post("nonsense").await;
    assert_eq!(house.inbox(InboxFilter::Rejected).await.len(), 31, "no rate limit for what can be repaired");
    assert_eq!(house.intake.reverify().await.unwrap().still_refused, 31);

    house.clock.advance(Duration::from_secs(2 * 60 * 60));
    house.intake.renew_secrets(secrets(&house.store, SECRET)).await.unwrap();
    house.post(bodies[0].clone()).await;
    let reverified = house.intake.reverify().await.unwrap();
    assert_eq!((reverified.accepted.len(), reverified.still_refused), (30, 1));
    assert_eq!(house.store.dirty_counts().await.unwrap().waiting, 30);
    assert_eq!(house.inbox(InboxFilter::Rejected).await.len(), 1);
    for body in bodies {
        assert_eq!(house.post(body).await, Answer::Duplicate, "known by now");
    }
    assert!(house.intake.reverify().await.unwrap().accepted.is_empty());
}

#[tokio::test]
async fn what_was_refused_within_the_hour_is_judged_again_by_itself_when_the_secret_changes() {
    let house = House::open().await;
    house.intake.renew_secrets(secrets(&house.store, "yesterday's secret")).await.unwrap();
    house.post(signed(&update(1, "0_early"))).await;
    house.clock.advance(Duration::from_secs(40 * 60));
    house.post(signed(&update(2, "0_late"))).await;
    house.post("nonsense").await;
    house.clock.advance(Duration::from_secs(30 * 60));

    let unchanged = house.intake.renew_secrets(secrets(&house.store, "yesterday's secret")).await.unwrap();
    assert_eq!(unchanged, Reverified::default(), "nothing has changed, nothing is judged");
    let reverified = house.intake.renew_secrets(secrets(&house.store, SECRET)).await.unwrap();
    assert_eq!((reverified.accepted.len(), reverified.still_refused), (1, 0));
    assert_eq!(house.looks().await, ["0_late"]);
    assert_eq!(house.inbox(InboxFilter::Rejected).await.len(), 2);
}

#[tokio::test]
async fn a_replay_makes_the_entries_of_a_request_dirty_again() {
    let house = House::open().await;
    house.post(signed_multi(&[update(1, "0_e1"), update(2, "0_e2")])).await;
    assert_eq!(house.looks().await.len(), 2);
    let id = house.inbox(InboxFilter::All).await[0].id;
    assert_eq!(house.store.inbox_replay(id).await.unwrap().unwrap().len(), 2);
    assert_eq!(house.looks().await, ["0_e1", "0_e2"]);
    assert_eq!(house.store.inbox_replay(id + 1).await.unwrap(), None);
}

#[tokio::test]
async fn the_inbox_is_read_page_by_page_the_newest_first() {
    let house = House::open().await;
    for number in 0..5 {
        house.post(signed(&update(number, "0_e1"))).await;
    }
    let first = house.store.inbox_list(InboxFilter::Verified, None, 3).await.unwrap();
    let rest = house.store.inbox_list(InboxFilter::Verified, Some(first[2].id), 3).await.unwrap();
    let numbers: Vec<i64> =
        first.iter().chain(&rest).map(|request| request.items[0].notification_id.unwrap().0).collect();
    assert_eq!(numbers, [4, 3, 2, 1, 0]);
}

#[tokio::test]
async fn bodies_go_by_age_and_by_size_and_rows_go_later() {
    let mut limits = Limits::default();
    let size = signed(&update(10, "0_e0")).len() as u64;
    limits.inbox.bodies_max_bytes = 10 * size;
    let house = House::open_with(limits).await;
    for number in 10..40 {
        house.post(signed(&update(number, "0_e0"))).await;
    }
    let kept = |requests: &[InboxRequest]| requests.iter().filter(|request| request.kept_bytes > 0).count();

    assert_eq!(house.store.prune_inbox().await.unwrap().bodies, 20);
    assert_eq!(house.store.prune_inbox().await.unwrap().bodies, 0);
    let requests = house.inbox(InboxFilter::All).await;
    assert_eq!((requests.len(), kept(&requests)), (30, 10));
    assert!(requests[..10].iter().all(|request| request.kept_bytes == size), "the newest stay");
    for number in 40..45 {
        house.post(signed(&update(number, "0_e0"))).await;
    }
    assert_eq!(house.store.prune_inbox().await.unwrap().bodies, 5);

    house.clock.advance(15 * DAY);
    assert_eq!(house.store.prune_inbox().await.unwrap().bodies, 10);
    assert_eq!(kept(&house.inbox(InboxFilter::All).await), 0);
    assert_eq!(house.post(signed(&update(11, "0_e0"))).await, Answer::Duplicate, "known without its body");
    house.clock.advance(90 * DAY);
    assert_eq!(house.store.prune_inbox().await.unwrap().requests, 35);
    assert!(house.inbox(InboxFilter::All).await.is_empty());
}

#[tokio::test]
async fn refused_requests_have_a_room_of_their_own_in_which_the_newest_push_out_the_oldest() {
    let mut limits = Limits::default();
    limits.inbox.rejected_max_bytes = 64 << 10;
    let house = House::open_with(limits).await;
    house.intake.renew_secrets(secrets(&house.store, "yesterday's secret")).await.unwrap();
    let big = |number| signed(&update(number, "0_e1").with_fields([("name", "n".repeat(3000))]));
    house.post_from(9, "nonsense").await;
    for number in 0..100 {
        house.post(big(number)).await;
        if number % 30 == 0 {
            house.store.rejections_written().await;
        }
    }

    let refused = house.inbox(InboxFilter::Rejected).await;
    let taken: u64 = refused.iter().map(|request| request.kept_bytes).sum();
    assert!(taken <= 32 << 10, "{taken} bytes");
    assert_eq!(refused.last().unwrap().body_bytes, 8, "the other half of the room is untouched");
    let reverified = house.intake.renew_secrets(secrets(&house.store, SECRET)).await.unwrap();
    assert_eq!(reverified.accepted.len(), refused.len() - 1);
    assert_eq!(house.post(big(99)).await, Answer::Duplicate, "the newest was among them");

    house.clock.advance(8 * DAY);
    assert_eq!(house.store.prune_inbox().await.unwrap().rejected, 1);
}

#[tokio::test]
async fn a_full_disk_costs_the_bodies_first_then_the_promise() {
    let limits = Limits { mirror_max_bytes: Some(1 << 20), ..Limits::default() };
    let house = House::open_with(limits).await;
    let large = |number| signed(&update(number, &format!("0_e{number}")).with_fields([("name", "n".repeat(20_000))]));
    let mut accepted = 0;
    while house.post(large(accepted)).await == Answer::Accepted {
        accepted += 1;
    }

    let requests = house.store.inbox_list(InboxFilter::All, None, 10_000).await.unwrap();
    assert_eq!(requests.len() as i64, accepted);
    assert!(accepted > 200, "bodies alone would have filled the room after 20; {accepted} hints found room");
    assert_eq!(requests.iter().map(|request| request.kept_bytes).sum::<u64>(), 0);
    assert_eq!(house.store.dirty_counts().await.unwrap().waiting as i64, accepted, "every promise is kept");
    assert_eq!(house.post(large(accepted)).await, Answer::CannotStore, "and nothing more is promised");
}

#[tokio::test]
async fn a_closed_or_read_only_store_accepts_nothing() {
    let house = House::open().await;
    let reader = Store::open_read_only(house.directory.path(), house.clock.clone()).await.unwrap();
    let intake = Intake::new(reader.clone(), secrets(&reader, SECRET), notification::Limits::default());
    let request = house.request(1, signed(&update(1, "0_e1")).into());
    assert_eq!(intake.receive(request).await, Answer::CannotStore);
    let refused = reader.make_dirty(AccountId(1), &["0_e1".parse().unwrap()], Reason::Person, Lane::Live).await;
    assert!(matches!(refused, Err(Error::ReadOnly)), "{refused:?}");

    house.store.close().await;
    assert_eq!(house.post(signed(&update(1, "0_e1"))).await, Answer::CannotStore);
}
