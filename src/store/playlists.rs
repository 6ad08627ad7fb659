//! What playlists hold: read from their entries' own objects.

use sqlx::Row;

use super::Store;
use super::error::Error;
use crate::domain::ids::{AccountId, EntryId};
use crate::domain::playlist::Playlist;

impl Store {
    /// What this playlist holds, whatever visitors may see of it; `None` for an entry that is none, or whose content is not kept.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn playlist(&self, account: AccountId, entry: &EntryId) -> Result<Option<Playlist>, Error> {
        let row = sqlx::query(
            "select cast(o.object ->> 'playlistType' as integer) as kind, o.object ->> 'playlistContent' as content
             from entry_sync as s
             cross join entries as e on e.row_id = s.row_id and e.kind = '5'
             cross join entry_objects as o on o.row_id = e.row_id
             where s.account_id = ? and s.entry_id = ?",
        )
        .bind(account.0)
        .bind(entry.as_str())
        .fetch_optional(self.readers())
        .await?;
        let Some(row) = row else { return Ok(None) };
        let content: Option<String> = row.try_get("content")?;
        Ok(Some(Playlist::from_api(row.try_get("kind")?, &content.unwrap_or_default())))
    }
}
