//! The admin API: what operators and the command line ask of a running daemon. Every request needs the token.

use actix_web::http::header;
use actix_web::{FromRequest, HttpMessage, HttpRequest, HttpResponse, dev, web};
use serde::Deserialize;
use serde_json::json;
use std::future::{Ready, ready};
use subtle::ConstantTimeEq;

use super::Site;
use super::entries::entry_id;
use super::problem::Problem;
use crate::domain::ids::{AccountId, EntryId};
use crate::intake::SecretSeen;
use crate::store::{Lane, Reason};

/// What opens the admin API; prints as nothing.
#[derive(Clone)]
pub struct AdminToken(String);

impl AdminToken {
    /// Takes over the text.
    pub fn new(token: String) -> Self {
        Self(token)
    }

    fn opens(&self, given: &str) -> bool {
        self.0.as_bytes().ct_eq(given.as_bytes()).into()
    }
}

impl std::fmt::Debug for AdminToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AdminToken(…)")
    }
}

/// Proof that a request has the token and was meant for this server. A handler that takes one is for operators only.
pub(super) struct Operator(());

impl FromRequest for Operator {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut dev::Payload) -> Self::Future {
        ready(authorize(request))
    }
}

/// Proof that a request has the token, or comes from this machine itself. Enough to read numbers.
pub(super) struct Watcher(());

impl FromRequest for Watcher {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut dev::Payload) -> Self::Future {
        let watcher =
            if is_local(request) { require_our_host(request).map(drop) } else { authorize(request).map(drop) };
        ready(watcher.map(|()| Self(())))
    }
}

/// The connection comes from this machine, and no proxy says that it passes somebody on.
fn is_local(request: &HttpRequest) -> bool {
    let forwarded = ["forwarded", "x-forwarded-for", "x-real-ip", "via"];
    request.peer_addr().is_some_and(|peer| peer.ip().to_canonical().is_loopback())
        && !forwarded.iter().any(|name| request.headers().contains_key(*name))
}

fn require_our_host(request: &HttpRequest) -> Result<&web::Data<Site>, Problem> {
    let site = request.app_data::<web::Data<Site>>().ok_or(Problem::Internal)?;
    // Not what a `Forwarded` header says of it: a page that reached us under a name of its own may send one.
    let host = request.headers().get(header::HOST).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !is_ours(host, &site.admin_hosts) {
        return Err(Problem::Forbidden(format!(
            "host {host:?} is not served here: use 127.0.0.1, or name it in [admin] hosts"
        )));
    }
    Ok(site)
}

fn authorize(request: &HttpRequest) -> Result<Operator, Problem> {
    let site = require_our_host(request)?;
    let authorization = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    match authorization.and_then(|value| value.strip_prefix("Bearer ")) {
        Some(given) if site.admin_token.opens(given.trim()) => {}
        _ => return Err(Problem::Unauthorized),
    }
    if !request.method().is_safe() && request.content_type() != "application/json" {
        return Err(Problem::not_json());
    }
    Ok(Operator(()))
}

/// Keeps a page in a browser from reaching us under a name of its own.
fn is_ours(host: &str, configured: &[String]) -> bool {
    let name = host
        .rsplit_once(':')
        .map_or(host, |(name, port)| if port.bytes().all(|byte| byte.is_ascii_digit()) { name } else { host });
    matches!(name, "127.0.0.1" | "localhost" | "[::1]")
        || configured.iter().any(|known| known.eq_ignore_ascii_case(name) || known.eq_ignore_ascii_case(host))
}

/// `{"account": …}` beside what a request is about.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Whose {
    pub(super) account: Option<String>,
}

/// `{"entries": […], "force": bool, "account": …}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SyncRequest {
    entries: Vec<EntryId>,
    #[serde(default)]
    force: bool,
    account: Option<String>,
}

/// `{"entries": […] | absent for all, "account": …}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RetryRequest {
    entries: Option<Vec<EntryId>>,
    account: Option<String>,
}

/// How everything fares.
pub(super) async fn status(_: Operator, site: web::Data<Site>) -> Result<HttpResponse, Problem> {
    let dirty = site.store.dirty_counts().await?;
    let rejections = site.store.rejection_counts();
    let accounts = site.store.account_states().await?;
    let secrets: Vec<_> = site.intake.secrets_seen().await?.iter().map(secret_seen).collect();
    Ok(HttpResponse::Ok().json(json!({
        "accounts": accounts,
        "dirty": { "waiting": dirty.waiting, "leased": dirty.leased, "dead": dirty.dead },
        "rejections": rejections,
        "received": site.intake.received(),
        "secrets": secrets,
    })))
}

fn secret_seen(seen: &SecretSeen) -> serde_json::Value {
    json!({
        "id": seen.label.to_string(),
        "system": seen.system,
        "last_seen": seen.last_seen.map(|at| at.to_string()),
    })
}

