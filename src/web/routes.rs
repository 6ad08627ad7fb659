//! The routes table. An endpoint is a file of this room and a line here.
//!
//! What visitors may read, any website's script may read: those answers say `Access-Control-Allow-Origin: *`. They hold
//! nothing that depends on who asks, and no cookie opens anything here. Health and notifications say nothing of the kind.

use actix_web::http::{Method, header};
use actix_web::middleware::DefaultHeaders;
use actix_web::web::{self, ServiceConfig, get, post, resource, scope};
use actix_web::{FromRequest, Handler, HttpResponse, Resource, Responder, Route, guard};

use super::problem::{self, Problem};
use super::{
    admin, admin_catalogue, admin_hooks, admin_search, categories, changes, changes_stream, entries, health, metrics,
    notifications, playlists, search, thumbnails,
};

/// What the website and Kaltura reach.
pub(super) fn public(routes: &mut ServiceConfig) {
    routes
        .configure(problem::of_extractors)
        .service(
            resource(["/notifications", "/notifications/{segment}"])
                .route(any_of([Method::POST, Method::PUT, Method::DELETE]).to(notifications::receive))
                .default_service(only("POST, PUT, DELETE")),
        )
        .service(read("/livez", health::livez))
        .service(read("/readyz", health::readyz))
        .service(
            scope("")
                .wrap(for_any_website())
                .service(read("/api/v1/entries", entries::list))
                .service(read("/api/v1/entries/{id}", entries::show))
                .service(read("/api/v1/entries/{id}/related", search::related))
                .service(read("/api/v1/playlists/{id}", playlists::show))
                .service(read("/api/v1/categories", categories::list))
                .service(read("/api/v1/search", search::search))
                .service(read("/api/v1/suggest", search::suggest))
                .service(read("/api/v1/changes", changes::list))
                .service(read("/api/v1/changes/stream", changes_stream::follow))
                .service(read("/thumbnails/{entry}", thumbnails::show))
                .default_service(web::to(nothing_here)),
        );
}

/// What only operators reach, each with the token but metrics on this machine.
pub(super) fn admin(routes: &mut ServiceConfig) {
    routes
        .configure(problem::of_extractors)
        .service(
            scope("/api/v1/admin")
                .service(ask("/status", admin::status))
                .service(change("/sync", admin::sync))
                .service(ask("/entries/{id}", admin::entry))
                .service(change("/entries/{id}/hide", admin::hide))
                .service(change("/entries/{id}/unhide", admin::unhide))
                .service(change("/inbox/{id}/replay", admin::replay))
                .service(change("/inbox/reverify", admin::reverify))
                .service(change("/dead/retry", admin::retry_dead))
                .service(change("/removals/release", admin::release_removals))
                .service(ask("/catalogue", admin_catalogue::status))
                .service(ask("/backfill", admin_catalogue::backfill))
                .service(change("/backfill/start", admin_catalogue::start_backfill))
                .service(change("/backfill/estimate", admin_catalogue::estimate))
                .service(ask("/reconcile/full", admin_catalogue::full))
                .service(change("/reconcile/full/start", admin_catalogue::start_full))
                .service(change("/reconcile", admin_catalogue::reconcile))
                .service(change("/catalogue/stop", admin_catalogue::stop))
                .service(ask("/hooks", admin_hooks::list))
                .service(change("/hooks/{name}/test", admin_hooks::test))
                .service(change("/hooks/{name}/retry", admin_hooks::retry))
                .service(change("/hooks/{name}/enable", admin_hooks::enable))
                .service(ask("/deliveries", admin_hooks::deliveries))
                .service(ask("/search", admin_search::status))
                .service(change("/search/rebuild", admin_search::rebuild))
                .default_service(web::to(admin::nothing_here)),
        )
        .service(ask("/metrics", metrics::metrics))
        .service(read("/livez", health::livez))
        .default_service(web::to(nothing_here));
}

/// A path that visitors read: GET, HEAD, and a browser's question before them.
fn read<F, Args>(path: &str, handler: F) -> Resource
where
    F: Handler<Args>,
    F::Output: Responder + 'static,
    Args: FromRequest + 'static,
{
    resource(path)
        .route(any_of([Method::GET, Method::HEAD]).to(handler))
        .route(web::method(Method::OPTIONS).to(preflight))
        .default_service(only("GET, HEAD, OPTIONS"))
}

/// A path that operators read.
fn ask<F, Args>(path: &str, handler: F) -> Resource
where
    F: Handler<Args>,
    F::Output: Responder + 'static,
    Args: FromRequest + 'static,
{
    resource(path).route(get().to(handler)).default_service(only("GET"))
}

/// A path by which operators change something.
fn change<F, Args>(path: &str, handler: F) -> Resource
where
    F: Handler<Args>,
    F::Output: Responder + 'static,
    Args: FromRequest + 'static,
{
    resource(path).route(post().to(handler)).default_service(only("POST"))
}

fn any_of<const N: usize>(methods: [Method; N]) -> Route {
    web::route().guard(guard::fn_guard(move |context| methods.contains(&context.head().method)))
}

fn only(methods: &'static str) -> Route {
    web::to(move || async move { Problem::MethodNotAllowed(methods).into_result() })
}

fn for_any_website() -> DefaultHeaders {
    DefaultHeaders::new()
        .add((header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"))
        .add((header::ACCESS_CONTROL_EXPOSE_HEADERS, "ETag"))
}

/// Whether a script may ask with headers of its own: it may.
async fn preflight() -> HttpResponse {
    HttpResponse::NoContent()
        .insert_header((header::ALLOW, "GET, HEAD, OPTIONS"))
        .insert_header((header::ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD"))
        // The key of the feed is not among what a star stands for.
        .insert_header((header::ACCESS_CONTROL_ALLOW_HEADERS, "*, Authorization"))
        .insert_header((header::ACCESS_CONTROL_MAX_AGE, "86400"))
        .finish()
}

async fn nothing_here() -> Result<&'static str, Problem> {
    Problem::NotFound("no such path".to_owned()).into_result()
}
