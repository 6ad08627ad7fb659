//! Recording refused requests: in a lane and a room of their own, and never at the cost of an accept.
//!
//! Whoever likes can send us nonsense, so its record is bounded at every step: a rate for each peer and reason, a
//! queue that drops, at most four small commits a second behind the accepts, and a room in which the newest push out
//! the oldest. Requests that a repaired configuration may accept (`inbox reverify`) have half the room to themselves
//! and no rate: a wrong secret must not cost a notification.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sqlx::Row;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::JoinHandle;

use super::Store;
use super::accept::{Quiet, Reception, to_json};
use super::error::Error;
use super::inbox::Verdict;
use super::limits::InboxLimits;
use super::mirror::Mirror;
use super::writer::WriteTx;
use crate::domain::clock::Timestamp;
use crate::domain::ids::AccountId;

/// Rejections that may wait to be written; one more is dropped and counted.
const QUEUE_MAX: usize = 256;
/// Bytes of bodies that may wait to be written.
const QUEUE_MAX_BYTES: usize = 4 << 20;
/// Rejections written in one transaction.
const BATCH_MAX: usize = 64;
/// Between two of those transactions.
const PAUSE: Duration = Duration::from_millis(250);
/// How often accepts are given way before a batch is written all the same.
const GIVE_WAY_MAX: usize = 8;
/// What a row takes of the room beside its body.
const ROW_BYTES: u64 = 512;
/// Peers and reasons whose rate is remembered; beyond that the newcomers are not recorded.
const GATE_MAX: usize = 4096;
/// The window of the rate.
const MINUTE: Duration = Duration::from_secs(60);

/// A refused request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// When its last byte was here.
    pub received_at: Timestamp,
    /// Who sent it.
    pub peer: IpAddr,
    /// The headers worth keeping, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, or as much of it as was read.
    pub body: Vec<u8>,
    /// Size of the body as far as known: at least that of `body`.
    pub body_bytes: usize,
    /// The rule it broke, as a stable word.
    pub reason: &'static str,
    /// The account it claims to be for, when that is one of ours.
    pub account: Option<AccountId>,
    /// Whether a repaired configuration may accept it.
    pub is_repairable: bool,
}

/// What became of the record of a refused request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded {
    /// It will be written soon.
    Queued,
    /// This peer has had enough of this reason for now: only counted.
    RateLimited,
    /// Too many wait already: only counted.
    Dropped,
}

/// How many requests were refused since the start, by what became of their record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct RejectionCounts {
    /// Written or about to be.
    pub queued: u64,
    /// Not recorded, for the rate.
    pub rate_limited: u64,
    /// Not recorded, for want of room or by an error.
    pub dropped: u64,
}

impl Store {
    /// Notes a refused request, as far as the limits allow. Waits for nothing.
    pub fn reject(&self, rejection: Rejection) -> Recorded {
        self.0.rejections.note(rejection)
    }

    /// How many requests were refused since the start.
    pub fn rejection_counts(&self) -> RejectionCounts {
        self.0.rejections.counts.get()
    }

    /// Waits until every rejection noted so far is in the inbox.
    pub async fn rejections_written(&self) {
        self.0.rejections.written().await;
    }
}

#[derive(Debug, Default)]
struct Counts {
    queued: AtomicU64,
    rate_limited: AtomicU64,
    dropped: AtomicU64,
}

impl Counts {
    fn get(&self) -> RejectionCounts {
        RejectionCounts {
            queued: self.queued.load(Ordering::Relaxed),
            rate_limited: self.rate_limited.load(Ordering::Relaxed),
            dropped: self.dropped.load(Ordering::Relaxed),
        }
    }

