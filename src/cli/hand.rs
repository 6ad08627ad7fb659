//! Who carries out a change: the daemon that works on the data directory, or this process while none does.
//!
//! Both give the same answers, so that nobody has to know which it was.

use std::time::Duration;

use serde::Deserialize;
use serde_json::json;
use tokio::time::Instant;

use super::admin_client::AdminClient;
use super::{Options, UsageError};
use crate::app::presence::DaemonFile;
use crate::app::{StartError, Workshop};
use crate::config::{Account, Config};
use crate::domain::clock::{Clock, Jitter};
use crate::domain::ids::{AccountId, EntryId};
use crate::intake::Reverified;
use crate::store::{self, Lane, Reason};

/// Another command holds the data directory for a moment, a starting daemon until it can be asked.
const PATIENCE: Duration = Duration::from_secs(5);
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Who carries out a change.
pub(super) enum Hand {
    /// The daemon that holds the data directory.
    Daemon(AdminClient),
    /// This process, which holds it for as long.
    Own(Box<Workshop>),
}

/// What became of hiding or showing an entry by hand.
#[derive(Debug, Deserialize)]
pub(super) struct Hiding {
    /// The change visitors were told, if they see one.
    pub seq: Option<i64>,
}

/// What became of a replay.
#[derive(Debug, Deserialize)]
pub(super) struct Replayed {
    /// The entries that are looked at again.
    pub entries: Vec<EntryId>,
}

#[derive(Deserialize)]
struct Revived {
    revived: usize,
}

/// An answer of which nothing is read.
#[derive(Deserialize)]
struct Noted {}

/// Has something done, and gives the data directory back.
pub(super) fn order<T>(
    options: &Options,
    order: impl AsyncFnOnce(&Config, &Hand) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let config = options.config()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let hand = Hand::on(&config).await?;
        let answer = order(&config, &hand).await;
        hand.close().await;
        answer
    })
}

impl Hand {
    /// The daemon that works on the configured data directory, or else ourselves.
    async fn on(config: &Config) -> anyhow::Result<Self> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match Workshop::open(config, &Clock::system(), Jitter::system()).await {
                Ok(workshop) => return Ok(Self::Own(Box::new(workshop))),
                Err(StartError::Store { cause: store::Error::Locked { pid, .. }, .. }) => {
                    let daemon = DaemonFile::find(&config.data_dir);
                    if let Some(daemon) = daemon.filter(|daemon| pid.is_none_or(|pid| pid == daemon.pid)) {
                        return Ok(Self::Daemon(AdminClient::to(daemon)?));
                    }
                    if Instant::now() >= deadline {
                        return Err(in_use(config, pid).into());
                    }
                }
                Err(other) => return Err(other.into()),
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    async fn close(self) {
        if let Self::Own(workshop) = self {
            workshop.close().await;
        }
    }

    /// Hides an entry from visitors until it is unhidden.
    pub async fn hide(&self, account: &Account, entry: &EntryId) -> anyhow::Result<Hiding> {
        match self {
            Self::Daemon(daemon) => daemon.post(&format!("entries/{entry}/hide"), &whose(account)).await,
            Self::Own(workshop) => Ok(hiding(workshop.store.hide(number(workshop, account)?, entry).await?)),
        }
    }

    /// Takes back [`Hand::hide`].
    pub async fn unhide(&self, account: &Account, entry: &EntryId) -> anyhow::Result<Hiding> {
        match self {
            Self::Daemon(daemon) => daemon.post(&format!("entries/{entry}/unhide"), &whose(account)).await,
            Self::Own(workshop) => Ok(hiding(workshop.store.unhide(number(workshop, account)?, entry).await?)),
        }
    }

    /// Makes the entries of a verified request dirty again.
    pub async fn replay(&self, request: i64) -> anyhow::Result<Replayed> {
        match self {
            Self::Daemon(daemon) => daemon.post(&format!("inbox/{request}/replay"), &json!({})).await,
            Self::Own(workshop) => match workshop.store.inbox_replay(request).await? {
                Some(entries) => Ok(Replayed { entries }),
                None => anyhow::bail!("the inbox has no verified request {request}"),
            },
        }
    }

    /// Judges the refused requests again.
    pub async fn reverify(&self) -> anyhow::Result<Reverified> {
        match self {
            Self::Daemon(daemon) => daemon.post("inbox/reverify", &json!({})).await,
            Self::Own(workshop) => Ok(workshop.intake.reverify().await?),
        }
    }

    /// Revives those of these entries that were given up, or all that were. Says how many there were.
    pub async fn retry(&self, account: &Account, entries: Option<&[EntryId]>) -> anyhow::Result<usize> {
        match self {
            Self::Daemon(daemon) => {
                let body = json!({ "account": account.label, "entries": entries });
                Ok(daemon.post::<Revived>("dead/retry", &body).await?.revived)
            }
            Self::Own(workshop) => Ok(workshop.store.dead_retry(number(workshop, account)?, entries).await?),
        }
    }

    /// Makes entries dirty for a person.
    pub async fn sync(&self, account: &Account, entries: &[EntryId], force: bool) -> anyhow::Result<()> {
        match self {
            Self::Daemon(daemon) => {
                let body = json!({ "account": account.label, "entries": entries, "force": force });
                daemon.post::<Noted>("sync", &body).await?;
            }
            Self::Own(workshop) => {
                let reason = if force { Reason::Force } else { Reason::Person };
                workshop.store.make_dirty(number(workshop, account)?, entries, reason, Lane::Live).await?;
            }
        }
        Ok(())
    }
}

fn in_use(config: &Config, pid: Option<u32>) -> UsageError {
    let process = pid.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"));
    let data_dir = config.data_dir.display();
    UsageError(format!(
        "data_dir = \"{data_dir}\" is in use by {process}, which takes no orders; try again when it has ended"
    ))
}

fn whose(account: &Account) -> serde_json::Value {
    json!({ "account": account.label })
}

fn number(workshop: &Workshop, account: &Account) -> anyhow::Result<AccountId> {
    let number = workshop.store.find_account(account.partner_id);
    number.ok_or_else(|| anyhow::anyhow!("account {} is not in the data directory", account.label))
}

fn hiding(change: Option<store::Change>) -> Hiding {
    Hiding { seq: change.map(|change| change.seq) }
}
