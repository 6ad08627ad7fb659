//! `GET /api/v1/categories`: the tree of categories that visitors find entries in.

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::json;

use super::entries::Whose;
use super::problem::Problem;
use super::search::chosen;
use super::{Site, fresh};

/// The tree, each category with the number of entries in it and below.
pub(super) async fn list(
    site: web::Data<Site>,
    request: HttpRequest,
    whose: web::Query<Whose>,
) -> Result<HttpResponse, Problem> {
    let account = chosen(&site, whose.account.as_deref())?;
    let (categories, is_exact) = site.searching.categories(account, &site.shapes()).await?;
    fresh::json(&request, &json!({ "categories": categories, "countIsExact": is_exact }))
}
