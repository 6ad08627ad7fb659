//! What visitors type: words by how many entries have them, and what is asked beside them.

use std::collections::HashMap;
use std::fmt::Write;

use fastrand::Rng;
use kaltura_mirror::search::query::Asked;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::corpus::{Film, NOW};
use super::words::{Script, Word};

const SEED: u64 = 11;
/// Queries of a class; asked again from the start when a load wants more.
const VARIETY: usize = 200;

/// A kind of query, measured for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// 60 % mid, 20 % rare, 20 % common words, one a query.
    Mixed,
    /// In 2 to a few entries.
    Rare,
    /// In one of two thousand to one of two hundred.
    Mid,
    /// In more than one of twenty.
    Common,
    /// Two of those; both must match.
    TwoCommon,
    /// Two words that stand side by side somewhere.
    Phrase,
    /// The first letters of a word, still being typed.
    Prefix,
    /// A word with one letter wrong.
    Typo,
    /// The mixed log, filtered by media type, duration and date.
    Filtered,
    /// The mixed log, with counts of two facets.
    Faceted,
    /// The mixed log, newest first.
    Sorted,
    /// Some characters out of a text without spaces. Not comparable: FTS5 cannot find them.
    NoSpaces,
}

impl Class {
    pub const ALL: [Self; 12] = [
        Self::Mixed,
        Self::Rare,
        Self::Mid,
        Self::Common,
        Self::TwoCommon,
        Self::Phrase,
        Self::Prefix,
        Self::Typo,
        Self::Filtered,
        Self::Faceted,
        Self::Sorted,
        Self::NoSpaces,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Mixed => "mixed log",
            Self::Rare => "rare word",
            Self::Mid => "mid word",
            Self::Common => "common word",
            Self::TwoCommon => "two common words",
            Self::Phrase => "phrase",
            Self::Prefix => "prefix",
            Self::Typo => "typo",
            Self::Filtered => "mixed, filtered",
            Self::Faceted => "mixed, faceted",
            Self::Sorted => "mixed, sorted",
            Self::NoSpaces => "without spaces",
        }
    }
}

/// What is asked beside the words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extra {
    None,
    Filtered,
    Faceted,
    Sorted,
}

/// One query, in our language and in FTS5's.
#[derive(Debug, Clone)]
pub struct Query {
    pub text: String,
    pub extra: Extra,
    /// `None` when FTS5 has nothing like it.
    pub fts5: Option<String>,
    /// For a filter, epoch seconds.
    pub created_after: i64,
}

impl Query {
    fn of_words(words: &[&str], extra: Extra) -> Self {
        let quoted: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
        Self { text: words.join(" "), extra, fts5: Some(quoted.join(" ")), created_after: NOW - 3 * 365 * 86_400 }
    }

    /// In our language: twenty hits, with their highlights.
    pub fn asked(&self) -> Asked {
        let only = |extra: Extra, text: &str| if self.extra == extra { text.to_owned() } else { String::new() };
        let filter = format!("mediaType = video AND duration > 600 AND createdAt > {}", self.created_after);
        Asked {
            q: self.text.clone(),
            filter: only(Extra::Filtered, &filter),
            facets: only(Extra::Faceted, "metadata.Topic,mediaType"),
            sort: only(Extra::Sorted, "createdAt:desc"),
            highlight: "name,description".to_owned(),
            limit: Some(20),
            ..Asked::default()
        }
    }

    /// The same as path and query of a request.
    pub fn path(&self) -> String {
        let Asked { q, filter, facets, sort, highlight, .. } = self.asked();
        let mut path = "/api/v1/search?limit=20".to_owned();
        for (name, value) in
            [("q", q), ("filter", filter), ("facets", facets), ("sort", sort), ("highlight", highlight)]
        {
            if !value.is_empty() {
                write!(path, "&{name}={}", utf8_percent_encode(&value, NON_ALPHANUMERIC)).unwrap();
            }
        }
        path
    }
}

/// In how many entries each word is.
#[derive(Default)]
pub struct Frequencies {
    entries: usize,
    counts: HashMap<Word, u32>,
}

impl Frequencies {
    /// Counts the words of one entry.
    pub fn count(&mut self, words: &[Word]) {
        self.entries += 1;
        let mut words = words.to_vec();
        words.sort_unstable_by_key(|word| (word.script as u8, word.place));
        words.dedup();
        for word in words {
            *self.counts.entry(word).or_default() += 1;
        }
    }

    /// Words with spaces between them that are in as many entries, as text, in a fixed order.
    fn between(&self, least: usize, most: usize) -> Vec<(Script, String)> {
        let is_wanted =
            |word: &Word, count: u32| !word.script.space().is_empty() && (least..=most).contains(&(count as usize));
        let mut words: Vec<Word> =
            self.counts.iter().filter(|(word, count)| is_wanted(word, **count)).map(|(word, _)| *word).collect();
        words.sort_unstable_by_key(|word| (word.script as u8, word.place));
        words.into_iter().map(|word| (word.script, word.text())).collect()
    }
}

