//! A writing transaction on `mirror.db`, and the counter that tickets and claim tokens come from.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};

use sqlx::{Sqlite, SqliteConnection, SqlitePool, Transaction};
use tokio::sync::watch;

use super::error::Error;

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

impl Tickets {
    /// Goes on above everything an earlier run may have given out.
    pub(super) async fn load(readers: &SqlitePool) -> Result<Self, Error> {
        let reserved =
            sqlx::query_scalar("select value from settings where account_id = 0 and name = 'tickets_reserved'")
                .fetch_one(readers)
                .await?;
        Ok(Self(Arc::new(Mutex::new(Counter { last: reserved, reserved }))))
    }

    fn with<T>(&self, work: impl FnOnce(&mut Counter) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A transaction on the one writing connection of `mirror.db`.
///
/// Statements run on `&mut *tx`. What happened is kept only by [`WriteTx::commit`]; dropped before, it never happened.
pub(super) struct WriteTx {
    transaction: Transaction<'static, Sqlite>,
    tickets: Tickets,
    /// Written in this transaction, good once it is committed.
    reserving: Option<i64>,
    /// Rung with the number of the latest change once it is committed.
    bell: watch::Sender<i64>,
    /// The latest change this transaction has appended.
    appended: Option<i64>,
}

impl WriteTx {
    pub(super) fn new(transaction: Transaction<'static, Sqlite>, tickets: Tickets, bell: watch::Sender<i64>) -> Self {
        Self { transaction, tickets, reserving: None, bell, appended: None }
    }

    /// Readers of the sequence of changes are to be woken when this is committed.
    pub(super) fn appended(&mut self, seq: i64) {
        self.appended = self.appended.max(Some(seq));
    }

    /// One ticket or claim token.
    pub(super) async fn take_ticket(&mut self) -> Result<i64, Error> {
        self.take_tickets(1).await
    }

    /// The first of `count` tickets in a row.
    pub(super) async fn take_tickets(&mut self, count: usize) -> Result<i64, Error> {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        let (first, last, reserved) = self.tickets.with(|counter| {
            let first = counter.last + 1;
            counter.last += count;
            (first, counter.last, counter.reserved)
        });
        if last > self.reserving.unwrap_or(reserved) {
            self.reserve(last + RESERVATION).await?;
        }
        Ok(first)
    }

    async fn reserve(&mut self, up_to: i64) -> Result<(), Error> {
        sqlx::query("update settings set value = ? where account_id = 0 and name = 'tickets_reserved'")
            .bind(up_to)
            .execute(&mut *self.transaction)
            .await?;
        self.reserving = Some(up_to);
        Ok(())
    }

    /// Makes all of it durable. After this returned, a crash changes nothing of it.
    pub(super) async fn commit(self) -> Result<(), Error> {
        self.transaction.commit().await?;
        if let Some(up_to) = self.reserving {
            self.tickets.with(|counter| counter.reserved = counter.reserved.max(up_to));
        }
        if let Some(seq) = self.appended {
            self.bell.send_modify(|latest| *latest = seq.max(*latest));
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
