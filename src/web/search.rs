//! `GET /api/v1/search`, `/api/v1/suggest`, `/api/v1/entries/{id}/related`: what visitors look for.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::json;

use super::entries::{account_of, entry_id, shapes_of, shown};
use super::problem::Problem;
use super::{Site, fresh};
use crate::domain::ids::AccountId;
use crate::search::query::{Asked, LIMIT_DEFAULT, limits};

/// What of a search is asked in the URL.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
#[derive(Default)]
pub(super) struct Query {
    q: String,
    filter: String,
    facets: String,
    sort: String,
    limit: Option<usize>,
    offset: Option<usize>,
    cursor: String,
    highlight: String,
    crop: String,
    account: Option<String>,
}

/// `?q=&account=`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Typed {
    #[serde(default)]
    q: String,
    account: Option<String>,
}

/// `?limit=&account=`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Like {
    limit: Option<usize>,
    account: Option<String>,
}

/// The entries that are sought, a page of them.
pub(super) async fn search(site: web::Data<Site>, query: web::Query<Query>) -> Result<HttpResponse, Problem> {
    let account = chosen(&site, query.account.as_deref())?;
    let Query { q, filter, facets, sort, limit, offset, cursor, highlight, crop, .. } = query.into_inner();
    let asked = Asked { q, filter, facets, sort, limit, offset, cursor, highlight, crop, account };
    // How long it took makes each answer another one: there is nothing to compare.
    Ok(HttpResponse::Ok().json(site.searching.search(&asked, &site.shapes()).await?))
}

/// Titles and tags that go on as what was typed begins.
pub(super) async fn suggest(
    site: web::Data<Site>,
    request: HttpRequest,
    typed: web::Query<Typed>,
) -> Result<HttpResponse, Problem> {
    let account = chosen(&site, typed.account.as_deref())?;
    let suggestions = site.searching.suggest(&typed.q, account, &site.shapes()).await?;
    fresh::json(&request, &json!({ "suggestions": suggestions }))
}

/// Entries like one.
pub(super) async fn related(
    site: web::Data<Site>,
    request: HttpRequest,
    path: web::Path<String>,
    like: web::Query<Like>,
) -> Result<HttpResponse, Problem> {
    const RELATED: usize = 10;
    let id = entry_id(&path)?;
    let limit = like.limit.unwrap_or(RELATED.min(LIMIT_DEFAULT));
    if !(1..=limits::LIMIT_MAX).contains(&limit) {
        return Err(Problem::BadRequest(format!("limit={limit} is not between 1 and {}", limits::LIMIT_MAX)));
    }
    let shapes = shapes_of(&site, like.account.as_deref())?;
    let entry = shown(&site, &id, &shapes, "entry").await?;
    let account = account_of(&site, &entry.account)?;
    let hits = site.searching.related(account, &entry, limit, &shapes).await?;
    fresh::json(&request, &json!({ "hits": hits }))
}

/// The account that a query names, if it names one.
pub(super) fn chosen(site: &Site, label: Option<&str>) -> Result<Option<AccountId>, Problem> {
    label.map(|label| account_of(site, label)).transpose()
}
