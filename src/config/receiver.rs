//! Whether a URL that we are to call can be one: what is plain from its text alone. Names are judged when they are resolved.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use url::{Host, Url};

use super::section::Section;
use crate::domain::address::{Reach, is_listener, reach};

/// Refuses the key `url` of a table when every call would be refused later.
pub(super) fn refuse_unreachable(section: &Section<'_>, url: &Url, allow_private: bool, own: &[SocketAddr]) {
    if let Some(complaint) = complaint(url, allow_private, own) {
        section.refuse("url", format!(" = \"{url}\" {complaint}"));
    }
}

fn complaint(url: &Url, allow_private: bool, own: &[SocketAddr]) -> Option<String> {
    let address = literal(url)?;
    let target = SocketAddr::new(address, url.port_or_known_default().unwrap_or_default());
    match reach(address) {
        _ if own.iter().any(|listening| is_listener(*listening, target)) => {
            Some("is where this daemon listens itself; name another server".to_owned())
        }
        Reach::Unusable => Some("is an address where nobody can be; correct it".to_owned()),
        Reach::Loopback | Reach::Private | Reach::LinkLocal if !allow_private => {
            Some(format!("is at {address}, which is no public address; set allow_private = true if that is meant"))
        }
        _ => None,
    }
}

/// The address, where the text names one. `localhost` is this machine wherever it is asked for.
fn literal(url: &Url) -> Option<IpAddr> {
    match url.host()? {
        Host::Ipv4(address) => Some(address.into()),
        Host::Ipv6(address) => Some(address.into()),
        Host::Domain(name) => {
            let name = name.trim_end_matches('.');
            (name == "localhost" || name.ends_with(".localhost")).then_some(Ipv4Addr::LOCALHOST.into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complains(url: &str, allow_private: bool) -> Option<String> {
        complaint(&url.parse().unwrap(), allow_private, &["127.0.0.1:8088".parse().unwrap()])
    }

    #[test]
    fn an_address_that_would_never_be_called_is_refused_at_once() {
        for (url, allow_private, words) in [
            ("http://127.0.0.1:8088/notifications", true, Some("listens itself")),
            ("http://localhost:8088/", true, Some("listens itself")),
            ("http://[::ffff:127.0.0.1]:8088/", false, Some("listens itself")),
            ("http://127.0.0.1:9000/", false, Some("allow_private")),
            ("http://site.localhost/", false, Some("allow_private")),
            ("http://10.0.0.1/", false, Some("allow_private")),
            ("http://0.0.0.0:9000/", true, Some("nobody")),
            ("http://127.0.0.1:9000/", true, None),
            ("http://10.0.0.1/", true, None),
            ("https://93.184.216.34/", false, None),
            ("https://inside.example/", false, None),
        ] {
            let complaint = complains(url, allow_private);
            match words {
                Some(words) => {
                    assert!(complaint.as_ref().is_some_and(|text| text.contains(words)), "{url}: {complaint:?}")
                }
                None => assert_eq!(complaint, None, "{url}"),
            }
        }
    }
}
