//! An entry as the API shows it.

use serde_json::{Map, Value, json};

use super::classes;
use super::entry::{EntryKind, SimEntry, SimStatus};
use super::state::SimAccount;

/// The class an entry is shown as.
pub fn class_of(kind: EntryKind) -> &'static str {
    match kind {
        EntryKind::Media => "KalturaMediaEntry",
        EntryKind::Playlist => "KalturaPlaylist",
        EntryKind::Data => "KalturaDataEntry",
        EntryKind::LiveStream => "KalturaLiveStreamAdminEntry",
    }
}

/// The class an entry is shown as in `media.list`, which keeps what only administrators see of a live stream's class name.
pub fn class_in_media_list(kind: EntryKind) -> &'static str {
    match kind {
        EntryKind::LiveStream => "KalturaLiveStreamEntry",
        kind => class_of(kind),
    }
}

/// The entry as an object of its own class.
pub fn entry_object(account: &SimAccount, entry: &SimEntry) -> Value {
    entry_object_as(account, entry, class_of(entry.kind))
}

/// The entry as an object of a class that may be its parent (`baseEntry.update` answers `KalturaBaseEntry`).
pub fn entry_object_as(account: &SimAccount, entry: &SimEntry, class: &str) -> Value {
    let mut object = Map::new();
    for name in classes::members(class).unwrap_or_default() {
        let value = member(account, entry, name);
        if !value.is_null() {
            object.insert(name.to_owned(), value);
        }
    }
    object.insert("objectType".to_owned(), Value::from(class));
    Value::Object(object)
}

/// One member of an entry by its API name; null when it has none.
pub fn member(account: &SimAccount, entry: &SimEntry, name: &str) -> Value {
    if name == "playlistContent" && entry.is_deleted() {
        return Value::Null;
    }
    if let Some(value) = entry.extra.get(name) {
        return value.clone();
    }
    match entry.kind {
        EntryKind::Media => base(account, entry, name).or_else(|| media(account, entry, name)),
        EntryKind::LiveStream => {
            live(entry, name).or_else(|| base(account, entry, name)).or_else(|| media(account, entry, name))
        }
        EntryKind::Playlist => playlist(account, entry, name).or_else(|| base(account, entry, name)),
        EntryKind::Data => data(name).or_else(|| base(account, entry, name)),
    }
    .unwrap_or(Value::Null)
}

fn base(account: &SimAccount, entry: &SimEntry, name: &str) -> Option<Value> {
    Some(match name {
        "id" | "rootEntryId" => Value::from(entry.id.as_str()),
        "name" => Value::from(entry.name.as_str()),
        "description" => Value::from(entry.description.as_str()),
        "partnerId" => Value::from(account.partner_id.0),
        "userId" => Value::from(entry.user_id.as_str()),
        "creatorId" => Value::from(entry.creator_id.as_str()),
        "tags" => Value::from(entry.tags.as_str()),
        "adminTags" => json!(entry.admin_tags),
        "categories" => Value::from(join(account.shown_categories(&entry.id).iter().map(|(_, name)| *name))),
        "categoriesIds" => Value::from(join(account.shown_categories(&entry.id).iter().map(|(id, _)| id))),
        "status" => status(&entry.status),
        "moderationStatus" => Value::from(entry.moderation_status),
        "moderationCount" => Value::from(entry.moderation_count),
        "type" => Value::from(entry.kind.api_type()),
        "createdAt" => Value::from(entry.created_at),
        "updatedAt" => Value::from(entry.updated_at),
        "rank" => Value::from(0.0),
        "totalRank" | "votes" | "partnerSortValue" => Value::from(0),
        "partnerData" => json!(entry.partner_data),
        "downloadUrl" => Value::from(download_url(account, entry)),
        "searchText" => Value::from(search_text(account, entry)),
        "version" => version(entry.data_version),
        "thumbnailUrl" => Value::from(thumbnail_url(account, entry)),
        "accessControlId" => json!(entry.access_control_id),
        "startDate" => json!(entry.start_date),
        "endDate" => json!(entry.end_date),
        "referenceId" => json!(entry.reference_id),
        "replacingEntryId" => json!(entry.replacing_entry_id),
        "replacedEntryId" => json!(entry.replaced_entry_id),
        "replacementStatus" => Value::from(entry.replacement_status),
        "operationAttributes" => json!([]),
        "entitledUsersEdit" | "entitledUsersPublish" | "entitledUsersView" | "capabilities" => Value::from(""),
        "displayInSearch" => Value::from(entry.display_in_search),
        "blockAutoTranscript" => Value::from(false),
        _ => return None,
    })
}

