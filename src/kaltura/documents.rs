//! Metadata objects alone, without the entries they are about: to tell editors that a look has failed.

use super::batch::{ENTRIES_MAX, metadata_filter};
use super::client::Client;
use super::error::Error;
use super::listing::Listing;
use super::transport::Connection;
use crate::domain::account_facts::MetadataObject;
use crate::domain::ids::{EntryId, MetadataProfileId};

const LIST: &str = "metadata_metadata.list";

impl Client {
    /// The objects of one profile that these entries, at most 100, have. One that is missing here is missing, or hidden
    /// from us: nothing is concluded from it.
    ///
    /// # Errors
    /// What came instead; `Setup` for more than 100 entries.
    ///
    /// Source: `metadata_metadata.list`.
    pub async fn documents(&self, ids: &[EntryId], profile: MetadataProfileId) -> Result<Vec<MetadataObject>, Error> {
        if ids.len() > ENTRIES_MAX {
            return Err(Error::Setup(format!("{LIST}: {} entries, at most {ENTRIES_MAX} fit", ids.len())));
        }
        let joined = ids.iter().map(EntryId::as_str).collect::<Vec<_>>().join(",");
        let Some(filter) = metadata_filter(&joined, &[profile]) else { return Ok(Vec::new()) };
        let mut list = Listing::new(LIST, filter);
        for outcome in self.ask(LIST, &[list.page(1)], Connection::Kept).await? {
            list.take(outcome);
        }
        let mut objects = list.finish(|row| MetadataObject::from_api(&row))?;
        let is_wanted = |object: &MetadataObject| {
            object.partner_id == self.partner() && object.profile_id == profile && ids.contains(&object.entry_id)
        };
        objects.retain(is_wanted);
        Ok(objects)
    }
}
