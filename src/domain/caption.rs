//! Captions: the track as the API tells of it, and the cues that are read from its file.

use super::api_value::{self, ApiObject};
use super::ids::{EntryId, PartnerId};

/// A track of captions of one entry. Its text is a file of its own: see [`Cue`].
///
/// Source: `KalturaCaptionAsset`; PROTOCOL E.8.
#[derive(Debug, Clone, PartialEq)]
pub struct Caption {
    /// Its id (shaped like an entry id).
    pub id: String,
    /// The entry it belongs to.
    pub entry_id: EntryId,
    /// The account it belongs to.
    pub partner_id: PartnerId,
    /// Of the file; another version is another file.
    pub version: String,
    /// `2` is ready; plugins add texts.
    pub status: String,
    /// The language's English name, for example `English`.
    pub language: Option<String>,
    /// The language's code, for example `en`; some servers tell none.
    pub language_code: Option<String>,
    /// What the player's menu shows.
    pub label: Option<String>,
    /// What its file is said to be written in.
    pub format: CaptionFormat,
    /// Chosen by itself when the visitor chooses none.
    pub is_default: bool,
    /// Whether Kaltura's own player offers it. Where captions are moderated it does not before they are approved; of two in
    /// one language it offers the more accurate one.
    pub is_on_player: bool,
    /// The object as it came.
    pub object: ApiObject,
}

impl Caption {
    /// Reads a `KalturaCaptionAsset` or a class made of it.
    ///
    /// # Errors
    /// A text saying which member is missing or wrong.
    pub fn from_api(object: ApiObject) -> Result<Self, String> {
        let id = api_value::text(&object, "id").ok_or("a caption without an id")?;
        let entry = api_value::text(&object, "entryId").ok_or_else(|| format!("caption {id} without an entryId"))?;
        let entry_id = entry.parse().map_err(|error| format!("caption {id}: {error}"))?;
        let text = |member| api_value::text(&object, member);
        Ok(Self {
            entry_id,
            partner_id: PartnerId(api_value::integer(&object, "partnerId").unwrap_or(0)),
            version: text("version").unwrap_or_default(),
            status: text("status").unwrap_or_default(),
            language: text("language"),
            language_code: text("languageCode"),
            label: text("label"),
            format: CaptionFormat::from_api(&text("format").unwrap_or_default()),
            is_default: api_value::truth(&object, "isDefault"),
            // Servers before the member's time tell nothing, and their player offers all.
            is_on_player: text("displayOnPlayer").is_none() || api_value::truth(&object, "displayOnPlayer"),
            id,
            object,
        })
    }

    /// Whether its file can be had.
    pub fn is_ready(&self) -> bool {
        self.status == "2"
    }
}

/// What a caption file is written in. Only the first three are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CaptionFormat {
    /// 1: SubRip.
    Srt,
    /// 2: DFXP, which is TTML, an XML document.
    Dfxp,
    /// 3: WebVTT.
    WebVtt,
    /// 4: Cheetah CAP, binary.
    Cap,
    /// 5: Scenarist closed captions.
    Scc,
    /// A number or a plugin's text that we do not know.
    Other(String),
}

impl CaptionFormat {
    /// From the API's value.
    pub fn from_api(text: &str) -> Self {
        match text {
            "1" => Self::Srt,
            "2" => Self::Dfxp,
            "3" => Self::WebVtt,
            "4" => Self::Cap,
            "5" => Self::Scc,
            other => Self::Other(other.to_owned()),
        }
    }

    /// The API's value.
    pub fn to_api(&self) -> &str {
        match self {
            Self::Srt => "1",
            Self::Dfxp => "2",
            Self::WebVtt => "3",
            Self::Cap => "4",
            Self::Scc => "5",
            Self::Other(text) => text,
        }
    }

    /// The name people know it by.
    pub fn name(&self) -> &str {
        match self {
            Self::Srt => "SRT",
            Self::Dfxp => "DFXP",
            Self::WebVtt => "WebVTT",
            Self::Cap => "CAP",
            Self::Scc => "SCC",
            Self::Other(text) => text,
        }
    }

    /// Whether cues are read from such a file. One of an unknown format may still be one we know: its text tells.
    pub fn is_read(&self) -> bool {
        !matches!(self, Self::Cap | Self::Scc)
    }
}

/// A stretch of time and what is said in it, as a file tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpokenCue {
    /// From the beginning of the video.
    pub start_ms: i64,
    /// Never before `start_ms`.
    pub end_ms: i64,
    /// Plain text without markup, never empty; lines are parted by `\n`.
    pub text: String,
}

/// A cue of a track that is mirrored. Of one track they are in the order of their start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cue {
    /// The track it is of.
    pub caption_id: String,
    /// The track's language: its code (`en`) where Kaltura tells one, else its name.
    pub language: Option<String>,
    /// From the beginning of the video.
    pub start_ms: i64,
    /// Never before `start_ms`.
    pub end_ms: i64,
    /// Plain text without markup, never empty; lines are parted by `\n`.
    pub text: String,
}

impl Cue {
    /// The parameter of a link that leads to this moment, `t=83.4`: seconds, as W3C Media Fragments writes them.
    pub fn link_parameter(&self) -> String {
        let (seconds, rest) = (self.start_ms / 1000, self.start_ms % 1000);
        match format!("t={seconds}.{rest:03}").trim_end_matches('0') {
            whole if whole.ends_with('.') => whole.trim_end_matches('.').to_owned(),
            text => text.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::entry::as_object;
    use serde_json::{Value, json};

    fn caption(extra: Value) -> Caption {
        let mut object = as_object(json!({"id": "0_qemqzwk2", "entryId": "0_5vuypuwg", "partnerId": 4021})).unwrap();
        object.extend(as_object(extra).unwrap());
        Caption::from_api(object).unwrap()
    }

    #[test]
    fn a_caption_is_read_whatever_shapes_its_scalars_have() {
        let told = caption(json!({
            "version": 2, "status": "2", "language": "English", "languageCode": "en", "label": "", "format": 1,
            "isDefault": "1", "displayOnPlayer": true
        }));
        assert_eq!((told.version.as_str(), told.label.as_deref(), &told.format), ("2", None, &CaptionFormat::Srt));
        assert!(told.is_ready() && told.is_default && told.is_on_player);
        assert!(caption(json!({})).is_on_player, "servers before its time");
        for off in [json!(false), json!(0), json!("0"), json!("false")] {
            assert!(!caption(json!({"displayOnPlayer": off.clone()})).is_on_player, "{off}");
        }
        assert!(Caption::from_api(as_object(json!({"id": "0_x"})).unwrap()).is_err());
    }

    #[test]
    fn formats_are_kept_as_they_are_told_and_two_of_them_are_not_read() {
        for (text, read) in
            [("1", true), ("2", true), ("3", true), ("4", false), ("5", false), ("x.Y", true), ("", true)]
        {
            let format = CaptionFormat::from_api(text);
            assert_eq!((format.to_api(), format.is_read()), (text, read));
        }
    }

    #[test]
    fn a_link_leads_to_the_second_a_cue_begins() {
        for (start_ms, link) in [(0, "t=0"), (83_400, "t=83.4"), (10_000, "t=10"), (1_005, "t=1.005"), (100, "t=0.1")] {
            let cue = Cue { caption_id: String::new(), language: None, start_ms, end_ms: start_ms, text: "x".into() };
            assert_eq!(cue.link_parameter(), link);
        }
    }
}
