//! An entry as the API tells of it: the fields we act on, and the whole object.

use serde_json::Value;

use super::api_value::{self, ApiObject};
use super::ids::{AccessControlId, EntryId, PartnerId};

/// An entry's `status`. Plugins add texts of their own (`virusScan.Infected`), which are kept and are not READY.
///
/// Source: PROTOCOL E.1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryStatus {
    /// 2: has playable content. The only state that is synced and shown.
    Ready,
    /// 3: deleted; `get` never answers such an entry, `list` does when asked for.
    Deleted,
    /// 5 or 6: held back by moderation, the old way.
    Blocked(i64),
    /// Any other number: importing, converting, waiting, failed, without content.
    NotReady(i64),
    /// A plugin's own state.
    Unknown(String),
}

impl EntryStatus {
    /// From the API's value, a number or a plugin's text.
    pub fn from_api(text: &str) -> Self {
        match text.parse() {
            Ok(2) => Self::Ready,
            Ok(3) => Self::Deleted,
            Ok(blocked @ (5 | 6)) => Self::Blocked(blocked),
            Ok(number) => Self::NotReady(number),
            Err(_) => Self::Unknown(text.to_owned()),
        }
    }

    /// The API's value.
    pub fn to_api(&self) -> String {
        match self {
            Self::Ready => "2".to_owned(),
            Self::Deleted => "3".to_owned(),
            Self::Blocked(number) | Self::NotReady(number) => number.to_string(),
            Self::Unknown(text) => text.clone(),
        }
    }

    /// The name people know the state by, for messages.
    pub fn name(&self) -> String {
        let name = match self {
            Self::Ready => "READY",
            Self::Deleted => "DELETED",
            Self::Blocked(5) => "MODERATE",
            Self::Blocked(_) => "BLOCKED",
            Self::NotReady(-2) => "ERROR_IMPORTING",
            Self::NotReady(-1) => "ERROR_CONVERTING",
            Self::NotReady(0) => "IMPORT",
            Self::NotReady(1) => "PRECONVERT",
            Self::NotReady(4) => "PENDING",
            Self::NotReady(7) => "NO_CONTENT",
            Self::NotReady(_) | Self::Unknown(_) => return self.to_api(),
        };
        name.to_owned()
    }
}

/// Stands for a moderation status that is no number.
pub const MODERATION_UNKNOWN: i64 = -1;

/// What decides whether an entry may be shown. Kept on every look, whatever the sync field says, so that a
/// person who restricts, blocks or deletes is obeyed at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VisibilityFacts {
    /// READY or not.
    pub status: EntryStatus,
    /// `moderationStatus`: 1 pending, 2 approved, 3 rejected, 4 deleted, 5 flagged for review, 6 auto approved; a plugin's
    /// own text is [`MODERATION_UNKNOWN`].
    pub moderation: Option<i64>,
    /// `displayInSearch`: -2 recycled, -1 system, 0 none, 1 partner only, 2 network.
    pub display_in_search: Option<i64>,
    /// Shown from this moment on (epoch seconds), when set.
    pub start_date: Option<i64>,
    /// Shown until this moment (epoch seconds), when set.
    pub end_date: Option<i64>,
    /// The access-control profile; missing counts as unknown.
    pub access_control: Option<AccessControlId>,
    /// The entry whose content this temporary twin will replace, when it is one.
    pub replaced_entry: Option<String>,
}

/// The types that filters name in a word, by Kaltura's values of `type`.
pub const ENTRY_TYPES: [(&str, &str); 6] =
    [("media", "1"), ("mix", "2"), ("playlist", "5"), ("data", "6"), ("live", "7"), ("document", "10")];

