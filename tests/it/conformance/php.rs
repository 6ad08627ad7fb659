//! Reads PHP's serialization into JSON values; objects get their class as `objectType`.

use serde_json::{Map, Value};

/// The value of a whole text; `None` when it is no serialization.
pub fn read(text: &str) -> Option<Value> {
    let mut reader = Reader(text);
    let value = reader.value()?;
    reader.0.is_empty().then_some(value)
}

struct Reader<'a>(&'a str);

impl Reader<'_> {
    fn until(&mut self, end: char) -> Option<String> {
        let (before, after) = self.0.split_once(end)?;
        self.0 = after;
        Some(before.to_owned())
    }

    fn skip(&mut self, text: &str) -> Option<()> {
        self.0 = self.0.strip_prefix(text)?;
        Some(())
    }

    fn quoted(&mut self) -> Option<String> {
        let length: usize = self.until(':')?.parse().ok()?;
        self.skip("\"")?;
        let text = self.0.get(..length)?.to_owned();
        self.0 = &self.0[length..];
        self.skip("\"")?;
        Some(text)
    }

    fn value(&mut self) -> Option<Value> {
        let kind = self.0.get(..2)?.to_owned();
        self.0 = &self.0[2..];
        match kind.as_str() {
            "N;" => Some(Value::Null),
            "b:" => Some(Value::from(self.until(';')? == "1")),
            "i:" => Some(Value::from(self.until(';')?.parse::<i64>().ok()?)),
            "d:" => Some(Value::from(self.until(';')?.parse::<f64>().ok()?)),
            "s:" => {
                let text = self.quoted()?;
                self.skip(";")?;
                Some(Value::from(text))
            }
            "a:" => {
                let count: usize = self.until(':')?.parse().ok()?;
                self.members(count).map(listed)
            }
            "O:" => {
                let class = self.quoted()?;
                self.skip(":")?;
                let count: usize = self.until(':')?.parse().ok()?;
                let mut members = self.members(count)?;
                members.insert("objectType".to_owned(), Value::from(class));
                Some(Value::Object(members))
            }
            _ => None,
        }
    }

    fn members(&mut self, count: usize) -> Option<Map<String, Value>> {
        self.skip("{")?;
        let mut members = Map::new();
        for _ in 0..count {
            let name = self.value()?;
            let name = name.as_str().map_or_else(|| name.to_string(), str::to_owned);
            members.insert(name, self.value()?);
        }
        self.skip("}")?;
        Some(members)
    }
}

/// An array with the keys 0, 1, 2, … is a list.
fn listed(members: Map<String, Value>) -> Value {
    if members.keys().enumerate().all(|(at, key)| *key == at.to_string()) {
        members.into_iter().map(|(_, value)| value).collect()
    } else {
        Value::Object(members)
    }
}
