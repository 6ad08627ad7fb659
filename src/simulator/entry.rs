//! An entry as the stand-in account holds it.

use serde_json::{Map, Value};

use crate::domain::ids::{AccessControlId, EntryId};

/// One entry. Times are Unix seconds; a `None` is a null at Kaltura: left out of JSON, an empty element in XML.
#[derive(Debug, Clone, PartialEq)]
pub struct SimEntry {
    /// For example `0_b7eejrrj`.
    pub id: EntryId,
    /// What it is; decides the class it is answered as.
    pub kind: EntryKind,
    /// The name.
    pub name: String,
    /// The description, plain text.
    pub description: String,
    /// Comma-separated.
    pub tags: String,
    /// Comma-separated; for editors only.
    pub admin_tags: Option<String>,
    /// The owner's user id.
    pub user_id: String,
    /// The creator's user id.
    pub creator_id: String,
    /// Where it stands in its life.
    pub status: SimStatus,
    /// 1 pending, 2 approved, 3 rejected, 4 deleted, 5 flagged, 6 automatically approved.
    pub moderation_status: i64,
    /// How often it was flagged.
    pub moderation_count: i64,
    /// When it was made.
    pub created_at: i64,
    /// When its row was saved last; metadata writes count.
    pub updated_at: i64,
    /// Free text of the partner.
    pub partner_data: Option<String>,
    /// The partner's own id for it.
    pub reference_id: Option<String>,
    /// Its access-control profile.
    pub access_control_id: Option<AccessControlId>,
    /// Visible from then on.
    pub start_date: Option<i64>,
    /// Visible until then.
    pub end_date: Option<i64>,
    /// The temporary entry that is to replace its content.
    pub replacing_entry_id: Option<EntryId>,
    /// Set on such a temporary entry: the one it will replace.
    pub replaced_entry_id: Option<EntryId>,
    /// 0 none, 1 approved but not ready, 2 ready but not approved, 3 neither, 4 failed.
    pub replacement_status: i64,
    /// -2 recycled, -1 hidden (replacement), 0 none, 1 partner only, 2 network.
    pub display_in_search: i64,
    /// 1 video, 2 image, 5 audio, 201 live; `None` for kinds without media.
    pub media_type: Option<i64>,
    /// Where the content came from, as text: `1` file, `6` search provider, `30` live.
    pub source_type: Option<String>,
    /// Pixels; `None` before the content was read.
    pub width: Option<i64>,
    /// Pixels.
    pub height: Option<i64>,
    /// Milliseconds.
    pub ms_duration: i64,
    /// From the analytics cache; does not move `updated_at`.
    pub plays: i64,
    /// From the analytics cache; does not move `updated_at`.
    pub views: i64,
    /// Version of the content of images, data and playlists (100002, 100012, …); 0 for videos.
    pub data_version: i64,
    /// Its picture.
    pub thumbnail: SimThumbnail,
    /// Further API fields, by API name; they win over what the fields above would give.
    pub extra: Map<String, Value>,
}

impl SimEntry {
    /// A video in READY, 1280 × 720, one minute, visible to all, without thumbnail, flavors or metadata.
    ///
    /// `at` is both its creation and its last change.
    pub fn video(id: EntryId, name: &str, at: i64) -> Self {
        Self {
            id,
            kind: EntryKind::Media,
            name: name.to_owned(),
            description: String::new(),
            tags: String::new(),
            admin_tags: None,
            user_id: "admin@example.test".to_owned(),
            creator_id: "admin@example.test".to_owned(),
            status: SimStatus::READY,
            moderation_status: 6,
            moderation_count: 0,
            created_at: at,
            updated_at: at,
            partner_data: None,
            reference_id: None,
            access_control_id: Some(AccessControlId(2)),
            start_date: None,
            end_date: None,
            replacing_entry_id: None,
            replaced_entry_id: None,
            replacement_status: 0,
            display_in_search: 1,
            media_type: Some(1),
            source_type: Some("1".to_owned()),
            width: Some(1280),
            height: Some(720),
            ms_duration: 60_000,
            plays: 0,
            views: 0,
            data_version: 0,
            thumbnail: SimThumbnail::default(),
            extra: Map::new(),
        }
    }

    /// True once it is deleted: `get` no longer finds it, only lists that ask for status 3 do.
    pub fn is_deleted(&self) -> bool {
        self.status == SimStatus::DELETED
    }

    /// True when it is in the recycle bin.
    pub fn is_recycled(&self) -> bool {
        self.display_in_search == -2
    }
}

/// What an entry is; the API answers each as a class of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// A video, an audio file or an image: `KalturaMediaEntry`, type 1.
    Media,
    /// A list of entries: `KalturaPlaylist`, type 5.
    Playlist,
    /// A text: `KalturaDataEntry`, type 6.
    Data,
    /// A live stream: `KalturaLiveStreamAdminEntry` for administrators, type 7.
    LiveStream,
}

impl EntryKind {
    /// The API's `type`.
    pub fn api_type(self) -> i64 {
        match self {
            Self::Media => 1,
            Self::Playlist => 5,
            Self::Data => 6,
            Self::LiveStream => 7,
        }
    }
}

/// An entry's status: a number of Kaltura's own, or a text a plugin brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SimStatus {
    /// -2 error importing, -1 error converting, 0 import, 1 preconvert, 2 ready, 3 deleted, 4 pending, 5 moderate, 6 blocked,
    /// 7 no content.
    Core(i64),
    /// For example `virusScan.Infected`.
    Plugin(String),
}

impl SimStatus {
    /// Ready to be played.
    pub const READY: Self = Self::Core(2);
    /// Deleted.
    pub const DELETED: Self = Self::Core(3);
    /// Made, but without content yet.
    pub const NO_CONTENT: Self = Self::Core(7);

    /// The number the database has, as notifications carry it: a plugin's status has one that differs from server to server.
    pub fn database_number(&self) -> i64 {
        const FIRST_PLUGIN_STATUS: i64 = 10_001;
        match self {
            Self::Core(number) => *number,
            Self::Plugin(_) => FIRST_PLUGIN_STATUS,
        }
    }

    /// As it stands in a filter: `2`, `virusScan.Infected`.
    pub fn as_text(&self) -> String {
        match self {
            Self::Core(number) => number.to_string(),
            Self::Plugin(text) => text.clone(),
        }
    }
}

/// An entry's picture.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SimThumbnail {
    /// The version in `thumbnailUrl`: 0 while there is none of its own, then 100002, 100012, …
    pub version: i64,
    /// What the image shows; another seed is another picture.
    pub seed: u64,
    /// How requests for it are answered.
    pub source: ThumbnailSource,
}

impl SimThumbnail {
    /// Another picture: the next version.
    pub fn replace(&mut self, seed: u64) {
        const FIRST_VERSION: i64 = 100_002;
        self.version = if self.version == 0 { FIRST_VERSION } else { self.version + 10 };
        self.seed = seed;
    }
}

/// Where the bytes of a thumbnail come from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ThumbnailSource {
    /// A picture drawn from the seed; a ready video without a version gets a frame drawn on the fly, too.
    #[default]
    Drawn,
    /// The stock picture for audio, with 200.
    Stock,
    /// There is no file: 404 `error-10`.
    Missing,
}
