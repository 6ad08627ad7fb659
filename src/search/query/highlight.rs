//! Texts for an answer: what was sought is marked, the rest is harmless in a page, and long ones are cut.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::ops::Range;

use super::fields::Field;
use super::plan::Mark;
use super::slots::Part;
use crate::search::analysis::{Analysis, STEM, Token};
use crate::search::stemming::Language;

/// What stands before and after what is marked. Everything else is escaped.
pub const MARK: [&str; 2] = ["<mark>", "</mark>"];
/// Stands where a text was cut.
const CUT: &str = "…";

/// Marks what was sought in the texts of one field.
pub(super) struct Highlighter<'a> {
    analysis: &'a Analysis,
    words: HashSet<&'a str>,
    rows: Vec<&'a [Part]>,
    /// What sought stems begin with, where other words need not be looked at.
    first_of_stems: Option<HashSet<char>>,
    /// Whether a word has a stem that was sought: texts say few words often, and a stem takes a while.
    has_sought_stem: RefCell<HashMap<String, bool>>,
}

impl<'a> Highlighter<'a> {
    /// For this field's texts.
    pub(super) fn new(analysis: &'a Analysis, marks: &'a [Mark], field: &Field) -> Self {
        let of_field = || marks.iter().filter(|mark| mark.field.as_ref().is_none_or(|only| only == field));
        let words: HashSet<&str> = of_field().flat_map(|mark| mark.words.iter().map(String::as_str)).collect();
        let firsts = || words.iter().filter_map(|word| word.strip_prefix(STEM)?.chars().next()).collect();
        Self {
            analysis,
            first_of_stems: analysis.languages().all(Language::keeps_first_letter).then(firsts),
            words,
            rows: of_field().map(|mark| mark.row.as_slice()).filter(|row| !row.is_empty()).collect(),
            has_sought_stem: RefCell::default(),
        }
    }

    /// The text as HTML, cut to `words_max` words around most of what was sought.
    pub(super) fn html(&self, text: &str, words_max: Option<usize>) -> String {
        let tokens = Analysis::words_alone(text);
        let spans = self.spans(text, &tokens);
        let window = words_max.map_or(0..text.len(), |words| window(text, &tokens, &spans, words));
        marked(text, &spans, window)
    }

    /// Whether anything of the text was sought, and how many different places.
    pub(super) fn hits(&self, text: &str) -> usize {
        self.spans(text, &Analysis::words_alone(text)).len()
    }

    /// What is marked, in order, without overlaps.
    fn spans(&self, text: &str, tokens: &[Token]) -> Vec<Range<usize>> {
        let mut spans: Vec<Range<usize>> = Vec::new();
        for (number, token) in tokens.iter().enumerate() {
            if self.is_sought(text, token) {
                spans.push(token.start..token.end);
            }
            for row in &self.rows {
                spans.extend(row_at(&tokens[number..], row));
            }
        }
        spans.sort_by_key(|span| (span.start, span.end));
        spans.into_iter().fold(Vec::new(), |mut merged: Vec<Range<usize>>, span| {
            match merged.last_mut() {
                Some(last) if span.start < last.end || (span.start == last.end && span.start > last.start) => {
                    last.end = last.end.max(span.end);
                }
                _ => merged.push(span),
            }
            merged
        })
    }

    fn is_sought(&self, text: &str, token: &Token) -> bool {
        if self.words.contains(token.text.as_str()) {
            return true;
        }
        let first = token.text.chars().next();
        if self.first_of_stems.as_ref().is_some_and(|firsts| first.is_none_or(|first| !firsts.contains(&first))) {
            return false;
        }
        let written = &text[token.start..token.end];
        if let Some(known) = self.has_sought_stem.borrow().get(written) {
            return *known;
        }
        let is_sought = self.analysis.stem_terms(text, token).any(|stem| self.words.contains(stem.as_str()));
        self.has_sought_stem.borrow_mut().insert(written.to_owned(), is_sought);
        is_sought
    }
}

/// The row, if it begins with the first of these tokens: a span a word.
fn row_at(tokens: &[Token], row: &[Part]) -> Vec<Range<usize>> {
    let (Some(first), Some(begins)) = (tokens.first(), row.first()) else { return Vec::new() };
    if first.text != begins.text {
        return Vec::new();
    }
    let there = |part: &Part| {
        let place = first.position as usize + part.offset;
        // Nothing of a row is further away than its last place; a place has a few tokens.
        let near = tokens.iter().take_while(|token| token.position as usize <= place);
        near.into_iter().find(|token| token.position as usize == place && token.text == part.text)
    };
    row.iter().map(|part| there(part).map(|token| token.start..token.end)).collect::<Option<_>>().unwrap_or_default()
}

/// The part of the text with most of what is marked in so many words.
fn window(text: &str, tokens: &[Token], spans: &[Range<usize>], words: usize) -> Range<usize> {
    let mut places: Vec<Range<usize>> = Vec::new();
    let mut position = None;
    for token in tokens {
        if position != Some(token.position) && places.last().is_none_or(|last| token.start >= last.start) {
            places.push(token.start..token.end);
            position = Some(token.position);
        }
    }
    if places.len() <= words {
        return 0..text.len();
    }
    let is_marked = |place: &Range<usize>| spans.iter().any(|span| span.start <= place.start && place.start < span.end);
    let marked: Vec<bool> = places.iter().map(is_marked).collect();
    let first = best_start(&marked, words);
    let last = first + words - 1;
    let start = if first == 0 { 0 } else { places[first].start };
    let end = if last + 1 == places.len() { text.len() } else { places[last].end };
    start..end.max(start)
}

