//! What a single value may look like: durations, sizes, addresses, words to choose from.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use serde_json::{Value as Json, json};
use url::Url;

use super::document::Value;
use super::unknown::nearest;
use crate::domain::ids::{AccessControlId, CategoryId, MetadataProfileId, PartnerId};

/// A type a configuration value can have.
pub(super) trait Readable: Sized {
    /// The value, or what it must be, beginning with `must be`.
    fn read(value: &Value) -> Result<Self, String>;

    /// As `config show` prints it; reading that again gives the same value.
    fn show(&self) -> Json;
}

impl Readable for String {
    fn read(value: &Value) -> Result<Self, String> {
        match value.text() {
            Some(text) if !text.trim().is_empty() => Ok(text.to_owned()),
            Some(_) => Err("must not be empty; write a text or remove the key".to_owned()),
            None => Err("must be a text in double quotes".to_owned()),
        }
    }

    fn show(&self) -> Json {
        json!(self)
    }
}

impl Readable for bool {
    fn read(value: &Value) -> Result<Self, String> {
        value.flag().ok_or_else(|| "must be true or false, without quotes".to_owned())
    }

    fn show(&self) -> Json {
        json!(self)
    }
}

/// Whole numbers from 0.
macro_rules! numbers {
    ($($number:ty),*) => {$(
        impl Readable for $number {
            fn read(value: &Value) -> Result<Self, String> {
                let number = value.integer().and_then(|number| number.try_into().ok());
                number.ok_or_else(|| "must be a whole number, 0 or more, without quotes".to_owned())
            }

            fn show(&self) -> Json {
                json!(self)
            }
        }
    )*};
}

numbers!(u32, u64, usize);

/// Ids at Kaltura that are numbers from 1; 0 is what the shipped files have in their place.
macro_rules! ids {
    ($($id:ident: $what:literal),*) => {$(
        impl Readable for $id {
            fn read(value: &Value) -> Result<Self, String> {
                match value.integer() {
                    Some(number) if number > 0 => Ok(Self(number)),
                    Some(0) => Err(concat!("is a placeholder; put your ", $what, " here").to_owned()),
                    _ => Err(concat!("must be a ", $what, ", a whole number without quotes").to_owned()),
                }
            }

            fn show(&self) -> Json {
                json!(self.0)
            }
        }
    )*};
}

ids!(
    PartnerId: "partner id (KMC, Settings > Integration Settings)",
    MetadataProfileId: "metadata profile id (KMC, Settings > Custom Data)",
    AccessControlId: "access control profile id",
    CategoryId: "category id"
);

impl Readable for SocketAddr {
    fn read(value: &Value) -> Result<Self, String> {
        let address = value.text().and_then(|text| text.parse().ok());
        address.ok_or_else(|| {
            "must be an IP address and a port such as \"127.0.0.1:8088\" (port 0: any free one)".to_owned()
        })
    }

    fn show(&self) -> Json {
        json!(self.to_string())
    }
}

impl Readable for ipnet::IpNet {
    /// `10.0.0.0/8`; a lone address is the network of that one address.
    fn read(value: &Value) -> Result<Self, String> {
        let network = value.text().and_then(|text| {
            let lone = || text.parse().ok().map(|address: std::net::IpAddr| address.into());
            text.parse().ok().or_else(lone)
        });
        network.ok_or_else(|| "must be a network such as \"10.0.0.0/8\" or an IP address".to_owned())
    }

    fn show(&self) -> Json {
        json!(self.to_string())
    }
}

impl Readable for Url {
    /// `http` or `https` with a host; without user, password, query or fragment.
    fn read(value: &Value) -> Result<Self, String> {
        let must_be = || "must be a URL such as \"https://www.kaltura.com/\"".to_owned();
        let url = Self::parse(value.text().ok_or_else(must_be)?).map_err(|_| must_be())?;
        match () {
            () if !matches!(url.scheme(), "http" | "https") => Err("must begin with https:// or http://".to_owned()),
            () if url.host_str().is_none_or(str::is_empty) => Err(must_be()),
            () if !url.username().is_empty() || url.password().is_some() => {
                Err("must not hold a user name or password; remove them".to_owned())
            }
            () if url.query().is_some() || url.fragment().is_some() => {
                Err("must end before ? and #; remove the rest".to_owned())
            }
            () => Ok(url),
        }
    }

