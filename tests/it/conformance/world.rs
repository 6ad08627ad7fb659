//! The account as it stood when an exchange was recorded, put together from everything the exchanges show of it.

use std::collections::BTreeMap;

use kaltura_mirror::domain::clock::{Clock, Timestamp};
use kaltura_mirror::domain::ids::{AccessControlId, CategoryId, EntryId, MetadataId, MetadataProfileId, PartnerId};
use kaltura_mirror::simulator::assets::{SimCaption, SimFlavor, SimThumbAsset};
use kaltura_mirror::simulator::categories::{SimAccessControl, SimCategory, SimCategoryEntry};
use kaltura_mirror::simulator::custom_metadata::{SimMetadata, SimMetadataProfile};
use kaltura_mirror::simulator::entry::{EntryKind, SimEntry, SimStatus};
use kaltura_mirror::simulator::sessions::SimAppToken;
use kaltura_mirror::simulator::state::SimAccount;
use kaltura_mirror::simulator::templates::TemplateData;
use kaltura_mirror::simulator::templates::numbers::{HashAlgorithm, TemplateStatus};
use serde_json::{Map, Value};

use super::captures::Capture;

pub type Object = Map<String, Value>;

/// What was seen of an object, and in which exchange.
struct Sight {
    exchange: usize,
    object: Object,
    /// Members that were asked for and are null.
    nulls: Vec<&'static str>,
    /// Its place in the large account's list.
    place: Option<usize>,
}

/// Everything seen: by class group and id, oldest first.
pub struct Observed {
    sights: BTreeMap<(&'static str, i64, String), Vec<Sight>>,
    names: Vec<String>,
}

/// The account before anything is known of it.
pub fn empty() -> SimAccount {
    SimAccount::new(PartnerId(4021), "", Clock::manual(Timestamp::from_secs(0)))
}

impl Observed {
    /// Collects what the answers show.
    pub fn of(captures: &[Capture]) -> Self {
        let mut observed = Self { sights: BTreeMap::new(), names: Vec::new() };
        for (exchange, capture) in captures.iter().enumerate() {
            observed.names.push(capture.name.clone());
            let answer = capture.answer_value().unwrap_or_else(|| metadata_in_xml(&capture.answer_text()));
            observed.walk(&answer, exchange, capture);
        }
        observed.place_large_account(captures);
        observed
    }

    fn walk(&mut self, value: &Value, exchange: usize, capture: &Capture) {
        match value {
            Value::Object(object) => {
                if let Some((group, id)) = identity(object) {
                    let sight = Sight { exchange, object: object.clone(), nulls: nulls(object, capture), place: None };
                    self.sights.entry((group, capture.partner_id, id)).or_default().push(sight);
                }
                object.values().for_each(|inner| self.walk(inner, exchange, capture));
            }
            Value::Array(items) => items.iter().for_each(|item| self.walk(item, exchange, capture)),
            _ => {}
        }
    }

    /// Gives the entries of the large account their places: its first page holds 500.
    fn place_large_account(&mut self, captures: &[Capture]) {
        let page =
            |name: &str| captures.iter().find(|capture| capture.name == name).and_then(Capture::answer_value).unwrap();
        let pages = [page("media.list.pageSize_over_500.json"), page("media.list.pageSize_over_500_page2.json")];
        let objects = pages.iter().flat_map(|page| page["objects"].as_array().unwrap());
        for (place, object) in objects.enumerate() {
            let key = ("entry", 7351, object["id"].as_str().unwrap().to_owned());
            self.sights.get_mut(&key).unwrap()[0].place = Some(place);
        }
    }

    /// Each object of a group as far as it was known at an exchange: what was seen until then, later sights over earlier ones; one
    /// first seen later, if it was there already.
    fn known(&self, group: &'static str, capture: &Capture) -> Vec<Object> {
        // The answers in XML were recorded right after those in JSON, which show the same moment.
        let twin = capture.name.replace(".xml", ".json").replace(".php", ".json");
        let place = |name: &str| self.names.iter().position(|known| known == name);
        let exchange = place(&twin).or_else(|| place(&capture.name)).unwrap();
        let of_group =
            self.sights.iter().filter(|((known, partner, _), _)| *known == group && *partner == capture.partner_id);
        of_group.filter_map(|(_, sights)| state_at(sights, exchange, capture)).collect()
    }
}

fn nulls(object: &Object, capture: &Capture) -> Vec<&'static str> {
    let sent = capture.sent();
    let is_null = |name: &&str| sent.contains(*name) && !object.contains_key(*name);
    ["startDate", "endDate", "replacedEntryId"].into_iter().filter(is_null).collect()
}

