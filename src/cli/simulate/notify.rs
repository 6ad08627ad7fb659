//! `simulate notify`: a notification of any kind, shape and signature, sent to a daemon.

mod choices;

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use serde_json::{Value as Json, json};

use crate::cli::{Options, Outcome, UsageError};
use crate::domain::clock::Clock;
use crate::domain::ids::{EntryId, NotificationId, PartnerId};
use crate::domain::secret::AdminSecret;
use crate::simulator::curl::{self, Response};
use crate::simulator::specimen::kind::Kind;
use crate::simulator::specimen::{Request, Shape, Specimen};
use crate::simulator::templates::numbers::{HashAlgorithm, Method};
use choices::Header;

/// What to send, to whom, signed with what.
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_HELP)]
pub struct Command {
    /// Where to send it; http only
    #[arg(long, value_name = "URL")]
    to: String,
    #[command(flatten)]
    secret: Secret,
    /// Whose notification it is: the account's number
    #[arg(long, value_name = "NUMBER")]
    partner: PartnerId,
    /// The entry it is about
    #[arg(long, value_name = "ENTRY")]
    entry: EntryId,
    /// What happened: a notification type, or event:OBJECT:EVENT with Kaltura's numbers or names
    #[arg(long, value_name = "KIND", default_value = "entry_update")]
    kind: Kind,
    /// In which shape; form and multi are API notifications', the others event notifications' [default: form, json]
    #[arg(long, value_enum)]
    shape: Option<Shape>,
    /// The hash of an event notification's signature [default: sha1]
    #[arg(long, value_enum)]
    hash: Option<HashAlgorithm>,
    /// How an event notification is sent; an API notification is always posted
    #[arg(long, value_enum, default_value_t = Method::Post, ignore_case = true)]
    method: Method,
    /// A further header, as often as there are any; one named Content-Type replaces the usual one
    #[arg(long = "header", value_name = "NAME: VALUE")]
    headers: Vec<Header>,
    /// User name and password for HTTP Basic
    #[arg(long, value_name = "NAME:PASSWORD")]
    user: Option<String>,
    /// How many: requests, or items of one multi notification
    #[arg(long, value_name = "COUNT", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    count: u32,
    /// The number of the first notification [default: the time in milliseconds, so that none is a repetition]
    #[arg(long, value_name = "NUMBER")]
    number: Option<i64>,
    /// Change one bit after signing, in the entry's id if it is in there, to see it refused
    #[arg(long)]
    tamper: bool,
    /// Print the request, headers and body, instead of sending it
    #[arg(long)]
    dry_run: bool,
}

const AFTER_HELP: &str = "\
Kinds:
  entry_add, entry_update, entry_delete, entry_block, entry_update_thumbnail, entry_reported,
  entry_update_moderation, entry_update_permissions, user_add, user_banned, kshow_…, job_…, test:
  what Kaltura calls them; any other word is sent as it is
  event:1:3      an entry changed          event:4:3   a flavor changed
  event:1:5      an entry was made         event:5:5   a thumbnail asset was made
  event:1:7      an entry was deleted      event:2:3   a category changed
  event:1:11     an entry was updated      event:37:5  an entry was put into a category
  event:metadataEventNotifications.Metadata:6          its custom metadata changed
  event:captionAssetEventNotifications.CaptionAsset:3  captions changed
  event:9:3      an access-control profile changed

Examples:
  kaltura-mirror simulate notify --to http://127.0.0.1:8088/notifications \\
      --secret-file secret.txt --partner 102 --entry 0_abcd1234
  … --kind entry_delete                          another API notification
  … --shape multi --count 10                     ten in one
  … --kind event:1:3                             an event notification: a bare JSON object
  … --kind event:1:3 --shape xml --hash sha256   the same as data= and XML
  … --kind event:1:3 --shape empty --method PUT  a template without data
  … --kind event:1:3 --tamper                    refused: one bit changed after signing
  … --dry-run                                    what would be sent, byte for byte";

/// For one whole exchange.
const TIMEOUT: Duration = Duration::from_secs(10);

/// One of the two, so that it need not stand in the list of processes.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Secret {
    /// What signs it: the account's admin secret
    #[arg(long, value_name = "SECRET")]
    secret: Option<String>,
    /// A file with the secret
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
}

