//! Reading Kaltura's scalars, which come as numbers, texts or booleans as the server pleases.
//!
//! Kaltura's JSON drops null members, its XML writes them as empty elements, integers from "custom data" are
//! texts, and booleans are `true`, `1` or `"1"` (PROTOCOL C.4). Everything that reads an API object reads it
//! through here, so that no shape is ever fatal.

use serde_json::{Map, Value};

/// An object of the API, as it came: every member, known to us or not.
pub type ApiObject = Map<String, Value>;

/// The member as text; `None` when it is missing, null, empty or no scalar.
pub fn text(object: &ApiObject, member: &str) -> Option<String> {
    scalar(object.get(member)?).filter(|text| !text.is_empty())
}

/// A text that people write: as [`text`], and where the server tells it in several languages, in the object's default one,
/// else in the first. It does so when it is asked in the language `multi`, which the daemon never does.
pub fn wording(object: &ApiObject, member: &str) -> Option<String> {
    let Some(Value::Array(wordings)) = object.get(member) else { return text(object, member) };
    let default = text(object, "defaultLanguage");
    let in_default = |wording: &&Value| default.is_some() && wording.get("language").and_then(scalar) == default;
    let chosen = wordings.iter().find(in_default).or(wordings.first())?;
    chosen.get("value").and_then(scalar).filter(|text| !text.is_empty())
}

/// The member as a whole number; texts of digits count, fractions are cut.
pub fn integer(object: &ApiObject, member: &str) -> Option<i64> {
    match object.get(member)? {
        Value::Number(number) => number.as_i64().or_else(|| number.as_f64().map(|float| float as i64)),
        Value::String(text) => text.trim().parse().ok(),
        Value::Bool(truth) => Some(i64::from(*truth)),
        _ => None,
    }
}

/// The member as a truth value; missing is false.
pub fn truth(object: &ApiObject, member: &str) -> bool {
    match object.get(member) {
        Some(Value::Bool(truth)) => *truth,
        Some(Value::Number(number)) => number.as_f64() != Some(0.0),
        Some(Value::String(text)) => !matches!(text.to_ascii_lowercase().as_str(), "" | "0" | "false"),
        _ => false,
    }
}

/// A scalar as Kaltura's XML would write it (`true` is `1`); `None` for lists, objects and null.
pub fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(if *truth { "1" } else { "0" }.to_owned()),
        _ => None,
    }
}

/// The parts of a comma-separated text, trimmed, without empty ones: tags, ids.
pub fn comma_list(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object(value: Value) -> ApiObject {
        value.as_object().cloned().unwrap()
    }

    #[test]
    fn a_text_in_several_languages_is_told_in_the_default_one_else_in_the_first() {
        let name = json!([{"language": "fr", "value": "Nom"}, {"language": "en", "value": "Name"}]);
        let told = |extra: Value| {
            let mut members = object(json!({"name": name.clone()}));
            members.extend(object(extra));
            wording(&members, "name")
        };
        assert_eq!(told(json!({"defaultLanguage": "en"})).as_deref(), Some("Name"));
        assert_eq!(told(json!({"defaultLanguage": "he"})).as_deref(), Some("Nom"));
        assert_eq!(told(json!({})).as_deref(), Some("Nom"));
        assert_eq!(told(json!({"name": []})), None);
        assert_eq!(told(json!({"name": "Plain"})).as_deref(), Some("Plain"));
    }

    #[test]
    fn numbers_texts_and_booleans_are_read_whatever_their_shape() {
        let object = object(
            json!({"a": 7, "b": "7", "c": 7.9, "d": "", "e": null, "f": [], "g": true, "h": "0", "i": "virusScan.Infected"}),
        );
        let integers: Vec<_> = "abcdefgi".chars().map(|name| integer(&object, &name.to_string())).collect();
        assert_eq!(integers, [Some(7), Some(7), Some(7), None, None, None, Some(1), None]);
        assert_eq!(text(&object, "a").as_deref(), Some("7"));
        assert_eq!(text(&object, "d"), None);
        assert_eq!(text(&object, "i").as_deref(), Some("virusScan.Infected"));
        assert_eq!(
            [truth(&object, "a"), truth(&object, "g"), truth(&object, "h"), truth(&object, "zz")],
            [true, true, false, false]
        );
    }
}
