//! Who signed a message: the only maker of [`Verified`]. API notifications here, events in [`header`].

pub mod header;

use std::borrow::Cow;
use std::str::FromStr;

use md5::{Digest, Md5};
use subtle::ConstantTimeEq;

use super::ksort;
use super::message::Message;
use super::parameters::Parameters;
use super::rejected::Rejected;
use super::secrets::{AccountRef, NotificationSecret, SecretSet};
use super::shape::SIG;
use crate::domain::secret::{AdminSecret, SecretLabel};

/// What one of Kaltura's two systems signs, each in its own way.
pub trait Signable {
    /// The signature it claims.
    type Signature;
}

impl Signable for Message {
    type Signature = Signature;
}

/// Something of the right shape and the signature it claims. Nothing in it may be believed.
#[derive(Debug)]
pub struct Signed<T: Signable> {
    payload: T,
    claimed: T::Signature,
}

/// Proof that `T` was signed with a secret we share with Kaltura. Only [`Signed::verify`] makes one.
#[derive(Debug)]
pub struct Verified<T>(T);

/// Whose secret signed a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signer {
    /// The account the message is for: its partner is the one every item names.
    pub account: AccountRef,
    /// The secret's name, as the inbox keeps it.
    pub label: SecretLabel,
}

impl<T: Signable> Signed<T> {
    pub(super) fn new(payload: T, claimed: T::Signature) -> Self {
        Self { payload, claimed }
    }
}

impl<T> Verified<T> {
    pub(super) fn get(&self) -> &T {
        &self.0
    }
}

impl Signed<Message> {
    /// Tries the secrets of the partner the message names, then all others; says which one signed.
    ///
    /// # Errors
    /// `BadSignature` when none did; `WrongPartner` when one did whose account has another partner than any item names.
    pub fn verify(self, secrets: &SecretSet) -> Result<(Verified<Message>, Signer), Rejected> {
        let text = SignedText::of(&self.payload);
        let signed_by = |secret: &&NotificationSecret| self.claimed.is(&text.sign(&secret.secret));
        let partner = self.payload.items().first().map(|item| item.partner);
        match secrets.those_of_first(partner).find(signed_by) {
            Some(secret) => self.accept(secret),
            None => Err(self.bad_signature(secrets)),
        }
    }

    fn accept(self, secret: &NotificationSecret) -> Result<(Verified<Message>, Signer), Rejected> {
        let expected = secret.account.partner;
        if let Some(item) = self.payload.items().iter().find(|item| item.partner != expected) {
            return Err(Rejected::WrongPartner { label: secret.label.clone(), expected, found: item.partner });
        }
        Ok((Verified(self.payload), Signer { account: secret.account, label: secret.label.clone() }))
    }

    fn bad_signature(&self, secrets: &SecretSet) -> Rejected {
        let partners = || self.payload.items().iter().map(|item| item.partner);
        Rejected::BadSignature {
            partner: partners().next(),
            configured: partners().all(|partner| secrets.knows(partner)),
        }
    }
}

/// What Kaltura hashes behind the secret: each name and its value, sorted by PHP's `ksort`, without separators.
struct SignedText<'m> {
    parameters: &'m Parameters,
    /// Positions of arrival; that of `sig` may be among them, and is not signed.
    order: Cow<'m, [usize]>,
}

impl<'m> SignedText<'m> {
    fn of(message: &'m Message) -> Self {
        let parameters = message.parameters();
        if ksort::is_byte_order(parameters.iter().map(|(name, _)| name)) {
            return Self { parameters, order: Cow::Borrowed(parameters.by_name()) };
        }
        let arrived: Vec<usize> = (0..parameters.len()).filter(|&at| parameters.name(at) != SIG).collect();
        let names: Vec<&str> = arrived.iter().map(|&at| parameters.name(at)).collect();
        let order = ksort::order(&names).into_iter().map(|place| arrived[place]).collect();
        Self { parameters, order }
    }

    fn sign(&self, secret: &AdminSecret) -> Signature {
        let mut hash = Md5::new_with_prefix(secret.expose());
        let signed = self.order.iter().filter(|&&at| self.parameters.name(at) != SIG);
        signed.for_each(|&at| hash.update(self.parameters.pair(at)));
        Signature(hash.finalize().into())
    }
}

/// An MD5, on the wire 32 lower-case hexadecimal digits and nothing else.
#[derive(Debug, Clone, Copy)]
pub struct Signature([u8; 16]);

impl Signature {
    /// Takes the same time whatever the difference.
    fn is(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

/// Not the digits the sender writes.
#[derive(Debug)]
pub struct NotASignature;

impl FromStr for Signature {
    type Err = NotASignature;

    fn from_str(text: &str) -> Result<Self, NotASignature> {
        let digits: &[u8; 32] = text.as_bytes().try_into().map_err(|_| NotASignature)?;
        let mut bytes = [0; 16];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = lower_hex_digit(pair[0])? << 4 | lower_hex_digit(pair[1])?;
        }
        Ok(Self(bytes))
    }
}

fn lower_hex_digit(byte: u8) -> Result<u8, NotASignature> {
    match byte {
        b'0'..=b'9' => Ok(byte - b'0'),
        b'a'..=b'f' => Ok(byte - b'a' + 10),
        _ => Err(NotASignature),
    }
}