fn state_at(sights: &[Sight], exchange: usize, capture: &Capture) -> Option<Object> {
    let is_whole = |object: &Object| object.contains_key("partnerId") || object.contains_key("categoryId");
    let is_full = |sight: &Sight| is_whole(&sight.object) && sight.object["objectType"] != "KalturaBaseEntry";
    let until = sights.iter().take_while(|sight| sight.exchange <= exchange).count();
    let from = sights[..until].iter().rposition(is_full).unwrap_or(0);
    let mut merged = Object::new();
    for sight in &sights[from..until] {
        merged.extend(sight.object.clone());
        merged.retain(|name, _| !sight.nulls.contains(&name.as_str()));
    }
    if !is_whole(&merged) {
        let Some(later) = sights.iter().find(|sight| is_whole(&sight.object)) else { return large_account(&sights[0]) };
        let seen = std::mem::replace(&mut merged, later.object.clone());
        let was_there = merged["createdAt"].as_i64().is_some_and(|at| at < capture.recorded_at);
        if seen.is_empty() && !was_there {
            return None;
        }
        merged.extend(seen);
    }
    Some(merged)
}

/// The 503 entries of the other account, of which only ids are shown; made in the order of the list.
fn large_account(sight: &Sight) -> Option<Object> {
    let place = sight.place?;
    let mut object = sight.object.clone();
    object.insert("createdAt".to_owned(), Value::from(1_795_459_495 + place as i64));
    object.insert("status".to_owned(), Value::from(7));
    object.insert("displayInSearch".to_owned(), Value::from(1));
    object.insert("moderationStatus".to_owned(), Value::from(6));
    object.insert("partnerId".to_owned(), Value::from(7351));
    Some(object)
}

/// The group and the id of an object we hold.
fn identity(object: &Object) -> Option<(&'static str, String)> {
    let text =
        |name: &str| object.get(name).map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    let group = match object.get("objectType")?.as_str()? {
        "KalturaMediaEntry"
        | "KalturaBaseEntry"
        | "KalturaPlaylist"
        | "KalturaDataEntry"
        | "KalturaLiveStreamAdminEntry"
        | "KalturaLiveStreamEntry" => "entry",
        "KalturaMetadata" => "metadata",
        "KalturaMetadataProfile" => "profile",
        "KalturaFlavorAsset" => "flavor",
        "KalturaThumbAsset" => "thumb",
        "KalturaCaptionAsset" => "caption",
        "KalturaCategory" => "category",
        "KalturaCategoryEntry" => return Some(("membership", format!("{} {}", text("categoryId")?, text("entryId")?))),
        "KalturaAccessControlProfile" => "access",
        "KalturaAppToken" => "token",
        "KalturaHttpNotificationTemplate" => "template",
        _ => return None,
    };
    Some((group, text("id")?))
}

/// Metadata objects stand in some answers that were recorded as XML only.
fn metadata_in_xml(text: &str) -> Value {
    const CLASS: &str = "<objectType>KalturaMetadata</objectType>";
    let found = text.split(CLASS).skip(1).filter_map(|part| {
        let member = |name: &str| {
            let after = part.split_once(&format!("<{name}>"))?.1;
            Some(after.split_once(&format!("</{name}>"))?.0.to_owned())
        };
        let number = |name: &str| member(name)?.parse::<i64>().ok().map(Value::from);
        let unescaped =
            member("xml")?.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&");
        let mut object = Object::new();
        for name in [
            "id",
            "partnerId",
            "metadataProfileId",
            "metadataProfileVersion",
            "version",
            "createdAt",
            "updatedAt",
            "status",
        ] {
            object.insert(name.to_owned(), number(name)?);
        }
        object.insert("objectId".to_owned(), Value::from(member("objectId")?));
        object.insert("xml".to_owned(), Value::from(unescaped));
        object.insert("objectType".to_owned(), Value::from("KalturaMetadata"));
        Some(Value::Object(object))
    });
    found.collect()
}

