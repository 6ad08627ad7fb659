//! What lists of entries do not tell and a filter may ask for: their categories and their custom metadata.

use serde_json::json;

use super::batch::{ENTRIES_MAX, SessionProof, metadata_filter, proof_of};
use super::client::Client;
use super::error::Error;
use super::listing::Listing;
use super::multirequest::SubRequest;
use super::transport::Connection;
use crate::domain::account_facts::{CategoryMembership, MetadataObject};
use crate::domain::ids::{EntryId, MetadataProfileId};

const CALL: &str = "multirequest:beside";

/// What entries have beside themselves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Beside {
    /// Their metadata objects of the profiles asked for.
    pub metadata: Vec<MetadataObject>,
    /// Their places in categories.
    pub categories: Vec<CategoryMembership>,
}

impl Client {
    /// The categories and the metadata of these entries, at most 100: whole, or an error.
    ///
    /// # Errors
    /// What kept any of it from coming; `Setup` for more than 100 entries.
    ///
    /// Source: `session.get`, `metadata_metadata.list`, `categoryEntry.list`.
    pub async fn beside(&self, ids: &[EntryId], profiles: &[MetadataProfileId]) -> Result<Beside, Error> {
        if ids.len() > ENTRIES_MAX {
            return Err(Error::Setup(format!("{CALL}: {} entries, at most {ENTRIES_MAX} fit", ids.len())));
        }
        let joined = ids.iter().map(EntryId::as_str).collect::<Vec<_>>().join(",");
        let categories = json!({"objectType": "KalturaCategoryEntryFilter", "entryIdIn": joined});
        let mut lists = vec![Listing::new("categoryEntry.list", categories)];
        lists.extend(metadata_filter(&joined, profiles).map(|filter| Listing::new("metadata_metadata.list", filter)));
        let mut pages: Vec<(usize, usize)> = (0..lists.len()).map(|list| (list, 1)).collect();
        while !pages.is_empty() {
            let mut requests = vec![SubRequest::new("session.get", json!({}))];
            requests.extend(pages.iter().map(|(list, page)| lists[*list].page(*page)));
            let mut outcomes = self.ask(CALL, &requests, Connection::Kept).await?.into_iter();
            let session = outcomes.next().ok_or_else(|| unreadable("it is empty".to_owned()))??.object()?;
            if let SessionProof::NotProven(why) = proof_of(&session, self.partner()) {
                return Err(unreadable(why));
            }
            let is_first = pages.iter().all(|(_, page)| *page == 1);
            for ((list, _), outcome) in pages.into_iter().zip(outcomes) {
                lists[list].take(outcome);
            }
            let missing = |(list, listing): (usize, &Listing)| listing.missing_pages().map(move |page| (list, page));
            pages = if is_first { lists.iter().enumerate().flat_map(missing).collect() } else { Vec::new() };
        }
        let metadata = if lists.len() > 1 { lists.pop() } else { None };
        let categories = lists.remove(0).finish(|row| CategoryMembership::from_api(&row))?;
        let metadata = metadata.map_or(Ok(Vec::new()), |list| list.finish(|row| MetadataObject::from_api(&row)))?;
        match metadata.iter().find(|object| object.partner_id != self.partner()) {
            Some(object) => Err(unreadable(format!("metadata {} is one of partner {}", object.id, object.partner_id))),
            None => Ok(Beside { metadata, categories }),
        }
    }
}

fn unreadable(why: String) -> Error {
    Error::Unreadable { call: CALL, why }
}
