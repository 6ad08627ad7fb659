//! Whose entries are searched.

use std::collections::BTreeMap;

use crate::domain::ids::AccountId;
use crate::store::PublicShapes;

/// The accounts that are told, and the one that is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Scope {
    /// Labels by our number.
    pub(super) accounts: BTreeMap<AccountId, String>,
    /// Only this one; all without.
    pub(super) only: Option<AccountId>,
}

impl Scope {
    /// Of all accounts that are told, and the one that was named.
    pub(super) fn new(shapes: &PublicShapes, only: Option<AccountId>) -> Self {
        Self { accounts: shapes.iter().map(|(account, shape)| (*account, shape.label.clone())).collect(), only }
    }

    /// The index's number of the account of this label.
    pub(super) fn number_of(&self, label: &str) -> Option<u64> {
        let found = self.accounts.iter().find(|(_, known)| *known == label);
        found.and_then(|(account, _)| u64::try_from(account.0).ok())
    }

    /// The label of the account of this number.
    pub(super) fn label_of(&self, number: u64) -> Option<&str> {
        self.accounts.get(&AccountId(i64::try_from(number).ok()?)).map(String::as_str)
    }
}