/// The account just before the request of an exchange.
pub fn at(observed: &Observed, capture: &Capture) -> SimAccount {
    let clock = Clock::manual(Timestamp::from_secs(capture.recorded_at));
    let mut account = SimAccount::new(PartnerId(capture.partner_id), &capture.admin_secret, clock);
    account.service_url = "http://127.0.0.1:8080".to_owned();
    account.cdn_url = "http://cdn.example.test".to_owned();
    account.access_controls.clear();
    let known = |group| observed.known(group, capture);
    known("access").iter().map(access_control).for_each(|one| drop(account.access_controls.insert(one.id, one)));
    known("category").iter().map(category).for_each(|one| drop(account.categories.insert(one.id, one)));
    known("profile").iter().map(profile).for_each(|one| drop(account.metadata_profiles.insert(one.id, one)));
    known("token").iter().map(token).for_each(|one| drop(account.app_tokens.insert(one.id.clone(), one)));
    known("template").iter().for_each(|one| add_template(&mut account, one));
    for object in known("flavor") {
        account.flavors.entry(entry_id(&object, "entryId")).or_default().push(flavor(&object));
    }
    account.flavors.values_mut().for_each(|flavors| flavors.sort_by_key(|one| (one.created_at, one.flavor_params_id)));
    for object in known("thumb") {
        account.thumb_assets.entry(entry_id(&object, "entryId")).or_default().push(thumb(&object));
    }
    for object in known("caption") {
        account.captions.entry(entry_id(&object, "entryId")).or_default().push(caption(&object));
    }
    if capture.name.starts_with("caption_captionasset.serve") {
        account.captions.values_mut().flatten().for_each(|caption| caption.content.clone_from(&capture.answer));
    }
    for object in known("metadata") {
        account.metadata.entry(entry_id(&object, "objectId")).or_default().push(metadata(&object));
    }
    let memberships = known("membership");
    for object in known("entry") {
        add_entry(&mut account, &object, &memberships);
    }
    cleaned_up(&mut account, capture);
    before_the_write(&mut account, capture);
    sessions(&mut account, capture);
    account
}

/// An account of which one entry is known.
pub fn with_entry(object: &Object, secret: &str, at: i64) -> SimAccount {
    let clock = Clock::manual(Timestamp::from_secs(at));
    let mut account = SimAccount::new(PartnerId(int(object, "partnerId")), secret, clock);
    account.service_url = "http://127.0.0.1:8080".to_owned();
    account.cdn_url = "http://cdn.example.test".to_owned();
    add_entry(&mut account, object, &[]);
    account
}

/// Kaltura's own are there already; one of the account's was cloned from that of the same name.
fn add_template(account: &mut SimAccount, object: &Object) {
    let name = text(object, "name");
    let Some(stock) = account.stock_templates.iter_mut().find(|template| template.name == name) else { return };
    if int(object, "partnerId") == 0 {
        (stock.created_at, stock.updated_at) = (int(object, "createdAt"), int(object, "updatedAt"));
        return;
    }
    let mut template = stock.clone_as(int(object, "id"), int(object, "createdAt")).active(&text(object, "url"), None);
    template.system_name = text(object, "systemName");
    template.updated_at = int(object, "updatedAt");
    template.status = TemplateStatus::from_number(int(object, "status")).unwrap();
    template.hash = HashAlgorithm::from_number(int(object, "secureHashingAlgo")).unwrap();
    template.data = object
        .get("data")
        .filter(|data| data["objectType"] == "KalturaHttpNotificationDataFields")
        .map(|_| TemplateData::fields());
    for parameter in object["userParameters"].as_array().unwrap() {
        let value = parameter["value"]["value"].as_str().unwrap();
        template = template.with_parameter(parameter["key"].as_str().unwrap(), value);
    }
    account.event_templates.push(template);
}

