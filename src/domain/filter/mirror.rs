//! The fields of a whole entry, as Kaltura tells of it, and whether one passes: `[mirror] filter` and `backfill --only`.
//!
//! What is not known decides nothing: a condition on it is open, and an entry whose verdict is open is neither let in nor
//! removed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::error::{FilterError, quoted};
use super::range;
use super::value::{Literal, Named, value_of};
use super::{Comparison, Filter, FilterField, Kind, Test};
use crate::domain::account_facts::{CategoryMembership, paths};
use crate::domain::api_value::{self, ApiObject};
use crate::domain::entry::ENTRY_TYPES;
use crate::domain::folding::fold_value;
use crate::domain::ids::{CategoryId, MetadataProfileId};
use crate::domain::public_entry::MetadataKind;

/// A field of an entry at Kaltura.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum MirrorField {
    /// `id`
    Id,
    /// `type`: `media`, `live`, `playlist`, …, or Kaltura's value
    Type,
    /// `mediaType`
    MediaType,
    /// `status`: `ready`, …, or Kaltura's value
    Status,
    /// `tags`
    Tags,
    /// `adminTags`, which never leave
    AdminTags,
    /// `categories`: full names, and those above them
    Categories,
    /// `referenceId`
    ReferenceId,
    /// `userId`: the owner
    UserId,
    /// `duration`, in seconds
    Duration,
    /// `createdAt`
    CreatedAt,
    /// `updatedAt`, which our own mark moves as well
    UpdatedAt,
    /// `metadata.<name>`
    Metadata(String),
}

const PLAIN: [MirrorField; 12] = [
    MirrorField::Id,
    MirrorField::Type,
    MirrorField::MediaType,
    MirrorField::Status,
    MirrorField::Tags,
    MirrorField::AdminTags,
    MirrorField::Categories,
    MirrorField::ReferenceId,
    MirrorField::UserId,
    MirrorField::Duration,
    MirrorField::CreatedAt,
    MirrorField::UpdatedAt,
];

/// What stands before the name of a custom-metadata field.
const METADATA: &str = "metadata.";
/// The states that have names, by Kaltura's values.
const STATES: [(&str, &str); 10] = [
    ("error_importing", "-2"),
    ("error_converting", "-1"),
    ("import", "0"),
    ("preconvert", "1"),
    ("ready", "2"),
    ("deleted", "3"),
    ("pending", "4"),
    ("moderate", "5"),
    ("blocked", "6"),
    ("no_content", "7"),
];

impl MirrorField {
    fn find(name: &str, sync_field: &str) -> Result<Self, String> {
        if let Some(field) = name.strip_prefix(METADATA).filter(|field| !field.is_empty()) {
            return if field == sync_field {
                Err(format!(
                    "{} is the sync field, which our own mark changes; what it says decides by itself",
                    quoted(name)
                ))
            } else {
                Ok(Self::Metadata(field.to_owned()))
            };
        }
        PLAIN.into_iter().find(|field| field.name() == name).ok_or_else(|| {
            let there: Vec<_> = PLAIN.iter().map(Self::name).collect();
            let there = there.join(", ");
            format!(
                "{} is no field to filter by; there are {there}, metadata.<field of the custom metadata>",
                quoted(name)
            )
        })
    }

    /// The name of a custom-metadata field.
    fn custom(&self) -> Option<&str> {
        match self {
            Self::Metadata(name) => Some(name),
            _ => None,
        }
    }

    /// The names of its values, by Kaltura's.
    const fn named(&self) -> &'static Named {
        match self {
            Self::Type => &ENTRY_TYPES,
            Self::Status => &STATES,
            _ => &[],
        }
    }
}

