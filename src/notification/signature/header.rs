//! The signature of an event notification: `X-KALTURA-SIGNATURE` over the exact bytes of its body.
//!
//! The hash of the secret and the body, one after the other; which hash, `X-KALTURA-HASH-ALGO` says. Not an HMAC: what
//! that leaves open, the reader of the body closes.

use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};
use subtle::ConstantTimeEq;

use super::{Signable, Signed, Signer, Verified, lower_hex_digit};
use crate::domain::secret::{AdminSecret, HashAlgorithm};
use crate::notification::event::Event;
use crate::notification::rejected::{Rejected, shortened};
use crate::notification::secrets::{NotificationSecret, SecretSet};

/// What the headers claim: an algorithm, and as many bytes as it makes.
#[derive(Debug, Clone)]
pub struct HeaderSignature {
    algorithm: HashAlgorithm,
    digest: Vec<u8>,
}

impl Signable for Event<'_> {
    type Signature = HeaderSignature;
}

impl HeaderSignature {
    /// Reads both headers as the sender writes them: lower case, and no other number of digits than the algorithm makes.
    /// Without the second one it is SHA-1.
    pub(in crate::notification) fn read(signature: &str, algorithm: Option<&str>) -> Result<Self, Rejected> {
        let named = |name: &str| HashAlgorithm::ALL.into_iter().find(|algorithm| algorithm.as_str() == name);
        let unknown = |name| Rejected::UnknownHashAlgorithm { name: shortened(name) };
        let algorithm = algorithm.map_or(Ok(HashAlgorithm::Sha1), |name| named(name).ok_or_else(|| unknown(name)))?;
        let digest = digest(signature).filter(|digest| digest.len() == algorithm.digest_bytes());
        let digest = digest.ok_or(Rejected::HeaderSignatureNotHex { algorithm })?;
        Ok(Self { algorithm, digest })
    }

    /// Takes the same time whatever the difference.
    fn is_made_with(&self, secret: &AdminSecret, body: &[u8]) -> bool {
        let secret = secret.expose();
        let made = match self.algorithm {
            HashAlgorithm::Sha1 => Sha1::new_with_prefix(secret).chain_update(body).finalize().to_vec(),
            HashAlgorithm::Sha256 => Sha256::new_with_prefix(secret).chain_update(body).finalize().to_vec(),
            HashAlgorithm::Sha512 => Sha512::new_with_prefix(secret).chain_update(body).finalize().to_vec(),
        };
        self.digest.ct_eq(&made).into()
    }
}

fn digest(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    let byte = |pair: &[u8]| Some(lower_hex_digit(pair[0]).ok()? << 4 | lower_hex_digit(pair[1]).ok()?);
    if digits.len().is_multiple_of(2) { digits.chunks_exact(2).map(byte).collect() } else { None }
}

impl<'b> Signed<Event<'b>> {
    /// Tries the secrets of the partner whose object it is about, then all others; says which one signed.
    ///
    /// # Errors
    /// `BadSignature` when none did; `WeakHash` when one did whose account wants a stronger algorithm; `WrongPartner`
    /// when one did whose account is not the object's.
    pub fn verify(self, secrets: &SecretSet) -> Result<(Verified<Event<'b>>, Signer), Rejected> {
        let body = self.payload.body();
        let signed_by = |secret: &&NotificationSecret| self.claimed.is_made_with(&secret.secret, body);
        match secrets.those_of_first(self.payload.partner()).find(signed_by) {
            Some(secret) => self.accept(secret, secrets),
            None => Err(Rejected::BadSignature {
                partner: self.payload.partner(),
                configured: self.payload.partner().is_none_or(|partner| secrets.knows(partner)),
            }),
        }
    }

    fn accept(
        self,
        secret: &NotificationSecret,
        secrets: &SecretSet,
    ) -> Result<(Verified<Event<'b>>, Signer), Rejected> {
        let (label, expected) = (secret.label.clone(), secret.account.partner);
        let minimum = secrets.minimum_algorithm(secret.account.account);
        if self.claimed.algorithm < minimum {
            return Err(Rejected::WeakHash { label, partner: expected, algorithm: self.claimed.algorithm, minimum });
        }
        match self.payload.partner().filter(|partner| *partner != expected) {
            Some(found) => Err(Rejected::WrongPartner { label, expected, found }),
            None => Ok((Verified(self.payload), Signer { account: secret.account, label })),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_has_the_digits_of_its_algorithm_in_lower_case() {
        let digits = |count: usize| "0a".repeat(count / 2);
        let read = |signature: &str, algorithm: Option<&str>| {
            HeaderSignature::read(signature, algorithm).map(|read| read.algorithm)
        };
        assert_eq!(read(&digits(40), None), Ok(HashAlgorithm::Sha1));
        assert_eq!(read(&digits(64), Some("sha256")), Ok(HashAlgorithm::Sha256));
        assert_eq!(read(&digits(128), Some("sha512")), Ok(HashAlgorithm::Sha512));
        let not_hex = |algorithm| Err(Rejected::HeaderSignatureNotHex { algorithm });
        for bad in ["", "0", &digits(40)[1..], &digits(42), &digits(40).to_uppercase(), &format!("{} ", digits(38))] {
            assert_eq!(read(bad, None), not_hex(HashAlgorithm::Sha1), "{bad:?}");
        }
        assert_eq!(read(&digits(40), Some("sha256")), not_hex(HashAlgorithm::Sha256));
        for name in ["", "md5", "SHA256", "crc32b", "sha256 "] {
            assert_eq!(read(&digits(64), Some(name)), Err(Rejected::UnknownHashAlgorithm { name: name.into() }));
        }
    }
}
