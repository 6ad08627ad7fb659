//! The one connection that writes, and whose turn it is: first come, first served.
//!
//! A pool of one connection would keep the same order, but asks SQLite's thread twice more for each transaction and
//! returns the connection by a task of its own: on a busy machine half of what a batch of notifications takes.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::error::Error;

/// How long a caller waits for its turn before it is told that the store is busy.
const TURN_WAIT: Duration = Duration::from_secs(30);

/// The writing connection of one file. Clones are the same.
#[derive(Debug, Clone)]
pub(super) struct Writer(Arc<Mutex<Slot>>);

#[derive(Debug)]
struct Slot {
    /// Gone once closed.
    connection: Option<SqliteConnection>,
    /// A transaction was begun and neither committed nor taken back: whoever had begun it gave up.
    open: bool,
    /// A commit returns when the disk has it.
    synced: bool,
}

/// The right to write, until it is dropped. Derefs to the connection.
#[derive(Debug)]
pub(super) struct Turn(Option<OwnedMutexGuard<Slot>>);

/// A transaction. What happened is kept only by [`Tx::commit`]; dropped before, it never happened.
#[derive(Debug)]
pub(super) struct Tx(Turn);

impl Writer {
    pub(super) async fn open(options: &SqliteConnectOptions) -> Result<Self, Error> {
        let connection = Some(options.connect().await?);
        Ok(Self(Arc::new(Mutex::new(Slot { connection, open: false, synced: true }))))
    }

    /// The right to write, when its turn has come.
    ///
    /// # Errors
    /// `Busy` after half a minute, `Closed`.
    pub(super) async fn turn(&self) -> Result<Turn, Error> {
        let mut turn = self.any_turn().await?;
        turn.sync(true).await?;
        Ok(turn)
    }

    async fn any_turn(&self) -> Result<Turn, Error> {
        let mut slot = tokio::time::timeout(TURN_WAIT, Arc::clone(&self.0).lock_owned())
            .await
            .map_err(|_| Error::Busy { cause: format!("others have been writing for {TURN_WAIT:?}") })?;
        if slot.connection.is_none() {
            return Err(Error::Closed);
        }
        take_back(&mut slot).await;
        Ok(Turn(Some(slot)))
    }

    /// A transaction, when its turn has come.
    ///
    /// # Errors
    /// As [`Writer::turn`], and `Busy` when another process holds the file.
    pub(super) async fn begin(&self) -> Result<Tx, Error> {
        let mut turn = self.turn().await?;
        turn.run("begin immediate").await?;
        Ok(Tx(turn))
    }

    /// A transaction whose commit waits for no disk: a crash of the process forgets nothing of it, a power cut may, together
    /// with what came after it. The next commit that is synced has it with it. For what nobody outside has heard of, and
    /// what would be done again.
    ///
    /// # Errors
    /// As [`Writer::begin`].
    pub(super) async fn begin_unsynced(&self) -> Result<Tx, Error> {
        let mut turn = self.any_turn().await?;
        turn.sync(false).await?;
        turn.run("begin immediate").await?;
        Ok(Tx(turn))
    }

    /// Waits for whoever writes, then closes the connection.
    pub(super) async fn close(&self) {
        if let Some(connection) = self.0.lock().await.connection.take() {
            // What is committed is on disk; should closing fail, the next start reads it from the log.
            let _ = connection.close().await;
        }
    }
}

impl Turn {
    /// Says that a transaction is begun, by the caller's own statements, until [`Turn::is_whole`] says that it is not.
    pub(super) fn is_begun(&mut self) {
        self.slot_mut().open = true;
    }

    /// The transaction that was begun is committed.
    pub(super) fn is_whole(&mut self) {
        self.slot_mut().open = false;
    }

    /// Whether commits wait for the disk from here on.
    async fn sync(&mut self, synced: bool) -> Result<(), Error> {
        if self.slot().synced != synced {
            let statement = if synced { "pragma synchronous = full" } else { "pragma synchronous = normal" };
            sqlx::raw_sql(statement).execute(&mut **self).await?;
            self.slot_mut().synced = synced;
        }
        Ok(())
    }

    async fn run(&mut self, statement: &'static str) -> Result<(), Error> {
        self.is_begun();
        sqlx::raw_sql(statement).execute(&mut **self).await?;
        Ok(())
    }

    fn slot(&self) -> &Slot {
        self.0.as_ref().expect("only a drop takes it")
    }

    fn slot_mut(&mut self) -> &mut Slot {
        self.0.as_mut().expect("only a drop takes it")
    }
}

