//! A whole house for tests: a real daemon on port 0 with its own data directory, and a stand-in Kaltura it talks to over HTTP.

pub mod events;
pub mod http;
pub mod process;

use std::path::{Path, PathBuf};
use std::time::Duration;

use kaltura_mirror::app::Daemon;
use kaltura_mirror::config::{self, Config};
use kaltura_mirror::domain::clock::{Clock, Jitter, Timestamp};
use kaltura_mirror::domain::ids::{AccountId, EntryId};
use kaltura_mirror::domain::secret::AdminSecret;
use kaltura_mirror::simulator::account::{ADMIN_SECRET, PARTNER, SYNC_PROFILE, believable_account};
use kaltura_mirror::simulator::edits;
use kaltura_mirror::simulator::entry::SimEntry;
use kaltura_mirror::simulator::handle::{Options, Simulator};
use kaltura_mirror::simulator::sender::{Delivery, Sender};
use kaltura_mirror::store::EntryReport;
use serde_json::Value;
use tempfile::TempDir;

/// The moment at which a house's manual clock starts.
pub const START: Timestamp = Timestamp::from_secs(1_795_500_000);

/// How long what happens by itself is waited for, in real time: so long that only what never comes is missed, however busy the
/// machine.
pub const PATIENCE: Duration = Duration::from_secs(300);

/// Waits until it is so.
pub async fn eventually(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let waited = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waited).await.unwrap_or_else(|_| panic!("waited in vain: {what}"));
}

/// A daemon, its data directory, its Kaltura and the clock they share.
pub struct House {
    pub kaltura: Simulator,
    pub daemon: Daemon,
    pub clock: Clock,
    texts: Texts,
    dir: TempDir,
}

/// What a daemon is started with, again after a restart.
struct Texts {
    /// Further lines in `session_config.toml`.
    session: String,
    /// Further lines in `script_config.toml`.
    script: String,
    /// Whether its hooks are told nothing, unless the test does it.
    is_silent: bool,
}

impl House {
    /// The believable account, and a daemon with the shipped rules.
    pub async fn open() -> Self {
        Self::open_with("").await
    }

    /// The same, with further lines in `script_config.toml`.
    pub async fn open_with(script: &str) -> Self {
        let clock = Clock::manual(START);
        let kaltura = Simulator::start(Options::new(believable_account(7, clock.clone()))).await.unwrap();
        Self::beside(kaltura, clock, script).await
    }

    /// A daemon beside a Kaltura that is there already.
    pub async fn beside(kaltura: Simulator, clock: Clock, script: &str) -> Self {
        Self::beside_with(kaltura, clock, "", script).await
    }

    /// The believable account and a daemon whose hooks are told nothing, unless the test does it.
    pub async fn silent_with(script: &str) -> Self {
        let clock = Clock::manual(START);
        let kaltura = Simulator::start(Options::new(believable_account(7, clock.clone()))).await.unwrap();
        Self::silent_beside(kaltura, clock, script).await
    }

    /// The same beside a Kaltura that is there already.
    pub async fn silent_beside(kaltura: Simulator, clock: Clock, script: &str) -> Self {
        let texts = Texts { session: String::new(), script: script.to_owned(), is_silent: true };
        Self::start(kaltura, clock, texts, tempfile::tempdir().unwrap()).await
    }

    /// The same, with further lines in `session_config.toml`.
    pub async fn beside_as(kaltura: Simulator, clock: Clock, session: &str) -> Self {
        Self::beside_with(kaltura, clock, session, "").await
    }

    /// The same, with further lines in both files.
    pub async fn beside_with(kaltura: Simulator, clock: Clock, session: &str, script: &str) -> Self {
        let texts = Texts { session: session.to_owned(), script: script.to_owned(), is_silent: false };
        Self::start(kaltura, clock, texts, tempfile::tempdir().unwrap()).await
    }

    async fn start(kaltura: Simulator, clock: Clock, texts: Texts, dir: TempDir) -> Self {
        let config = configuration(&kaltura, dir.path(), &texts.session, &texts.script);
        let jitter = Jitter::fixed(0.5);
        let daemon = match texts.is_silent {
            true => Daemon::start_silent(config, clock.clone(), jitter).await.unwrap(),
            false => Daemon::start(config, clock.clone(), jitter).await.unwrap(),
        };
        let house = Self { kaltura, daemon, clock, texts, dir };
        house.learn_facts().await;
        house
    }

    /// Stops the daemon and starts it again on the same data directory.
    pub async fn restart(self) -> Self {
        let Self { kaltura, daemon, clock, texts, dir } = self;
        daemon.stop().await;
        Self::start(kaltura, clock, texts, dir).await
    }

    /// The same with other further lines in `script_config.toml`.
    pub async fn restart_with(mut self, script: &str) -> Self {
        script.clone_into(&mut self.texts.script);
        self.restart().await
    }

    /// The same, with what happens while no daemon runs.
    pub async fn restart_after(self, meanwhile: impl FnOnce(&Simulator, &Clock)) -> Self {
        let Self { kaltura, daemon, clock, texts, dir } = self;
        daemon.stop().await;
        meanwhile(&kaltura, &clock);
        Self::start(kaltura, clock, texts, dir).await
    }

    /// Puts another secret into the daemon's secret file.
    pub fn write_secret(&self, secret: &str) {
        std::fs::write(self.dir.path().join("secret"), secret).unwrap();
    }

    /// The one account.
    pub fn account(&self) -> AccountId {
        self.daemon.store.accounts()[0].id
    }

    /// What is wrong with the account as a whole, if anything.
    pub async fn degraded(&self) -> Option<String> {
        self.daemon.store.account_states().await.unwrap().remove(0).degraded
    }