/// One entry, as one answer of the API told of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its id.
    pub id: EntryId,
    /// The account it belongs to.
    pub partner_id: PartnerId,
    /// What decides whether it may be shown.
    pub facts: VisibilityFacts,
    /// Title.
    pub name: String,
    /// Text below the title; empty when there is none.
    pub description: String,
    /// Tags, split and trimmed.
    pub tags: Vec<String>,
    /// `type` as the API writes it: 1 media clip, 5 playlist, 7 live stream, or a plugin's text.
    pub kind: String,
    /// 1 video, 2 image, 5 audio, 201-204 live; none for playlists, data and documents.
    pub media_type: Option<i64>,
    /// Epoch seconds.
    pub created_at: i64,
    /// Epoch seconds; moves on every save, metadata writes (ours too) included.
    pub updated_at: i64,
    /// The website's own id for it, if the uploader gave one.
    pub reference_id: Option<String>,
    /// Rounded seconds.
    pub duration_s: Option<i64>,
    /// Exact milliseconds.
    pub duration_ms: Option<i64>,
    /// Pixels.
    pub width: Option<i64>,
    /// Pixels.
    pub height: Option<i64>,
    /// Times played; from Kaltura's statistics, not from `updatedAt`'s world.
    pub plays: i64,
    /// Times looked at.
    pub views: i64,
    /// The `{v}` of `…/version/{v}` in `thumbnailUrl`; grows when the thumbnail changes.
    pub thumbnail_version: Option<String>,
    /// Of a live entry.
    pub live: Option<Live>,
    /// The object as it came, every member included.
    pub object: ApiObject,
}

/// What a live entry says of its broadcast. It begins and ends without an editor, so it is kept on every look.
///
/// Source: Kaltura server, `LiveEntry::getLiveStatus`, `EntryServerNodeStatus`: 1 is playable. A stream that another
/// service sends is always told as stopped: asking that service takes too long for an answer about many entries.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Live {
    /// It can be played now.
    pub is_live: bool,
    /// Where the broadcast is, or was, recorded.
    pub recorded_entry: Option<EntryId>,
}

impl Live {
    fn from_api(object: &ApiObject) -> Option<Self> {
        const PLAYABLE: i64 = 1;
        object.get("liveStatus")?;
        Some(Self {
            is_live: api_value::integer(object, "liveStatus") == Some(PLAYABLE),
            recorded_entry: api_value::text(object, "recordedEntryId").and_then(|id| id.parse().ok()),
        })
    }
}

impl Entry {
    /// Reads an API object of any entry class.
    ///
    /// # Errors
    /// A text saying which of the few members we cannot do without is missing or not an id.
    pub fn from_api(object: ApiObject) -> Result<Self, String> {
        let id_text = api_value::text(&object, "id").ok_or("an entry without an id")?;
        let id: EntryId = id_text.parse().map_err(|error| format!("an entry whose id is wrong: {error}"))?;
        let partner_id =
            api_value::integer(&object, "partnerId").ok_or_else(|| format!("entry {id} without a partnerId"))?;
        let text = |member| api_value::text(&object, member);
        let wording = |member| api_value::wording(&object, member).unwrap_or_default();
        let number = |member| api_value::integer(&object, member);
        Ok(Self {
            facts: VisibilityFacts::from_api(&object),
            name: wording("name"),
            description: wording("description"),
            tags: api_value::comma_list(&wording("tags")),
            kind: text("type").unwrap_or_default(),
            media_type: number("mediaType"),
            created_at: number("createdAt").unwrap_or(0),
            updated_at: number("updatedAt").unwrap_or(0),
            reference_id: text("referenceId"),
            duration_s: number("duration"),
            duration_ms: number("msDuration"),
            width: number("width"),
            height: number("height"),
            plays: number("plays").unwrap_or(0),
            views: number("views").unwrap_or(0),
            thumbnail_version: text("thumbnailUrl").as_deref().and_then(thumbnail_version),
            live: Live::from_api(&object),
            partner_id: PartnerId(partner_id),
            id,
            object,
        })
    }
}

impl VisibilityFacts {
    fn from_api(object: &ApiObject) -> Self {
        let number = |member| api_value::integer(object, member);
        Self {
            status: EntryStatus::from_api(&api_value::text(object, "status").unwrap_or_default()),
            moderation: number("moderationStatus")
                .or_else(|| api_value::text(object, "moderationStatus").map(|_| MODERATION_UNKNOWN)),
            display_in_search: number("displayInSearch"),
            start_date: number("startDate").filter(|date| *date > 0),
            end_date: number("endDate").filter(|date| *date > 0),
            access_control: number("accessControlId").map(AccessControlId),
            replaced_entry: api_value::text(object, "replacedEntryId"),
        }
    }
}

fn thumbnail_version(url: &str) -> Option<String> {
    let mut segments = url.split(['/', '?']).skip_while(|segment| *segment != "version");
    segments.nth(1).filter(|version| !version.is_empty()).map(str::to_owned)
}

