//! `entry show` and `entry explain`: what is known of one entry, and why it is as it is.

use std::fmt::Write;

use anyhow::bail;
use clap::{Args, Subcommand};
use serde_json::{Value as Json, json};

use super::{AccountChoice, Options, Outcome, UsageError, data_dir};
use crate::domain::ids::EntryId;
use crate::store::{EntryReport, Store};

/// What to do with an entry.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show what the mirror keeps of an entry
    #[command(after_long_help = "\
Examples:
  kaltura-mirror entry show 1_82h0a7l2
  kaltura-mirror entry show 1_82h0a7l2 --json")]
    Show(Which),
    /// Explain why an entry is as it is: everything that happened to it, in order of time
    ///
    /// Notifications, looks, decisions with their reasons, write-backs, what Kaltura refused, and what visitors were told.
    #[command(after_long_help = "\
Examples:
  kaltura-mirror entry explain 1_82h0a7l2
  kaltura-mirror entry explain 1_82h0a7l2 --account second --json")]
    Explain(Which),
}

/// An entry of one account.
#[derive(Debug, Args)]
pub struct Which {
    #[command(flatten)]
    account: AccountChoice,
    /// The entry's id, for example 1_82h0a7l2
    #[arg(value_name = "ENTRY")]
    entry: EntryId,
}

/// Carries out a command.
///
/// # Errors
/// A configuration that cannot be used, an entry that is not known.
pub fn run(command: &Command, options: &Options) -> anyhow::Result<Outcome> {
    let (Command::Show(which) | Command::Explain(which)) = command;
    let report = data_dir::read(options, async |store| which.report(store).await)?;
    let output = &mut options.output();
    match command {
        Command::Show(_) => output.answer(&shown(&report), || in_words(&report))?,
        Command::Explain(_) => output.answer(&explained(&report), || explanation(&report))?,
    }
    Ok(Outcome::Done)
}

impl Which {
    async fn report(&self, store: &Store) -> anyhow::Result<EntryReport> {
        let mut found = Vec::new();
        for account in self.account.among_known(store.accounts())? {
            found.extend(store.entry_report(account.id, &self.entry).await?);
        }
        match found.len() {
            1 => Ok(found.remove(0)),
            0 => bail!("entry {} is not known here: no notification told of it and nobody asked for it", self.entry),
            _ => {
                let labels: Vec<_> = found.iter().map(|report| report.account.as_str()).collect();
                let problem = format!(
                    "entry {} is known in accounts {}; choose one with --account",
                    self.entry,
                    labels.join(", ")
                );
                Err(UsageError(problem).into())
            }
        }
    }
}

/// The state, without what led to it.
fn shown(report: &EntryReport) -> Json {
    let mut json = json!(report);
    if let Some(members) = json.as_object_mut() {
        members.shift_remove("timeline");
        members.shift_remove("changes");
    }
    json
}

/// What led to the state, without the entry's content.
fn explained(report: &EntryReport) -> Json {
    let mut json = json!(report);
    if let Some(content) = json.get_mut("content").and_then(Json::as_object_mut) {
        content.shift_remove("object");
    }
    json
}

/// Lines of a name and a text; what is not there is no line.
struct Lines(String);

impl Lines {
    fn headed(report: &EntryReport) -> Self {
        Self(format!("entry {} of account {}: {}\n", report.id, report.account, report.public_state))
    }

    fn line(&mut self, name: &str, text: Option<impl std::fmt::Display>) -> &mut Self {
        if let Some(text) = text {
            // Writing to a text does not fail.
            let _ = writeln!(self.0, "  {name:<15}{text}");
        }
        self
    }
}

fn in_words(report: &EntryReport) -> String {
    let mut lines = Lines::headed(report);
    add_state(&mut lines, report);
    add_content(&mut lines, report);
    lines.0
}

