//! Which items of the inbox a notification repeats.

use std::collections::HashMap;

use sqlx::Row;
use sqlx::sqlite::SqliteConnection;

use super::accept::to_json;
use super::error::Error;
use super::mirror::Mirror;
use crate::domain::ids::AccountId;
use crate::notification::hint::{DedupeKey, Hint};

/// An item's place in the inbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Place {
    pub(super) inbox_id: i64,
    pub(super) number: u32,
}

/// The items that are already in the inbox, by what makes them the same.
#[derive(Debug, Default)]
pub(super) struct Known(HashMap<DedupeKey, Place>);

impl Known {
    /// Looks up by number, which the index has in growing order, then compares the hash in the row.
    pub(super) async fn among(tx: &mut SqliteConnection, mirror: &Mirror, keys: Vec<DedupeKey>) -> Result<Self, Error> {
        let keys = mirror.numbers.possibly_known(tx, keys).await?;
        if keys.is_empty() {
            return Ok(Self::default());
        }
        let wanted: Vec<_> =
            keys.iter().map(|key| (key.account.0, key.system.as_str(), key.notification_id.0)).collect();
        let rows = sqlx::query(
            "select wanted.key as position, inbox_id, number, fields_hash
             from json_each(?) as wanted
             cross join inbox_items
                 on account_id = wanted.value ->> 0 and system = wanted.value ->> 1 and kaltura_id = wanted.value ->> 2
             where outcome <> 'duplicate'",
        )
        .bind(to_json(&wanted))
        .fetch_all(tx)
        .await?;
        let mut known = HashMap::with_capacity(rows.len());
        for row in rows {
            let key = keys[usize::try_from(row.try_get::<i64, _>("position")?).unwrap_or_default()];
            if row.try_get::<&[u8], _>("fields_hash")? == key.item_sha256 {
                known.insert(key, Place { inbox_id: row.try_get("inbox_id")?, number: row.try_get("number")? });
            }
        }
        Ok(Self(known))
    }

    /// Where the item stands that this one repeats.
    pub(super) fn find_place(&self, account: AccountId, hint: &Hint) -> Option<Place> {
        self.0.get(&hint.dedupe_key(account)?).copied()
    }

    /// From here on these are known too.
    pub(super) fn remember(&mut self, items: impl IntoIterator<Item = (DedupeKey, Place)>) {
        self.0.extend(items);
    }
}
