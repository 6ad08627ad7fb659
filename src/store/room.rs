//! Whether there is room to write at all.

use super::Store;
use super::database::PAGE_BYTES;
use super::error::Error;
use super::settings;
use crate::domain::ids::AccountId;

const PROBE: &str = "room_probe";
/// A page more than there was: what a hint without its body needs at most.
const PROBE_BYTES: usize = PAGE_BYTES as usize;

impl Store {
    /// Writes a little, commits it, and takes it away again.
    ///
    /// # Errors
    /// `Full`, `Busy`, `ReadOnly`, `Closed`: a notification would not be kept either.
    pub async fn try_room(&self) -> Result<(), Error> {
        let mut tx = self.write().await?;
        settings::put(&mut tx, AccountId(0), PROBE, vec![0_u8; PROBE_BYTES]).await?;
        settings::remove(&mut tx, AccountId(0), PROBE).await?;
        tx.commit().await
    }
}
