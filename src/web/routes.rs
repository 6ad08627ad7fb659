//! The routes table. An endpoint is a file of this room and a line here.

use actix_web::web::{self, ServiceConfig, delete, get, post, put, resource, scope};

use super::problem::Problem;
use super::{admin, entries, health, notifications, thumbnails};

/// What the website and Kaltura reach.
pub(super) fn public(routes: &mut ServiceConfig) {
    routes
        .service(
            resource("/notifications")
                .route(post().to(notifications::receive))
                .route(put().to(notifications::receive))
                .route(delete().to(notifications::receive))
                .default_service(web::to(async || Problem::MethodNotAllowed("POST, PUT, DELETE").into_result())),
        )
        .service(resource("/api/v1/entries").route(get().to(entries::list)).default_service(only_get()))
        .service(resource("/api/v1/entries/{id}").route(get().to(entries::show)).default_service(only_get()))
        .service(resource("/thumbnails/{entry}").route(get().to(thumbnails::show)).default_service(only_get()))
        .service(resource("/livez").route(get().to(health::livez)))
        .service(resource("/readyz").route(get().to(health::readyz)))
        .default_service(web::to(nothing_here));
}

/// What only operators reach, each with the token.
pub(super) fn admin(routes: &mut ServiceConfig) {
    routes
        .service(
            scope("/api/v1/admin")
                .route("/status", get().to(admin::status))
                .route("/sync", post().to(admin::sync))
                .route("/entries/{id}", get().to(admin::entry))
                .route("/entries/{id}/hide", post().to(admin::hide))
                .route("/entries/{id}/unhide", post().to(admin::unhide))
                .route("/inbox/{id}/replay", post().to(admin::replay))
                .route("/inbox/reverify", post().to(admin::reverify))
                .route("/dead/retry", post().to(admin::retry_dead))
                .route("/removals/release", post().to(admin::release_removals)),
        )
        .service(resource("/livez").route(get().to(health::livez)))
        .default_service(web::to(nothing_here));
}

fn only_get() -> actix_web::Route {
    web::to(async || Problem::MethodNotAllowed("GET").into_result())
}

async fn nothing_here() -> Result<&'static str, Problem> {
    Problem::NotFound("no such path".to_owned()).into_result()
}
