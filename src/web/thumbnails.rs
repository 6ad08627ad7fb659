//! `GET /thumbnails/{entry}`: the mirrored picture of a public entry.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;

use super::entries::{ambiguous, entry_id, shapes_of};
use super::problem::Problem;
use super::{Site, fresh};
use crate::domain::ids::EntryId;
use crate::store::{PublicShapes, StoredThumbnail};

/// A picture outlives its entry in a cache by this much at most.
const CACHE: &str = "public, max-age=300";

/// `?width=&height=&account=`; `v` only keeps caches apart.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    width: Option<u32>,
    height: Option<u32>,
    account: Option<String>,
    #[serde(rename = "v")]
    _version: Option<String>,
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
    Ok(fresh::bytes(&request, &image.sha256, CACHE, &image.content_type, image.bytes))
}

async fn find(site: &Site, id: &EntryId, shapes: &PublicShapes) -> Result<StoredThumbnail, Problem> {
    let mut found = Vec::new();
    for (account, shape) in shapes.iter().filter(|(_, shape)| shape.publish.tells("thumbnail")) {
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
