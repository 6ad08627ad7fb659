//! What a visitor types: words, "phrases", -exclusions, field:value.
//!
//! Any text is answered. The one thing that is refused is `field:` of a field that there is none of; whoever means the
//! text itself puts it in quotes.

use super::error::{Parameter, QueryError, Span};
use super::fields::{Field, Published, Use};
use super::filter::{self, Filter};
use super::limits::{CLAUSES_MAX, WORDS_CHARS_MAX};
use crate::domain::filter::{FilterField, Kind};

/// A query's words, read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Words {
    /// What is looked for, and what must not be there, in the order typed; 16 at most.
    pub clauses: Vec<Clause>,
    /// What `field:value` asks of fields that hold no text.
    pub filters: Vec<Filter>,
}

/// A word or a phrase.
#[derive(Debug, Clone, PartialEq)]
pub struct Clause {
    /// As typed.
    pub text: String,
    /// Word or phrase.
    pub form: Form,
    /// Only there; anywhere without.
    pub field: Option<Field>,
    /// Entries that have it are not wanted.
    pub is_excluded: bool,
}

/// How the words of a clause belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// One word.
    Word,
    /// One word that may not be finished: what begins with it is meant, too.
    Beginning,
    /// These words, in this order, as they are.
    Phrase,
}

/// Reads what was typed.
///
/// # Errors
/// Too long, or a field that is not published.
pub fn parse(text: &str, published: &Published) -> Result<Words, QueryError> {
    let text: Vec<char> = text.chars().take(WORDS_CHARS_MAX + 1).collect();
    if text.len() > WORDS_CHARS_MAX {
        let span = WORDS_CHARS_MAX..WORDS_CHARS_MAX;
        return Err(QueryError::at(
            Parameter::Words,
            span,
            format!("what is looked for has {WORDS_CHARS_MAX} characters at most"),
        ));
    }
    let mut words = Words::default();
    let mut reader = Reader { text: &text, at: 0 };
    while let Some(piece) = reader.piece() {
        take(piece, &mut words, published)?;
    }
    words.clauses.truncate(CLAUSES_MAX);
    Ok(words)
}

/// A clause before anyone has asked whether its field is one.
struct Piece {
    is_excluded: bool,
    field: Option<(String, Span)>,
    text: String,
    form: Form,
    span: Span,
}

fn take(piece: Piece, words: &mut Words, published: &Published) -> Result<(), QueryError> {
    let field = piece.field.as_ref().map(|(name, span)| {
        published.find(name, Use::Words).map_err(|message| QueryError::at(Parameter::Words, span.clone(), message))
    });
    let field = field.transpose()?.cloned();
    match field {
        Some(field) if is_compared_whole(&field) => {
            let filter = filter::equal(&field, piece.text, piece.span)?;
            words.filters.push(if piece.is_excluded { Filter::Not(Box::new(filter)) } else { filter });
        }
        field if !piece.text.is_empty() => {
            let Piece { text, form, is_excluded, .. } = piece;
            words.clauses.push(Clause { text, form, field, is_excluded });
        }
        _ => {}
    }
    Ok(())
}

fn is_compared_whole(field: &Field) -> bool {
    matches!(field, Field::Id | Field::Account | Field::ReferenceId | Field::Type | Field::IsLive)
        || matches!(field.kind(), Kind::Number | Kind::Time | Kind::MediaType)
}

struct Reader<'a> {
    text: &'a [char],
    at: usize,
}

impl Reader<'_> {
    fn piece(&mut self) -> Option<Piece> {
        self.at += self.text[self.at..].iter().take_while(|character| character.is_whitespace()).count();
        let start = self.at;
        let is_excluded = self.peek()? == '-';
        self.at += usize::from(is_excluded);
        let field = self.field();
        let (text, form) = if self.peek().is_some_and(is_quote) { self.phrase() } else { self.word() };
        let form = if is_excluded && form == Form::Beginning { Form::Word } else { form };
        Some(Piece { is_excluded, field, text, form, span: start..self.at })
    }

    fn peek(&self) -> Option<char> {
        self.text.get(self.at).copied()
    }

    /// `name:` right before something; not of a web address, a time of day, or a colon at a word's end.
    fn field(&mut self) -> Option<(String, Span)> {
        let rest = &self.text[self.at..];
        let length = rest.iter().take_while(|character| is_of_a_name(**character)).count();
        let is_field = rest.first().is_some_and(|first| first.is_alphabetic() || *first == '_')
            && rest.get(length) == Some(&':')
            && rest.get(length + 1).is_some_and(|next| !next.is_whitespace() && !matches!(next, ':' | '/' | ')'));
        if !is_field {
            return None;
        }
        let span = self.at..self.at + length;
        self.at += length + 1;
        Some((rest[..length].iter().collect(), span))
    }

    /// Up to the closing quote; one that is not closed yet goes to the end.
    fn phrase(&mut self) -> (String, Form) {
        self.at += 1;
        let start = self.at;
        let length = self.text[start..].iter().take_while(|character| !is_quote(**character)).count();
        self.at = (start + length + 1).min(self.text.len());
        (self.text[start..start + length].iter().collect(), Form::Phrase)
    }

    fn word(&mut self) -> (String, Form) {
        let start = self.at;
        let ends = |character: &char| character.is_whitespace() || is_quote(*character);
        self.at += self.text[start..].iter().take_while(|character| !ends(character)).count();
        let form = if self.at == self.text.len() { Form::Beginning } else { Form::Word };
        (self.text[start..self.at].iter().collect(), form)
    }
}

