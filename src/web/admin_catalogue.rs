//! Reading the catalogue, for operators: how up to date the mirror is, and readings they begin.

use actix_web::{HttpResponse, web};
use serde::Deserialize;
use serde_json::json;

use super::Site;
use super::admin::{Operator, Whose, account};
use super::problem::Problem;
use crate::catalogue::Error;
use crate::store::{RunKind, RunOptions};

/// `{"account": …, "mark": bool, "hooks": bool, "only": "<filter>"}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BackfillRequest {
    account: Option<String>,
    #[serde(default)]
    mark: bool,
    #[serde(default)]
    hooks: bool,
    only: Option<String>,
}

/// `{"account": …, "only": "<filter>"}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EstimateRequest {
    account: Option<String>,
    only: Option<String>,
}

/// How up to date each account is.
pub(super) async fn status(_: Operator, site: web::Data<Site>) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().json(site.catalogue.status().await?))
}

/// The latest backfill of an account: how far it is, and what came of it.
pub(super) async fn backfill(
    _: Operator,
    site: web::Data<Site>,
    whose: web::Query<Whose>,
) -> Result<HttpResponse, Problem> {
    latest(&site, &whose, RunKind::Backfill).await
}

/// The latest comparison of a whole account.
pub(super) async fn full(
    _: Operator,
    site: web::Data<Site>,
    whose: web::Query<Whose>,
) -> Result<HttpResponse, Problem> {
    latest(&site, &whose, RunKind::Full).await
}

async fn latest(site: &Site, whose: &Whose, kind: RunKind) -> Result<HttpResponse, Problem> {
    let account = account(site, whose.account.as_deref())?;
    match site.catalogue.latest_run(account, kind).await? {
        Some(report) => Ok(HttpResponse::Ok().json(report)),
        None => Err(Problem::NotFound(format!("there was no {} yet", name(kind)))),
    }
}

const fn name(kind: RunKind) -> &'static str {
    match kind {
        RunKind::Backfill => "backfill",
        RunKind::Full => "comparison of the whole account",
    }
}

/// What a backfill would take.
pub(super) async fn estimate(
    _: Operator,
    site: web::Data<Site>,
    request: web::Json<EstimateRequest>,
) -> Result<HttpResponse, Problem> {
    let account = account(&site, request.account.as_deref())?;
    Ok(HttpResponse::Ok().json(site.catalogue.estimate(account, request.only.as_deref()).await?))
}

/// Begins a backfill, or tells the reading that is under way.
pub(super) async fn start_backfill(
    _: Operator,
    site: web::Data<Site>,
    request: web::Json<BackfillRequest>,
) -> Result<HttpResponse, Problem> {
    let options = RunOptions { mark: request.mark, hooks: request.hooks };
    begin(&site, request.account.as_deref(), RunKind::Backfill, options, request.only.as_deref()).await
}

/// Begins a comparison of the whole account, or tells the reading that is under way.
pub(super) async fn start_full(
    _: Operator,
    site: web::Data<Site>,
    whose: web::Json<Whose>,
) -> Result<HttpResponse, Problem> {
    begin(&site, whose.account.as_deref(), RunKind::Full, RunOptions::default(), None).await
}

async fn begin(
    site: &Site,
    label: Option<&str>,
    kind: RunKind,
    options: RunOptions,
    only: Option<&str>,
) -> Result<HttpResponse, Problem> {
    let account = account(site, label)?;
    let (run, begun) = site.catalogue.begin_only(account, kind, options, only).await?;
    Ok(HttpResponse::Ok().json(json!({ "begun": begun, "run": run })))
}

/// Lists what was changed lately, now.
pub(super) async fn reconcile(
    _: Operator,
    site: web::Data<Site>,
    whose: web::Json<Whose>,
) -> Result<HttpResponse, Problem> {
    let account = account(&site, whose.account.as_deref())?;
    Ok(HttpResponse::Ok().json(site.catalogue.reconcile(account).await?))
}

/// Gives up the reading that is under way.
pub(super) async fn stop(_: Operator, site: web::Data<Site>, whose: web::Json<Whose>) -> Result<HttpResponse, Problem> {
    let account = account(&site, whose.account.as_deref())?;
    let stopped = site.catalogue.stop_run(account).await?;
    Ok(HttpResponse::Ok().json(json!({ "stopped": stopped })))
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Store(error) => error.into(),
            Error::Kaltura(error) => Self::BadGateway(error.to_string()),
            Error::Window(_) | Error::Filter(_) | Error::NoAccount => Self::BadRequest(error.to_string()),
        }
    }
}
