//! Signing a delivery the Standard Webhooks way: HMAC-SHA256 over id, time and body.
//!
//! Source: Standard Webhooks 1.0.0, `spec/standard-webhooks.md` in github.com/standard-webhooks/standard-webhooks.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::domain::clock::Timestamp;
use crate::domain::hook::DeliveryId;
use crate::domain::signing_key::SigningKey;

/// The secrets a hook's deliveries are signed with: one, or two while the receiver changes over.
#[derive(Debug, Clone)]
pub struct SigningKeys {
    current: SigningKey,
    previous: Option<SigningKey>,
}

impl SigningKeys {
    /// `previous` signs too, so that a receiver who still has only that one finds a signature it can check.
    pub fn new(current: SigningKey, previous: Option<SigningKey>) -> Self {
        Self { current, previous }
    }

    /// The value of `webhook-signature`: `v1,` and base64 for each secret, a space between.
    ///
    /// `at` is the moment of this attempt, in whole seconds as `webhook-timestamp` says it.
    pub fn sign(&self, id: &DeliveryId, at: Timestamp, body: &[u8]) -> String {
        let signatures: Vec<String> = self.all().map(|key| signature(key, id, at, body)).collect();
        signatures.join(" ")
    }

    /// Every secret, the current one first.
    pub fn all(&self) -> impl Iterator<Item = &SigningKey> {
        std::iter::once(&self.current).chain(&self.previous)
    }
}

fn signature(key: &SigningKey, id: &DeliveryId, at: Timestamp, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.expose()).expect("HMAC takes a key of any length");
    mac.update(format!("{id}.{}.", at.as_secs()).as_bytes());
    mac.update(body);
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the reference libraries of the specification test themselves with: Go (`webhook_symmetric_test.go`, the same in
    /// Python, JavaScript and others) and Rust (`libraries/rust/src/lib.rs`).
    const KNOWN: [(&str, &str, i64, &str, &str); 2] = [
        (
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            r#"{"test": 2432232314}"#,
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        ),
        (
            "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
            "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
            1_649_367_553,
            r#"{"email":"test@example.com","username":"test_user"}"#,
            "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
        ),
    ];

    #[test]
    fn deliveries_are_signed_as_the_specification_s_own_libraries_sign_them() {
        for (secret, id, at, body, expected) in KNOWN {
            let keys = SigningKeys::new(secret.parse().unwrap(), None);
            let signed = keys.sign(&DeliveryId(id.to_owned()), Timestamp::from_secs(at), body.as_bytes());
            assert_eq!(signed, expected, "{id}");
        }
    }

    #[test]
    fn while_a_secret_is_exchanged_both_sign_the_current_one_first() {
        let (secret, id, at, body, expected) = KNOWN[0];
        let other: SigningKey = KNOWN[1].0.parse().unwrap();
        let sign = |keys: SigningKeys| keys.sign(&DeliveryId(id.to_owned()), Timestamp::from_secs(at), body.as_bytes());
        let alone = sign(SigningKeys::new(other.clone(), None));
        let both = sign(SigningKeys::new(other, Some(secret.parse().unwrap())));
        assert_eq!(both, format!("{alone} {expected}"));
    }
}
