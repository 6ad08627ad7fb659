//! The story in numbers.

use std::fmt::Write;

use serde::Serialize;

use crate::app::Daemon;
use crate::simulator::handle::Simulator;
use crate::store::Tallies;

/// What the table says; the same as JSON.
#[derive(Debug, Serialize)]
pub(super) struct Summary {
    counts: Tallies,
    api_calls: usize,
    picture_requests: usize,
    told: u64,
    copied: usize,
    api_calls_per_entry: f64,
    disagreements: Vec<String>,
}

pub(super) async fn of(
    kaltura: &Simulator,
    daemon: &Daemon,
    copied: usize,
    disagreements: Vec<String>,
) -> anyhow::Result<Summary> {
    daemon.store.rejections_written().await;
    let counts = daemon.store.tallies().await?;
    let told = daemon.store.hook_states().await?.iter().map(|hook| hook.delivered).sum();
    let api_calls = kaltura.http_requests();
    let api_calls_per_entry = api_calls as f64 / counts.looked_at.max(1) as f64;
    Ok(Summary {
        told,
        copied,
        api_calls,
        picture_requests: kaltura.image_requests(),
        api_calls_per_entry,
        counts,
        disagreements,
    })
}

impl Summary {
    pub(super) fn text(&self) -> String {
        let counts = &self.counts;
        let sum = |begins: &str, of: &std::collections::BTreeMap<String, u64>| -> u64 {
            of.iter().filter(|(word, _)| word.starts_with(begins)).map(|(_, number)| number).sum()
        };
        let mut table = Table(String::from("\nSummary\n"));
        table.row("received", counts.requests.values().sum(), "requests");
        table.row("rejected", sum("rejected:", &counts.requests), "requests, none of them believed");
        table.reasons("rejected:", &counts.requests);
        table.row("notifications", counts.notifications.values().sum(), "in the verified ones");
        table.row("fetched", counts.looked_at, "entries");
        table.row("mirrored", counts.states.values().sum(), "entries kept in the mirror");
        table.row("skipped", sum("nothing: ", &counts.decisions), "entries left as they are by their latest look");
        table.reasons("nothing: ", &counts.decisions);
        table.row("public", sum("public", &counts.states), "entries visitors see");
        table.row("withheld", sum("withheld:", &counts.states), "entries kept from visitors");
        table.reasons("withheld:", &counts.states);
        table.row("marked", counts.marked, "entries, by us, as done");
        table.row("told", self.told, "times, to a website and a program");
        table.row("copied", self.copied as u64, "entries, in the end, by the reader of the change feed");
        table.row("thumbnails", counts.thumbnails, "pictures kept");
        let _ = writeln!(
            table.0,
            "  {:<16}{:>6.2}  API calls an entry ({} in all, policy included; {} requests for pictures)",
            "calls", self.api_calls_per_entry, self.api_calls, self.picture_requests
        );
        self.verdict(&mut table.0);
        table.0
    }

    fn verdict(&self, text: &mut String) {
        if self.disagreements.is_empty() {
            text.push_str("\nMirror and account agree, and the reader's copy is what visitors get.\n");
            return;
        }
        let _ = writeln!(text, "\nThis is not as it should be:");
        for line in &self.disagreements {
            let _ = writeln!(text, "  {line}");
        }
    }
}

struct Table(String);

impl Table {
    fn row(&mut self, name: &str, number: u64, what: &str) {
        let _ = writeln!(self.0, "  {name:<16}{number:>6}  {what}");
    }

    fn reasons(&mut self, begins: &str, of: &std::collections::BTreeMap<String, u64>) {
        for (word, number) in of {
            if let Some(reason) = word.strip_prefix(begins) {
                let _ = writeln!(self.0, "  {:<16}{number:>6}    {}", "", reason.replace('_', " "));
            }
        }
    }
}
