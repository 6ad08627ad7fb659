//! The one connection that writes, and whose turn it is: first come, first served.
//!
//! Its commits are appended to the log and not waited for; [`Disk`] tells when they are safe.
//!
//! A pool of one connection would keep the same order, but asks SQLite's thread twice more for each transaction and
//! returns the connection by a task of its own: on a busy machine half of what a batch of notifications takes.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::disk::Disk;
use super::error::Error;

/// How long a caller waits for its turn before it is told that the store is busy.
const TURN_WAIT: Duration = Duration::from_secs(30);

/// The writing connection of one file. Clones are the same.
#[derive(Debug, Clone)]
pub(super) struct Writer {
    slot: Arc<Mutex<Slot>>,
    disk: Disk,
}

#[derive(Debug)]
struct Slot {
    /// Gone once closed.
    connection: Option<SqliteConnection>,
    /// A transaction was begun and neither committed nor taken back: whoever had begun it gave up.
    open: bool,
}

/// The right to write, until it is dropped. Derefs to the connection.
#[derive(Debug)]
pub(super) struct Turn(Option<OwnedMutexGuard<Slot>>);

/// A transaction. What happened is kept only by [`Tx::commit`]; dropped before, it never happened.
#[derive(Debug)]
pub(super) struct Tx {
    turn: Turn,
    /// A commit returns when this has it; at once without.
    disk: Option<Disk>,
}

impl Writer {
    /// The connection that `options` describe, and the disk that has its log.
    pub(super) async fn open(options: &SqliteConnectOptions, disk: Disk) -> Result<Self, Error> {
        let connection = Some(options.connect().await?);
        Ok(Self { slot: Arc::new(Mutex::new(Slot { connection, open: false })), disk })
    }

    /// The right to write, when its turn has come. What is committed is safe once the [disk](Writer::disk) has it.
    ///
    /// # Errors
    /// `Busy` after half a minute, `Closed`; what SQLite says of a disk that is in doubt.
    pub(super) async fn turn(&self) -> Result<Turn, Error> {
        let mut slot = tokio::time::timeout(TURN_WAIT, Arc::clone(&self.slot).lock_owned())
            .await
            .map_err(|_| Error::Busy { cause: format!("others have been writing for {TURN_WAIT:?}") })?;
        if slot.connection.is_none() {
            return Err(Error::Closed);
        }
        take_back(&mut slot).await;
        let mut turn = Turn(Some(slot));
        if self.disk.is_in_doubt() {
            turn.write_log_into_database().await?;
            self.disk.is_proven();
        }
        Ok(turn)
    }

    /// A transaction, when its turn has come.
    ///
    /// # Errors
    /// As [`Writer::turn`], and `Busy` when another process holds the file.
    pub(super) async fn begin(&self) -> Result<Tx, Error> {
        Ok(Tx { turn: self.begun().await?, disk: Some(self.disk.clone()) })
    }

    /// A transaction whose commit waits for no disk: a crash of the process forgets nothing of it, a power cut may, together
    /// with what came after it. The next commit that is waited for has it with it. For what nobody outside has heard of, and
    /// what would be done again.
    ///
    /// # Errors
    /// As [`Writer::begin`].
    pub(super) async fn begin_unsynced(&self) -> Result<Tx, Error> {
        Ok(Tx { turn: self.begun().await?, disk: None })
    }

    async fn begun(&self) -> Result<Turn, Error> {
        let mut turn = self.turn().await?;
        turn.run("begin immediate").await?;
        Ok(turn)
    }

    /// What has to have a commit before anything is promised.
    pub(super) fn disk(&self) -> &Disk {
        &self.disk
    }

    /// Waits for whoever writes, then closes the connection.
    pub(super) async fn close(&self) {
        if let Some(connection) = self.slot.lock().await.connection.take() {
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

    /// After a sync that failed nobody knows what of the log is on disk, but all of it can still be read: its pages are written into
    /// the database, which is synced, and it begins anew.
    async fn write_log_into_database(&mut self) -> Result<(), Error> {
        let (is_blocked, ..): (i64, i64, i64) =
            sqlx::query_as("pragma wal_checkpoint(truncate)").fetch_one(&mut **self).await?;
        if is_blocked != 0 {
            return Err(Error::Busy { cause: "readers hold the log of a disk that failed".into() });
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
    /// Makes all of it durable. Others write meanwhile.
    pub(super) async fn commit(self) -> Result<(), Error> {
        let Self { mut turn, disk } = self;
        turn.run("commit").await?;
        turn.is_whole();
        drop(turn);
        match disk {
            Some(disk) => disk.has_all().await,
            None => Ok(()),
        }
    }
}

impl Deref for Tx {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        &self.turn
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        &mut self.turn
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use sqlx::sqlite::SqliteJournalMode;

    use super::*;

    async fn writer(directory: &tempfile::TempDir) -> Writer {
        writer_on(directory, Disk::of_log(directory.path().join("a.db-wal"))).await
    }

    async fn writer_on(directory: &tempfile::TempDir, disk: Disk) -> Writer {
        let options = SqliteConnectOptions::new()
            .filename(directory.path().join("a.db"))
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal);
        let writer = Writer::open(&options, disk).await.unwrap();
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
        let syncs = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&syncs);
        let disk = Disk::new(move || {
            counted.fetch_add(1, Ordering::SeqCst);
            Ok(())
        });
        let writer = writer_on(&directory, disk).await;
        let unsynced = writer.begin_unsynced().await.unwrap();
        unsynced.commit().await.unwrap();
        assert_eq!(syncs.load(Ordering::SeqCst), 0);
        let synced = writer.begin().await.unwrap();
        synced.commit().await.unwrap();
        assert_eq!(syncs.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn others_write_while_a_commit_waits_for_the_disk() {
        let directory = tempfile::tempdir().unwrap();
        let (lead, end) = std::sync::mpsc::channel();
        let end = std::sync::Mutex::new(end);
        let writer = writer_on(&directory, Disk::new(move || end.lock().unwrap().recv().unwrap())).await;
        let mut first = writer.begin().await.unwrap();
        insert(&mut first).await;
        let first = tokio::spawn(first.commit());
        let mut second = writer.begin_unsynced().await.unwrap();
        insert(&mut second).await;
        second.commit().await.unwrap();
        assert!(!first.is_finished());
        lead.send(Ok(())).unwrap();
        first.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn after_a_sync_that_failed_nothing_is_written_before_the_log_is_in_the_database() {
        let directory = tempfile::tempdir().unwrap();
        let fails = AtomicUsize::new(1);
        let disk = Disk::new(move || match fails.swap(0, Ordering::SeqCst) {
            0 => Ok(()),
            _ => Err(std::io::Error::other("a bad sector")),
        });
        let writer = writer_on(&directory, disk).await;
        let mut lost = writer.begin().await.unwrap();
        insert(&mut lost).await;
        assert!(lost.commit().await.unwrap_err().to_string().contains("a bad sector"));
        assert!(std::fs::metadata(directory.path().join("a.db-wal")).unwrap().len() > 0);

        let next = writer.turn().await.unwrap();
        assert_eq!(std::fs::metadata(directory.path().join("a.db-wal")).unwrap().len(), 0);
        drop(next);
        let mut kept = writer.begin().await.unwrap();
        insert(&mut kept).await;
        assert_eq!(count(&mut kept).await, 2);
        kept.commit().await.unwrap();
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
