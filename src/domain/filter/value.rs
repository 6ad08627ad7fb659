//! A value that a filter compares with: the text as it was written, and what it is as a number, a moment, a media type, a word for
//! a value of Kaltura's.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span as TimeSpan, Timestamp};

use super::error::quoted;

/// Values of Kaltura's that have names: each name with its value.
pub type Named = [(&'static str, &'static str)];

/// What was written.
#[derive(Debug, Clone, PartialEq)]
pub struct Literal {
    /// As it was written, without its quotes.
    pub text: String,
}

impl Literal {
    /// The number it is.
    pub fn number(&self) -> Option<f64> {
        self.text.parse().ok().filter(|number: &f64| number.is_finite())
    }

    /// The seconds it means: `[from, to)`. A day or a month is all of its seconds, in UTC; a moment is one.
    pub fn moment(&self) -> Option<(i64, i64)> {
        let text = self.text.trim();
        if let Ok(seconds) = text.parse::<i64>() {
            return Some((seconds, seconds.checked_add(1)?));
        }
        let (day, longer) = match text.len() {
            7 => (format!("{text}-01").parse::<Date>().ok()?, TimeSpan::new().months(1)),
            10 => (text.parse::<Date>().ok()?, TimeSpan::new().days(1)),
            _ => {
                let seconds = text.parse::<Timestamp>().ok()?.as_second();
                return Some((seconds, seconds.checked_add(1)?));
            }
        };
        let start = |day: Date| Some(TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0)).ok()?.as_second());
        Some((start(day)?, start(day.checked_add(longer).ok()?)?))
    }

    /// Kaltura's numbers of the media type it names.
    pub fn media_types(&self) -> Option<Vec<i64>> {
        Some(match self.text.to_ascii_lowercase().as_str() {
            "video" => vec![1],
            "image" => vec![2],
            "audio" => vec![5],
            "live" => vec![201, 202, 203, 204],
            number => vec![number.parse().ok()?],
        })
    }

    /// Whether it is one of these names, or looks like a value of Kaltura's: a number, or a plugin's name and its own word with a dot
    /// between. `field` is for the message.
    ///
    /// # Errors
    /// What it would have to be.
    pub fn admit(&self, field: &str, named: &'static Named) -> Result<(), String> {
        let value = value_of(named, &self.text);
        if value.parse::<i64>().is_ok() || value.contains('.') {
            return Ok(());
        }
        let names: Vec<_> = named.iter().map(|(name, _)| *name).collect();
        Err(format!("{field} is {} or Kaltura's value, not {}", names.join(", "), quoted(&self.text)))
    }
}

/// Kaltura's value where the name of one is written.
pub fn value_of<'v>(named: &'static Named, written: &'v str) -> &'v str {
    let named = named.iter().find(|(name, _)| name.eq_ignore_ascii_case(written));
    named.map_or(written, |(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn literal(text: &str) -> Literal {
        Literal { text: text.to_owned() }
    }

    #[test]
    fn a_day_a_month_and_a_moment_are_seconds() {
        for (text, moment) in [
            ("1704067200", Some((1_704_067_200, 1_704_067_201))),
            ("2024-01-01", Some((1_704_067_200, 1_704_153_600))),
            ("2024-02", Some((1_706_745_600, 1_709_251_200))),
            ("2024-01-01T00:00:00Z", Some((1_704_067_200, 1_704_067_201))),
            ("2024-01-01T01:00:00+01:00", Some((1_704_067_200, 1_704_067_201))),
            ("-5", Some((-5, -4))),
            ("2024-13-01", None),
            ("2024-02-30", None),
            ("9223372036854775807", None),
            ("9999-12-31", None),
            ("yesterday", None),
            ("", None),
            ("ééééééé", None),
        ] {
            assert_eq!(literal(text).moment(), moment, "{text}");
        }
    }

    #[test]
    fn media_types_have_names() {
        assert_eq!(literal("Video").media_types(), Some(vec![1]));
        assert_eq!(literal("201").media_types(), Some(vec![201]));
        assert_eq!(literal("film").media_types(), None);
    }

    #[test]
    fn what_is_no_number_is_none() {
        for text in ["NaN", "inf", "1e999", "", "x"] {
            assert_eq!(literal(text).number(), None, "{text}");
        }
        assert_eq!(literal("-2.5").number(), Some(-2.5));
    }
}