fn add_entry(account: &mut SimAccount, object: &Object, memberships: &[Object]) {
    let entry = entry(object);
    if !account.flavors.contains_key(&entry.id)
        && let Some(ids) = object.get("flavorParamsIds")
    {
        // Flavors that were never listed.
        let mut with = entry.clone();
        with.extra.insert("flavorParamsIds".to_owned(), ids.clone());
        account.entries.insert(entry.id.clone(), with);
    } else {
        account.entries.insert(entry.id.clone(), entry.clone());
    }
    let shown_ids = text(object, "categoriesIds");
    let shown_names = text(object, "categories");
    for (id, name) in shown_ids.split(',').zip(shown_names.split(',')).filter(|(id, _)| !id.is_empty()) {
        let id = CategoryId(id.parse().unwrap());
        account.categories.entry(id).or_insert_with(|| SimCategory { status: 3, ..SimCategory::top(id, name, 0) });
    }
    for membership in memberships.iter().filter(|one| text(one, "entryId") == entry.id.as_str()) {
        let category = CategoryId(int(membership, "categoryId"));
        let is_private = account.categories.get(&category).is_some_and(|one| !one.privacy_context.is_empty());
        let created_at = int(membership, "createdAt");
        let is_shown = shown_ids.split(',').any(|id| id == category.to_string());
        if is_shown || (is_private && created_at <= account.now()) {
            let one = SimCategoryEntry {
                category_id: category,
                created_at,
                status: int(membership, "status"),
                creator_user_id: text(membership, "creatorUserId"),
            };
            account.category_entries.entry(entry.id.clone()).or_default().push(one);
        }
    }
    let known: Vec<CategoryId> =
        account.category_entries.get(&entry.id).into_iter().flatten().map(|one| one.category_id).collect();
    for id in shown_ids.split(',').filter_map(|id| id.parse().ok()).map(CategoryId).filter(|id| !known.contains(id)) {
        account.category_entries.entry(entry.id.clone()).or_default().push(SimCategoryEntry::active(id, 0));
    }
}

/// Entries that were deleted between two recordings.
fn cleaned_up(account: &mut SimAccount, capture: &Capture) {
    const AT: i64 = 1_795_460_013;
    for id in ["0_ef2gs8k4", "0_1j6tw559", "0_11ywuhzz", "0_106uq8pv"] {
        if let Some(entry) = account.entries.get_mut(&id.parse().unwrap())
            && capture.recorded_at > AT
        {
            entry.status = SimStatus::DELETED;
        }
    }
}

/// Takes back what the exchange itself wrote.
fn before_the_write(account: &mut SimAccount, capture: &Capture) {
    if capture.name.starts_with("metadataProfile.list.none") {
        account.metadata_profiles.clear();
    }
    let text = capture.answer_text();
    if let Some((_, after)) = text.split_once("<name>VERSION</name><value>") {
        let version = after.split('<').next().unwrap().parse().unwrap();
        account.metadata.values_mut().flatten().for_each(|one| one.version = version);
    }
    if capture.name.starts_with("metadataProfile.add")
        && let Some((_, after)) =
            text.split_once("<objectType>KalturaMetadataProfile</objectType><relatedObjects></relatedObjects><id>")
    {
        account.next_metadata_profile_id = after.split('<').next().unwrap().parse().unwrap();
    }
    let Some(answer) = capture.answer_value().or_else(|| metadata_in_xml(&capture.answer_text()).get(0).cloned())
    else {
        return;
    };
    if let Some(version) = answer["args"]["VERSION"].as_str() {
        let version = version.parse().unwrap();
        account.metadata.values_mut().flatten().for_each(|one| one.version = version);
    }
    if !capture.is_write() || answer["code"].is_string() {
        return;
    }
    let class = answer["objectType"].as_str().unwrap_or_default();
    let changes_nothing = capture.name.contains("same")
        || capture.name.contains("empty_xml")
        || answer["updatedAt"].as_i64().is_some_and(|at| at < capture.recorded_at - 3);
    match class {
        "KalturaMetadata" if capture.name.starts_with("metadata.add") => {
            let id = MetadataId(answer["id"].as_i64().unwrap());
            account.metadata.values_mut().for_each(|all| all.retain(|one| one.id != id));
            account.next_metadata_id = id.0;
        }
        "KalturaMetadata" if !changes_nothing => {
            let id = MetadataId(answer["id"].as_i64().unwrap());
            let one = account.metadata_by_id_mut(id).unwrap();
            one.version -= 10;
            one.xml = "<metadata><SyncStatus>before</SyncStatus></metadata>".to_owned();
        }
        "KalturaMetadataProfile" => {
            let id = answer["id"].as_i64().unwrap();
            account.metadata_profiles.retain(|known, _| known.0 < id);
            account.next_metadata_profile_id = id;
        }
        _ if !changes_nothing && capture.path.contains("ecycle") => {
            let id: EntryId = answer["id"].as_str().unwrap().parse().unwrap();
            let entry = account.entries.get_mut(&id).unwrap();
            entry.display_in_search = if capture.path.contains("restore") { -2 } else { 1 };
        }
        _ if !changes_nothing && class.ends_with("Entry") => {
            let id: EntryId = answer["id"].as_str().unwrap().parse().unwrap();
            let entry = account.entries.get_mut(&id).unwrap();
            let sent = capture.sent();
            if sent.contains("Entry:name") {
                entry.name = "before".to_owned();
            }
            if sent.contains("Entry:description") {
                entry.description = "before".to_owned();
            }
            if sent.contains("Entry:tags") {
                entry.tags = "before".to_owned();
            }
        }
        _ => {}
    }
}

