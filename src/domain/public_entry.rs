//! What leaves the house about an entry: one shape for the API, the feed, hooks and search hits.
//!
//! An allow-list. A member that is not here is never sent, whatever Kaltura adds to its objects.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::ser::Error as _;
use serde::{Serialize, Serializer};

use super::ids::EntryId;

/// An entry as visitors see it. Serialises in camel case, as DESIGN 7 fixes it; what is unknown is left out.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", remote = "Self")]
pub struct PublicEntry {
    /// Kaltura's id.
    pub id: EntryId,
    /// The account's label; by default the partner id as text.
    pub account: String,
    /// Title.
    pub name: String,
    /// Text below the title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Tags.
    pub tags: Vec<String>,
    /// Full names of the categories it is in, for example `Portal>Members`.
    pub categories: Vec<String>,
    /// 1 video, 2 image, 5 audio, 201-204 live.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media_type: Option<i64>,
    /// Kaltura's `type`: 1 media clip, 5 playlist, 7 live stream, or a plugin's text.
    #[serde(rename = "type")]
    pub kind: String,
    /// Rounded seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration: Option<i64>,
    /// Exact milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ms_duration: Option<i64>,
    /// Pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub width: Option<i64>,
    /// Pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub height: Option<i64>,
    /// Epoch seconds.
    pub created_at: i64,
    /// Epoch seconds.
    pub updated_at: i64,
    /// Epoch seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_date: Option<i64>,
    /// Epoch seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_date: Option<i64>,
    /// Times played.
    pub plays: i64,
    /// Times looked at.
    pub views: i64,
    /// The website's own id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference_id: Option<String>,
    /// Where the mirrored picture is; absent while there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thumbnail: Option<PublicThumbnail>,
    /// Ready renditions.
    pub flavors: Vec<PublicFlavor>,
    /// Subtitles.
    pub captions: Vec<PublicCaption>,
    /// Of a live entry: whether it is on the air, and its recording.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub live: Option<PublicLive>,
    /// The content profile's searchable fields, less the sync field, as `[publish]` widens or narrows them.
    pub metadata: BTreeMap<String, Vec<String>>,
    /// When its content last came in, RFC 3339 UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub synced_at: Option<String>,
    /// The number of its latest change in the feed.
    pub seq: i64,
    /// When set, only these members are sent, and what an answer cannot do without.
    #[serde(skip)]
    pub only: Option<Arc<BTreeSet<String>>>,
}

/// Members that are always sent.
const ALWAYS: [&str; 3] = ["id", "account", "seq"];

impl PublicEntry {
    /// Whether this member is sent, if the entry has it.
    pub fn tells(&self, member: &str) -> bool {
        self.only.as_ref().is_none_or(|only| ALWAYS.contains(&member) || only.contains(member))
    }
}

impl Serialize for PublicEntry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.only.is_none() {
            return Self::serialize(self, serializer);
        }
        let whole = Self::serialize(self, serde_json::value::Serializer).map_err(S::Error::custom)?;
        let members = whole.as_object().into_iter().flatten();
        serializer.collect_map(members.filter(|(name, _)| self.tells(name)))
    }
}

/// The mirrored picture of an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PublicThumbnail {
    /// Path on this server, for example `/thumbnails/1_82h0a7l2?v=100002`.
    pub url: String,
    /// Kaltura's version of it.
    pub version: String,
}

/// A rendition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PublicFlavor {
    /// Kaltura's id of it.
    pub id: String,
    /// Pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub width: Option<i64>,
    /// Pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub height: Option<i64>,
    /// kbit/s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bitrate: Option<i64>,
    /// For example `isom`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container_format: Option<String>,
}

/// A live entry's broadcast.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PublicLive {
    /// It can be played now. A stream that another service sends is always told as off the air.
    pub is_live: bool,
    /// Where it was recorded, once that entry is public.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recorded_entry_id: Option<EntryId>,
}

/// A subtitle track.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PublicCaption {
    /// Kaltura's id of it.
    pub id: String,
    /// For example `English`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// What the player's menu shows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

/// What a custom-metadata field holds, as its schema says: how it can be searched and compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MetadataKind {
    /// Any text.
    Text,
    /// One of some choices.
    List,
    /// Epoch seconds.
    Date,
    /// A whole number.
    Number,
}

impl MetadataKind {
    /// The stable word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::List => "list",
            Self::Date => "date",
            Self::Number => "number",
        }
    }
}

/// What `[publish]` says about fields.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PublishFields {
    /// When set, exactly these metadata fields leave; otherwise the schema's searchable ones.
    pub metadata_fields: Option<BTreeSet<String>>,
    /// When set, only these members of [`PublicEntry`] leave (`id`, `account` and `seq` always do).
    pub fields: Option<Arc<BTreeSet<String>>>,
}

impl PublishFields {
    /// Whether this member of [`PublicEntry`] leaves.
    pub fn tells(&self, member: &str) -> bool {
        self.fields.as_ref().is_none_or(|named| named.contains(member))
    }
}
