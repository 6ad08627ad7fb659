//! What a notification is about: its `notification_type`, or what an event says of itself, and what that asks of us.

use std::fmt;
use std::str::FromStr;

use crate::domain::ids::CategoryId;
use crate::domain::topic::Topic;

/// A `notification_type`. Every text of the right form is one: what Kaltura adds some day is kept, listed, harmless.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Kind {
    /// An entry's row was created, normally before it has content.
    EntryAdd,
    /// An entry's permissions changed (pre-v3 API only).
    EntryUpdatePermissions,
    /// An entry was deleted.
    EntryDelete,
    /// An entry was blocked (no live producer).
    EntryBlock,
    /// An entry's row changed: texts, status, moderation, categories.
    EntryUpdate,
    /// An entry's thumbnail changed.
    EntryUpdateThumbnail,
    /// An entry's moderation status changed (no live producer).
    EntryUpdateModeration,
    /// A viewer flagged an entry. Its `entry_id` is empty, the entry is in `objectId`.
    EntryReported,
    /// A kshow, an obsolete container, was created.
    KshowAdd,
    /// A kshow's texts changed.
    KshowUpdateInfo,
    /// A kshow was deleted.
    KshowDelete,
    /// A kshow's permissions changed.
    KshowUpdatePermissions,
    /// A kshow was ranked.
    KshowRank,
    /// A kshow was blocked.
    KshowBlock,
    /// A user was created (no live producer).
    UserAdd,
    /// A user was banned.
    UserBanned,
    /// A download job began.
    JobStarted,
    /// A download job ended well.
    JobSucceeded,
    /// A download job failed.
    JobFailed,
    /// A download job found its work done (no live producer).
    JobSimilarExists,
    /// Somebody tries the notification URL.
    Test,
    /// A well-formed type this list does not have.
    Other(String),
    /// An event notification.
    Event(EventKind),
}

/// What an event notification says of itself: `event:<eventObjectType>:<eventType>`, for example `event:1:3` or
/// `event:metadataEventNotifications.Metadata:6`; `event` when its body does not say both.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EventKind(String);

/// What a notification asks of us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ask {
    /// See what is true of the entry now.
    LookAtEntry,
    /// See what is true of every mirrored entry of this category now.
    LookAtCategory(CategoryId),
    /// See who may see what now: categories, access-control profiles.
    RefreshPolicy,
    /// Something has changed, and nobody says where: find it by what was changed lately.
    Sweep,
    /// Keep it, and do nothing.
    Nothing,
}

/// A text that is no `notification_type`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a notification type such as entry_update: 1 to 64 lower-case letters, digits and _, a letter first")]
pub struct InvalidKind;

/// Kaltura's words. Source: Kaltura server, `kNotificationJobData`.
const NAMES: [(&str, Kind); 21] = [
    ("entry_add", Kind::EntryAdd),
    ("entry_update_permissions", Kind::EntryUpdatePermissions),
    ("entry_delete", Kind::EntryDelete),
    ("entry_block", Kind::EntryBlock),
    ("entry_update", Kind::EntryUpdate),
    ("entry_update_thumbnail", Kind::EntryUpdateThumbnail),
    ("entry_update_moderation", Kind::EntryUpdateModeration),
    ("entry_reported", Kind::EntryReported),
    ("kshow_add", Kind::KshowAdd),
    ("kshow_update_info", Kind::KshowUpdateInfo),
    ("kshow_delete", Kind::KshowDelete),
    ("kshow_update_permissions", Kind::KshowUpdatePermissions),
    ("kshow_rank", Kind::KshowRank),
    ("kshow_block", Kind::KshowBlock),
    ("user_add", Kind::UserAdd),
    ("user_banned", Kind::UserBanned),
    ("job_started", Kind::JobStarted),
    ("job_succeeded", Kind::JobSucceeded),
    ("job_failed", Kind::JobFailed),
    ("job_similar_exists", Kind::JobSimilarExists),
    ("test", Kind::Test),
];

