//! `[search]`: whether and how entries are indexed, and what a hit counts.

use std::collections::BTreeSet;

use super::section::Section;
use super::unknown::nearest;

/// Whether and how entries are indexed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    /// Whether there is a search at all.
    pub enabled: bool,
    /// Two-letter codes of languages whose words are also found by their stem.
    pub languages: BTreeSet<String>,
    /// What a hit counts, by the field it is in.
    pub weights: SearchWeights,
}

/// What a hit counts, by the field it is in; 0 and the field is not searched unless it is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SearchWeights {
    /// Title.
    pub name: u32,
    /// Tags and categories.
    pub tags: u32,
    /// Custom metadata.
    pub metadata: u32,
    /// Text below the title.
    pub description: u32,
    /// What is said.
    pub captions: u32,
}

impl Search {
    /// The codes of languages whose words have stems.
    pub const LANGUAGES: [&str; 18] =
        ["ar", "da", "de", "el", "en", "es", "fi", "fr", "hu", "it", "nl", "no", "pt", "ro", "ru", "sv", "ta", "tr"];

    pub(super) fn read(section: &Section<'_>) -> Self {
        let search = Self {
            enabled: section.or("enabled", true),
            languages: section.or("languages", BTreeSet::from(["en".to_owned()])),
            weights: SearchWeights::read(&section.section("weights")),
        };
        for code in search.languages.iter().filter(|code| !Self::LANGUAGES.contains(&code.as_str())) {
            let hint = nearest(code, Self::LANGUAGES.into_iter())
                .map_or_else(String::new, |meant| format!("; did you mean {meant:?}?"));
            let known = Self::LANGUAGES.join(", ");
            section.refuse("languages", format!(": there are no stems for {code:?}, but for {known}{hint}"));
        }
        search
    }
}

impl SearchWeights {
    const MAX: u32 = 100;

    fn read(section: &Section<'_>) -> Self {
        let weight = |name, default| section.within(name, default, 0..=Self::MAX);
        Self {
            name: weight("name", 16),
            tags: weight("tags", 8),
            metadata: weight("metadata", 4),
            description: weight("description", 2),
            captions: weight("captions", 1),
        }
    }
}