/// What the sessions of the recordings need: ended ones, and those used up.
fn sessions(account: &mut SimAccount, capture: &Capture) {
    let ks =
        || capture.sent().split("ks=").nth(1).and_then(|rest| rest.split('&').next()).unwrap_or_default().to_owned();
    if capture.name.starts_with("ks.ended") {
        account.ended_sessions.insert(ks());
    }
    if capture.name.starts_with("ks.actionslimit_exceeded") {
        account.actions_used.insert(ks(), 1);
    }
    account.other_partners.insert(PartnerId(7351), "another partner's".to_owned());
}

fn text(object: &Object, name: &str) -> String {
    option(object, name).unwrap_or_default()
}

fn option(object: &Object, name: &str) -> Option<String> {
    object.get(name)?.as_str().map(str::to_owned)
}

fn int(object: &Object, name: &str) -> i64 {
    number(object, name).unwrap_or_default()
}

/// A number, or a text that is one.
fn number(object: &Object, name: &str) -> Option<i64> {
    let value = object.get(name)?;
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

fn entry_id(object: &Object, name: &str) -> EntryId {
    text(object, name).parse().unwrap()
}

fn entry(object: &Object) -> SimEntry {
    let kind = match object["type"].as_i64() {
        Some(5) => EntryKind::Playlist,
        Some(6) => EntryKind::Data,
        Some(7) => EntryKind::LiveStream,
        _ => EntryKind::Media,
    };
    let mut entry = SimEntry::video(entry_id(object, "id"), &text(object, "name"), int(object, "createdAt"));
    entry.kind = kind;
    entry.description = text(object, "description");
    entry.tags = text(object, "tags");
    entry.admin_tags = option(object, "adminTags");
    entry.user_id = text(object, "userId");
    entry.creator_id = text(object, "creatorId");
    entry.status = match &object["status"] {
        Value::String(plugin) => SimStatus::Plugin(plugin.clone()),
        number => SimStatus::Core(number.as_i64().unwrap()),
    };
    entry.moderation_status = int(object, "moderationStatus");
    entry.moderation_count = int(object, "moderationCount");
    entry.updated_at = int(object, "updatedAt");
    entry.partner_data = option(object, "partnerData");
    entry.reference_id = option(object, "referenceId");
    entry.access_control_id = number(object, "accessControlId").map(AccessControlId);
    entry.start_date = number(object, "startDate");
    entry.end_date = number(object, "endDate");
    entry.replacing_entry_id = option(object, "replacingEntryId").map(|id| id.parse().unwrap());
    entry.replaced_entry_id = option(object, "replacedEntryId").map(|id| id.parse().unwrap());
    entry.replacement_status = int(object, "replacementStatus");
    entry.display_in_search = int(object, "displayInSearch");
    entry.media_type = number(object, "mediaType");
    entry.source_type = option(object, "sourceType");
    entry.width = number(object, "width");
    entry.height = number(object, "height");
    entry.ms_duration = int(object, "msDuration");
    entry.data_version = int(object, "version");
    let thumbnail = text(object, "thumbnailUrl");
    entry.thumbnail.version = thumbnail.rsplit('/').next().and_then(|version| version.parse().ok()).unwrap_or(0);
    // Kaltura gives a new entry its conversion profile at different times.
    if object.contains_key("downloadUrl") && !object.contains_key("conversionProfileId") {
        for name in ["conversionProfileId", "conversionQuality"] {
            entry.extra.insert(name.to_owned(), Value::Null);
        }
    }
    // What no state of ours decides.
    for name in ["playlistContent", "dataContent", "streamPassword", "primarySrtStreamId", "secondarySrtStreamId"] {
        if let Some(value) = object.get(name) {
            entry.extra.insert(name.to_owned(), value.clone());
        }
    }
    entry
}

fn metadata(object: &Object) -> SimMetadata {
    SimMetadata {
        id: MetadataId(int(object, "id")),
        profile_id: MetadataProfileId(int(object, "metadataProfileId")),
        profile_version: int(object, "metadataProfileVersion"),
        version: int(object, "version"),
        created_at: int(object, "createdAt"),
        updated_at: int(object, "updatedAt"),
        status: int(object, "status"),
        xml: text(object, "xml"),
    }
}

fn profile(object: &Object) -> SimMetadataProfile {
    let id = MetadataProfileId(int(object, "id"));
    SimMetadataProfile {
        object_type: int(object, "metadataObjectType"),
        version: int(object, "version"),
        system_name: option(object, "systemName"),
        description: option(object, "description"),
        create_mode: number(object, "createMode"),
        ..SimMetadataProfile::for_entries(id, &text(object, "name"), &text(object, "xsd"), int(object, "createdAt"))
    }
}

fn flavor(object: &Object) -> SimFlavor {
    let source =
        SimFlavor::source(&text(object, "id"), int(object, "width"), int(object, "height"), int(object, "createdAt"));
    SimFlavor {
        version: int(object, "version"),
        tags: text(object, "tags"),
        updated_at: int(object, "updatedAt"),
        flavor_params_id: int(object, "flavorParamsId"),
        bitrate: int(object, "bitrate"),
        frame_rate: int(object, "frameRate"),
        is_original: object["isOriginal"] == true,
        is_web: object["isWeb"] == true,
        container_format: option(object, "containerFormat"),
        video_codec_id: option(object, "videoCodecId"),
        status: int(object, "status"),
        size: int(object, "size"),
        size_bytes: int(object, "sizeInBytes"),
        ..source
    }
}

fn thumb(object: &Object) -> SimThumbAsset {
    SimThumbAsset {
        id: text(object, "id"),
        version: int(object, "version"),
        tags: text(object, "tags"),
        file_ext: text(object, "fileExt"),
        created_at: int(object, "createdAt"),
        updated_at: int(object, "updatedAt"),
        size_bytes: int(object, "size"),
        width: int(object, "width"),
        height: int(object, "height"),
        status: int(object, "status"),
    }
}

fn caption(object: &Object) -> SimCaption {
    SimCaption {
        id: text(object, "id"),
        version: int(object, "version"),
        tags: text(object, "tags"),
        file_ext: text(object, "fileExt"),
        created_at: int(object, "createdAt"),
        updated_at: int(object, "updatedAt"),
        language: text(object, "language"),
        language_code: text(object, "languageCode"),
        is_default: object.get("isDefault").and_then(Value::as_bool),
        label: text(object, "label"),
        format: text(object, "format"),
        status: int(object, "status"),
        display_on_player: object.get("displayOnPlayer").and_then(Value::as_bool).unwrap_or(true),
        content: vec![b'x'; int(object, "size") as usize],
    }
}

fn category(object: &Object) -> SimCategory {
    SimCategory {
        id: CategoryId(int(object, "id")),
        parent_id: int(object, "parentId"),
        depth: int(object, "depth"),
        name: text(object, "name"),
        full_name: text(object, "fullName"),
        full_ids: text(object, "fullIds"),
        created_at: int(object, "createdAt"),
        updated_at: int(object, "updatedAt"),
        privacy_context: text(object, "privacyContext"),
        owner: text(object, "owner"),
        status: int(object, "status"),
    }
}

fn access_control(object: &Object) -> SimAccessControl {
    SimAccessControl {
        id: AccessControlId(int(object, "id")),
        name: text(object, "name"),
        system_name: option(object, "systemName"),
        created_at: int(object, "createdAt"),
        updated_at: int(object, "updatedAt"),
        is_default: object["isDefault"] == true,
        rules: object["rules"].as_array().cloned().unwrap_or_default(),
    }
}

fn token(object: &Object) -> SimAppToken {
    SimAppToken {
        id: text(object, "id"),
        token: text(object, "token"),
        created_at: int(object, "createdAt"),
        updated_at: int(object, "updatedAt"),
        status: int(object, "status"),
        expiry: number(object, "expiry"),
        session_type: number(object, "sessionType"),
        session_user_id: option(object, "sessionUserId"),
        session_duration: int(object, "sessionDuration"),
        session_privileges: option(object, "sessionPrivileges"),
        hash_type: text(object, "hashType"),
        description: option(object, "description"),
    }
}