impl Kind {
    /// The type as Kaltura writes it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Other(name) => name,
            Self::Event(kind) => kind.as_str(),
            known => NAMES.iter().find(|(_, kind)| kind == known).map_or("", |(name, _)| name),
        }
    }

    /// What to do about one. A kind that is new to us asks for nothing, even about an entry: reconcile finds what changed.
    ///
    /// Of an event the kind alone says only that something has changed; what it touches stands in its body, and so in
    /// the hint's own asks.
    pub fn asks_for(&self) -> Ask {
        match self {
            Self::EntryAdd
            | Self::EntryUpdatePermissions
            | Self::EntryDelete
            | Self::EntryBlock
            | Self::EntryUpdate
            | Self::EntryUpdateThumbnail
            | Self::EntryUpdateModeration
            | Self::EntryReported => Ask::LookAtEntry,
            Self::KshowAdd
            | Self::KshowUpdateInfo
            | Self::KshowDelete
            | Self::KshowUpdatePermissions
            | Self::KshowRank
            | Self::KshowBlock
            | Self::UserAdd
            | Self::UserBanned
            | Self::JobStarted
            | Self::JobSucceeded
            | Self::JobFailed
            | Self::JobSimilarExists
            | Self::Test
            | Self::Other(_) => Ask::Nothing,
            Self::Event(_) => Ask::Sweep,
        }
    }

    /// What it says has happened to an entry, if it is about one and says it.
    pub fn topic(&self) -> Option<Topic> {
        topic_of(self.as_str())
    }

    /// Every type that Kaltura is known to send, as it writes them.
    pub fn names() -> impl Iterator<Item = &'static str> {
        NAMES.iter().map(|(name, _)| *name)
    }

    /// How it is counted: by its name when it is a known one, otherwise `event` or `unknown`. Few words, whatever comes.
    pub fn counted_as(&self) -> &'static str {
        match self {
            Self::Other(_) => "unknown",
            Self::Event(_) => "event",
            known => NAMES.iter().find(|(_, kind)| kind == known).map_or("unknown", |(name, _)| name),
        }
    }

    /// The field with the id of what it is about, by the first word of the type: new types follow the old.
    pub(super) fn object_field(&self) -> Option<&'static str> {
        match self.as_str().split_once('_')?.0 {
            "entry" => Some("entry_id"),
            "kshow" => Some("kshow_id"),
            "user" => Some("user_id"),
            "job" => Some("job_id"),
            _ => None,
        }
    }
}

/// What a kind says has happened to an entry, by the word the inbox has for it.
///
/// Source: PROTOCOL A.3; B.2 for the numbers of events.
pub fn topic_of(kind: &str) -> Option<Topic> {
    let mut words = kind.split(':');
    match (words.next()?, words.next(), words.next()) {
        ("entry_add", ..) => Some(Topic::Added),
        ("entry_update", ..) => Some(Topic::Changed),
        ("entry_update_permissions", ..) => Some(Topic::Permissions),
        ("entry_delete", ..) => Some(Topic::Deleted),
        ("entry_block", ..) => Some(Topic::Blocked),
        ("entry_update_thumbnail", ..) => Some(Topic::Thumbnail),
        ("entry_update_moderation", ..) => Some(Topic::Moderated),
        ("entry_reported", ..) => Some(Topic::Reported),
        ("event", Some(object), Some(happened)) => topic_of_event(object, happened),
        _ => None,
    }
}

fn topic_of_event(object: &str, happened: &str) -> Option<Topic> {
    const CREATED: [&str; 2] = ["2", "5"];
    const DELETED: [&str; 2] = ["7", "8"];
    match object {
        "1" | "38" if CREATED.contains(&happened) => Some(Topic::Added),
        "1" | "38" if DELETED.contains(&happened) => Some(Topic::Deleted),
        "1" | "38" => Some(Topic::Changed),
        "3" | "4" => Some(Topic::Flavor),
        "5" => Some(Topic::Thumbnail),
        "37" => Some(Topic::Membership),
        "metadataEventNotifications.Metadata" => Some(Topic::Metadata),
        "captionAssetEventNotifications.CaptionAsset" => Some(Topic::Caption),
        _ => None,
    }
}

impl EventKind {
    /// From what the body says, if it says both in a shape that Kaltura's types have: numbers, or a plugin's
    /// `name.Value`.
    pub(super) fn of(object_type: Option<&str>, event_type: Option<&str>) -> Self {
        let well_formed = |text: &&str| {
            (1..=64).contains(&text.len())
                && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._".contains(&byte))
        };
        match (object_type.filter(well_formed), event_type.filter(well_formed)) {
            (Some(object_type), Some(event_type)) => Self(format!("event:{object_type}:{event_type}")),
            _ => Self("event".to_owned()),
        }
    }

