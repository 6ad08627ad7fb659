//! The ids of Kaltura's things, each a type of its own so that two cannot be swapped.
//!
//! Each has exactly one way in, its `FromStr` (or a constructor for numbers), and prints as Kaltura writes it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A text that is not the id it was taken for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{value:?} is not {expected}")]
pub struct InvalidId {
    /// What was expected, with an example.
    pub expected: &'static str,
    /// What came, cut to 64 characters.
    pub value: String,
}

impl InvalidId {
    fn new(expected: &'static str, value: &str) -> Self {
        Self { expected, value: value.chars().take(64).collect() }
    }
}

/// An entry's id, for example `1_82h0a7l2`: the number of a data centre, `_`, and lower-case letters and digits.
///
/// Source: Kaltura server, `myEntryUtils`; at most 20 characters after the `_` (the server writes 8).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EntryId(String);

impl EntryId {
    /// The id as Kaltura writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for EntryId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let well_formed = text.split_once('_').is_some_and(|(data_centre, rest)| {
            (1..=3).contains(&data_centre.len())
                && data_centre.bytes().all(|byte| byte.is_ascii_digit())
                && (1..=20).contains(&rest.len())
                && rest.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase())
        });
        if well_formed {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidId::new("an entry id such as 1_82h0a7l2", text))
        }
    }
}

impl TryFrom<String> for EntryId {
    type Error = InvalidId;

    fn try_from(text: String) -> Result<Self, InvalidId> {
        text.parse()
    }
}

impl From<EntryId> for String {
    fn from(id: EntryId) -> Self {
        id.0
    }
}

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Ids that are whole numbers at Kaltura or in our own tables.
macro_rules! number_ids {
    ($($(#[$doc:meta])* $name:ident, $expected:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl FromStr for $name {
            type Err = InvalidId;

            /// Decimal digits only: no sign, no space, at most 2^63 - 1.
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
                match text.parse() {
                    Ok(number) if digits => Ok(Self(number)),
                    _ => Err(InvalidId::new($expected, text)),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

number_ids! {
    /// A Kaltura account's number.
    PartnerId, "a partner id such as 102";
    /// Our own number of an account: the row in `accounts` (partner id and service URL).
    AccountId, "an account number";
    /// A notification's number: the id of the batch job that sends it, the same in every retry.
    NotificationId, "a notification id such as 1001";
    /// A metadata profile's number.
    MetadataProfileId, "a metadata profile id such as 93091";
    /// A metadata object's number.
    MetadataId, "a metadata id such as 11";
    /// A category's number.
    CategoryId, "a category id such as 10";
    /// An access-control profile's number.
    AccessControlId, "an access control profile id such as 5";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_id_is_a_data_centre_an_underscore_and_lower_case_letters_or_digits() {
        for good in ["1_82h0a7l2", "0_e1", "0_ooau4f7g"] {
            assert_eq!(good.parse::<EntryId>().unwrap().to_string(), good);
        }
        for bad in [
            "",
            "_",
            "1_",
            "_82h0a7l2",
            "1_82H0A7L2",
            "1_82h0a7l2 ",
            " 1_82h0a7l2",
            "1_82h0a7l2ks_data",
            "x_82h0a7l2",
            "1-82h0a7l2",
            "1_é",
        ] {
            assert!(bad.parse::<EntryId>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_number_id_is_digits_and_nothing_else() {
        assert_eq!("102".parse(), Ok(PartnerId(102)));
        for bad in ["", "+1", "-1", " 1", "1 ", "1e1", "99999999999999999999"] {
            assert!(bad.parse::<PartnerId>().is_err(), "{bad:?}");
        }
    }
}
