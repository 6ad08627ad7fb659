//! What is kept: every statement we own, one file per aggregate.
//!
//! A public method is one whole transaction with the name of what happened (`accept`, `claim`, `settle`); two things
//! that must be true together are one method. Rows stay private, methods speak `domain` types, and no type of the
//! SQL library leaves the room. The store never knows HTTP, and never asks Kaltura anything.
//!
//! One connection writes, in turn; several read beside it (WAL). [`Store::write`] opens a writing transaction:
//!
//! ```text
//! let mut tx = self.write().await?;          // begin immediate; waits for its turn
//! sqlx::query("…").execute(&mut *tx).await?; // as many statements as belong together
//! tx.commit().await                          // dropped before this line, nothing happened
//! ```

mod absence;
mod accept;
mod account_asks;
mod account_states;
mod accounts;
mod assets;
mod captions;
mod catalogue_runs;
mod category_members;
mod changes;
mod claims;
mod custom_metadata;
mod database;
mod deliveries;
mod delivery_content;
mod delivery_end;
mod delivery_lines;
mod delivery_list;
mod dirty_entries;
mod disk;
mod entries;
mod entry_events;
mod entry_report;
mod entry_sync;
mod error;
mod feed;
mod feed_token;
mod hook_set;
mod hooks;
mod inbox;
mod index_feed;
mod judgement;
mod known;
mod limits;
mod listed;
mod lock;
mod mark_gates;
mod migrations;
mod mirror;
mod mirror_filter;
mod numbers;
mod outbox;
mod pace;
mod playlists;
mod policy;
mod prune;
mod public_entries;
mod public_rows;
mod reject;
mod repair;
mod room;
mod rows;
mod schedule;
mod secrets_seen;
mod settings;
mod sheet;
mod signals;
mod tallies;
mod thumbnails;
mod turn;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sqlx::{Sqlite, SqlitePool, Transaction};
use tokio::sync::Semaphore;

pub use absence::RemovalLimit;
pub use accept::{Acceptance, Accepted, Received};
pub use account_asks::{AccountAsk, Asked};
pub use account_states::AccountState;
pub use accounts::{Account, AccountSpec};
pub use captions::{FetchedCaption, SavedCaption, WantedCaption};
pub use catalogue_runs::{Backlog, CatalogueRun, RunKind, RunOptions, RunPage, RunResult, RunState, RunWindow};
pub use changes::{Cause, Change, ChangeRow, Op, Origin};
pub use claims::{ClaimedBatch, ClaimedEntry, Outcome, Settled};
pub use custom_metadata::MetadataFields;
pub use deliveries::{
    AttemptReport, ClaimedDelivery, DELIVERY_CLAIM_MAX, DeliveryContent, DeliveryOutcome, LONGEST_DELIVERY_WAIT,
};
pub use delivery_list::{DeliveryFilter, DeliveryRow, DeliveryState, Retried};
pub use dirty_entries::{DeadEntry, DirtyCounts, Lane, Reason, Reasons};
pub use entries::{Content, Save, Saved, Seen};
pub use entry_events::EventKind;
pub use entry_report::{
    CaptionReport, CategoryReport, ContentReport, DeliveryReport, DirtyReport, EntryReport, FactsReport,
    ThumbnailReport,
};
pub use entry_sync::{KnownEntry, MarkRecord, Noted, PendingMark};
pub use error::Error;
pub use feed::{FeedAnswer, FeedItem, FeedPage, FeedStart, Gone};
pub use feed_token::FeedToken;
pub use hooks::{HookSpec, HookState, HookWhat};
pub use inbox::{InboxFilter, InboxItem, InboxRequest, ItemOutcome, METHOD, StoredRequest, Verdict};
pub use index_feed::{INDEX_PAGE_MAX, IndexAnswer, IndexPass, IndexPlace, IndexStep};
pub use limits::{CLAIM_MAX, InboxLimits, LONGEST_WAIT, Limits, Resync};
pub use listed::{Drift, Listed};
pub use mark_gates::MarkGate;
pub use mirror_filter::FilterChange;
pub use policy::{AccountFacts, PolicyChange};
pub use prune::Pruned;
pub use public_entries::{FoundEntry, PAGE_MAX, PublicCursor, PublicPage, PublicShape, PublicShapes};
pub use reject::{Recorded, Rejection, RejectionCounts};
pub use secrets_seen::SeenSecret;
pub use tallies::Tallies;
pub use thumbnails::{FetchedThumbnail, PrunedThumbnails, SavedThumbnail, StoredThumbnail, WantedThumbnail};

use crate::domain::clock::{Clock, Timestamp};
use crate::domain::ids::{AccountId, PartnerId};
use accept::Reception;
use database::Database;
use lock::DirectoryLock;
use mirror::Mirror;
use reject::RejectionDesk;
use writer::WriteTx;

/// The data directory of one daemon. Clones are the same store.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    mirror: Arc<Mirror>,
    thumbnails: Database,
    accounts: Vec<Account>,
    /// Names the data directory to readers of the feed; 0 when opened for reading only and it has no name yet.
    directory: i64,
    feed_turns: Semaphore,
    reception: Reception,
    rejections: RejectionDesk,
}

