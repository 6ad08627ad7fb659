//! A writing transaction on `mirror.db`, and the counter that tickets and claim tokens come from.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};

use sqlx::{SqliteConnection, SqlitePool};
use tokio::sync::watch;

use super::entry_events::{self, Event, NewEvent};
use super::error::Error;
use super::hook_set::{Hooks, Outbox};
use super::turn::Tx;
use crate::domain::clock::Timestamp;

/// How many tickets one durable reservation covers: a start skips at most so many numbers.
const RESERVATION: i64 = 10_000;

/// The store-wide counter of tickets and claim tokens. It never restarts: what was given out once, before a crash
/// or after, is never given out again, so an old token can hold nothing.
#[derive(Debug, Clone)]
pub(super) struct Tickets(Arc<Mutex<Counter>>);

#[derive(Debug)]
struct Counter {
    /// The last one given out.
    last: i64,
    /// Durable: the next start goes on above it.
    reserved: i64,
}

/// Tickets given out, and up to where they are reserved.
struct Taken {
    first: i64,
    last: i64,
    reserved: i64,
}

async fn reserve(connection: &mut SqliteConnection, up_to: i64) -> Result<(), Error> {
    sqlx::query("update settings set value = ? where account_id = 0 and name = 'tickets_reserved'")
        .bind(up_to)
        .execute(connection)
        .await?;
    Ok(())
}

impl Tickets {
    /// Goes on above everything an earlier run may have given out.
    pub(super) async fn load(readers: &SqlitePool) -> Result<Self, Error> {
        let reserved =
            sqlx::query_scalar("select value from settings where account_id = 0 and name = 'tickets_reserved'")
                .fetch_one(readers)
                .await?;
        Ok(Self(Arc::new(Mutex::new(Counter { last: reserved, reserved }))))
    }

    /// One ticket for whoever has the turn and no transaction yet.
    pub(super) async fn take(&self, connection: &mut SqliteConnection) -> Result<i64, Error> {
        let taken = self.give(1);
        if taken.last > taken.reserved {
            let up_to = taken.last + RESERVATION;
            reserve(connection, up_to).await?;
            self.is_reserved(up_to);
        }
        Ok(taken.first)
    }

    fn give(&self, count: i64) -> Taken {
        self.with(|counter| {
            let first = counter.last + 1;
            counter.last += count;
            Taken { first, last: counter.last, reserved: counter.reserved }
        })
    }

    fn is_reserved(&self, up_to: i64) {
        self.with(|counter| counter.reserved = counter.reserved.max(up_to));
    }

    fn with<T>(&self, work: impl FnOnce(&mut Counter) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A transaction on the one writing connection of `mirror.db`.
///
/// Statements run on `&mut *tx`. What happened is kept only by [`WriteTx::commit`]; dropped before, it never happened.
pub(super) struct WriteTx {
    transaction: Tx,
    tickets: Tickets,
    /// Written in this transaction, good once it is committed.
    reserving: Option<i64>,
    bells: Bells,
    hooks: Arc<Hooks>,
    /// There is something new to deliver once this is committed.
    has_deliveries: bool,
    /// The latest change this transaction has appended.
    appended: Option<i64>,
    /// What happened to entries, to be told with this.
    events: Vec<Event>,
}

/// Who is woken by a commit.
pub(super) struct Bells {
    /// Deliverers, when there is something to deliver.
    pub(super) outbox: Arc<Outbox>,
    /// Readers of the sequence of changes, with the number of the latest one.
    pub(super) changes: watch::Sender<i64>,
}

impl WriteTx {
    pub(super) fn new(transaction: Tx, tickets: Tickets, bells: Bells) -> Self {
        let hooks = bells.outbox.hooks();
        Self {
            transaction,
            tickets,
            reserving: None,
            bells,
            hooks,
            has_deliveries: false,
            appended: None,
            events: Vec::new(),
        }
    }

    /// Whom to tell, as of this transaction.
    pub(super) fn hooks(&self) -> Arc<Hooks> {
        Arc::clone(&self.hooks)
    }

    /// From here on these are told.
    pub(super) fn replace_hooks(&mut self, hooks: Hooks) {
        self.hooks = Arc::new(hooks);
    }

    /// Wakes whoever delivers, once this is committed.
    pub(super) fn wakes_deliverers(&mut self) {
        self.has_deliveries = true;
    }

    /// Readers of the sequence of changes are to be woken when this is committed.
    pub(super) fn appended(&mut self, seq: i64) {
        self.appended = self.appended.max(Some(seq));
    }

    /// What happened to entries: kept with all else, and told in this order.
    pub(super) fn note(&mut self, events: impl IntoIterator<Item = NewEvent>, at: Timestamp) {
        self.events.extend(events.into_iter().map(|event| event.at(at)));
    }

    /// One ticket or claim token.
    pub(super) async fn take_ticket(&mut self) -> Result<i64, Error> {
        self.take_tickets(1).await
    }

    /// The first of `count` tickets in a row.
    pub(super) async fn take_tickets(&mut self, count: usize) -> Result<i64, Error> {
        let taken = self.tickets.give(i64::try_from(count).unwrap_or(i64::MAX));
        if taken.last > self.reserving.unwrap_or(taken.reserved) {
            let up_to = taken.last + RESERVATION;
            reserve(&mut self.transaction, up_to).await?;
            self.reserving = Some(up_to);
        }
        Ok(taken.first)
    }

    /// Makes all of it durable. After this returned, a crash changes nothing of it.
    pub(super) async fn commit(mut self) -> Result<(), Error> {
        let events = std::mem::take(&mut self.events);
        entry_events::append(&mut self, &events).await?;
        self.transaction.commit().await?;
        if let Some(up_to) = self.reserving {
            self.tickets.is_reserved(up_to);
        }
        if self.has_deliveries {
            self.bells.outbox.ring();
        }
        if let Some(seq) = self.appended {
            self.bells.changes.send_modify(|latest| *latest = seq.max(*latest));
        }
        Ok(())
    }
}

impl Deref for WriteTx {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        &self.transaction
    }
}

impl DerefMut for WriteTx {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        &mut self.transaction
    }
}
