//! The catalogue, written as real rows through the store's own doors: dirty, claimed, saved, settled.

use std::time::{Duration, Instant};

use kaltura_mirror::domain::account_facts::{CategoryMembership, MetadataObject};
use kaltura_mirror::domain::clock::Timestamp;
use kaltura_mirror::domain::decide::Decision;
use kaltura_mirror::domain::entry::{Entry, Flavor, as_object};
use kaltura_mirror::domain::fingerprint;
use kaltura_mirror::domain::ids::{AccountId, CategoryId, EntryId, MetadataId};
use kaltura_mirror::domain::sync_rules::SyncField;
use kaltura_mirror::simulator::account::{PARTNER, SYNC_PROFILE};
use kaltura_mirror::store::{Cause, Content, Lane, Outcome, Reason, RemovalLimit, Save, Seen, Store};
use serde_json::json;

use super::corpus::Film;
use super::place::FIRST_CATEGORY;

/// As many as a claim takes.
const BATCH: usize = 100;

/// Writes entries `0..entries`; how long it took.
pub async fn fill(store: &Store, entries: usize) -> Duration {
    let (sender, mut batches) = tokio::sync::mpsc::channel(4);
    let maker = std::thread::spawn(move || {
        for first in (0..entries).step_by(BATCH) {
            let films = (first..entries.min(first + BATCH)).map(Film::of);
            if sender.blocking_send(films.map(|film| seen(&film)).collect::<Vec<_>>()).is_err() {
                return;
            }
        }
    });
    let began = Instant::now();
    let mut written = 0;
    while let Some(batch) = batches.recv().await {
        written += batch.len();
        save(store, batch).await;
        if written.is_multiple_of(50_000) {
            println!("  {written} entries after {:.0} s", began.elapsed().as_secs_f64());
        }
    }
    maker.join().unwrap();
    began.elapsed()
}

/// One look at each of these entries, at most a hundred, as a worker tells the store of it.
pub async fn save(store: &Store, looks: Vec<Seen>) {
    let account: AccountId = store.find_account(PARTNER).unwrap();
    let ids: Vec<EntryId> = looks.iter().map(|seen| seen.entry_id.clone()).collect();
    store.make_dirty(account, &ids, Reason::Person, Lane::Live).await.unwrap();
    let batch = store.claim(&[Lane::Live], BATCH, Duration::from_secs(60)).await.unwrap().unwrap();
    assert_eq!(batch.entries().len(), ids.len(), "all that was hinted is claimed");
    let saves = looks.into_iter().map(|seen| Save::Seen(Box::new(seen))).collect();
    store.save_entries(&batch, saves, RemovalLimit::default()).await.unwrap();
    let done = ids.into_iter().map(|id| (id, Outcome::Done)).collect();
    store.settle(batch, done).await.unwrap();
}

/// A look that found the entry wanted.
pub fn seen(film: &Film) -> Seen {
    let entry = api_entry(film);
    let object = metadata(film, &entry.id);
    let fields = fields(film);
    let flavors: Vec<Flavor> = [360, 720, 1080].into_iter().map(|height| flavor(film, height)).collect();
    let fingerprint = fingerprint::of_content(&entry, &[(&object, object.xml.clone())], &flavors, &[]);
    Seen {
        entry_id: entry.id.clone(),
        facts: entry.facts.clone(),
        live: None,
        memberships: vec![CategoryMembership {
            entry_id: entry.id.clone(),
            category_id: CategoryId(FIRST_CATEGORY + film.category as i64),
            status: 2,
        }],
        filtered: Some(false),
        is_outdated: None,
        updated_at: entry.updated_at,
        looked_at: Timestamp::from_secs(film.updated_at),
        field: SyncField::Value("Sync Done".into()),
        metadata_id: Some(object.id),
        metadata_version: Some(2),
        decision: Decision::Fill,
        content: Some(Content { metadata: vec![(object, fields)], flavors, captions: Vec::new(), fingerprint, entry }),
        cause: Cause::Backfill,
        emitted_version: None,
        pending_mark: None,
        doubted_picture: None,
    }
}

