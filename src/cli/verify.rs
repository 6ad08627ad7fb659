//! `verify`: whether the mirror is true, entry by entry and field by field.

use std::collections::BTreeSet;

use clap::Args;
use serde_json::{Value as Json, json};

use super::{AccountChoice, Options, Outcome, UsageError};
use crate::app::Inspection;
use crate::app::StartError;
use crate::domain::clock::{Clock, Jitter};
use crate::store;
use crate::sync::verify::{Difference, Verified};

/// What to compare.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  kaltura-mirror verify
  kaltura-mirror verify --sample 500
  kaltura-mirror verify --account second --json | jq '.[] | select(.by_decision | not) | .id'

Exit codes: 0 nothing differs but by decision, 1 something does, or Kaltura could not be asked, 2 usage or configuration.")]
pub struct Command {
    #[command(flatten)]
    account: AccountChoice,
    /// Compare about so many entries, spread evenly over the mirror, instead of all
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    sample: Option<u32>,
}

/// Carries out the command.
///
/// # Errors
/// A configuration that cannot be used, a data directory without a mirror, a Kaltura that cannot be asked.
pub fn run(command: &Command, options: &Options) -> anyhow::Result<Outcome> {
    let config = options.config()?;
    let chosen: BTreeSet<_> =
        command.account.among(&config.accounts)?.into_iter().map(|account| account.label.clone()).collect();
    let sample = command.sample.map(|sample| usize::try_from(sample).unwrap_or(usize::MAX));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let verified = runtime.block_on(async {
        let inspection = Inspection::open(&config, &Clock::system(), Jitter::system()).await.map_err(usage)?;
        let mut all = Verified::default();
        for account in inspection.sync.accounts().filter(|account| chosen.contains(&account.label)) {
            let verified = inspection.sync.verify(account, sample).await;
            let verified = verified.map_err(|error| anyhow::anyhow!("account {}: {error}", account.label))?;
            all.compared += verified.compared;
            all.differences.extend(verified.differences);
        }
        inspection.close().await;
        anyhow::Ok(all)
    })?;
    let is_true = verified.differences.iter().all(|difference| difference.by_decision);
    options.output().answer(&as_json(&verified), || in_words(&verified))?;
    Ok(if is_true { Outcome::Done } else { Outcome::Failed })
}

fn usage(error: StartError) -> anyhow::Error {
    match &error {
        StartError::Store { cause: store::Error::Unusable { cause, .. }, .. }
            if cause.kind() == std::io::ErrorKind::NotFound =>
        {
            let hint = "there is no mirror yet; start `kaltura-mirror serve` once, or name the right data_dir";
            UsageError(format!("{hint} ({error})")).into()
        }
        _ => error.into(),
    }
}

fn as_json(verified: &Verified) -> Json {
    json!(verified.differences)
}

fn in_words(verified: &Verified) -> String {
    let lines = verified.differences.iter().map(line);
    let faulty = entries(verified, |difference| !difference.by_decision);
    let by_decision = entries(verified, |difference| difference.by_decision);
    let decided = if by_decision == 0 { String::new() } else { format!("; {by_decision} differ by decision") };
    let compared = verified.compared;
    lines.chain([format!("{compared} entries compared, {faulty} differ from Kaltura{decided}\n")]).collect()
}

fn line(Difference { id, account, field, mirror, kaltura, cause, by_decision }: &Difference) -> String {
    let mark = if *by_decision { "by decision: " } else { "" };
    format!("{id} of {account}: {field}: mirror {mirror}, Kaltura {kaltura}: {mark}{cause}\n")
}

fn entries(verified: &Verified, counts: impl Fn(&Difference) -> bool) -> usize {
    let ids = verified.differences.iter().filter(|difference| counts(difference));
    ids.map(|difference| (&difference.account, &difference.id)).collect::<BTreeSet<_>>().len()
}