impl FilterField for MirrorField {
    fn name(&self) -> String {
        match self {
            Self::Metadata(name) => return format!("{METADATA}{name}"),
            Self::Id => "id",
            Self::Type => "type",
            Self::MediaType => "mediaType",
            Self::Status => "status",
            Self::Tags => "tags",
            Self::AdminTags => "adminTags",
            Self::Categories => "categories",
            Self::ReferenceId => "referenceId",
            Self::UserId => "userId",
            Self::Duration => "duration",
            Self::CreatedAt => "createdAt",
            Self::UpdatedAt => "updatedAt",
        }
        .to_owned()
    }

    fn kind(&self) -> Kind {
        match self {
            Self::MediaType => Kind::MediaType,
            Self::Duration => Kind::Number,
            Self::CreatedAt | Self::UpdatedAt => Kind::Time,
            Self::Metadata(_) => Kind::Custom,
            _ => Kind::Keyword,
        }
    }

    /// A state or a type that there is not would leave everything out.
    fn admit(&self, value: &Literal) -> Result<(), String> {
        if self.named().is_empty() { Ok(()) } else { value.admit(&self.name(), self.named()) }
    }
}

/// Whether an entry passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It does.
    In,
    /// It does not.
    Out,
    /// Something that decides it is not known.
    Open,
}

impl Verdict {
    const fn of(passes: bool) -> Self {
        if passes { Self::In } else { Self::Out }
    }

    const fn not(self) -> Self {
        match self {
            Self::In => Self::Out,
            Self::Out => Self::In,
            Self::Open => Self::Open,
        }
    }

    /// `Out` if one is, open if any is, `In` else.
    fn all(verdicts: impl Iterator<Item = Self>) -> Self {
        let mut all = Self::In;
        for verdict in verdicts {
            match verdict {
                Self::Out => return Self::Out,
                Self::Open => all = Self::Open,
                Self::In => {}
            }
        }
        all
    }
}

/// The values of custom-metadata fields, by name.
pub type MetadataValues = BTreeMap<String, Vec<String>>;

/// What a filter is asked of.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The entry as the API tells of it. What it lacks is empty.
    pub object: &'a ApiObject,
    /// The full names of the categories it is in for visitors; absent when not all are known.
    pub categories: Option<&'a [String]>,
    /// Its custom metadata; absent when it is not known, or not all of it.
    pub metadata: Option<&'a MetadataValues>,
}

/// What must be known of an account to judge its entries by a filter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FilterFacts {
    /// The full names of all categories.
    pub categories: BTreeMap<CategoryId, String>,
    /// The profiles whose metadata is mirrored.
    pub profiles: Vec<MetadataProfileId>,
    /// Their fields, and what these hold; absent while a schema cannot be read.
    pub fields: Option<BTreeMap<String, MetadataKind>>,
}

impl FilterFacts {
    /// The full names of those of these categories that the entry is in for visitors; nothing when one of them is unknown.
    pub fn names_of(&self, memberships: &[CategoryMembership]) -> Option<Vec<String>> {
        let active = memberships.iter().filter(|membership| membership.is_active());
        active.map(|membership| self.categories.get(&membership.category_id).cloned()).collect()
    }
}

/// A filter over whole entries. Prints as it was written.
#[derive(Debug, Clone, PartialEq)]
pub struct MirrorFilter {
    text: String,
    filter: Filter<MirrorField>,
}

impl MirrorFilter {
    /// Reads a filter; one without a condition is none. The sync field is no field to filter by.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub fn parse(text: &str, sync_field: &str) -> Result<Option<Self>, FilterError> {
        let filter = super::parse(text, &|name: &str| MirrorField::find(name, sync_field))?;
        Ok(filter.map(|filter| Self { text: text.to_owned(), filter }))
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What it means, with every bracket.
    pub fn in_words(&self) -> String {
        in_words(&self.filter)
    }

    /// Whether an entry passes.
    pub fn judge(&self, subject: &Subject<'_>, facts: &FilterFacts) -> Verdict {
        judge(&self.filter, subject, facts)
    }

    /// The custom-metadata fields that it names.
    pub fn metadata_fields(&self) -> BTreeSet<&str> {
        self.fields().into_iter().filter_map(MirrorField::custom).collect()
    }

