//! A notification in PHP's serialization, read as data: scalars, arrays and plain objects, and nothing that PHP would
//! act on. References, classes that read themselves (`C:`), enumerations and escaped texts are refused.
//!
//! Everything is bounded by the body's own bytes: a length or a count that promises more than is left is refused before
//! anything is made of it.

use super::members::Told;
use crate::notification::rejected::Malformed;

/// Deeper than any notification.
const DEPTH_MAX: usize = 32;
/// A key and a value take at least this much: `i:0;N;`.
const MEMBER_MIN_BYTES: usize = 6;

pub(super) fn read(text: &str) -> Result<Told, Malformed> {
    let mut reader = Reader { text, at: 0, told: Told::default() };
    match reader.value(Place::Notification, 0) {
        Some(_) if reader.at == text.len() => Ok(reader.told),
        _ => Err(Malformed::Php { at: reader.at }),
    }
}

/// Which members count.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Notification,
    Object,
    Deeper,
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
    told: Told,
}

impl<'t> Reader<'t> {
    /// One value; its text, if it is a text or a whole number. `None` when it is none, with `at` where it stops being one.
    fn value(&mut self, place: Place, depth: usize) -> Option<Option<&'t str>> {
        let scalar = match self.byte()? {
            b'N' => None,
            b'b' => {
                self.expect(":")?;
                self.while_in(|byte| matches!(byte, b'0' | b'1')).filter(|flag| flag.len() == 1)?;
                None
            }
            b'i' => Some(self.integer()?),
            b'd' => {
                self.expect(":")?;
                let number = self.while_in(|byte| byte.is_ascii_digit() || b"+-.eEINFA".contains(&byte))?;
                number.parse::<f64>().ok()?;
                None
            }
            b's' => Some(self.counted_text()?),
            b'a' => return self.members(place, depth).map(|()| None),
            b'O' => {
                let class = self.counted_text()?;
                self.class(class, place)?;
                return self.members(place, depth).map(|()| None);
            }
            _ => {
                self.at -= 1;
                return None;
            }
        };
        self.expect(";")?;
        Some(scalar)
    }

    /// `:<count>:{<key><value>…}`
    fn members(&mut self, place: Place, depth: usize) -> Option<()> {
        self.expect(":")?;
        let count = self.number()?;
        self.expect(":{")?;
        if depth == DEPTH_MAX || count > (self.text.len() - self.at) / MEMBER_MIN_BYTES {
            return None;
        }
        if place == Place::Object {
            self.told.object();
        }
        for _ in 0..count {
            self.member(place, depth)?;
        }
        self.expect("}")
    }

    fn member(&mut self, place: Place, depth: usize) -> Option<()> {
        let name = match self.byte()? {
            b'i' => self.integer()?,
            b's' => self.counted_text()?,
            _ => return None,
        };
        self.expect(";")?;
        let inner = if place == Place::Notification && name == "object" { Place::Object } else { Place::Deeper };
        let value = self.value(inner, depth + 1)?;
        match (place, value) {
            (Place::Notification, Some(value)) if inner == Place::Deeper => self.told.note(name, value),
            (Place::Object, Some(value)) => self.told.object().note(name, value),
            _ => {}
        }
        Some(())
    }

    /// The name of an object's class, which only says what the object is.
    fn class(&mut self, class: &str, place: Place) -> Option<()> {
        let well_formed = class.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
            && class.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'\\');
        if place == Place::Object {
            self.told.object().note("objectType", class);
        }
        well_formed.then_some(())
    }

    /// `:-12`
    fn integer(&mut self) -> Option<&'t str> {
        self.expect(":")?;
        let number = self.while_in(|byte| byte.is_ascii_digit() || byte == b'-')?;
        number.parse::<i64>().is_ok_and(|parsed| parsed.to_string() == number).then_some(number)
    }

    /// `:<bytes>:"…"`: as many bytes as it says, which end where a character ends.
    fn counted_text(&mut self) -> Option<&'t str> {
        self.expect(":")?;
        let length = self.number()?;
        self.expect(":\"")?;
        let text = self.text.get(self.at..self.at.checked_add(length)?)?;
        self.at += length;
        self.expect("\"")?;
        Some(text)
    }

    /// Digits without a leading zero.
    fn number(&mut self) -> Option<usize> {
        let digits = self.while_in(|byte| byte.is_ascii_digit())?;
        digits.parse::<usize>().ok().filter(|number| number.to_string() == digits)
    }

    fn while_in(&mut self, wanted: impl Fn(u8) -> bool) -> Option<&'t str> {
        let rest = &self.text.as_bytes()[self.at..];
        let length = rest.iter().position(|byte| !wanted(*byte)).unwrap_or(rest.len());
        let found = self.text.get(self.at..self.at + length)?;
        self.at += length;
        Some(found)
    }

    fn expect(&mut self, literal: &str) -> Option<()> {
        self.text.as_bytes()[self.at..].starts_with(literal.as_bytes()).then(|| self.at += literal.len())
    }

    fn byte(&mut self) -> Option<u8> {
        let byte = *self.text.as_bytes().get(self.at)?;
        self.at += 1;
        Some(byte)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GENUINE: &str = "O:23:\"KalturaHttpNotification\":4:{s:6:\"object\";O:17:\"KalturaMediaEntry\":6:{s:2:\"id\";\
         s:4:\"0_e1\";s:4:\"name\";s:5:\"é\";}\";s:4:\"rank\";d:0.5;s:9:\"partnerId\";i:102;s:4:\"tags\";a:1:{i:0;N;}\
         s:4:\"live\";b:1;}s:15:\"eventObjectType\";i:1;s:9:\"eventType\";i:3;s:10:\"templateId\";i:-7;}";

    #[test]
    fn members_are_read_where_they_stand() {
        let mut expected = Told::default();
        for (name, value) in [("objectType", "KalturaMediaEntry"), ("id", "0_e1"), ("partnerId", "102")] {
            expected.object().note(name, value);
        }
        expected.note("eventObjectType", "1");
        expected.note("eventType", "3");
        assert_eq!(read(GENUINE), Ok(expected));
    }

    #[test]
    fn no_beginning_and_no_addition_is_a_value() {
        for end in (0..GENUINE.len()).filter(|end| GENUINE.is_char_boundary(*end)) {
            assert!(read(&GENUINE[..end]).is_err(), "{end}");
        }
        for more in [";", "}", " ", "N;", GENUINE] {
            assert!(read(&format!("{GENUINE}{more}")).is_err(), "{more}");
        }
    }

    #[test]
    fn what_php_would_act_on_and_what_promises_more_than_there_is_are_refused() {
        let (deep, deep_end) = ("a:1:{i:0;".repeat(40), "}".repeat(40));
        let nested = format!("{deep}N;{deep_end}");
        for bad in [
            "a:1:{i:0;r:1;}",
            "a:1:{i:0;R:1;}",
            "a:1:{i:0;C:3:\"Foo\":2:{ab}}",
            "a:1:{i:0;E:7:\"Foo:Bar\";}",
            "a:1:{i:0;S:1:\"\\61\";}",
            "a:1:{i:0;o:1:{i:0;N;}}",
            "a:1:{i:0;s:99999999999999999999:\"a\";}",
            "a:1:{i:0;s:18446744073709551615:\"a\";}",
            "a:1:{i:0;s:4:\"a\";}",
            "a:1:{i:0;s:1:\"é\";}",
            "a:1:{i:0;s:01:\"a\";}",
            "a:1:{i:0;s:-1:\"\";}",
            "a:4294967295:{}",
            "a:1:{}",
            "a:0:{i:0;N;}",
            "a:1:{N;N;}",
            "a:1:{i:0;i:1.5;}",
            "a:1:{i:0;i:--1;}",
            "a:1:{i:0;i:9223372036854775808;}",
            "a:1:{i:0;b:2;}",
            "a:1:{i:0;b:;}",
            "a:1:{i:0;d:;}",
            "O:3:\"A B\":0:{}",
            "O:0:\"\":0:{}",
            nested.as_str(),
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
        for good in ["a:0:{}", "a:1:{i:0;d:-INF;}", "a:1:{i:-5;d:1.0E+25;}", "O:1:\"A\":0:{}"] {
            assert!(read(good).is_ok(), "{good}");
        }
    }
}
