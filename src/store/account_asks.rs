//! What events ask of an account as a whole: a sweep, the policy, a category's entries. One row each, whatever the number
//! of events; who does it is in `sync`.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::json;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::accept::to_json;
use super::error::Error;
use super::writer::WriteTx;
use super::{Store, decoded};
use crate::domain::clock::Timestamp;
use crate::domain::ids::{AccountId, CategoryId};
use crate::notification::hint::Hint;
use crate::notification::kind::Ask;

/// What must be done about an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Asked {
    /// Read categories and access control again.
    Policy,
    /// Something has changed, and nobody says where: find what was changed lately.
    Sweep,
    /// Look at every mirrored entry of this category.
    Category(CategoryId),
}

/// Something that must be done about an account. Stays until [`Store::answer_ask`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountAsk {
    /// Whose.
    pub account: AccountId,
    /// What.
    pub asked: Asked,
    /// The first event that nobody has answered.
    pub asked_at: Timestamp,
    ticket: i64,
}

/// Whether a hint asks anything of its account as a whole.
pub(super) fn asks_of_account(hint: &Hint) -> bool {
    hint.asks.iter().any(|ask| Asked::of(*ask).is_some())
}

impl Asked {
    /// What an event's ask means for the account; `None` for what concerns one entry, or nothing.
    fn of(ask: Ask) -> Option<Self> {
        match ask {
            Ask::RefreshPolicy => Some(Self::Policy),
            Ask::Sweep => Some(Self::Sweep),
            Ask::LookAtCategory(category) => Some(Self::Category(category)),
            Ask::LookAtEntry | Ask::Nothing => None,
        }
    }

    const fn column(self) -> &'static str {
        match self {
            Self::Policy => "policy",
            Self::Sweep => "sweep",
            Self::Category(_) => "category",
        }
    }

    fn object(self) -> String {
        match self {
            Self::Category(category) => category.to_string(),
            Self::Policy | Self::Sweep => String::new(),
        }
    }

    fn from_columns(ask: &str, object: &str) -> Result<Self, Error> {
        match ask {
            "policy" => Ok(Self::Policy),
            "sweep" => Ok(Self::Sweep),
            "category" => Ok(Self::Category(decoded(object)?)),
            other => Err(Error::Corrupt { cause: format!("account_asks.ask {other:?}") }),
        }
    }

    /// `sweep`, `policy`, `category:10`.
    fn word(self) -> String {
        match self {
            Self::Category(category) => format!("category:{category}"),
            Self::Policy | Self::Sweep => self.column().to_owned(),
        }
    }

    fn from_word(word: &str) -> Result<Self, Error> {
        let (ask, object) = word.split_once(':').unwrap_or((word, ""));
        Self::from_columns(ask, object)
    }
}

impl Store {
    /// What must be done about an account, the longest unanswered first.
    ///
    /// # Errors
    /// `Busy`, `Corrupt`.
    pub async fn account_asks(&self, account: AccountId) -> Result<Vec<AccountAsk>, Error> {
        let rows = sqlx::query(
            "select account_id, ask, object, asked_at, ticket
             from account_asks
             where account_id = ?
             order by asked_at, ask, object",
        )
        .bind(account.0)
        .fetch_all(self.readers())
        .await?;
        rows.iter().map(account_ask).collect()
    }

    /// It is done: forgotten, unless it was asked again since it was read. Says which.
    ///
    /// # Errors
    /// `Full`, `Busy`: it stays.
    pub async fn answer_ask(&self, ask: &AccountAsk) -> Result<bool, Error> {
        let mut tx = self.write().await?;
        let answered =
            sqlx::query("delete from account_asks where account_id = ? and ask = ? and object = ? and ticket = ?")
                .bind(ask.account.0)
                .bind(ask.asked.column())
                .bind(ask.asked.object())
                .bind(ask.ticket)
                .execute(&mut *tx)
                .await?
                .rows_affected();
        tx.commit().await?;
        Ok(answered > 0)
    }

    /// Told whenever something was asked of an account. One waiter is woken a time; a wake nobody waited for is kept.
    pub fn ask_signal(&self, account: AccountId) -> Arc<tokio::sync::Notify> {
        self.0.mirror.ask_signal.of(account)
    }
}

fn account_ask(row: &SqliteRow) -> Result<AccountAsk, Error> {
    Ok(AccountAsk {
        account: AccountId(row.try_get("account_id")?),
        asked: Asked::from_columns(row.try_get("ask")?, row.try_get("object")?)?,
        asked_at: Timestamp::from_millis(row.try_get("asked_at")?),
        ticket: row.try_get("ticket")?,
    })
}

/// What the items of one transaction ask, folded: one row for each thing, however often it is asked for.
#[derive(Debug, Default)]
pub(super) struct Asks {
    asked: HashMap<(AccountId, Asked), Timestamp>,
    /// What each item asks, in words.
    words: Vec<(i64, u32, String)>,
}

impl Asks {
    /// Takes what an item asks of the account. Says whether that is anything.
    pub(super) fn add(&mut self, account: AccountId, asks: &[Ask], place: (i64, u32), at: Timestamp) -> bool {
        let asked: Vec<Asked> = asks.iter().filter_map(|ask| Asked::of(*ask)).collect();
        if asked.is_empty() {
            return false;
        }
        let words: Vec<String> = asked.iter().map(|asked| asked.word()).collect();
        self.words.push((place.0, place.1, words.join(" ")));
        asked.into_iter().for_each(|asked| self.fold(account, asked, at));
        true
    }

    /// Takes what a stored item asks, in the words it was stored with.
    pub(super) fn again(&mut self, account: AccountId, words: &str, at: Timestamp) -> Result<(), Error> {
        for word in words.split(' ') {
            self.fold(account, Asked::from_word(word)?, at);
        }
        Ok(())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.asked.is_empty()
    }

    fn fold(&mut self, account: AccountId, asked: Asked, at: Timestamp) {
        let first = self.asked.entry((account, asked)).or_insert(at);
        *first = at.min(*first);
    }

    /// Gives each row a new ticket, or makes it; and tells each item's row what it asked. All share one ticket.
    pub(super) async fn write(&self, tx: &mut WriteTx) -> Result<(), Error> {
        if self.is_empty() {
            return Ok(());
        }
        let rows: Vec<_> = self
            .asked
            .iter()
            .map(|((account, asked), at)| json!([account.0, asked.column(), asked.object(), at.as_millis()]))
            .collect();
        let ticket = tx.take_ticket().await?;
        sqlx::query(
            "insert into account_asks (account_id, ask, object, asked_at, ticket)
             select value ->> 0, value ->> 1, value ->> 2, value ->> 3, ?2
             from json_each(?1)
             where true
             on conflict (account_id, ask, object) do update set ticket = excluded.ticket",
        )
        .bind(to_json(&rows))
        .bind(ticket)
        .execute(&mut **tx)
        .await?;
        if !self.words.is_empty() {
            sqlx::query(
                "update inbox_items
                 set asks = item.value ->> 2
                 from json_each(?) as item
                 where inbox_id = item.value ->> 0 and number = item.value ->> 1",
            )
            .bind(to_json(&self.words))
            .execute(&mut **tx)
            .await?;
        }
        Ok(())
    }
}
