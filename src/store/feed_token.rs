//! Where a reader of the feed stands, as a text it keeps and gives back: opaque, and checked when it comes.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use super::public_entries::PublicCursor;
use crate::domain::clock::Timestamp;
use crate::domain::ids::{AccountId, InvalidId};

/// A reader's place in the feed. Whoever gives it back gets what follows.
///
/// It says whose feed it is of, and how entries were told when it was made, so that what cannot be gone on with is
/// noticed. It is no secret and proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeedToken {
    /// The data directory that gave it.
    pub(super) directory: i64,
    /// A hash of how entries were told.
    pub(super) shape: i64,
    /// The one account it is about; all of them when absent.
    pub(super) account: Option<AccountId>,
    pub(super) position: Position,
}

/// A change that has been told, with all before it. The first of all places has number 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) seq: i64,
    /// When that change was written: a data directory that was restored or copied gives a number to another change.
    pub(super) at: Timestamp,
}

/// How far a reader has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Position {
    /// In a full pass over all public entries, which began at this place in the sequence.
    Pass { began: Place, after: PublicCursor },
    /// In the sequence itself.
    After(Place),
}

impl FeedToken {
    /// The one account whose changes it goes on with; `None` for those of all.
    pub fn account(&self) -> Option<AccountId> {
        self.account
    }

    /// The place from which changes are still to be told: during a pass, where it began.
    pub(super) fn place(&self) -> Place {
        match self.position {
            Position::Pass { began: place, .. } | Position::After(place) => place,
        }
    }
}

/// The first byte of every token; another form gets another number.
const FORM: u8 = 1;
/// Enough to tell a text that was cut or mistyped.
const CHECK_BYTES: usize = 4;
const NUMBER_BYTES: usize = size_of::<i64>();
/// Directory, shape, account, number and time of the place; and in a pass the account and row of the last entry.
const NUMBERS_AFTER: usize = 5;
const NUMBERS_IN_PASS: usize = 7;

impl fmt::Display for FeedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = self.place();
        let account = self.account.map_or(0, |account| account.0);
        let mut numbers = vec![self.directory, self.shape, account, place.seq, place.at.as_millis()];
        if let Position::Pass { after, .. } = self.position {
            numbers.extend([after.account.0, after.row_id]);
        }
        let mut bytes = vec![FORM];
        numbers.iter().for_each(|number| bytes.extend(number.to_be_bytes()));
        bytes.extend(check(&bytes));
        f.write_str(&URL_SAFE_NO_PAD.encode(bytes))
    }
}

impl FromStr for FeedToken {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        read(text).ok_or_else(|| InvalidId {
            expected: "a token that an earlier answer gave",
            value: text.chars().take(64).collect(),
        })
    }
}

fn read(text: &str) -> Option<FeedToken> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let (said, checked) = bytes.split_last_chunk::<CHECK_BYTES>()?;
    let (&FORM, numbers) = said.split_first()? else { return None };
    if check(said) != *checked {
        return None;
    }
    let (numbers, []) = numbers.as_chunks::<NUMBER_BYTES>() else { return None };
    let numbers: Vec<i64> = numbers.iter().map(|number| i64::from_be_bytes(*number)).collect();
    let &[directory, shape, account, seq, at, ref rest @ ..] = numbers.as_slice() else { return None };
    let place = Place { seq, at: Timestamp::from_millis(at) };
    let position = match (numbers.len(), rest) {
        (NUMBERS_AFTER, []) => Position::After(place),
        (NUMBERS_IN_PASS, &[account, row_id]) => {
            Position::Pass { began: place, after: PublicCursor { account: AccountId(account), row_id } }
        }
        _ => return None,
    };
    Some(FeedToken { directory, shape, account: (account != 0).then_some(AccountId(account)), position })
}

fn check(said: &[u8]) -> [u8; CHECK_BYTES] {
    *Sha256::digest(said).first_chunk().expect("a hash is longer than its beginning")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens() -> [FeedToken; 3] {
        let place = Place { seq: 9_000_000_000, at: Timestamp::from_secs(1_795_000_000) };
        let after = PublicCursor { account: AccountId(2), row_id: 1_000_000 };
        let token = FeedToken { directory: -5, shape: i64::MIN, account: None, position: Position::After(place) };
        let in_pass = Position::Pass { began: place, after };
        [token, FeedToken { account: Some(AccountId(3)), ..token }, FeedToken { position: in_pass, ..token }]
    }

    #[test]
    fn a_token_reads_back_as_it_was_given() {
        for token in tokens() {
            let text = token.to_string();
            assert_eq!(text.parse(), Ok(token));
            assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)), "{text}");
        }
    }

    #[test]
    fn a_token_that_was_cut_or_mistyped_is_none() {
        for token in tokens() {
            let text = token.to_string();
            for end in 0..text.len() {
                assert!(text[..end].parse::<FeedToken>().is_err(), "{}", &text[..end]);
                let other = if text.as_bytes()[end] == b'A' { "B" } else { "A" };
                let mistyped = format!("{}{other}{}", &text[..end], &text[end + 1..]);
                assert!(mistyped.parse::<FeedToken>().is_err(), "{mistyped}");
            }
            for longer in [format!("{text}="), format!("{text}AAAA"), format!(" {text}"), format!("{text}\u{e9}")] {
                assert!(longer.parse::<FeedToken>().is_err(), "{longer}");
            }
        }
    }
}
