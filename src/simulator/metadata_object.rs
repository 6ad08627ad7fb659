//! Custom metadata and its profiles as the API shows them.

use serde_json::{Value, json};

use crate::domain::ids::EntryId;

use super::custom_metadata::{SimMetadata, SimMetadataProfile};
use super::state::SimAccount;

/// `KalturaMetadata`.
pub fn metadata_object(account: &SimAccount, entry: &EntryId, metadata: &SimMetadata) -> Value {
    json!({
        "id": metadata.id,
        "partnerId": account.partner_id,
        "metadataProfileId": metadata.profile_id,
        "metadataProfileVersion": metadata.profile_version,
        "metadataObjectType": 1,
        "objectId": entry,
        "version": metadata.version,
        "createdAt": metadata.created_at,
        "updatedAt": metadata.updated_at,
        "status": metadata.status,
        "xml": metadata.xml,
        "objectType": "KalturaMetadata",
    })
}

/// `KalturaMetadataProfile`.
pub fn profile_object(account: &SimAccount, profile: &SimMetadataProfile) -> Value {
    json!({
        "id": profile.id,
        "partnerId": account.partner_id,
        "metadataObjectType": profile.object_type,
        "version": profile.version,
        "name": profile.name,
        "systemName": profile.system_name,
        "description": profile.description,
        "createdAt": profile.created_at,
        "updatedAt": profile.updated_at,
        "status": profile.status,
        "xsd": profile.xsd,
        "createMode": profile.create_mode,
        "disableReIndexing": false,
        "objectType": "KalturaMetadataProfile",
    })
}
