//! Secrets and sessions: texts that may be used, never printed; and what secrets are hashed with.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

/// A secret shared with Kaltura: it signs notifications and makes sessions.
///
/// A text of any characters (Kaltura's are 32 hexadecimal digits), used as its bytes and never decoded.
#[derive(Clone)]
pub struct AdminSecret(SecretString);

impl AdminSecret {
    /// Takes over the text; it is wiped when dropped.
    pub fn new(text: impl Into<String>) -> Self {
        Self(SecretString::from(text.into()))
    }

    /// The bytes, for hashing and for `session.start`. Nothing that is printed or stored may come from here.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for AdminSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AdminSecret(…)")
    }
}

/// A Kaltura session: whoever holds it is the account until it expires.
#[derive(Clone)]
pub struct Ks(SecretString);

impl Ks {
    /// Takes over the text of a session, ours or the server's.
    pub fn new(text: impl Into<String>) -> Self {
        Self(SecretString::from(text.into()))
    }

    /// The text, for the one place that sends it.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for Ks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ks(…)")
    }
}

/// The name an operator gave a secret, as it stands in the inbox: `account/label`, for example `102/admin_secret`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SecretLabel(pub String);

impl fmt::Display for SecretLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What an event notification is signed with, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HashAlgorithm {
    /// Kaltura's default.
    Sha1,
    /// Better.
    Sha256,
    /// Better.
    Sha512,
}

impl HashAlgorithm {
    /// All of them, weakest first.
    pub const ALL: [Self; 3] = [Self::Sha1, Self::Sha256, Self::Sha512];

    /// The word in `X-KALTURA-HASH-ALGO` and in the configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }

    /// Bytes of a digest; on the wire twice as many hexadecimal digits.
    pub const fn digest_bytes(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }
}

impl fmt::Display for HashAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_and_a_session_never_print_what_they_hold() {
        let printed = format!("{:?} {:?}", AdminSecret::new("0123456789abcdef"), Ks::new("djJ8MTAy"));
        assert_eq!(printed, "AdminSecret(…) Ks(…)");
    }
}
