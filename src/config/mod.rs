//! The configuration: read once at start, then nobody opens a file again (but secret files, see [`secret`]).
//!
//! `session_config.toml` says who we are to Kaltura, `script_config.toml` what we do; a variable
//! `KALTURA_MIRROR__SERVER__LISTEN` stands above `listen` of `[server]`. First a file becomes what was
//! written, each key with its line ([`document`]); then a [`section::Section`] hands out values by name, and what
//! nobody asked for is an unknown key. So each key has one place, the line that reads it: its type, default and
//! range stand there, and `config show` and the list of known keys come from there too.
//!
//! All problems are gathered and told together: whoever fills in two files wants one list.

mod account;
mod captions;
mod document;
mod environment;
mod error;
mod factors;
mod inbox;
mod mirror;
mod outgoing;
mod publish;
mod receiver;
mod script;
mod search;
pub mod secret;
mod section;
mod server;
mod session;
mod shipped;
mod sync;
mod thumbnails;
mod unknown;
mod values;

use std::path::{Path, PathBuf};

use document::Document;
use section::Reading;

pub use account::{Account, AppToken, CallLimits, NamedSecret, SessionKind};
pub use captions::{CaptionMode, Captions};
pub use environment::Environment;
pub use error::{Error, Problem};
pub use factors::{Basic, Factors, RequiredHeader};
pub use inbox::{Inbox, Retention};
pub use outgoing::{CallPace, Forward, Hook, HookTarget, signing_key};
pub use publish::Publish;
pub use script::Receive;
pub use search::{Search, SearchWeights};
pub use section::{Note, Origin, Setting};
pub use server::{Admin, Feed, Server};
pub use shipped::Shipped;
pub use sync::{Reconcile, Sync};
pub use thumbnails::{ThumbnailMode, Thumbnails};

/// Everything the two files say, checked and complete: what was left out has its default.
#[derive(Debug)]
pub struct Config {
    /// At least one; labels, partner ids and secrets are unique among them.
    pub accounts: Vec<Account>,
    /// What notifications must bring beside a signature.
    pub factors: Factors,
    /// How we learn of changes.
    pub receive: Receive,
    /// Absolute; need not exist yet.
    pub data_dir: PathBuf,
    /// Notifications and the public read API.
    pub server: Server,
    /// Dashboard, admin API, metrics.
    pub admin: Admin,
    /// What may leave.
    pub publish: Publish,
    /// Which images are fetched, and from where.
    pub thumbnails: Thumbnails,
    /// Whether captions are fetched and read.
    pub captions: Captions,
    /// Whether and how entries are indexed.
    pub search: Search,
    /// Workers, intervals, attempts.
    pub sync: Sync,
    /// The timetable of reconciling.
    pub reconcile: Reconcile,
    /// Limits of the inbox.
    pub inbox: Inbox,
    /// How long the rest is kept.
    pub retention: Retention,
    /// Outgoing deliveries.
    pub hooks: Vec<Hook>,
    /// Raw copies of verified requests.
    pub forward: Vec<Forward>,
    /// Every key with its value and where it comes from; secrets as `…`.
    pub settings: Vec<Setting>,
    /// What the operator should know although nothing is wrong: keys without effect yet, a URL in the clear.
    pub notes: Vec<Note>,
}

/// Where the two files are. `None` means the file of that name in the current directory.
#[derive(Debug, Clone, Default)]
pub struct Files {
    /// Instead of `./session_config.toml`.
    pub session: Option<PathBuf>,
    /// Instead of `./script_config.toml`.
    pub script: Option<PathBuf>,
}

/// Reads both files and the environment into a [`Config`].
///
/// A file that was not named and is not there counts as empty when the environment speaks in its place
/// (a container configured by variables alone).
///
/// # Errors
/// All problems found, each a line with file, key, value and cure.
pub fn load(files: &Files, environment: &Environment) -> Result<Config, Error> {
    let session = open(Shipped::Session, files.session.as_deref(), environment);
    let script = open(Shipped::Script, files.script.as_deref(), environment);
    let (session, script) = match (session, script) {
        (Ok(session), Ok(script)) => (session, script),
        (session, script) => {
            return Err(Error::from([session.err(), script.err()].into_iter().flatten().collect::<Vec<_>>()));
        }
    };
    read(&session, &script, environment)
}

