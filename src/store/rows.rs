//! Rows on their way in and out: a batch goes in as one JSON parameter for `json_each`, or `jsonb_each` where rows have columns: its
//! rows need not be read again for each of them. A hundred rows come out as one JSON array, for SQLite's thread hands rows over
//! value by value; fewer, as columns.
//!
//! One statement for a hundred rows costs little more than one for a single row; a statement a row does not.

use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::error::Error;
use crate::domain::clock::Timestamp;
use crate::domain::fingerprint::Fingerprint;
use crate::domain::ids::EntryId;

/// Our own number of an entry, by which the tables name it.
pub(super) type RowId = i64;

/// A list as the parameter of `json_each`.
pub(super) fn parameter<T: Serialize>(list: &[T]) -> String {
    json(&list)
}

/// A value as the text of a JSON column.
pub(super) fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("our rows have text keys and finite numbers")
}

/// What a JSON column holds.
pub(super) fn from_json<T: DeserializeOwned>(row: &SqliteRow, column: &str) -> Result<T, Error> {
    let text: &str = row.try_get(column)?;
    parsed(text, column)
}

/// What the text of a JSON column says.
pub(super) fn parsed<T: DeserializeOwned>(text: &str, column: &str) -> Result<T, Error> {
    serde_json::from_str(text).map_err(|error| Error::Corrupt { cause: format!("column {column}: {error}") })
}

/// A fingerprint as `hex` tells it: empty where the column is null.
pub(super) fn hex<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Fingerprint>, D::Error> {
    let digits = <&str>::deserialize(deserializer)?;
    let fingerprint = (!digits.is_empty()).then(|| digits.try_into());
    fingerprint.transpose().map_err(D::Error::custom)
}

/// An `entry_id` column.
pub(super) fn entry_id(row: &SqliteRow) -> Result<EntryId, Error> {
    let text: &str = row.try_get("entry_id")?;
    text.parse().map_err(|error| Error::Corrupt { cause: format!("column entry_id: {error}") })
}

/// A column of milliseconds, null when it has not happened.
pub(super) fn time(row: &SqliteRow, column: &str) -> Result<Option<Timestamp>, Error> {
    let millis: Option<i64> = row.try_get(column)?;
    Ok(millis.map(Timestamp::from_millis))
}

/// A column of 32 bytes, or null.
pub(super) fn fingerprint(row: &SqliteRow, column: &str) -> Result<Option<Fingerprint>, Error> {
    let Some(bytes) = row.try_get::<Option<&[u8]>, _>(column)? else { return Ok(None) };
    let fingerprint = Fingerprint::from_bytes(bytes);
    fingerprint.map(Some).ok_or_else(|| Error::Corrupt { cause: format!("column {column}: {} bytes", bytes.len()) })
}