    /// As the inbox has it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Reads a `notification_type`. No event's kind is one.
impl FromStr for Kind {
    type Err = InvalidKind;

    fn from_str(text: &str) -> Result<Self, InvalidKind> {
        if let Some((_, kind)) = NAMES.iter().find(|(name, _)| *name == text) {
            return Ok(kind.clone());
        }
        let well_formed = text.len() <= 64
            && text.starts_with(|first: char| first.is_ascii_lowercase())
            && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
        if well_formed { Ok(Self::Other(text.to_owned())) } else { Err(InvalidKind) }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_written_as_it_is_read() {
        for (name, kind) in &NAMES {
            assert_eq!(name.parse(), Ok(kind.clone()));
            assert_eq!(kind.to_string(), *name);
        }
        assert_eq!("entry_recycled".parse(), Ok(Kind::Other("entry_recycled".into())));
        assert_eq!(Kind::Other("entry_recycled".into()).to_string(), "entry_recycled");
    }

    #[test]
    fn an_event_is_called_by_what_it_says_of_itself_if_it_says_it_well() {
        let kind = |object_type, event_type| EventKind::of(object_type, event_type).as_str().to_owned();
        assert_eq!(kind(Some("1"), Some("3")), "event:1:3");
        let metadata = "metadataEventNotifications.Metadata";
        assert_eq!(kind(Some(metadata), Some("6")), "event:metadataEventNotifications.Metadata:6");
        let too_long = "a".repeat(65);
        for (object_type, event_type) in [
            (None, None),
            (Some("1"), None),
            (None, Some("3")),
            (Some("1:3"), Some("3")),
            (Some(&*too_long), Some("3")),
        ] {
            assert_eq!(kind(object_type, event_type), "event");
        }
        assert_eq!("event:1:3".parse::<Kind>(), Err(InvalidKind), "no form can say that it is an event");
    }

    #[test]
    fn what_is_no_type_at_all_is_refused() {
        let too_long = "a".repeat(65);
        for bad in ["", "_", "1", "Entry_add", "entry add", "entry-add", "entry_addé", too_long.as_str()] {
            assert_eq!(bad.parse::<Kind>(), Err(InvalidKind), "{bad:?}");
        }
    }

    #[test]
    fn what_says_what_happened_to_an_entry_is_what_asks_for_a_look_at_it() {
        for (name, kind) in &NAMES {
            assert_eq!(kind.topic().is_some(), kind.asks_for() == Ask::LookAtEntry, "{name}");
        }
        let topic = |object, happened| Kind::Event(EventKind::of(Some(object), Some(happened))).topic();
        assert_eq!(topic("1", "3"), Some(Topic::Changed));
        assert_eq!([topic("1", "2"), topic("38", "5")], [Some(Topic::Added); 2]);
        assert_eq!([topic("1", "7"), topic("1", "8")], [Some(Topic::Deleted); 2]);
        assert_eq!(
            [topic("4", "3"), topic("3", "7")],
            [Some(Topic::Flavor); 2],
            "a deleted flavor is no deleted entry"
        );
        assert_eq!(topic("5", "5"), Some(Topic::Thumbnail));
        assert_eq!(topic("37", "7"), Some(Topic::Membership));
        assert_eq!(topic("metadataEventNotifications.Metadata", "6"), Some(Topic::Metadata));
        assert_eq!(topic("captionAssetEventNotifications.CaptionAsset", "2"), Some(Topic::Caption));
        for silent in
            [topic("2", "3"), topic("9", "3"), topic("8", "5"), Kind::Event(EventKind::of(None, None)).topic()]
        {
            assert_eq!(silent, None);
        }
        assert_eq!(Kind::Other("entry_recycled".into()).topic(), None);
    }

    #[test]
    fn whatever_comes_is_counted_under_few_words() {
        assert_eq!(Kind::EntryReported.counted_as(), "entry_reported");
        assert_eq!(Kind::Other("entry_recycled".into()).counted_as(), "unknown");
        assert_eq!(Kind::Event(EventKind::of(Some("1"), Some("3"))).counted_as(), "event");
    }

    #[test]
    fn the_known_entry_kinds_ask_for_a_look_and_nothing_else_does() {
        for (name, kind) in &NAMES {
            assert_eq!(kind.asks_for() == Ask::LookAtEntry, name.starts_with("entry_"), "{name}");
        }
        assert_eq!(Kind::Other("entry_recycled".into()).asks_for(), Ask::Nothing);
    }
}