    fn show(&self) -> Json {
        json!(self.as_str())
    }
}

/// A number of bytes: written as one, or as a text such as `"1MiB"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ByteSize(pub u64);

const SIZES: [(&str, u64); 4] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

impl ByteSize {
    pub const fn kib(count: u64) -> Self {
        Self(count << 10)
    }

    pub const fn mib(count: u64) -> Self {
        Self(count << 20)
    }

    pub const fn gib(count: u64) -> Self {
        Self(count << 30)
    }
}

impl Readable for ByteSize {
    fn read(value: &Value) -> Result<Self, String> {
        let plain = value.integer().and_then(|bytes| bytes.try_into().ok());
        let size = plain.or_else(|| with_unit(value.text()?, &SIZES));
        size.map(Self)
            .ok_or_else(|| "must be a number of bytes, or a text such as \"64KiB\", \"1MiB\", \"2GiB\"".to_owned())
    }

    fn show(&self) -> Json {
        json!(largest_unit(self.0, &SIZES))
    }
}

/// In milliseconds.
const TIMES: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];

impl Readable for Duration {
    fn read(value: &Value) -> Result<Self, String> {
        let millis = value.text().and_then(|text| with_unit(text, &TIMES));
        millis
            .map(Self::from_millis)
            .ok_or_else(|| "must be a duration such as \"500ms\", \"60s\", \"10m\", \"12h\", \"30d\"".to_owned())
    }

    fn show(&self) -> Json {
        json!(largest_unit(u64::try_from(self.as_millis()).unwrap_or(u64::MAX), &TIMES))
    }
}

/// Digits, perhaps a space, and one of the units: the number in the smallest unit.
fn with_unit(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(digits);
    let (_, factor) = units.iter().find(|(name, _)| *name == unit.trim())?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}

/// `number` in the largest unit that leaves no rest; 0 in the largest of all is spelled in the smallest but one.
fn largest_unit(number: u64, units: &[(&str, u64)]) -> String {
    let whole = units.iter().find(|(_, factor)| number != 0 && number.is_multiple_of(*factor));
    let (unit, factor) = whole.or(units.last()).copied().unwrap_or(("", 1));
    format!("{}{unit}", number / factor)
}

/// A time of day, UTC.
impl Readable for jiff::civil::Time {
    fn read(value: &Value) -> Result<Self, String> {
        let time = value.text().filter(|text| text.len() == 5).and_then(|text| Self::from_str(text).ok());
        time.ok_or_else(|| "must be a time of day (UTC) such as \"03:00\"".to_owned())
    }

    fn show(&self) -> Json {
        json!(format!("{:02}:{:02}", self.hour(), self.minute()))
    }
}

/// A list in brackets; a variable's elements stand between commas.
impl<T: Readable> Readable for Vec<T> {
    fn read(value: &Value) -> Result<Self, String> {
        let element = |(index, value): (usize, &Value)| {
            T::read(value).map_err(|complaint| format!("element {} ({}) {complaint}", index + 1, value.shown()))
        };
        match value {
            Value::List(items) => items.iter().map(|item| &item.value).enumerate().map(element).collect(),
            Value::Variable(text) if text.trim().is_empty() => Ok(Self::new()),
            Value::Variable(text) => {
                let parts: Vec<Value> = text.split(',').map(|part| Value::Variable(part.trim().to_owned())).collect();
                parts.iter().enumerate().map(element).collect()
            }
            _ => Err("must be a list in brackets".to_owned()),
        }
    }

    fn show(&self) -> Json {
        Json::Array(self.iter().map(Readable::show).collect())
    }
}

/// A list whose order and repetitions mean nothing.
impl<T: Readable + Ord> Readable for BTreeSet<T> {
    fn read(value: &Value) -> Result<Self, String> {
        Ok(Vec::read(value)?.into_iter().collect())
    }

    fn show(&self) -> Json {
        Json::Array(self.iter().map(Readable::show).collect())
    }
}

