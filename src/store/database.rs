//! One SQLite file: a single writing connection, several that read.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Sqlite, SqliteConnection, SqlitePool, Transaction};

use super::disk::Disk;
use super::error::Error;
use super::turn::{Tx, Writer};

/// How long SQLite waits for a lock held outside this process: a backup, a `sqlite3` shell.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Connections that read at the same time.
const READERS: u32 = 4;
/// Page cache of the writing connection, in KiB: a backfill's batch fits.
const WRITER_CACHE_KIB: u32 = 8 * 1024;
/// Page cache of each reading connection, in KiB: small, because the kernel caches what is mapped, and enough for the upper
/// pages of what is not.
const READER_CACHE_KIB: u32 = 2 * 1024;
/// Part of the file that the writing connection maps.
const WRITER_MAPPED_BYTES: u64 = 256 << 20;
/// What reading connections map, all of it: reads come from the kernel's cache without a copy and without a heap of ours. SQLite's own
/// ceiling is raised to this where it is compiled (`.cargo/config.toml`); it is 2 GiB otherwise.
const READER_MAPPED_BYTES: u64 = 64 << 30;
/// The log is cut back to this after a checkpoint.
const LOG_KEPT_BYTES: u64 = 64 << 20;
/// SQLite's unit, of files that are made from now on: what an entry has takes some 9 KB, and each page a write of its own. No larger,
/// because a batch meets ids in no order, each on a page of its own when there are many.
pub(super) const PAGE_BYTES: u32 = 8192;

/// One database file.
#[derive(Debug, Clone)]
pub(super) struct Database {
    /// Absent when the file was opened for reading only.
    writer: Option<Writer>,
    readers: SqlitePool,
}

impl Database {
    /// Opens the file for writing and reading, and makes it when it is missing. It grows to `max_bytes` at most.
    pub(super) async fn open(file: &Path, max_bytes: Option<u64>) -> Result<Self, Error> {
        Self::open_on(Disk::of_log(log_of(file)), file, max_bytes).await
    }

    /// The same on a disk that is asked in another way.
    pub(super) async fn open_on(disk: Disk, file: &Path, max_bytes: Option<u64>) -> Result<Self, Error> {
        let writing = options(file, WRITER_MAPPED_BYTES)
            .create_if_missing(true)
            .page_size(PAGE_BYTES)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal) // the log is synced beside it
            .pragma("journal_size_limit", LOG_KEPT_BYTES.to_string())
            .pragma("temp_store", "memory") // or each larger batch makes a file in `/var/tmp`, which may not be ours to write
            .pragma("cache_size", format!("-{WRITER_CACHE_KIB}"));
        let writer = Writer::open(&writing, disk).await?;
        limit_size(&mut *writer.turn().await?, max_bytes).await?;
        Ok(Self { writer: Some(writer), readers: readers(file) })
    }

    /// Opens an existing file for reading, beside the process that writes it.
    pub(super) fn open_read_only(file: &Path) -> Self {
        Self { writer: None, readers: readers(file) }
    }

    /// The connections that read.
    pub(super) fn readers(&self) -> &SqlitePool {
        &self.readers
    }

    /// The one that writes.
    pub(super) fn writer(&self) -> Result<&Writer, Error> {
        self.writer.as_ref().ok_or(Error::ReadOnly)
    }

    /// Several reads of one moment.
    pub(super) async fn read(&self) -> Result<Transaction<'static, Sqlite>, Error> {
        Ok(self.readers.begin().await?)
    }

    /// A transaction on the writing connection; waits for its turn. Nothing is kept unless it is committed.
    pub(super) async fn write(&self) -> Result<Tx, Error> {
        self.writer()?.begin().await
    }

    /// The same for what need not outlive a power cut: [`Writer::begin_unsynced`].
    pub(super) async fn write_unsynced(&self) -> Result<Tx, Error> {
        self.writer()?.begin_unsynced().await
    }

    /// Waits for what is running, then closes every connection.
    pub(super) async fn close(&self) {
        self.readers.close().await;
        if let Some(writer) = &self.writer {
            writer.close().await;
        }
    }
}

/// SQLite's name for the write-ahead log.
fn log_of(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}

/// The file grows to `max_bytes` at most, or to SQLite's own ceiling.
async fn limit_size(connection: &mut SqliteConnection, max_bytes: Option<u64>) -> Result<(), Error> {
    let page_bytes: i64 = sqlx::query_scalar("pragma page_size").fetch_one(&mut *connection).await?;
    let pages = max_bytes.map_or(u64::from(u32::MAX) - 1, |bytes| (bytes / page_bytes.unsigned_abs().max(1)).max(1));
    sqlx::raw_sql(sqlx::AssertSqlSafe(format!("pragma max_page_count = {pages}"))).execute(connection).await?;
    Ok(())
}

fn options(file: &Path, mapped_bytes: u64) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(file)
        .busy_timeout(BUSY_TIMEOUT)
        .foreign_keys(false) // rows are removed set-wise, by the one transaction that knows all of them
        .pragma("mmap_size", mapped_bytes.to_string())
        .disable_statement_logging()
}

fn readers(file: &Path) -> SqlitePool {
    let reading =
        options(file, READER_MAPPED_BYTES).read_only(true).pragma("cache_size", format!("-{READER_CACHE_KIB}"));
    SqlitePoolOptions::new()
        .max_connections(READERS)
        .min_connections(0)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .connect_lazy_with(reading)
}
