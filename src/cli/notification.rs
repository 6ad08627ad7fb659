//! `notification verify`: what the endpoint would say of a request, storing nothing.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::{Args, Subcommand};

use super::{AccountChoice, Options, Outcome, UsageError};
use crate::config::Account;
use crate::domain::ids::AccountId;
use crate::notification::secrets::{AccountRef, NotificationSecret, SecretSet};
use crate::notification::verdict::{self, Verdict};
use crate::notification::{Limits, Request};

/// What to do with a notification.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Judge one raw request body as the endpoint would, storing nothing
    ///
    /// Tells which secret signed it and what it says, or which rule it breaks. Exit code 0 if it is accepted, 1 if not.
    /// With an X-Kaltura-Signature header it is judged as an event notification, whatever its Content-Type. Apart from its
    /// memory and the factors beside the signature the judge is the endpoint's: a body that was seen before is accepted here.
    #[command(after_long_help = "\
Examples:
  kaltura-mirror notification verify --header 'Content-Type: application/x-www-form-urlencoded' body.txt
  curl -s https://example.org/last-body | kaltura-mirror notification verify --json \\
      --header 'Content-Type: application/x-www-form-urlencoded' -
  kaltura-mirror notification verify --header 'X-Kaltura-Signature: 8394bb39…' \\
      --header 'X-Kaltura-Hash-Algo: sha256' event.json

Without a Content-Type header an API notification is rejected, as on the wire.")]
    Verify(Verify),
}

/// A request, taken apart.
#[derive(Debug, Args)]
pub struct Verify {
    /// A header of the request, as often as there are headers
    #[arg(long = "header", value_name = "NAME: VALUE")]
    headers: Vec<Header>,
    #[command(flatten)]
    account: AccountChoice,
    /// The body, byte for byte as it came: a file, or - for standard input
    #[arg(value_name = "FILE|-")]
    body: PathBuf,
}

/// A header line, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Header {
    name: String,
    value: String,
}

impl FromStr for Header {
    type Err = &'static str;

    fn from_str(line: &str) -> Result<Self, Self::Err> {
        let (name, value) = line.split_once(':').ok_or("a header is written \"Name: value\"")?;
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("a header's name has no spaces and is not empty; it is written \"Name: value\"");
        }
        Ok(Self { name: name.to_ascii_lowercase(), value: value.trim().to_owned() })
    }
}

/// Carries out a command.
///
/// # Errors
/// A configuration that cannot be used, a body that cannot be read.
pub fn run(command: &Command, options: &Options) -> anyhow::Result<Outcome> {
    match command {
        Command::Verify(request) => verify(request, options),
    }
}

fn verify(asked: &Verify, options: &Options) -> anyhow::Result<Outcome> {
    let config = options.config()?;
    let body_max_bytes = usize::try_from(config.server.body_max_bytes)?;
    let body = read_body(&asked.body, body_max_bytes)?;
    let request = Request {
        content_type: asked.header("content-type"),
        body: &body,
        signature: asked.header("x-kaltura-signature"),
        hash_algorithm: asked.header("x-kaltura-hash-algo"),
    };
    let limits = Limits { body_max_bytes, ..Limits::default() };
    let verdict = verdict::judge(&request, &limits, &secrets_of(&asked.account.among(&config.accounts)?)?);
    options.output().answer(&serde_json::to_value(&verdict)?, || in_words(&verdict))?;
    Ok(if verdict.verdict == verdict::Outcome::Accepted { Outcome::Done } else { Outcome::Failed })
}

impl Verify {
    /// The first header of this name, which is the one the endpoint reads.
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|header| header.name == name).map(|header| header.value.as_str())
    }
}

/// The body; of one that is too large, just enough to be seen as that.
fn read_body(path: &Path, body_max_bytes: usize) -> anyhow::Result<Vec<u8>> {
    let refuse = |error: io::Error| {
        UsageError(format!(
            "{}: cannot be read ({error}); name the body's file, or - for standard input",
            path.display()
        ))
    };
    let source: Box<dyn Read> =
        if path == Path::new("-") { Box::new(io::stdin().lock()) } else { Box::new(File::open(path).map_err(refuse)?) };
    let mut body = Vec::new();
    source.take(body_max_bytes as u64 + 1).read_to_end(&mut body).map_err(refuse)?;
    Ok(body)
}

/// Who may sign. The accounts' numbers are not asked of a data directory: nothing is stored under them.
fn secrets_of(accounts: &[&Account]) -> anyhow::Result<SecretSet> {
    let mut secrets = Vec::new();
    for (account, number) in accounts.iter().zip(1..) {
        let account_ref = AccountRef { account: AccountId(number), partner: account.partner_id };
        let labelled = account.signing_secrets()?.into_iter();
        secrets.extend(labelled.map(|(label, secret)| NotificationSecret { account: account_ref, label, secret }));
    }
    let set = SecretSet::new(secrets)?;
    let minimums =
        accounts.iter().zip(1..).map(|(account, number)| (AccountId(number), account.minimum_hash_algorithm));
    Ok(minimums.fold(set, |set, (account, minimum)| set.with_minimum(account, minimum)))
}

fn in_words(verdict: &Verdict) -> String {
    match (&verdict.rejected, &verdict.secret) {
        (Some(rejected), _) => format!("rejected: {rejected} ({})\n", rejected.reason()),
        (None, secret) => {
            let secret = secret.as_deref().unwrap_or_default();
            let mut words = format!("accepted: {} notification signed with {secret}\n", verdict.system);
            for item in &verdict.items {
                let entry = item.entry_id.as_deref().unwrap_or("no entry");
                let id = if item.id.is_empty() { "no number" } else { item.id.as_str() };
                words.push_str(&format!("  {id}  {}  {entry}\n", item.kind));
            }
            words
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_a_name_a_colon_and_a_value() {
        let header: Header = "Content-Type:  text/plain; charset=x".parse().unwrap();
        assert_eq!((header.name.as_str(), header.value.as_str()), ("content-type", "text/plain; charset=x"));
        for bad in ["Content-Type", ": x", "Content Type: x"] {
            assert!(bad.parse::<Header>().is_err(), "{bad}");
        }
    }
}