/// The value that `value` is the word for, among `choices`.
pub(super) fn choose<T: Copy>(value: &Value, choices: &[(&str, T)]) -> Result<T, String> {
    let text = value.text();
    if let Some((_, choice)) = choices.iter().find(|(word, _)| Some(*word) == text) {
        return Ok(*choice);
    }
    let words: Vec<String> = choices.iter().map(|(word, _)| format!("{word:?}")).collect();
    let meant = text.and_then(|text| nearest(text, choices.iter().map(|(word, _)| *word)));
    let hint = meant.map_or_else(String::new, |word| format!("; did you mean {word:?}?"));
    Err(format!("must be {}{hint}", words.join(" or ")))
}

/// The word for each value of an enumeration that lives elsewhere.
macro_rules! words {
    ($name:ident { $($variant:ident = $word:literal),* $(,)? }) => {
        impl $crate::config::values::Readable for $name {
            fn read(value: &$crate::config::document::Value) -> Result<Self, String> {
                $crate::config::values::choose(value, &[$(($word, Self::$variant)),*])
            }

            fn show(&self) -> serde_json::Value {
                match self { $(Self::$variant => $word.into(),)* }
            }
        }
    };
}
pub(super) use words;

/// An enumeration with the word for each value.
macro_rules! choices {
    ($(#[$doc:meta])* pub enum $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name { $($(#[$variant_doc])* $variant,)* }

        $crate::config::values::words!($name { $($variant = $word),* });
    };
}
pub(super) use choices;

#[cfg(test)]
mod tests {
    use super::*;

    fn text<T: Readable>(text: &str) -> Result<T, String> {
        T::read(&Value::Text(text.to_owned()))
    }

    #[test]
    fn a_duration_is_a_number_and_a_unit() {
        let cases = [("500ms", 500), ("60s", 60_000), ("10m", 600_000), ("12 h", 43_200_000), ("30d", 2_592_000_000)];
        for (written, millis) in cases {
            assert_eq!(text(written), Ok(Duration::from_millis(millis)), "{written}");
        }
        for bad in ["", "60", "s", "1.5s", "-1s", "1h30m", "60S", "99999999999999999999s", "999999999999999999d"] {
            assert!(text::<Duration>(bad).is_err(), "{bad}");
        }
        assert!(Duration::read(&Value::Integer(60)).is_err(), "60 what?");
    }

    #[test]
    fn a_size_is_bytes_or_a_text_with_a_binary_unit() {
        assert_eq!(ByteSize::read(&Value::Integer(17)), Ok(ByteSize(17)));
        assert_eq!(ByteSize::read(&Value::Variable("17".to_owned())), Ok(ByteSize(17)));
        for (written, bytes) in [("17B", 17), ("64KiB", 65_536), ("1 MiB", 1 << 20), ("2GiB", 2 << 30)] {
            assert_eq!(text(written), Ok(ByteSize(bytes)), "{written}");
        }
        for bad in ["1MB", "1k", "MiB", "-1B"] {
            assert!(text::<ByteSize>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_shown_reads_back_as_the_same_value() {
        for millis in [0, 1, 500, 1000, 90_000, 3_600_000, 86_400_000, 90_061_001] {
            let duration = Duration::from_millis(millis);
            assert_eq!(text(duration.show().as_str().unwrap()), Ok(duration));
        }
        for bytes in [0, 1, 1023, 1024, 1 << 20, 3 << 30] {
            assert_eq!(text(ByteSize(bytes).show().as_str().unwrap()), Ok(ByteSize(bytes)));
        }
    }

    #[test]
    fn a_url_is_http_with_a_host_and_nothing_after_the_path() {
        for good in ["https://www.kaltura.com/", "http://127.0.0.1:8080", "https://k.example/base"] {
            assert!(text::<Url>(good).is_ok(), "{good}");
        }
        for bad in ["www.kaltura.com", "ftp://a/", "https://", "https://u:p@a/", "https://a/?ks=1", "https://a/#x", ""]
        {
            assert!(text::<Url>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_lone_address_is_a_network_of_one() {
        assert_eq!(text::<ipnet::IpNet>("10.1.2.3").unwrap().to_string(), "10.1.2.3/32");
        assert!(text::<ipnet::IpNet>("10.0.0.0/33").is_err());
    }
}
