//! A believable account: some 200 entries in many languages, in every state an entry can be in.
//!
//! * [`shows`]: the texts, from `data/shows.json`; [`cast`]: which entry plays which state;
//! * [`documents`]: custom metadata of every decision case; [`media`]: flavors, captions, thumbnails;
//! * [`spoken`]: what is said in captions, in every format and state;
//! * [`extras`]: what is not a video: pictures, playlists, texts, live streams, a replacement; [`lately`]: films that came last.
//!
//! The same seed and the same time give the same account. Nothing in it exists.

mod cast;
mod documents;
mod extras;
mod lately;
mod media;
mod shows;
mod spoken;

use fastrand::Rng;

use crate::domain::clock::Clock;
use crate::domain::ids::{AccessControlId, CategoryId, EntryId, MetadataProfileId, PartnerId};

use super::categories::{SimAccessControl, SimCategory, SimCategoryEntry};
use super::custom_metadata::SimMetadataProfile;
use super::edits;
use super::entry::SimEntry;
use super::state::SimAccount;
use super::templates::TemplateData;
use super::templates::numbers::{Format, HashAlgorithm};

use shows::Show;

/// The account's number.
pub const PARTNER: PartnerId = PartnerId(102);
/// The account's admin secret: drawn once, worth nothing.
pub const ADMIN_SECRET: &str = "6c0f9b1e4d7a4f52a83e1d0c5b7f2964";
/// The profile whose field `SyncStatus` says what is to be synced; it holds the content fields, too.
pub const SYNC_PROFILE: MetadataProfileId = MetadataProfileId(93_091);
/// The profile's name and system name.
pub const SYNC_PROFILE_NAME: &str = "apinotifications_sync_data";
/// The access-control profile that only lets the staff network play.
pub const STAFF_ONLY: AccessControlId = AccessControlId(5);
/// The category with a privacy context, `portal`.
pub const MEMBERS: CategoryId = CategoryId(11);

const COLLECTIONS: CategoryId = CategoryId(9);
const DAY: i64 = 86_400;

/// The account, as it stands at `clock`'s present moment.
pub fn believable_account(seed: u64, clock: Clock) -> SimAccount {
    let mut rng = Rng::with_seed(seed);
    let mut account = furnished(clock);
    let shows = shows::all();
    let parts = cast::dealt(shows.len(), &mut rng);
    for (number, (show, part)) in shows.iter().zip(parts).enumerate() {
        let mut entry = dressed(&mut account, show, number, &mut rng);
        part.play(&mut account, &mut entry);
        media::add(&mut account, &mut entry, show, number, &mut rng);
        documents::add(&mut account, &entry, show, number);
        account.entries.insert(entry.id.clone(), entry);
    }
    extras::add(&mut account, &mut rng);
    lately::add(&mut account);
    account
}

/// Gives the account four event-notification templates that listen and post to `url`, as an administrator would clone them:
/// an entry changed in what visitors see, was deleted, any of its custom metadata changed, its `SyncStatus` became *Sync Needed*.
///
/// Not part of [`believable_account`]: where they post to is known only when the receiver runs.
pub fn add_event_templates(account: &mut SimAccount, url: &str) {
    const COLUMNS: &str = "entry.NAME,entry.DESCRIPTION,entry.TAGS,entry.STATUS,entry.THUMBNAIL,entry.MODERATION_STATUS,\
                           entry.START_DATE,entry.END_DATE,entry.ACCESS_CONTROL_ID";
    const FIELD: &str = "/*[local-name()='metadata']/*[local-name()='SyncStatus']";
    let object = |class| Some(TemplateData::object(class, Format::Json));
    let fields = || Some(TemplateData::fields());
    let clones = [
        (
            "HTTP_ENTRY_CHANGED",
            "MIRROR_ENTRY_CHANGED",
            object("KalturaMediaEntry"),
            vec![("modified_columns", COLUMNS)],
        ),
        ("HTTP_ENTRY_STATUS_EQUALS", "MIRROR_ENTRY_DELETED", fields(), vec![("trigger_status", "3")]),
        ("HTTP_ENTRY_CUSTOM_METADATA_CHANGED", "MIRROR_METADATA_CHANGED", object("KalturaBaseEntry"), vec![]),
        (
            "HTTP_METADATA_FIELD_EQUALS",
            "MIRROR_SYNC_NEEDED",
            fields(),
            vec![
                ("metadata_field", FIELD),
                ("metadata_profile_system_name", SYNC_PROFILE_NAME),
                ("metadata_value", "Sync Needed"),
            ],
        ),
    ];
    for (stock, system_name, data, parameters) in clones {
        edits::templates::clone_template(account, stock, system_name, |template| {
            let template = template.active(url, data).with_hash(HashAlgorithm::Sha256);
            parameters.iter().fold(template, |template, (key, value)| template.with_parameter(key, value))
        });
    }
}

