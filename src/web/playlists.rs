//! `GET /api/v1/playlists/{id}`: a playlist, and what visitors may see of its entries, in its order.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::json;

use super::entries::{account_of, entry_id, limit_of, no_public, shapes_of, shown};
use super::problem::Problem;
use super::{Site, fresh};
use crate::domain::playlist::Order;

/// What is missing, where none is found.
const PLAYLIST: &str = "playlist";

/// `?account=&limit=&cursor=`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Paging {
    account: Option<String>,
    limit: Option<usize>,
    /// The place in the playlist at which the page begins.
    cursor: Option<usize>,
}

/// A page of a static playlist; of any other kind itself alone, for Kaltura decides what it holds at each play.
pub(super) async fn show(
    site: web::Data<Site>,
    request: HttpRequest,
    path: web::Path<String>,
    paging: web::Query<Paging>,
) -> Result<HttpResponse, Problem> {
    let (id, limit) = (entry_id(&path)?, limit_of(paging.limit)?);
    let shapes = shapes_of(&site, paging.account.as_deref())?;
    let entry = shown(&site, &id, &shapes, PLAYLIST).await?;
    let account = account_of(&site, &entry.account)?;
    let playlist = site.store.playlist(account, &id).await?.ok_or_else(|| no_public(PLAYLIST, &id))?;
    if playlist.order != Order::Static {
        return fresh::json(&request, &json!({ "playlist": entry, "order": playlist.order }));
    }
    let from = paging.cursor.unwrap_or(0).min(playlist.entries.len());
    let to = from.saturating_add(limit).min(playlist.entries.len());
    let items = site.store.public_entries_of(account, &playlist.entries[from..to], &shapes).await?;
    let next = (to < playlist.entries.len()).then(|| to.to_string());
    fresh::json(&request, &json!({ "playlist": entry, "order": playlist.order, "items": items, "next": next }))
}
