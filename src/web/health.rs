//! Whether the process is alive, and whether it is fit to serve.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use serde_json::{Value as Json, json};

use super::Site;
use super::problem::Problem;
use crate::intake::NotStoring;

/// Alive as long as it answers at all.
pub(super) async fn livez() -> &'static str {
    "ok"
}

/// Fit to serve when the mirror can be read and notifications can be kept. While nothing can be stored it is 503: Kaltura's
/// notifications are refused then, and what visitors read grows old. Kaltura's troubles never make a website's data
/// unfit: they are told here, with the moment since which the mirror may lack what has changed, and by `entry explain`, and do
/// not change the status.
pub(super) async fn readyz(site: web::Data<Site>) -> Result<HttpResponse, Problem> {
    let states = site.store.account_states().await.map_err(|_| Problem::CannotStore)?;
    let catalogues = site.catalogue.status().await.map_err(|_| Problem::CannotStore)?;
    let accounts: Vec<_> = states
        .into_iter()
        .map(|account| {
            let catalogue = catalogues.iter().find(|catalogue| catalogue.account == account.label);
            // Since Kaltura does not answer, or since nothing was listed; both are RFC 3339 in UTC, which sorts as text.
            let unanswered = account.stale_since.map(|since| since.to_string());
            let unlisted = catalogue.and_then(|catalogue| catalogue.stale_since.clone());
            json!({
                "account": account.label,
                "state": account.degraded.map_or("ok".to_owned(), |cause| format!("degraded: {cause}")),
                "catching_up": catalogue.is_some_and(|catalogue| catalogue.catching_up),
                "stale_since": unanswered.into_iter().chain(unlisted).min(),
            })
        })
        .collect();
    let not_storing = site.intake.not_storing(site.clock.now()).await;
    let (status, word) = match &not_storing {
        None => (StatusCode::OK, "ok"),
        Some(_) => (StatusCode::SERVICE_UNAVAILABLE, "not storing"),
    };
    let storing = not_storing.map_or(Json::from("ok"), |not| in_words(&not).into());
    Ok(HttpResponse::build(status).json(json!({
        "status": word, "storing": storing, "accounts": accounts, "search": search(&site),
    })))
}

fn in_words(NotStoring { since, why }: &NotStoring) -> String {
    format!("false since {since}: {why}")
}

/// Entries can be read whatever becomes of the index; whoever searches is answered 503 meanwhile.
fn search(site: &Site) -> String {
    match (site.search.view(), site.search.status().trouble) {
        (Err(why), _) => why.to_string(),
        (Ok(_), Some(trouble)) => format!("degraded: {trouble}"),
        (Ok(_), None) => "ok".to_owned(),
    }
}
