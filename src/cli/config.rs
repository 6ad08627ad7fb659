//! `config check` and `config show`.

use clap::{Subcommand, ValueEnum};
use serde_json::{Value as Json, json};

use super::{Options, Outcome};
use crate::config::{Account, Config, Error, Origin, Setting, Shipped};
use crate::domain::clock::Clock;
use crate::store::{AccountState, Store};

/// What to do with the configuration.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Read both files and the environment, and tell what is wrong
    ///
    /// Exit code 0 if the configuration can be used, 2 if not. Also tells which keys have no effect in this version.
    /// Kaltura is not asked: whether the secret is right shows when the daemon runs. What it last found out of each account, a
    /// session that is refused for example, is told with the cure, if there is a data directory.
    #[command(after_long_help = "\
Examples:
  kaltura-mirror config check
  kaltura-mirror --session-config /etc/kaltura-mirror/session_config.toml config check --json")]
    Check,
    /// Show every key with its value and where it comes from
    ///
    /// Secrets are shown as … with the place they come from.
    #[command(after_long_help = "\
Examples:
  kaltura-mirror config show
  kaltura-mirror config show --json
  kaltura-mirror config show --shipped script > script_config.toml")]
    Show {
        /// Print a shipped file instead: every key with its meaning and default
        #[arg(long, value_name = "FILE", value_enum)]
        shipped: Option<Shipped>,
    },
}

impl ValueEnum for Shipped {
    fn value_variants<'a>() -> &'a [Self] {
        &Self::ALL
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        Some(clap::builder::PossibleValue::new(self.word()).help(self.name()))
    }
}

/// Carries out a command.
///
/// # Errors
/// A configuration that cannot be used.
pub fn run(command: &Command, options: &Options) -> anyhow::Result<Outcome> {
    match command {
        Command::Check => check(options),
        Command::Show { shipped: Some(file) } => {
            options.output().text(file.text())?;
            Ok(Outcome::Done)
        }
        Command::Show { shipped: None } => show(options),
    }
}

fn check(options: &Options) -> anyhow::Result<Outcome> {
    match options.config() {
        Ok(config) => {
            let troubled = troubled_accounts(&config);
            let filters = config.accounts.iter().filter_map(filter_as_json);
            let findings = notes_as_json(&config)
                .chain(filters)
                .chain(troubled.iter().map(|state| trouble_as_json(&config, state)));
            options.output().answer(&findings.collect(), || {
                troubled.iter().fold(good_news(&config), |text, state| format!("{text}{}\n", trouble_in_words(state)))
            })?;
            Ok(Outcome::Done)
        }
        Err(error) => {
            if options.json {
                options.output().answer(&problems_as_json(&error), String::new)?;
            }
            Err(error.into())
        }
    }
}

fn good_news(config: &Config) -> String {
    let labels: Vec<&str> = config.accounts.iter().map(|account| account.label.as_str()).collect();
    let accounts = if labels.len() == 1 { "account" } else { "accounts" };
    let data_dir = config.data_dir.display();
    let head = format!("the configuration can be used: {accounts} {}, data in {data_dir}\n", labels.join(", "));
    let filters = config.accounts.iter().filter_map(filter_in_words);
    let head = filters.fold(head, |text, filter| format!("{text}{filter}\n"));
    config.notes.iter().fold(head, |text, note| format!("{text}note: {note}\n"))
}

/// What is mirrored of an account that has a filter.
fn filter_in_words(account: &Account) -> Option<String> {
    let filter = account.filter.as_ref()?;
    Some(format!("account {} mirrors only entries of which this is so: {}", account.label, filter.in_words()))
}

fn filter_as_json(account: &Account) -> Option<Json> {
    let (id, message) = (format!("account {}", account.label), filter_in_words(account)?);
    Some(json!({"id": id, "level": "filter", "place": "mirror.filter", "message": message}))
}

/// The accounts that were in trouble when a daemon last looked; none where no daemon has been.
fn troubled_accounts(config: &Config) -> Vec<AccountState> {
    let states = async {
        let store = Store::open_read_only(&config.data_dir, Clock::system()).await.ok()?;
        let states = store.account_states().await.ok();
        store.close().await;
        states
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let states = runtime.ok().and_then(|runtime| runtime.block_on(states)).unwrap_or_default();
    let is_configured = |state: &AccountState| config.accounts.iter().any(|account| account.label == state.label);
    states.into_iter().filter(|state| state.degraded.is_some() && is_configured(state)).collect()
}

fn trouble_in_words(AccountState { label, degraded, stale_since }: &AccountState) -> String {
    let cause = degraded.as_deref().unwrap_or_default();
    let stale = stale_since.map_or_else(String::new, |since| format!(" (stale since {since})"));
    format!("account {label} was degraded when the daemon last looked: {cause}{stale}")
}

fn trouble_as_json(config: &Config, state: &AccountState) -> Json {
    let (id, place) = (format!("account {}", state.label), config.data_dir.display().to_string());
    json!({"id": id, "level": "degraded", "place": place, "message": trouble_in_words(state)})
}

fn notes_as_json(config: &Config) -> impl Iterator<Item = Json> {
    let finding = |note: &crate::config::Note| json!({"id": note.key, "level": "note", "place": note.place.to_string(), "message": note.message});
    config.notes.iter().map(finding)
}

fn problems_as_json(error: &Error) -> Json {
    let finding = |problem: &crate::config::Problem| {
        let place = problem.place.to_string();
        let id = problem.key.as_ref().unwrap_or(&place);
        json!({"id": id, "level": "error", "place": place, "message": problem.to_string()})
    };
    error.problems().iter().map(finding).collect()
}

fn show(options: &Options) -> anyhow::Result<Outcome> {
    let config = options.config()?;
    let settings = &config.settings;
    options
        .output()
        .answer(&settings.iter().map(setting_as_json).collect(), || settings.iter().map(setting_as_text).collect())?;
    Ok(Outcome::Done)
}

fn setting_as_json(setting: &Setting) -> Json {
    json!({"id": setting.key, "value": setting.value, "source": source(setting), "place": place(setting)})
}

fn setting_as_text(setting: &Setting) -> String {
    let value = match &setting.value {
        Json::Null => "(none)".to_owned(),
        value => value.to_string(),
    };
    let written = format!("{} = {value}", setting.key);
    format!("{written:<48} # {}\n", place(setting))
}

/// The kind of place a value comes from.
fn source(setting: &Setting) -> &'static str {
    match (&setting.secret_file, &setting.origin) {
        (Some(_), _) => "secret file",
        (None, Origin::File { .. }) => "file",
        (None, Origin::Variable(_)) => "environment",
        (None, Origin::Default) => "default",
    }
}

fn place(setting: &Setting) -> String {
    match (&setting.secret_file, &setting.origin) {
        (Some(file), origin) => format!("secret file {} (named in {origin})", file.display()),
        (None, origin @ Origin::File { .. }) => format!("file {origin}"),
        (None, origin) => origin.to_string(),
    }
}