impl Store {
    /// Opens the data directory for one daemon, and makes it (0700) when it is missing.
    ///
    /// Takes its lock, brings both databases up to date, binds the accounts to their servers, and voids every
    /// lease: whoever held one is gone.
    ///
    /// # Errors
    /// `Locked`, `OtherServer`, `NewerDatabase`, `Corrupt`, `Unusable`, `Full`: each says what to do about it.
    pub async fn open(data_dir: &Path, accounts: &[AccountSpec], clock: Clock) -> Result<Self, Error> {
        Self::open_with(data_dir, accounts, clock, Limits::default()).await
    }

    /// [`Store::open`] with bounds and intervals of the operator's choice.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub async fn open_with(
        data_dir: &Path,
        accounts: &[AccountSpec],
        clock: Clock,
        limits: Limits,
    ) -> Result<Self, Error> {
        let lock = DirectoryLock::take(data_dir)?;
        let (mirror_file, thumbnails_file) = files(data_dir);
        let mirror = Database::open(&mirror_file, limits.mirror_max_bytes).await?;
        migrations::apply(mirror.writer()?, &mirror_file, migrations::MIRROR).await?;
        let thumbnails = Database::open(&thumbnails_file, None).await?;
        migrations::apply(thumbnails.writer()?, &thumbnails_file, migrations::THUMBNAILS).await?;

        let mirror = Arc::new(Mirror::new(mirror, clock, limits, Some(lock)).await?);
        let now = mirror.clock.now();
        let mut tx = mirror.write().await?;
        let accounts = accounts::register(&mut tx, data_dir, accounts, now).await?;
        let directory = feed::directory(&mut tx).await?;
        claims::forget_strangers(&mut tx, &accounts).await?;
        claims::void_leases(&mut tx, now).await?;
        delivery_lines::void_leases(&mut tx, now).await?;
        captions::void_leases(&mut tx, now).await?;
        tx.commit().await?;
        let reception = Reception::open(&mirror)?;
        let rejections = RejectionDesk::open(&mirror, &reception);
        let feed_turns = Semaphore::new(feed::PAGES_AT_ONCE);
        Ok(Self(Arc::new(Inner { mirror, thumbnails, accounts, directory, feed_turns, reception, rejections })))
    }

    /// Opens the data directory for reading, beside a running daemon or without one. Every method that changes
    /// something answers `ReadOnly`.
    ///
    /// # Errors
    /// `OlderDatabase`, `NewerDatabase`, `Unusable`, `Corrupt`.
    pub async fn open_read_only(data_dir: &Path, clock: Clock) -> Result<Self, Error> {
        let (mirror_file, thumbnails_file) = files(data_dir);
        for file in [&mirror_file, &thumbnails_file] {
            std::fs::metadata(file).map_err(|cause| Error::unusable(file, cause))?;
        }
        let mirror = Database::open_read_only(&mirror_file);
        migrations::require(mirror.readers(), &mirror_file, migrations::MIRROR).await?;
        let thumbnails = Database::open_read_only(&thumbnails_file);
        migrations::require(thumbnails.readers(), &thumbnails_file, migrations::THUMBNAILS).await?;

        let accounts = accounts::list(mirror.readers()).await?;
        let mirror = Arc::new(Mirror::new(mirror, clock, Limits::default(), None).await?);
        let directory = feed::find_directory(&mut *mirror.database.read().await?).await?.unwrap_or(0);
        let feed_turns = Semaphore::new(feed::PAGES_AT_ONCE);
        let (reception, rejections) = (Reception::closed(), RejectionDesk::closed());
        Ok(Self(Arc::new(Inner { mirror, thumbnails, accounts, directory, feed_turns, reception, rejections })))
    }

    /// The accounts: those configured, or all that are known when opened for reading only.
    pub fn accounts(&self) -> &[Account] {
        &self.0.accounts
    }

    /// Our number of the account with this partner id.
    pub fn find_account(&self, partner_id: PartnerId) -> Option<AccountId> {
        self.0.accounts.iter().find(|account| account.partner_id == partner_id).map(|account| account.id)
    }

    /// Finishes what has been handed over, then closes the files. Anything asked afterwards is answered `Closed`.
    /// The directory is free for another process once the last clone is dropped.
    pub async fn close(&self) {
        self.0.reception.close().await;
        self.0.rejections.close().await;
        self.0.mirror.database.close().await;
        self.0.thumbnails.close().await;
    }

    fn now(&self) -> Timestamp {
        self.0.mirror.clock.now()
    }

    /// A writing transaction on `mirror.db`; waits for its turn.
    async fn write(&self) -> Result<WriteTx, Error> {
        self.0.mirror.write().await
    }

    /// The reading connections of `mirror.db`, for a single statement.
    fn readers(&self) -> &SqlitePool {
        self.0.mirror.database.readers()
    }

    /// Several reads of `mirror.db` as of one moment.
    async fn read(&self) -> Result<Transaction<'static, Sqlite>, Error> {
        self.0.mirror.database.read().await
    }

    /// `thumbnails.db`: its own file, its own writer, its own transactions.
    fn thumbnails(&self) -> &Database {
        &self.0.thumbnails
    }
}

fn files(data_dir: &Path) -> (PathBuf, PathBuf) {
    (data_dir.join("mirror.db"), data_dir.join("thumbnails.db"))
}

/// Reads an id back from its column: only what its type allows was ever written there.
fn decoded<T>(text: &str) -> Result<T, Error>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    text.parse().map_err(|error| Error::Corrupt { cause: format!("a stored value: {error}") })
}
