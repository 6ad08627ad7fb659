//! The fields a query may name, and which of them are published.

use std::collections::BTreeSet;

use crate::domain::entry::ENTRY_TYPES;
use crate::domain::filter::error::quoted;
use crate::domain::filter::value::Literal;
use crate::domain::filter::{FilterField, Kind};
use crate::store::PublicShape;

/// A field of a public entry, by the name it has there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// `id`
    Id,
    /// `account`
    Account,
    /// `name`
    Name,
    /// `description`
    Description,
    /// `tags`
    Tags,
    /// `categories`
    Categories,
    /// `captions`: what is said
    Captions,
    /// `referenceId`
    ReferenceId,
    /// `type`: `media`, `playlist`, `live`, …, or Kaltura's value
    Type,
    /// `mediaType`
    MediaType,
    /// `duration`, in seconds
    Duration,
    /// `createdAt`
    CreatedAt,
    /// `updatedAt`
    UpdatedAt,
    /// `startDate`
    StartDate,
    /// `endDate`
    EndDate,
    /// `plays`
    Plays,
    /// `isLive`: a live entry is on the air
    IsLive,
    /// `metadata.<name>`
    Metadata(String),
}

/// What a query wants of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// `field:value` among the words.
    Words,
    /// A condition of the filter.
    Filter,
    /// Values counted.
    Facet,
    /// The order of the hits.
    Sort,
    /// Marked in the answer.
    Highlight,
}

const PLAIN: [Field; 17] = [
    Field::Id,
    Field::Account,
    Field::Name,
    Field::Description,
    Field::Tags,
    Field::Categories,
    Field::Captions,
    Field::ReferenceId,
    Field::Type,
    Field::MediaType,
    Field::Duration,
    Field::CreatedAt,
    Field::UpdatedAt,
    Field::StartDate,
    Field::EndDate,
    Field::Plays,
    Field::IsLive,
];

/// What stands before the name of a custom-metadata field.
const METADATA: &str = "metadata.";

impl FilterField for Field {
    fn name(&self) -> String {
        match self {
            Self::Metadata(name) => format!("{METADATA}{name}"),
            Self::IsLive => "isLive".to_owned(),
            plain => plain.member().to_owned(),
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Name | Self::Description | Self::Captions => Kind::Text,
            Self::Id
            | Self::Account
            | Self::Tags
            | Self::Categories
            | Self::ReferenceId
            | Self::Type
            | Self::IsLive => Kind::Keyword,
            Self::MediaType => Kind::MediaType,
            Self::Duration | Self::Plays => Kind::Number,
            Self::CreatedAt | Self::UpdatedAt | Self::StartDate | Self::EndDate => Kind::Time,
            Self::Metadata(_) => Kind::Custom,
        }
    }

    /// A type or a truth that there is not would find nothing.
    fn admit(&self, value: &Literal) -> Result<(), String> {
        let name = self.name();
        match self {
            Self::Type => value.admit(&name, &ENTRY_TYPES),
            Self::IsLive if !matches!(value.text.as_str(), "true" | "false") => {
                Err(format!("{name} is true or false, not {}", quoted(&value.text)))
            }
            _ => Ok(()),
        }
    }
}

impl Field {
    /// The member of a public entry that it lies in.
    pub fn member(&self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Account => "account",
            Self::Name => "name",
            Self::Description => "description",
            Self::Tags => "tags",
            Self::Categories => "categories",
            Self::Captions => "captions",
            Self::ReferenceId => "referenceId",
            Self::Type => "type",
            Self::MediaType => "mediaType",
            Self::Duration => "duration",
            Self::CreatedAt => "createdAt",
            Self::UpdatedAt => "updatedAt",
            Self::StartDate => "startDate",
            Self::EndDate => "endDate",
            Self::Plays => "plays",
            Self::IsLive => "live",
            Self::Metadata(_) => "metadata",
        }
    }

    fn serves(&self, purpose: Use) -> bool {
        let kind = self.kind();
        match purpose {
            Use::Words => true,
            Use::Filter => kind != Kind::Text,
            Use::Facet => {
                matches!(
                    self,
                    Self::Account
                        | Self::Tags
                        | Self::Categories
                        | Self::Type
                        | Self::MediaType
                        | Self::IsLive
                        | Self::Metadata(_)
                )
            }
            Use::Sort => matches!(self, Self::CreatedAt | Self::UpdatedAt | Self::Name | Self::Duration | Self::Plays),
            Use::Highlight => {
                matches!(kind, Kind::Text | Kind::Custom) || matches!(self, Self::Tags | Self::Categories)
            }
        }
    }
}

