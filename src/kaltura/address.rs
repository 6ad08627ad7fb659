//! Which addresses a picture may be fetched from: public ones, and of the others only kinds the service itself has.
//!
//! What is judged is the address that gets connected to. A name is resolved here, its addresses judged, and the connection made to
//! just those: a name that answers differently the second time gains nothing.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// What an address is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// Anybody on the internet.
    Public,
    /// This machine.
    Loopback,
    /// This network: private ranges, carrier NAT, unique local.
    Private,
    /// This wire; cloud metadata services live here.
    LinkLocal,
    /// Nothing a picture comes from: multicast, reserved, unspecified, documentation.
    Unusable,
}

/// An address a picture may not be fetched from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AddressRefused(pub(super) IpAddr);

impl fmt::Display for AddressRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is no public address, and the service has none like it", self.0)
    }
}

impl std::error::Error for AddressRefused {}

/// Judges addresses, and resolves names only to those that pass.
#[derive(Debug, Clone)]
pub(super) struct AddressGuard {
    service: Host,
}

impl AddressGuard {
    /// `service` is Kaltura's API: what it is, others may be.
    pub(super) fn of(service: &Url) -> Self {
        let service = service.host().map(|host| host.to_owned());
        Self { service: service.unwrap_or_else(|| Host::Domain(String::new())) }
    }

    /// Judges a host that is written as an address, which is never resolved.
    ///
    /// # Errors
    /// The address, refused.
    pub(super) async fn judge_literal(&self, url: &Url) -> Result<(), AddressRefused> {
        match url.host() {
            Some(Host::Ipv4(address)) => self.judge(&[address.into()]).await,
            Some(Host::Ipv6(address)) => self.judge(&[address.into()]).await,
            _ => Ok(()),
        }
    }

    /// All must pass: a name that has a good and a bad address is a bad name.
    async fn judge(&self, addresses: &[IpAddr]) -> Result<(), AddressRefused> {
        let mut of_service: Option<Vec<Reach>> = None;
        for address in addresses {
            let reach = reach(*address);
            if reach == Reach::Public {
                continue;
            }
            if of_service.is_none() {
                of_service = Some(self.reach_of_service().await);
            }
            let known = of_service.as_deref().unwrap_or_default().contains(&reach);
            if reach == Reach::Unusable || !known {
                return Err(AddressRefused(*address));
            }
        }
        Ok(())
    }

    async fn reach_of_service(&self) -> Vec<Reach> {
        match &self.service {
            Host::Ipv4(address) => vec![reach((*address).into())],
            Host::Ipv6(address) => vec![reach((*address).into())],
            Host::Domain(name) => resolved(name).await.unwrap_or_default().into_iter().map(reach).collect(),
        }
    }
}

impl Resolve for AddressGuard {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.clone();
        Box::pin(async move {
            let addresses = resolved(name.as_str()).await?;
            guard.judge(&addresses).await?;
            let addresses: Addrs = Box::new(addresses.into_iter().map(|address| SocketAddr::new(address, 0)));
            Ok(addresses)
        })
    }
}

async fn resolved(name: &str) -> std::io::Result<Vec<IpAddr>> {
    Ok(tokio::net::lookup_host((name, 0)).await?.map(|address| address.ip()).collect())
}

/// The kind of an address; one that carries another inside (mapped, translated, 6to4) is of that one's kind.
pub(super) fn reach(address: IpAddr) -> Reach {
    match address {
        IpAddr::V4(address) => reach_v4(address),
        IpAddr::V6(address) => reach_v6(address),
    }
}

fn reach_v4(address: Ipv4Addr) -> Reach {
    match address.octets() {
        [127, ..] => Reach::Loopback,
        [10, ..] | [192, 168, ..] | [172, 16..=31, ..] | [100, 64..=127, ..] => Reach::Private,
        [169, 254, ..] => Reach::LinkLocal,
        [0 | 224..=255, ..] | [192, 0, 0 | 2, _] | [192, 88, 99, _] => Reach::Unusable,
        [198, 18 | 19, ..] | [198, 51, 100, _] | [203, 0, 113, _] => Reach::Unusable,
        _ => Reach::Public,
    }
}