/// Where so many words hold most marks: the first such place, with a little before it where there is room.
fn best_start(marked: &[bool], words: usize) -> usize {
    let (mut best, mut best_count) = (0, 0);
    let mut count = 0;
    for end in 0..marked.len() {
        count += usize::from(marked[end]);
        if end >= words {
            count -= usize::from(marked[end - words]);
        }
        if count > best_count {
            (best, best_count) = ((end + 1).saturating_sub(words), count);
        }
    }
    if best_count == 0 {
        return 0;
    }
    // The marks end where the window ends: move on until the first of them has a few words before it.
    let first = (best..marked.len()).find(|place| marked[*place]).unwrap_or(best);
    first.saturating_sub(words / 4).max(best).min(marked.len() - words)
}

fn marked(text: &str, spans: &[Range<usize>], window: Range<usize>) -> String {
    let mut html = String::with_capacity(window.len() + 32);
    if window.start > 0 {
        html.push_str(CUT);
    }
    let mut at = window.start;
    for span in spans {
        let (start, end) = (span.start.max(at), span.end.min(window.end));
        if start >= end {
            continue;
        }
        escape(&text[at..start], &mut html);
        html.push_str(MARK[0]);
        escape(&text[start..end], &mut html);
        html.push_str(MARK[1]);
        at = end;
    }
    escape(&text[at..window.end], &mut html);
    if window.end < text.len() {
        html.push_str(CUT);
    }
    html
}

fn escape(text: &str, html: &mut String) {
    for character in text.chars() {
        match character {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            other => html.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn mark(words: &[&str], row: &[&str]) -> Mark {
        let row = row.iter().enumerate().map(|(offset, text)| Part { offset, text: (*text).to_owned() });
        Mark { field: None, words: words.iter().map(|word| (*word).to_owned()).collect(), row: row.collect() }
    }

    fn html(text: &str, words: &[&str], row: &[&str], words_max: Option<usize>) -> String {
        let marks = [mark(words, row)];
        Highlighter::new(&Analysis::default(), &marks, &Field::Name).html(text, words_max)
    }

    #[test]
    fn what_was_sought_is_marked_and_the_rest_is_escaped() {
        assert_eq!(
            html("Crème <b> & crème", &["creme"], &[], None),
            "<mark>Crème</mark> &lt;b&gt; &amp; <mark>crème</mark>"
        );
        assert_eq!(html("<script>", &["script"], &[], None), "&lt;<mark>script</mark>&gt;");
        assert_eq!(html("AB-1234!", &["ab1234"], &[], None), "<mark>AB-1234</mark>!");
        assert_eq!(html("機械学習", &["機械"], &[], None), "<mark>機械</mark>学習");
        assert_eq!(html("nothing", &["other"], &[], None), "nothing");
    }

    #[test]
    fn a_row_is_marked_where_it_stands_in_a_row() {
        assert_eq!(
            html("red green, green red green", &[], &["red", "green"], None),
            "<mark>red</mark> <mark>green</mark>, green <mark>red</mark> <mark>green</mark>"
        );
        assert_eq!(html("機械学習", &[], &["機械", "械学", "学習"], None), "<mark>機械学習</mark>");
    }

    #[test]
    fn a_mark_is_of_its_field() {
        let marks = [Mark { field: Some(Field::Tags), ..mark(&["red"], &[]) }];
        assert_eq!(Highlighter::new(&Analysis::default(), &marks, &Field::Name).html("red", None), "red");
        assert_eq!(Highlighter::new(&Analysis::default(), &marks, &Field::Tags).html("red", None), "<mark>red</mark>");
    }

    #[test]
    fn a_long_text_is_cut_around_what_was_sought() {
        let text = "one two three four five six seven eight nine ten";
        assert_eq!(html(text, &["eight"], &[], Some(4)), "…seven <mark>eight</mark> nine ten");
        assert_eq!(html(text, &["one"], &[], Some(3)), "<mark>one</mark> two three…");
        assert_eq!(html(text, &["none"], &[], Some(2)), "one two…");
        assert_eq!(html(text, &["two", "eight", "nine"], &[], Some(3)), "…<mark>eight</mark> <mark>nine</mark> ten");
        assert_eq!(html(text, &["ten"], &[], Some(10)), format!("{}<mark>ten</mark>", &text[..text.len() - 3]));
    }

    proptest! {
        #[test]
        fn any_text_is_marked_cut_and_escaped(text in "\\PC{0,40}|[a-c<&>\" -]{0,40}", words in 1usize..6) {
            let html = html(&text, &["a", "b"], &["c", "a"], Some(words));
            let bare = html.replace(MARK[0], "").replace(MARK[1], "");
            prop_assert!(!bare.contains(['<', '>', '"']), "{html}");
            let whole = Highlighter::new(&Analysis::default(), &[mark(&["a"], &[])], &Field::Name).html(&text, None);
            let bare = whole.replace(MARK[0], "").replace(MARK[1], "");
            let mut escaped = String::new();
            escape(&text, &mut escaped);
            prop_assert_eq!(bare, escaped);
        }
    }
}
