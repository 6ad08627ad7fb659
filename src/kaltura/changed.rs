//! Which entries were changed lately, whatever became of them.

use serde_json::{Value, json};

use super::client::Client;
use super::error::Error;
use super::listing::PAGE_SIZE;
use super::multirequest::SubRequest;
use super::transport::Connection;
use crate::domain::api_value::{self, ApiObject};
use crate::domain::entry::as_object;
use crate::domain::ids::EntryId;

const CALL: &str = "multirequest:changed";
const LIST: &str = "baseEntry.list";

/// Every state an entry may be in but those of plugins, which nobody can list without knowing them. `list` answers READY
/// alone unless it is told.
const EVERY_STATUS: &str = "-2,-1,0,1,2,3,4,5,6,7";
/// Every moderation state; `list` leaves out pending and rejected entries unless it is told.
const EVERY_MODERATION: &str = "1,2,3,4,5,6";
/// The recycle bin, which `list` leaves out unless it is asked for.
const RECYCLED: i64 = -2;

/// Kaltura answers no match beyond the 10,000th.
const WINDOW_PAGES: usize = 10_000 / PAGE_SIZE;
/// 100,000 rows of a kind; beyond it the rest is left to the next time.
const PAGES_MAX: usize = 200;

/// An entry that was changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// Which.
    pub id: EntryId,
    /// Kaltura's `updatedAt`, epoch seconds.
    pub updated_at: i64,
}

impl Client {
    /// Entries whose `updatedAt` is at or after `since` (epoch seconds), deleted and recycled ones among them. The index
    /// they come from is some seconds behind.
    ///
    /// # Errors
    /// What kept a page from coming.
    ///
    /// Source: `baseEntry.list`.
    pub async fn changed_since(&self, since: i64) -> Result<Vec<Changed>, Error> {
        let mut changed = self.list_changed(since, None).await?;
        changed.extend(self.list_changed(since, Some(RECYCLED)).await?);
        changed.sort_unstable_by(|one, other| one.id.cmp(&other.id).then(other.updated_at.cmp(&one.updated_at)));
        changed.dedup_by(|one, other| one.id == other.id);
        Ok(changed)
    }

    /// Page after page, oldest change first, until one is empty: a short one need not be the last.
    async fn list_changed(&self, mut since: i64, display_in_search: Option<i64>) -> Result<Vec<Changed>, Error> {
        let (mut all, mut page): (Vec<Changed>, usize) = (Vec::new(), 1);
        for _ in 0..PAGES_MAX {
            let request = request(since, display_in_search, page);
            let answer = self.ask(CALL, &[request], Connection::Kept).await?.pop();
            let answer = answer.ok_or_else(|| unreadable("an answer is missing".to_owned()))?;
            let rows = answer.and_then(super::answer::Answer::page)?.objects;
            if rows.is_empty() {
                break;
            }
            for row in rows {
                all.push(read(row)?);
            }
            page += 1;
            if page > WINDOW_PAGES {
                let newest = all.last().map_or(since, |changed| changed.updated_at);
                if newest == since {
                    break; // more than a window in one second: the look at them is left to the next change
                }
                (since, page) = (newest, 1);
            }
        }
        Ok(all)
    }
}

fn request(since: i64, display_in_search: Option<i64>, page: usize) -> SubRequest {
    let mut filter = json!({
        "objectType": "KalturaBaseEntryFilter",
        "statusIn": EVERY_STATUS,
        "moderationStatusIn": EVERY_MODERATION,
        "updatedAtGreaterThanOrEqual": since,
        "orderBy": "+updatedAt",
    });
    if let Some(display_in_search) = display_in_search {
        filter["displayInSearchEqual"] = json!(display_in_search);
    }
    let profile = json!({"objectType": "KalturaDetachedResponseProfile", "type": 1, "fields": "id,updatedAt"});
    let pager = json!({"objectType": "KalturaFilterPager", "pageSize": PAGE_SIZE, "pageIndex": page});
    SubRequest::new(LIST, json!({"filter": filter, "pager": pager, "responseProfile": profile}))
}

fn read(row: Value) -> Result<Changed, Error> {
    let row: ApiObject = as_object(row).ok_or_else(|| unreadable("a row that is no object".to_owned()))?;
    let id = row.get("id").and_then(api_value::scalar).unwrap_or_default();
    let id = id.parse().map_err(|error| unreadable(format!("id {id:?}: {error}")))?;
    let updated_at = api_value::integer(&row, "updatedAt");
    Ok(Changed { updated_at: updated_at.ok_or_else(|| unreadable(format!("entry {id} without updatedAt")))?, id })
}

fn unreadable(why: String) -> Error {
    Error::Unreadable { call: LIST, why }
}