fn media(account: &SimAccount, entry: &SimEntry, name: &str) -> Option<Value> {
    const DEFAULT_CONVERSION_PROFILE: i64 = 15;
    let is_converted = matches!(entry.media_type, Some(1 | 5));
    Some(match name {
        "licenseType" => Value::from(-1),
        "conversionProfileId" | "conversionQuality" if is_converted => Value::from(DEFAULT_CONVERSION_PROFILE),
        "plays" => Value::from(entry.plays),
        "views" => Value::from(entry.views),
        "width" => json!(entry.width),
        "height" => json!(entry.height),
        "duration" => Value::from((entry.ms_duration + 500) / 1000),
        "msDuration" => Value::from(entry.ms_duration),
        "mediaType" => json!(entry.media_type),
        "sourceType" => json!(entry.source_type),
        "dataUrl" => Value::from(data_url(account, entry)?),
        "flavorParamsIds" => Value::from(flavor_params(account, entry)?),
        _ => return None,
    })
}

fn live(entry: &SimEntry, name: &str) -> Option<Value> {
    let id = &entry.id;
    let password = "8102a501";
    Some(match name {
        "dataUrl" | "conversionProfileId" | "conversionQuality" | "flavorParamsIds" => Value::Null,
        "recordStatus"
        | "lastElapsedRecordingTime"
        | "currentBroadcastStartTime"
        | "liveStatus"
        | "lastBroadcastEndTime" => Value::from(0),
        "liveStreamConfigurations" => json!([]),
        "segmentDuration" => Value::from(6000),
        "explicitLive" => Value::from(false),
        "viewMode" => Value::from(1),
        "recordingStatus" => Value::from(3),
        "bitrates" => {
            json!([{"bitrate": 300, "width": 320, "height": 240, "objectType": "KalturaLiveStreamBitrate"}])
        }
        "primaryBroadcastingUrl"
        | "secondaryBroadcastingUrl"
        | "primarySecuredBroadcastingUrl"
        | "secondarySecuredBroadcastingUrl"
        | "primaryRtspBroadcastingUrl"
        | "secondaryRtspBroadcastingUrl" => Value::from(""),
        "primarySrtBroadcastingUrl" => Value::from("srt://primary_srt_media_server_host:7045"),
        "primarySrtStreamId" => Value::from(format!("#:::e=live_backend_id-{id},st=0,p={password}")),
        "secondarySrtBroadcastingUrl" => Value::from("srt://secondary_srt_media_server_host:7045"),
        "secondarySrtStreamId" => Value::from(format!("#:::e=live_backend_id-{id},st=1,p={password}")),
        "streamName" => Value::from("%i"),
        "streamPassword" => Value::from(password),
        _ => return None,
    })
}

fn playlist(account: &SimAccount, entry: &SimEntry, name: &str) -> Option<Value> {
    Some(match name {
        "playlistContent" => Value::from(""),
        "playlistType" => Value::from(3),
        "plays" | "views" | "duration" => Value::from(0),
        "executeUrl" => {
            let url = format!(
                "{}/index.php/partnerservices2/executeplaylist?uid=&partner_id={}&subp_id=0&format=8&ks={{ks}}&playlist_id={}",
                account.service_url, account.partner_id, entry.id
            );
            let encoded = percent_encoding::utf8_percent_encode(&url, URL_VALUE);
            Value::from(format!("k_pl_0_name={}&k_pl_0_url={encoded}", entry.name))
        }
        _ => return None,
    })
}

fn data(name: &str) -> Option<Value> {
    Some(match name {
        "dataContent" => Value::from(""),
        "retrieveDataContentByGet" => Value::from(1),
        _ => return None,
    })
}

