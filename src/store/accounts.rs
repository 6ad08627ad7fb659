//! Whose data this is: the accounts of a data directory, each bound to its server for good.

use std::path::Path;

use sqlx::{Row, SqlitePool};

use super::error::Error;
use super::writer::WriteTx;
use crate::domain::clock::Timestamp;
use crate::domain::ids::{AccountId, PartnerId};

/// An account as the configuration names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountSpec {
    /// Its number at Kaltura.
    pub partner_id: PartnerId,
    /// The server it lives on, as a URL.
    pub service_url: String,
    /// What people and public answers call it.
    pub label: String,
}

/// An account this store keeps a mirror of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Our own number for it.
    pub id: AccountId,
    /// Its number at Kaltura.
    pub partner_id: PartnerId,
    /// The server it lives on, without a slash at the end.
    pub service_url: String,
    /// What people and public answers call it.
    pub label: String,
}

/// Finds or makes the row of each account.
///
/// # Errors
/// `OtherServer` when a known partner is said to live elsewhere: its rows would be taken for another account's.
pub(super) async fn register(
    tx: &mut WriteTx,
    directory: &Path,
    specs: &[AccountSpec],
    now: Timestamp,
) -> Result<Vec<Account>, Error> {
    let mut accounts = Vec::with_capacity(specs.len());
    for spec in specs {
        accounts.push(register_one(tx, directory, spec, now).await?);
    }
    Ok(accounts)
}

async fn register_one(
    tx: &mut WriteTx,
    directory: &Path,
    spec: &AccountSpec,
    now: Timestamp,
) -> Result<Account, Error> {
    let service_url = spec.service_url.trim_end_matches('/').to_owned();
    let row = sqlx::query(
        "insert into accounts (partner_id, service_url, label, created_at)
         values (?, ?, ?, ?)
         on conflict (partner_id) do update set label = excluded.label
         returning account_id, service_url",
    )
    .bind(spec.partner_id.0)
    .bind(&service_url)
    .bind(&spec.label)
    .bind(now.as_millis())
    .fetch_one(&mut **tx)
    .await?;
    let known: String = row.try_get("service_url")?;
    if known != service_url {
        return Err(Error::OtherServer {
            directory: directory.to_owned(),
            partner_id: spec.partner_id,
            known,
            configured: service_url,
        });
    }
    Ok(Account {
        id: AccountId(row.try_get("account_id")?),
        partner_id: spec.partner_id,
        service_url,
        label: spec.label.clone(),
    })
}

/// All accounts the data directory knows, for who only reads it.
pub(super) async fn list(readers: &SqlitePool) -> Result<Vec<Account>, Error> {
    sqlx::query("select account_id, partner_id, service_url, label from accounts order by account_id")
        .fetch_all(readers)
        .await?
        .iter()
        .map(|row| {
            Ok(Account {
                id: AccountId(row.try_get("account_id")?),
                partner_id: PartnerId(row.try_get("partner_id")?),
                service_url: row.try_get("service_url")?,
                label: row.try_get("label")?,
            })
        })
        .collect()
}
