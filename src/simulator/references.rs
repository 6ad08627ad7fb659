//! References between the calls of a multirequest: `{1:result:objects:0:id}`.

use serde_json::Value;

use super::outcome::Outcome;
use super::params::{Params, scalar_text};

/// Replaces the references in all values by what earlier calls answered. A path that is not there, or one into a call that
/// failed, becomes an empty text.
pub fn resolve(params: &mut Params, answered: &[Outcome]) {
    params.values_mut().for_each(|value| resolve_value(value, answered));
}

fn resolve_value(value: &mut Value, answered: &[Outcome]) {
    match value {
        Value::String(text) => {
            if let Some(resolved) = resolve_text(text, answered) {
                *text = resolved;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| resolve_value(item, answered)),
        Value::Object(members) => members.values_mut().for_each(|member| resolve_value(member, answered)),
        _ => {}
    }
}

/// Kaltura's pattern is greedy: with two references in one value it sees one that leads nowhere.
fn resolve_text(text: &str, answered: &[Outcome]) -> Option<String> {
    let start = text.find('{')?;
    let end = text.rfind('}')?;
    let (number, path) = text.get(start + 1..end)?.split_once(":result")?;
    let number: usize = number.parse().ok()?;
    let found = answered.get(number.checked_sub(1)?).and_then(|outcome| outcome.as_ref().ok());
    let value = found.and_then(|answer| follow(answer, path.strip_prefix(':').unwrap_or(path)));
    Some(format!("{}{}{}", &text[..start], value.unwrap_or_default(), &text[end + 1..]))
}

fn follow(answer: &Value, path: &str) -> Option<String> {
    let mut value = answer;
    let mut steps = path.split(':').filter(|step| !step.is_empty());
    while let Some(step) = steps.next() {
        if step == "_all" {
            let rest: Vec<&str> = steps.collect();
            return joined(value.as_array()?, &rest.join(":"));
        }
        value = match value {
            Value::Array(items) => items.get(step.parse::<usize>().ok()?)?,
            Value::Object(members) => members.get(step)?,
            _ => return None,
        };
    }
    scalar_text(value)
}

/// Every value and a comma, the last comma included.
fn joined(items: &[Value], path: &str) -> Option<String> {
    Some(items.iter().filter_map(|item| follow(item, path)).map(|value| format!("{value},")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulator::outcome::ApiError;

    #[test]
    fn a_reference_is_replaced_and_what_leads_nowhere_becomes_empty() {
        let answered =
            [Ok(serde_json::json!({"id": "0_a", "objects": [{"id": 1}, {"id": 2}]})), Err(ApiError::internal())];
        let cases = [
            ("{1:result:id}", "0_a"),
            ("{1:result:objects:1:id}", "2"),
            ("{1:result:objects:_all:id}", "1,2,"),
            ("x{1:result:id}y", "x0_ay"),
            ("{1:result:nosuch}", ""),
            ("{2:result:id}", ""),
            ("{3:result:id}", ""),
            ("{1:result:id},{1:result:id}", ""),
            ("{not a reference}", "{not a reference}"),
        ];
        for (sent, expected) in cases {
            let mut params = Params::default();
            params.insert("a:b", sent.to_owned());
            resolve(&mut params, &answered);
            assert_eq!(params.object("a").text("b").as_deref(), Some(expected), "{sent}");
        }
    }
}
