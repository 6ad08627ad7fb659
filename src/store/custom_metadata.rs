//! Custom metadata of mirrored entries: the document byte for byte, and its fields.

use std::collections::HashMap;

use serde::{Serialize, Serializer};

use super::entry_sync::MarkRecord;
use super::error::Error;
use super::rows::{self, RowId};
use super::writer::WriteTx;
use crate::domain::account_facts::MetadataObject;
use crate::domain::ids::{EntryId, MetadataId, MetadataProfileId};

/// The fields of a metadata object in the order of the document, each with its values.
pub type MetadataFields = Vec<(String, Vec<String>)>;

/// As an object, each field's values under its name.
fn serialize_fields<S: Serializer>(fields: &MetadataFields, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(fields.iter().map(|(name, values)| (name, values)))
}

#[derive(Serialize)]
struct ObjectRow<'a> {
    row_id: RowId,
    profile_id: MetadataProfileId,
    metadata_id: MetadataId,
    version: i64,
    #[serde(serialize_with = "serialize_fields")]
    fields: &'a MetadataFields,
    xml: &'a str,
}

/// Keeps this metadata, in place of all that these entries had before.
pub(super) async fn replace(
    tx: &mut WriteTx,
    replaced: &[RowId],
    objects: Vec<(RowId, &(MetadataObject, MetadataFields))>,
) -> Result<(), Error> {
    let objects: Vec<_> = objects
        .into_iter()
        .map(|(row_id, (object, fields))| ObjectRow {
            row_id,
            profile_id: object.profile_id,
            metadata_id: object.id,
            version: object.version,
            fields,
            xml: &object.xml,
        })
        .collect();
    if !replaced.is_empty() {
        sqlx::query("delete from custom_metadata where row_id in (select value from json_each(?))")
            .bind(rows::parameter(replaced))
            .execute(&mut **tx)
            .await?;
    }
    upsert(tx, &objects).await
}

/// Keeps what we sent as what is there, for entries in the mirror.
pub(super) async fn keep_marks(
    tx: &mut WriteTx,
    marks: &[MarkRecord],
    row_ids: &HashMap<EntryId, RowId>,
) -> Result<(), Error> {
    let objects: Vec<_> = marks
        .iter()
        .map(|mark| ObjectRow {
            row_id: row_ids[&mark.entry_id],
            profile_id: mark.profile_id,
            metadata_id: mark.metadata_id,
            version: mark.new_version,
            fields: &mark.fields,
            xml: &mark.xml_sent,
        })
        .collect();
    upsert(tx, &objects).await
}

async fn upsert(tx: &mut WriteTx, objects: &[ObjectRow<'_>]) -> Result<(), Error> {
    if objects.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "insert or replace into custom_metadata (row_id, profile_id, metadata_id, version, fields, xml)
         select e.row_id, object.value ->> 'profile_id', object.value ->> 'metadata_id', object.value ->> 'version',
                object.value -> 'fields', object.value ->> 'xml'
         from jsonb_each(?) as object
         cross join entries as e on e.row_id = object.value ->> 'row_id'",
    )
    .bind(rows::parameter(objects))
    .execute(&mut **tx)
    .await?;
    Ok(())
}
