//! Whether anything changed: a hash of what is mirrored, without what moves by itself.

use std::fmt::{self, Write as _};

use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::account_facts::MetadataObject;
use super::api_value;
use super::caption::Caption;
use super::entry::{Entry, Flavor};

/// SHA-256 of an entry's content. Two looks with the same fingerprint show the same entry to a visitor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "&str")]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// From stored bytes; `None` unless there are 32.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// Lower-case hexadecimal, 64 digits.
impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DIGITS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
        self.0
            .iter()
            .flat_map(|byte| [byte >> 4, byte & 15])
            .try_for_each(|digit| f.write_char(DIGITS[usize::from(digit)]))
    }
}

/// 64 hexadecimal digits.
impl TryFrom<&str> for Fingerprint {
    type Error = String;

    fn try_from(text: &str) -> Result<Self, String> {
        let digits: Vec<u8> = text.chars().filter_map(|digit| digit.to_digit(16)?.try_into().ok()).collect();
        let bytes: Vec<u8> = digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect();
        let fingerprint = Self::from_bytes(&bytes).filter(|_| text.len() == 64);
        fingerprint.ok_or_else(|| format!("{text:?} is not a fingerprint of 64 hexadecimal digits"))
    }
}

/// Members of an entry that move without an editor: our own write-back, counters, live meters; URLs whose host and
/// scheme depend on who asks (the thumbnail's version is hashed instead); and the visibility facts, which are
/// kept beside the content on every look.
const NOT_CONTENT: [&str; 30] = [
    "updatedAt",
    "plays",
    "views",
    "lastPlayedAt",
    "rank",
    "totalRank",
    "votes",
    "moderationCount",
    "currentBroadcastStartTime",
    "lastBroadcastEndTime",
    "lastElapsedRecordingTime",
    "liveStatus",
    "recordedLengthInMsec",
    "downloadUrl",
    "dataUrl",
    "executeUrl",
    "thumbnailUrl",
    "searchText",
    "status",
    "moderationStatus",
    "displayInSearch",
    "startDate",
    "endDate",
    "accessControlId",
    "categories",
    "categoriesIds",
    "replacedEntryId",
    "replacingEntryId",
    "replacementStatus",
    "relatedObjects",
];

/// The members of an asset that say nothing about what is shown.
const NOT_ASSET: [&str; 2] = ["updatedAt", "deletedAt"];

/// Whether a member of an entry is content: neither a visibility fact nor something that moves by itself.
pub fn is_content(member: &str) -> bool {
    !NOT_CONTENT.contains(&member)
}

/// The fingerprint of what a sync would mirror now.
///
/// `metadata` are the objects to mirror, each with its text already freed of the sync field (`MetadataText`),
/// so that *Sync Needed* turning into *Sync Done* changes nothing here.
///
/// What is said in captions is not in here: the version of each file is.
pub fn of_content(
    entry: &Entry,
    metadata: &[(&MetadataObject, String)],
    flavors: &[Flavor],
    captions: &[Caption],
) -> Fingerprint {
    let mut hash = Sha256::new();
    put_object(&mut hash, entry.object.iter(), &NOT_CONTENT);
    put_text(&mut hash, entry.thumbnail_version.as_deref().unwrap_or_default());

    let mut texts: Vec<_> = metadata.iter().map(|(object, text)| (object.profile_id, text)).collect();
    texts.sort();
    for (profile, text) in texts {
        put_text(&mut hash, &profile.to_string());
        put_text(&mut hash, text);
    }

    let mut flavors: Vec<_> = flavors.iter().collect();
    flavors.sort_by(|one, other| one.id.cmp(&other.id));
    for flavor in flavors {
        put_object(&mut hash, flavor.object.iter(), &NOT_ASSET);
    }

    let mut captions: Vec<_> = captions.iter().collect();
    captions.sort_by(|one, other| one.id.cmp(&other.id));
    for caption in captions {
        put_text(&mut hash, "caption");
        put_object(&mut hash, caption.object.iter(), &NOT_ASSET);
    }
    Fingerprint(hash.finalize().into())
}

