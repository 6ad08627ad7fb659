//! Texts as people compare them: without case, accents and width. Letters that a script needs stay what they are: the
//! voicing marks of Japanese, the vowels and tones of Thai and Hindi.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// A whole value for comparison: folded, trimmed, each run of white space one space, without control characters.
pub fn fold_value(text: &str) -> String {
    let folded = fold(text);
    let parts = folded.split(|character: char| character.is_whitespace() || character.is_control());
    parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

/// One word for comparison: [`fold`], and nothing but letters, digits and their marks.
pub fn fold_word(text: &str) -> String {
    let mut folded = fold(text);
    if !folded.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        folded.retain(is_of_a_word);
    }
    folded
}

/// Compatibility forms made one (NFKC), lower case, accents off; letters with an own name for their accent as those
/// without (`ø` as `o`, `ß` as `ss`).
fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let mut folded = String::with_capacity(text.len());
    for character in text.nfkd().flat_map(char::to_lowercase) {
        match character {
            // A letter of its own, not an accented one.
            '\u{306}' if folded.ends_with('и') => folded.push(character),
            _ if is_accent(character) || is_invisible(character) => {}
            _ => match respelt(character) {
                Some(letters) => folded.push_str(letters),
                None => folded.push(character),
            },
        }
    }
    folded.nfc().collect()
}

/// Lower case and one form of each character, accents kept: what stemmers know.
pub fn lower(text: &str) -> String {
    if text.is_ascii() { text.to_ascii_lowercase() } else { text.nfkc().flat_map(char::to_lowercase).nfc().collect() }
}

/// Whether a character belongs to a word and does not separate two.
pub fn is_of_a_word(character: char) -> bool {
    if character.is_ascii() {
        return character.is_ascii_alphanumeric();
    }
    character.is_alphanumeric() || is_combining_mark(character)
}

/// Written inside a word without being part of it: soft hyphens, joiners, variation selectors.
pub fn is_invisible(character: char) -> bool {
    matches!(character, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' | '\u{fe00}'..='\u{fe0f}')
}

/// Marks that readers of Latin, Greek, Cyrillic, Hebrew and Arabic leave out when they type.
fn is_accent(character: char) -> bool {
    matches!(character,
        '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}'
        | '\u{fe20}'..='\u{fe2f}' | '\u{591}'..='\u{5bd}' | '\u{5bf}' | '\u{5c1}' | '\u{5c2}' | '\u{5c4}' | '\u{5c5}'
        | '\u{5c7}' | '\u{640}' | '\u{64b}'..='\u{65f}' | '\u{670}' | '\u{6d6}'..='\u{6dc}' | '\u{6df}'..='\u{6e8}'
        | '\u{6ea}'..='\u{6ed}')
}

fn respelt(character: char) -> Option<&'static str> {
    Some(match character {
        'ß' => "ss",
        'æ' => "ae",
        'œ' => "oe",
        'ø' => "o",
        'ł' => "l",
        'đ' | 'ð' => "d",
        'þ' => "th",
        'ħ' => "h",
        'ŧ' => "t",
        'ı' => "i",
        'ĸ' => "k",
        'ŋ' => "n",
        'ς' => "σ",
        'ى' | 'ی' => "ي",
        'ة' => "ه",
        'ک' => "ك",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_accents_and_width_do_not_matter() {
        let cases = [
            ("Ａｐｐｌｅ", "apple"),
            ("Crème Brûlée", "creme brulee"),
            ("STRASSE", "strasse"),
            ("Straße", "strasse"),
            ("ŁÓDŹ", "lodz"),
            ("Ørsted", "orsted"),
            ("İstanbul", "istanbul"),
            ("ﬁnale", "finale"),
            ("ΟΔΟΣ", "οδοσ"),
            ("οδός", "οδοσ"),
            ("Ёлка", "елка"),
            ("Йод", "йод"),
            ("שָׁלוֹם", "שלום"),
            ("مُحَمَّد", "محمد"),
            ("أحمد", "احمد"),
            ("ｶﾞｷﾞ", "ガギ"),
            ("Việt Nam", "viet nam"),
        ];
        for (text, folded) in cases {
            assert_eq!(fold_value(text), folded, "{text}");
        }
    }

    #[test]
    fn marks_that_make_a_letter_stay() {
        for text in ["が", "ภาษาไทย", "हिन्दी", "한국어"] {
            assert_eq!(fold_value(text), text);
        }
    }

    #[test]
    fn whole_values_are_compared_without_their_white_space() {
        assert_eq!(fold_value("  Machine\u{a0}\tLearning\u{0} "), "machine learning");
        assert_eq!(fold_value(" \n"), "");
    }

    #[test]
    fn folding_twice_is_folding_once() {
        for text in ["Straße", "½ m²", "Ǆ", "İ", "ﷺ", "ẞ", "Ω", "Å"] {
            assert_eq!(fold_word(&fold_word(text)), fold_word(text), "{text}");
        }
    }
}
