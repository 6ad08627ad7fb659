//! Reading everything there is: a backfill, or the comparison of the whole account that finds what is gone.
//!
//! What is yet to be read stands in the store, window by window, and changes with each page that is kept: a reading that
//! is killed goes on from there. Long windows are halved, so that several are read side by side.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use tracing::{info, warn};

use super::reconcile::listed;
use super::{Account, Catalogue, Error, RETRY, selection};
use crate::domain::filter::mirror::MirrorFilter;
use crate::domain::ids::AccountId;
use crate::kaltura::catalogue::{Step, Window};
use crate::store::{Backlog, CatalogueRun, Drift, RunKind, RunOptions, RunPage, RunResult, RunState, RunWindow};

/// Windows read side by side.
const READERS: usize = 3;
/// Entries found that may wait to be looked at while more are listed. Those that wait are kept by their ids, which are drawn: the
/// more of them there are, the more of the disk each page touches, and a look has to catch up with all of them anyway.
const AHEAD: u64 = 10_000;
/// Entries of a window that are kept together in the order of their ids, unless it ends before. Ids are drawn, and in a large mirror
/// each of a few would be on a page of its own: the more of them there are, the more share one, and are looked at side by side.
const KEPT_TOGETHER: usize = 5_000;
/// So long until it is seen whether they have become fewer.
const AHEAD_POLL: Duration = Duration::from_millis(250);
/// Windows that a reading is divided into at most, seconds with too many entries apart.
const DIVIDED_INTO: usize = 2 * READERS;
/// A comparison whose lists name less of the mirror than this, in percent, is not believed.
const BELIEVED_FROM: u64 = 50;
/// Below so many entries the lists are believed in any case: every look has its own proof.
const FEW: u64 = 20;
/// Entries in one look, write-backs in one request, rows in one step of a list and in one transaction.
const PER_LOOK: u64 = 100;
const PER_MARK: u64 = 20;
const PER_STEP: usize = 1_000;

/// What a reading will take, as far as can be told before it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// Entries that Kaltura's lists name, and that are selected.
    pub entries: u64,
    /// Fewer may be selected: the lists name too many to judge each before.
    #[serde(default)]
    pub is_at_most: bool,
    /// Entries of the mirror.
    pub mirrored: u64,
    /// Calls to list them.
    pub list_calls: u64,
    /// Calls to look at them, all of them.
    pub look_calls: u64,
    /// Calls to mark them, if all were to be marked.
    pub mark_calls: u64,
    /// How long one call took just now, in seconds.
    pub seconds_a_call: f64,
}

/// A reading, and what has become of what it found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunReport {
    /// The reading.
    #[serde(flatten)]
    pub run: CatalogueRun,
    /// Entries that it made dirty and that are yet to be looked at.
    pub backlog: Backlog,
    /// What has become of the entries met, once nothing is left to do.
    pub result: Option<RunResult>,
}

impl Catalogue {
    /// Begins a reading, unless one is under way: then that one is told, with `false`.
    ///
    /// # Errors
    /// The store's.
    pub async fn begin(
        &self,
        account: AccountId,
        kind: RunKind,
        options: RunOptions,
    ) -> Result<(CatalogueRun, bool), Error> {
        self.begin_only(account, kind, options, None).await
    }

    /// The same of those entries that pass a filter, a text in the language of filters.
    ///
    /// # Errors
    /// The store's; `Filter` for a text that is none, with the place.
    pub async fn begin_only(
        &self,
        account: AccountId,
        kind: RunKind,
        options: RunOptions,
        only: Option<&str>,
    ) -> Result<(CatalogueRun, bool), Error> {
        let account = self.account(account)?;
        let filter = only.map_or(Ok(None), |only| selection::read(account, only))?;
        let windows = selection::windows(filter.as_ref());
        let windows = windows.iter().map(serde_json::to_string).collect::<Result<Vec<_>, _>>()?;
        let only = filter.as_ref().map(MirrorFilter::text);
        let (run, is_new) = self.0.store.begin_run(account.id, kind, options, only, &windows).await?;
        if is_new {
            let about = only.map_or_else(String::new, |only| format!(", only {only}"));
            info!(account = %account.label, "the {} of account {} has begun{about}", kind.as_str(), account.label);
        }
        account.run_begun.notify_one();
        Ok((run, is_new))
    }

