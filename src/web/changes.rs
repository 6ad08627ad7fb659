//! `GET /api/v1/changes`: what visitors saw change, a page at a time, for a reader that keeps a copy.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::json;

use super::entries::{account_of, limit_of};
use super::feed_door::Reader;
use super::problem::Problem;
use super::{Site, fresh};
use crate::store::{FeedAnswer, FeedPage, FeedStart, FeedToken, Gone};

/// `?since=&initial=&limit=&account=`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    since: Option<String>,
    initial: Option<bool>,
    limit: Option<usize>,
    account: Option<String>,
}

/// A page of the feed: what follows `since`; with `initial=true` first all that is public; with neither a token of the
/// present end, from which a reader goes on that has no use for what was before.
pub(super) async fn list(
    _: Reader,
    site: web::Data<Site>,
    request: HttpRequest,
    asked: web::Query<Asked>,
) -> Result<HttpResponse, Problem> {
    let limit = limit_of(asked.limit)?;
    let from = From { since: asked.since.as_deref(), initial: asked.initial, account: asked.account.as_deref() };
    let page = page(&site, &start(&site, &from)?, limit).await?;
    fresh::json(&request, &json!({ "items": page.items, "next": page.next.to_string(), "more": page.more }))
}

/// Where a reader wants to begin, as it said it.
pub(super) struct From<'a> {
    pub(super) since: Option<&'a str>,
    pub(super) initial: Option<bool>,
    pub(super) account: Option<&'a str>,
}

/// Where the answer begins.
pub(super) fn start(site: &Site, from: &From<'_>) -> Result<FeedStart, Problem> {
    let account = from.account.map(|label| account_of(site, label)).transpose()?;
    match (from.since, from.initial.unwrap_or(false)) {
        (None, false) => Ok(FeedStart::Now(account)),
        (None, true) => Ok(FeedStart::Initial(account)),
        (Some(_), true) => {
            Err(Problem::BadRequest("initial=true begins anew and since goes on: leave one of them out".to_owned()))
        }
        (Some(since), false) => {
            let token: FeedToken = since
                .parse()
                .map_err(|error| Problem::BadRequest(format!("since: {error}; begin anew with initial=true")))?;
            if account.is_some() && account != token.account() {
                return Err(Problem::BadRequest(
                    "account is not the one that since goes on with: leave account out, or begin anew with initial=true"
                        .to_owned(),
                ));
            }
            Ok(FeedStart::After(token))
        }
    }
}

/// The page that begins there, or why there is none.
pub(super) async fn page(site: &Site, start: &FeedStart, limit: usize) -> Result<FeedPage, Problem> {
    match site.store.feed_page(start, limit, &site.shapes()).await? {
        FeedAnswer::Page(page) => Ok(page),
        FeedAnswer::Gone(gone) => Err(Problem::Gone(format!("{}: begin anew with initial=true", why(gone)))),
    }
}

fn why(gone: Gone) -> &'static str {
    match gone {
        Gone::Older => "what changed after this token has been forgotten",
        Gone::Elsewhere => "this token is of another data directory, or of this one before a copy of it was put back",
        Gone::ToldOtherwise => "entries are told otherwise since this token was given, with other fields or accounts",
    }
}