/// Takes back what was begun and left.
async fn take_back(slot: &mut Slot) {
    if slot.open
        && let Some(connection) = &mut slot.connection
    {
        // Refused when SQLite has taken it back already, as it does when it finds no room.
        let _ = sqlx::raw_sql("rollback").execute(connection).await;
        slot.open = false;
    }
}

/// What was begun and left is taken back at once, and not when the next writer comes: it would keep others from the file.
impl Drop for Turn {
    fn drop(&mut self) {
        let Some(mut slot) = self.0.take().filter(|slot| slot.open) else { return };
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move { take_back(&mut slot).await });
        }
    }
}

impl Deref for Turn {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        self.slot().connection.as_ref().expect("a turn is only given with a connection")
    }
}

impl DerefMut for Turn {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        self.slot_mut().connection.as_mut().expect("a turn is only given with a connection")
    }
}

impl Tx {
    /// Makes all of it durable.
    pub(super) async fn commit(mut self) -> Result<(), Error> {
        self.0.run("commit").await?;
        self.0.is_whole();
        Ok(())
    }
}

impl Deref for Tx {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        &self.0
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        &mut self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn writer(directory: &tempfile::TempDir) -> Writer {
        let options = SqliteConnectOptions::new().filename(directory.path().join("a.db")).create_if_missing(true);
        let writer = Writer::open(&options).await.unwrap();
        sqlx::raw_sql("create table t (n integer)").execute(&mut *writer.turn().await.unwrap()).await.unwrap();
        writer
    }

    async fn count(connection: &mut SqliteConnection) -> i64 {
        sqlx::query_scalar("select count(*) from t").fetch_one(connection).await.unwrap()
    }

    async fn insert(connection: &mut SqliteConnection) {
        sqlx::query("insert into t values (1)").execute(connection).await.unwrap();
    }

    #[tokio::test]
    async fn a_transaction_that_is_dropped_never_happened_and_the_next_one_does() {
        let directory = tempfile::tempdir().unwrap();
        let writer = writer(&directory).await;
        let mut given_up = writer.begin().await.unwrap();
        insert(&mut given_up).await;
        drop(given_up);
        let mut kept = writer.begin().await.unwrap();
        assert_eq!(count(&mut kept).await, 0);
        insert(&mut kept).await;
        kept.commit().await.unwrap();
        assert_eq!(count(&mut writer.turn().await.unwrap()).await, 1);
    }

    #[tokio::test]
    async fn statements_of_a_turn_that_fail_half_way_leave_nothing_behind() {
        let directory = tempfile::tempdir().unwrap();
        let writer = writer(&directory).await;
        let mut turn = writer.turn().await.unwrap();
        turn.is_begun();
        let script = "begin immediate; insert into t values (1); insert into nowhere values (1); commit";
        assert!(sqlx::raw_sql(script).execute(&mut *turn).await.is_err());
        drop(turn);
        let mut next = writer.begin().await.unwrap();
        assert_eq!(count(&mut next).await, 0);
    }

    #[tokio::test]
    async fn a_commit_waits_for_the_disk_unless_it_is_begun_not_to() {
        let directory = tempfile::tempdir().unwrap();
        let writer = writer(&directory).await;
        let full = sqlx::query_scalar::<_, i64>("pragma synchronous");
        let mut unsynced = writer.begin_unsynced().await.unwrap();
        assert_eq!(full.fetch_one(&mut *unsynced).await.unwrap(), 1);
        drop(unsynced);
        for _ in 0..2 {
            let full = sqlx::query_scalar::<_, i64>("pragma synchronous");
            assert_eq!(full.fetch_one(&mut *writer.turn().await.unwrap()).await.unwrap(), 2);
        }
        let mut synced = writer.begin().await.unwrap();
        insert(&mut synced).await;
        synced.commit().await.unwrap();
    }

    #[test]
    fn a_runtime_that_ends_with_a_transaction_open_ends_all_the_same() {
        let directory = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let held = runtime.block_on(async { writer(&directory).await.begin().await.unwrap() });
        runtime.spawn(async move {
            let _held = held;
            std::future::pending::<()>().await;
        });
        drop(runtime);
    }

    #[tokio::test]
    async fn who_asks_after_the_closing_is_told_so() {
        let directory = tempfile::tempdir().unwrap();
        let writer = writer(&directory).await;
        writer.close().await;
        assert!(matches!(writer.begin().await, Err(Error::Closed)));
    }
}
