//! Counters, marks and facts that are no rows of their own.

use sqlx::{Decode, Encode, Sqlite, SqliteConnection, Type};

use super::error::Error;
use super::writer::WriteTx;
use crate::domain::ids::AccountId;

/// The account's setting of this name, if it has one.
pub(super) async fn find<T>(
    connection: &mut SqliteConnection,
    account: AccountId,
    name: &'static str,
) -> Result<Option<T>, Error>
where
    T: for<'r> Decode<'r, Sqlite> + Type<Sqlite> + Send + Unpin,
{
    let value = sqlx::query_scalar("select value from settings where account_id = ? and name = ?")
        .bind(account.0)
        .bind(name)
        .fetch_optional(connection)
        .await?;
    Ok(value)
}

/// Sets it.
pub(super) async fn put<'v, T>(tx: &mut WriteTx, account: AccountId, name: &'static str, value: T) -> Result<(), Error>
where
    T: Encode<'v, Sqlite> + Type<Sqlite> + Send + 'v,
{
    sqlx::query(
        "insert into settings (account_id, name, value)
         values (?, ?, ?)
         on conflict (account_id, name) do update set value = excluded.value",
    )
    .bind(account.0)
    .bind(name)
    .bind(value)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Removes it.
pub(super) async fn remove(tx: &mut WriteTx, account: AccountId, name: &'static str) -> Result<(), Error> {
    sqlx::query("delete from settings where account_id = ? and name = ?")
        .bind(account.0)
        .bind(name)
        .execute(&mut **tx)
        .await?;
    Ok(())
}