    /// Gives up the reading that is under way. What it has found by then is looked at all the same, and neither marked nor
    /// told for its sake. Says whether there was one, or anything that it was to mark or tell.
    ///
    /// # Errors
    /// The store's.
    pub async fn stop_run(&self, account: AccountId) -> Result<bool, Error> {
        let open = self.0.store.open_run(account).await?;
        if let Some(run) = &open {
            self.0.store.stop_run(run.id, "stopped by a person").await?;
        }
        Ok(self.0.store.quieten_backlog(account).await? > 0 || open.is_some())
    }

    /// The account's latest reading of this kind: how far it is, and what came of it.
    ///
    /// # Errors
    /// The store's.
    pub async fn latest_run(&self, account: AccountId, kind: RunKind) -> Result<Option<RunReport>, Error> {
        let Some(run) = self.0.store.runs(account, Some(kind), 1).await?.pop() else { return Ok(None) };
        let backlog = self.0.store.catalogue_backlog(account).await?;
        let is_over = run.state.is_over() && backlog.is_worked_off();
        let result = if is_over { Some(self.0.store.run_result(run.id).await?) } else { None };
        Ok(Some(RunReport { run, backlog, result }))
    }

    /// What a reading will take, of all entries or of those that pass a filter. Asks Kaltura once for all; else for each
    /// entry that the lists name, unless they name many.
    ///
    /// # Errors
    /// What Kaltura says, or fails to say; `Filter` for a text that is none, with the place.
    pub async fn estimate(&self, account: AccountId, only: Option<&str>) -> Result<Estimate, Error> {
        let account = self.account(account)?;
        let filter = only.map_or(Ok(None), |only| selection::read(account, only))?;
        let windows = selection::windows(filter.as_ref());
        let began = Instant::now();
        let listed = account.backfill_client.count_catalogue(&windows).await?;
        let seconds_a_call = began.elapsed().as_secs_f64();
        let counted = account.count(filter.as_ref(), windows, listed).await?;
        let (entries, listed) = (counted.selected as u64, counted.listed as u64);
        let mirrored = self.0.store.mirrored_entries(account.id).await?;
        Ok(Estimate {
            entries,
            is_at_most: counted.is_at_most,
            mirrored,
            list_calls: listed.div_ceil(PER_STEP as u64) + 2,
            look_calls: entries.div_ceil(PER_LOOK),
            mark_calls: entries.div_ceil(PER_MARK),
            seconds_a_call,
        })
    }

    /// Goes on with the account's reading whenever there is one.
    pub(super) async fn keep_reading(self, account: Arc<Account>) {
        loop {
            let rest = match self.read_on(&account).await {
                Ok(Turn::Taken) => continue,
                Ok(Turn::FarAhead) => AHEAD_POLL,
                Ok(Turn::None) => RETRY,
                Err(error) => {
                    warn!(account = %account.label, "reading the catalogue of account {} is held up: {error}", account.label);
                    RETRY
                }
            };
            let _ = tokio::time::timeout(self.within(rest), account.run_begun.notified()).await;
        }
    }

    /// One step of the reading that is under way, if there is one and enough of what it found has been looked at.
    async fn read_on(&self, account: &Account) -> Result<Turn, Error> {
        let Some(run) = self.0.store.open_run(account.id).await? else { return Ok(Turn::None) };
        if is_far_ahead(self.0.store.catalogue_backlog(account.id).await?) {
            return Ok(Turn::FarAhead);
        }
        let step = match run.state {
            RunState::Unmet => self.find_unmet(account, &run).await,
            _ => self.read_windows(account, &run).await,
        };
        if let Err(error) = &step {
            self.0.store.record_run_error(run.id, &error.to_string()).await?;
        }
        step.map(|()| Turn::Taken)
    }

    /// Reads on in each of the first windows, side by side.
    async fn read_windows(&self, account: &Account, run: &CatalogueRun) -> Result<(), Error> {
        let (windows, open) = self.0.store.run_windows(run.id, READERS).await?;
        let room = DIVIDED_INTO.saturating_sub(open) / windows.len().max(1);
        let steps = windows.into_iter().map(|window| self.read_window(account, run, window, room > 0));
        join_all(steps).await.into_iter().collect()
    }