/// An account with its profiles and categories, and without entries.
fn furnished(clock: Clock) -> SimAccount {
    let mut account = SimAccount::new(PARTNER, ADMIN_SECRET, clock);
    account.enforce_entitlement = true;
    let opened = account.now() - 1200 * DAY;
    let mut staff = SimAccessControl::only_from_network(STAFF_ONLY, "Staff network only", "10.1.0.0/16", opened);
    staff.system_name = Some(format!("STAFF_{PARTNER}"));
    account.access_controls.insert(staff.id, staff);
    let xsd = include_str!("data/sync_profile.xsd").trim_end();
    let profile = SimMetadataProfile::for_entries(SYNC_PROFILE, SYNC_PROFILE_NAME, xsd, opened);
    account.metadata_profiles.insert(profile.id, profile);
    account.next_metadata_profile_id = SYNC_PROFILE.0 + 1;
    for category in categories(opened) {
        account.categories.insert(category.id, category);
    }
    account
}

fn categories(at: i64) -> Vec<SimCategory> {
    let mut categories: Vec<_> =
        shows::SUBJECTS.iter().map(|(subject, id)| SimCategory::top(*id, subject, at)).collect();
    let museum = SimCategory::top(shows::category_of("Museum"), "Museum", at);
    let portal = SimCategory::top(CategoryId(10), "Portal", at);
    let mut members = portal.child(MEMBERS, "Members", at);
    members.privacy_context = "portal".to_owned();
    members.owner = "editor@example.test".to_owned();
    categories.extend([museum.child(COLLECTIONS, "Collections", at), portal, members]);
    categories
}

/// A ready video with the show's texts and with what editors and time add to it.
fn dressed(account: &mut SimAccount, show: &Show, number: usize, rng: &mut Rng) -> SimEntry {
    const FRAMES: [(i64, i64); 5] = [(1280, 720), (1920, 1080), (1280, 720), (640, 480), (720, 1280)];
    const OWNERS: [&str; 4] =
        ["editor@example.test", "newsroom@example.test", "lectures@example.test", "museum@example.test"];
    let created_at = account.now() - rng.i64(2 * DAY..1100 * DAY);
    let mut entry = SimEntry::video(account.make_entry_id(), &show.title, created_at);
    entry.description.clone_from(&show.description);
    entry.tags.clone_from(&show.tags);
    entry.user_id = OWNERS[number % OWNERS.len()].to_owned();
    entry.creator_id.clone_from(&entry.user_id);
    entry.updated_at = created_at + rng.i64(0..account.now() - created_at - DAY);
    let (width, height) = FRAMES[number % FRAMES.len()];
    (entry.width, entry.height) = (Some(width), Some(height));
    entry.ms_duration = rng.i64(20_000..5_400_000);
    entry.views = rng.i64(0..40_000);
    entry.plays = rng.i64(0..=entry.views);
    entry.moderation_status = if number.is_multiple_of(7) { 2 } else { 6 };
    entry.reference_id =
        (number % 5 == 1).then(|| format!("{}/{number:03}?lang={}&v=2", show.subject.to_lowercase(), show.code));
    entry.admin_tags = (number % 6 == 2).then(|| "internal, <checked>".to_owned());
    entry.partner_data = (number % 9 == 4).then(|| format!(r#"{{"desk":"{} & co","shelf":{number}}}"#, show.subject));
    join(account, &entry.id, shows::category_of(&show.subject), created_at);
    if show.subject == "Museum" && number.is_multiple_of(3) {
        join(account, &entry.id, COLLECTIONS, created_at);
    }
    entry
}

/// Puts an entry into a category.
fn join(account: &mut SimAccount, entry: &EntryId, category: CategoryId, at: i64) {
    account.category_entries.entry(entry.clone()).or_default().push(SimCategoryEntry::active(category, at));
}

#[cfg(test)]
mod tests;
