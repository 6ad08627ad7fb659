//! What a clause asks of an entry: slots, each to be filled by some field of it.
//!
//! A word is a slot. What is written as one but is several words to the index (`AB-1234`, Chinese without spaces) is a slot that is
//! filled by its parts in a row, or by all of it as one.

use super::fields::Field;
use super::words::{Clause, Form};
use crate::search::analysis::{Analysis, Kind, Token};

/// Something that must be in an entry, or must not.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Slot {
    /// What fills it.
    pub(super) what: What,
    /// Only there; anywhere without.
    pub(super) field: Option<Field>,
    /// Entries in which it is filled are not wanted.
    pub(super) is_excluded: bool,
}

/// What fills a slot.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum What {
    /// This word or what stands for it.
    Word(Word),
    /// These words in a row; or all of them as one, if that has a word.
    Row(Vec<Part>, Option<Word>),
}

/// A word, folded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word {
    /// The word itself.
    pub(super) text: String,
    /// Its stems, if forms of it are meant, too.
    pub(super) stems: Vec<String>,
    /// Whether forms of it are meant, too.
    pub(super) has_forms: bool,
    /// Whether words that begin with it are meant, too.
    pub(super) goes_on: bool,
    /// Mistakes in it that are looked past.
    pub(super) edits_max: u8,
}

impl Word {
    /// The word itself, and nothing in its stead.
    pub(super) fn exactly(&self) -> Self {
        Self { text: self.text.clone(), stems: Vec::new(), has_forms: false, goes_on: false, edits_max: 0 }
    }
}

/// A word of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    /// Places after the first of the row.
    pub(super) offset: usize,
    /// The word itself.
    pub(super) text: String,
}

/// The slots of a clause; none when nothing of it is a word.
pub(super) fn of(clause: &Clause, analysis: &Analysis) -> Vec<Slot> {
    let tokens = analysis.words(&clause.text);
    let slot = |what| Slot { what, field: clause.field.clone(), is_excluded: clause.is_excluded };
    if clause.form == Form::Phrase {
        return row(&tokens, false).map(exactly).map(slot).into_iter().collect();
    }
    let goes_on = clause.form == Form::Beginning;
    let groups = groups(&tokens, &clause.text);
    let last = groups.len().saturating_sub(1);
    let whats = groups.iter().enumerate().filter_map(|(number, group)| row(group, goes_on && number == last));
    whats.map(slot).collect()
}

/// A phrase means its words as they are.
fn exactly(what: What) -> What {
    match what {
        What::Word(word) => What::Word(word.exactly()),
        What::Row(parts, _) => What::Row(parts, None),
    }
}

/// Tokens that were written as one: nothing, or a single joint, stands between them.
fn groups<'a>(tokens: &'a [Token], text: &str) -> Vec<&'a [Token]> {
    let mut groups = Vec::new();
    let (mut start, mut end) = (0, 0);
    for (number, token) in tokens.iter().enumerate() {
        let between = text.get(end..token.start).unwrap_or_default();
        if number > start && !is_joint(between) {
            groups.push(&tokens[start..number]);
            start = number;
        }
        end = end.max(token.end);
    }
    groups.extend((start < tokens.len()).then(|| &tokens[start..]));
    groups
}

fn is_joint(between: &str) -> bool {
    let mut characters = between.chars();
    match (characters.next(), characters.next()) {
        (None, _) => true,
        (Some(only), None) => "-_./'\u{2019}\u{2010}\u{2011}".contains(only),
        _ => false,
    }
}

fn row(tokens: &[Token], goes_on: bool) -> Option<What> {
    let parts = parts(tokens);
    let joined = tokens.iter().find(|token| token.kind == Kind::Joined);
    match parts.as_slice() {
        [] => None,
        [only] => Some(What::Word(word(only, goes_on))),
        [first, ..] => {
            let part =
                |token: &&Token| Part { offset: (token.position - first.position) as usize, text: token.text.clone() };
            let whole = joined.filter(|token| token.position == first.position);
            Some(What::Row(parts.iter().map(part).collect(), whole.map(|token| word(token, goes_on))))
        }
    }
}

/// The tokens that together are the text, each once: pairs of letters stand for the letters in them.
fn parts(tokens: &[Token]) -> Vec<&Token> {
    let pairs: Vec<u32> = tokens.iter().filter(|token| token.kind == Kind::Pair).map(|pair| pair.position).collect();
    let is_paired = |position: u32| {
        pairs.binary_search(&position).is_ok()
            || position.checked_sub(1).is_some_and(|before| pairs.binary_search(&before).is_ok())
    };
    let is_part = |token: &&Token| match token.kind {
        Kind::Joined => false,
        Kind::Single => !is_paired(token.position),
        Kind::Word | Kind::Pair => true,
    };
    let mut parts: Vec<&Token> = tokens.iter().filter(is_part).collect();
    parts.sort_by_key(|token| token.position);
    parts
}

fn word(token: &Token, goes_on: bool) -> Word {
    /// Letters from which on one mistake is looked past, and two.
    const ONE_FROM: usize = 5;
    const TWO_FROM: usize = 9;
    let is_spelt = token.kind == Kind::Word && !token.is_identifier();
    let edits_max = match token.text.chars().count() {
        TWO_FROM.. if is_spelt => 2,
        ONE_FROM.. if is_spelt => 1,
        _ => 0,
    };
    Word {
        text: token.text.clone(),
        stems: token.stems.clone(),
        has_forms: token.kind == Kind::Word,
        // Any letter of Chinese, Japanese and Korean is a word of its own already.
        goes_on: goes_on && token.kind != Kind::Pair,
        edits_max,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::query::fields::Published;
    use crate::search::query::words;

    /// `*` goes on, `~n` mistakes; rows in brackets, `|` as one.
    fn told(text: &str) -> String {
        let word = |word: &Word| {
            let star = if word.goes_on { "*" } else { "" };
            let edits = if word.edits_max > 0 { format!("~{}", word.edits_max) } else { String::new() };
            format!("{}{star}{edits}", word.text)
        };
        let words = words::parse(text, &Published::of([])).unwrap();
        let slots = words.clauses.iter().flat_map(|clause| of(clause, &Analysis::default()));
        let told = slots.map(|slot| match slot.what {
            What::Word(only) => word(&only),
            What::Row(parts, whole) => {
                let parts: Vec<_> = parts.iter().map(|part| format!("{}{}", part.text, part.offset)).collect();
                let whole = whole.map(|whole| format!("|{}", word(&whole))).unwrap_or_default();
                format!("[{}{whole}]", parts.join(" "))
            }
        });
        told.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn words_become_slots() {
        for (text, slots) in [
            ("Crème brûlée ", "creme~1 brulee~1"),
            ("the mari", "the mari*"),
            ("photography ", "photography~2"),
            ("AB-1234 ", "[ab0 12341|ab1234]"),
            ("AB-12", "[ab0 121|ab12*]"),
            ("covid19", "covid19*"),
            ("red,green", "red green*~1"),
            ("\"red green\"", "[red0 green1]"),
            ("\"green\"", "green"),
            ("don't ", "[don0 t1|dont]"),
            ("機械学習 ", "[機械0 械学1 学習2]"),
            ("機械", "機械"),
            ("機", "機*"),
            ("第3回 ", "[第0 31 回2]"),
            ("!!! ?", ""),
        ] {
            assert_eq!(told(text), slots, "{text}");
        }
    }
}
