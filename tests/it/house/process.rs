//! The program as its users run it: the binary with its two files, beside a stand-in Kaltura in the test's own process.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use kaltura_mirror::domain::clock::Clock;
use kaltura_mirror::domain::ids::EntryId;
use kaltura_mirror::domain::secret::AdminSecret;
use kaltura_mirror::simulator::account::{SYNC_PROFILE, believable_account};
use kaltura_mirror::simulator::edits;
use kaltura_mirror::simulator::entry::SimEntry;
use kaltura_mirror::simulator::handle::{Options, Simulator};
use kaltura_mirror::simulator::sender::{Delivery, Sender};
use kaltura_mirror::simulator::state::SimAccount;
use serde_json::Value;
use tempfile::TempDir;

use super::PATIENCE;

/// A folder with both configuration files, and the Kaltura they name.
pub struct Place {
    pub kaltura: Simulator,
    dir: TempDir,
}

/// How a command ended, and what it said.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Place {
    /// The believable account and the shipped rules, with the secret in a file.
    pub async fn new() -> Self {
        Self::over(believable_account(7, Clock::system())).await
    }

    /// Another account.
    pub async fn over(account: SimAccount) -> Self {
        let kaltura = Simulator::start(Options::new(account)).await.unwrap();
        let place = Self { kaltura, dir: tempfile::tempdir().unwrap() };
        place.write("secret", &place.kaltura.admin_secret());
        place.write_session(&place.kaltura.url());
        place.write_script("");
        place
    }

    /// Writes a file of the folder.
    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    /// A file of the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// `session_config.toml` for the account at this server.
    pub fn write_session(&self, service_url: &str) {
        let partner = self.kaltura.partner_id();
        let text = format!(
            "partner_id = {partner}\nlabel = \"main\"\nadmin_secret_file = \"secret\"\nservice_url = \"{service_url}/\"\n"
        );
        self.write("session_config.toml", &text);
    }

    /// `script_config.toml` with free ports and further lines; those before the first table belong to the top.
    pub fn write_script(&self, further: &str) {
        // Nothing is found but what a test tells of, unless it is about finding.
        let reconcile = if further.contains("reconcile") { "" } else { "[reconcile]\nenabled = false\n" };
        let text = format!(
            "sync_metadata_profile_id = {SYNC_PROFILE}\n{further}\n[server]\nlisten = \"127.0.0.1:0\"\n[admin]\nlisten = \"127.0.0.1:0\"\n{reconcile}"
        );
        self.write("script_config.toml", &text);
    }

    /// The program in this folder, free of variables of ours.
    pub fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kaltura-mirror"));
        command.current_dir(self.dir.path()).args(arguments.split_whitespace()).stdin(Stdio::null());
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, arguments: &str) -> Ran {
        let output = self.command(arguments).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Ran { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// Runs a command with `--json`; it must succeed.
    pub fn run_json(&self, arguments: &str) -> Value {
        let ran = self.run(&format!("{arguments} --json"));
        assert_eq!(ran.code, Some(0), "{arguments}: {ran:?}");
        serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{arguments}: {error}: {ran:?}"))
    }

    /// Starts `serve`, and waits until it says that it is ready.
    pub fn serve(&self) -> Serving {
        self.serve_with([])
    }

    /// The same, with these variables.
    pub fn serve_with<const N: usize>(&self, variables: [(&str, &str); N]) -> Serving {
        let mut command = self.command("serve");
        command.envs(variables);
        Serving::start(command, self.path("serve.log"))
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

    /// Lets Kaltura send what it has queued to this daemon, once each.
    pub async fn deliver(&self, serving: &Serving) -> Vec<Delivery> {
        let endpoint = format!("http://{}/notifications", serving.public);
        let secret = AdminSecret::new(self.kaltura.admin_secret());
        let sender = Sender::new(self.kaltura.partner_id(), secret, &endpoint).unwrap();
        sender.drain(self.kaltura.account()).await
    }
}

/// A `serve` that runs. Ends with the value.
pub struct Serving {
    pub public: SocketAddr,
    pub admin: SocketAddr,
    pid: u32,
    log: PathBuf,
    /// Until its end is waited for.
    running: Option<(Child, BufReader<ChildStdout>)>,
}

impl Serving {
    /// Runs a `serve`, and waits until it says that it is ready; its log goes into a file.
    pub fn start(mut command: Command, log: PathBuf) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(File::create(&log).unwrap()).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let (line, out) = in_time("a line of serve", move || {
            let mut line = String::new();
            out.read_line(&mut line).unwrap();
            (line, out)
        });
        let words: Vec<&str> = line.split_whitespace().collect();
        let ["ready:", "public", public, "admin", admin] = words[..] else {
            panic!("not the ready line: {line:?}; {}", std::fs::read_to_string(&log).unwrap());
        };
        let address = |url: &str| url.strip_prefix("http://").unwrap().parse().unwrap();
        Self { public: address(public), admin: address(admin), pid: child.id(), log, running: Some((child, out)) }
    }

    /// The process.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Sends a signal by its name, such as `TERM`.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.pid().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// Waits until it has logged these words.
    pub fn until_logged(&self, words: &str) {
        eventually(&format!("the log says {words:?}"), || self.log().contains(words).then_some(()));
    }

    /// Waits for its end; what it printed after the ready line is `out`.
    pub fn ended(mut self) -> Ran {
        let (mut child, mut out) = self.running.take().unwrap();
        let (status, out) = in_time("the end of serve", move || {
            let mut rest = String::new();
            out.read_to_string(&mut rest).unwrap();
            (child.wait().unwrap(), rest)
        });
        Ran { code: status.code(), out, err: self.log() }
    }

    /// SIGKILL: nothing is finished, nothing is said.
    pub fn kill(mut self) {
        let (mut child, _) = self.running.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Stops it as a service manager does.
    pub fn stop(self) -> Ran {
        self.signal("TERM");
        self.ended()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        if let Some((mut child, _)) = self.running.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// What becomes true, asked again and again until the patience ends.
pub fn eventually<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// What a blocking call answers, unless the patience ends before.
fn in_time<T: Send + 'static>(what: &str, call: impl FnOnce() -> T + Send + 'static) -> T {
    let (send, receive) = mpsc::channel();
    std::thread::spawn(move || send.send(call()));
    receive.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("waited in vain: {what}"))
}
