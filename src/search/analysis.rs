//! How a text becomes words: the one way for what is indexed, what is asked and what is highlighted.
//!
//! | text | words |
//! |---|---|
//! | `The Crème` | `the`, `creme` |
//! | `AB-1234` | `ab`, `1234`, and `ab1234` in the place of the first: whole with any hyphen or none, and by part |
//! | `機械学習` | each character, and each pair from where it begins: Chinese, Japanese and Korean need no spaces |
//! | `ภาษาไทย` | each pair of letters with their marks: the same for Thai, Lao, Khmer and Burmese |
//!
//! Stems are kept beside a word and in the index as terms of their own kind ([`STEM`]), so that the exact form beats them.

use std::collections::HashMap;

use super::stemming::{Language, stems};
use crate::domain::folding::{fold_word, is_invisible, is_of_a_word};
use unicode_normalization::char::is_combining_mark;

/// Begins each term that is a stem. No word has it, so walks over the dictionary that begin at a word's character meet no
/// stems; a walk that may begin anywhere begins at [`FIRST_OF_WORDS`].
pub const STEM: char = '\u{1}';
/// Begins each term that is a whole value, folded: of a tag, of a metadata field, of a category or one above it.
pub const WHOLE: char = '\u{2}';
/// No term of a word is less than this one.
pub const FIRST_OF_WORDS: &str = "0";

/// Characters of a word that count; what follows is left off, in the index and in what is asked alike.
const WORD_MAX_CHARS: usize = 64;
/// Parts that a word with inner hyphens has at most, to be found whole.
const PARTS_MAX: usize = 8;

/// One word of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Folded: the index's term.
    pub text: String,
    /// Its stems, folded, in no case the word itself. The index has each with [`STEM`] before it.
    pub stems: Vec<String>,
    /// Where it begins in the text, in bytes.
    pub start: usize,
    /// Where it ends in the text, in bytes.
    pub end: usize,
    /// Its place: words side by side differ by 1. Several tokens may have the same.
    pub position: u32,
    /// How many places it covers.
    pub length: u32,
    /// What kind of word.
    pub kind: Kind,
}

/// What kind of word a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Letters and digits between separators.
    Word,
    /// The parts before it, which hyphens, dots, slashes or apostrophes join, as one: `ab1234` of `AB-1234`. It comes after its parts, in
    /// the position of the first.
    Joined,
    /// Two letters side by side of a script without spaces.
    Pair,
    /// One letter of such a script: of Chinese, Japanese and Korean every one, of the others only one that stands alone.
    Single,
}

impl Token {
    /// Whether it may name a thing rather than be a word of a language: such are never guessed at.
    pub fn is_identifier(&self) -> bool {
        self.text.chars().any(char::is_numeric)
    }

    /// The index's terms for its stems.
    pub fn stem_terms(&self) -> impl Iterator<Item = String> {
        self.stems.iter().map(|stem| format!("{STEM}{stem}"))
    }
}

/// How texts become words, as configured. Cheap to clone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Analysis {
    languages: std::sync::Arc<[Language]>,
}

impl Analysis {
    /// With the stems of these languages.
    pub fn new(languages: &[Language]) -> Self {
        Self { languages: languages.into() }
    }

    /// The languages whose stems are known.
    pub fn languages(&self) -> impl Iterator<Item = Language> {
        self.languages.iter().copied()
    }

    /// The words of a text in their order, without stems: making those takes most of the time.
    pub fn words_alone(text: &str) -> Vec<Token> {
        Self::default().words(text)
    }

    /// The index's terms for the stems of a word of `text`.
    pub fn stem_terms(&self, text: &str, token: &Token) -> impl Iterator<Item = String> {
        let has_stems = token.kind == Kind::Word;
        let stems = has_stems.then(|| stems(&self.languages, &text[token.start..token.end], &token.text));
        stems.into_iter().flatten().map(|stem| format!("{STEM}{stem}"))
    }

    /// The words of a text in their order.
    pub fn words(&self, text: &str) -> Vec<Token> {
        split(text, |written| self.word(written))
    }

    fn word(&self, written: &str) -> Word {
        let mut text = fold_word(written);
        text.truncate(cut(&text).len());
        let stems = stems(&self.languages, written, &text);
        Word { text, stems }
    }
}

/// A word by itself: its text and its stems, as in [`Token`].
#[derive(Debug, Clone)]
struct Word {
    text: String,
    stems: Vec<String>,
}

