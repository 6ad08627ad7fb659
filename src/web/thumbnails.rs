//! `GET /thumbnails/{entry}`: the mirrored picture of a public entry.

use actix_web::http::header::{self, ETag, EntityTag, Header, IfNoneMatch};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;

use super::Site;
use super::entries::{ambiguous, entry_id, shapes_of};
use super::problem::Problem;
use crate::domain::ids::EntryId;
use crate::store::{PublicShapes, StoredThumbnail};

/// `?width=&height=&account=`; `v` only keeps caches apart.
#[derive(Deserialize)]
pub(super) struct Wanted {
    width: Option<u32>,
    height: Option<u32>,
    account: Option<String>,
}

/// The bytes, with an ETag of their own: 304 when the browser has them.
pub(super) async fn show(
    site: web::Data<Site>,
    request: HttpRequest,
    path: web::Path<String>,
    wanted: web::Query<Wanted>,
) -> Result<HttpResponse, Problem> {
    let id = entry_id(&path)?;
    let shapes = shapes_of(&site, wanted.account.as_deref())?;
    let image = find(&site, &id, &shapes).await?;
    only_the_stored_size(&wanted, &image)?;

    let tag = EntityTag::new_strong(hex(&image.sha256));
    let unchanged = match IfNoneMatch::parse(&request) {
        Ok(IfNoneMatch::Any) => request.headers().contains_key(header::IF_NONE_MATCH),
        Ok(IfNoneMatch::Items(known)) => known.iter().any(|known| known.weak_eq(&tag)),
        Err(_) => false,
    };
    let mut response = if unchanged { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response.insert_header(ETag(tag)).insert_header((header::CACHE_CONTROL, "public, max-age=300"));
    if unchanged {
        return Ok(response.finish());
    }
    response.insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"));
    Ok(response.content_type(image.content_type).body(image.bytes))
}

async fn find(site: &Site, id: &EntryId, shapes: &PublicShapes) -> Result<StoredThumbnail, Problem> {
    let mut found = Vec::new();
    for (account, shape) in shapes {
        found.extend(site.store.thumbnail(*account, id).await?.map(|image| (shape.label.clone(), image)));
    }
    if found.len() > 1 {
        let labels: Vec<_> = found.into_iter().map(|(label, _)| label).collect();
        return Err(ambiguous(id, &labels));
    }
    let found = found.pop().map(|(_, image)| image);
    found.ok_or_else(|| Problem::NotFound(format!("no public thumbnail of entry {id}")))
}

/// Until pictures are resized here, another size is refused by a message that names the stored one.
fn only_the_stored_size(wanted: &Wanted, image: &StoredThumbnail) -> Result<(), Problem> {
    let fits = |wanted: Option<u32>, stored: Option<u32>| wanted.is_none() || wanted == stored;
    if fits(wanted.width, image.width) && fits(wanted.height, image.height) {
        return Ok(());
    }
    let pixels = |stored: Option<u32>| stored.map_or_else(|| "unknown".to_owned(), |pixels| pixels.to_string());
    let (width, height) = (pixels(image.width), pixels(image.height));
    Err(Problem::BadRequest(format!(
        "this thumbnail is stored in width {width} and height {height}: leave both out, or ask for these"
    )))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