/// What a person must know first: hidden, missing, removed, decided, waiting, failed.
fn add_state(lines: &mut Lines, report: &EntryReport) {
    let sync = &report.sync;
    let decision = sync.decision.as_ref().map(|decision| match &sync.reason {
        Some(reason) => format!("{decision}: {reason}"),
        None => decision.clone(),
    });
    let field = sync.metadata_id.map(|id| {
        let version = sync.metadata_version.map_or_else(String::new, |version| format!(", version {version}"));
        format!("{:?} (metadata {id}{version})", sync.field_value.as_deref().unwrap_or(""))
    });
    let error = sync.error.as_ref().map(|error| format!("{error} ({})", sync.error_at.as_deref().unwrap_or("")));
    let waits = report.dirty.as_ref().map(|dirty| {
        let error = dirty.last_error.as_ref().map_or_else(String::new, |error| format!(", last error: {error}"));
        let due = dirty.due_at.as_ref().map_or_else(String::new, |due| format!(", due {due}"));
        format!("{} in lane {} for {}, {} failures{due}{error}", dirty.state, dirty.lane, dirty.reasons, dirty.attempts)
    });
    lines
        .line("hidden", report.hidden_at.as_ref().map(|at| format!("by hand since {at}; show it with `entry unhide`")))
        .line("missing since", report.missing_since.as_ref())
        .line("removed", report.removed_at.as_ref())
        .line("sync field", field)
        .line("last look", sync.looked_at.as_ref())
        .line("decision", decision)
        .line("synced", sync.synced_at.as_ref())
        .line("marked", sync.marked_at.as_ref())
        .line("write-back", sync.mark_pending.then_some("was sent, its outcome is not known yet"))
        .line("error", error)
        .line("to look at", waits);
}

fn add_content(lines: &mut Lines, report: &EntryReport) {
    let Some(content) = &report.content else { return };
    let facts = &content.facts;
    let profile = facts.access_control.map(|id| match &facts.access_control_name {
        Some(name) => format!("{id} ({name})"),
        None => format!("{id} (unknown)"),
    });
    let categories = content.categories.iter().map(|category| {
        let name = category.full_name.clone().unwrap_or_else(|| format!("category {} (unknown)", category.id));
        let contexts = category.privacy_contexts.join(", ");
        if contexts.is_empty() { name } else { format!("{name} (privacy context {contexts})") }
    });
    let assets = content.assets.iter().map(|asset| {
        let height = asset.height.map_or_else(String::new, |height| format!(" {height}p"));
        format!("{} {}{height}", asset.kind, asset.id)
    });
    let thumbnail = content.thumbnail.as_ref().map(|thumbnail| match (&thumbnail.version, &thumbnail.note) {
        (_, Some(note)) => note.clone(),
        (Some(version), None) => format!("version {version}"),
        (None, None) => "not fetched yet".to_owned(),
    });
    lines
        .line("name", Some(&content.name))
        .line("status", Some(&facts.status))
        .line("moderation", facts.moderation)
        .line("access profile", profile)
        .line("categories", listed(categories))
        .line("assets", listed(assets))
        .line("thumbnail", thumbnail)
        .line("seq", Some(content.seq));
    for metadata in &content.metadata {
        let (profile, version, fields) = (metadata.profile_id, metadata.version, &metadata.fields);
        lines.line("metadata", Some(format!("profile {profile}, version {version}: {fields}")));
    }
}

/// Between commas; nothing when there is nothing.
fn listed(texts: impl Iterator<Item = String>) -> Option<String> {
    let texts: Vec<String> = texts.collect();
    (!texts.is_empty()).then(|| texts.join(", "))
}

fn explanation(report: &EntryReport) -> String {
    let mut lines = Lines::headed(report);
    add_state(&mut lines, report);
    let mut text = lines.0;
    for happening in &report.timeline {
        let seq = happening.seq.map_or_else(String::new, |seq| format!(" (change {seq})"));
        // Writing to a text does not fail.
        let _ = writeln!(text, "{}  {:<9} {}{seq}", happening.at, happening.kind, happening.detail);
    }
    text
}