/// The queries of every class.
pub fn all(frequencies: &Frequencies) -> HashMap<Class, Vec<Query>> {
    let entries = frequencies.entries;
    let mut rng = Rng::with_seed(SEED);
    let rare = frequencies.between(2, (entries / 20_000).max(4));
    let mid = frequencies.between(entries / 2_000, entries / 200);
    let common = frequencies.between(entries / 20, entries);
    Class::ALL.into_iter().map(|class| (class, of(class, &[&rare, &mid, &common], entries, &mut rng))).collect()
}

type Words = Vec<(Script, String)>;

fn of(class: Class, [rare, mid, common]: &[&Words; 3], entries: usize, rng: &mut Rng) -> Vec<Query> {
    let pick = |words: &Words, rng: &mut Rng| words[rng.usize(..words.len())].1.clone();
    let mixed = |extra: Extra, rng: &mut Rng| {
        let words = match rng.u32(0..10) {
            0..6 => mid,
            6..8 => rare,
            _ => common,
        };
        Query::of_words(&[&pick(words, rng)], extra)
    };
    let one = |rng: &mut Rng| match class {
        Class::Mixed => mixed(Extra::None, rng),
        Class::Filtered => mixed(Extra::Filtered, rng),
        Class::Faceted => mixed(Extra::Faceted, rng),
        Class::Sorted => mixed(Extra::Sorted, rng),
        Class::Rare => Query::of_words(&[&rare[rng.usize(..rare.len())].1], Extra::None),
        Class::Mid => Query::of_words(&[&mid[rng.usize(..mid.len())].1], Extra::None),
        Class::Common => Query::of_words(&[&common[rng.usize(..common.len())].1], Extra::None),
        Class::TwoCommon => two_of_one_script(common, rng),
        Class::Phrase => phrase(entries, rng),
        Class::Prefix => prefix(&mid[rng.usize(..mid.len())].1, rng),
        Class::Typo => typo(mid, rng),
        Class::NoSpaces => no_spaces(entries, rng),
    };
    (0..VARIETY).map(|_| one(rng)).collect()
}

fn two_of_one_script(common: &Words, rng: &mut Rng) -> Query {
    let (script, first) = &common[rng.usize(..common.len())];
    let others: Vec<&str> =
        common.iter().filter(|(other, word)| other == script && word != first).map(|(_, word)| word.as_str()).collect();
    let second = if others.is_empty() { first } else { others[rng.usize(..others.len())] };
    Query::of_words(&[first, second], Extra::None)
}

/// An entry drawn by chance that is written so.
fn film(entries: usize, has_spaces: bool, rng: &mut Rng) -> Film {
    loop {
        let film = Film::of(rng.usize(..entries));
        if film.spoken[0].script.space().is_empty() != has_spaces {
            return film;
        }
    }
}

fn phrase(entries: usize, rng: &mut Rng) -> Query {
    let spoken = film(entries, true, rng).spoken;
    let at = rng.usize(..spoken.len() - 1);
    let text = format!("\"{} {}\"", spoken[at].text(), spoken[at + 1].text());
    Query { fts5: Some(text.clone()), text, extra: Extra::None, created_after: 0 }
}

fn no_spaces(entries: usize, rng: &mut Rng) -> Query {
    let spoken = film(entries, false, rng).spoken;
    let text = spoken[rng.usize(..spoken.len())].text();
    Query { text, extra: Extra::None, fts5: None, created_after: 0 }
}

fn prefix(word: &str, rng: &mut Rng) -> Query {
    let text: String = word.chars().take(rng.usize(3..5)).collect();
    Query { fts5: Some(format!("\"{text}\"*")), text, extra: Extra::None, created_after: 0 }
}

/// One letter for another, one left out, one too many, or two that changed places.
fn typo(words: &Words, rng: &mut Rng) -> Query {
    let long: Vec<&String> = words.iter().map(|(_, word)| word).filter(|word| word.chars().count() >= 6).collect();
    let mut letters: Vec<char> = long[rng.usize(..long.len())].chars().collect();
    let at = rng.usize(1..letters.len() - 1);
    let other = letters[rng.usize(..letters.len())];
    match rng.u32(0..4) {
        0 => letters[at] = other,
        1 => drop(letters.remove(at)),
        2 => letters.insert(at, other),
        _ => letters.swap(at, at + 1),
    }
    Query { text: letters.into_iter().collect(), extra: Extra::None, fts5: None, created_after: 0 }
}
