//! The promise of 200 under attack: the real program is killed in the midst of acknowledging, and flooded with forgeries.
//!
//! What the sender was told is compared by number with what the next start finds on the same data directory.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use kaltura_mirror::domain::clock::Clock;
use kaltura_mirror::domain::ids::{NotificationId, PartnerId};
use kaltura_mirror::domain::secret::AdminSecret;
use kaltura_mirror::simulator::account::{ADMIN_SECRET, PARTNER};
use kaltura_mirror::simulator::sender::form;
use kaltura_mirror::simulator::sender::job::Job;
use kaltura_mirror::store::{InboxFilter, Store};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::house::process::{Place, Serving};
use crate::house::{House, http};

const ROUNDS: i64 = 10;
const SENDERS: i64 = 256;
/// Acknowledgements of one round after which the process is killed, as soon as this many more are on their way.
const ENOUGH: usize = 300;
const IN_FLIGHT: usize = 200;

#[tokio::test]
async fn whatever_was_acknowledged_is_there_after_each_of_ten_kills() {
    let place = Place::new().await;
    // Whatever is looked at stays under way: each look dies with its process.
    place.kaltura.set_latency(Duration::from_secs(3600));
    let mut acknowledged = BTreeSet::new();
    let mut serving = place.serve();
    for round in 1..=ROUNDS {
        let told = send_until_killed(serving, round * 1_000_000).await;
        assert!(told.len() >= ENOUGH, "round {round}: {} were acknowledged", told.len());
        serving = place.serve();
        let store = Store::open_read_only(&place.path("data"), Clock::system()).await.unwrap();
        acknowledged.extend(told);
        let received = received(&store).await;
        let lost: Vec<_> = acknowledged.difference(&received).copied().collect();
        assert!(lost.is_empty(), "round {round}: acknowledged and lost: {lost:?}");
        // Each is about an entry of its own, and no look ever ends.
        let dirty = store.dirty_counts().await.unwrap();
        assert_eq!(dirty.waiting + dirty.leased, received.len() as u64, "round {round}: an entry is not dirty");
        store.close().await;
    }
}

/// What all senders were told, in the end.
async fn send_until_killed(serving: Serving, first: i64) -> BTreeSet<i64> {
    let sending = Arc::new(Sending::default());
    let mut senders = JoinSet::new();
    for sender in 0..SENDERS {
        senders.spawn(Arc::clone(&sending).send_until_broken(serving.public, first + sender));
    }
    sending.is_time.notified().await;
    let in_flight = sending.in_flight.load(Ordering::SeqCst);
    serving.kill();
    assert!(in_flight >= IN_FLIGHT, "{in_flight} were in flight");
    while let Some(sender) = senders.join_next().await {
        sender.unwrap();
    }
    std::mem::take(&mut *sending.acknowledged.lock().unwrap())
}

/// The senders' own account.
#[derive(Default)]
struct Sending {
    acknowledged: Mutex<BTreeSet<i64>>,
    /// Sent whole, and not answered yet.
    in_flight: AtomicUsize,
    is_time: Notify,
}

impl Sending {
    async fn send_until_broken(self: Arc<Self>, endpoint: SocketAddr, first: i64) {
        let Ok(mut connection) = TcpStream::connect(endpoint).await else { return };
        for number in (first..).step_by(usize::try_from(SENDERS).unwrap()) {
            if connection.write_all(&request(number)).await.is_err() {
                return;
            }
            self.in_flight.fetch_add(1, Ordering::SeqCst);
            if !is_acknowledged(&mut connection).await {
                return;
            }
            self.in_flight.fetch_sub(1, Ordering::SeqCst);
            let told = {
                let mut acknowledged = self.acknowledged.lock().unwrap();
                acknowledged.insert(number);
                acknowledged.len()
            };
            if told >= ENOUGH && self.in_flight.load(Ordering::SeqCst) >= IN_FLIGHT {
                self.is_time.notify_one();
            }
        }
    }
}

