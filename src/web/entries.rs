//! `GET /api/v1/entries` and `/api/v1/entries/{id}`: what the mirror shows of entries.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::json;

use super::problem::Problem;
use super::{Site, fresh};
use crate::domain::ids::{AccountId, EntryId};
use crate::domain::public_entry::PublicEntry;
use crate::store::{FoundEntry, PublicCursor, PublicShapes};

/// Entries of one page, unless fewer or more are asked for.
const LIMIT_DEFAULT: usize = 50;
/// Entries of one page at most.
const LIMIT_MAX: usize = 100;

/// `?account=`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Whose {
    pub(super) account: Option<String>,
}

/// `?cursor=&limit=&account=`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Paging {
    cursor: Option<String>,
    limit: Option<usize>,
    account: Option<String>,
}

/// One entry, or 404: hidden and unknown look the same.
pub(super) async fn show(
    site: web::Data<Site>,
    request: HttpRequest,
    path: web::Path<String>,
    whose: web::Query<Whose>,
) -> Result<HttpResponse, Problem> {
    let id = entry_id(&path)?;
    let shapes = shapes_of(&site, whose.account.as_deref())?;
    fresh::json(&request, &shown(&site, &id, &shapes, "entry").await?)
}

/// A page of entries, each at its place while others come and go.
pub(super) async fn list(
    site: web::Data<Site>,
    request: HttpRequest,
    paging: web::Query<Paging>,
) -> Result<HttpResponse, Problem> {
    let limit = limit_of(paging.limit)?;
    let cursor = paging.cursor.as_deref().map(str::parse::<PublicCursor>).transpose();
    let cursor = cursor.map_err(|error| Problem::BadRequest(format!("cursor: {error}; start without one")))?;
    let shapes = shapes_of(&site, paging.account.as_deref())?;
    let page = site.store.public_entries(cursor, limit, &shapes).await?;
    fresh::json(&request, &json!({ "items": page.items, "next": page.next.map(|next| next.to_string()) }))
}

/// The entry of this id, if visitors may see it, or 404 that calls it `what`; hidden and unknown look the same.
pub(super) async fn shown(
    site: &Site,
    id: &EntryId,
    shapes: &PublicShapes,
    what: &str,
) -> Result<Box<PublicEntry>, Problem> {
    match site.store.public_entry(id, shapes).await? {
        FoundEntry::Found(entry) => Ok(entry),
        FoundEntry::NotFound => Err(no_public(what, id)),
        FoundEntry::Ambiguous(accounts) => Err(ambiguous(id, &accounts)),
    }
}

/// 404 for something visitors may not see, or that there is not.
pub(super) fn no_public(what: &str, id: &EntryId) -> Problem {
    Problem::NotFound(format!("no public {what} {id}"))
}

/// How many items a page has.
pub(super) fn limit_of(asked: Option<usize>) -> Result<usize, Problem> {
    let limit = asked.unwrap_or(LIMIT_DEFAULT);
    if (1..=LIMIT_MAX).contains(&limit) {
        Ok(limit)
    } else {
        Err(Problem::BadRequest(format!("limit={limit} is not between 1 and {LIMIT_MAX}")))
    }
}

/// The entry id in a path.
pub(super) fn entry_id(text: &str) -> Result<EntryId, Problem> {
    text.parse().map_err(|error| Problem::BadRequest(format!("{error}")))
}

/// All accounts, or the one that a query names by its label.
pub(super) fn shapes_of(site: &Site, account: Option<&str>) -> Result<Arc<PublicShapes>, Problem> {
    let shapes = site.shapes();
    let Some(label) = account else { return Ok(shapes) };
    let named = account_of(site, label)?;
    Ok(Arc::new(shapes.iter().filter(|(id, _)| **id == named).map(|(id, shape)| (*id, shape.clone())).collect()))
}

/// The account that a query names by its label.
pub(super) fn account_of(site: &Site, label: &str) -> Result<AccountId, Problem> {
    let shapes = site.shapes();
    let named = shapes.iter().find(|(_, shape)| shape.label == label).map(|(id, _)| *id);
    named.ok_or_else(|| {
        let labels: Vec<_> = shapes.values().map(|shape| shape.label.as_str()).collect();
        let labels = labels.join(", ");
        Problem::BadRequest(format!("account={label} is not an account of this mirror; it has {labels}"))
    })
}

/// The same id in several accounts.
pub(super) fn ambiguous(id: &EntryId, accounts: &[String]) -> Problem {
    Problem::Ambiguous(format!("entry {id} is in the accounts {}: name one with ?account=", accounts.join(" and ")))
}
