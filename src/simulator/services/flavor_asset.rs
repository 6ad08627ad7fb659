//! `flavorAsset`: the encodings of entries.

use super::{Context, NOTHING, base_entry};
use crate::domain::ids::EntryId;
use crate::simulator::asset_objects::flavor_object;
use crate::simulator::assets::SimFlavor;
use crate::simulator::edits::assets;
use crate::simulator::lists::page_response;
use crate::simulator::outcome::{ApiError, Outcome};
use crate::simulator::params::Params;

pub fn list(context: &mut Context) -> Outcome {
    let ids = visible_entries(context, &context.params.object("filter"))?;
    let account = &*context.account;
    let mut rows: Vec<(&EntryId, &SimFlavor)> = ids
        .iter()
        .filter_map(|id| Some((id, account.flavors.get(id)?)))
        .flat_map(|(id, flavors)| flavors.iter().map(move |flavor| (id, flavor)))
        .filter(|(_, flavor)| flavor.status != 3)
        .collect();
    if ids.len() > 1 {
        rows.sort_by_key(|(id, _)| *id);
    }
    Ok(page_response("KalturaFlavorAssetListResponse", context.params, &rows, |(id, flavor)| {
        flavor_object(account, id, flavor)
    }))
}

pub fn get_by_entry_id(context: &mut Context) -> Outcome {
    let id = base_entry::find(context)?;
    let flavors = context.account.flavors.get(&id).map(Vec::as_slice).unwrap_or_default();
    let there = flavors.iter().filter(|flavor| flavor.status != 3);
    Ok(there.map(|flavor| flavor_object(context.account, &id, flavor)).collect())
}

pub fn delete(context: &mut Context) -> Outcome {
    let id = context.required("id")?;
    if assets::delete_flavor(context.account, &id) {
        return NOTHING;
    }
    Err(ApiError::new("FLAVOR_ASSET_ID_NOT_FOUND", &[("ID", &id)], |v| {
        format!("Flavor asset id \"{}\" not found", v[0])
    }))
}

/// The entries an asset filter names, as far as they are there and may be seen.
///
/// # Errors
/// Assets are listed by entry only.
pub fn visible_entries(context: &Context, filter: &Params) -> Result<Vec<EntryId>, ApiError> {
    let ids = filter.comma_list("entryIdEqual").or_else(|| filter.comma_list("entryIdIn")).ok_or_else(|| {
        let name = "entryIdEqual,entryIdIn";
        ApiError::new("PROPERTY_VALIDATION_CANNOT_BE_NULL", &[("PROP_NAME", name)], |v| {
            format!("The property \"{}\" cannot be null", v[0])
        })
    })?;
    let there = ids.iter().filter_map(|id| base_entry::find_entry(context, id));
    Ok(there.map(|entry| entry.id.clone()).collect())
}
