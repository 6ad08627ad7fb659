//! Flavors, thumbnails and captions as the API shows them.

use serde_json::{Value, json};

use super::assets::{SimCaption, SimFlavor, SimThumbAsset};
use super::state::SimAccount;
use crate::domain::ids::EntryId;

/// `KalturaFlavorAsset`.
pub fn flavor_object(account: &SimAccount, entry: &EntryId, flavor: &SimFlavor) -> Value {
    // Kaltura keeps an original's size as text and an encoding's as a number.
    let size_bytes = if flavor.is_original { json!(flavor.size_bytes.to_string()) } else { json!(flavor.size_bytes) };
    json!({
        "id": flavor.id,
        "entryId": entry,
        "partnerId": account.partner_id,
        "version": flavor.version.to_string(),
        "size": flavor.size,
        "tags": flavor.tags,
        "fileExt": flavor.file_ext,
        "createdAt": flavor.created_at,
        "updatedAt": flavor.updated_at,
        "description": "",
        "sizeInBytes": size_bytes,
        "flavorParamsId": flavor.flavor_params_id,
        "width": flavor.width,
        "height": flavor.height,
        "bitrate": flavor.bitrate,
        "frameRate": flavor.frame_rate,
        "isOriginal": flavor.is_original,
        "isWeb": flavor.is_web,
        "containerFormat": flavor.container_format,
        "videoCodecId": flavor.video_codec_id,
        "status": flavor.status,
        "language": flavor.language,
        "label": flavor.label,
        "isDefault": false,
        "objectType": "KalturaFlavorAsset",
    })
}

/// `KalturaThumbAsset`.
pub fn thumb_asset_object(account: &SimAccount, entry: &EntryId, thumb: &SimThumbAsset) -> Value {
    json!({
        "id": thumb.id,
        "entryId": entry,
        "partnerId": account.partner_id,
        "version": thumb.version.to_string(),
        "size": thumb.size_bytes,
        "tags": thumb.tags,
        "fileExt": thumb.file_ext,
        "createdAt": thumb.created_at,
        "updatedAt": thumb.updated_at,
        "description": "",
        "sizeInBytes": thumb.size_bytes.to_string(),
        "thumbParamsId": 0,
        "width": thumb.width,
        "height": thumb.height,
        "status": thumb.status,
        "objectType": "KalturaThumbAsset",
    })
}

/// `KalturaCaptionAsset`.
pub fn caption_object(account: &SimAccount, entry: &EntryId, caption: &SimCaption) -> Value {
    json!({
        "id": caption.id,
        "entryId": entry,
        "partnerId": account.partner_id,
        "version": caption.version.to_string(),
        "size": caption.content.len(),
        "tags": caption.tags,
        "fileExt": caption.file_ext,
        "createdAt": caption.created_at,
        "updatedAt": caption.updated_at,
        "description": "",
        "sizeInBytes": caption.content.len().to_string(),
        "captionParamsId": 0,
        "language": caption.language,
        "languageCode": caption.language_code,
        "isDefault": caption.is_default,
        "label": caption.label,
        "format": caption.format,
        "status": caption.status,
        "displayOnPlayer": caption.display_on_player,
        "usage": 0,
        "objectType": "KalturaCaptionAsset",
    })
}
