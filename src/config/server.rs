//! `[server]` and `[admin]`: the two addresses we listen at.

use std::net::SocketAddr;
use std::time::Duration;

use ipnet::IpNet;

use super::Config;
use super::secret::SecretSource;
use super::section::Section;
use super::values::{ByteSize, choices};

/// Notifications and the public read API.
#[derive(Debug, Clone)]
pub struct Server {
    /// Port 0 is any free one.
    pub listen: SocketAddr,
    /// A larger request body is answered 413.
    pub body_max_bytes: u64,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Open connections for each of the server's threads; further ones wait to be accepted.
    pub connections_max: usize,
    /// A request's head and body must have come by then.
    pub request_timeout: Duration,
    /// A connection whose other end has taken nothing of an answer for this long is cut off.
    pub reader_patience: Duration,
    /// Who may read the change feed.
    pub feed: Feed,
    /// The key, if `feed` asks for one.
    pub feed_key: Option<SecretSource>,
    /// Streams of the change feed at the same time.
    pub streams_max: usize,
    /// How long one lasts; its reader then comes again.
    pub stream_longest: Duration,
    /// How long one is silent at most.
    pub stream_heartbeat: Duration,
}

choices! {
    /// Who may read the change feed.
    pub enum Feed {
        /// Anyone who reaches the address.
        Public = "public",
        /// Who has the key.
        Key = "key",
        /// Nobody.
        Off = "off",
    }
}

/// Dashboard, admin API, metrics.
#[derive(Debug, Clone)]
pub struct Admin {
    /// Port 0 is any free one.
    pub listen: SocketAddr,
    /// Names besides loopback's that a request's `Host` may have.
    pub hosts: Vec<String>,
}

impl Server {
    pub(super) fn read(section: &Section<'_>) -> Self {
        let feed = section.or("feed", Feed::Public);
        Self {
            listen: section.or("listen", SocketAddr::from(([127, 0, 0, 1], 8088))),
            body_max_bytes: section.bytes("body_max_bytes", ByteSize::mib(1), ByteSize::kib(64)..=ByteSize::mib(64)),
            trusted_proxies: section.or("trusted_proxies", Vec::new()),
            connections_max: section.within("connections_max", 4096, 16..=1_000_000),
            request_timeout: section.within(
                "request_timeout",
                Duration::from_secs(10),
                Duration::from_secs(1)..=Duration::from_mins(5),
            ),
            reader_patience: section.within("reader_patience", secs(30), secs(1)..=secs(600)),
            feed,
            feed_key: read_feed_key(section, feed),
            streams_max: section.within("streams_max", 64, 1..=10_000),
            stream_longest: section.within("stream_longest", secs(3600), secs(1)..=secs(86_400)),
            stream_heartbeat: section.within("stream_heartbeat", secs(15), secs(1)..=secs(300)),
        }
    }
}

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// Shorter keys are guessed.
const FEED_KEY_BYTES_MIN: usize = 16;

/// The key that opens the feed: there when it is asked for, and long enough.
fn read_feed_key(section: &Section<'_>, feed: Feed) -> Option<SecretSource> {
    let key = section.secret("feed_key");
    let written = ["feed_key", "feed_key_file"].into_iter().find(|name| section.says(name));
    match (feed, written) {
        (Feed::Key, None) => {
            let cure = ": write a text of 16 characters or more, or the path of a file that holds it as feed_key_file";
            section.refuse("feed_key", format!(" is missing beside feed = \"key\"{cure}"));
        }
        (Feed::Public | Feed::Off, Some(name)) => {
            section.note(name, "has no use unless feed = \"key\"");
        }
        _ => {}
    }
    let too_short = |key: &SecretSource| key.read().is_ok_and(|key| key.expose().len() < FEED_KEY_BYTES_MIN);
    if key.as_ref().is_some_and(too_short) {
        section.refuse("feed_key", format!(": must have {FEED_KEY_BYTES_MIN} characters or more"));
    }
    key
}

impl Admin {
    pub(super) fn read(section: &Section<'_>) -> Self {
        Self {
            listen: section.or("listen", SocketAddr::from(([127, 0, 0, 1], 8089))),
            hosts: section.or("hosts", Vec::new()),
        }
    }
}

/// Two listeners cannot share one port.
pub(super) fn refuse_one_address_for_both(config: &Config, top: &Section<'_>) {
    let (public, admin) = (config.server.listen, config.admin.listen);
    let overlap = public.ip() == admin.ip() || public.ip().is_unspecified() || admin.ip().is_unspecified();
    if public.port() != 0 && public.port() == admin.port() && overlap {
        let message = format!(" = \"{admin}\" is taken by server.listen = \"{public}\"; give one of them another port");
        top.section("admin").refuse("listen", message);
    }
}
