//! `thumbAsset`: pictures of entries.

use super::flavor_asset::visible_entries;
use super::{Context, NOTHING, base_entry};
use crate::simulator::asset_objects::thumb_asset_object;
use crate::simulator::assets::SimThumbAsset;
use crate::simulator::edits::assets;
use crate::simulator::lists::page_response;
use crate::simulator::outcome::{ApiError, Outcome};

pub fn list(context: &mut Context) -> Outcome {
    let ids = visible_entries(context, &context.params.object("filter"))?;
    let account = &*context.account;
    let rows: Vec<_> = ids
        .iter()
        .filter_map(|id| Some((id, account.thumb_assets.get(id)?)))
        .flat_map(|(id, thumbs)| thumbs.iter().map(move |thumb| (id, thumb)))
        .filter(|(_, thumb)| thumb.status != 3)
        .collect();
    Ok(page_response("KalturaThumbAssetListResponse", context.params, &rows, |(id, thumb)| {
        thumb_asset_object(account, id, thumb)
    }))
}

pub fn get(context: &mut Context) -> Outcome {
    let id = context.required("thumbAssetId")?;
    let account = &*context.account;
    let found = account.thumb_assets.iter().find_map(|(entry, thumbs)| {
        let thumb = thumbs.iter().find(|thumb| thumb.id == id && thumb.status != 3)?;
        base_entry::find_entry(context, entry.as_str()).map(|_| thumb_asset_object(account, entry, thumb))
    });
    found.ok_or_else(|| not_found(&id))
}

/// A new picture of an entry; which one does not matter here.
pub fn add_from_image(context: &mut Context) -> Outcome {
    let entry = base_entry::find(context)?;
    let (id, now) = (context.account.make_object_id(), context.account.now());
    let thumb = SimThumbAsset {
        id,
        version: 2,
        tags: String::new(),
        file_ext: "jpg".to_owned(),
        created_at: now,
        updated_at: now,
        size_bytes: 48_211,
        width: 640,
        height: 360,
        status: 2,
    };
    let shown = thumb_asset_object(context.account, &entry, &thumb);
    assets::add_thumb_asset(context.account, &entry, thumb);
    Ok(shown)
}

pub fn set_as_default(context: &mut Context) -> Outcome {
    let id = context.required("thumbAssetId")?;
    if assets::set_default_thumb_asset(context.account, &id) { NOTHING } else { Err(not_found(&id)) }
}

fn not_found(id: &str) -> ApiError {
    ApiError::new("THUMB_ASSET_ID_NOT_FOUND", &[("ID", id)], |v| {
        format!("The Thumbnail asset id \"{}\" not found", v[0])
    })
}
