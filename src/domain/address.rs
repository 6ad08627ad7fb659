//! Whom an address can reach. Who may be called there is decided by those who call.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// What an address is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Anybody on the internet.
    Public,
    /// This machine.
    Loopback,
    /// This network: private ranges, carrier NAT, unique local.
    Private,
    /// This wire; cloud metadata services live here.
    LinkLocal,
    /// Nobody in particular: multicast, reserved, unspecified, documentation.
    Unusable,
}

/// The kind of an address; one that carries another inside (mapped, translated, 6to4) is of that one's kind.
pub fn reach(address: IpAddr) -> Reach {
    match address {
        IpAddr::V4(address) => reach_v4(address),
        IpAddr::V6(address) => reach_v6(address),
    }
}

/// Whether who listens at `listening` is reached at `target`, as far as addresses alone tell: who listens everywhere is
/// reached at every loopback address, and at others that only the machine knows to be its own.
pub fn is_listener(listening: SocketAddr, target: SocketAddr) -> bool {
    let (own, called) = (listening.ip().to_canonical(), target.ip().to_canonical());
    let everywhere = own.is_unspecified() && (called.is_loopback() || called.is_unspecified());
    listening.port() == target.port() && (own == called || everywhere)
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

    #[test]
    fn a_listener_is_reached_at_its_own_address_and_port() {
        for (listening, target, expected) in [
            ("127.0.0.1:8088", "127.0.0.1:8088", true),
            ("127.0.0.1:8088", "[::ffff:127.0.0.1]:8088", true),
            ("127.0.0.1:8088", "127.0.0.1:8089", false),
            ("127.0.0.1:8088", "127.0.0.2:8088", false),
            ("0.0.0.0:8088", "127.0.0.2:8088", true),
            ("[::]:8088", "127.0.0.1:8088", true),
            ("[::]:8088", "[::1]:8088", true),
            ("0.0.0.0:8088", "10.0.0.1:8088", false),
        ] {
            let is = is_listener(listening.parse().unwrap(), target.parse().unwrap());
            assert_eq!(is, expected, "{listening} {target}");
        }
    }
}
