//! The dirty set: which entries must be looked at, and who holds them meanwhile.

use super::error::Error;
use super::writer::WriteTx;
use crate::domain::clock::Timestamp;

/// Takes back every lease at once: their holders ended with the process that gave them.
pub(super) async fn void_leases(tx: &mut WriteTx, now: Timestamp) -> Result<(), Error> {
    sqlx::query(
        "update dirty_entries
         set state = 'waiting', token = null, lease_ends_at = null, due_at = ?
         where state = 'leased'",
    )
    .bind(now.as_millis())
    .execute(&mut **tx)
    .await?;
    Ok(())
}
