//! Whether the process is alive, and whether it is fit to serve.

use actix_web::{HttpResponse, web};
use serde_json::json;

use super::Site;
use super::problem::Problem;

/// Alive as long as it answers at all.
pub(super) async fn livez() -> &'static str {
    "ok"
}

/// Fit to serve when the mirror can be read. Kaltura's troubles never make a website's data unfit: they are told here,
/// and by `entry explain`, and do not change the status.
pub(super) async fn readyz(site: web::Data<Site>) -> Result<HttpResponse, Problem> {
    let accounts: Vec<_> = site
        .store
        .account_states()
        .await
        .map_err(|_| Problem::CannotStore)?
        .into_iter()
        .map(|account| json!({ "account": account.label, "state": account.degraded.map_or("ok".to_owned(), |cause| format!("degraded: {cause}")) }))
        .collect();
    Ok(HttpResponse::Ok().json(json!({ "status": "ok", "accounts": accounts })))
}
