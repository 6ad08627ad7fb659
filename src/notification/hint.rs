//! What a verified message tells: something may have happened to an entry. What is true now, only the API says.

use std::fmt;

use sha2::{Digest, Sha256};

use super::System;
use super::event::{Event, Touched};
use super::kind::{Ask, Kind};
use super::message::{Item, Message};
use super::signature::Verified;
use crate::domain::ids::{AccountId, EntryId, NotificationId};

/// One notification of a verified message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// Which item of the message, from 1.
    pub number: u32,
    /// Which push system it came by.
    pub system: System,
    /// Kaltura's number of it, the same in every retry. Events without an object have none, and are never the same as
    /// another.
    pub notification_id: Option<NotificationId>,
    /// What it says has happened.
    pub kind: Kind,
    /// The entry it is about: always there when it asks for a look at one.
    pub entry_id: Option<EntryId>,
    /// What it asks of us: at least one thing.
    pub asks: Vec<Ask>,
    /// SHA-256 of the item's own fields, the same whether it comes alone or in a multi, in whatever order; of an event,
    /// of its whole body.
    pub item_sha256: [u8; 32],
}

/// What makes two notifications the same: a known key changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DedupeKey {
    /// Whose notification.
    pub account: AccountId,
    /// Which push system it came by; each has its own numbers.
    pub system: System,
    /// Kaltura's number of it.
    pub notification_id: NotificationId,
    /// SHA-256 of the item's own fields: a known number with other fields is a hint like any other.
    pub item_sha256: [u8; 32],
}

impl Verified<Message> {
    /// One hint an item, in the order of their numbers; at least one.
    pub fn hints(&self) -> Vec<Hint> {
        let message = self.get();
        message.items().iter().map(|item| Hint::of(message, item)).collect()
    }
}

impl Verified<Event<'_>> {
    /// One hint for each thing the event touches; at least one, and never more than one of an event with a number.
    pub fn hints(&self) -> Vec<Hint> {
        let event = self.get();
        let item_sha256 = Sha256::digest(event.body()).into();
        let hint = |(number, touched): (u32, &Touched)| Hint {
            number,
            system: System::Event,
            notification_id: event.notification_id(),
            kind: Kind::Event(event.kind().clone()),
            entry_id: touched.entry_id.clone(),
            asks: touched.asks.clone(),
            item_sha256,
        };
        (1..).zip(event.touched()).map(hint).collect()
    }
}

impl Hint {
    fn of(message: &Message, item: &Item) -> Self {
        Self {
            number: item.number,
            system: message.system(),
            notification_id: Some(item.notification_id),
            kind: item.kind.clone(),
            entry_id: item.entry_id.clone(),
            asks: vec![item.kind.asks_for()],
            item_sha256: hash(message.fields(item)),
        }
    }

    /// Under which a message of this account's is remembered; nothing for one without a number.
    pub fn dedupe_key(&self, account: AccountId) -> Option<DedupeKey> {
        let Self { system, notification_id, item_sha256, .. } = *self;
        Some(DedupeKey { account, system, notification_id: notification_id?, item_sha256 })
    }
}

/// Each text with its length before it, so that no two lists of fields hash the same bytes.
fn hash<'m>(fields: impl Iterator<Item = (&'m str, &'m str)>) -> [u8; 32] {
    // In one piece: sixty small ones take nearly twice as long.
    let mut bytes = Vec::with_capacity(2048);
    for text in fields.flat_map(|(name, value)| [name, value]) {
        bytes.extend_from_slice(&(text.len() as u64).to_be_bytes());
        bytes.extend_from_slice(text.as_bytes());
    }
    Sha256::digest(&bytes).into()
}

/// For example `1/api/1001/9f86d081…`: account, system, number and hash in hexadecimal digits.
impl fmt::Display for DedupeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}/", self.account, self.system, self.notification_id)?;
        self.item_sha256.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_split_at_another_place_hash_to_something_else() {
        let hashes = [
            hash([("ab", "c"), ("d", "")].into_iter()),
            hash([("a", "bc"), ("d", "")].into_iter()),
            hash([("ab", "c"), ("", "d")].into_iter()),
            hash([("abcd", "")].into_iter()),
        ];
        assert!((0..hashes.len()).all(|a| (0..a).all(|b| hashes[a] != hashes[b])));
    }
}
