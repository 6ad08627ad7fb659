//! The secrets that may sign notifications, of all accounts.

use crate::domain::ids::{AccountId, PartnerId};
use crate::domain::secret::{AdminSecret, SecretLabel};

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

/// The secrets to verify with, in the order they are tried. None is empty, and no account has more than eight.
#[derive(Debug, Clone)]
pub struct SecretSet(Vec<NotificationSecret>);

/// A set that must not be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSecrets {
    /// Anyone can sign with it.
    #[error("secret {label} is empty, so that anyone could sign with it; set it, or leave it out")]
    Empty {
        /// Which one.
        label: SecretLabel,
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
    /// When one is empty, or an account has more than [`SECRETS_PER_ACCOUNT_MAX`].
    pub fn new(secrets: Vec<NotificationSecret>) -> Result<Self, InvalidSecrets> {
        for secret in &secrets {
            if secret.secret.expose().is_empty() {
                return Err(InvalidSecrets::Empty { label: secret.label.clone() });
            }
            let count = secrets.iter().filter(|other| other.account == secret.account).count();
            if count > SECRETS_PER_ACCOUNT_MAX {
                return Err(InvalidSecrets::TooMany { partner: secret.account.partner, count });
            }
        }
        Ok(Self(secrets))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &NotificationSecret> {
        self.0.iter()
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
        secrets.push(secret(2, "a"));
        assert!(SecretSet::new(secrets.clone()).is_ok());
        secrets.push(secret(1, "b"));
        assert_eq!(SecretSet::new(secrets).unwrap_err(), InvalidSecrets::TooMany { partner: PartnerId(101), count: 9 });
    }
}