    fn count(&self, recorded: Recorded) {
        let counter = match recorded {
            Recorded::Queued => &self.queued,
            Recorded::RateLimited => &self.rate_limited,
            Recorded::Dropped => &self.dropped,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

enum Message {
    Record(Rejection),
    /// Everything before this one is written.
    Mark(oneshot::Sender<()>),
}

/// Where refused requests are handed in.
pub(super) struct RejectionDesk {
    queue: Mutex<Option<mpsc::Sender<Message>>>,
    desk: Mutex<Option<JoinHandle<()>>>,
    gate: Mutex<Gate>,
    limits: InboxLimits,
    waiting_bytes: Arc<AtomicUsize>,
    counts: Arc<Counts>,
    hurry: Arc<Notify>,
}

impl RejectionDesk {
    /// Opens the desk: a task that writes what waits, behind the accepts.
    pub(super) fn open(mirror: &Arc<Mirror>, reception: &Reception) -> Self {
        let (sender, queue) = mpsc::channel(QUEUE_MAX);
        let mut desk = Self::closed();
        desk.limits = mirror.limits.inbox.clone();
        desk.queue = Mutex::new(Some(sender));
        let worker = Worker {
            mirror: Arc::clone(mirror),
            accepts: reception.quiet(),
            queue,
            waiting_bytes: Arc::clone(&desk.waiting_bytes),
            counts: Arc::clone(&desk.counts),
            hurry: Arc::clone(&desk.hurry),
        };
        desk.desk = Mutex::new(Some(tokio::spawn(worker.run())));
        desk
    }

    /// One that never opens, for who only reads.
    pub(super) fn closed() -> Self {
        Self {
            queue: Mutex::default(),
            desk: Mutex::default(),
            gate: Mutex::default(),
            limits: InboxLimits::default(),
            waiting_bytes: Arc::default(),
            counts: Arc::default(),
            hurry: Arc::default(),
        }
    }

    /// Writes everything that was taken, then closes.
    pub(super) async fn close(&self) {
        locked(&self.queue).take();
        self.hurry.notify_one();
        let desk = locked(&self.desk).take();
        if let Some(desk) = desk {
            // It ends by itself; should it have panicked, there is nothing left to finish.
            let _ = desk.await;
        }
    }

    async fn written(&self) {
        let (mark, written) = oneshot::channel();
        let sender = locked(&self.queue).clone();
        let Some(sender) = sender else { return };
        if sender.send(Message::Mark(mark)).await.is_ok() {
            self.hurry.notify_one();
            // An error means that the desk has closed, and it closes only when all is written.
            let _ = written.await;
        }
    }

    fn note(&self, mut rejection: Rejection) -> Recorded {
        if !rejection.is_repairable {
            rejection.body.truncate(self.limits.rejected_body_max_bytes);
        }
        let recorded = self.queue(rejection);
        self.counts.count(recorded);
        recorded
    }

    fn queue(&self, rejection: Rejection) -> Recorded {
        let per_minute = self.limits.rejected_per_minute;
        if !rejection.is_repairable && !locked(&self.gate).admits(&rejection, per_minute) {
            return Recorded::RateLimited;
        }
        let bytes = rejection.body.len();
        if self.waiting_bytes.load(Ordering::Relaxed) + bytes > QUEUE_MAX_BYTES {
            return Recorded::Dropped;
        }
        let queue = locked(&self.queue);
        let Some(sender) = queue.as_ref() else { return Recorded::Dropped };
        match sender.try_send(Message::Record(rejection)) {
            Ok(()) => {
                self.waiting_bytes.fetch_add(bytes, Ordering::Relaxed);
                Recorded::Queued
            }
            Err(_) => Recorded::Dropped,
        }
    }
}

/// A store that is dropped without [`RejectionDesk::close`] does not linger for the length of a pause.
impl Drop for RejectionDesk {
    fn drop(&mut self) {
        self.hurry.notify_one();
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The rate at which each peer may have each reason recorded.
#[derive(Debug, Default)]
struct Gate(HashMap<(IpAddr, &'static str), (Timestamp, u32)>);

impl Gate {
    fn admits(&mut self, rejection: &Rejection, per_minute: u32) -> bool {
        let now = rejection.received_at;
        let is_over = |since: Timestamp| since > now || now.since(since) >= MINUTE;
        let key = (neighbourhood(rejection.peer), rejection.reason);
        if self.0.len() >= GATE_MAX && !self.0.contains_key(&key) {
            self.0.retain(|_, (since, _)| !is_over(*since));
            if self.0.len() >= GATE_MAX {
                return false;
            }
        }
        let (since, count) = self.0.entry(key).or_insert((now, 0));
        if is_over(*since) {
            (*since, *count) = (now, 0);
        }
        *count += 1;
        *count <= per_minute
    }
}

/// What one sender controls at least: an IPv4 address, or the /64 of an IPv6 one.
fn neighbourhood(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
        address => address,
    }
}

struct Worker {
    mirror: Arc<Mirror>,
    accepts: Quiet,
    queue: mpsc::Receiver<Message>,
    waiting_bytes: Arc<AtomicUsize>,
    counts: Arc<Counts>,
    hurry: Arc<Notify>,
}

impl Worker {
    async fn run(mut self) {
        let mut messages = Vec::with_capacity(BATCH_MAX);
        while self.queue.recv_many(&mut messages, BATCH_MAX).await > 0 {
            self.give_way().await;
            let mut marks = Vec::new();
            let mut batch = Vec::with_capacity(messages.len());
            for message in messages.drain(..) {
                match message {
                    Message::Record(rejection) => batch.push(rejection),
                    Message::Mark(mark) => marks.push(mark),
                }
            }
            self.record(&batch).await;
            for mark in marks {
                let _ = mark.send(());
            }
            self.pause().await;
        }
    }

    /// Lets accepts go first, as long as that is no reason to wait for ever.
    async fn give_way(&self) {
        for _ in 0..GIVE_WAY_MAX {
            if self.accepts.is_quiet() || self.queue.is_closed() {
                return;
            }
            self.pause().await;
        }
    }

    async fn pause(&self) {
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            () = self.hurry.notified() => {}
        }
    }

    async fn record(&self, batch: &[Rejection]) {
        let bytes = batch.iter().map(|rejection| rejection.body.len()).sum();
        if let Err(error) = self.write(batch).await {
            tracing::warn!(requests = batch.len(), %error, "refused requests were not recorded");
            for _ in batch {
                self.counts.queued.fetch_sub(1, Ordering::Relaxed);
                self.counts.count(Recorded::Dropped);
            }
        }
        self.waiting_bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    async fn write(&self, batch: &[Rejection]) -> Result<(), Error> {
        if batch.is_empty() {
            return Ok(());
        }
        let mut excess = Vec::new();
        for lane in ["repairable", "other"] {
            excess.push((lane, self.excess(lane, batch).await?));
        }
        let mut tx = self.mirror.write().await?;
        for (lane, bytes) in excess {
            evict(&mut tx, lane, bytes).await?;
        }
        insert(&mut tx, &self.mirror, batch).await?;
        tx.commit().await
    }

    /// By how much the lane would outgrow its half of the room. Read beside the writer: only this task adds rows.
    async fn excess(&self, lane: &str, batch: &[Rejection]) -> Result<u64, Error> {
        let used: i64 = sqlx::query_scalar(
            "select coalesce(sum(kept_bytes + ?), 0) from inbox where lane = ? and lane <> 'verified'",
        )
        .bind(ROW_BYTES.cast_signed())
        .bind(lane)
        .fetch_one(self.mirror.database.readers())
        .await?;
        let added: u64 = batch
            .iter()
            .filter(|rejection| lane_of(rejection) == lane)
            .map(|rejection| rejection.body.len() as u64 + ROW_BYTES)
            .sum();
        let room = self.mirror.limits.inbox.rejected_max_bytes / 2;
        Ok((used.unsigned_abs() + added).saturating_sub(room))
    }
}

const fn lane_of(rejection: &Rejection) -> &'static str {
    if rejection.is_repairable { "repairable" } else { "other" }
}

/// Forgets the oldest of a lane until `bytes` are free.
async fn evict(tx: &mut WriteTx, lane: &str, bytes: u64) -> Result<(), Error> {
    let mut freed = 0;
    while freed < bytes {
        let rows = sqlx::query(
            "delete from inbox
             where inbox_id in (
                 select inbox_id from inbox
                 where lane = ? and lane <> 'verified'
                 order by inbox_id
                 limit 16)
             returning kept_bytes",
        )
        .bind(lane)
        .fetch_all(&mut **tx)
        .await?;
        if rows.is_empty() {
            return Ok(());
        }
        for row in &rows {
            freed += row.try_get::<i64, _>("kept_bytes")?.unsigned_abs() + ROW_BYTES;
        }
    }
    Ok(())
}

async fn insert(tx: &mut WriteTx, mirror: &Mirror, batch: &[Rejection]) -> Result<(), Error> {
    let mut bodies = Vec::new();
    let mut rows = Vec::with_capacity(batch.len());
    for rejection in batch {
        rows.push((
            mirror.next_inbox_id(),
            rejection.received_at.as_millis(),
            rejection.peer.to_string(),
            to_json(&rejection.headers),
            Verdict::Rejected(rejection.reason.to_owned()).to_string(),
            lane_of(rejection),
            rejection.account,
            rejection.body_bytes.max(rejection.body.len()),
            bodies.len(),
            rejection.body.len(),
        ));
        bodies.extend_from_slice(&rejection.body);
    }
    sqlx::query(
        "insert into inbox
             (inbox_id, received_at, peer, headers, verdict, lane, account_id, body_bytes, kept_bytes, body)
         select value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7,
                value ->> 9, substr(?2, 1 + (value ->> 8), value ->> 9)
         from json_each(?1)",
    )
    .bind(to_json(&rows))
    .bind(bodies)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rejection(peer: &str, reason: &'static str, at: i64) -> Rejection {
        Rejection {
            received_at: Timestamp::from_secs(at),
            peer: peer.parse().unwrap(),
            headers: Vec::new(),
            body: Vec::new(),
            body_bytes: 0,
            reason,
            account: None,
            is_repairable: false,
        }
    }

    #[test]
    fn each_peer_has_each_reason_recorded_so_many_times_a_minute() {
        let mut gate = Gate::default();
        let mut admitted = |peer, reason, at| gate.admits(&rejection(peer, reason, at), 2);
        assert_eq!(
            [0, 1, 2, 59, 60, 61, 62].map(|at| admitted("10.0.0.1", "no_signature", at)),
            [true, true, false, false, true, true, false]
        );
        assert!(admitted("10.0.0.2", "no_signature", 62) && admitted("10.0.0.1", "malformed:empty", 62));
    }

    #[test]
    fn the_addresses_one_sender_has_at_hand_count_as_one() {
        let same =
            |one: &str, other: &str| neighbourhood(one.parse().unwrap()) == neighbourhood(other.parse().unwrap());
        assert!(same("2001:db8::1", "2001:db8::ffff:1"));
        assert!(!same("2001:db8::1", "2001:db8:0:1::1"));
        assert!(same("::ffff:10.0.0.1", "10.0.0.1"));
        assert!(!same("10.0.0.1", "10.0.0.2"));
    }

    #[test]
    fn a_flood_from_everywhere_does_not_outgrow_the_gate() {
        let mut gate = Gate::default();
        for number in 0..2 * GATE_MAX as u32 {
            gate.admits(&rejection(&std::net::Ipv4Addr::from_bits(number).to_string(), "no_signature", 0), 10);
        }
        assert_eq!(gate.0.len(), GATE_MAX);
        assert!(gate.admits(&rejection("10.9.9.9", "no_signature", 60), 10), "a minute later there is room again");
    }
}
