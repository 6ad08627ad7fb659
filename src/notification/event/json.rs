//! A notification in JSON: one object, and nothing behind it but white space.
//!
//! Read as a stream: what is not asked for is skipped and never built, so a body costs no more than its bytes.

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::members::Told;
use crate::notification::rejected::Malformed;

pub(super) fn read(text: &str) -> Result<Told, Malformed> {
    let mut told = Told::default();
    let mut json = serde_json::Deserializer::from_str(text);
    let read = Notification(&mut told).deserialize(&mut json).and_then(|()| json.end());
    // The position only: what serde says may quote the body.
    read.map_err(|error| Malformed::Json { line: error.line(), column: error.column() })?;
    Ok(told)
}

/// The outermost object.
struct Notification<'t>(&'t mut Told);

impl<'de> DeserializeSeed<'de> for Notification<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Notification<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        while let Some(name) = members.next_key::<String>()? {
            if name == "object" {
                members.next_value_seed(Value(Some(self.0)))?;
            } else if let Some(value) = members.next_value_seed(Value(None))? {
                self.0.note(&name, &value);
            }
        }
        Ok(())
    }
}

/// A member's value: its text if it is a text or a number. With a [`Told`], the members of its object are noted.
struct Value<'t>(Option<&'t mut Told>);

impl<'de> DeserializeSeed<'de> for Value<'_> {
    type Value = Option<String>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Option<String>, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value<'_> {
    type Value = Option<String>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("any value")
    }

    fn visit_str<E>(self, text: &str) -> Result<Option<String>, E> {
        Ok(Some(text.to_owned()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Option<String>, E> {
        Ok(Some(number.to_string()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Option<String>, E> {
        Ok(Some(number.to_string()))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Option<String>, E> {
        Ok(None)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Option<String>, E> {
        Ok(None)
    }

    fn visit_unit<E>(self) -> Result<Option<String>, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Option<String>, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Option<String>, A::Error> {
        let Some(told) = self.0 else {
            while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            return Ok(None);
        };
        let object = told.object();
        while let Some(name) = members.next_key::<String>()? {
            if let Some(value) = members.next_value_seed(Value(None))? {
                object.note(&name, &value);
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_object_and_nothing_else() {
        let told =
            read(r#"{"object":{"id":"0_e1","tags":["a",{"b":1}],"partnerId":102},"eventType":3,"id":7} "#).unwrap();
        let mut expected = Told::default();
        expected.object().note("id", "0_e1");
        expected.object().note("partnerId", "102");
        expected.note("eventType", "3");
        expected.note("id", "7");
        assert_eq!(told, expected);

        for bad in
            ["{", "{}{}", "{} x", "[]", "1", "{\"a\":}", "{\"a\":1,}", "{'a':1}", "{\"a\":\"\n\"}", "{\"object\":{}"]
        {
            assert!(read(bad).is_err(), "{bad}");
        }
        let deep = "[".repeat(5000);
        assert!(read(&format!("{{\"a\":{deep}")).is_err());
    }

    #[test]
    fn an_object_that_is_none_is_no_object() {
        for none in ["null", "[]", "\"x\"", "7", "true"] {
            assert_eq!(read(&format!("{{\"object\":{none}}}")).unwrap().object, None, "{none}");
        }
    }
}