    /// Whether it asks in which categories an entry is.
    pub fn names_categories(&self) -> bool {
        self.fields().contains(&MirrorField::Categories)
    }

    /// The members of an entry's object that it asks for.
    pub fn members(&self) -> Vec<String> {
        let of_object = |field: &&MirrorField| !matches!(field, MirrorField::Metadata(_) | MirrorField::Categories);
        self.fields().into_iter().filter(of_object).map(FilterField::name).collect()
    }

    /// Why it cannot be judged at all: it names a field that no profile has. Nothing while the schemas are unknown.
    pub fn trouble(&self, facts: &FilterFacts) -> Option<String> {
        let there = facts.fields.as_ref()?;
        let missing = self.metadata_fields().into_iter().find(|name| !there.contains_key(*name))?;
        let profiles: Vec<_> = facts.profiles.iter().map(ToString::to_string).collect();
        let (profiles, names) = (profiles.join(", "), there.keys().cloned().collect::<Vec<_>>().join(", "));
        Some(format!("metadata.{missing} is no field of metadata profile {profiles}; there are {names}"))
    }

    /// What a list of Kaltura's can select of it, exactly: no entry that passes is left out.
    pub fn narrowing(&self) -> Narrowing {
        let mut narrowing = Narrowing::default();
        for filter in conjuncts(&self.filter) {
            narrowing.take(filter);
        }
        narrowing
    }

    fn fields(&self) -> BTreeSet<&MirrorField> {
        let (mut fields, mut open) = (BTreeSet::new(), vec![&self.filter]);
        while let Some(filter) = open.pop() {
            match filter {
                Filter::All(filters) | Filter::Any(filters) => open.extend(filters),
                Filter::Not(filter) => open.push(filter),
                Filter::Where(field, _) => _ = fields.insert(field),
            }
        }
        fields
    }
}

impl fmt::Display for MirrorFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// What every entry that passes has, in Kaltura's values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Narrowing {
    /// One of these types.
    pub types: Option<Vec<String>>,
    /// One of these media types.
    pub media_types: Option<Vec<String>>,
    /// One of these states.
    pub states: Option<Vec<String>>,
    /// Created at this second or later.
    pub created_from: Option<i64>,
    /// Created at this second or earlier.
    pub created_to: Option<i64>,
}

impl Narrowing {
    fn take(&mut self, filter: &Filter<MirrorField>) {
        let Filter::Where(field, test) = filter else { return };
        match (field, test) {
            (MirrorField::Type, Test::In(values)) => self.types = Some(meant(field, values)),
            (MirrorField::Status, Test::In(values)) => self.states = Some(meant(field, values)),
            (MirrorField::MediaType, Test::In(values)) => {
                let numbers = values.iter().flat_map(|value| value.media_types().unwrap_or_default());
                self.media_types = Some(numbers.map(|number| number.to_string()).collect());
            }
            (MirrorField::CreatedAt, test) if *test != Test::Exists => {
                if let [range] = range::of(Kind::Time, test).as_slice() {
                    let (from, to) = range.whole();
                    self.created_from = self.created_from.max(from);
                    self.created_to = self.created_to.into_iter().chain(to).min();
                }
            }
            _ => {}
        }
    }
}

fn meant(field: &MirrorField, values: &[Literal]) -> Vec<String> {
    values.iter().map(|value| value_of(field.named(), &value.text).to_owned()).collect()
}

fn conjuncts(filter: &Filter<MirrorField>) -> Vec<&Filter<MirrorField>> {
    match filter {
        Filter::All(filters) => filters.iter().flat_map(conjuncts).collect(),
        other => vec![other],
    }
}

