//! The admin API's part about hooks: how they fare, what was delivered, and what a person does about it.

use actix_web::{HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::Site;
use super::admin::{Operator, Whose, account};
use super::entries::entry_id;
use super::problem::Problem;
use crate::domain::hook::DeliveryId;
use crate::hooks::{self, report};
use crate::store::{DeliveryFilter, DeliveryRow, DeliveryState, Retried};

/// `?hook=&state=&entry=&account=&before=&limit=`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Which {
    hook: Option<String>,
    state: Option<String>,
    entry: Option<String>,
    account: Option<String>,
    before: Option<String>,
    limit: Option<u32>,
}

/// `{"ids": […] | absent for all that were given up}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RetryRequest {
    ids: Option<Vec<String>>,
}

/// Deliveries of one page, unless fewer or more are asked for.
const LIMIT_DEFAULT: u32 = 50;

/// How each hook fares.
pub(super) async fn list(_: Operator, site: web::Data<Site>) -> Result<HttpResponse, Problem> {
    let states = site.store.hook_states().await?;
    Ok(HttpResponse::Ok().json(states.iter().map(report::hook).collect::<Json>()))
}

/// Deliveries, the newest first.
pub(super) async fn deliveries(
    _: Operator,
    site: web::Data<Site>,
    which: web::Query<Which>,
) -> Result<HttpResponse, Problem> {
    let which = which.into_inner();
    let state = which.state.as_deref().map(state).transpose()?;
    let entry = match &which.entry {
        Some(entry) => Some((account(&site, which.account.as_deref())?, entry_id(entry)?)),
        None => None,
    };
    let filter = DeliveryFilter {
        hook: which.hook,
        state,
        entry,
        before: which.before.map(DeliveryId),
        limit: which.limit.unwrap_or(LIMIT_DEFAULT),
    };
    let rows = site.store.deliveries(&filter).await?;
    Ok(HttpResponse::Ok().json(rows.iter().map(|row| as_json(&site, row)).collect::<Json>()))
}

/// Delivers a test now, and answers what came of it.
pub(super) async fn test(
    _: Operator,
    site: web::Data<Site>,
    path: web::Path<String>,
    whose: web::Json<Whose>,
) -> Result<HttpResponse, Problem> {
    let account = account(&site, whose.account.as_deref())?;
    let row = site.hooks.test(&path, account).await?;
    Ok(HttpResponse::Ok().json(as_json(&site, &row)))
}

/// Tries deliveries again that were given up, or those that are named.
pub(super) async fn retry(
    _: Operator,
    site: web::Data<Site>,
    path: web::Path<String>,
    request: web::Json<RetryRequest>,
) -> Result<HttpResponse, Problem> {
    let ids: Option<Vec<DeliveryId>> = request.into_inner().ids.map(|ids| ids.into_iter().map(DeliveryId).collect());
    let which = ids.as_deref().map_or(Retried::AllDead, Retried::These);
    let retried = site.store.retry_deliveries(&path, which).await?;
    site.hooks.hurry(&path);
    Ok(HttpResponse::Ok().json(json!({ "retried": retried })))
}

/// Switches a hook on again whose receiver had said that it is gone.
pub(super) async fn enable(
    _: Operator,
    site: web::Data<Site>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    match site.store.enable_hook(&path).await? {
        true => {
            site.hooks.hurry(&path);
            Ok(HttpResponse::Ok().json(json!({ "id": *path, "enabled": true })))
        }
        false => Err(Problem::NotFound(format!("no hook is named {:?}", *path))),
    }
}

fn state(word: &str) -> Result<DeliveryState, Problem> {
    DeliveryState::find(word).ok_or_else(|| {
        let words: Vec<&str> = DeliveryState::ALL.iter().map(|state| state.as_str()).collect();
        Problem::BadRequest(format!("state={word:?} is not one of {}", words.join(", ")))
    })
}

fn as_json(site: &Site, row: &DeliveryRow) -> Json {
    let account = site.store.accounts().iter().find(|account| account.id == row.account);
    report::delivery(row, account.map(|account| account.label.as_str()))
}

impl From<hooks::Error> for Problem {
    fn from(error: hooks::Error) -> Self {
        match error {
            hooks::Error::Unknown { .. } => Self::NotFound(error.to_string()),
            hooks::Error::Store(cause) => cause.into(),
            hooks::Error::Setup { .. } => {
                tracing::error!(%error, "a request could not be answered: {error}");
                Self::Internal
            }
        }
    }
}
