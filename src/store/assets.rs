//! Renditions and subtitles of mirrored entries.

use serde::Serialize;

use super::error::Error;
use super::rows::{self, RowId};
use super::writer::WriteTx;
use crate::domain::api_value::ApiObject;
use crate::domain::caption::Caption;
use crate::domain::entry::Flavor;

#[derive(Serialize)]
struct FlavorRow<'a> {
    row_id: RowId,
    asset_id: &'a str,
    status: &'a str,
    width: Option<i64>,
    height: Option<i64>,
    bitrate_kbps: Option<i64>,
    container_format: Option<&'a str>,
    object: &'a ApiObject,
}

/// Keeps these flavors, in place of all that these entries had before.
pub(super) async fn replace_flavors(
    tx: &mut WriteTx,
    replaced: &[RowId],
    flavors: Vec<(RowId, &Flavor)>,
) -> Result<(), Error> {
    let flavors: Vec<_> = flavors
        .into_iter()
        .map(|(row_id, flavor)| FlavorRow {
            row_id,
            asset_id: &flavor.id,
            status: &flavor.status,
            width: flavor.width,
            height: flavor.height,
            bitrate_kbps: flavor.bitrate_kbps,
            container_format: flavor.container_format.as_deref(),
            object: &flavor.object,
        })
        .collect();
    if !replaced.is_empty() {
        sqlx::query("delete from assets where row_id in (select value from json_each(?)) and kind = 'flavor'")
            .bind(rows::parameter(replaced))
            .execute(&mut **tx)
            .await?;
    }
    sqlx::query(
        "insert or replace into assets
             (row_id, kind, asset_id, status, width, height, bitrate_kbps, container_format, object)
         select value ->> 'row_id', 'flavor', value ->> 'asset_id', value ->> 'status', value ->> 'width',
                value ->> 'height', value ->> 'bitrate_kbps', value ->> 'container_format', value -> 'object'
         from jsonb_each(?)",
    )
    .bind(rows::parameter(&flavors))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

#[derive(Serialize)]
struct CaptionRow<'a> {
    row_id: RowId,
    asset_id: &'a str,
    status: &'a str,
    language: Option<&'a str>,
    label: Option<&'a str>,
    object: &'a ApiObject,
}

/// Keeps these captions, in place of all that these entries had before.
pub(super) async fn replace_captions(
    tx: &mut WriteTx,
    replaced: &[RowId],
    captions: &[(RowId, &Caption)],
) -> Result<(), Error> {
    if !replaced.is_empty() {
        sqlx::query("delete from assets where row_id in (select value from json_each(?)) and kind = 'caption'")
            .bind(rows::parameter(replaced))
            .execute(&mut **tx)
            .await?;
    }
    if captions.is_empty() {
        return Ok(());
    }
    let captions: Vec<_> = captions
        .iter()
        .map(|(row_id, caption)| CaptionRow {
            row_id: *row_id,
            asset_id: &caption.id,
            status: &caption.status,
            language: caption.language.as_deref(),
            label: caption.label.as_deref(),
            object: &caption.object,
        })
        .collect();
    sqlx::query(
        "insert or replace into assets (row_id, kind, asset_id, status, language, label, object)
         select value ->> 'row_id', 'caption', value ->> 'asset_id', value ->> 'status', value ->> 'language',
                value ->> 'label', value -> 'object'
         from jsonb_each(?)",
    )
    .bind(rows::parameter(&captions))
    .execute(&mut **tx)
    .await?;
    Ok(())
}
