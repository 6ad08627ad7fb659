//! Who carries out a change: the daemon that works on the data directory, or this process while none does.
//!
//! Both give the same answers, so that nobody has to know which it was.

use std::sync::Arc;
use std::time::Duration;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::{Value as Json, json};
use tokio::time::Instant;

use super::admin_client::AdminClient;
use super::{Options, UsageError};
use crate::app::presence::DaemonFile;
use crate::app::{StartError, Workshop};
use crate::catalogue::{Estimate, Reconciled, RunReport};
use crate::config::{Account, Config};
use crate::domain::clock::{Clock, Jitter};
use crate::domain::hook::DeliveryId;
use crate::domain::ids::{AccountId, EntryId};
use crate::hooks::{Hooks, Listeners, report};
use crate::intake::Reverified;
use crate::search::query::{Asked, Searching};
use crate::search::{self, Search};
use crate::store::{self, CatalogueRun, Lane, Reason, RunKind, RunOptions};

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

/// A new search index on its way.
pub(super) struct Rebuilding {
    /// How many had been made when it was asked for.
    pub before: u64,
    own: Option<(Search, search::Running)>,
}

impl Rebuilding {
    /// How it fares.
    pub async fn status(&self, hand: &Hand) -> anyhow::Result<search::Status> {
        match (&self.own, hand) {
            (Some((search, _)), _) => Ok(search.status()),
            (None, Hand::Daemon(daemon)) => daemon.get("search").await,
            (None, Hand::Own(_)) => anyhow::bail!("nobody makes an index"),
        }
    }

    /// Ends our own work on it.
    pub async fn close(self) {
        if let Some((_, running)) = self.own {
            running.stop().await;
        }
    }
}

/// What became of a replay.
#[derive(Debug, Deserialize)]
pub(super) struct Replayed {
    /// The entries that are looked at again.
    pub entries: Vec<EntryId>,
}

/// A reading that has begun, or that was under way.
#[derive(Debug, Deserialize)]
pub(super) struct Begun {
    /// Whether it is a new one.
    pub begun: bool,
    /// Which.
    pub run: CatalogueRun,
}

#[derive(Deserialize)]
struct Stopped {
    stopped: bool,
}

#[derive(Deserialize)]
struct Revived {
    revived: usize,
}

