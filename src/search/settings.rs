//! What `[search]` configures.

use super::analysis::Analysis;
use super::stemming::Language;
use super::weights::Weights;

/// How entries are indexed and ranked.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Whether there is a search at all.
    pub enabled: bool,
    /// Languages whose words are also found by their stem.
    pub languages: Vec<Language>,
    /// What a hit counts, by the field it is in.
    pub weights: Weights,
}

impl Default for Settings {
    fn default() -> Self {
        Self { enabled: true, languages: Vec::new(), weights: Weights::default() }
    }
}

impl Settings {
    /// How texts become words.
    pub fn analysis(&self) -> Analysis {
        Analysis::new(&self.languages)
    }
}
