//! Further factors beside the signature: a secret segment of the path, HTTP Basic, a header, the sender's network.
//!
//! They hold for every request, before its body is looked at: whatever is judged again later has had them. Secrets are
//! compared in constant time, and none of this is ever kept.

use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ipnet::IpNet;
use subtle::ConstantTimeEq;

use crate::domain::secret::AdminSecret;

const AUTHORIZATION: &str = "authorization";

/// What every request must bring. Asks for nothing by default; what is given is asked for all at once.
#[derive(Debug, Clone, Default)]
pub struct Factors {
    /// The last segment of the path, behind the address.
    pub segment: Option<AdminSecret>,
    /// User and password of HTTP Basic.
    pub basic: Option<(String, AdminSecret)>,
    /// A header's name, in lower case, and its value.
    pub header: Option<(String, AdminSecret)>,
    /// The sender's networks; any when there are none.
    pub peers: Vec<IpNet>,
}

/// What a request brings beside its body.
#[derive(Debug, Clone, Copy)]
pub(super) struct Arrival<'r> {
    pub(super) peer: IpAddr,
    pub(super) segment: Option<&'r str>,
    pub(super) headers: &'r [(String, String)],
}

/// A factor that a request does not bring.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MissingFactor {
    /// Sent from elsewhere.
    #[error("the sender's address is in none of notification_peers; behind a proxy, name it in server.trusted_proxies")]
    Peer,
    /// Sent to another path.
    #[error(
        "the path is not /notifications, with notification_path_secret behind it where one is configured; give Kaltura the \
         whole URL"
    )]
    Path,
    /// Without user and password, or with others.
    #[error("the request has not the user and password of notification_basic")]
    Basic,
    /// Without the header, or with another value.
    #[error("the request has not the header of notification_header")]
    Header,
}

impl MissingFactor {
    /// The slug the inbox stores after `rejected:`.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Peer => "factor:peer",
            Self::Path => "factor:path",
            Self::Basic => "factor:basic",
            Self::Header => "factor:header",
        }
    }
}

impl Factors {
    /// Headers that factors are looked for in.
    pub(super) fn headers(&self) -> Vec<String> {
        let basic = self.basic.iter().map(|_| AUTHORIZATION.to_owned());
        basic.chain(self.header.iter().map(|(name, _)| name.clone())).collect()
    }

    /// The first factor that is missing, if any.
    pub(super) fn missing(&self, arrival: &Arrival<'_>) -> Option<MissingFactor> {
        let has = [
            (MissingFactor::Peer, self.has_peer(arrival.peer)),
            (MissingFactor::Path, self.has_segment(arrival.segment)),
            (MissingFactor::Basic, self.has_basic(arrival)),
            (MissingFactor::Header, self.has_header(arrival)),
        ];
        has.into_iter().find(|(_, has)| !has).map(|(factor, _)| factor)
    }

    fn has_peer(&self, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        self.peers.is_empty() || self.peers.iter().any(|net| net.contains(&peer))
    }

    /// Without a secret, nothing may stand behind the address either.
    fn has_segment(&self, segment: Option<&str>) -> bool {
        match &self.segment {
            Some(secret) => segment.is_some_and(|segment| is_same(segment.as_bytes(), secret.expose().as_bytes())),
            None => segment.is_none(),
        }
    }

    fn has_basic(&self, arrival: &Arrival<'_>) -> bool {
        let Some((user, password)) = &self.basic else { return true };
        let given = arrival.header(AUTHORIZATION).and_then(credentials);
        given.is_some_and(|given| is_same(&given, format!("{user}:{}", password.expose()).as_bytes()))
    }

    fn has_header(&self, arrival: &Arrival<'_>) -> bool {
        let Some((name, value)) = &self.header else { return true };
        arrival.header(name).is_some_and(|given| is_same(given.as_bytes(), value.expose().as_bytes()))
    }
}

impl<'r> Arrival<'r> {
    fn header(&self, wanted: &str) -> Option<&'r str> {
        self.headers.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str())
    }
}

/// `user:password` from the value of an `Authorization` header.
fn credentials(authorization: &str) -> Option<Vec<u8>> {
    let (scheme, encoded) = authorization.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("basic") { STANDARD.decode(encoded.trim()).ok() } else { None }
}

/// Takes the same time wherever they differ; only their lengths can be told.
fn is_same(given: &[u8], expected: &[u8]) -> bool {
    given.ct_eq(expected).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Factors {
        Factors {
            segment: Some(AdminSecret::new("s3gment")),
            basic: Some(("kaltura".to_owned(), AdminSecret::new("pass:word"))),
            header: Some(("x-token".to_owned(), AdminSecret::new("t0ken"))),
            peers: vec!["10.0.0.0/8".parse().unwrap(), "2001:db8::/32".parse().unwrap()],
        }
    }

    fn missing(
        factors: &Factors,
        peer: &str,
        segment: Option<&str>,
        headers: &[(&str, &str)],
    ) -> Option<MissingFactor> {
        let headers: Vec<_> = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        factors.missing(&Arrival { peer: peer.parse().unwrap(), segment, headers: &headers })
    }

    #[test]
    fn each_factor_is_asked_for_and_all_of_them_together() {
        let basic = ("authorization", "Basic a2FsdHVyYTpwYXNzOndvcmQ=");
        let token = ("x-token", "t0ken");
        let judged = |peer, segment, headers: &[_]| missing(&all(), peer, segment, headers);
        for peer in ["10.1.2.3", "::ffff:10.1.2.3", "2001:db8::1"] {
            assert_eq!(judged(peer, Some("s3gment"), &[basic, token]), None, "{peer}");
        }
        assert_eq!(judged("11.0.0.1", Some("s3gment"), &[basic, token]), Some(MissingFactor::Peer));
        for segment in [None, Some(""), Some("s3gmen"), Some("s3gment0"), Some("S3gment")] {
            assert_eq!(judged("10.0.0.1", segment, &[basic, token]), Some(MissingFactor::Path), "{segment:?}");
        }
        for wrong in ["", "Basic", "Basic ", "Basic !!!", "Bearer a2FsdHVyYTpwYXNzOndvcmQ=", "Basic a2FsdHVyYTpwYXNz"] {
            let headers = [("authorization", wrong), token];
            assert_eq!(judged("10.0.0.1", Some("s3gment"), &headers), Some(MissingFactor::Basic), "{wrong}");
        }
        for headers in [&[basic][..], &[basic, ("x-token", "")], &[basic, ("x-token", "t0ken ")]] {
            assert_eq!(judged("10.0.0.1", Some("s3gment"), headers), Some(MissingFactor::Header));
        }
    }

    #[test]
    fn without_factors_everything_may_pass_but_a_path_of_its_own() {
        assert_eq!(missing(&Factors::default(), "203.0.113.1", None, &[]), None);
        assert_eq!(missing(&Factors::default(), "203.0.113.1", Some("x"), &[]), Some(MissingFactor::Path));
    }

    #[test]
    fn factors_never_print_what_they_hold() {
        let printed = format!("{:?}", all());
        for secret in ["s3gment", "pass:word", "t0ken"] {
            assert!(!printed.contains(secret), "{printed}");
        }
    }
}