    /// Reads on in a window, and keeps what came in the order of its ids, also what came before a call that failed.
    async fn read_window(
        &self,
        account: &Account,
        run: &CatalogueRun,
        window: RunWindow,
        may_halve: bool,
    ) -> Result<(), Error> {
        let filter = run.only.as_deref().map_or(Ok(None), |only| selection::read(account, only))?;
        let mut rest: Vec<Window> = vec![serde_json::from_str(&window.window)?];
        let (mut rows, mut unlisted, mut outcome) = (BTreeMap::new(), 0, Ok(()));
        while let [reading] = rest.as_slice()
            && rows.len() < KEPT_TOGETHER
        {
            match self.read_step(account, filter.as_ref(), reading).await {
                Ok(step) => {
                    // The second at which the step before ended is listed again.
                    rows.extend(step.rows.into_iter().map(|row| (row.id.clone(), listed(row))));
                    unlisted += step.unlisted as u64;
                    rest = match step.next.as_slice() {
                        [only] if may_halve => only.halves(step.left, self.0.clock.now().as_secs()),
                        _ => None,
                    }
                    .map_or(step.next, Vec::from);
                }
                Err(error) => {
                    outcome = Err(error);
                    break;
                }
            }
        }
        let mut rows: Vec<_> = rows.into_values().collect();
        while rows.len() > PER_STEP {
            let further = rows.split_off(PER_STEP);
            // Killed after it, the reading goes on from where the window stood.
            let page = RunPage { listed: rows, next: vec![window.window.clone()], unlisted: 0 };
            self.0.store.record_page(run, window.number, &page).await?;
            rows = further;
        }
        let next = rest.iter().map(serde_json::to_string).collect::<Result<_, _>>()?;
        self.0.store.record_page(run, window.number, &RunPage { listed: rows, next, unlisted }).await?;
        outcome
    }

    /// One step through a window: the entries that exist, and are selected.
    async fn read_step(
        &self,
        account: &Account,
        filter: Option<&MirrorFilter>,
        window: &Window,
    ) -> Result<Step, Error> {
        let mut steps = account.backfill_client.read_catalogue(std::slice::from_ref(window)).await?;
        let mut step = steps.pop().expect("a step for each window");
        step.rows.retain(|row| !row.is_deleted);
        if let Some(filter) = filter {
            step.rows = account.select(filter, step.rows).await?;
        }
        Ok(step)
    }

    /// What no list names is looked at, unless the lists name so little that they cannot be right: that is judged once, for it
    /// takes a walk through the mirror.
    async fn find_unmet(&self, account: &Account, run: &CatalogueRun) -> Result<(), Error> {
        if !run.has_compared()
            && let Some(why) = self.why_not_believed(account, run).await?
        {
            warn!(account = %account.label, "the comparison of account {} is given up: {why}", account.label);
            return Ok(self.0.store.stop_run(run.id, &why).await?);
        }
        if let Some(unmet) = self.0.store.record_unmet(run).await? {
            account.state().drift.add(Drift::Missing, unmet);
        }
        Ok(())
    }

    async fn why_not_believed(&self, account: &Account, run: &CatalogueRun) -> Result<Option<String>, Error> {
        let mirrored = self.0.store.mirrored_entries(account.id).await?;
        let is_too_little = mirrored > FEW && run.seen.saturating_mul(100) < mirrored.saturating_mul(BELIEVED_FROM);
        Ok(is_too_little.then(|| {
            format!(
                "the lists name {} entries and the mirror has {mirrored}: that is not believed, and nothing was looked for",
                run.seen
            )
        }))
    }
}

/// What became of a reading's next step.
enum Turn {
    /// It was taken; another may follow at once.
    Taken,
    /// Too many of the entries found wait to be looked at.
    FarAhead,
    /// No reading is under way.
    None,
}

/// What has failed waits for its own reasons, and nobody waits for it.
const fn is_far_ahead(backlog: Backlog) -> bool {
    backlog.waiting.saturating_sub(backlog.failing) > AHEAD
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_failed_holds_up_no_reading() {
        let is_held = |waiting, failing| is_far_ahead(Backlog { waiting, failing });
        assert_eq!(
            [(0, 0), (AHEAD, 0), (AHEAD + 1, 0)].map(|(waiting, failing)| is_held(waiting, failing)),
            [false, false, true]
        );
        assert!(!is_held(AHEAD * 3, AHEAD * 2));
    }
}
