//! `caption_captionasset`: captions of entries.

use serde_json::Value;

use super::flavor_asset::visible_entries;
use super::{Context, base_entry};
use crate::domain::ids::EntryId;
use crate::simulator::asset_objects::caption_object;
use crate::simulator::assets::SimCaption;
use crate::simulator::lists::page_response;
use crate::simulator::outcome::{ApiError, Outcome};

pub fn list(context: &mut Context) -> Outcome {
    let ids = visible_entries(context, &context.params.object("filter"))?;
    let account = &*context.account;
    let rows: Vec<_> = ids
        .iter()
        .filter_map(|id| Some((id, account.captions.get(id)?)))
        .flat_map(|(id, captions)| captions.iter().map(move |caption| (id, caption)))
        .filter(|(_, caption)| caption.status != 3)
        .collect();
    Ok(page_response("KalturaCaptionAssetListResponse", context.params, &rows, |(id, caption)| {
        caption_object(account, id, caption)
    }))
}

pub fn get(context: &mut Context) -> Outcome {
    let id = context.required("captionAssetId")?;
    let (entry, caption) = find(context, &id)?;
    Ok(caption_object(context.account, &entry, &caption))
}

/// Where the file is: with the session in the URL, as at Kaltura.
pub fn get_url(context: &mut Context) -> Outcome {
    let id = context.required("id")?;
    let (_, caption) = find(context, &id)?;
    if caption.status != READY {
        return Err(ApiError::plain("CAPTION_ASSET_IS_NOT_READY", &format!("Caption asset \"{id}\" is not ready")));
    }
    let version = if caption.version > 1 { format!("/v/{}", caption.version) } else { String::new() };
    let ks = context.params.text("ks").map(|ks| format!("/ks/{ks}")).unwrap_or_default();
    let action = "api_v3/index.php/service/caption_captionAsset/action/serve";
    Ok(Value::from(format!("{}/{action}/captionAssetId/{id}{version}{ks}", context.account.cdn_url)))
}

/// The id of the caption whose file is served. The file itself is no value of the API: see `simulator::files`.
pub fn serve(context: &mut Context) -> Outcome {
    let id = context.required("captionAssetId")?;
    find(context, &id).map(|(_, caption)| Value::from(caption.id))
}

const READY: i64 = 2;
const DELETED: i64 = 3;

fn find(context: &Context, id: &str) -> Result<(EntryId, SimCaption), ApiError> {
    let found = context.account.captions.iter().find_map(|(entry, captions)| {
        let caption = captions.iter().find(|caption| caption.id == id && caption.status != DELETED)?;
        base_entry::find_entry(context, entry.as_str()).map(|_| (entry.clone(), caption.clone()))
    });
    found.ok_or_else(|| {
        ApiError::new("CAPTION_ASSET_ID_NOT_FOUND", &[("ASSET_ID", id)], |v| {
            format!("Caption asset id \"{}\" not found", v[0])
        })
    })
}