/// Words by an analysis that remembers what they became: texts say few words often, and a stem takes a while. A clone
/// remembers nothing.
#[derive(Debug)]
pub(super) struct Remembering {
    analysis: Analysis,
    known: HashMap<String, Word>,
}

impl Remembering {
    /// So many are remembered, then all are forgotten.
    const WORDS_MAX: usize = 8_192;
    /// None that is longer.
    const WORD_MAX_BYTES: usize = 64;

    pub(super) fn new(analysis: &Analysis) -> Self {
        Self { analysis: analysis.clone(), known: HashMap::new() }
    }

    /// The words of a text in their order.
    pub(super) fn words(&mut self, text: &str) -> Vec<Token> {
        split(text, |written| self.word(written))
    }

    fn word(&mut self, written: &str) -> Word {
        if let Some(word) = self.known.get(written) {
            return word.clone();
        }
        let word = self.analysis.word(written);
        if written.len() > Self::WORD_MAX_BYTES {
            return word;
        }
        if self.known.len() >= Self::WORDS_MAX {
            self.known.clear();
        }
        self.known.insert(written.to_owned(), word.clone());
        word
    }
}

impl Clone for Remembering {
    fn clone(&self) -> Self {
        Self::new(&self.analysis)
    }
}

/// The words of a text in their order; `word` tells what one becomes.
fn split(text: &str, word: impl FnMut(&str) -> Word) -> Vec<Token> {
    let mut words = Words { text, word, tokens: Vec::new(), position: 0 };
    let mut rest = 0;
    while let Some(chunk) = next_chunk(text, rest) {
        words.chunk(chunk.start, chunk.end);
        rest = chunk.end;
    }
    words.tokens
}

struct Chunk {
    start: usize,
    end: usize,
}

/// From the first character of a word to where something separates: runs of word characters and single joints between them.
fn next_chunk(text: &str, from: usize) -> Option<Chunk> {
    let mut characters = text[from..].char_indices().peekable();
    let start = loop {
        let (at, character) = characters.next()?;
        if is_of_a_word(character) {
            break from + at;
        }
    };
    let mut end = text.len();
    while let Some((at, character)) = characters.next() {
        let goes_on = is_of_a_word(character)
            || is_invisible(character)
            || (is_joint(character) && characters.peek().is_some_and(|(_, next)| is_of_a_word(*next)));
        if !goes_on {
            end = from + at;
            break;
        }
    }
    Some(Chunk { start, end })
}

/// What joins the parts of an identifier or a contracted word.
fn is_joint(character: char) -> bool {
    matches!(character, '-' | '_' | '.' | '/' | '\'' | '\u{2019}' | '\u{2010}' | '\u{2011}')
}

struct Words<'a, W> {
    text: &'a str,
    word: W,
    tokens: Vec<Token>,
    position: u32,
}

impl<W: FnMut(&str) -> Word> Words<'_, W> {
    fn chunk(&mut self, start: usize, end: usize) {
        let (first_token, first_position) = (self.tokens.len(), self.position);
        let mut at = start;
        let mut has_runs_without_spaces = false;
        while at < end {
            let rest = &self.text[at..end];
            let first = rest.chars().next().expect("not at the end");
            let class = Class::of(first);
            let length = rest.find(|character| !class.takes(character)).unwrap_or(rest.len());
            match class {
                Class::Joint => {}
                Class::Spaced => self.word(at, at + length),
                Class::Cjk | Class::SouthEastAsian => {
                    has_runs_without_spaces = true;
                    self.run(at, at + length, class == Class::Cjk);
                }
            }
            at += length.max(first.len_utf8());
        }
        if !has_runs_without_spaces {
            self.join(first_token, first_position, start, end);
        }
    }

    fn word(&mut self, start: usize, end: usize) {
        let Word { text, stems } = (self.word)(&self.text[start..end]);
        if text.is_empty() {
            return;
        }
        self.push(Token { text, stems, start, end, position: self.position, length: 1, kind: Kind::Word });
        self.position += 1;
    }

    /// The parts of an identifier as one.
    fn join(&mut self, first_token: usize, position: u32, start: usize, end: usize) {
        let parts = &self.tokens[first_token..];
        let text: String = parts.iter().map(|part| part.text.as_str()).collect();
        let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
        let is_hyphenated = || self.text[start..end].contains(['-', '_', '\u{2010}', '\u{2011}']);
        if parts.len() < 2
            || parts.len() > PARTS_MAX
            || text.chars().count() > WORD_MAX_CHARS
            || (is_number && !is_hyphenated())
        {
            return;
        }
        let length = self.position - position;
        self.push(Token { text, stems: Vec::new(), start, end, position, length, kind: Kind::Joined });
    }

    /// Letters without spaces between their words.
    fn run(&mut self, start: usize, end: usize, each_alone: bool) {
        let letters = letters(self.text, start, end);
        for (number, letter) in letters.iter().enumerate() {
            let next = letters.get(number + 1);
            if each_alone || letters.len() == 1 {
                self.letters(&letter.text, letter.start, letter.end, Kind::Single);
            }
            if let Some(next) = next {
                self.letters(&format!("{}{}", letter.text, next.text), letter.start, next.end, Kind::Pair);
            }
            self.position += 1;
        }
    }

    fn letters(&mut self, text: &str, start: usize, end: usize, kind: Kind) {
        let length = if kind == Kind::Pair { 2 } else { 1 };
        let position = self.position;
        self.push(Token { text: text.to_owned(), stems: Vec::new(), start, end, position, length, kind });
    }

    fn push(&mut self, token: Token) {
        self.tokens.push(token);
    }
}

