//! Custom metadata: the schema (profile) and the documents that follow it.

use crate::domain::ids::{MetadataId, MetadataProfileId};

/// A schema of custom metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SimMetadataProfile {
    /// The number.
    pub id: MetadataProfileId,
    /// 1 entry, 2 category, 3 user.
    pub object_type: i64,
    /// Grows in steps of ten from 2, like a metadata object's.
    pub version: i64,
    /// Not unique.
    pub name: String,
    /// Unique in the account.
    pub system_name: Option<String>,
    /// Free text.
    pub description: Option<String>,
    /// Unix seconds.
    pub created_at: i64,
    /// Unix seconds.
    pub updated_at: i64,
    /// 1 active, 2 deprecated, 3 transforming.
    pub status: i64,
    /// The schema, XML text.
    pub xsd: String,
    /// 1 API, 2 KMC, 3 application.
    pub create_mode: Option<i64>,
    /// The ids of its fields, in schema order: Kaltura numbers fields across the account.
    pub first_field_id: i64,
}

impl SimMetadataProfile {
    /// An active profile for entries, as the console makes it.
    pub fn for_entries(id: MetadataProfileId, name: &str, xsd: &str, at: i64) -> Self {
        Self {
            id,
            object_type: 1,
            version: 2,
            name: name.to_owned(),
            system_name: Some(name.to_owned()),
            description: None,
            created_at: at,
            updated_at: at,
            status: 1,
            xsd: xsd.to_owned(),
            create_mode: Some(2),
            first_field_id: 23,
        }
    }
}

/// One document: an entry's custom metadata of one profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SimMetadata {
    /// The number.
    pub id: MetadataId,
    /// Its profile.
    pub profile_id: MetadataProfileId,
    /// The profile's version when it was written.
    pub profile_version: i64,
    /// 2 at first, then 12, 22, …: the last digit tells the data centre.
    pub version: i64,
    /// Unix seconds.
    pub created_at: i64,
    /// Unix seconds.
    pub updated_at: i64,
    /// 1 valid, 2 invalid, 3 deleted; only 1 is ever answered.
    pub status: i64,
    /// The document, byte for byte as it was sent.
    pub xml: String,
}

impl SimMetadata {
    /// A new document: version 2, valid.
    pub fn new(id: MetadataId, profile: &SimMetadataProfile, xml: &str, at: i64) -> Self {
        Self {
            id,
            profile_id: profile.id,
            profile_version: profile.version,
            version: 2,
            created_at: at,
            updated_at: at,
            status: 1,
            xml: xml.to_owned(),
        }
    }

    /// Takes over another text, as a write does: the version goes to the next ten. An identical text changes nothing.
    ///
    /// Returns whether anything changed.
    pub fn rewrite(&mut self, xml: &str, profile_version: i64, at: i64) -> bool {
        if self.xml == xml {
            return false;
        }
        xml.clone_into(&mut self.xml);
        self.version += 10;
        self.profile_version = profile_version;
        self.updated_at = at;
        true
    }
}