fn reach_v6(address: Ipv6Addr) -> Reach {
    if let Some(inner) = carried_v4(address) {
        return reach_v4(inner);
    }
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 1] => Reach::Loopback,
        [0xfc00..=0xfdff, ..] | [0xfec0..=0xfeff, ..] => Reach::Private,
        [0xfe80..=0xfebf, ..] => Reach::LinkLocal,
        [0x2001, 0xdb8, ..] | [0x2001, 0, ..] => Reach::Unusable,
        [0x2000..=0x3fff, ..] => Reach::Public,
        _ => Reach::Unusable,
    }
}

fn carried_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let octets = address.octets();
    let four = |at: usize| Ipv4Addr::new(octets[at], octets[at + 1], octets[at + 2], octets[at + 3]);
    match address.segments() {
        [0, 0, 0, 0, 0, 0xffff, ..] => Some(four(12)),
        [0x64, 0xff9b, 0, 0, 0, 0, ..] => Some(four(12)),
        [0x2002, ..] => Some(four(2)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_apart_by_who_can_reach_them() {
        for (address, expected) in [
            ("93.184.216.34", Reach::Public),
            ("172.32.0.1", Reach::Public),
            ("2606:2800:220:1::1", Reach::Public),
            ("127.8.8.8", Reach::Loopback),
            ("::1", Reach::Loopback),
            ("::ffff:127.0.0.1", Reach::Loopback),
            ("10.1.2.3", Reach::Private),
            ("172.16.0.1", Reach::Private),
            ("192.168.1.1", Reach::Private),
            ("100.64.0.1", Reach::Private),
            ("fd00::1", Reach::Private),
            ("64:ff9b::10.0.0.1", Reach::Private),
            ("2002:c0a8:101::1", Reach::Private),
            ("169.254.169.254", Reach::LinkLocal),
            ("fe80::1", Reach::LinkLocal),
            ("::ffff:169.254.169.254", Reach::LinkLocal),
            ("0.0.0.0", Reach::Unusable),
            ("::", Reach::Unusable),
            ("224.0.0.1", Reach::Unusable),
            ("255.255.255.255", Reach::Unusable),
            ("ff02::1", Reach::Unusable),
            ("2001:db8::1", Reach::Unusable),
            ("203.0.113.7", Reach::Unusable),
        ] {
            assert_eq!(reach(address.parse().unwrap()), expected, "{address}");
        }
    }

    async fn passes(service: &str, picture: &str) -> bool {
        let guard = AddressGuard::of(&service.parse().unwrap());
        guard.judge_literal(&picture.parse().unwrap()).await.is_ok()
    }

    #[tokio::test]
    async fn only_a_service_on_such_an_address_lets_pictures_come_from_one() {
        assert!(passes("https://93.184.216.34/", "https://93.184.216.35/").await);
        for inside in [
            "http://127.0.0.1/",
            "http://10.0.0.1/",
            "http://169.254.169.254/",
            "http://[::1]/",
            "http://0/",
            "http://2130706433/",
        ] {
            assert!(!passes("https://93.184.216.34/", inside).await, "{inside}");
        }
        assert!(passes("http://10.0.0.5/", "http://10.0.0.6/").await);
        assert!(!passes("http://10.0.0.5/", "http://169.254.169.254/").await, "private is not link-local");
        assert!(!passes("http://10.0.0.5/", "http://127.0.0.1/").await, "nor this machine");
        assert!(!passes("http://0.0.0.0/", "http://0.0.0.0/").await);
    }

    #[tokio::test]
    async fn a_name_that_leads_inside_is_not_resolved() {
        let outside = AddressGuard::of(&"https://93.184.216.34/".parse().unwrap());
        let error = outside.resolve("localhost".parse().unwrap()).await.err().unwrap();
        assert!(error.downcast_ref::<AddressRefused>().is_some(), "{error}");
        let here = AddressGuard::of(&"http://localhost/".parse().unwrap());
        assert!(here.resolve("localhost".parse().unwrap()).await.is_ok());
    }
}