fn cut(folded: &str) -> &str {
    folded.char_indices().nth(WORD_MAX_CHARS).map_or(folded, |(end, _)| &folded[..end])
}

struct Letter {
    text: String,
    start: usize,
    end: usize,
}

/// Each letter with its marks, folded.
fn letters(text: &str, start: usize, end: usize) -> Vec<Letter> {
    let mut letters: Vec<Letter> = Vec::new();
    for (at, character) in text[start..end].char_indices() {
        let (from, to) = (start + at, start + at + character.len_utf8());
        match letters.last_mut() {
            Some(last) if is_mark(character) => last.end = to,
            _ => letters.push(Letter { text: String::new(), start: from, end: to }),
        }
    }
    for letter in &mut letters {
        letter.text = fold_word(&text[letter.start..letter.end]);
    }
    letters.retain(|letter| !letter.text.is_empty());
    letters
}

fn is_mark(character: char) -> bool {
    is_combining_mark(character) || is_invisible(character) || matches!(character, '\u{ff9e}' | '\u{ff9f}')
}

/// How words are told apart in a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Joint,
    Spaced,
    Cjk,
    SouthEastAsian,
}

impl Class {
    fn of(character: char) -> Self {
        match character {
            _ if character.is_ascii_alphanumeric() => Self::Spaced,
            _ if !is_of_a_word(character) && !is_invisible(character) => Self::Joint,
            '\u{1100}'..='\u{11ff}'
            | '\u{2e80}'..='\u{2fdf}'
            | '\u{3005}'..='\u{3007}'
            | '\u{3021}'..='\u{3029}'
            | '\u{3031}'..='\u{3035}'
            | '\u{3038}'..='\u{318f}'
            | '\u{31a0}'..='\u{31bf}'
            | '\u{31f0}'..='\u{31ff}'
            | '\u{3400}'..='\u{4dbf}'
            | '\u{4e00}'..='\u{9fff}'
            | '\u{a960}'..='\u{a97f}'
            | '\u{ac00}'..='\u{d7ff}'
            | '\u{f900}'..='\u{faff}'
            | '\u{ff66}'..='\u{ffdc}'
            | '\u{1b000}'..='\u{1b16f}'
            | '\u{20000}'..='\u{3ffff}' => Self::Cjk,
            '\u{e00}'..='\u{eff}'
            | '\u{1000}'..='\u{109f}'
            | '\u{1780}'..='\u{17ff}'
            | '\u{1950}'..='\u{19ff}'
            | '\u{1a20}'..='\u{1aaf}'
            | '\u{a9e0}'..='\u{a9ff}'
            | '\u{aa60}'..='\u{aadf}' => Self::SouthEastAsian,
            _ => Self::Spaced,
        }
    }