fn judge(filter: &Filter<MirrorField>, subject: &Subject<'_>, facts: &FilterFacts) -> Verdict {
    match filter {
        Filter::All(filters) => Verdict::all(filters.iter().map(|filter| judge(filter, subject, facts))),
        Filter::Any(filters) => Verdict::all(filters.iter().map(|filter| judge(filter, subject, facts).not())).not(),
        Filter::Not(filter) => judge(filter, subject, facts).not(),
        Filter::Where(MirrorField::Metadata(name), test) => {
            let kind = facts.fields.as_ref().and_then(|fields| fields.get(name));
            match (kind, subject.metadata) {
                (Some(kind), Some(metadata)) => Verdict::of(passes_custom(*kind, test, metadata.get(name))),
                _ => Verdict::Open,
            }
        }
        Filter::Where(MirrorField::Categories, test) => match subject.categories {
            Some(names) => {
                let values: Vec<_> = names.iter().flat_map(|name| paths(name)).map(str::to_owned).collect();
                Verdict::of(passes_text(test, &values, fold_value))
            }
            None => Verdict::Open,
        },
        Filter::Where(field, test) => Verdict::of(passes(field, test, subject.object)),
    }
}

fn passes(field: &MirrorField, test: &Test, object: &ApiObject) -> bool {
    let member = field.name();
    match field.kind() {
        Kind::Number | Kind::Time | Kind::MediaType => {
            let number = api_value::integer(object, &member);
            if *test == Test::Exists {
                number.is_some()
            } else {
                number.is_some_and(|it| in_ranges(field.kind(), test, it))
            }
        }
        _ => {
            let text = api_value::wording(object, &member).unwrap_or_default();
            let values = match field {
                MirrorField::Tags | MirrorField::AdminTags => api_value::comma_list(&text),
                _ => Some(text).into_iter().filter(|text| !text.is_empty()).collect(),
            };
            match field {
                MirrorField::Id => passes_text(test, &values, str::to_owned),
                _ => passes_text(test, &values, |text| fold_value(value_of(field.named(), text))),
            }
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "what is compared is below 2^53, or compared with what is far away")]
fn in_ranges(kind: Kind, test: &Test, number: i64) -> bool {
    range::of(kind, test).iter().any(|range| range.holds(number as f64))
}

/// Of several values, one is enough.
fn passes_text(test: &Test, values: &[String], fold: impl Fn(&str) -> String) -> bool {
    match test {
        Test::Exists => !values.is_empty(),
        Test::In(wanted) => {
            let wanted: Vec<String> = wanted.iter().map(|value| fold(&value.text)).collect();
            values.iter().any(|value| wanted.contains(&fold(value)))
        }
        // Texts have no order: the grammar lets no such test through.
        Test::Compare(..) | Test::Between(..) => false,
    }
}

/// Dates and numbers are compared as such, texts as texts: as the search does.
fn passes_custom(kind: MetadataKind, test: &Test, values: Option<&Vec<String>>) -> bool {
    let values = values.map(Vec::as_slice).unwrap_or_default();
    let is_one = |value: &&String| !value.trim().is_empty();
    match (kind, test) {
        (_, Test::Exists) => values.iter().any(|value| is_one(&value)),
        (MetadataKind::Text | MetadataKind::List, _) => passes_text(test, values, fold_value),
        (MetadataKind::Date | MetadataKind::Number, _) => {
            let ranges = range::of(Kind::Custom, test);
            let numbers = values.iter().filter_map(|value| value.trim().parse::<f64>().ok());
            numbers.into_iter().any(|number| ranges.iter().any(|range| range.holds(number)))
        }
    }
}

fn in_words(filter: &Filter<MirrorField>) -> String {
    let joined = |filters: &[Filter<MirrorField>], with: &str| {
        let parts: Vec<_> = filters.iter().map(in_words).collect();
        format!("({})", parts.join(with))
    };
    match filter {
        Filter::All(filters) => joined(filters, " and "),
        Filter::Any(filters) => joined(filters, " or "),
        Filter::Not(filter) => format!("not {}", in_words(filter)),
        Filter::Where(field, test) => format!("{} {}", field.name(), test_in_words(test)),
    }
}

fn test_in_words(test: &Test) -> String {
    match test {
        Test::Exists => "is there".to_owned(),
        Test::In(values) if values.is_empty() => "is one of nothing".to_owned(),
        Test::In(values) => {
            let values: Vec<_> = values.iter().map(|value| quoted(&value.text)).collect();
            if values.len() == 1 { format!("is {}", values[0]) } else { format!("is one of {}", values.join(", ")) }
        }
        Test::Compare(comparison, value) => {
            let side = match comparison {
                Comparison::Less => "less than",
                Comparison::AtMost => "at most",
                Comparison::Greater => "more than",
                Comparison::AtLeast => "at least",
            };
            format!("is {side} {}", value.text)
        }
        Test::Between(from, to) => format!("is from {} to {}", from.text, to.text),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::entry::as_object;

    fn filter(text: &str) -> MirrorFilter {
        MirrorFilter::parse(text, "SyncStatus").unwrap().unwrap()
    }

    fn facts() -> FilterFacts {
        let fields = [("Topic", MetadataKind::List), ("Released", MetadataKind::Date), ("Count", MetadataKind::Text)];
        FilterFacts {
            categories: BTreeMap::new(),
            profiles: vec![MetadataProfileId(18)],
            fields: Some(fields.map(|(name, kind)| (name.to_owned(), kind)).into()),
        }
    }

    fn judged(text: &str) -> Verdict {
        let object = as_object(json!({
            "id": "0_b7eejrrj", "type": 1, "mediaType": "1", "status": "2", "tags": "Boat, big ship", "adminTags": "internal",
            "referenceId": "AB-1", "userId": "jane", "duration": 90, "createdAt": 1_704_100_000, "updatedAt": 1_704_200_000
        }));
        let categories = ["Science>Physics".to_owned()];
        let metadata = [("Topic", "Sea"), ("Released", "1704067200"), ("Count", "7")];
        let metadata = metadata.map(|(name, value)| (name.to_owned(), vec![value.to_owned()])).into();
        let subject = Subject { object: &object.unwrap(), categories: Some(&categories), metadata: Some(&metadata) };
        filter(text).judge(&subject, &facts())
    }

    #[test]
    fn each_field_is_compared_as_what_it_holds() {
        for (text, verdict) in [
            ("id = 0_b7eejrrj", Verdict::In),
            ("id = 0_B7eejrrj", Verdict::Out),
            ("type = media", Verdict::In),
            ("type = 1", Verdict::In),
            ("type IN [live, playlist]", Verdict::Out),
            ("mediaType = video", Verdict::In),
            ("mediaType != video", Verdict::Out),
            ("status = READY", Verdict::In),
            ("status IN [2, 7]", Verdict::In),
            ("tags = boat", Verdict::In),
            ("tags = 'Big Ship'", Verdict::In),
            ("tags = ship", Verdict::Out),
            ("adminTags = internal", Verdict::In),
            ("categories = science", Verdict::In),
            ("categories = 'Science>Physics'", Verdict::In),
            ("categories = Physics", Verdict::Out),
            ("categories IS EMPTY", Verdict::Out),
            ("referenceId EXISTS", Verdict::In),
            ("userId = jane", Verdict::In),
            ("duration 60 TO 90", Verdict::In),
            ("duration > 90", Verdict::Out),
            ("createdAt = 2024-01-01", Verdict::In),
            ("createdAt > 2024-01-01", Verdict::Out),
            ("updatedAt > 2024-01-01", Verdict::In),
            ("metadata.Topic = SEA", Verdict::In),
            ("metadata.Topic EXISTS", Verdict::In),
            ("metadata.Released = 2024-01-01", Verdict::In),
            ("metadata.Released < 2024-01-01", Verdict::Out),
            ("metadata.Count > 5", Verdict::Out),
            ("metadata.Count = 7", Verdict::In),
            ("tags IN []", Verdict::Out),
        ] {
            assert_eq!(judged(text), verdict, "{text}");
        }
    }

    #[test]
    fn what_is_not_known_decides_nothing() {
        let object = as_object(json!({"id": "0_b7eejrrj", "tags": "a"})).unwrap();
        let subject = Subject { object: &object, categories: None, metadata: None };
        let judge = |text: &str| filter(text).judge(&subject, &facts());
        for (text, verdict) in [
            ("metadata.Topic = a", Verdict::Open),
            ("NOT metadata.Topic = a", Verdict::Open),
            ("categories = a", Verdict::Open),
            ("categories IS EMPTY", Verdict::Open),
            ("tags = a AND categories = a", Verdict::Open),
            ("tags = b AND categories = a", Verdict::Out),
            ("tags = a OR categories = a", Verdict::In),
            ("tags = b OR categories = a", Verdict::Open),
            ("NOT (tags = a OR categories = a)", Verdict::Out),
        ] {
            assert_eq!(judge(text), verdict, "{text}");
        }
        let unread = FilterFacts { fields: None, ..facts() };
        let values = MetadataValues::new();
        let subject = Subject { metadata: Some(&values), ..subject };
        assert_eq!(filter("metadata.Topic IS EMPTY").judge(&subject, &unread), Verdict::Open);
        assert_eq!(filter("metadata.Topic IS EMPTY").judge(&subject, &facts()), Verdict::In);
        assert_eq!(filter("metadata.Topik IS EMPTY").judge(&subject, &facts()), Verdict::Open);
        assert!(filter("metadata.Topik = a").trouble(&facts()).unwrap().contains("Count, Released, Topic"));
    }

    #[test]
    fn a_word_that_would_leave_everything_out_is_refused_with_its_place() {
        for (text, start, message) in [
            ("status = redy", 9, "ready"),
            ("type = film", 7, "media"),
            ("metadata.SyncStatus = 'Sync Done'", 0, "sync field"),
            ("metadata. = a", 0, "metadata.<field"),
            ("plays > 5", 0, "userId"),
            ("tags > 5", 7, "no order"),
            ("mediaType = film", 12, "video"),
        ] {
            let error = MirrorFilter::parse(text, "SyncStatus").unwrap_err();
            assert_eq!(error.span.start, start, "{text}: {error}");
            assert!(error.message.contains(message), "{text}: {error}");
        }
        assert_eq!(MirrorFilter::parse(" ", "SyncStatus"), Ok(None));
    }

    #[test]
    fn lists_are_narrowed_by_what_every_entry_that_passes_has() {
        let narrowing =
            filter("mediaType IN [video, 5] AND createdAt > 2024-01-01 AND (type = live AND tags = a)").narrowing();
        assert_eq!(narrowing.media_types, Some(vec!["1".to_owned(), "5".to_owned()]));
        assert_eq!(narrowing.types, Some(vec!["7".to_owned()]));
        assert_eq!((narrowing.created_from, narrowing.created_to), (Some(1_704_153_600), None));
        let day = filter("createdAt = 2024-01-01 AND createdAt < 1704070000 AND status = ready").narrowing();
        assert_eq!((day.created_from, day.created_to), (Some(1_704_067_200), Some(1_704_069_999)));
        assert_eq!(day.states, Some(vec!["2".to_owned()]));
        for open in ["mediaType = video OR tags = a", "NOT mediaType = video", "tags = a", "createdAt EXISTS"] {
            assert_eq!(filter(open).narrowing(), Narrowing::default(), "{open}");
        }
    }

    #[test]
    fn a_filter_says_what_it_means() {
        assert_eq!(
            filter("tags = a OR mediaType IN [video, audio] AND NOT duration <= 60").in_words(),
            "(tags is \"a\" or (mediaType is one of \"video\", \"audio\" and not duration is at most 60))"
        );
        assert_eq!(
            filter("referenceId EXISTS AND createdAt 2024-01 TO 2024-02").in_words(),
            "(referenceId is there and createdAt is from 2024-01 to 2024-02)"
        );
    }
}
