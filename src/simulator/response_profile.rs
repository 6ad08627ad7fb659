//! Response profiles: which members of the answered objects are shown, and what comes along with them.

use serde_json::{Map, Value};

use super::ks::Session;
use super::params::Params;
use super::services::{self, Context};
use super::state::SimAccount;

const INCLUDE: i64 = 1;
const EXCLUDE: i64 = 2;

/// Applies the call's `responseProfile` to the objects of an answer, if it has one.
pub fn apply(account: &mut SimAccount, session: Option<&Session>, params: &Params, answer: &mut Value) {
    let Some(profile) = params.find_object("responseProfile") else { return };
    let mut shaping = Shaping { account, session };
    shaping.shape(&profile, answer);
}

struct Shaping<'a> {
    account: &'a mut SimAccount,
    session: Option<&'a Session>,
}

impl Shaping<'_> {
    fn shape(&mut self, profile: &Params, answer: &mut Value) {
        match answer {
            Value::Array(items) => items.iter_mut().for_each(|item| self.shape(profile, item)),
            Value::Object(members) if is_list(members) => {
                if let Some(objects) = members.get_mut("objects") {
                    self.shape(profile, objects);
                }
            }
            Value::Object(members) => self.shape_object(profile, members),
            _ => {}
        }
    }

    fn shape_object(&mut self, profile: &Params, members: &mut Map<String, Value>) {
        let related = self.related_objects(profile, members);
        let fields = profile.comma_list("fields").unwrap_or_default();
        let is_entry = members.contains_key("moderationStatus");
        let names = |name: &str| fields.iter().any(|field| field == name);
        // An entry's type decides its class and is always shown.
        let is_kept = |name: &str| name == "objectType" || (is_entry && name == "type");
        match profile.int("type") {
            Some(INCLUDE) => members.retain(|name, _| is_kept(name) || names(name)),
            Some(EXCLUDE) => members.retain(|name, _| is_kept(name) || !names(name)),
            _ => {}
        }
        if let Some(related) = related {
            members.shift_insert(0, "relatedObjects".to_owned(), related);
        }
    }

    fn related_objects(&mut self, profile: &Params, members: &Map<String, Value>) -> Option<Value> {
        let mut related = Map::new();
        for inner in profile.list("relatedProfiles") {
            let name = inner.text("name").unwrap_or_default();
            if let Some(mut list) = self.related_list(&inner, members) {
                self.shape(&inner, &mut list);
                related.insert(name, list);
            }
        }
        if related.is_empty() { None } else { Some(Value::Object(related)) }
    }

    /// The list a related profile brings: its filter with the mapped members of the parent. `None` when a member is null.
    fn related_list(&mut self, profile: &Params, members: &Map<String, Value>) -> Option<Value> {
        let mut filter = profile.object("filter");
        for mapping in profile.list("mappings") {
            let value = members.get(&mapping.text("parentProperty")?).and_then(super::params::scalar_text)?;
            filter.insert(&mapping.text("filterProperty")?, value);
        }
        let service = match filter.text("objectType")?.as_str() {
            "KalturaMetadataFilter" => "metadata_metadata",
            "KalturaFlavorAssetFilter" => "flavorAsset",
            "KalturaThumbAssetFilter" => "thumbAsset",
            "KalturaCaptionAssetFilter" => "caption_captionasset",
            "KalturaCategoryEntryFilter" => "categoryEntry",
            _ => return None,
        };
        let mut params = Params::default();
        params.set_object("filter", filter);
        params.set_object("pager", profile.object("pager"));
        let action = services::find(service, "list").ok()?;
        let mut context = Context { account: self.account, session: self.session, params: &params };
        action.call(&mut context).ok()
    }
}

fn is_list(members: &Map<String, Value>) -> bool {
    members.contains_key("totalCount") && members.contains_key("objects")
}
