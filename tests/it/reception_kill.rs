//! A promise outlives the process: what was acknowledged is there after SIGKILL, ten times over.
//!
//! The child is this test binary once more: it receives notifications as fast as it can, 256 at a time, and writes a
//! line for each acknowledgement. It is killed in the midst of them; what it wrote is compared by number with what
//! the next opener of its directory finds.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::{Command, Stdio};

use kaltura_mirror::domain::clock::Clock;
use kaltura_mirror::domain::ids::{NotificationId, PartnerId};
use kaltura_mirror::domain::secret::{AdminSecret, SecretLabel};
use kaltura_mirror::intake::{Answer, Intake, RawRequest};
use kaltura_mirror::notification;
use kaltura_mirror::notification::secrets::{AccountRef, NotificationSecret, SecretSet};
use kaltura_mirror::simulator::sender::form;
use kaltura_mirror::simulator::sender::job::Job;
use kaltura_mirror::store::{AccountSpec, InboxFilter, Store};

use crate::store_claims::directory_in_memory;

const SECRET: &str = "0123456789abcdef0123456789abcdef";
const PARTNER: PartnerId = PartnerId(102);
const ROUNDS: i64 = 10;
const IN_FLIGHT: i64 = 256;
/// Acknowledgements of one round after which the child is killed.
const ENOUGH: usize = 300;

const DIRECTORY: &str = "RECEPTION_KILL_DIRECTORY";
const FIRST: &str = "RECEPTION_KILL_FIRST";

#[tokio::test]
async fn what_was_acknowledged_is_there_after_the_process_was_killed() {
    let directory = directory_in_memory();
    let mut acknowledged = BTreeSet::new();
    for round in 0..ROUNDS {
        let before = acknowledged.len();
        acknowledged.extend(receive_until_killed(directory.path(), 1_000_000 * (round + 1)));
        assert!(acknowledged.len() >= before + ENOUGH, "the child of round {round} ended by itself");

        let store = open(directory.path()).await;
        let stored = stored(&store).await;
        let lost: Vec<_> = acknowledged.difference(&stored).collect();
        assert!(lost.is_empty(), "round {round}: acknowledged and lost: {lost:?}");
        let waiting = store.dirty_counts().await.unwrap().waiting;
        assert_eq!(waiting, stored.len() as u64, "each has its entry, and each entry is dirty");
        store.close().await;
    }
}

/// Starts a child, lets it acknowledge, kills it while others are in flight; says what it had acknowledged by then.
fn receive_until_killed(directory: &Path, first: i64) -> BTreeSet<i64> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "reception_kill::the_child_that_is_killed", "--ignored", "--nocapture", "--test-threads=1"])
        .env(DIRECTORY, directory)
        .env(FIRST, first.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let number = |line: String| line.strip_prefix("acknowledged ").and_then(|number| number.parse().ok());
    let mut acknowledged: BTreeSet<i64> = lines.by_ref().filter_map(number).take(ENOUGH).collect();
    child.kill().unwrap(); // SIGKILL
    child.wait().unwrap();
    acknowledged.extend(lines.filter_map(number)); // what was on its way
    acknowledged
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "runs only as the child of what_was_acknowledged_is_there_after_the_process_was_killed"]
async fn the_child_that_is_killed() {
    let Ok(directory) = std::env::var(DIRECTORY) else { return };
    let first: i64 = std::env::var(FIRST).unwrap().parse().unwrap();
    let store = open(Path::new(&directory)).await;
    let intake = Intake::new(store.clone(), secrets(&store), notification::Limits::default());
    let senders: Vec<_> =
        (0..IN_FLIGHT).map(|sender| tokio::spawn(receive_for_ever(intake.clone(), first + sender))).collect();
    for sender in senders {
        sender.await.unwrap();
    }
}

async fn receive_for_ever(intake: Intake, first: i64) {
    for number in (first..).step_by(usize::try_from(IN_FLIGHT).unwrap()) {
        assert_eq!(intake.receive(request(number)).await, Answer::Accepted);
        let line = format!("acknowledged {number}\n");
        std::io::stdout().lock().write_all(line.as_bytes()).unwrap();
    }
}

fn request(number: i64) -> RawRequest {
    let job = Job::about_entry(NotificationId(number), PARTNER, "entry_update", &format!("0_e{number}"));
    RawRequest {
        received_at: Clock::system().now(),
        peer: Ipv4Addr::LOCALHOST.into(),
        headers: vec![("content-type".into(), "application/x-www-form-urlencoded".into())],
        body: form::body_single(&job, &AdminSecret::new(SECRET)).into(),
    }
}

async fn stored(store: &Store) -> BTreeSet<i64> {
    let mut stored = BTreeSet::new();
    let mut before = None;
    loop {
        let page = store.inbox_list(InboxFilter::Verified, before, 500).await.unwrap();
        let Some(last) = page.last() else { return stored };
        before = Some(last.id);
        stored.extend(page.iter().flat_map(|request| &request.items).map(|item| item.notification_id.unwrap().0));
    }
}

async fn open(directory: &Path) -> Store {
    let account =
        AccountSpec { partner_id: PARTNER, service_url: "https://kaltura.example".into(), label: "102".into() };
    Store::open(directory, &[account], Clock::system()).await.unwrap()
}

fn secrets(store: &Store) -> SecretSet {
    SecretSet::new(vec![NotificationSecret {
        account: AccountRef { account: store.find_account(PARTNER).unwrap(), partner: PARTNER },
        label: SecretLabel("102/admin_secret".into()),
        secret: AdminSecret::new(SECRET),
    }])
    .unwrap()
}