    /// Lets that much time pass, and the daemon do what is due by then.
    pub async fn pass(&self, time: Duration) {
        self.clock.advance(time);
        self.run_until_idle().await;
    }

    /// Where the daemon keeps its data.
    pub fn data_dir(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// Lets the daemon read profiles and policy, so that a test starts from a known place.
    pub async fn learn_facts(&self) {
        for account in self.daemon.sync.accounts() {
            self.daemon.sync.refresh_facts(account).await.unwrap();
        }
    }

    /// A video that is ready and open to all, with this document of the sync profile; Kaltura has queued its `entry_add`.
    pub fn new_video(&self, name: &str, xml: Option<&str>) -> EntryId {
        self.kaltura.edit(|account| {
            let (id, now) = (account.make_entry_id(), account.now());
            edits::add_entry(account, SimEntry::video(id.clone(), name, now));
            if let Some(xml) = xml {
                edits::add_metadata(account, &id, SYNC_PROFILE, xml).unwrap();
            }
            id
        })
    }

    /// The document of the sync profile as it stands at Kaltura.
    pub fn sync_xml(&self, id: &EntryId) -> Option<String> {
        self.kaltura.read(|account| Some(account.metadata_of(id, SYNC_PROFILE)?.xml.clone()))
    }

    /// A sender of this account's notifications.
    pub fn sender(&self) -> Sender {
        Sender::new(PARTNER, AdminSecret::new(ADMIN_SECRET), &format!("http://{}/notifications", self.daemon.public))
            .unwrap()
    }

    /// Lets Kaltura send what it has queued, and the daemon work until nothing is left to do.
    pub async fn deliver(&self) -> Vec<Delivery> {
        let deliveries = self.sender().drain(self.kaltura.account()).await;
        self.run_until_idle().await;
        deliveries
    }

    /// Lets the daemon work until nothing is due and nothing is being worked on.
    pub async fn run_until_idle(&self) {
        let idle = async {
            // A hook that was told may let a mark through, which is work again.
            for _ in 0..2 {
                self.daemon.sync.idle().await?;
                if !self.texts.is_silent {
                    self.daemon.hooks.idle().await?;
                }
            }
            Ok::<_, kaltura_mirror::store::Error>(())
        };
        tokio::time::timeout(PATIENCE, idle).await.expect("the daemon comes to rest").unwrap();
    }

    /// Makes entries dirty as a person would, and lets the daemon work.
    pub async fn sync(&self, entries: &[&EntryId]) {
        self.hint(entries).await;
        self.run_until_idle().await;
    }

    /// Makes entries dirty as a person would, and does not wait.
    pub async fn hint(&self, entries: &[&EntryId]) {
        let path = "/api/v1/admin/sync";
        let body = serde_json::json!({ "entries": entries });
        assert_eq!(http::post_json(self.daemon.admin, path, &self.token(), &body).await.status, 200);
    }

    /// Waits until Kaltura has been asked this often.
    pub async fn until_called(&self, service_action: &str, times: usize) {
        let called = async {
            while self.kaltura.count(service_action) < times {
                self.daemon.sync.settled().await;
            }
        };
        tokio::time::timeout(crate::house::PATIENCE, called).await.expect("Kaltura is asked");
    }

    /// What visitors get of an entry; nothing when they get none.
    pub async fn public_entry(&self, id: &EntryId) -> Option<Value> {
        let answer = http::get(self.daemon.public, &format!("/api/v1/entries/{id}")).await;
        (answer.status == 200).then(|| answer.json())
    }

    /// Everything visitors can list.
    pub async fn public_entries(&self) -> Vec<Value> {
        let (mut entries, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = http::get(self.daemon.public, &format!("/api/v1/entries?limit=100{cursor}")).await.json();
            entries.extend(page["items"].as_array().unwrap().iter().cloned());
            match page["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return entries,
            }
        }
    }

    /// What operators get of an entry.
    pub async fn report(&self, id: &EntryId) -> Option<EntryReport> {
        self.daemon.store.entry_report(self.account(), id).await.unwrap()
    }

    /// The admin token.
    pub fn token(&self) -> String {
        std::fs::read_to_string(self.data_dir().join("admin.token")).unwrap().trim().to_owned()
    }
}

/// Any free ports. As dotted keys, so that a test may set others of these tables, dotted too.
const LISTEN: &str = "server.listen = \"127.0.0.1:0\"\nadmin.listen = \"127.0.0.1:0\"\n";

/// The configuration of a daemon beside this Kaltura, with further lines in both files.
pub fn configuration(kaltura: &Simulator, dir: &Path, session: &str, script: &str) -> Config {
    let secret = dir.join("secret");
    std::fs::write(&secret, kaltura.admin_secret()).unwrap();
    let session = format!(
        "partner_id = {}\nadmin_secret_file = \"{}\"\nservice_url = \"{}/\"\n{session}",
        kaltura.partner_id(),
        secret.display(),
        kaltura.url()
    );
    config::from_texts(&session, &script_config(dir, script)).unwrap()
}

/// `script_config.toml` of a daemon on free ports, its data in this folder, with further lines.
/// Nothing is found but what a test tells of, unless it is about finding: with a clock that is moved on, what a test
/// is in the middle of would be found by a reading too.
pub fn script_config(dir: &Path, further: &str) -> String {
    let names_a_profile = further.contains("sync_metadata_profile");
    let profile = if names_a_profile { "" } else { "sync_metadata_profile = \"apinotifications_sync_data\"\n" };
    let finds = ["reconcile", "receive"].iter().any(|word| further.contains(word));
    let reconcile = if finds { "" } else { "reconcile.enabled = false\n" };
    format!("{profile}data_dir = \"{}\"\n{LISTEN}{reconcile}{further}\n", dir.join("data").display())
}
