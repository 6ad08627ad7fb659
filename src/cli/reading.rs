//! A reading of a whole catalogue, watched until everything it found has been looked at: progress meanwhile, a table at the
//! end. For `backfill` and `reconcile --full`.

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write as _};
use std::time::Duration;

use anyhow::bail;
use serde_json::{Value as Json, json};
use tokio::time::Instant;

use super::hand::{self, Hand};
use crate::catalogue::RunReport;
use crate::config::{Account, Config};
use crate::store::{CatalogueRun, RunKind, RunResult, RunState};

/// How often it is looked how far it is.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// How often a line tells, where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(10);
/// The rate is that of so long a time.
const RATE_OVER: Duration = Duration::from_secs(20);
const BAR_WIDTH: u64 = 30;
/// Entries that wait.
const MUCH: u64 = 10_000;
/// More than this share of what was found, in percent, for one reason: the setting behind it is told.
const MOST: u64 = 50;

/// Watches the account's latest reading of this kind until all is looked at, and what failed at least once; does the work itself where no daemon does.
pub(super) async fn watch(config: &Config, hand: &Hand, account: &Account, kind: RunKind) -> anyhow::Result<RunReport> {
    match hand {
        Hand::Daemon(_) => until_done(hand, account, kind).await,
        Hand::Own(workshop) => {
            let hooks = hand::own_hooks(workshop, config)?;
            let reading = workshop.catalogue.start_reading();
            let (work, deliveries) = (workshop.sync.start(), hooks.start());
            let report = until_done(hand, account, kind).await;
            reading.stop().await;
            work.stop(config.sync.stop_deadline).await;
            deliveries.stop(config.sync.stop_deadline).await;
            report
        }
    }
}

async fn until_done(hand: &Hand, account: &Account, kind: RunKind) -> anyhow::Result<RunReport> {
    // Without it, how much is left is told only when all is listed: to count what a filter selects costs calls.
    let selects = hand.run(account, kind).await?.run.only.is_some();
    let expected =
        if selects { None } else { hand.estimate(account, None).await.ok().map(|estimate| estimate.entries) };
    let mut meter = Meter::new(expected);
    loop {
        let report = hand.run(account, kind).await?;
        match report.run.state {
            RunState::Stopped => {
                meter.clear();
                bail!("it was given up: {}", report.run.error.as_deref().unwrap_or("no reason is known"));
            }
            RunState::Done if report.result.is_some() => {
                meter.clear();
                return Ok(report);
            }
            _ => meter.show(&report),
        }
        // Counting many takes a while: it is not done all the time.
        let is_much = report.backlog.waiting > MUCH;
        tokio::time::sleep(if is_much { LOOK_EVERY * 8 } else { LOOK_EVERY }).await;
    }
}

/// A bar on a terminal, lines elsewhere; on standard error either way.
struct Meter {
    is_terminal: bool,
    /// Entries that the lists will name.
    expected: Option<u64>,
    last_line: Option<Instant>,
    /// How much was done when, of late.
    of_late: Vec<(Instant, u64)>,
}

impl Meter {
    fn new(expected: Option<u64>) -> Self {
        Self { is_terminal: io::stderr().is_terminal(), expected, last_line: None, of_late: Vec::new() }
    }

    fn show(&mut self, report: &RunReport) {
        let found = report.run.dirty + report.run.unmet;
        let done = found.saturating_sub(report.backlog.waiting);
        let total = still_to_find(&report.run, self.expected).map(|rest| found + rest);
        let rate = self.rate(done);
        let line = line(report, done, total, rate);
        let total = total.unwrap_or(found);
        if self.is_terminal {
            let _ = write!(io::stderr(), "\r\u{1b}[2K{} {line}", bar(done, total));
        } else if self.last_line.is_none_or(|last| last.elapsed() >= LINE_EVERY) {
            self.last_line = Some(Instant::now());
            let _ = writeln!(io::stderr(), "{line}");
        }
    }

    /// Entries a second.
    fn rate(&mut self, done: u64) -> f64 {
        let now = Instant::now();
        self.of_late.push((now, done));
        self.of_late.retain(|(at, _)| now - *at <= RATE_OVER);
        let (since, before) = self.of_late[0];
        let seconds = (now - since).as_secs_f64();
        if seconds > 0.0 { done.saturating_sub(before) as f64 / seconds } else { 0.0 }
    }

    fn clear(&self) {
        if self.is_terminal {
            let _ = write!(io::stderr(), "\r\u{1b}[2K");
        }
    }
}

/// Entries to be looked at that no page has named yet, if they are as many of the rest as they were of those named; nothing where
/// nobody knows how many entries there are.
fn still_to_find(run: &CatalogueRun, expected: Option<u64>) -> Option<u64> {
    if run.state != RunState::Listing {
        return Some(0);
    }
    let unnamed = expected?.saturating_sub(run.seen);
    Some(unnamed.saturating_mul(run.dirty).checked_div(run.seen).unwrap_or(unnamed))
}

fn bar(done: u64, total: u64) -> String {
    let full = (done.min(total) * BAR_WIDTH).checked_div(total).unwrap_or(0);
    let cells: String = (0..BAR_WIDTH).map(|cell| if cell < full { '#' } else { '.' }).collect();
    format!("[{cells}]")
}

