//! What a hook's deliveries are signed with, as Standard Webhooks writes it down: `whsec_` and base64.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretSlice};

/// A symmetric signing secret of 24 to 64 bytes. Prints as nothing.
///
/// Source: Standard Webhooks 1.0.0, "Signature scheme": at least 24 bytes (192 bits), at most 64 (512 bits).
#[derive(Clone)]
pub struct SigningKey(SecretSlice<u8>);

/// Why a text is no signing secret. Says nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSigningKey {
    /// Something else, perhaps another program's secret.
    #[error("must begin with whsec_, as Standard Webhooks has it")]
    Prefix,
    /// A slip of copying.
    #[error("must be base64 after whsec_, with its padding")]
    Base64,
    /// Too short to be safe, or longer than receivers take.
    #[error("must hold 24 to 64 bytes in base64 after whsec_, and holds {0}; `openssl rand -base64 32` makes 32")]
    Length(usize),
}

const PREFIX: &str = "whsec_";

impl SigningKey {
    /// The bytes that sign.
    pub fn expose(&self) -> &[u8] {
        self.0.expose_secret()
    }

    /// The text it is written as, without `whsec_`: for finding it where it must not stand.
    pub fn expose_base64(&self) -> String {
        STANDARD.encode(self.expose())
    }
}

impl FromStr for SigningKey {
    type Err = InvalidSigningKey;

    fn from_str(text: &str) -> Result<Self, InvalidSigningKey> {
        let encoded = text.strip_prefix(PREFIX).ok_or(InvalidSigningKey::Prefix)?;
        let bytes = STANDARD.decode(encoded).map_err(|_| InvalidSigningKey::Base64)?;
        if (24..=64).contains(&bytes.len()) {
            Ok(Self(SecretSlice::from(bytes)))
        } else {
            Err(InvalidSigningKey::Length(bytes.len()))
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_length(bytes: usize) -> Result<SigningKey, InvalidSigningKey> {
        format!("whsec_{}", STANDARD.encode(vec![7; bytes])).parse()
    }

    #[test]
    fn a_signing_secret_is_24_to_64_bytes_in_base64_after_its_prefix() {
        assert!(of_length(24).is_ok() && of_length(64).is_ok());
        assert_eq!(of_length(23).unwrap_err(), InvalidSigningKey::Length(23));
        assert_eq!(of_length(65).unwrap_err(), InvalidSigningKey::Length(65));
        for (text, why) in [
            ("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", InvalidSigningKey::Prefix),
            ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS", InvalidSigningKey::Base64),
            ("whsec_not base64", InvalidSigningKey::Base64),
            ("whsec_", InvalidSigningKey::Length(0)),
        ] {
            assert_eq!(text.parse::<SigningKey>().unwrap_err(), why, "{text}");
        }
    }

    #[test]
    fn a_signing_secret_never_prints_what_it_holds() {
        assert_eq!(format!("{:?}", of_length(24).unwrap()), "SigningKey(…)");
    }
}
