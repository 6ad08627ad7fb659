//! `[server]` and `[admin]`: the two addresses we listen at.

use std::net::SocketAddr;
use std::time::Duration;

use ipnet::IpNet;

use super::Config;
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
    /// Who may read the change feed.
    pub feed: Feed,
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
            feed: section.without_effect_yet().or("feed", Feed::Public),
        }
    }
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
