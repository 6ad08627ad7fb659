//! Moments and lengths of time, as the formats write them.

/// A longer video than this there is none: a thousand hours.
const LONGEST_MS: i64 = 1000 * 3600 * 1000;

/// `00:01:02,345`, `01:02.345`, `1:02:03`: hours and fraction may be missing, the fraction's mark is a comma or a point, and of
/// a fraction the first three digits count. Milliseconds; `None` for anything else.
pub(super) fn clock(text: &str) -> Option<i64> {
    let (whole, fraction) = match text.trim().split_once([',', '.']) {
        Some((whole, fraction)) => (whole, fraction),
        None => (text.trim(), ""),
    };
    let parts: Vec<i64> = whole.split(':').map(|part| digits(part.trim())).collect::<Option<_>>()?;
    let seconds = match parts.as_slice() {
        [minutes, seconds] => minutes * 60 + seconds,
        [hours, minutes, seconds] => hours * 3600 + minutes * 60 + seconds,
        _ => return None,
    };
    let ms = seconds * 1000 + thousandths(fraction.trim())?;
    (ms <= LONGEST_MS).then_some(ms)
}

/// How a DFXP document counts time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rates {
    /// Frames a second.
    pub frames: f64,
    /// Ticks a second.
    pub ticks: f64,
}

impl Default for Rates {
    fn default() -> Self {
        Self { frames: 30.0, ticks: 1.0 }
    }
}

/// DFXP's time expressions: a clock (with frames behind a third colon, if any), or a number with `h`, `m`, `s`, `ms`, `f` or `t`.
pub(super) fn expression(text: &str, rates: Rates) -> Option<i64> {
    let text = text.trim();
    if text.matches(':').count() == 3 {
        let (whole, frames) = text.rsplit_once(':')?;
        let frames: f64 = decimal(frames)?;
        return within(clock(whole)? as f64 + frames / rates.frames * 1000.0);
    }
    if text.contains(':') {
        return clock(text);
    }
    let unit_at = text.find(|letter: char| letter.is_ascii_alphabetic())?;
    let (number, unit) = text.split_at(unit_at);
    let number = decimal(number)?;
    within(match unit {
        "h" => number * 3_600_000.0,
        "m" => number * 60_000.0,
        "s" => number * 1000.0,
        "ms" => number,
        "f" => number / rates.frames * 1000.0,
        "t" => number / rates.ticks * 1000.0,
        _ => return None,
    })
}

fn within(ms: f64) -> Option<i64> {
    (ms.is_finite() && ms >= 0.0 && ms <= LONGEST_MS as f64).then_some(ms.round() as i64)
}

/// Digits with at most one point; no sign, no exponent.
fn decimal(text: &str) -> Option<f64> {
    let text = text.trim();
    let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    is_plain.then(|| text.parse().ok()).flatten()
}

/// Up to six digits.
fn digits(text: &str) -> Option<i64> {
    let is_short = (1..=6).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    is_short.then(|| text.parse().ok()).flatten()
}

/// `5` is half a second.
fn thousandths(fraction: &str) -> Option<i64> {
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let first = fraction.bytes().chain(*b"000").take(3);
    Some(first.fold(0, |number, digit| number * 10 + i64::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_read_in_every_way_it_is_written() {
        for (text, ms) in [
            ("00:00:01,000", Some(1000)),
            ("00:01.5", Some(1500)),
            (" 1:02:03 ", Some(3_723_000)),
            ("00:00:04.25", Some(4250)),
            ("00:00:04,123456", Some(4123)),
            ("100:00:00.000", Some(360_000_000)),
            ("00: 00: 01, 500", Some(1500)),
            ("12", None),
            ("1:2:3:4", None),
            ("00:00:-1,000", None),
            ("00:00:01,0x0", None),
            ("9999999:00:00", None),
            ("999999:59:59", None),
            ("", None),
            ("::", None),
        ] {
            assert_eq!(clock(text), ms, "{text:?}");
        }
    }

    #[test]
    fn time_expressions_of_dfxp_are_read() {
        let rates = Rates { frames: 25.0, ticks: 10_000_000.0 };
        for (text, ms) in [
            ("00:00:01.500", Some(1500)),
            ("00:00:01:05", Some(1200)),
            ("12.5s", Some(12_500)),
            ("300ms", Some(300)),
            ("2m", Some(120_000)),
            ("1h", Some(3_600_000)),
            ("50f", Some(2000)),
            ("15000000t", Some(1500)),
            ("12", None),
            ("s", None),
            ("-1s", None),
            ("1e9s", None),
            ("99999h", None),
            ("indefinite", None),
        ] {
            assert_eq!(expression(text, rates), ms, "{text:?}");
        }
        assert_eq!(expression("1f", Rates { frames: 0.0, ticks: 0.0 }), None);
    }
}