/// Some 3 KB, as Kaltura tells of an entry.
fn api_entry(film: &Film) -> Entry {
    let id = film.id();
    let url = |what: &str| format!("https://kaltura.example/p/{PARTNER}/sp/{PARTNER}00/{what}/entry_id/{id}/version/0");
    let mut object = as_object(json!({
        "id": id, "name": film.name, "description": film.description, "partnerId": PARTNER.0, "tags": film.tags.join(", "),
        "mediaType": film.media_type, "type": 1, "status": "2", "moderationStatus": 6, "displayInSearch": 1,
        "accessControlId": 2, "createdAt": film.created_at, "updatedAt": film.updated_at, "plays": film.plays,
        "views": film.views, "width": 1920, "height": 1080, "duration": film.duration_s,
        "msDuration": film.duration_s * 1_000 + 345,
    }))
    .unwrap();
    let further = json!({
        "conversionQuality": "6", "sourceType": "1", "dataUrl": url("playManifest"), "flavorParamsIds": "0,2,4,5",
        "userId": "editor@example.test", "creatorId": "editor@example.test", "adminTags": "", "categories": "",
        "categoriesIds": "", "moderationCount": 0, "rank": 0, "totalRank": 0, "votes": 0, "downloadUrl": url("download"),
        "searchText": format!("_PAR_ONLY_ _{PARTNER}_ {} {}", film.name, film.description), "licenseType": -1, "version": 0,
        "replacementStatus": 0, "conversionProfileId": 3, "rootEntryId": id, "operationAttributes": [],
        "entitledUsersEdit": "", "entitledUsersPublish": "", "entitledUsersView": "", "capabilities": "",
        "templateEntryId": "", "objectType": "KalturaMediaEntry",
    });
    object.extend(as_object(further).unwrap());
    if let Some(reference) = &film.reference_id {
        object.insert("referenceId".into(), reference.as_str().into());
    }
    Entry::from_api(object).unwrap()
}

fn fields(film: &Film) -> Vec<(String, Vec<String>)> {
    vec![
        ("SyncStatus".into(), vec!["Sync Done".into()]),
        ("Topic".into(), vec![film.topic().into()]),
        ("ReleaseDate".into(), vec![film.release_date.to_string()]),
        ("Speakers".into(), film.speakers.clone()),
    ]
}

fn metadata(film: &Film, id: &EntryId) -> MetadataObject {
    let element = |(name, values): &(String, Vec<String>)| {
        values.iter().map(|value| format!("<{name}>{value}</{name}>")).collect::<String>()
    };
    let content: String = fields(film).iter().map(element).collect();
    MetadataObject {
        id: MetadataId(film.number as i64 + 1),
        partner_id: PARTNER,
        profile_id: SYNC_PROFILE,
        entry_id: id.clone(),
        version: 2,
        xml: format!("<metadata>{content}</metadata>"),
    }
}

fn flavor(film: &Film, height: i64) -> Flavor {
    let object = json!({
        "id": format!("1_{:07x}{:x}", film.number, height / 360), "entryId": film.id(), "partnerId": PARTNER.0,
        "status": "2", "version": "2", "size": height * 40, "tags": "mobile,web,mbr", "createdAt": film.created_at,
        "updatedAt": film.created_at, "fileExt": "mp4", "flavorParamsId": height / 180, "width": height * 16 / 9,
        "height": height, "bitrate": height * 2, "frameRate": 25, "isOriginal": height == 1080, "isWeb": true,
        "containerFormat": "isom", "videoCodecId": "avc1", "objectType": "KalturaFlavorAsset",
    });
    Flavor::from_api(as_object(object).unwrap()).unwrap()
}