const URL_VALUE: &percent_encoding::AsciiSet =
    &percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');

fn status(status: &SimStatus) -> Value {
    match status {
        SimStatus::Core(number) => Value::from(*number),
        SimStatus::Plugin(text) => Value::from(text.as_str()),
    }
}

/// A number while there is none, a text once there is one: as Kaltura has it.
fn version(version: i64) -> Value {
    match version {
        0 => Value::from(0),
        version => Value::from(version.to_string()),
    }
}

/// The path part `/p/{partner}/sp/{partner}00` (playlists have no sub-partner).
fn partner_path(account: &SimAccount, entry: &SimEntry) -> String {
    match entry.kind {
        EntryKind::Playlist => format!("/p/{0}/sp/0", account.partner_id),
        _ => format!("/p/{0}/sp/{0}00", account.partner_id),
    }
}

fn is_streamed(entry: &SimEntry) -> bool {
    entry.kind == EntryKind::Media && entry.media_type != Some(2)
}

/// Where the entry's file is downloaded.
pub fn download_url(account: &SimAccount, entry: &SimEntry) -> String {
    let path = partner_path(account, entry);
    if is_streamed(entry) {
        let id = &entry.id;
        format!(
            "{}{path}/playManifest/entryId/{id}/format/download/protocol/http/flavorParamIds/0",
            account.service_url
        )
    } else {
        format!("{}{path}/raw/entry_id/{}/version/{}", account.cdn_url, entry.id, entry.data_version)
    }
}

/// Where the entry plays; nothing for playlists, data and live streams.
pub fn data_url(account: &SimAccount, entry: &SimEntry) -> Option<String> {
    let path = partner_path(account, entry);
    let id = &entry.id;
    match entry.kind {
        EntryKind::Media if is_streamed(entry) => {
            Some(format!("{}{path}/playManifest/entryId/{id}/format/url/protocol/http", account.service_url))
        }
        EntryKind::Media => {
            let (cdn, version) = (&account.cdn_url, entry.data_version);
            Some(format!("{cdn}{path}/thumbnail/entry_id/{id}/def_height/480/def_width/640/version/{version}/type/1"))
        }
        EntryKind::Playlist | EntryKind::Data | EntryKind::LiveStream => None,
    }
}

/// Where the entry's picture is; the version grows when the picture changes.
pub fn thumbnail_url(account: &SimAccount, entry: &SimEntry) -> String {
    let path = partner_path(account, entry);
    format!("{}{path}/thumbnail/entry_id/{}/version/{}", account.cdn_url, entry.id, entry.thumbnail.version)
}

/// The server's internal index text: name, tags and description without quotes and line ends, then the admin tags.
pub fn search_text(account: &SimAccount, entry: &SimEntry) -> String {
    let display = if entry.display_in_search > 0 { "_PAR_ONLY_" } else { "_NONE_" };
    let media_type = match entry.kind {
        EntryKind::Data => -1,
        EntryKind::Playlist => 3,
        EntryKind::Media | EntryKind::LiveStream => entry.media_type.unwrap_or(-1),
    };
    let mut text = format!("{display} _{}_ _MEDIA_TYPE_{media_type}|  ", account.partner_id);
    for part in [&entry.name, &entry.tags, &entry.description] {
        let unquoted = part.replace(['"', '\'', '\r', '\n'], "");
        if !unquoted.is_empty() {
            text.push_str(&unquoted);
            text.push(' ');
        }
    }
    text.push_str(entry.admin_tags.as_deref().unwrap_or_default());
    text
}

fn flavor_params(account: &SimAccount, entry: &SimEntry) -> Option<String> {
    let flavors = account.flavors.get(&entry.id)?;
    let ready: Vec<i64> =
        flavors.iter().filter(|flavor| flavor.status == 2).map(|flavor| flavor.flavor_params_id).collect();
    if ready.is_empty() { None } else { Some(join(ready)) }
}

fn join(parts: impl IntoIterator<Item = impl ToString>) -> String {
    parts.into_iter().map(|part| part.to_string()).collect::<Vec<_>>().join(",")
}
