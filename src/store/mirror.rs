//! `mirror.db` and what the process remembers beside it: what the store's methods and its two desks share.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use super::database::Database;
use super::error::Error;
use super::hook_set::Outbox;
use super::limits::Limits;
use super::lock::DirectoryLock;
use super::mirror_filter::Filters;
use super::numbers::Numbers;
use super::pace::Pace;
use super::signals::Signals;
use super::turn::{Turn, Tx};
use super::writer::{Bells, Tickets, WriteTx};
use crate::domain::clock::Clock;
use crate::domain::seldom::Seldom;

/// How often the log says that bodies find no room.
const BODILESS_TOLD_EVERY: Duration = Duration::from_secs(60);

/// One daemon's `mirror.db`.
pub(super) struct Mirror {
    pub(super) database: Database,
    pub(super) pace: Pace,
    pub(super) filters: Filters,
    pub(super) numbers: Numbers,
    pub(super) dirty_signal: Signals,
    pub(super) ask_signal: Signals,
    /// The number of the latest change; rung when a transaction that appended some is committed.
    pub(super) changes_bell: watch::Sender<i64>,
    pub(super) clock: Clock,
    pub(super) limits: Limits,
    pub(super) outbox: Arc<Outbox>,
    pub(super) tickets: Tickets,
    last_inbox_id: AtomicI64,
    /// Batches of notifications that found no room for their bodies.
    bodiless: Mutex<Seldom>,
    /// Held for as long as anything may write; absent when opened for reading only.
    _lock: Option<DirectoryLock>,
}

impl Mirror {
    pub(super) async fn new(
        database: Database,
        clock: Clock,
        limits: Limits,
        lock: Option<DirectoryLock>,
    ) -> Result<Self, Error> {
        let tickets = Tickets::load(database.readers()).await?;
        let last_inbox_id =
            sqlx::query_scalar("select coalesce(max(inbox_id), 0) from inbox").fetch_one(database.readers()).await?;
        let last_change =
            sqlx::query_scalar("select coalesce(max(seq), 0) from changes").fetch_one(database.readers()).await?;
        Ok(Self {
            pace: Pace::new(limits.resync.clone()),
            filters: Filters::default(),
            numbers: Numbers::default(),
            dirty_signal: Signals::default(),
            ask_signal: Signals::default(),
            changes_bell: watch::Sender::new(last_change),
            last_inbox_id: AtomicI64::new(last_inbox_id),
            bodiless: Mutex::new(Seldom::new(BODILESS_TOLD_EVERY)),
            outbox: Arc::new(Outbox::load(database.readers()).await?),
            database,
            clock,
            limits,
            tickets,
            _lock: lock,
        })
    }

    /// A writing transaction; waits for its turn.
    pub(super) async fn write(&self) -> Result<WriteTx, Error> {
        Ok(self.writing(self.database.write().await?))
    }

    /// One that need not outlive a power cut, since what it does would be done again, or whose caller waits by itself
    /// ([`Mirror::on_disk`]).
    pub(super) async fn write_unsynced(&self) -> Result<WriteTx, Error> {
        Ok(self.writing(self.database.write_unsynced().await?))
    }

    fn writing(&self, transaction: Tx) -> WriteTx {
        let bells = Bells { outbox: Arc::clone(&self.outbox), changes: self.changes_bell.clone() };
        WriteTx::new(transaction, self.tickets.clone(), bells)
    }

    /// The right to write, for whoever brings a whole transaction in one text; waits for its turn.
    pub(super) async fn turn(&self) -> Result<Turn, Error> {
        self.database.writer()?.turn().await
    }

    /// Returns when the disk has all that was committed before.
    pub(super) async fn on_disk(&self) -> Result<(), Error> {
        self.database.writer()?.disk().has_all().await
    }

    /// So many requests found no room for their bodies. How many since it was last told, when it is to be told.
    pub(super) fn want_of_room(&self, requests: usize) -> Option<u64> {
        let mut bodiless = self.bodiless.lock().unwrap_or_else(PoisonError::into_inner);
        bodiless.happened(requests as u64, self.clock.now())
    }

    /// The number of the next request in the inbox; one that is not used in the end is skipped.
    pub(super) fn next_inbox_id(&self) -> i64 {
        self.last_inbox_id.fetch_add(1, Ordering::Relaxed) + 1
    }
}
