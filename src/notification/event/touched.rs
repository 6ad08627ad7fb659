//! What an event touches: an entry, a category, the policy, or something that it does not name.
//!
//! What the object is, the template decides: an event about metadata may carry the metadata object, or the entry it is
//! of (Kaltura's stock template does). So the event's object type comes first, then what the object says by itself.
//!
//! Source: PROTOCOL B.2, B.3 and B.6.

use super::members::{Members, Told};
use super::text;
use crate::domain::ids::EntryId;
use crate::notification::kind::Ask;

/// One thing an event touches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::notification) struct Touched {
    /// The entry, if it names one.
    pub(in crate::notification) entry_id: Option<EntryId>,
    /// What it asks of us: at least one thing.
    pub(in crate::notification) asks: Vec<Ask>,
}

const ENTRY: &str = "1";
const CATEGORY: &str = "2";
const ACCESS_CONTROL: &str = "9";
const LIVE_STREAM: &str = "38";
const METADATA: &str = "metadataEventNotifications.Metadata";

/// What a body with an object touches; one without is looked through as a form's fields are.
pub(super) fn by_object(told: &Told) -> Touched {
    let Some(object) = &told.object else { return by_names(&told.outer) };
    let by_type = match told.event_object_type() {
        Some(ENTRY | LIVE_STREAM) => object.own_entry().map(Touched::entry),
        Some(METADATA) => object.entry_of_metadata().map(Touched::entry),
        Some(CATEGORY) => Some(Touched::category(object)),
        Some(ACCESS_CONTROL) => Some(Touched::asking(vec![Ask::RefreshPolicy])),
        // Assets, memberships and whatever else belongs to an entry.
        _ => None,
    };
    by_type
        .or_else(|| object.entry().map(Touched::entry))
        .or_else(|| object.own_entry().filter(|_| object.is_entry()).map(Touched::entry))
        .unwrap_or_else(Touched::something)
}

/// What a template's fields touch: the entry they name, or the entry whose metadata they are about.
pub(super) fn by_names(fields: &Members) -> Touched {
    let entry = fields.entry().or_else(|| fields.entry_of_metadata()).or_else(|| fields.own_entry());
    match entry {
        Some(entry) => Touched::entry(entry),
        // The category may have changed, or an entry may have joined it that we do not know is in it.
        None if fields.names_category() => Touched::asking(vec![Ask::RefreshPolicy, Ask::Sweep]),
        None => Touched::something(),
    }
}

/// What a free text touches: each entry whose id stands in it.
pub(super) fn by_text(text: &str) -> Vec<Touched> {
    match text::entry_ids(text) {
        Some(ids) if !ids.is_empty() => ids.into_iter().map(Touched::entry).collect(),
        _ => vec![Touched::something()],
    }
}

impl Touched {
    fn entry(id: EntryId) -> Self {
        Self { entry_id: Some(id), asks: vec![Ask::LookAtEntry] }
    }

    fn category(object: &Members) -> Self {
        let look = object.own_category().map_or(Ask::Sweep, Ask::LookAtCategory);
        Self::asking(vec![look, Ask::RefreshPolicy])
    }

    /// Nobody says what.
    fn something() -> Self {
        Self::asking(vec![Ask::Sweep])
    }

    fn asking(asks: Vec<Ask>) -> Self {
        Self { entry_id: None, asks }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::CategoryId;

    fn object(kind: &str, members: &[(&str, &str)]) -> Touched {
        let mut told = Told::default();
        told.note("eventObjectType", kind);
        members.iter().for_each(|(name, value)| told.object().note(name, value));
        by_object(&told)
    }

    fn entry(id: &str) -> Touched {
        Touched::entry(id.parse().unwrap())
    }

    #[test]
    fn each_object_type_has_its_entry_where_it_belongs() {
        let (own, of) = (("id", "0_aaaaaaaa"), ("entryId", "0_eeeeeeee"));
        assert_eq!(object("1", &[own]), entry("0_aaaaaaaa"));
        assert_eq!(object("38", &[own]), entry("0_aaaaaaaa"));
        for kind in [
            "3",
            "4",
            "5",
            "37",
            "captionAssetEventNotifications.CaptionAsset",
            "attachmentAssetEventNotifications.AttachmentAsset",
        ] {
            assert_eq!(object(kind, &[own, of, ("categoryId", "7")]), entry("0_eeeeeeee"), "{kind}");
            assert_eq!(object(kind, &[own]), Touched::something(), "{kind}: an asset's own id looks like an entry's");
        }
        let owner = ("objectId", "0_eeeeeeee");
        assert_eq!(object(METADATA, &[("id", "11"), owner, ("metadataObjectType", "1")]), entry("0_eeeeeeee"));
        assert_eq!(object(METADATA, &[("id", "11"), owner]), entry("0_eeeeeeee"));
        assert_eq!(object(METADATA, &[("id", "11"), owner, ("metadataObjectType", "2")]), Touched::something());
        assert_eq!(
            object(METADATA, &[own, ("objectType", "KalturaBaseEntry")]),
            entry("0_aaaaaaaa"),
            "the stock template"
        );
        assert_eq!(object("4", &[own, ("objectType", "KalturaMediaEntry")]), entry("0_aaaaaaaa"));
        assert_eq!(object("20", &[("id", "102")]), Touched::something());
        assert_eq!(object("1", &[("id", "not an id")]), Touched::something());
    }

    #[test]
    fn categories_and_access_control_ask_for_the_policy() {
        let category = object("2", &[("id", "10"), ("entryId", "")]);
        assert_eq!(category.asks, [Ask::LookAtCategory(CategoryId(10)), Ask::RefreshPolicy]);
        assert_eq!(object("2", &[("name", "x")]).asks, [Ask::Sweep, Ask::RefreshPolicy]);
        assert_eq!(object("9", &[("id", "5")]).asks, [Ask::RefreshPolicy]);
    }

    #[test]
    fn fields_name_the_entry_in_the_words_of_the_stock_templates_or_close_to_them() {
        let fields = |pairs: &[(&str, &str)]| {
            let mut members = Members::default();
            pairs.iter().for_each(|(name, value)| members.note(name, value));
            by_names(&members)
        };
        for name in ["entry_id", "entryId", "ENTRY-ID", "id", "object_id"] {
            assert_eq!(fields(&[("flavor_id", "0_ffffffff"), (name, "0_eeeeeeee")]), entry("0_eeeeeeee"), "{name}");
        }
        assert_eq!(fields(&[("object_id", "0_eeeeeeee"), ("object_type", "1")]), entry("0_eeeeeeee"));
        assert_eq!(fields(&[("object_id", "0_eeeeeeee"), ("object_type", "2")]), Touched::something());
        assert_eq!(fields(&[("category_id", "10")]).asks, [Ask::RefreshPolicy, Ask::Sweep]);
        assert_eq!(fields(&[("entry_id", ""), ("name", "0_eeeeeeee")]), Touched::something());
    }
}
