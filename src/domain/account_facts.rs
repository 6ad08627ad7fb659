//! What the policy and the decision need to know of an account: access-control profiles, categories, custom metadata.

use super::api_value::{self, ApiObject};
use super::ids::{AccessControlId, CategoryId, EntryId, MetadataId, MetadataProfileId, PartnerId};

/// One custom-metadata object: the XML of one profile on one entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetadataObject {
    /// Its id, for `metadata.update`.
    pub id: MetadataId,
    /// The account it belongs to.
    pub partner_id: PartnerId,
    /// The profile whose schema it follows.
    pub profile_id: MetadataProfileId,
    /// The entry it is about.
    pub entry_id: EntryId,
    /// Grows with every change of content (2, 12, 22, … on a stock server); what `update` is checked against.
    pub version: i64,
    /// The document, byte for byte as stored.
    pub xml: String,
}

impl MetadataObject {
    /// Reads a `KalturaMetadata` whose object is an entry.
    ///
    /// # Errors
    /// A text saying which member is missing or wrong.
    pub fn from_api(object: &ApiObject) -> Result<Self, String> {
        let number = |member: &str| {
            api_value::integer(object, member).ok_or_else(|| format!("a metadata object without {member}"))
        };
        let id = number("id")?;
        let entry = api_value::text(object, "objectId").ok_or_else(|| format!("metadata {id} without an objectId"))?;
        Ok(Self {
            id: MetadataId(id),
            partner_id: PartnerId(number("partnerId")?),
            profile_id: MetadataProfileId(number("metadataProfileId")?),
            entry_id: entry.parse().map_err(|error| format!("metadata {id}: {error}"))?,
            version: number("version")?,
            xml: api_value::text(object, "xml").unwrap_or_default(),
        })
    }
}

/// An entry's place in a category.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CategoryMembership {
    /// The entry.
    pub entry_id: EntryId,
    /// The category.
    pub category_id: CategoryId,
    /// 1 pending, 2 active, 3 deleted, 4 rejected.
    pub status: i64,
}

impl CategoryMembership {
    /// Reads a `KalturaCategoryEntry`.
    ///
    /// # Errors
    /// A text saying which member is missing or wrong.
    pub fn from_api(object: &ApiObject) -> Result<Self, String> {
        let entry = api_value::text(object, "entryId").ok_or("a category entry without an entryId")?;
        let category = api_value::integer(object, "categoryId")
            .ok_or_else(|| format!("a category entry of {entry} without a categoryId"))?;
        Ok(Self {
            entry_id: entry.parse().map_err(|error| format!("a category entry: {error}"))?,
            category_id: CategoryId(category),
            status: api_value::integer(object, "status").unwrap_or(2),
        })
    }

    /// In the category for visitors.
    pub fn is_active(&self) -> bool {
        self.status == 2
    }

    /// Neither deleted nor rejected: may become active, so its restriction already counts.
    pub fn counts(&self) -> bool {
        !matches!(self.status, 3 | 4)
    }
}

/// Separates the names of a category's full path.
pub const PATH_SEPARATOR: char = '>';

/// A category's full name and each one above it, the shortest first.
pub fn paths(full_name: &str) -> impl Iterator<Item = &str> {
    let above = full_name.match_indices(PATH_SEPARATOR).map(|(at, _)| &full_name[..at]);
    above.chain([full_name]).filter(|path| !path.is_empty())
}

/// An access-control profile, as far as the policy cares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessControlProfile {
    /// Its id.
    pub id: AccessControlId,
    /// Its name, for messages.
    pub name: String,
    /// Whether it restricts anything at all.
    pub has_rules: bool,
}

impl AccessControlProfile {
    /// Reads a `KalturaAccessControlProfile`. A profile whose rules are missing or unreadable counts as having some.
    ///
    /// # Errors
    /// A text saying that the id is missing.
    pub fn from_api(object: &ApiObject) -> Result<Self, String> {
        let id = api_value::integer(object, "id").ok_or("an access control profile without an id")?;
        let open = match object.get("rules") {
            Some(serde_json::Value::Array(rules)) => rules.is_empty(),
            Some(serde_json::Value::String(text)) => text.is_empty(),
            _ => false,
        };
        Ok(Self {
            id: AccessControlId(id),
            name: api_value::text(object, "name").unwrap_or_default(),
            has_rules: !open,
        })
    }
}

/// A category, as far as the policy and the public answer care.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Category {
    /// Its id.
    pub id: CategoryId,
    /// Path of names, for example `Portal>Members`.
    pub full_name: String,
    /// Privacy contexts in force, own or inherited; empty when anybody may look.
    pub privacy_contexts: Vec<String>,
}

impl Category {
    /// Reads a `KalturaCategory`; both its own and its inherited privacy contexts count.
    ///
    /// # Errors
    /// A text saying that the id is missing.
    pub fn from_api(object: &ApiObject) -> Result<Self, String> {
        let id = api_value::integer(object, "id").ok_or("a category without an id")?;
        let list = |member| api_value::comma_list(&api_value::text(object, member).unwrap_or_default());
        let mut privacy_contexts = list("privacyContexts");
        privacy_contexts.extend(list("privacyContext"));
        privacy_contexts.sort();
        privacy_contexts.dedup();
        Ok(Self {
            id: CategoryId(id),
            full_name: api_value::text(object, "fullName").unwrap_or_default(),
            privacy_contexts,
        })
    }
}

/// A metadata profile: the schema of one kind of custom metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetadataProfile {
    /// Its id.
    pub id: MetadataProfileId,
    /// Its name; not unique.
    pub name: String,
    /// Its system name; unique in the account when set.
    pub system_name: Option<String>,
    /// Grows when the schema changes.
    pub version: i64,
    /// 1 active, 2 deprecated, 3 transforming.
    pub status: i64,
    /// 1 when it describes entries.
    pub object_type: String,
    /// The schema's text.
    pub xsd: String,
}

impl MetadataProfile {
    /// Reads a `KalturaMetadataProfile`.
    ///
    /// # Errors
    /// A text saying that the id is missing.
    pub fn from_api(object: &ApiObject) -> Result<Self, String> {
        let id = api_value::integer(object, "id").ok_or("a metadata profile without an id")?;
        Ok(Self {
            id: MetadataProfileId(id),
            name: api_value::text(object, "name").unwrap_or_default(),
            system_name: api_value::text(object, "systemName"),
            version: api_value::integer(object, "version").unwrap_or(0),
            status: api_value::integer(object, "status").unwrap_or(1),
            object_type: api_value::text(object, "metadataObjectType").unwrap_or_default(),
            xsd: api_value::text(object, "xsd").unwrap_or_default(),
        })
    }
}