/// The fields that leave the house, of all accounts that are searched.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Published {
    fields: BTreeSet<Field>,
}

impl Published {
    /// What these shapes tell, taken together.
    pub fn of<'a>(shapes: impl IntoIterator<Item = &'a PublicShape>) -> Self {
        let mut fields = BTreeSet::from([Field::Id, Field::Account]);
        for shape in shapes {
            let tells = |field: &Field| shape.publish.tells(field.member());
            fields.extend(PLAIN.into_iter().filter(tells));
            let metadata = shape.told_fields().into_iter().map(|name| Field::Metadata(name.to_owned()));
            fields.extend(metadata.filter(tells));
        }
        Self { fields }
    }

    /// Those that serve this purpose, by name.
    pub fn serving(&self, purpose: Use) -> impl Iterator<Item = &Field> {
        self.fields.iter().filter(move |field| field.serves(purpose))
    }

    /// Whether the field is told at all.
    pub fn tells(&self, field: &Field) -> bool {
        self.fields.contains(field)
    }

    /// The field of this name.
    ///
    /// # Errors
    /// A text that says which fields there are. Not published and unknown look the same.
    pub fn find(&self, name: &str, purpose: Use) -> Result<&Field, String> {
        let found = self.fields.iter().find(|field| field.name() == name);
        found.filter(|field| field.serves(purpose)).ok_or_else(|| {
            let there: Vec<_> = self.serving(purpose).map(Field::name).collect();
            let there = there.join(", ");
            let what = match purpose {
                Use::Words => "field to search in; put the text in quotes if it is none, or search in",
                Use::Filter => "field to filter by; there are",
                Use::Facet => "field to count; there are",
                Use::Sort => "field to sort by; there are relevance,",
                Use::Highlight => "field to mark; there are",
            };
            format!("{} is no {what} {there}", quoted(name))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::domain::public_entry::PublishFields;

    fn shape(searchable: &[&str]) -> PublicShape {
        PublicShape {
            searchable: searchable.iter().map(|name| (*name).to_owned()).collect(),
            sync_field: "SyncStatus".to_owned(),
            ..PublicShape::default()
        }
    }

    #[test]
    fn the_fields_are_those_that_some_account_tells() {
        let published = Published::of(&[shape(&["Topic", "SyncStatus"]), shape(&["Speakers"])]);
        for name in ["metadata.Topic", "metadata.Speakers", "tags", "duration", "id"] {
            assert!(published.find(name, Use::Filter).is_ok(), "{name}");
        }
        for name in ["metadata.SyncStatus", "metadata.Secret", "Topic", "adminTags", "name", "", "metadata."] {
            assert!(published.find(name, Use::Filter).is_err(), "{name}");
        }
    }

    #[test]
    fn a_member_that_publish_leaves_out_is_no_field() {
        let only = |members: &[&str]| PublicShape {
            publish: PublishFields {
                fields: Some(Arc::new(members.iter().map(|name| (*name).to_owned()).collect())),
                ..PublishFields::default()
            },
            ..shape(&["Topic"])
        };
        let published = Published::of(&[only(&["name", "tags"])]);
        let of = |purpose| published.serving(purpose).map(Field::name).collect::<Vec<_>>();
        assert_eq!(of(Use::Facet), ["account", "tags"]);
        assert_eq!(of(Use::Sort), ["name"]);
        assert!(Published::of(&[only(&["metadata"])]).find("metadata.Topic", Use::Facet).is_ok());
    }

    #[test]
    fn an_unknown_field_is_told_with_those_there_are() {
        let told = Published::of(&[shape(&["Topic"])]).find("speaker", Use::Facet).unwrap_err();
        assert_eq!(
            told,
            "\"speaker\" is no field to count; there are account, tags, categories, type, mediaType, isLive, metadata.Topic"
        );
    }
}
