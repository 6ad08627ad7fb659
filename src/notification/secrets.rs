//! The secrets that may sign notifications, of all accounts.

use std::collections::HashMap;

use crate::domain::ids::{AccountId, PartnerId};
use crate::domain::secret::{AdminSecret, HashAlgorithm, SecretLabel};

/// Secrets an account may have: its admin secret and what `notification_secrets` adds.
pub const SECRETS_PER_ACCOUNT_MAX: usize = 8;

/// One of our accounts: our number of it and Kaltura's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AccountRef {
    /// Our row.
    pub account: AccountId,
    /// Kaltura's number, as it stands in messages.
    pub partner: PartnerId,
}

/// A secret, whose it is and what it is called.
#[derive(Debug, Clone)]
pub struct NotificationSecret {
    /// The account whose messages it signs.
    pub account: AccountRef,
    /// Its name, for example `102/admin_secret`.
    pub label: SecretLabel,
    /// The text both sides know.
    pub secret: AdminSecret,
}

/// The secrets to verify with, in the order they are tried. None is empty, no two accounts share one, and no account
/// has more than eight.
#[derive(Debug, Clone)]
pub struct SecretSet {
    secrets: Vec<NotificationSecret>,
    /// What events must be signed with at least; SHA-1 for accounts that are not here.
    minimums: HashMap<AccountId, HashAlgorithm>,
}

/// A set that must not be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSecrets {
    /// Anyone can sign with it.
    #[error("secret {label} is empty, so that anyone could sign with it; set it, or leave it out")]
    Empty {
        /// Which one.
        label: SecretLabel,
    },
    /// It cannot tell whose a notification is.
    #[error("{first} and {second} are the same secret; remove one, or write the right one")]
    Shared {
        /// One of them.
        first: SecretLabel,
        /// The other, of another account.
        second: SecretLabel,
    },
    /// Each one costs every forged request a hash.
    #[error("partner {partner} has {count} secrets that may sign; at most {SECRETS_PER_ACCOUNT_MAX} are tried")]
    TooMany {
        /// Whose.
        partner: PartnerId,
        /// How many.
        count: usize,
    },
}

impl SecretSet {
    /// Takes the secrets in the order they are to be tried.
    ///
    /// # Errors
    /// When one is empty, two accounts share one, or an account has more than [`SECRETS_PER_ACCOUNT_MAX`].
    pub fn new(secrets: Vec<NotificationSecret>) -> Result<Self, InvalidSecrets> {
        for (index, secret) in secrets.iter().enumerate() {
            if secret.secret.expose().is_empty() {
                return Err(InvalidSecrets::Empty { label: secret.label.clone() });
            }
            let is_same = |other: &&NotificationSecret| {
                other.account != secret.account && other.secret.expose() == secret.secret.expose()
            };
            if let Some(first) = secrets[..index].iter().find(is_same) {
                return Err(InvalidSecrets::Shared { first: first.label.clone(), second: secret.label.clone() });
            }
            let count = secrets.iter().filter(|other| other.account == secret.account).count();
            if count > SECRETS_PER_ACCOUNT_MAX {
                return Err(InvalidSecrets::TooMany { partner: secret.account.partner, count });
            }
        }
        Ok(Self { secrets, minimums: HashMap::new() })
    }

    /// Takes events of this account only when they are signed with this algorithm or a better one.
    pub fn with_minimum(mut self, account: AccountId, minimum: HashAlgorithm) -> Self {
        self.minimums.insert(account, minimum);
        self
    }

    /// What the secrets are called, and whose they are, in the order they are tried.
    pub fn labels(&self) -> impl Iterator<Item = (AccountId, &SecretLabel)> {
        self.secrets.iter().map(|secret| (secret.account.account, &secret.label))
    }

    /// The accounts that have other secrets here than there.
    pub fn changed_since(&self, earlier: &Self) -> Vec<AccountId> {
        let of = |set: &Self, account| {
            let own = set.secrets.iter().filter(|secret| secret.account.account == account);
            let mut texts: Vec<_> = own.map(|secret| secret.secret.expose().to_owned()).collect();
            texts.sort_unstable();
            texts
        };
        let mut accounts: Vec<_> = self.labels().chain(earlier.labels()).map(|(account, _)| account).collect();
        accounts.sort_unstable();
        accounts.dedup();
        accounts.retain(|account| of(self, *account) != of(earlier, *account));
        accounts
    }

    /// This partner's secrets, then all others.
    pub(super) fn those_of_first(&self, partner: Option<PartnerId>) -> impl Iterator<Item = &NotificationSecret> {
        let is_own = move |secret: &&NotificationSecret| Some(secret.account.partner) == partner;
        self.secrets.iter().filter(is_own).chain(self.secrets.iter().filter(move |secret| !is_own(secret)))
    }

    /// Whether one of our accounts is this partner.
    pub(super) fn knows(&self, partner: PartnerId) -> bool {
        self.secrets.iter().any(|secret| secret.account.partner == partner)
    }

    pub(super) fn minimum_algorithm(&self, account: AccountId) -> HashAlgorithm {
        self.minimums.get(&account).copied().unwrap_or(HashAlgorithm::Sha1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(account: i64, text: &str) -> NotificationSecret {
        NotificationSecret {
            account: AccountRef { account: AccountId(account), partner: PartnerId(100 + account) },
            label: SecretLabel(format!("{account}/admin_secret")),
            secret: AdminSecret::new(text),
        }
    }

    #[test]
    fn an_empty_secret_is_refused_by_its_name() {
        let error = SecretSet::new(vec![secret(1, "a"), secret(2, "")]).unwrap_err();
        assert_eq!(error, InvalidSecrets::Empty { label: SecretLabel("2/admin_secret".into()) });
    }

    #[test]
    fn an_account_has_at_most_eight() {
        let mut secrets = vec![secret(1, "a"); 8];
        secrets.push(secret(2, "b"));
        assert!(SecretSet::new(secrets.clone()).is_ok());
        secrets.push(secret(1, "c"));
        assert_eq!(SecretSet::new(secrets).unwrap_err(), InvalidSecrets::TooMany { partner: PartnerId(101), count: 9 });
    }

    #[test]
    fn two_accounts_do_not_share_one() {
        let error = SecretSet::new(vec![secret(1, "a"), secret(2, "b"), secret(3, "a")]).unwrap_err();
        let label = |text: &str| SecretLabel(text.into());
        let expected = InvalidSecrets::Shared { first: label("1/admin_secret"), second: label("3/admin_secret") };
        assert_eq!(error, expected);
        assert!(error.to_string().starts_with("1/admin_secret and 3/admin_secret are the same secret"), "{error}");
    }

    #[test]
    fn an_account_has_changed_when_its_secrets_are_others_and_not_when_they_only_moved() {
        let set = |secrets: &[(i64, &str)]| {
            SecretSet::new(secrets.iter().map(|(account, text)| secret(*account, text)).collect()).unwrap()
        };
        let before = set(&[(1, "a"), (1, "b"), (2, "c")]);
        assert_eq!(set(&[(2, "c"), (1, "b"), (1, "a")]).changed_since(&before), []);
        assert_eq!(set(&[(1, "a"), (1, "x"), (2, "c")]).changed_since(&before), [AccountId(1)]);
        assert_eq!(set(&[(1, "a"), (1, "b"), (3, "d")]).changed_since(&before), [AccountId(2), AccountId(3)]);
    }
}
