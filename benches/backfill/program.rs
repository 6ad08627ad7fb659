//! The program, serving from a new data directory, and the command that orders a backfill.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use kaltura_mirror::simulator::account::{ADMIN_SECRET, PARTNER, SYNC_PROFILE};
use tempfile::TempDir;

/// Between two looks at its memory.
const LOOK_EVERY: Duration = Duration::from_millis(50);

pub struct Program {
    folder: TempDir,
    public: SocketAddr,
    child: Child,
}

/// What whoever watches a reading wants.
#[derive(PartialEq, Eq)]
pub enum Wish {
    GoOn,
    /// It is killed, as by `kill -9`, and started again.
    Kill,
}

impl Program {
    pub fn serve(kaltura: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: String| fs::write(folder.path().join(name), text).unwrap();
        write(
            "session_config.toml",
            format!("partner_id = {PARTNER}\nadmin_secret = \"{ADMIN_SECRET}\"\nservice_url = \"{kaltura}/\"\n"),
        );
        write(
            "script_config.toml",
            format!(
                "sync_metadata_profile_id = {SYNC_PROFILE}\n[server]\nlisten = \"127.0.0.1:0\"\n[admin]\nlisten = \"127.0.0.1:0\"\n\
                 [thumbnails]\nmode = \"none\"\n[captions]\nmode = \"none\"\n[reconcile]\nmax_calls_per_second = 1000\n"
            ),
        );
        let (public, child) = Self::start(&folder);
        Self { folder, public, child }
    }

    fn start(folder: &TempDir) -> (SocketAddr, Child) {
        let mut command = Self::command(folder);
        command.arg("serve").stdout(Stdio::piped());
        command.stderr(File::create(folder.path().join("serve.log")).unwrap());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let public = line.split_whitespace().nth(2).and_then(|url| url.strip_prefix("http://")).unwrap();
        (public.parse().unwrap(), child)
    }

    fn command(folder: &TempDir) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kaltura-mirror"));
        command.current_dir(folder.path()).stdin(Stdio::null());
        command
    }

    /// Reads everything, and waits until the index has the last of it. The most memory of its own the program had, in MiB, and
    /// how many entries are public at the end. Whoever watches is asked again and again meanwhile.
    pub fn backfill(&mut self, last: &str, mut watch: impl FnMut() -> Wish) -> (f64, u64) {
        let mut peak_mib = self.anonymous_mib();
        let mut ordered = self.order();
        while ordered.try_wait().unwrap().is_none() {
            std::thread::sleep(LOOK_EVERY);
            peak_mib = peak_mib.max(self.anonymous_mib());
            if watch() == Wish::Kill {
                self.stop();
                ordered.wait().unwrap();
                (self.public, self.child) = Self::start(&self.folder);
                ordered = self.order(); // goes on with the reading that is under way
            }
        }
        let told = ordered.wait_with_output().unwrap();
        assert!(told.status.success(), "the backfill ended with {}", told.status);
        let told: serde_json::Value = serde_json::from_slice(&told.stdout).unwrap();
        // Ids are words of the index.
        while !self.found(last) {
            std::thread::sleep(LOOK_EVERY);
            peak_mib = peak_mib.max(self.anonymous_mib());
        }
        (peak_mib, told[0]["result"]["public"].as_u64().unwrap())
    }

    fn order(&self) -> Child {
        Self::command(&self.folder).args(["backfill", "--json"]).stdout(Stdio::piped()).spawn().unwrap()
    }

    fn stop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    fn found(&self, id: &str) -> bool {
        let mut stream = TcpStream::connect(self.public).unwrap();
        let request =
            format!("GET /api/v1/search?limit=1&q={id} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.contains("\"totalHits\":1")
    }

    /// Of both kinds, by user and system, in seconds.
    pub fn cpu_seconds(&self) -> f64 {
        cpu_seconds(&self.child.id().to_string())
    }

    fn anonymous_mib(&self) -> f64 {
        anonymous_mib(&self.child.id().to_string())
    }

    /// What its data directory takes.
    pub fn data_mib(&self) -> f64 {
        fn size(folder: &std::path::Path) -> u64 {
            let inside = fs::read_dir(folder).into_iter().flatten().flatten();
            inside
                .map(
                    |one| if one.path().is_dir() { size(&one.path()) } else { one.metadata().map_or(0, |it| it.len()) },
                )
                .sum()
        }
        size(self.folder.path()) as f64 / 1024.0 / 1024.0
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Memory of its own that a process, `self` for this one, has, in MiB.
pub fn anonymous_mib(pid: &str) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap_or("0 kB");
    line.split_whitespace().next().and_then(|text| text.parse::<f64>().ok()).unwrap_or_default() / 1024.0
}

/// What a process, `self` for this one, has taken of the processors, in seconds.
pub fn cpu_seconds(pid: &str) -> f64 {
    const TICKS_A_SECOND: f64 = 100.0;
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks = |place: usize| after_name.split_whitespace().nth(place).and_then(|text| text.parse::<f64>().ok());
    (ticks(11).unwrap_or_default() + ticks(12).unwrap_or_default()) / TICKS_A_SECOND
}
