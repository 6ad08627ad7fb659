//! Where a hook may call: public addresses, private ones if the operator allows it, and never ourselves.
//!
//! What is judged is the address that gets connected to. A name is resolved here, its addresses judged, and the connection made
//! to just those: a name that answers differently the second time gains nothing.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use crate::domain::address::{Reach, is_listener, reach};

/// An address that is not called, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AddressRefused {
    /// Not on the internet, and `allow_private` is not set.
    Private(IpAddr),
    /// Where nobody can be.
    Unusable(IpAddr),
    /// One of our own two servers.
    Ourselves(SocketAddr),
}

impl fmt::Display for AddressRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Private(address) => {
                write!(f, "{address} is no public address; set allow_private = true if the receiver lives there")
            }
            Self::Unusable(address) => write!(f, "{address} is an address where nobody can be; correct the URL"),
            Self::Ourselves(address) => write!(f, "{address} is this daemon's own server; name the receiver's"),
        }
    }
}

impl std::error::Error for AddressRefused {}

/// How names become addresses.
#[derive(Clone)]
pub struct Names(Source);

#[derive(Clone)]
enum Source {
    System,
    Fixed(Arc<BTreeMap<String, Vec<IpAddr>>>),
}

impl Names {
    /// As this machine resolves them.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// Only these, for tests.
    pub fn fixed<const N: usize>(names: [(&str, &[IpAddr]); N]) -> Self {
        let names = names.into_iter().map(|(name, addresses)| (name.to_owned(), addresses.to_vec()));
        Self(Source::Fixed(Arc::new(names.collect())))
    }

    async fn resolve(&self, name: &str) -> std::io::Result<Vec<IpAddr>> {
        match &self.0 {
            Source::System => Ok(tokio::net::lookup_host((name, 0)).await?.map(|address| address.ip()).collect()),
            Source::Fixed(names) => Ok(names.get(name).cloned().unwrap_or_default()),
        }
    }
}

/// Where our own servers listen.
#[derive(Debug, Clone, Default)]
pub struct Listeners(Arc<Vec<SocketAddr>>);

impl Listeners {
    /// At these addresses; one that listens everywhere listens at each of this machine's addresses.
    pub fn at(addresses: impl IntoIterator<Item = SocketAddr>) -> Self {
        Self(Arc::new(addresses.into_iter().collect()))
    }

    fn include(&self, target: SocketAddr) -> bool {
        let everywhere = |own: &&SocketAddr| own.port() == target.port() && own.ip().is_unspecified();
        self.0.iter().any(|own| is_listener(*own, target))
            || (self.0.iter().find(everywhere).is_some() && is_of_this_machine(target.ip()))
    }
}

/// The system lets a socket have an address only if it is the machine's own.
fn is_of_this_machine(address: IpAddr) -> bool {
    UdpSocket::bind((address, 0)).is_ok()
}

/// Judges the addresses of one hook, and resolves its name only to those that pass.
#[derive(Clone)]
pub(super) struct AddressGuard {
    names: Names,
    own: Listeners,
    port: u16,
    allow_private: bool,
}

impl AddressGuard {
    /// For calls of this URL.
    pub(super) fn of(url: &Url, allow_private: bool, names: Names, own: Listeners) -> Self {
        Self { names, own, port: url.port_or_known_default().unwrap_or_default(), allow_private }
    }

    /// Judges a host that is written as an address, which is never resolved.
    ///
    /// # Errors
    /// The address, refused.
    pub(super) fn judge_literal(&self, url: &Url) -> Result<(), AddressRefused> {
        match url.host() {
            Some(Host::Ipv4(address)) => self.judge(address.into()),
            Some(Host::Ipv6(address)) => self.judge(address.into()),
            _ => Ok(()),
        }
    }

    fn judge(&self, address: IpAddr) -> Result<(), AddressRefused> {
        let target = SocketAddr::new(address, self.port);
        match reach(address) {
            Reach::Unusable => Err(AddressRefused::Unusable(address)),
            Reach::Loopback | Reach::Private | Reach::LinkLocal if !self.allow_private => {
                Err(AddressRefused::Private(address))
            }
            _ if self.own.include(target) => Err(AddressRefused::Ourselves(target)),
            _ => Ok(()),
        }
    }
}

impl Resolve for AddressGuard {
    /// All addresses must pass: a name that has a good and a bad address is a bad name.
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.clone();
        Box::pin(async move {
            let addresses = guard.names.resolve(name.as_str()).await?;
            for address in &addresses {
                guard.judge(*address)?;
            }
            let addresses: Addrs = Box::new(addresses.into_iter().map(|address| SocketAddr::new(address, 0)));
            Ok(addresses)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(url: &str, allow_private: bool) -> Result<(), AddressRefused> {
        let url: Url = url.parse().unwrap();
        let own = Listeners::at(["127.0.0.1:8088".parse().unwrap(), "0.0.0.0:8089".parse().unwrap()]);
        AddressGuard::of(&url, allow_private, Names::system(), own).judge_literal(&url)
    }

    #[test]
    fn only_public_addresses_are_called_unless_private_ones_are_allowed() {
        assert_eq!(judge("https://93.184.216.34/", false), Ok(()));
        for inside in [
            "http://127.0.0.1/",
            "http://10.0.0.1/",
            "http://100.64.0.1/",
            "http://169.254.169.254/",
            "http://[::1]/",
            "http://[::ffff:10.0.0.1]/",
            "http://[fd00::1]/",
            "http://2130706433/",
        ] {
            assert!(matches!(judge(inside, false), Err(AddressRefused::Private(_))), "{inside}");
            assert_eq!(judge(inside, true), Ok(()), "{inside}");
        }
    }

    #[test]
    fn where_nobody_can_be_nobody_is_called() {
        for nowhere in ["http://0.0.0.0/", "http://0/", "http://224.0.0.1/", "http://255.255.255.255/", "http://[::]/"]
        {
            for allow_private in [false, true] {
                assert!(matches!(judge(nowhere, allow_private), Err(AddressRefused::Unusable(_))), "{nowhere}");
            }
        }
    }

    #[test]
    fn our_own_servers_are_never_called() {
        for own in [
            "http://127.0.0.1:8088/notifications",
            "http://[::ffff:127.0.0.1]:8088/",
            "http://127.0.0.1:8089/",
            "http://127.9.9.9:8089/",
        ] {
            assert!(matches!(judge(own, true), Err(AddressRefused::Ourselves(_))), "{own}");
        }
        for other in ["http://127.0.0.1:8090/", "http://127.0.0.2:8088/", "http://10.99.98.97:8089/"] {
            assert_eq!(judge(other, true), Ok(()), "{other}");
        }
    }

    #[tokio::test]
    async fn a_name_with_one_address_inside_is_not_resolved() {
        let outside: IpAddr = "93.184.216.34".parse().unwrap();
        let inside: IpAddr = "127.0.0.1".parse().unwrap();
        let names = Names::fixed([("good.example", &[outside]), ("evil.example", &[outside, inside])]);
        let guard = AddressGuard::of(&"http://x.example/".parse().unwrap(), false, names, Listeners::default());
        assert!(guard.resolve("good.example".parse().unwrap()).await.is_ok());
        let error = guard.resolve("evil.example".parse().unwrap()).await.err().unwrap();
        assert_eq!(error.downcast_ref(), Some(&AddressRefused::Private(inside)), "{error}");
    }
}
