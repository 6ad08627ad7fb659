//! Bytes into text: UTF-8, UTF-16 with its mark or without, and Latin-1 for what is neither.

use std::fmt;

/// What the bytes of a file are taken for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Encoding {
    /// With or without a byte-order mark.
    #[default]
    Utf8,
    /// Little end first.
    Utf16Le,
    /// Big end first.
    Utf16Be,
    /// Windows-1252, which has Latin-1 in it. Other alphabets of one byte a letter cannot be told from it.
    Latin1,
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Utf8 => "UTF-8",
            Self::Utf16Le | Self::Utf16Be => "UTF-16",
            Self::Latin1 => "Latin-1",
        })
    }
}

/// A file's text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Decoded {
    /// Without a byte-order mark.
    pub text: String,
    pub encoding: Encoding,
    /// How much of it could not be read, and is U+FFFD.
    pub replaced: usize,
}

/// Reads a file. Never fails: what is no text looks like none.
pub(super) fn decode(bytes: &[u8]) -> Decoded {
    if let Some(rest) = bytes.strip_prefix(b"\xef\xbb\xbf") {
        return utf8(rest);
    }
    if let Some(rest) = bytes.strip_prefix(b"\xff\xfe") {
        return utf16(rest, Encoding::Utf16Le);
    }
    if let Some(rest) = bytes.strip_prefix(b"\xfe\xff") {
        return utf16(rest, Encoding::Utf16Be);
    }
    match unmarked_utf16(bytes) {
        Some(encoding) => utf16(bytes, encoding),
        None if is_latin1(bytes) => latin1(bytes),
        None => utf8(bytes),
    }
}

fn utf8(bytes: &[u8]) -> Decoded {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let replaced = bytes.utf8_chunks().filter(|chunk| !chunk.invalid().is_empty()).count();
    Decoded { text, encoding: Encoding::Utf8, replaced }
}

fn utf16(bytes: &[u8], encoding: Encoding) -> Decoded {
    let (pairs, odd) = bytes.as_chunks::<2>();
    let unit = |pair: &[u8; 2]| match encoding {
        Encoding::Utf16Be => u16::from_be_bytes(*pair),
        _ => u16::from_le_bytes(*pair),
    };
    let mut replaced = usize::from(!odd.is_empty());
    let text = char::decode_utf16(pairs.iter().map(unit))
        .map(|letter| {
            letter.unwrap_or_else(|_| {
                replaced += 1;
                char::REPLACEMENT_CHARACTER
            })
        })
        .collect();
    Decoded { text, encoding, replaced }
}

/// Caption files have line ends, digits and colons: in UTF-16 every one of them has a byte of zero beside it.
fn unmarked_utf16(bytes: &[u8]) -> Option<Encoding> {
    let (pairs, _) = bytes.get(..bytes.len().min(4096))?.as_chunks::<2>();
    let half_empty = |side: usize| pairs.iter().filter(|pair| pair[side] == 0 && pair[1 - side] != 0).count();
    let (first_empty, second_empty) = (half_empty(0), half_empty(1));
    let many = (pairs.len() / 8).max(2);
    match (first_empty, second_empty) {
        (first, second) if second > many && second > first * 4 => Some(Encoding::Utf16Le),
        (first, second) if first > many && first > second * 4 => Some(Encoding::Utf16Be),
        _ => None,
    }
}

/// Whether bytes that are no UTF-8 outnumber the letters that are, in more bytes than one. A file that was cut, or has a
/// few bad bytes, is UTF-8 all the same.
fn is_latin1(bytes: &[u8]) -> bool {
    let (mut bad, mut good) = (0_usize, 0_usize);
    for chunk in bytes.utf8_chunks() {
        bad += usize::from(!chunk.invalid().is_empty());
        good += chunk.valid().chars().filter(|letter| !letter.is_ascii()).count();
    }
    let has_cut_end = bytes.utf8_chunks().last().is_some_and(|chunk| {
        chunk.invalid().first().is_some_and(|byte| *byte >= 0xc2) && bytes.ends_with(chunk.invalid())
    });
    bad > good && !(bad == 1 && has_cut_end && good > 0)
}

fn latin1(bytes: &[u8]) -> Decoded {
    let mut replaced = 0;
    let text = bytes
        .iter()
        .map(|byte| match byte {
            0x80..=0x9f => WINDOWS_1252[usize::from(byte - 0x80)],
            _ => char::from(*byte),
        })
        .inspect(|letter| replaced += usize::from(*letter == char::REPLACEMENT_CHARACTER))
        .collect();
    Decoded { text, encoding: Encoding::Latin1, replaced }
}

/// Where Windows has letters and Latin-1 has control characters that no text uses. Five bytes mean nothing.
const WINDOWS_1252: [char; 32] = [
    '€', '\u{fffd}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{fffd}', 'Ž', '\u{fffd}', '\u{fffd}',
    '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{fffd}', 'ž', 'Ÿ',
];

#[cfg(test)]
mod tests {
    use super::*;

    fn utf16_bytes(text: &str, unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(unit).collect()
    }

    #[test]
    fn every_encoding_that_caption_files_come_in_is_read() {
        let text = "1\r\n00:00:01,000 --> 00:00:02,000\r\nCafé 東京 😀\r\n";
        let little = utf16_bytes(text, u16::to_le_bytes);
        let big = utf16_bytes(text, u16::to_be_bytes);
        for (bytes, encoding) in [
            (text.as_bytes().to_vec(), Encoding::Utf8),
            ([b"\xef\xbb\xbf", text.as_bytes()].concat(), Encoding::Utf8),
            ([&b"\xff\xfe"[..], &little].concat(), Encoding::Utf16Le),
            ([&b"\xfe\xff"[..], &big].concat(), Encoding::Utf16Be),
            (little, Encoding::Utf16Le),
            (big, Encoding::Utf16Be),
        ] {
            assert_eq!(decode(&bytes), Decoded { text: text.to_owned(), encoding, replaced: 0 });
        }
    }

    #[test]
    fn what_is_no_utf8_is_latin1_as_windows_has_it() {
        let decoded = decode(b"00:01 --> 00:02\nCaf\xe9 \x93na\xefve\x94 \x80 5\x81");
        assert_eq!(decoded.text, "00:01 --> 00:02\nCafé “naïve” € 5\u{fffd}");
        assert_eq!((decoded.encoding, decoded.replaced), (Encoding::Latin1, 1));
    }

    #[test]
    fn a_few_bad_bytes_leave_utf8_what_it_is() {
        let mut cut = "Привет, 東京".as_bytes().to_vec();
        cut.truncate(cut.len() - 1);
        let decoded = decode(&cut);
        assert_eq!(
            (decoded.text.as_str(), decoded.encoding, decoded.replaced),
            ("Привет, 東\u{fffd}", Encoding::Utf8, 1)
        );
    }

    #[test]
    fn half_a_letter_of_utf16_is_replaced() {
        let decoded = decode(b"\xff\xfea\x00\x3d\xd8b\x00c");
        assert_eq!((decoded.text.as_str(), decoded.replaced), ("a\u{fffd}b", 2));
        assert_eq!(decode(b"").text, "");
    }
}
