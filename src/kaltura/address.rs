//! Which addresses a picture may be fetched from: public ones, and of the others only kinds the service itself has.
//!
//! What is judged is the address that gets connected to. A name is resolved here, its addresses judged, and the connection made to
//! just those: a name that answers differently the second time gains nothing.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use crate::domain::address::{Reach, reach};

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

#[cfg(test)]
mod tests {
    use super::*;

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