/// A rendition of an entry's content. Delivery URLs are not kept: they expire.
#[derive(Debug, Clone, PartialEq)]
pub struct Flavor {
    /// Its id (shaped like an entry id).
    pub id: String,
    /// The entry it belongs to.
    pub entry_id: EntryId,
    /// The account it belongs to.
    pub partner_id: PartnerId,
    /// `2` is ready; plugins add texts.
    pub status: String,
    /// Pixels.
    pub width: Option<i64>,
    /// Pixels.
    pub height: Option<i64>,
    /// kbit/s.
    pub bitrate_kbps: Option<i64>,
    /// For example `isom`.
    pub container_format: Option<String>,
    /// The object as it came.
    pub object: ApiObject,
}

impl Flavor {
    /// Reads a `KalturaFlavorAsset` or a class made of it.
    ///
    /// # Errors
    /// A text saying which member is missing or wrong.
    pub fn from_api(object: ApiObject) -> Result<Self, String> {
        let (id, entry_id) = asset_ids(&object, "flavor")?;
        Ok(Self {
            id,
            entry_id,
            partner_id: PartnerId(api_value::integer(&object, "partnerId").unwrap_or(0)),
            status: api_value::text(&object, "status").unwrap_or_default(),
            width: api_value::integer(&object, "width").filter(|pixels| *pixels > 0),
            height: api_value::integer(&object, "height").filter(|pixels| *pixels > 0),
            bitrate_kbps: api_value::integer(&object, "bitrate").filter(|rate| *rate > 0),
            container_format: api_value::text(&object, "containerFormat"),
            object,
        })
    }

    /// Whether it can be played.
    pub fn is_ready(&self) -> bool {
        self.status == "2"
    }
}

fn asset_ids(object: &ApiObject, what: &str) -> Result<(String, EntryId), String> {
    let id = api_value::text(object, "id").ok_or_else(|| format!("a {what} without an id"))?;
    let entry = api_value::text(object, "entryId").ok_or_else(|| format!("{what} {id} without an entryId"))?;
    let entry_id = entry.parse().map_err(|error| format!("{what} {id}: {error}"))?;
    Ok((id, entry_id))
}

/// Takes the members of a JSON object, or nothing.
pub fn as_object(value: Value) -> Option<ApiObject> {
    match value {
        Value::Object(object) => Some(object),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_entry_is_read_whatever_shapes_its_scalars_have_and_keeps_unknown_members() {
        let object = as_object(json!({
            "id": "0_b7eejrrj", "partnerId": "4021", "name": "Q&A", "tags": "intro, r&d, ,", "status": "2", "moderationStatus": "6",
            "type": "externalMedia.externalMedia", "createdAt": 1795459465, "updatedAt": "1795460176", "accessControlId": 2,
            "displayInSearch": 1, "replacedEntryId": "", "startDate": -1, "thumbnailUrl": "http://c/p/1/thumbnail/entry_id/0_b7eejrrj/version/100002",
            "somethingNew": {"deep": [1]}
        }));
        let entry = Entry::from_api(object.unwrap()).unwrap();
        assert_eq!(entry.facts.status, EntryStatus::Ready);
        assert_eq!(entry.tags, ["intro", "r&d"]);
        assert_eq!((entry.facts.replaced_entry.as_deref(), entry.facts.start_date), (None, None));
        assert_eq!(entry.thumbnail_version.as_deref(), Some("100002"));
        assert_eq!(entry.updated_at, 1_795_460_176);
        assert_eq!(entry.object["somethingNew"], json!({"deep": [1]}));
    }

    #[test]
    fn a_moderation_status_that_is_no_number_is_unknown_and_not_none() {
        let moderation = |status: Value| {
            let object = as_object(json!({"moderationStatus": status})).unwrap();
            VisibilityFacts::from_api(&object).moderation
        };
        assert_eq!(moderation(json!("2")), Some(2));
        assert_eq!(moderation(json!("plugin.Value")), Some(MODERATION_UNKNOWN));
        assert_eq!((moderation(json!(null)), moderation(json!(""))), (None, None));
    }

    #[test]
    fn an_unknown_status_is_kept_and_is_not_ready() {
        assert_eq!(EntryStatus::from_api("virusScan.Infected"), EntryStatus::Unknown("virusScan.Infected".into()));
        for text in ["-2", "-1", "0", "1", "2", "3", "4", "5", "6", "7", "42", "virusScan.Infected"] {
            assert_eq!(EntryStatus::from_api(text).to_api(), text);
        }
    }
}