/// Makes entries dirty for a person.
pub(super) async fn sync(
    _: Operator,
    site: web::Data<Site>,
    request: web::Json<SyncRequest>,
) -> Result<HttpResponse, Problem> {
    let account = account(&site, request.account.as_deref())?;
    let reason = if request.force { Reason::Force } else { Reason::Person };
    let hinted = site.store.make_dirty(account, &request.entries, reason, Lane::Live).await?;
    Ok(HttpResponse::Ok().json(json!({ "hinted": hinted })))
}

/// Everything that is known of an entry.
pub(super) async fn entry(
    _: Operator,
    site: web::Data<Site>,
    path: web::Path<String>,
    whose: web::Query<Whose>,
) -> Result<HttpResponse, Problem> {
    let (account, id) = (account(&site, whose.account.as_deref())?, entry_id(&path)?);
    let report = site.store.entry_report(account, &id).await?;
    report
        .map(|report| HttpResponse::Ok().json(report))
        .ok_or_else(|| Problem::NotFound(format!("entry {id} was never heard of")))
}

/// Hides an entry by hand.
pub(super) async fn hide(
    _: Operator,
    site: web::Data<Site>,
    path: web::Path<String>,
    whose: web::Json<Whose>,
) -> Result<HttpResponse, Problem> {
    let (account, id) = (account(&site, whose.account.as_deref())?, entry_id(&path)?);
    let change = site.store.hide(account, &id).await?;
    Ok(HttpResponse::Ok().json(json!({ "id": id, "hidden": true, "seq": change.map(|change| change.seq) })))
}

/// Shows an entry again, as far as Kaltura lets it be shown.
pub(super) async fn unhide(
    _: Operator,
    site: web::Data<Site>,
    path: web::Path<String>,
    whose: web::Json<Whose>,
) -> Result<HttpResponse, Problem> {
    let (account, id) = (account(&site, whose.account.as_deref())?, entry_id(&path)?);
    let change = site.store.unhide(account, &id).await?;
    Ok(HttpResponse::Ok().json(json!({ "id": id, "hidden": false, "seq": change.map(|change| change.seq) })))
}

/// Makes the hints of a stored request again.
pub(super) async fn replay(_: Operator, site: web::Data<Site>, path: web::Path<i64>) -> Result<HttpResponse, Problem> {
    let entries = site.store.inbox_replay(*path).await?;
    let entries = entries.ok_or_else(|| Problem::NotFound(format!("the inbox has no verified request {path}")))?;
    Ok(HttpResponse::Ok().json(json!({ "id": *path, "entries": entries })))
}

/// Judges rejected requests again, with the secrets that are in force now.
pub(super) async fn reverify(_: Operator, site: web::Data<Site>) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().json(site.intake.reverify().await?))
}

/// Revives dead entries.
pub(super) async fn retry_dead(
    _: Operator,
    site: web::Data<Site>,
    request: web::Json<RetryRequest>,
) -> Result<HttpResponse, Problem> {
    let account = account(&site, request.account.as_deref())?;
    let revived = site.store.dead_retry(account, request.entries.as_deref()).await?;
    Ok(HttpResponse::Ok().json(json!({ "revived": revived })))
}

/// Lets removal by absence go on after the brake.
pub(super) async fn release_removals(
    _: Operator,
    site: web::Data<Site>,
    whose: web::Json<Whose>,
) -> Result<HttpResponse, Problem> {
    let account = account(&site, whose.account.as_deref())?;
    let released = site.store.release_brake(account).await?;
    Ok(HttpResponse::Ok().json(json!({ "released": released })))
}

/// No such path, which is nobody's business but an operator's.
pub(super) async fn nothing_here(_: Operator) -> Result<&'static str, Problem> {
    Problem::NotFound("no such path".to_owned()).into_result()
}

/// The account a request names, or the only one.
pub(super) fn account(site: &Site, label: Option<&str>) -> Result<AccountId, Problem> {
    let accounts = site.store.accounts();
    let labels = || accounts.iter().map(|account| account.label.as_str()).collect::<Vec<_>>().join(", ");
    match (label, accounts) {
        (None, [only]) => Ok(only.id),
        (None, _) => Err(Problem::BadRequest(format!("name the account, one of {}", labels()))),
        (Some(label), _) => accounts
            .iter()
            .find(|account| account.label == label)
            .map(|account| account.id)
            .ok_or_else(|| Problem::BadRequest(format!("account {label} is not one of {}", labels()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_and_configured_hosts_are_served() {
        let configured = vec!["mirror.example.org".to_owned()];
        for ours in ["127.0.0.1:8089", "localhost", "[::1]:8089", "mirror.example.org", "Mirror.Example.org:443"] {
            assert!(is_ours(ours, &configured), "{ours}");
        }
        for foreign in ["evil.example", "127.0.0.1.evil.example:8089", "localhost.evil.example"] {
            assert!(!is_ours(foreign, &configured), "{foreign}");
        }
    }
}