/// `listed 12000, looked at 3400 of 9000, 120/s, 0:46 left`; where nobody knows how much there is, what is left is not told.
fn line(report: &RunReport, done: u64, total: Option<u64>, rate: f64) -> String {
    let of = total.map_or_else(String::new, |total| format!(" of {total}"));
    let mut line = format!("listed {}, looked at {done}{of}", report.run.seen);
    if rate >= 0.5 {
        let _ = write!(line, ", {rate:.0}/s");
        if let Some(total) = total {
            let seconds = (total.saturating_sub(done) as f64 / rate).round() as u64;
            let _ = write!(line, ", {} left", clock(seconds));
        }
    }
    if let Some(error) = &report.run.error {
        let _ = write!(line, "; held up: {error}");
    }
    line
}

/// `0:46`, `1:02:03`.
pub(super) fn clock(seconds: u64) -> String {
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

/// The end of a reading for programs.
pub(super) fn as_json(account: &Account, report: &RunReport) -> Json {
    let mut json = serde_json::to_value(report).unwrap_or_default();
    json["account"] = json!(account.label);
    json["hint"] = json!(report.result.as_ref().and_then(hint));
    json
}

/// The end of a reading for people: what was seen, and what became of it.
pub(super) fn as_text(account: &Account, report: &RunReport) -> String {
    let run = &report.run;
    let mut text = format!("account {}\n", account.label);
    if let Some(only) = &run.only {
        let _ = writeln!(text, "  only {only}");
    }
    let mut row = |name: &str, count: u64| {
        let _ = writeln!(text, "  {name:<38} {count:>9}");
    };
    row("seen", run.seen);
    row("looked at", run.dirty);
    if let Some(result) = &report.result {
        row("mirrored", mirrored(result));
        row("  public", result.public);
        for (why, count) in &result.withheld {
            row(&format!("  withheld: {why}"), *count);
        }
        row("skipped", result.skipped.values().sum());
        for (why, count) in &result.skipped {
            row(&format!("  {why}"), *count);
        }
        if result.failed > 0 {
            row("failed (see `dead list`, `entry explain`)", result.failed);
        }
    }
    if run.unmet > 0 {
        row("in the mirror and in no list, looked at", run.unmet);
    }
    if run.unlisted > 0 {
        row("cannot be listed: too many alike", run.unlisted);
    }
    if let Some(hint) = report.result.as_ref().and_then(hint) {
        let _ = writeln!(text, "\n{hint}");
    }
    text
}

fn mirrored(result: &RunResult) -> u64 {
    result.public + result.withheld.values().sum::<u64>()
}

/// Where most of what was found stays outside for one reason: which setting is behind that.
pub(super) fn hint(result: &RunResult) -> Option<String> {
    let is_most = |count: u64| result.seen > 0 && count * 100 > result.seen * MOST;
    let skipped = result.skipped.iter().map(|(why, count)| (why, *count, "skipped", setting_of_skipped(why)));
    let withheld = result.withheld.iter().map(|(why, count)| (why, *count, "withheld", setting_of_withheld(why)));
    let (why, count, what, setting) = skipped.chain(withheld).find(|(_, count, ..)| is_most(*count))?;
    Some(format!("{count} of {} entries are {what} for one reason, {why}: {setting}", result.seen))
}

fn setting_of_skipped(why: &str) -> &'static str {
    match why {
        "no_metadata" => {
            "they have no object of the sync profile. To mirror them: when_no_metadata = \"sync\" (or mode = \"continuous\"), \
             then backfill again; is sync_metadata_profile_id the right one?"
        }
        "parked" => {
            "their sync field has a value that is neither sync_needed_value nor sync_done_value. Are these spelled as in KMC?"
        }
        "not_ready" => "Kaltura has no playable content of them (yet); nothing here changes that",
        "unreadable" => "their sync field cannot be read: see `entry explain` of one of them, and sync_field_name",
        "filtered" => "[mirror] filter leaves them out; `config check` says what it means",
        "filter_open" => "it cannot be told whether [mirror] filter lets them in: see `entry explain` of one of them",
        _ => "see `entry explain` of one of them",
    }
}

fn setting_of_withheld(why: &str) -> &'static str {
    match why {
        "restricted" => {
            "their access control profile has rules, or their category a privacy context. To publish them: [publish] \
             access_control_profiles, privacy_contexts, categories"
        }
        "moderation" => {
            "Kaltura holds them back for review. Those that are published and flagged: [publish] flagged = true"
        }
        "not_ready" => "Kaltura has no playable content of them (yet); nothing here changes that",
        "filter" => "[mirror] filter leaves them out; `config check` says what it means",
        _ => "see `entry explain` of one of them; [publish] says what may leave",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn result(skipped: &[(&str, u64)], withheld: &[(&str, u64)], seen: u64) -> RunResult {
        let counts = |counts: &[(&str, u64)]| counts.iter().map(|(why, count)| ((*why).to_owned(), *count)).collect();
        let (skipped, withheld): (BTreeMap<_, _>, BTreeMap<_, _>) = (counts(skipped), counts(withheld));
        RunResult { seen, skipped, withheld, ..RunResult::default() }
    }

    #[test]
    fn the_setting_is_told_only_when_most_is_left_out_for_one_reason() {
        let told = |result: &RunResult| hint(result).unwrap_or_default();
        assert!(told(&result(&[("no_metadata", 51)], &[], 100)).contains("when_no_metadata = \"sync\""));
        assert_eq!(hint(&result(&[("no_metadata", 50), ("parked", 50)], &[], 100)), None);
        assert!(told(&result(&[], &[("moderation", 300)], 400)).contains("flagged = true"));
        assert_eq!(hint(&RunResult::default()), None);
    }

    #[test]
    fn times_are_told_as_clocks_tell_them() {
        assert_eq!([clock(0), clock(46), clock(3_723)], ["0:00", "0:46", "1:02:03"]);
    }
}
