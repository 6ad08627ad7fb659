//! What can go wrong in the store, as decisions a caller can make.

use std::io;
use std::path::{Path, PathBuf};

use crate::domain::ids::PartnerId;

/// Why the store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another process works on this data directory.
    #[error(
        "data directory {directory:?} is in use{}; stop that process or give this one another data_dir",
        .pid.map(|pid| format!(" by process {pid}")).unwrap_or_default()
    )]
    Locked {
        /// The data directory.
        directory: PathBuf,
        /// The process that holds it, when it left its number.
        pid: Option<u32>,
    },
    /// The data directory holds this partner's data from another server.
    #[error(
        "data directory {directory:?} holds partner {partner_id} of {known}, but service_url is {configured}; \
         correct service_url or give this server a data_dir of its own"
    )]
    OtherServer {
        /// The data directory.
        directory: PathBuf,
        /// The account's number, the same on both servers.
        partner_id: PartnerId,
        /// The server whose data is there.
        known: String,
        /// The server that was asked for.
        configured: String,
    },
    /// A later version of this program has written the database.
    #[error(
        "{file:?} has schema version {found}, this program knows up to {known}; \
         use the newer program or restore an older backup"
    )]
    NewerDatabase {
        /// The database file.
        file: PathBuf,
        /// The version it has.
        found: i64,
        /// The last version this program knows.
        known: i64,
    },
    /// Opened for reading only, and the database is not of this program's version.
    #[error(
        "{file:?} has schema version {found}, this program reads {known}; start `serve` once to bring it up to date"
    )]
    OlderDatabase {
        /// The database file.
        file: PathBuf,
        /// The version it has; 0 for none.
        found: i64,
        /// The version this program reads.
        known: i64,
    },
    /// The directory or a file in it cannot be made, opened or read.
    #[error("cannot use {path:?}: {cause}")]
    Unusable {
        /// The directory or file.
        path: PathBuf,
        /// What the operating system said.
        cause: io::Error,
    },
    /// No room: nothing was stored, and nothing was promised. Becomes a 503.
    #[error("the disk or the database is full, make room: {cause}")]
    Full {
        /// What SQLite said.
        cause: String,
    },
    /// Too much is waiting or the database is locked from outside; the same call may well succeed later.
    #[error("the store is busy: {cause}")]
    Busy {
        /// Who could not get what.
        cause: String,
    },
    /// The database file is damaged, or a row holds what we never write.
    #[error("the database is damaged: {cause}; check the disk and restore a backup, or start with an empty data_dir")]
    Corrupt {
        /// What was found.
        cause: String,
    },
    /// The store was opened for reading only.
    #[error("the data directory was opened for reading only")]
    ReadOnly,
    /// The store is shutting down.
    #[error("the store is closed")]
    Closed,
    /// Anything else SQLite refused: a defect of this program or of the machine.
    #[error("the database refused: {cause}")]
    Failed {
        /// What SQLite said.
        cause: String,
    },
}

impl Error {
    /// Worth another attempt later: the same call may well succeed.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Busy { .. } | Self::Full { .. })
    }

    pub(super) fn unusable(path: &Path, cause: io::Error) -> Self {
        Self::Unusable { path: path.to_owned(), cause }
    }

    /// By SQLite's extended result code.
    fn of_code(extended: i32, cause: String) -> Self {
        match (extended, extended & 0xff) {
            (code::IOERR_SHMSIZE | code::IOERR_SHMMAP, _) | (_, code::FULL) => Self::Full { cause },
            (_, code::BUSY | code::LOCKED) => Self::Busy { cause },
            (_, code::READONLY) => Self::ReadOnly,
            (_, code::CORRUPT | code::NOTADB) => Self::Corrupt { cause },
            _ => Self::Failed { cause },
        }
    }

    /// The same decision for each of several callers that shared one transaction.
    pub(super) fn shared(&self) -> Self {
        let cause = self.to_string();
        match self {
            Self::Full { cause } => Self::Full { cause: cause.clone() },
            Self::Busy { cause } => Self::Busy { cause: cause.clone() },
            Self::Corrupt { cause } => Self::Corrupt { cause: cause.clone() },
            Self::ReadOnly => Self::ReadOnly,
            Self::Closed => Self::Closed,
            _ => Self::Failed { cause },
        }
    }
}

/// SQLite's primary result codes that mean a decision of their own.
mod code {
    pub(super) const BUSY: i32 = 5;
    pub(super) const LOCKED: i32 = 6;
    pub(super) const READONLY: i32 = 8;
    pub(super) const CORRUPT: i32 = 11;
    pub(super) const FULL: i32 = 13;
    pub(super) const NOTADB: i32 = 26;
    /// Extended codes of an I/O error: no room for the WAL's index, which is a full disk, too.
    pub(super) const IOERR_SHMSIZE: i32 = 10 | (19 << 8);
    pub(super) const IOERR_SHMMAP: i32 = 10 | (21 << 8);
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        let cause = error.to_string();
        match &error {
            sqlx::Error::Database(database) => {
                Self::of_code(database.code().and_then(|code| code.parse().ok()).unwrap_or(1), cause)
            }
            sqlx::Error::PoolTimedOut => Self::Busy { cause: "no connection came free in time".into() },
            sqlx::Error::PoolClosed => Self::Closed,
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => Self::Corrupt { cause },
            _ => Self::Failed { cause },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_room_for_the_index_of_the_wal_is_a_full_disk_and_other_failures_of_it_are_not() {
        let full = |code| matches!(Error::of_code(code, String::new()), Error::Full { .. });
        assert!(full(13) && full(4874) && full(5386));
        assert!(!full(10) && !full(266) && !full(5));
    }
}
