//! Stems: the one form of a word's forms, for the languages that `[search] languages` names.

use std::fmt;
use std::str::FromStr;

use frostem::{Algorithm, Stemmer};

use crate::domain::folding::{fold_word, lower};

/// A language whose words have stems here.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Language {
    code: &'static str,
    script: Script,
    algorithm: Algorithm,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Script {
    Latin,
    Greek,
    Cyrillic,
    Arabic,
    Tamil,
}

const LANGUAGES: [Language; 18] = [
    Language { code: "ar", script: Script::Arabic, algorithm: Algorithm::Arabic },
    Language { code: "da", script: Script::Latin, algorithm: Algorithm::Danish },
    Language { code: "nl", script: Script::Latin, algorithm: Algorithm::Dutch },
    Language { code: "en", script: Script::Latin, algorithm: Algorithm::English },
    Language { code: "fi", script: Script::Latin, algorithm: Algorithm::Finnish },
    Language { code: "fr", script: Script::Latin, algorithm: Algorithm::French },
    Language { code: "de", script: Script::Latin, algorithm: Algorithm::German },
    Language { code: "el", script: Script::Greek, algorithm: Algorithm::Greek },
    Language { code: "hu", script: Script::Latin, algorithm: Algorithm::Hungarian },
    Language { code: "it", script: Script::Latin, algorithm: Algorithm::Italian },
    Language { code: "no", script: Script::Latin, algorithm: Algorithm::Norwegian },
    Language { code: "pt", script: Script::Latin, algorithm: Algorithm::Portuguese },
    Language { code: "ro", script: Script::Latin, algorithm: Algorithm::Romanian },
    Language { code: "ru", script: Script::Cyrillic, algorithm: Algorithm::Russian },
    Language { code: "es", script: Script::Latin, algorithm: Algorithm::Spanish },
    Language { code: "sv", script: Script::Latin, algorithm: Algorithm::Swedish },
    Language { code: "ta", script: Script::Tamil, algorithm: Algorithm::Tamil },
    Language { code: "tr", script: Script::Latin, algorithm: Algorithm::Turkish },
];

impl Language {
    /// The two-letter codes there are, for messages.
    pub fn codes() -> impl Iterator<Item = &'static str> {
        LANGUAGES.iter().map(|language| language.code)
    }

    /// Whether a word and its stem begin with the same letter, folded: stems are what is left without endings, but Arabic, Dutch and
    /// Greek words may lose their beginning, too, and of Tamil it is not known.
    pub(super) fn keeps_first_letter(self) -> bool {
        !matches!(self.code, "ar" | "el" | "nl" | "ta")
    }

    /// Its two-letter code.
    pub fn code(self) -> &'static str {
        self.code
    }
}

impl FromStr for Language {
    type Err = UnknownLanguage;

    fn from_str(code: &str) -> Result<Self, UnknownLanguage> {
        let known = LANGUAGES.iter().find(|language| language.code.eq_ignore_ascii_case(code.trim()));
        known.copied().ok_or_else(|| UnknownLanguage(code.to_owned()))
    }
}

impl fmt::Debug for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code)
    }
}

/// A code that names no language whose words have stems here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is none of the languages with stems: {codes}", codes = Language::codes().collect::<Vec<_>>().join(", "))]
pub struct UnknownLanguage(pub String);

/// The stems of a word as it is written, folded, without the word itself; each once. None for words with digits.
///
/// Nobody says which language a text is in: every configured language of the word's script is asked, of the word with its
/// accents and without, so that `etudes` and `études` meet.
pub(super) fn stems(languages: &[Language], written: &str, folded: &str) -> Vec<String> {
    let mut stems = Vec::new();
    if languages.is_empty() || folded.bytes().any(|byte| byte.is_ascii_digit()) {
        return stems;
    }
    let Some(script) = folded.chars().next().and_then(script_of) else { return stems };
    let lowered = if folded.is_ascii() && written.is_ascii() { None } else { Some(lower(written)) };
    for language in languages.iter().filter(|language| language.script == script) {
        let stemmer = Stemmer::new(language.algorithm);
        for form in lowered.as_deref().into_iter().chain([folded]) {
            let stem = fold_word(&stemmer.stem(form));
            if !stem.is_empty() && stem != folded && !stems.contains(&stem) {
                stems.push(stem);
            }
        }
    }
    stems
}

fn script_of(first: char) -> Option<Script> {
    Some(match first {
        'a'..='z' | '\u{c0}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}' => Script::Latin,
        '\u{370}'..='\u{3ff}' | '\u{1f00}'..='\u{1fff}' => Script::Greek,
        '\u{400}'..='\u{52f}' => Script::Cyrillic,
        '\u{600}'..='\u{6ff}' | '\u{750}'..='\u{77f}' => Script::Arabic,
        '\u{b80}'..='\u{bff}' => Script::Tamil,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(codes: &[&str], word: &str) -> Vec<String> {
        let languages: Vec<Language> = codes.iter().map(|code| code.parse().unwrap()).collect();
        stems(&languages, word, &fold_word(word))
    }

    #[test]
    fn forms_of_a_word_meet_in_their_stem() {
        assert_eq!(of(&["en"], "Lectures"), ["lectur"]);
        assert_eq!(of(&["en"], "lecture"), ["lectur"]);
        assert_eq!(of(&["de"], "Häuser"), ["haus"]);
        assert_eq!(of(&["ru"], "лекции"), ["лекц"]);
        assert!(of(&["fr"], "études").contains(&"etud".to_owned()));
        assert!(of(&["fr"], "etudes").contains(&"etud".to_owned()));
    }

    #[test]
    fn a_language_is_asked_for_words_of_its_script_only() {
        assert!(of(&["en"], "лекции").is_empty());
        assert!(of(&["ru"], "lectures").is_empty());
        assert!(of(&["en", "de"], "機械学習").is_empty());
    }

    #[test]
    fn identifiers_and_words_that_are_their_own_stem_have_none() {
        assert!(of(&["en"], "1972s").is_empty());
        assert!(of(&["en"], "video").is_empty());
        assert!(of(&[], "lectures").is_empty());
    }

    proptest! {
        #[test]
        fn a_stem_keeps_the_first_letter_where_that_is_said(word in "[a-zà-ÿ]{1,12}|[α-ώ]{1,12}|[а-я]{1,12}|(be|ge|un|l)?[a-z]{2,8}(ing|ed|en|ion|heit|ment|ası|ости)?") {
            let folded = fold_word(&word);
            for language in LANGUAGES.into_iter().filter(|language| language.keeps_first_letter()) {
                for stem in stems(&[language], &word, &folded) {
                    prop_assert_eq!(stem.chars().next(), folded.chars().next(), "{:?} {} {}", language, word, stem);
                }
            }
        }
    }

    #[test]
    fn a_code_that_is_none_is_told_with_those_there_are() {
        let error = "xx".parse::<Language>().unwrap_err().to_string();
        assert!(error.contains("\"xx\"") && error.contains("en, fi"), "{error}");
        assert_eq!("DE".parse::<Language>().unwrap().code(), "de");
    }
}
