//! A folder with a data directory of the catalogue's size, the two configuration files, and the stand-in Kaltura they name.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use kaltura_mirror::app::Daemon;
use kaltura_mirror::config::{self, Config};
use kaltura_mirror::domain::clock::{Clock, Jitter};
use kaltura_mirror::domain::ids::CategoryId;
use kaltura_mirror::simulator::account::{ADMIN_SECRET, PARTNER, SYNC_PROFILE, believable_account};
use kaltura_mirror::simulator::categories::SimCategory;
use kaltura_mirror::simulator::handle::{Options, Simulator};
use kaltura_mirror::simulator::state::SimAccount;
use kaltura_mirror::store::{AccountSpec, PublicShapes, Store};

use super::corpus::{CATEGORIES, NOW, TOPICS, category_name};

/// The first of the shelves' category ids.
pub const FIRST_CATEGORY: i64 = 1_000;

pub struct Place {
    pub folder: PathBuf,
    pub shapes: PublicShapes,
    pub kaltura: Simulator,
    _temporary: Option<tempfile::TempDir>,
}

impl Place {
    /// A new folder, or the one that `SEARCH_BENCH_DIR` names: what is in it already is used again.
    pub async fn open(entries: usize) -> Self {
        let (folder, temporary) = match std::env::var_os("SEARCH_BENCH_DIR") {
            Some(named) => (PathBuf::from(named).join(entries.to_string()), None),
            None => {
                let temporary = tempfile::tempdir().unwrap();
                (temporary.path().to_owned(), Some(temporary))
            }
        };
        Self::in_folder(folder, temporary).await
    }

    /// A new folder that nothing is left of, with an account without entries.
    pub async fn open_alone() -> Self {
        let temporary = tempfile::tempdir().unwrap();
        Self::in_folder(temporary.path().to_owned(), Some(temporary)).await
    }

    async fn in_folder(folder: PathBuf, temporary: Option<tempfile::TempDir>) -> Self {
        fs::create_dir_all(&folder).unwrap();
        let kaltura = Simulator::start(options(&folder)).await.unwrap();
        fs::write(folder.join("port"), kaltura.url().rsplit(':').next().unwrap()).unwrap();
        let place = Self { folder, shapes: PublicShapes::new(), kaltura, _temporary: temporary };
        place.write_configuration();
        place.knowing_the_account().await
    }

    pub fn data_dir(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// Opens the store as the daemon does.
    pub async fn store(&self) -> Store {
        let url = format!("{}/", self.kaltura.url());
        let account = AccountSpec { partner_id: PARTNER, service_url: url, label: PARTNER.to_string() };
        Store::open(&self.data_dir(), &[account], Clock::system()).await.unwrap()
    }

    /// The configuration as `serve` reads it.
    pub fn configuration(&self) -> Config {
        let text = |name| fs::read_to_string(self.folder.join(name)).unwrap();
        config::from_texts(&text("session_config.toml"), &text("script_config.toml")).unwrap()
    }

    /// Starts the program; it takes requests when this returns.
    pub fn serve(&self) -> Serving {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kaltura-mirror"));
        command.current_dir(&self.folder).arg("serve").stdin(Stdio::null()).stdout(Stdio::piped());
        command.stderr(File::create(self.folder.join("serve.log")).unwrap());
        Serving::start(command)
    }

    /// Lets a real daemon read what the account has: profiles, categories, the schema.
    async fn knowing_the_account(mut self) -> Self {
        let daemon = Daemon::start(self.configuration(), Clock::system(), Jitter::fixed(0.5)).await.unwrap();
        for account in daemon.sync.accounts() {
            daemon.sync.refresh_facts(account).await.unwrap();
        }
        self.shapes = PublicShapes::clone(&daemon.sync.shapes().borrow());
        daemon.stop().await;
        self
    }

    fn write_configuration(&self) {
        let session = format!(
            "partner_id = {PARTNER}\nadmin_secret = \"{ADMIN_SECRET}\"\nservice_url = \"{}/\"\n",
            self.kaltura.url()
        );
        let script = format!(
            "sync_metadata_profile_id = {SYNC_PROFILE}\ndata_dir = {:?}\n[server]\nlisten = \"127.0.0.1:0\"\n\
             [admin]\nlisten = \"127.0.0.1:0\"\n[thumbnails]\nmode = \"none\"\n",
            self.data_dir()
        );
        fs::write(self.folder.join("session_config.toml"), session).unwrap();
        fs::write(self.folder.join("script_config.toml"), script).unwrap();
    }
}

/// An account with the demo's profile and the catalogue's shelves, and no entries. On the same port again, because a data
/// directory belongs to one server.
fn options(folder: &Path) -> Options {
    let mut account = believable_account(7, Clock::system());
    account.entries.clear();
    account.category_entries.clear();
    account.metadata.clear();
    let port = fs::read_to_string(folder.join("port")).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0);
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    Options { listen, ..Options::new(with_shelves(account)) }
}

fn with_shelves(mut account: SimAccount) -> SimAccount {
    account.categories.clear();
    for (number, topic) in (0..).zip(TOPICS) {
        let top = SimCategory::top(CategoryId(number + 1), topic, NOW);
        for shelf in (0..CATEGORIES).filter(|shelf| TOPICS[shelf % TOPICS.len()] == topic) {
            let (_, name) =
                category_name(shelf).split_once('>').map(|(top, name)| (top.to_owned(), name.to_owned())).unwrap();
            let category = top.child(CategoryId(FIRST_CATEGORY + shelf as i64), &name, NOW);
            account.categories.insert(category.id, category);
        }
        account.categories.insert(top.id, top);
    }
    account
}

/// The program, running. Ends with the value.
pub struct Serving {
    pub public: SocketAddr,
    /// From the start of the process until it said that it was ready.
    pub ready_after: Duration,
    child: Child,
}

impl Serving {
    fn start(mut command: Command) -> Self {
        let began = Instant::now();
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let ready_after = began.elapsed();
        let words: Vec<&str> = line.split_whitespace().collect();
        let ["ready:", "public", public, "admin", _] = words[..] else { panic!("not the ready line: {line:?}") };
        Self { public: public.strip_prefix("http://").unwrap().parse().unwrap(), ready_after, child }
    }

    /// Memory of its own that is not mapped from files, in MiB.
    pub fn anonymous_mib(&self) -> f64 {
        anonymous_mib(&self.child.id().to_string())
    }

    /// Stops it as a service manager does.
    pub fn stop(mut self) {
        assert!(Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap().success());
        self.child.wait().unwrap();
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `RssAnon` of a process, `self` for this one, in MiB.
pub fn anonymous_mib(pid: &str) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap_or("0 kB");
    line.split_whitespace().next().and_then(|text| text.parse::<f64>().ok()).unwrap_or_default() / 1024.0
}

/// Bytes of a folder or file, with everything below it.
pub fn size_of(path: &Path) -> u64 {
    match fs::read_dir(path) {
        Ok(entries) => entries.flatten().map(|entry| size_of(&entry.path())).sum(),
        Err(_) => fs::metadata(path).map_or(0, |about| about.len()),
    }
}
