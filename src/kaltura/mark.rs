//! Writing custom metadata: the mark that tells editors an entry has been synced.
//!
//! A write goes out with the version it was decided on; whoever changed the object meanwhile makes it a conflict. What became
//! of a write that got no answer is not known, and it is never simply sent again.

use serde_json::json;

use super::answer::Answer;
use super::client::Client;
use super::error::Error;
use super::multirequest::SubRequest;
use crate::domain::account_facts::MetadataObject;
use crate::domain::api_value;
use crate::domain::ids::{EntryId, MetadataId, MetadataProfileId};

/// Writes in one multirequest: each takes the server's lock on its object.
pub const MARKS_MAX: usize = 20;

const UPDATE: &str = "metadata_metadata.update";
const ADD: &str = "metadata_metadata.add";

/// A new document for a metadata object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// The entry it is about.
    pub entry: EntryId,
    /// The object.
    pub metadata: MetadataId,
    /// The whole document: an update replaces all of it.
    pub xml: String,
    /// The version the document was made from.
    pub version: i64,
}

/// A first document of a profile for an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMetadata {
    /// The entry.
    pub entry: EntryId,
    /// The profile.
    pub profile: MetadataProfileId,
    /// The whole document.
    pub xml: String,
}

/// A document as it stands after a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marked {
    /// The object.
    pub metadata: MetadataId,
    /// Its version now; the same as before when the document was the same, byte for byte.
    pub version: i64,
    /// When it was last changed, epoch seconds.
    pub updated_at: i64,
    /// The document as stored; a profile may transform what it is sent.
    pub xml: String,
}

/// What became of each write.
pub type MarkOutcomes = Vec<(EntryId, Result<Marked, Error>)>;

impl Client {
    /// Replaces metadata documents, each only if its version is still the one given; 20 to a multirequest.
    ///
    /// Outcomes come in the order of the marks. `Conflict`: read and decide again. `OutcomeUnknown`: read again before
    /// anything is sent again.
    ///
    /// Source: `metadata_metadata.update`.
    pub async fn mark(&self, marks: &[Mark]) -> MarkOutcomes {
        let writes = marks.iter().map(|mark| (mark.entry.clone(), update(mark))).collect();
        self.write_metadata("multirequest:mark", writes).await
    }

    /// Adds metadata documents to entries that have none of the profile; 20 to a multirequest.
    ///
    /// Outcomes as [`Client::mark`]. `Exists` with the object's id when there is one already.
    ///
    /// Source: `metadata_metadata.add`.
    pub async fn add_metadata(&self, documents: &[NewMetadata]) -> MarkOutcomes {
        let writes = documents.iter().map(|new| (new.entry.clone(), Ok(add(new)))).collect();
        self.write_metadata("multirequest:add", writes).await
    }

    async fn write_metadata(
        &self,
        call: &'static str,
        writes: Vec<(EntryId, Result<SubRequest, Error>)>,
    ) -> MarkOutcomes {
        let mut outcomes: MarkOutcomes = Vec::with_capacity(writes.len());
        let mut waiting: Vec<(usize, SubRequest)> = Vec::new();
        let mut groups: Vec<Vec<(usize, SubRequest)>> = Vec::new();
        for (index, (entry, write)) in writes.into_iter().enumerate() {
            let placeholder = Error::OutcomeUnknown { call, why: "never sent".to_owned() };
            match write {
                Ok(request) if quotes_a_result(&request) => groups.push(vec![(index, request)]),
                Ok(request) => waiting.push((index, request)),
                Err(error) => {
                    outcomes.push((entry, Err(error)));
                    continue;
                }
            }
            outcomes.push((entry, Err(placeholder)));
        }
        groups.extend(waiting.chunks(MARKS_MAX).map(<[_]>::to_vec));
        for group in groups {
            let (places, requests): (Vec<_>, Vec<_>) = group.into_iter().unzip();
            for (place, outcome) in places.into_iter().zip(self.tell(call, &requests).await) {
                let entry = &outcomes[place].0;
                outcomes[place].1 = outcome.and_then(|answer| marked(answer, entry).map_err(Error::after_write));
            }
        }
        outcomes
    }
}

/// # Errors
/// `Setup` for a version the server takes as leave not to check any.
fn update(mark: &Mark) -> Result<SubRequest, Error> {
    if mark.version <= 0 {
        let Mark { metadata, version, .. } = mark;
        return Err(Error::Setup(format!("metadata {metadata}: version {version} would overwrite whatever is there")));
    }
    let params = json!({"id": mark.metadata.0, "xmlData": mark.xml, "version": mark.version});
    Ok(SubRequest::new(UPDATE, params))
}

fn add(new: &NewMetadata) -> SubRequest {
    let (profile, entry) = (new.profile.0, new.entry.as_str());
    SubRequest::new(
        ADD,
        json!({"metadataProfileId": profile, "objectType": "1", "objectId": entry, "xmlData": new.xml}),
    )
}

/// Whether a multirequest would put an earlier answer into the document: it does so wherever `{1:result` stands.
fn quotes_a_result(request: &SubRequest) -> bool {
    let xml = request.params.get("xmlData").and_then(|xml| xml.as_str()).unwrap_or_default();
    xml.match_indices(":result").any(|(at, _)| {
        let before = xml[..at].trim_end_matches(|c: char| c.is_ascii_digit());
        before.len() < at && before.ends_with('{')
    })
}

fn marked(answer: Answer, entry: &EntryId) -> Result<Marked, Error> {
    let object = answer.object()?;
    let unreadable = |why: String| Error::Unreadable { call: UPDATE, why };
    let updated_at = api_value::integer(&object, "updatedAt").unwrap_or(0);
    let stored = MetadataObject::from_api(&object).map_err(unreadable)?;
    if stored.entry_id != *entry {
        return Err(unreadable(format!("metadata of entry {} where that of {entry} was due", stored.entry_id)));
    }
    Ok(Marked { metadata: stored.id, version: stored.version, updated_at, xml: stored.xml })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_that_a_multirequest_would_rewrite_is_recognised() {
        let with = |xml: &str| {
            let (entry, profile) = ("0_b7eejrrj".parse().unwrap(), MetadataProfileId(18));
            quotes_a_result(&add(&NewMetadata { entry, profile, xml: xml.to_owned() }))
        };
        for quoting in
            ["<a>{1:result}</a>", "<a>{12:result:id} and more</a>", "{1:result", "<a>:result {3:result:x}</a>"]
        {
            assert!(with(quoting), "{quoting}");
        }
        for plain in ["<a>result</a>", "<a>{:result}</a>", "<a>1:result</a>", "<a>{a1:result}</a>", ""] {
            assert!(!with(plain), "{plain}");
        }
    }
}
