//! `search rebuild`: a new index, and how far it has come meanwhile.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use anyhow::bail;
use serde_json::json;

use super::hand::{self, Hand, Rebuilding};
use super::{Options, Outcome};
use crate::search::{Progress, Status};

/// How often it is looked how far it has come.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Lines for who is no terminal, at most so often.
const LINE_EVERY: Duration = Duration::from_secs(2);
const BAR_WIDTH: u64 = 30;

/// Carries out the command.
///
/// # Errors
/// An index that cannot be made, with the cause.
pub fn run(options: &Options) -> anyhow::Result<Outcome> {
    let began = Instant::now();
    let entries = hand::order(options, async |config, hand: &Hand| {
        let rebuilding = hand.rebuild_search(config).await?;
        let mut meter = Meter::new();
        let status = until_built(hand, &rebuilding, &mut meter).await;
        meter.clear();
        rebuilding.close().await;
        Ok(status?.entries)
    })?;
    let took = began.elapsed().as_secs_f64();
    let told = format!("{entries} entries in {took:.1} s");
    options
        .output()
        .answer(&json!({ "entries": entries, "seconds": took }), || format!("the search index is new: {told}"))?;
    Ok(Outcome::Done)
}

/// Waits for the new index; trouble that is told twice in a row is the end of it.
async fn until_built(hand: &Hand, rebuilding: &Rebuilding, meter: &mut Meter) -> anyhow::Result<Status> {
    loop {
        let status = rebuilding.status(hand).await?;
        if status.built > rebuilding.before && status.building.is_none() {
            return Ok(status);
        }
        if let (Some(trouble), None) = (&status.trouble, status.building) {
            bail!("the search index cannot be made: {trouble}");
        }
        meter.show(status.building.unwrap_or_default());
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// A bar on a terminal, lines elsewhere; on standard error either way.
struct Meter {
    is_terminal: bool,
    last_line: Option<Instant>,
}

impl Meter {
    fn new() -> Self {
        Self { is_terminal: io::stderr().is_terminal(), last_line: None }
    }

    fn show(&mut self, progress: Progress) {
        if self.is_terminal {
            let _ = write!(io::stderr(), "\r{}", bar(progress));
        } else if progress.done > 0 && self.last_line.is_none_or(|last| last.elapsed() >= LINE_EVERY) {
            self.last_line = Some(Instant::now());
            let _ = writeln!(io::stderr(), "{} of {} entries", progress.done, progress.total);
        }
    }

    fn clear(&self) {
        if self.is_terminal {
            let _ = write!(io::stderr(), "\r\u{1b}[2K");
        }
    }
}

fn bar(Progress { done, total }: Progress) -> String {
    let share = |of: u64| (done.min(total) * of).checked_div(total).unwrap_or(0);
    let full = share(BAR_WIDTH);
    let cells: String = (0..BAR_WIDTH).map(|cell| if cell < full { '#' } else { '.' }).collect();
    format!("[{cells}] {:>3} %  {done} of {total} entries ", share(100))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_full_as_the_index() {
        assert_eq!(bar(Progress { done: 0, total: 0 }), format!("[{}]   0 %  0 of 0 entries ", ".".repeat(30)));
        let half = format!("[{}{}]  50 %  5 of 10 entries ", "#".repeat(15), ".".repeat(15));
        assert_eq!(bar(Progress { done: 5, total: 10 }), half);
        assert!(bar(Progress { done: 12, total: 10 }).contains("100 %"));
    }
}