fn is_of_a_name(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '_' | '-' | '.')
}

/// Phones and word processors write others than were meant.
fn is_quote(character: char) -> bool {
    matches!(character, '"' | '“' | '”' | '„' | '«' | '»' | '＂')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::store::PublicShape;

    fn published() -> Published {
        Published::of(&[PublicShape { searchable: ["Topic".to_owned()].into(), ..PublicShape::default() }])
    }

    /// `-` excluded, `field:`, `*` may go on, quotes for a phrase; then the filters.
    fn told(text: &str) -> String {
        let words = parse(text, &published()).unwrap_or_else(|error| panic!("{text}: {error}"));
        let clauses = words.clauses.iter().map(|clause| {
            let sign = if clause.is_excluded { "-" } else { "" };
            let field = clause.field.as_ref().map(|field| format!("{}:", field.name())).unwrap_or_default();
            let text = match clause.form {
                Form::Word => clause.text.clone(),
                Form::Beginning => format!("{}*", clause.text),
                Form::Phrase => format!("{:?}", clause.text),
            };
            format!("{sign}{field}{text}")
        });
        let clauses = clauses.collect::<Vec<_>>().join(" ");
        if words.filters.is_empty() { clauses } else { format!("{clauses} {:?}", words.filters) }
    }

    #[test]
    fn words_phrases_exclusions_and_fields_are_told_apart() {
        for (text, means) in [
            ("", ""),
            ("  ", ""),
            ("museum", "museum*"),
            ("museum ", "museum"),
            ("maritime  museum", "maritime museum*"),
            ("\"maritime museum\"", "\"maritime museum\""),
            ("\"maritime mus", "\"maritime mus\""),
            ("„Tag der offenen Tür“ heute", "\"Tag der offenen Tür\" heute*"),
            ("boat -sail", "boat -sail"),
            ("-\"sailing boat\" x", "-\"sailing boat\" x*"),
            ("- x --y", "x --y"),
            ("tags:boat", "tags:boat*"),
            ("-metadata.Topic:\"Fine Arts\" x", "-metadata.Topic:\"Fine Arts\" x*"),
            ("CSI: Miami", "CSI: Miami*"),
            ("10:30 uhr", "10:30 uhr*"),
            ("https://example.test/a b", "https://example.test/a b*"),
            ("a\"b c\"d", "a \"b c\" d*"),
            ("\"\"", ""),
            ("tags:\"\" x", "x*"),
            ("AB-1234", "AB-1234*"),
            ("東京　大学", "東京 大学*"),
        ] {
            assert_eq!(told(text), means, "{text}");
        }
    }

    #[test]
    fn what_is_no_text_is_filtered_by() {
        let words = parse("-mediaType:video id:1_abc boat", &published()).unwrap();
        assert_eq!(words.clauses.len(), 1);
        assert!(matches!(&words.filters[0], Filter::Not(_)), "{words:?}");
        assert!(matches!(&words.filters[1], Filter::Where(Field::Id, _)), "{words:?}");
    }

    #[test]
    fn a_field_there_is_none_of_is_told_with_its_place() {
        for (text, span) in
            [("boat Topic:x", 5..10), ("größe:1", 0..5), ("-secret:\"a b\"", 1..7), ("mediaType:film", 0..14)]
        {
            let error = parse(text, &published()).expect_err(text);
            assert_eq!((error.parameter, error.span.clone()), (Parameter::Words, span), "{text}: {error}");
        }
        assert!(parse("\"Topic:x\"", &published()).is_ok());
    }

    #[test]
    fn words_are_bounded_in_length_and_number() {
        assert!(parse(&"x".repeat(WORDS_CHARS_MAX), &published()).is_ok());
        assert!(parse(&"x".repeat(WORDS_CHARS_MAX + 1), &published()).is_err());
        assert_eq!(parse(&"x ".repeat(400), &published()).unwrap().clauses.len(), CLAUSES_MAX);
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_inside_it(text in "\\PC{0,60}|[-a:\" .\u{3000}é]{0,40}") {
            match parse(&text, &published()) {
                Ok(words) => prop_assert!(words.clauses.iter().all(|clause| !clause.text.is_empty())),
                Err(error) => prop_assert!(error.span.end <= text.chars().count()),
            }
        }
    }
}
