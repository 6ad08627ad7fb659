//! How commands find a running daemon: `daemon.json` and the admin token, both for this user's eyes only.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::daemon_file;

/// What `daemon.json` says.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DaemonFile {
    /// The process.
    pub pid: u32,
    /// Base URL of the public server.
    pub public: String,
    /// Base URL of the admin server.
    pub admin: String,
    /// Where the token is that opens the admin API.
    pub token_file: PathBuf,
}

/// A file of the daemon's that cannot be made or read.
#[derive(Debug, thiserror::Error)]
#[error("{} cannot be used ({cause}); make it readable and writable for this user alone", path.display())]
pub struct PresenceError {
    path: PathBuf,
    cause: std::io::Error,
}

/// A daemon that has said where it is; gone with the value.
pub struct Presence(PathBuf);

impl Presence {
    /// Writes `daemon.json` (0600), whole or not at all.
    ///
    /// # Errors
    /// When the data directory cannot be written.
    pub fn announce(data_dir: &Path, public: SocketAddr, admin: SocketAddr) -> Result<Self, PresenceError> {
        let path = daemon_file(data_dir);
        let file = DaemonFile {
            pid: std::process::id(),
            public: format!("http://{}", reachable(public)),
            admin: format!("http://{}", reachable(admin)),
            token_file: token_file(data_dir),
        };
        let text = serde_json::to_string_pretty(&file).expect("plain texts serialise");
        let unfinished = path.with_extension("json.new");
        let written = fs::remove_file(&unfinished).or_else(not_there).and_then(|()| write_private(&unfinished, &text));
        written
            .and_then(|()| fs::rename(&unfinished, &path))
            .map_err(|cause| PresenceError { path: path.clone(), cause })?;
        Ok(Self(path))
    }
}

/// Who listens at every address is reached at loopback's.
fn reachable(listening: SocketAddr) -> SocketAddr {
    let ip = match listening.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listening.port())
}

impl Drop for Presence {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

impl DaemonFile {
    /// What the daemon on this data directory said; nothing when it never did.
    pub fn find(data_dir: &Path) -> Option<Self> {
        serde_json::from_str(&fs::read_to_string(daemon_file(data_dir)).ok()?).ok()
    }
}

/// The token that opens the admin API, made at the first start (0600).
pub(super) fn admin_token(data_dir: &Path) -> Result<String, PresenceError> {
    let path = token_file(data_dir);
    let made = match fs::read_to_string(&path) {
        Ok(token) if token.trim().len() >= TOKEN_BYTES => Ok(token.trim().to_owned()),
        Ok(_) => fs::remove_file(&path).and_then(|()| make_token(&path)),
        Err(cause) if cause.kind() == ErrorKind::NotFound => make_token(&path),
        Err(cause) => Err(cause),
    };
    made.map_err(|cause| PresenceError { path, cause })
}

const TOKEN_BYTES: usize = 32;

fn make_token(path: &Path) -> std::io::Result<String> {
    let mut random = [0; TOKEN_BYTES];
    getrandom::fill(&mut random).map_err(std::io::Error::other)?;
    let token: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    write_private(path, &format!("{token}\n"))?;
    Ok(token)
}

fn token_file(data_dir: &Path) -> PathBuf {
    data_dir.join("admin.token")
}

fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn not_there(cause: std::io::Error) -> std::io::Result<()> {
    if cause.kind() == ErrorKind::NotFound { Ok(()) } else { Err(cause) }
}