    /// Whether a character goes on what one of this class began.
    fn takes(self, character: char) -> bool {
        let class = Self::of(character);
        class == self || (self != Self::Joint && class != Self::Joint && is_mark(character))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(text: &str) -> Vec<(String, u32)> {
        Analysis::default().words(text).into_iter().map(|token| (token.text, token.position)).collect()
    }

    fn expect(text: &str, expected: &[(&str, u32)]) {
        let expected: Vec<_> = expected.iter().map(|(text, position)| ((*text).to_owned(), *position)).collect();
        assert_eq!(terms(text), expected, "{text}");
    }

    #[test]
    fn words_are_folded_and_counted() {
        expect("The Crème, brûlée!", &[("the", 0), ("creme", 1), ("brulee", 2)]);
        expect("", &[]);
        expect(" \u{301}… — ¿?", &[]);
        expect("Ａｐｐｌｅ ｔｖ", &[("apple", 0), ("tv", 1)]);
        expect("soft\u{ad}ware", &[("software", 0)]);
    }

    #[test]
    fn identifiers_are_found_whole_and_by_part() {
        expect("AB-1234 x", &[("ab", 0), ("1234", 1), ("ab1234", 0), ("x", 2)]);
        expect("1_82h0a7l2", &[("1", 0), ("82h0a7l2", 1), ("182h0a7l2", 0)]);
        expect("AB1234", &[("ab1234", 0)]);
        expect("978-3-16", &[("978", 0), ("3", 1), ("16", 2), ("978316", 0)]);
        expect("don't", &[("don", 0), ("t", 1), ("dont", 0)]);
    }

    #[test]
    fn what_only_stands_beside_a_word_joins_nothing() {
        expect("end. Start -x- a--b", &[("end", 0), ("start", 1), ("x", 2), ("a", 3), ("b", 4)]);
        expect("3.14", &[("3", 0), ("14", 1)]);
    }

    #[test]
    fn chinese_japanese_and_korean_need_no_spaces() {
        expect("機械学", &[("機", 0), ("機械", 0), ("械", 1), ("械学", 1), ("学", 2)]);
        expect("ｶﾞｽ", &[("ガ", 0), ("ガス", 0), ("ス", 1)]);
        expect("학교", &[("학", 0), ("학교", 0), ("교", 1)]);
        expect("第3回", &[("第", 0), ("3", 1), ("回", 2)]);
    }

    #[test]
    fn thai_lao_khmer_and_burmese_are_paired_by_letters_with_their_marks() {
        expect("ที่นี่", &[("ที่นี่", 0)]);
        expect("ก", &[("ก", 0)]);
        expect("ລາວ", &[("ລາ", 0), ("າວ", 1)]);
        assert!(terms("ភាសាខ្មែរ").len() > 2);
        assert!(terms("မြန်မာ").len() > 1);
    }

    #[test]
    fn offsets_are_those_of_the_text_as_it_was_given() {
        let text = "Ein Häuschen «AB-1234» 機械";
        for token in Analysis::default().words(text) {
            let written = &text[token.start..token.end];
            assert_eq!(fold_word(written), token.text, "{written}");
        }
    }

    #[test]
    fn a_stem_stands_beside_its_word() {
        let analysis = Analysis::new(&["en".parse().unwrap()]);
        let words = analysis.words("lectures");
        assert_eq!(words[0].text, "lectures");
        assert_eq!(words[0].stem_terms().collect::<Vec<_>>(), ["\u{1}lectur"]);
    }

    #[test]
    fn an_endless_word_is_cut() {
        let words = Analysis::default().words(&"x".repeat(10_000));
        assert_eq!(words.len(), 1);
        assert_eq!(words[0].text.len(), WORD_MAX_CHARS);
    }

    proptest::proptest! {
        #[test]
        fn any_text_has_words_in_order_within_it(text in "\\PC{0,60}|.{0,60}") {
            let analysis = Analysis::new(&["en".parse().unwrap(), "ar".parse().unwrap()]);
            let mut remembering = Remembering::new(&analysis);
            for _ in 0..2 {
                proptest::prop_assert_eq!(remembering.words(&text), analysis.words(&text));
            }
            let mut position = 0;
            for token in analysis.words(&text) {
                proptest::prop_assert!(token.start < token.end && text.get(token.start..token.end).is_some());
                proptest::prop_assert!(!token.text.is_empty());
                proptest::prop_assert!(token.text.as_str() >= FIRST_OF_WORDS, "{:?}", token.text);
                proptest::prop_assert!(token.kind == Kind::Joined || token.position >= position);
                position = position.max(token.position);
            }
        }
    }
}
