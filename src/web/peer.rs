//! Who is at the other end, also behind proxies we trust.

use std::net::{IpAddr, Ipv4Addr};

use actix_web::HttpRequest;
use ipnet::IpNet;

/// The peer's address: the connection's, or, when that is a trusted proxy, the last one in `X-Forwarded-For` that is not.
pub(super) fn address(request: &HttpRequest, trusted: &[IpNet]) -> IpAddr {
    let connection = request.peer_addr().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |address| address.ip());
    let forwarded = request.headers().get_all("x-forwarded-for").filter_map(|value| value.to_str().ok());
    let forwarded: Vec<_> = forwarded.flat_map(|value| value.split(',')).map(str::trim).map(str::to_owned).collect();
    nearest_untrusted(connection, &forwarded, trusted)
}

fn nearest_untrusted(connection: IpAddr, forwarded: &[String], trusted: &[IpNet]) -> IpAddr {
    let mut nearest = connection;
    for hop in forwarded.iter().rev() {
        if !trusted.iter().any(|net| net.contains(&nearest)) {
            break;
        }
        let Ok(address) = hop.parse() else { break };
        nearest = address;
    }
    nearest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_trusted_proxy_is_believed_about_who_is_behind_it() {
        let trusted: Vec<IpNet> = vec!["127.0.0.0/8".parse().unwrap(), "10.0.0.0/8".parse().unwrap()];
        let cases: [(&str, &[&str], &str); 5] = [
            ("203.0.113.9", &["198.51.100.1"], "203.0.113.9"),
            ("127.0.0.1", &["198.51.100.1"], "198.51.100.1"),
            ("127.0.0.1", &["6.6.6.6", "198.51.100.1", "10.1.1.1"], "198.51.100.1"),
            ("127.0.0.1", &["garbage"], "127.0.0.1"),
            ("127.0.0.1", &[], "127.0.0.1"),
        ];
        for (connection, forwarded, expected) in cases {
            let forwarded: Vec<_> = forwarded.iter().map(|hop| (*hop).to_owned()).collect();
            assert_eq!(nearest_untrusted(connection.parse().unwrap(), &forwarded, &trusted).to_string(), expected);
        }
    }
}