/// A [`Config`] from the texts of both files, without any variables: for the demo and for tests, which have no files.
///
/// Relative paths begin in the current directory.
///
/// # Errors
/// As [`load`].
pub fn from_texts(session: &str, script: &str) -> Result<Config, Error> {
    let parse = |file: Shipped, text| Document::parse(file, Path::new(file.name()), text);
    let documents = parse(Shipped::Session, session).and_then(|first| Ok((first, parse(Shipped::Script, script)?)));
    let (session, script) = documents.map_err(|problem| Error::from(vec![problem]))?;
    read(&session, &script, &Environment::default())
}

fn open(file: Shipped, named: Option<&Path>, environment: &Environment) -> Result<Document, Problem> {
    let by_default = Path::new(file.name());
    match named {
        None if !by_default.exists() && environment.stands_in_for(file) => Ok(Document::empty(file)),
        _ => Document::open(file, named.unwrap_or(by_default)),
    }
}

fn read(session: &Document, script: &Document, environment: &Environment) -> Result<Config, Error> {
    let reading = Reading::new(environment);
    let config = read_into(&reading, session, script);
    unknown::refuse(&reading, &[session, script]);
    let read = reading.finish();
    if read.problems.is_empty() {
        Ok(Config { settings: read.settings, notes: read.notes, ..config })
    } else {
        Err(Error::from(read.problems))
    }
}

/// Good only if the reading has no problems in the end.
fn read_into(reading: &Reading<'_>, session: &Document, script: &Document) -> Config {
    let top = reading.top(script);
    let session = reading.top(session);
    let receive = script::read_receive(&top);
    let mut config = Config {
        accounts: session::read_accounts(&session, &top, receive),
        factors: Factors::read(&session),
        receive,
        data_dir: top.path("data_dir", "data"),
        server: Server::read(&top.section("server")),
        admin: Admin::read(&top.section("admin")),
        publish: Publish::read(&top.section("publish")),
        thumbnails: Thumbnails::read(&top.section("thumbnails")),
        captions: Captions::read(&top.section("captions")),
        search: Search::read(&top.section("search")),
        sync: Sync::read(&top.section("sync")),
        reconcile: Reconcile::read(&top.section("reconcile")),
        inbox: Inbox::read(&top.section("inbox")),
        retention: Retention::read(&top.section("retention")),
        hooks: Vec::new(),
        forward: Vec::new(),
        settings: Vec::new(),
        notes: Vec::new(),
    };
    server::refuse_one_address_for_both(&config, &top);
    if !config.reconcile.enabled && config.receive != Receive::Push {
        top.note("receive", "[reconcile] enabled = false: nothing is polled");
    }
    (config.hooks, config.forward) = outgoing::read(&top, &[config.server.listen, config.admin.listen]);
    config
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_configuration_has_every_default() {
        let config = from_texts("partner_id = 102\nadmin_secret = \"x\"", "sync_metadata_profile_id = 5").unwrap();
        assert_eq!(config.accounts[0].label, "102");
        assert_eq!(config.accounts[0].rules.sync_profile, config.accounts[0].rules.content_profile);
        assert_eq!((config.sync.workers, config.sync.batch, config.server.body_max_bytes), (4, 100, 1 << 20));
        assert!(config.data_dir.is_absolute() && config.data_dir.ends_with("data"));
        let notes: Vec<_> = config.notes.iter().map(|note| note.key.as_str()).collect();
        assert_eq!(notes, ["minimum_hash_algorithm"]);
    }

    #[test]
    fn variables_and_files_of_other_programs_are_left_alone() {
        assert!(from_texts("", "").is_err());
        let environment =
            Environment::from_iter([("KALTURA_MIRROR_LOG".into(), "debug".into()), ("PATH".into(), "/".into())]);
        assert_eq!(environment.names().count(), 0);
    }
}