#[derive(Deserialize)]
struct Retried {
    retried: u64,
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

/// A search as a URL asks it.
fn parameters(asked: &Asked, account: Option<&str>) -> Vec<(&'static str, String)> {
    let number = |number: Option<usize>| number.map(|number| number.to_string()).unwrap_or_default();
    let mut parameters = vec![
        ("q", asked.q.clone()),
        ("filter", asked.filter.clone()),
        ("facets", asked.facets.clone()),
        ("sort", asked.sort.clone()),
        ("limit", number(asked.limit)),
        ("offset", number(asked.offset)),
        ("cursor", asked.cursor.clone()),
        ("highlight", asked.highlight.clone()),
        ("crop", asked.crop.clone()),
        ("account", account.unwrap_or_default().to_owned()),
    ];
    parameters.retain(|(_, value)| !value.is_empty());
    parameters
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

    /// Has a hook deliver a test, and tells the delivery as `hooks deliveries` does.
    pub async fn hook_test(&self, config: &Config, account: &Account, hook: &str) -> anyhow::Result<Json> {
        match self {
            Self::Daemon(daemon) => daemon.post(&of_hook(hook, "test"), &whose(account)).await,
            Self::Own(workshop) => {
                let hooks = own_hooks(workshop, config)?;
                let running = hooks.start_only(hook);
                let tested = hooks.test(hook, number(workshop, account)?).await;
                running.stop(config.sync.stop_deadline).await;
                Ok(report::delivery(&tested?, Some(&account.label)))
            }
        }
    }

    /// Tries these deliveries of a hook again, or all that were given up. Says how many there were.
    pub async fn hook_retry(&self, hook: &str, ids: Option<&[DeliveryId]>) -> anyhow::Result<u64> {
        match self {
            Self::Daemon(daemon) => {
                let body = json!({ "ids": ids });
                Ok(daemon.post::<Retried>(&of_hook(hook, "retry"), &body).await?.retried)
            }
            Self::Own(workshop) => {
                let which = ids.map_or(store::Retried::AllDead, store::Retried::These);
                Ok(workshop.store.retry_deliveries(hook, which).await?)
            }
        }
    }

    /// Switches a hook on again.
    pub async fn hook_enable(&self, hook: &str) -> anyhow::Result<()> {
        match self {
            Self::Daemon(daemon) => daemon.post::<Noted>(&of_hook(hook, "enable"), &json!({})).await.map(drop),
            Self::Own(workshop) if workshop.store.enable_hook(hook).await? => Ok(()),
            Self::Own(_) => anyhow::bail!("no hook is named {hook:?}"),
        }
    }

    /// Has a new search index made.
    pub async fn rebuild_search(&self, config: &Config) -> anyhow::Result<Rebuilding> {
        match self {
            Self::Daemon(daemon) => {
                let status: search::Status = daemon.post("search/rebuild", &json!({})).await?;
                Ok(Rebuilding { before: status.built, own: None })
            }
            Self::Own(_) if !config.search.enabled => anyhow::bail!("search is switched off: [search] enabled = false"),
            Self::Own(workshop) => {
                let (search, running) = workshop.index(config);
                search.rebuild();
                Ok(Rebuilding { before: 0, own: Some((search, running)) })
            }
        }
    }

    /// Searches as visitors do, of one account where there are several.
    pub async fn search(&self, config: &Config, asked: &Asked, account: Option<&str>) -> anyhow::Result<Json> {
        match self {
            Self::Daemon(daemon) => daemon.visit("/api/v1/search", &parameters(asked, account)).await,
            Self::Own(workshop) => {
                let search = workshop.index_as_left(config).map_err(|why| {
                    anyhow::anyhow!("{why}; no daemon runs: `kaltura-mirror search rebuild` makes one")
                })?;
                let account = match account {
                    Some(label) => {
                        workshop.sync.accounts().find(|account| account.label == label).map(|found| found.id)
                    }
                    None => None,
                };
                let shapes = Arc::clone(&workshop.sync.shapes().borrow());
                let searching = Searching::new(search, workshop.store.clone());
                let answer = searching.search(&Asked { account, ..asked.clone() }, &shapes).await?;
                Ok(serde_json::to_value(answer)?)
            }
        }
    }

    /// What reading an account's catalogue would take, or what is selected of it.
    pub async fn estimate(&self, account: &Account, only: Option<&str>) -> anyhow::Result<Estimate> {
        match self {
            Self::Daemon(daemon) => {
                let mut body = whose(account);
                body["only"] = only.into();
                daemon.post("backfill/estimate", &body).await
            }
            Self::Own(workshop) => {
                let number = number(workshop, account)?;
                learn_for(workshop, number, only).await?;
                Ok(workshop.catalogue.estimate(number, only).await?)
            }
        }
    }

    /// Begins a reading of an account's whole catalogue, unless one is under way: that is told then.
    pub async fn begin(
        &self,
        account: &Account,
        kind: RunKind,
        options: RunOptions,
        only: Option<&str>,
    ) -> anyhow::Result<Begun> {
        match self {
            Self::Daemon(daemon) => {
                let mut body = whose(account);
                if kind == RunKind::Backfill {
                    (body["mark"], body["hooks"], body["only"]) =
                        (options.mark.into(), options.hooks.into(), only.into());
                }
                daemon.post(&format!("{}/start", reading(kind)), &body).await
            }
            Self::Own(workshop) => {
                let number = number(workshop, account)?;
                learn_for(workshop, number, only).await?;
                let (run, begun) = workshop.catalogue.begin_only(number, kind, options, only).await?;
                Ok(Begun { begun, run })
            }
        }
    }

    /// Gives up the reading of an account that is under way. Says whether there was one.
    pub async fn stop_reading(&self, account: &Account) -> anyhow::Result<bool> {
        match self {
            Self::Daemon(daemon) => Ok(daemon.post::<Stopped>("catalogue/stop", &whose(account)).await?.stopped),
            Self::Own(workshop) => Ok(workshop.catalogue.stop_run(number(workshop, account)?).await?),
        }
    }

    /// How far an account's latest reading of this kind is.
    pub async fn run(&self, account: &Account, kind: RunKind) -> anyhow::Result<RunReport> {
        match self {
            Self::Daemon(daemon) => {
                let label = utf8_percent_encode(&account.label, NON_ALPHANUMERIC);
                daemon.get(&format!("{}?account={label}", reading(kind))).await
            }
            Self::Own(workshop) => {
                let report = workshop.catalogue.latest_run(number(workshop, account)?, kind).await?;
                report.ok_or_else(|| anyhow::anyhow!("the catalogue of account {} was never read", account.label))
            }
        }
    }

    /// Lists what was changed lately in an account, and makes dirty what no look has seen.
    pub async fn reconcile(&self, account: &Account) -> anyhow::Result<Reconciled> {
        match self {
            Self::Daemon(daemon) => daemon.post("reconcile", &whose(account)).await,
            Self::Own(workshop) => Ok(workshop.catalogue.reconcile(number(workshop, account)?).await?),
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

/// The hooks, to be told by this process. A daemon of ours may be started meanwhile, where it would listen.
pub(super) fn own_hooks(workshop: &Workshop, config: &Config) -> Result<Arc<Hooks>, StartError> {
    workshop.hooks(config, Listeners::at([config.server.listen, config.admin.listen]))
}

fn in_use(config: &Config, pid: Option<u32>) -> UsageError {
    let process = pid.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"));
    let data_dir = config.data_dir.display();
    UsageError(format!(
        "data_dir = \"{data_dir}\" is in use by {process}, which takes no orders; try again when it has ended"
    ))
}

const fn reading(kind: RunKind) -> &'static str {
    match kind {
        RunKind::Backfill => "backfill",
        RunKind::Full => "reconcile/full",
    }
}

/// A person may write anything in a name's place.
fn of_hook(hook: &str, verb: &str) -> String {
    format!("hooks/{}/{verb}", utf8_percent_encode(hook, NON_ALPHANUMERIC))
}

fn whose(account: &Account) -> serde_json::Value {
    json!({ "account": account.label })
}

fn number(workshop: &Workshop, account: &Account) -> anyhow::Result<AccountId> {
    let number = workshop.store.find_account(account.partner_id);
    number.ok_or_else(|| anyhow::anyhow!("account {} is not in the data directory", account.label))
}

/// Categories and custom metadata are selected by what Kaltura says of them; a daemon has asked for that already.
async fn learn_for(workshop: &Workshop, account: AccountId, only: Option<&str>) -> anyhow::Result<()> {
    match workshop.sync.accounts().find(|known| known.id == account) {
        Some(known) if only.is_some() => Ok(workshop.sync.refresh_facts(known).await?),
        _ => Ok(()),
    }
}

fn hiding(change: Option<store::Change>) -> Hiding {
    Hiding { seq: change.map(|change| change.seq) }
}