/// The fingerprint of any texts, each kept apart from the next.
pub fn of_texts<'a>(texts: impl IntoIterator<Item = &'a str>) -> Fingerprint {
    let mut hash = Sha256::new();
    for text in texts {
        put_text(&mut hash, text);
    }
    Fingerprint(hash.finalize().into())
}

/// Members in the order of their names, scalars as Kaltura's XML would write them, what is empty left out: JSON and
/// XML answers of the same object have the same fingerprint.
fn put_object<'a>(hash: &mut Sha256, members: impl Iterator<Item = (&'a String, &'a Value)>, without: &[&str]) {
    let mut members: Vec<_> =
        members.filter(|(name, value)| !without.contains(&name.as_str()) && !is_empty(value)).collect();
    members.sort_by(|one, other| one.0.cmp(other.0));
    put_text(hash, "{");
    for (name, value) in members {
        put_text(hash, name);
        put_value(hash, value);
    }
    put_text(hash, "}");
}

fn put_value(hash: &mut Sha256, value: &Value) {
    match value {
        Value::Object(members) => put_object(hash, members.iter(), &[]),
        Value::Array(items) => {
            put_text(hash, "[");
            items.iter().for_each(|item| put_value(hash, item));
            put_text(hash, "]");
        }
        Value::String(text) => put_text(hash, text),
        scalar => put_text(hash, &api_value::scalar(scalar).unwrap_or_default()),
    }
}

/// A value that counts as left out.
pub fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    }
}

/// Length first, so that no two different sequences of texts hash alike.
fn put_text(hash: &mut Sha256, text: &str) {
    hash.update((text.len() as u64).to_le_bytes());
    hash.update(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::entry::as_object;
    use serde_json::json;

    fn entry(extra: Value) -> Entry {
        let mut object =
            json!({"id": "0_b7eejrrj", "partnerId": 102, "name": "One", "status": 2, "version": 0, "updatedAt": 1});
        object.as_object_mut().unwrap().extend(as_object(extra).unwrap());
        Entry::from_api(as_object(object).unwrap()).unwrap()
    }

    fn of(extra: Value) -> Fingerprint {
        of_content(&entry(extra), &[], &[], &[])
    }

    #[test]
    fn what_moves_by_itself_leaves_the_fingerprint_alone() {
        let same = of(json!({}));
        for moved in [
            json!({"updatedAt": 2}),
            json!({"plays": 7, "views": 9}),
            json!({"status": 4}),
            json!({"dataUrl": "https://x"}),
            json!({"version": "0"}),
            json!({"description": ""}),
            json!({"operationAttributes": []}),
            json!({"thumbnailUrl": null}),
        ] {
            assert_eq!(of(moved.clone()), same, "{moved}");
        }
    }

    #[test]
    fn captions_count_in_any_order_and_the_time_of_their_row_does_not() {
        let caption = |id: &str, extra: Value| {
            let mut object = json!({"id": id, "entryId": "0_b7eejrrj", "version": "2", "updatedAt": 1});
            object.as_object_mut().unwrap().extend(as_object(extra).unwrap());
            Caption::from_api(as_object(object).unwrap()).unwrap()
        };
        let of = |captions: &[Caption]| of_content(&entry(json!({})), &[], &[], captions);
        let (one, two) = (caption("0_one", json!({})), caption("0_two", json!({})));
        let both = of(&[one.clone(), two.clone()]);
        assert_eq!(of(&[two.clone(), caption("0_one", json!({"updatedAt": 9}))]), both);
        for other in [vec![], vec![one], vec![caption("0_one", json!({"version": "12"})), two]] {
            assert_ne!(of(&other), both);
        }
    }

    #[test]
    fn what_an_editor_changes_changes_the_fingerprint() {
        let before = of(json!({}));
        for edit in [
            json!({"name": "Two"}),
            json!({"description": "x"}),
            json!({"thumbnailUrl": "http://c/thumbnail/entry_id/0_b7eejrrj/version/2"}),
            json!({"somethingNew": {"a": 1}}),
        ] {
            assert_ne!(of(edit.clone()), before, "{edit}");
        }
    }
}
