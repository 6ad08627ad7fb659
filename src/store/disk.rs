//! When commits are on disk: one sync of the log for all that were made before it.
//!
//! With `synchronous=FULL` SQLite itself waits for the disk within a commit, and whoever writes next waits with it. Here a commit only
//! appends to the log, as with `synchronous=NORMAL`; who has promised something then waits for a sync of the log, while others
//! write on. Commits that are made meanwhile share the next one.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use tokio::sync::Mutex;

use super::error::Error;

/// The disk below one database file. Clones are the same.
#[derive(Clone)]
pub(super) struct Disk(Arc<Shared>);

struct Shared {
    sync: Box<dyn Fn() -> io::Result<()> + Send + Sync>,
    /// Commits that somebody waits or has waited for.
    committed: AtomicU64,
    /// How many of them are on disk. Held by whoever syncs.
    synced: Mutex<u64>,
    is_in_doubt: AtomicBool,
}

impl Disk {
    /// Of the database with this write-ahead log, which is there once something was committed.
    pub(super) fn of_log(file: PathBuf) -> Self {
        let log = OnceLock::new();
        Self::new(move || {
            let log: &File = match log.get() {
                Some(log) => log,
                None => {
                    let opened = File::options().read(true).write(true).open(&file)?;
                    log.get_or_init(|| opened)
                }
            };
            log.sync_data()
        })
    }

    /// `sync` returns when all that was written before it was called is on disk.
    pub(super) fn new(sync: impl Fn() -> io::Result<()> + Send + Sync + 'static) -> Self {
        Self(Arc::new(Shared {
            sync: Box::new(sync),
            committed: AtomicU64::new(0),
            synced: Mutex::new(0),
            is_in_doubt: AtomicBool::new(false),
        }))
    }

    /// Returns when all that was committed before the call is on disk.
    ///
    /// # Errors
    /// `Full` or `Failed`: nobody knows. It is in doubt from then on, and says so to everybody.
    pub(super) async fn has_all(&self) -> Result<(), Error> {
        let mine = self.0.committed.fetch_add(1, Ordering::SeqCst) + 1;
        let mut synced = self.0.synced.lock().await;
        if *synced >= mine {
            return Ok(());
        }
        if self.is_in_doubt() {
            return Err(Error::Failed { cause: "an earlier sync of the log failed".into() });
        }
        let all = self.0.committed.load(Ordering::SeqCst);
        let shared = Arc::clone(&self.0);
        let outcome = tokio::task::spawn_blocking(move || {
            let outcome = (shared.sync)();
            // Even if nobody waits any more: what the disk lost it may claim to have when it is asked again.
            shared.is_in_doubt.fetch_or(outcome.is_err(), Ordering::SeqCst);
            outcome
        });
        match outcome.await {
            Ok(Ok(())) => {
                *synced = all;
                Ok(())
            }
            Ok(Err(error)) => Err(refused(&error)),
            Err(error) => Err(Error::Failed { cause: format!("the log was not synced: {error}") }),
        }
    }

    /// A sync failed: another one that succeeds proves nothing.
    pub(super) fn is_in_doubt(&self) -> bool {
        self.0.is_in_doubt.load(Ordering::SeqCst)
    }

    /// The log was written into the database file, and that was synced.
    pub(super) fn is_proven(&self) {
        self.0.is_in_doubt.store(false, Ordering::SeqCst);
    }
}

impl std::fmt::Debug for Disk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Disk").field("is_in_doubt", &self.is_in_doubt()).finish_non_exhaustive()
    }
}

fn refused(error: &io::Error) -> Error {
    let cause = format!("the log cannot be synced: {error}");
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Error::Full { cause },
        _ => Error::Failed { cause },
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use futures_util::future;

    use super::*;

    /// A disk whose syncs wait to be told how they end.
    fn led() -> (Disk, mpsc::Sender<io::Result<()>>, Arc<AtomicU64>) {
        let (lead, end) = mpsc::channel();
        let (end, begun) = (std::sync::Mutex::new(end), Arc::new(AtomicU64::new(0)));
        let counted = Arc::clone(&begun);
        let disk = Disk::new(move || {
            counted.fetch_add(1, Ordering::SeqCst);
            end.lock().unwrap().recv().unwrap()
        });
        (disk, lead, begun)
    }

    #[tokio::test]
    async fn commits_made_while_one_is_synced_share_the_next_sync() {
        let (disk, lead, begun) = led();
        let first = tokio::spawn({
            let disk = disk.clone();
            async move { disk.has_all().await }
        });
        while begun.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        // It has begun before these were committed.
        let others = future::join_all((0..9).map(|_| disk.has_all()));
        lead.send(Ok(())).unwrap();
        lead.send(Ok(())).unwrap();
        let others = others.await;
        first.await.unwrap().unwrap();
        assert!(others.iter().all(Result::is_ok));
        assert_eq!(begun.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn after_a_sync_that_failed_none_is_believed_until_the_log_is_in_the_database() {
        let (disk, lead, begun) = led();
        lead.send(Err(io::Error::from(io::ErrorKind::StorageFull))).unwrap();
        assert!(matches!(disk.has_all().await, Err(Error::Full { .. })));
        assert!(disk.is_in_doubt());
        assert!(matches!(disk.has_all().await, Err(Error::Failed { .. })));
        assert_eq!(begun.load(Ordering::SeqCst), 1);
        disk.is_proven();
        lead.send(Ok(())).unwrap();
        disk.has_all().await.unwrap();
    }

    #[tokio::test]
    async fn a_log_that_cannot_be_opened_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::of_log(folder.path().join("none-wal"));
        assert!(disk.has_all().await.unwrap_err().to_string().contains("cannot be synced"));
    }
}