/// Sends it, or shows it.
///
/// # Errors
/// A secret that cannot be read, a kind and a shape that do not go together, a URL that is none.
pub fn run(command: &Command, options: &Options) -> anyhow::Result<Outcome> {
    let specimen = command.specimen()?;
    let requests = specimen.requests().map_err(|error| UsageError(error.to_string()))?;
    let requests = requests.into_iter().map(|request| {
        let transfer =
            if command.tamper { request.transfer.tampered(command.entry.as_str()) } else { request.transfer };
        Request { transfer, ..request }
    });
    let requests: Vec<Request> = requests.collect();
    if command.dry_run {
        show(&requests, options)?;
        return Ok(Outcome::Done);
    }
    // What is wrong with the URL is the caller's to mend, and told before anything is sent.
    if let Some(Err(why)) = requests.first().map(|request| request.transfer.bytes()) {
        return Err(UsageError(format!("--to {:?}: {why}", command.to)).into());
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(send(&requests, options))
}

impl Command {
    fn specimen(&self) -> Result<Specimen, UsageError> {
        let at = Clock::system().now();
        let is_event = matches!(self.kind, Kind::Event(..));
        if !is_event && self.method != Method::Post {
            return Err(UsageError(format!("--method: the API notification {} is always posted", self.kind)));
        }
        if !is_event && self.hash.is_some() {
            return Err(UsageError(format!("--hash: the API notification {} is always signed with MD5", self.kind)));
        }
        let shape = self.shape.unwrap_or(if is_event { Shape::Json } else { Shape::Form });
        let user = self.user.as_deref().map(|user| user.split_once(':').unwrap_or((user, "")));
        Ok(Specimen {
            partner_id: self.partner,
            secret: self.secret.read()?,
            url: self.to.clone(),
            kind: self.kind.clone(),
            shape,
            entry: self.entry.clone(),
            first_number: self.number.unwrap_or_else(|| at.as_millis()),
            count: self.count as usize,
            method: self.method,
            hash: self.hash.unwrap_or(HashAlgorithm::Sha1),
            headers: self.headers.iter().map(|Header(name, value)| (name.clone(), value.clone())).collect(),
            basic_auth: user.map(|(name, password)| (name.to_owned(), password.to_owned())),
            at,
        })
    }
}

impl Secret {
    fn read(&self) -> Result<AdminSecret, UsageError> {
        match (&self.secret, &self.secret_file) {
            (Some(secret), _) => Ok(AdminSecret::new(secret.as_str())),
            (None, Some(file)) => from_file(file),
            (None, None) => Err(UsageError("--secret or --secret-file is needed".to_owned())),
        }
    }
}

fn from_file(file: &Path) -> Result<AdminSecret, UsageError> {
    let text = std::fs::read_to_string(file);
    let text =
        text.map_err(|cause| UsageError(format!("--secret-file {} cannot be read ({cause})", file.display())))?;
    Ok(AdminSecret::new(text.trim_end_matches(['\r', '\n'])))
}

fn show(requests: &[Request], options: &Options) -> anyhow::Result<()> {
    let bytes = |request: &Request| request.transfer.bytes().map_err(UsageError);
    if options.json {
        let rows: Result<Json, UsageError> = requests
            .iter()
            .map(|request| {
                let text = String::from_utf8_lossy(&bytes(request)?).into_owned();
                Ok(json!({ "id": numbers(&request.notifications), "request": text }))
            })
            .collect();
        options.output().answer(&rows?, String::new)?;
        return Ok(());
    }
    for request in requests {
        options.output().bytes(&[bytes(request)?.as_slice(), b"\n"].concat())?;
    }
    Ok(())
}

async fn send(requests: &[Request], options: &Options) -> anyhow::Result<Outcome> {
    let mut rows = Vec::new();
    for request in requests {
        let answer = curl::run(&request.transfer, TIMEOUT).await;
        if !options.json {
            options.output().answer(&Json::Null, || in_words(request, &answer))?;
        }
        rows.push(row(request, &answer));
    }
    let outcome = if rows.iter().all(|row| row["accepted"] == true) { Outcome::Done } else { Outcome::Failed };
    if options.json {
        options.output().answer(&Json::from(rows), String::new)?;
    }
    Ok(outcome)
}

/// Event notifications are delivered with exactly these; the other system is content with more, and the daemon gives these.
fn is_accepted(response: &Response) -> bool {
    matches!(response.status, 200 | 204)
}

fn row(request: &Request, answer: &Result<Response, String>) -> Json {
    let id = numbers(&request.notifications);
    match answer {
        Ok(response) => json!({
            "id": id,
            "accepted": is_accepted(response),
            "status": response.status,
            "answer": String::from_utf8_lossy(&response.body),
        }),
        Err(why) => json!({ "id": id, "accepted": false, "status": null, "error": why }),
    }
}

fn in_words(request: &Request, answer: &Result<Response, String>) -> String {
    let id = numbers(&request.notifications);
    match answer {
        Ok(response) => {
            let verdict = if is_accepted(response) { "accepted" } else { "not accepted" };
            let said = String::from_utf8_lossy(&response.body);
            format!("notification {id}: {} {verdict}: {}\n", response.status, said.trim())
        }
        Err(why) => format!("notification {id}: not accepted: {why}\n"),
    }
}

fn numbers(notifications: &[NotificationId]) -> String {
    match notifications {
        [first, .., last] => format!("{first} to {last}"),
        [only] => only.to_string(),
        [] => String::new(),
    }
}
