//! What is read of an entry for visitors: one JSON array, whatever the number of tables it comes from.
//!
//! SQLite's thread hands a row over value by value, and wakes whoever waits for it row by row; a page of hits in one value takes half
//! the time.

use std::collections::BTreeMap;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use super::public_entries::PublicShape;
use super::rows::RowId;
use crate::domain::clock::Timestamp;
use crate::domain::ids::EntryId;
use crate::domain::public_entry::{PublicCaption, PublicEntry, PublicFlavor, PublicLive, PublicThumbnail};

/// The array that [`PublicRow`] reads: of an entry's own row `e`, `entry_sync` as `s`, its picture `t`, and other tables. `?1` is the
/// profile that is told. A member that is not read here leaves the house by no public route.
macro_rules! public_row {
    () => {
        "json_array(
             e.row_id, e.entry_id, e.name, e.description, json(e.tags), e.media_type, e.kind, e.duration_s, e.duration_ms,
             e.width, e.height, e.created_at, e.updated_at, e.start_date, e.end_date, e.plays, e.views, e.reference_id, e.seq,
             s.synced_at, t.version, e.is_live,
             iif(e.recorded_entry is null, null,
                 (select r.entry_id
                  from entry_sync as k
                  cross join entries as r on r.row_id = k.row_id
                  where k.account_id = e.account_id and k.entry_id = e.recorded_entry and r.public_state = 'public')),
             (select json(m.fields)
              from custom_metadata as m
              where m.row_id = e.row_id and m.profile_id = ?1),
             (select json_group_array(json_array(a.kind, a.asset_id, a.width, a.height, a.bitrate_kbps,
                                                 a.container_format, a.language, a.label)
                                      order by a.bitrate_kbps, a.asset_id)
              from assets as a
              where a.row_id = e.row_id and a.status = '2'),
             (select json_group_array(c.full_name order by c.full_name)
              from entry_categories as m
              cross join categories as c on c.account_id = m.account_id and c.category_id = m.category_id
              where m.row_id = e.row_id and m.status = 2))"
    };
}
pub(super) use public_row;

/// An entry as the tables have it: the members of [`public_row`] in their order.
#[derive(Debug, Deserialize)]
pub(super) struct PublicRow {
    pub(super) row_id: RowId,
    entry_id: EntryId,
    name: String,
    description: String,
    tags: Vec<String>,
    media_type: Option<i64>,
    kind: String,
    duration_s: Option<i64>,
    duration_ms: Option<i64>,
    width: Option<i64>,
    height: Option<i64>,
    created_at: i64,
    updated_at: i64,
    start_date: Option<i64>,
    end_date: Option<i64>,
    plays: i64,
    views: i64,
    reference_id: Option<String>,
    seq: i64,
    synced_at: Option<i64>,
    thumbnail_version: Option<String>,
    is_live: Option<i64>,
    recorded_entry: Option<EntryId>,
    metadata: Option<BTreeMap<String, Vec<String>>>,
    assets: Vec<Asset>,
    categories: Vec<String>,
}

/// A rendition or subtitle that is ready.
#[derive(Debug, Deserialize)]
struct Asset {
    kind: String,
    id: String,
    width: Option<i64>,
    height: Option<i64>,
    bitrate_kbps: Option<i64>,
    container_format: Option<String>,
    language: Option<String>,
    label: Option<String>,
}

impl PublicRow {
    /// As it is told. `is_one_of_several`: an id alone may not say which account's entry is meant.
    pub(super) fn into_entry(self, shape: &PublicShape, is_one_of_several: bool) -> PublicEntry {
        let account_in_url = is_one_of_several.then_some(shape.label.as_str());
        let thumbnail = self
            .thumbnail_version
            .map(|version| PublicThumbnail { url: thumbnail_url(&self.entry_id, &version, account_in_url), version });
        let mut metadata = self.metadata.unwrap_or_default();
        metadata.retain(|name, values| shape.tells_field(name) && !values.is_empty());
        let (captions, flavors): (Vec<_>, Vec<_>) = self.assets.into_iter().partition(|asset| asset.kind == "caption");
        PublicEntry {
            account: shape.label.clone(),
            name: self.name,
            description: Some(self.description).filter(|text| !text.is_empty()),
            tags: self.tags,
            categories: self.categories,
            media_type: self.media_type,
            kind: self.kind,
            duration: self.duration_s,
            ms_duration: self.duration_ms,
            width: self.width,
            height: self.height,
            created_at: self.created_at,
            updated_at: self.updated_at,
            start_date: self.start_date,
            end_date: self.end_date,
            plays: self.plays,
            views: self.views,
            reference_id: self.reference_id,
            thumbnail,
            flavors: flavors.into_iter().map(Asset::into_flavor).collect(),
            captions: captions.into_iter().map(Asset::into_caption).collect(),
            live: self
                .is_live
                .map(|is_live| PublicLive { is_live: is_live != 0, recorded_entry_id: self.recorded_entry }),
            metadata,
            synced_at: self.synced_at.map(|at| Timestamp::from_millis(at).to_string()),
            seq: self.seq,
            only: shape.publish.fields.clone(),
            id: self.entry_id,
        }
    }
}

impl Asset {
    fn into_flavor(self) -> PublicFlavor {
        let Self { id, width, height, bitrate_kbps: bitrate, container_format, .. } = self;
        PublicFlavor { id, width, height, bitrate, container_format }
    }

    fn into_caption(self) -> PublicCaption {
        PublicCaption { id: self.id, language: self.language, label: self.label }
    }
}

/// The version makes the URL one of this picture only; with several accounts it says whose.
fn thumbnail_url(id: &EntryId, version: &str, account: Option<&str>) -> String {
    let encoded = |text| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let account = account.map(|label| format!("account={}&", encoded(label))).unwrap_or_default();
    format!("/thumbnails/{id}?{account}v={}", encoded(version))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_of_a_picture_says_whose_it_is_when_there_are_several_accounts() {
        let id: EntryId = "1_82h0a7l2".parse().unwrap();
        assert_eq!(thumbnail_url(&id, "100002", None), "/thumbnails/1_82h0a7l2?v=100002");
        assert_eq!(thumbnail_url(&id, "1&2", Some("a b")), "/thumbnails/1_82h0a7l2?account=a%20b&v=1%262");
    }
}
