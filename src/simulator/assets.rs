//! Flavors, thumbnail assets and captions of entries.

/// One encoding of a video.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SimFlavor {
    /// For example `0_stntb0m2`.
    pub id: String,
    /// Kaltura gives it as text.
    pub version: i64,
    /// Comma-separated, for example `mobile,web,mbr`; the original's is `source`.
    pub tags: String,
    /// For example `mp4`.
    pub file_ext: String,
    /// Unix seconds.
    pub created_at: i64,
    /// Unix seconds.
    pub updated_at: i64,
    /// 0 is the source.
    pub flavor_params_id: i64,
    /// Pixels.
    pub width: i64,
    /// Pixels.
    pub height: i64,
    /// kbit/s.
    pub bitrate: i64,
    /// Frames a second.
    pub frame_rate: i64,
    /// The file that was uploaded.
    pub is_original: bool,
    /// Playable in a browser.
    pub is_web: bool,
    /// For example `isom`; `None` before the file was read.
    pub container_format: Option<String>,
    /// For example `avc1`; `None` before the file was read.
    pub video_codec_id: Option<String>,
    /// 2 ready, 3 deleted.
    pub status: i64,
    /// The API's `size`: kilobytes for encodings, bytes for an original.
    pub size: i64,
    /// The API's `sizeInBytes`.
    pub size_bytes: i64,
    /// Three letters or a name, mostly absent.
    pub language: Option<String>,
    /// The name of an audio track, mostly absent.
    pub label: Option<String>,
}

impl SimFlavor {
    /// The file that was uploaded, MP4, ready.
    pub fn source(id: &str, width: i64, height: i64, at: i64) -> Self {
        Self {
            id: id.to_owned(),
            version: 2,
            tags: "source".to_owned(),
            file_ext: "mp4".to_owned(),
            created_at: at,
            updated_at: at,
            flavor_params_id: 0,
            width,
            height,
            bitrate: 2400,
            frame_rate: 25,
            is_original: true,
            is_web: false,
            container_format: Some("isom".to_owned()),
            video_codec_id: Some("avc1".to_owned()),
            status: 2,
            size: 2012,
            size_bytes: 2012,
            language: None,
            label: None,
        }
    }

    /// An encoding for the web, MP4, ready.
    pub fn web(id: &str, flavor_params_id: i64, width: i64, height: i64, bitrate: i64, at: i64) -> Self {
        Self {
            version: 1,
            tags: "mobile,web,mbr,iphone,iphonenew,ipad,ipadnew,dash".to_owned(),
            flavor_params_id,
            bitrate,
            is_original: false,
            is_web: true,
            size: 3072,
            size_bytes: 3072 * 1024,
            ..Self::source(id, width, height, at)
        }
    }
}

/// A picture that belongs to an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SimThumbAsset {
    /// For example `0_qfctttg9`.
    pub id: String,
    /// Kaltura gives it as text.
    pub version: i64,
    /// `default_thumb` marks the entry's own.
    pub tags: String,
    /// For example `png`.
    pub file_ext: String,
    /// Unix seconds.
    pub created_at: i64,
    /// Unix seconds.
    pub updated_at: i64,
    /// Bytes.
    pub size_bytes: i64,
    /// Pixels.
    pub width: i64,
    /// Pixels.
    pub height: i64,
    /// 2 ready, 3 deleted.
    pub status: i64,
}

/// Captions in one language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SimCaption {
    /// For example `0_qemqzwk2`.
    pub id: String,
    /// Kaltura gives it as text.
    pub version: i64,
    /// Comma-separated.
    pub tags: String,
    /// For example `srt`.
    pub file_ext: String,
    /// Unix seconds.
    pub created_at: i64,
    /// Unix seconds.
    pub updated_at: i64,
    /// The language's English name.
    pub language: String,
    /// For example `en`.
    pub language_code: String,
    /// `Some(true)` marks the one chosen by itself.
    pub is_default: Option<bool>,
    /// What the player's menu shows.
    pub label: String,
    /// `1` SRT, `2` DFXP, `3` WebVTT.
    pub format: String,
    /// 2 ready, 3 deleted.
    pub status: i64,
    /// Whether the player offers them; not before they are approved, where captions are moderated.
    pub display_on_player: bool,
    /// The file, in whatever encoding.
    pub content: Vec<u8>,
}

impl SimCaption {
    /// A file of SubRip in English, ready.
    pub fn srt(id: &str, content: &str, at: i64) -> Self {
        Self {
            id: id.to_owned(),
            version: 2,
            tags: String::new(),
            file_ext: "srt".to_owned(),
            created_at: at,
            updated_at: at,
            language: "English".to_owned(),
            language_code: "en".to_owned(),
            is_default: None,
            label: "English".to_owned(),
            format: "1".to_owned(),
            status: 2,
            display_on_player: true,
            content: content.as_bytes().to_vec(),
        }
    }
}
