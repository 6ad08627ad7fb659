//! `caption_captionasset`: captions of entries.

use super::Context;
use super::flavor_asset::visible_entries;
use crate::simulator::asset_objects::caption_object;
use crate::simulator::lists::page_response;
use crate::simulator::outcome::Outcome;

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
