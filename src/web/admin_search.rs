//! The search index, for operators: how it fares, and another one.

use actix_web::{HttpResponse, web};

use super::Site;
use super::admin::Operator;
use super::problem::Problem;

/// How the index fares.
pub(super) async fn status(_: Operator, site: web::Data<Site>) -> HttpResponse {
    HttpResponse::Ok().json(site.search.status())
}

/// Has a new index made from the store; the present one serves until then. Answers how it fares as it begins.
pub(super) async fn rebuild(_: Operator, site: web::Data<Site>) -> Result<HttpResponse, Problem> {
    if !site.search.settings().enabled {
        return Err(Problem::BadRequest("search is switched off: [search] enabled = false".to_owned()));
    }
    let status = site.search.status();
    site.search.rebuild();
    Ok(HttpResponse::Ok().json(status))
}
