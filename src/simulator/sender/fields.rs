//! The data fields of each notification type, in the order they are sent, taken from the object as the API answers it.
//!
//! Source: PROTOCOL A.4 (F-ADD, F-UPD) and the captures `apinotification.*`.

use serde_json::{Map, Value};

/// Names and values in order, as a queued job keeps them.
pub type Fields = Vec<(String, String)>;

/// Where a field's value comes from.
enum Source {
    /// A member of the API object, as text.
    Member(&'static str),
    /// What no longer exists and is always sent empty.
    Nothing,
    /// `download_size`: always 0.
    Zero,
    /// The database's media type: also where the API names none.
    MediaType,
    /// The database's status number.
    Status,
    /// A moment as `YYYY-MM-DD HH:MM:SS`.
    Moment(&'static str),
}

use Source::{MediaType, Member, Moment, Nothing, Status, Zero};

const ENTRY_ADD: &[(&str, Source)] = &[
    ("name", Member("name")),
    ("tags", Member("tags")),
    ("search_text", Member("searchText")),
    ("media_type", MediaType),
    ("length_in_msecs", Member("msDuration")),
    ("permissions", Nothing),
    ("thumbnail_url", Member("thumbnailUrl")),
    ("kshow_id", Nothing),
    ("roughcut_id", Nothing),
    ("group_id", Nothing),
    ("partner_data", Member("partnerData")),
    ("status", Status),
    ("width", Member("width")),
    ("height", Member("height")),
    ("data_url", Member("dataUrl")),
    ("download_url", Member("downloadUrl")),
    ("download_size", Zero),
    ("media_date", Moment("mediaDate")),
    ("ks_data", Nothing),
];

/// F-ADD: what `entry_add` carries.
pub fn entry_add(entry: &Map<String, Value>) -> Fields {
    collect(ENTRY_ADD, entry)
}

/// F-UPD: as F-ADD without `roughcut_id`, with `moderation_status` behind the rest.
pub fn entry_update(entry: &Map<String, Value>) -> Fields {
    let mut fields = collect(ENTRY_ADD, entry);
    fields.retain(|(name, _)| name != "roughcut_id");
    let before_ks_data = fields.len() - 1;
    fields.insert(before_ks_data, ("moderation_status".to_owned(), member(entry, "moderationStatus")));
    fields
}

/// What `entry_update_thumbnail` carries.
pub fn entry_update_thumbnail(entry: &Map<String, Value>) -> Fields {
    collect(&[("thumbnail_url", Member("thumbnailUrl")), ("kshow_id", Nothing), ("ks_data", Nothing)], entry)
}

/// What `entry_update_permissions` carries (pre-v3 API only).
pub fn entry_update_permissions() -> Fields {
    texts([("permissions", "")])
}

/// What `entry_update_moderation` carries (no live producer).
pub fn entry_update_moderation(entry: &Map<String, Value>) -> Fields {
    collect(
        &[("moderation_status", Member("moderationStatus")), ("moderation_count", Member("moderationCount"))],
        entry,
    )
}

/// What `entry_reported` carries: here, not in `entry_id`, stands the entry.
pub fn entry_reported(entry_id: &str, comments: &str, report_code: i64) -> Fields {
    texts([("objectId", entry_id), ("comments", comments), ("reportCode", &report_code.to_string())])
}

/// What `user_banned` carries.
pub fn user_banned(screen_name: &str, email: &str) -> Fields {
    texts([("screen_name", screen_name), ("email", email), ("ks_data", "")])
}

/// What `job_started`, `job_succeeded`, `job_failed` and `job_similar_exists` carry of the job itself (F-JOB).
pub fn batch_job(id: i64, message: &str, created_at: i64, updated_at: i64) -> Fields {
    texts([
        ("id", id.to_string().as_str()),
        ("job_sub_type", ""),
        ("abort", ""),
        ("message", message),
        ("description", ""),
        ("updates_count", "1"),
        ("created_at", &created_at.to_string()),
        ("updated_at", &updated_at.to_string()),
        ("ks_data", ""),
    ])
}

fn collect(table: &[(&str, Source)], entry: &Map<String, Value>) -> Fields {
    table.iter().map(|(name, from)| ((*name).to_owned(), from.value(entry))).collect()
}

fn texts<const N: usize>(fields: [(&str, &str); N]) -> Fields {
    fields.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

impl Source {
    fn value(&self, entry: &Map<String, Value>) -> String {
        match self {
            Member(name) => member(entry, name),
            Nothing => String::new(),
            Zero => "0".to_owned(),
            MediaType => media_type(entry),
            Status => status(entry),
            Moment(name) => moment(entry, name),
        }
    }
}

/// A member as PHP writes it: null and false empty, true `1`.
fn member(entry: &Map<String, Value>, name: &str) -> String {
    match entry.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::Bool(true)) => "1".to_owned(),
        _ => String::new(),
    }
}

fn media_type(entry: &Map<String, Value>) -> String {
    match (entry.get("mediaType"), entry.get("type").and_then(Value::as_i64)) {
        (None, Some(5)) => "3".to_owned(),
        (None, Some(6)) => "-1".to_owned(),
        _ => member(entry, "mediaType"),
    }
}

/// A status a plugin brought is a number in the database, another one in every installation.
fn status(entry: &Map<String, Value>) -> String {
    match member(entry, "status").as_str() {
        "virusScan.Infected" => "1001".to_owned(),
        "virusScan.ScanFailure" => "1002".to_owned(),
        plugin if plugin.contains('.') => "1003".to_owned(),
        core => core.to_owned(),
    }
}

fn moment(entry: &Map<String, Value>, name: &str) -> String {
    let seconds = entry.get(name).and_then(Value::as_i64);
    let moment = seconds.and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
    moment.map(|moment| moment.strftime("%Y-%m-%d %H:%M:%S").to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn names(fields: &Fields) -> Vec<&str> {
        fields.iter().map(|(name, _)| name.as_str()).collect()
    }

    fn entry(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn entry_add_and_entry_update_carry_the_fields_a_real_server_sent_in_its_order() {
        let add = "name,tags,search_text,media_type,length_in_msecs,permissions,thumbnail_url,kshow_id,roughcut_id,group_id,\
                   partner_data,status,width,height,data_url,download_url,download_size,media_date,ks_data";
        let update = "name,tags,search_text,media_type,length_in_msecs,permissions,thumbnail_url,kshow_id,group_id,\
                      partner_data,status,width,height,data_url,download_url,download_size,media_date,moderation_status,ks_data";
        assert_eq!(names(&entry_add(&Map::new())).join(","), add);
        assert_eq!(names(&entry_update(&Map::new())).join(","), update);
    }

    #[test]
    fn values_are_those_of_the_api_object_with_the_databases_own_numbers() {
        let video = entry(json!({
            "name": "Q&A", "status": 2, "type": 1, "mediaType": 1, "msDuration": 93500, "width": 1280,
            "moderationStatus": 6, "mediaDate": 1_795_459_465,
        }));
        let value = |fields: &Fields, name: &str| fields.iter().find(|(there, _)| there == name).unwrap().1.clone();
        let fields = entry_update(&video);
        for (name, expected) in [
            ("name", "Q&A"),
            ("status", "2"),
            ("media_type", "1"),
            ("length_in_msecs", "93500"),
            ("width", "1280"),
            ("height", ""),
            ("partner_data", ""),
            ("download_size", "0"),
            ("media_date", "2026-11-23 18:44:25"),
            ("moderation_status", "6"),
        ] {
            assert_eq!(value(&fields, name), expected, "{name}");
        }
        let infected = entry(json!({"status": "virusScan.Infected", "type": 5}));
        assert_eq!(value(&entry_add(&infected), "status"), "1001");
        assert_eq!(value(&entry_add(&infected), "media_type"), "3");
    }
}
