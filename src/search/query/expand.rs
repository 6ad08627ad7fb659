//! Which words of the index a word typed stands for: itself, its forms, words it begins, words that are near.
//!
//! A word that many entries have is taken at its word; only a rarer one is completed, and only a rare one is taken for a
//! mistake. This depends on the index alone, and never on which page is asked for.

use super::dictionary::{self, Among, Candidates, Found, Nearness};
use super::limits::{EXPANSIONS_MAX, PREFIX_IF_FEWER, TYPO_IF_FEWER};
use super::places::Place;
use super::slots::Word;
use crate::domain::ids::AccountId;
use crate::search::View;
use crate::search::analysis::STEM;

/// How a word of the index stands for one that was typed, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Closeness {
    /// It is the word.
    Exact,
    /// It is another form of it.
    Form,
    /// It begins with it.
    Beginning,
    /// One letter differs.
    OneEdit,
    /// Two do.
    TwoEdits,
}

impl Closeness {
    /// Factor on what is found by it.
    pub(super) fn weight(self) -> f32 {
        match self {
            Self::Exact => 1.0,
            Self::Form => 0.7,
            Self::Beginning => 0.4,
            Self::OneEdit => 0.1,
            Self::TwoEdits => 0.04,
        }
    }
}

/// How hard is looked for what may have been meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effort {
    /// Rare words may be mistakes, but not in their first letter.
    Usual,
    /// Any word may be a mistake, also in its first letter: the usual has found nothing.
    More,
}

/// A word of the index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Meant {
    pub(super) text: String,
    /// How it stands for the one typed.
    pub(super) closeness: Closeness,
    /// In no other place is it.
    pub(super) among: Among,
}

/// The words of the index that `word` stands for in these places, the best first; 64 besides itself and its forms.
pub(super) fn expand(
    view: &View,
    places: &[Place],
    word: &Word,
    account: Option<AccountId>,
    effort: Effort,
) -> tantivy::Result<Vec<Meant>> {
    let mut meant = own(word);
    let mut has = 0;
    for word in &meant {
        for place in places {
            has += dictionary::alive(view, place, &word.text, account, PREFIX_IF_FEWER)?;
        }
    }
    if word.goes_on && has < PREFIX_IF_FEWER {
        let mut candidates = Candidates::new();
        dictionary::beginning(view, places, &word.text, &mut candidates)?;
        let of = |(text, found)| (text, Closeness::Beginning, found);
        has += take(view, places, account, candidates.into_iter().map(of).collect(), &mut meant)?;
    }
    if word.edits_max > 0 && (has < TYPO_IF_FEWER || effort == Effort::More) {
        let candidates = near(view, places, word, effort)?;
        take(view, places, account, candidates, &mut meant)?;
    }
    Ok(meant)
}

/// The word and its forms: they share a stem, or one is the other's.
fn own(word: &Word) -> Vec<Meant> {
    let meant = |text, closeness| Meant { text, closeness, among: Among::ALL };
    let mut own = vec![meant(word.text.clone(), Closeness::Exact)];
    if word.has_forms {
        own.push(meant(format!("{STEM}{}", word.text), Closeness::Form));
        for stem in &word.stems {
            own.push(meant(format!("{STEM}{stem}"), Closeness::Form));
            own.push(meant(stem.clone(), Closeness::Form));
        }
    }
    own
}

/// A word that may be meant, and how.
type Candidate = (String, Closeness, Found);

fn near(view: &View, places: &[Place], word: &Word, effort: Effort) -> tantivy::Result<Vec<Candidate>> {
    let nearness = Nearness {
        edits_max: word.edits_max,
        first_is_right: effort == Effort::Usual,
        goes_on: word.goes_on && effort == Effort::More,
    };
    let mut candidates = Candidates::new();
    dictionary::near(view, places, &word.text, nearness, &mut candidates)?;
    let judged = candidates.into_iter().map(|(text, found)| {
        let closeness = match edits(&word.text, &text, nearness.goes_on) {
            0 | 1 => Closeness::OneEdit,
            _ => Closeness::TwoEdits,
        };
        (text, closeness, found)
    });
    Ok(judged.collect())
}

/// Takes the best that are not meant already and that a document has; how many documents have them, at least.
fn take(
    view: &View,
    places: &[Place],
    account: Option<AccountId>,
    mut candidates: Vec<Candidate>,
    meant: &mut Vec<Meant>,
) -> tantivy::Result<usize> {
    candidates.retain(|(text, ..)| meant.iter().all(|known| known.text != *text));
    candidates.sort_by(|a, b| a.1.cmp(&b.1).then(b.2.documents.cmp(&a.2.documents)).then_with(|| a.0.cmp(&b.0)));
    let own = meant.iter().filter(|known| known.closeness <= Closeness::Form).count();
    let mut has = 0;
    for (text, closeness, Found { among, .. }) in candidates {
        if meant.len() - own >= EXPANSIONS_MAX {
            break;
        }
        let mut alive = 0;
        for place in among.of(places) {
            alive += dictionary::alive(view, place, &text, account, TYPO_IF_FEWER)?;
            if alive >= TYPO_IF_FEWER {
                break;
            }
        }
        if alive > 0 {
            has += alive;
            meant.push(Meant { text, closeness, among });
        }
    }
    Ok(has)
}

/// Letters to change, add, take away or let change places with the next to make one word the other; or, if it may go on, a
/// beginning of the other.
fn edits(word: &str, other: &str, goes_on: bool) -> usize {
    let (word, other): (Vec<char>, Vec<char>) = (word.chars().collect(), other.chars().collect());
    let mut rows: [Vec<usize>; 3] = [vec![], vec![], (0..=other.len()).collect()];
    for (at, letter) in word.iter().enumerate() {
        rows.rotate_left(1);
        let [before, above, row] = &mut rows;
        *row = vec![at + 1];
        for (there, other_letter) in other.iter().enumerate() {
            let changed = above[there] + usize::from(letter != other_letter);
            let mut best = changed.min(above[there + 1] + 1).min(row[there] + 1);
            let swapped = at > 0 && there > 0 && word[at - 1] == *other_letter && other[there - 1] == *letter;
            if swapped {
                best = best.min(before[there - 1] + 1);
            }
            row.push(best);
        }
    }
    let last = &rows[2];
    let whole = last[other.len()];
    if goes_on { last.iter().copied().min().unwrap_or(whole) } else { whole }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_letters_that_changed_places_are_one_edit() {
        for (word, other, goes_on, distance) in [
            ("museum", "museum", false, 0),
            ("musuem", "museum", false, 1),
            ("musem", "museum", false, 1),
            ("museeum", "museum", false, 1),
            ("nuseum", "museum", false, 1),
            ("umseum", "museum", false, 1),
            ("misuem", "museum", false, 2),
            ("музей", "музыка", false, 3),
            ("photgr", "photography", true, 1),
            ("photgr", "photography", false, 5),
            ("", "ab", false, 2),
        ] {
            assert_eq!(edits(word, other, goes_on), distance, "{word} {other}");
        }
    }
}
