//! What entries were told when an index was made: which members, which custom-metadata fields of which kind. When that
//! changes, the index is made anew; when less is told than before, the old one does not serve until then.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::domain::public_entry::MetadataKind;
use crate::store::{PublicShape, PublicShapes};

/// What is told of every account's entries, as far as it makes a difference to an index: not how an account is called.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Told {
    accounts: BTreeMap<i64, OfAccount>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct OfAccount {
    /// The members that leave; all of them when absent.
    members: Option<BTreeSet<String>>,
    /// The metadata profile whose fields are told.
    profile: Option<i64>,
    /// The custom-metadata fields that are told, and what each holds.
    fields: BTreeMap<String, String>,
}

impl Told {
    pub(super) fn of(shapes: &PublicShapes) -> Self {
        Self { accounts: shapes.iter().map(|(account, shape)| (account.0, OfAccount::of(shape))).collect() }
    }

    /// Whether all of this is told by `other` as well.
    pub(super) fn is_within(&self, other: &Self) -> bool {
        self.accounts
            .iter()
            .all(|(account, told)| other.accounts.get(account).is_some_and(|other| told.is_within(other)))
    }
}

impl OfAccount {
    fn of(shape: &PublicShape) -> Self {
        let tells_metadata = shape.publish.tells("metadata") && shape.content_profile.is_some();
        let fields = if tells_metadata { shape.told_fields() } else { Vec::new() };
        Self {
            members: shape.publish.fields.as_deref().cloned(),
            profile: shape.content_profile.map(|profile| profile.0).filter(|_| !fields.is_empty()),
            fields: fields
                .into_iter()
                .map(|field| (field.to_owned(), kind_of(shape, field).as_str().to_owned()))
                .collect(),
        }
    }

    fn is_within(&self, other: &Self) -> bool {
        let members = match (&self.members, &other.members) {
            (_, None) => true,
            (None, Some(_)) => false,
            (Some(own), Some(others)) => own.is_subset(others),
        };
        let fields = self.fields.keys().all(|field| other.fields.contains_key(field));
        members && fields && (self.profile.is_none() || self.profile == other.profile)
    }
}

/// What a field holds; text when its schema does not say.
pub(super) fn kind_of(shape: &PublicShape, field: &str) -> MetadataKind {
    shape.kinds.get(field).copied().unwrap_or(MetadataKind::Text)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::domain::ids::{AccountId, MetadataProfileId};

    fn shape(fields: &[&str], members: Option<&[&str]>) -> PublicShape {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<BTreeSet<_>>();
        let mut shape = PublicShape {
            content_profile: Some(MetadataProfileId(5)),
            searchable: texts(fields),
            ..PublicShape::default()
        };
        shape.publish.fields = members.map(|members| Arc::new(texts(members)));
        shape
    }

    fn told(shape: PublicShape) -> Told {
        Told::of(&PublicShapes::from([(AccountId(1), shape)]))
    }

    #[test]
    fn what_an_account_is_called_makes_no_difference() {
        let named = PublicShape { label: "other".into(), ..shape(&["Topic"], None) };
        assert_eq!(told(named), told(shape(&["Topic"], None)));
    }

    #[test]
    fn less_is_within_more_and_more_is_not_within_less() {
        let cases = [
            (shape(&["Topic"], None), shape(&["Topic", "Speaker"], None)),
            (shape(&["Topic"], Some(&["name"])), shape(&["Topic"], None)),
            (shape(&["Topic"], Some(&["name"])), shape(&["Topic"], Some(&["name", "tags"]))),
            (shape(&[], None), shape(&["Topic"], None)),
        ];
        for (less, more) in cases {
            assert!(told(less.clone()).is_within(&told(more.clone())));
            assert!(!told(more).is_within(&told(less)));
        }
        assert!(!told(shape(&[], None)).is_within(&Told::default()));
    }

    #[test]
    fn fields_of_another_profile_are_other_fields() {
        let other = PublicShape { content_profile: Some(MetadataProfileId(6)), ..shape(&["Topic"], None) };
        assert!(!told(shape(&["Topic"], None)).is_within(&told(other)));
    }

    #[test]
    fn a_field_that_holds_something_else_now_is_told_otherwise() {
        let kinds = BTreeMap::from([("Topic".to_owned(), MetadataKind::Date)]);
        let dated = PublicShape { kinds, ..shape(&["Topic"], None) };
        assert_ne!(told(dated), told(shape(&["Topic"], None)));
    }
}