/// A signed notification as it goes over the wire, on a connection that is kept.
fn request(number: i64) -> Vec<u8> {
    let body = signed(number);
    let length = body.len();
    format!(
        "POST /notifications HTTP/1.1\r\nHost: mirror\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

fn signed(number: i64) -> String {
    let job = Job::about_entry(NotificationId(number), PARTNER, "entry_update", &format!("0_e{number}"));
    form::body_single(&job.with_fields([("name", "Café & co")]), &AdminSecret::new(ADMIN_SECRET))
}

/// Whether a whole 200 came; a connection that ends before was never a promise.
async fn is_acknowledged(connection: &mut TcpStream) -> bool {
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\nOK") {
        match connection.read_buf(&mut answer).await {
            Ok(read) if read > 0 => {}
            _ => return false,
        }
        assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
    }
    true
}

/// The numbers in the inbox.
async fn received(store: &Store) -> BTreeSet<i64> {
    let (mut numbers, mut before) = (BTreeSet::new(), None);
    loop {
        let page = store.inbox_list(InboxFilter::Verified, before, 500).await.unwrap();
        let Some(last) = page.last() else { return numbers };
        before = Some(last.id);
        numbers.extend(page.iter().flat_map(|request| &request.items).map(|item| item.notification_id.unwrap().0));
    }
}

#[tokio::test]
async fn a_flood_of_forgeries_delays_no_genuine_notification_and_is_remembered_in_little_room() {
    const FORGED: usize = 4_000;
    const GENUINE: i64 = 40;
    let house = House::open_with("[inbox]\nrejected_max_bytes = \"1MiB\"").await;
    let endpoint = house.daemon.public;
    let quiet = time_genuine(endpoint, 1..=GENUINE).await;

    let flood = tokio::spawn(flood(endpoint, FORGED));
    let flooded = time_genuine(endpoint, 1001..=1000 + GENUINE).await;
    flood.await.unwrap();
    println!("a genuine notification took {quiet:?} in quiet, {flooded:?} in the flood (median, slowest)");
    assert!(flooded.1 < Duration::from_secs(1), "the slowest took {:?} in the flood, {:?} before", flooded.1, quiet.1);

    house.run_until_idle().await;
    let store = &house.daemon.store;
    store.rejections_written().await;
    let counts = store.rejection_counts();
    assert_eq!(counts.queued + counts.rate_limited + counts.dropped, FORGED as u64, "{counts:?}");
    let kept = store.inbox_list(InboxFilter::Rejected, None, 10_000).await.unwrap();
    let bytes: u64 = kept.iter().map(|request| request.kept_bytes).sum();
    assert!(bytes <= 1 << 20, "{bytes} bytes of forgeries are kept");
    // Ten a minute for each sort that no other secret could make good, and the clock stands still.
    let limited = kept.iter().filter(|request| request.account.is_none()).count();
    assert!(limited <= 3 * 10, "{limited} requests that nothing can repair are kept");
    let genuine: BTreeSet<i64> = (1..=GENUINE).chain(1001..=1000 + GENUINE).collect();
    assert_eq!(received(store).await, genuine, "forgeries change nothing else");
}

/// The median and the longest time that a genuine notification took, one after the other.
async fn time_genuine(endpoint: SocketAddr, numbers: std::ops::RangeInclusive<i64>) -> (Duration, Duration) {
    let mut times = Vec::new();
    for number in numbers {
        let begin = Instant::now();
        assert_eq!(http::post_form(endpoint, "/notifications", &signed(number)).await.status, 200);
        times.push(begin.elapsed());
    }
    times.sort_unstable();
    (times[times.len() / 2], times[times.len() - 1])
}

/// Forgeries of every sort, eight at a time: a wrong secret, another partner, no signature, no form.
async fn flood(endpoint: SocketAddr, requests: usize) {
    let mut senders = JoinSet::new();
    for sender in 0..8 {
        senders.spawn(async move {
            for number in (sender..requests).step_by(8) {
                let id = NotificationId(i64::try_from(number).unwrap());
                let forge = |partner| {
                    let job = Job::about_entry(id, partner, "entry_delete", "0_abcd1234");
                    form::body_single(&job, &AdminSecret::new("00000000000000000000000000000000"))
                };
                let body = match number % 4 {
                    0 => forge(PARTNER),
                    1 => forge(PartnerId(999)),
                    2 => "notification_id=1&entry_id=0_abcd1234".to_owned(),
                    _ => "%".repeat(100),
                };
                let answer = http::post_form(endpoint, "/notifications", &body).await;
                assert!(matches!(answer.status, 400 | 403), "{}", answer.status);
            }
        });
    }
    while let Some(sender) = senders.join_next().await {
        sender.unwrap();
    }
}
