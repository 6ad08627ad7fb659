//! The language of filters: `mediaType = video AND (tags IN [a, "b c"] OR metadata.Topic = Science)`.
//!
//! ```text
//! any       := all (OR all)*
//! all       := one (AND one)*
//! one       := NOT one | ( any ) | condition
//! condition := field ( = | != | < | <= | > | >= ) value | field value TO value | field [NOT] IN [ value, … ]
//!            | field [NOT] EXISTS | field IS [NOT] EMPTY
//! ```
//!
//! Keywords in any case. What is published is decided here: a field that is not is unknown.

use super::error::{Parameter, QueryError, Span, quoted};
use super::fields::{Field, Kind, Published, Use};
use super::lexer::{Token, tokens};
use super::limits::{FILTER_CHARS_MAX, FILTER_DEPTH_MAX, FILTER_VALUES_MAX};
use super::value::Literal;

/// Which entries are wanted.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    /// Those that pass every one.
    All(Vec<Filter>),
    /// Those that pass at least one.
    Any(Vec<Filter>),
    /// Those that do not pass.
    Not(Box<Filter>),
    /// Those whose field passes the test; of several values, one is enough.
    Where(Field, Test),
}

/// What a value of a field is held against.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    /// Is one of these.
    In(Vec<Literal>),
    /// Lies on this side of it.
    Compare(Comparison, Literal),
    /// Lies between the two, which belong to it.
    Between(Literal, Literal),
    /// There is one at all.
    Exists,
}

/// A side of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    Greater,
    /// `>=`
    AtLeast,
}

/// Reads a filter; one without a condition is none.
///
/// # Errors
/// What is wrong, and where: grammar, a field that is not published, a value that its field cannot have, a size.
pub fn parse(text: &str, published: &Published) -> Result<Option<Filter>, QueryError> {
    let text: Vec<char> = text.chars().take(FILTER_CHARS_MAX + 1).collect();
    if text.len() > FILTER_CHARS_MAX {
        let span = FILTER_CHARS_MAX..FILTER_CHARS_MAX;
        return Err(wrong(span, format!("a filter has {FILTER_CHARS_MAX} characters at most")));
    }
    let tokens = tokens(&text)?;
    if tokens.is_empty() {
        return Ok(None);
    }
    let mut parser = Parser { tokens: &tokens, at: 0, end: text.len(), published, depth: 0, values: 0 };
    let filter = parser.any()?;
    match parser.peek() {
        None => Ok(Some(filter)),
        Some(_) => Err(parser.expected("AND, OR, or the end of the filter")),
    }
}

/// The filter that `field:value` among the words stands for, where the field is no text.
///
/// # Errors
/// A value that the field cannot have.
pub(super) fn equal(field: &Field, value: String, span: Span) -> Result<Filter, QueryError> {
    let value = Literal { text: value };
    check(field, &value, span).map_err(|error| QueryError { parameter: Parameter::Words, ..error })?;
    Ok(Filter::Where(field.clone(), Test::In(vec![value])))
}

struct Parser<'a> {
    tokens: &'a [(Token, Span)],
    at: usize,
    /// Of the text, in characters.
    end: usize,
    published: &'a Published,
    depth: usize,
    values: usize,
}

impl Parser<'_> {
    fn any(&mut self) -> Result<Filter, QueryError> {
        let mut all = vec![self.all()?];
        while self.take_keyword("OR") {
            all.push(self.all()?);
        }
        Ok(one_or(all, Filter::Any))
    }

    fn all(&mut self) -> Result<Filter, QueryError> {
        let mut all = vec![self.one()?];
        while self.take_keyword("AND") {
            all.push(self.one()?);
        }
        Ok(one_or(all, Filter::All))
    }

    fn one(&mut self) -> Result<Filter, QueryError> {
        if self.take_keyword("NOT") {
            return self.deeper(|parser| Ok(not(parser.one()?)));
        }
        if !self.take(&Token::Open) {
            return self.condition();
        }
        self.deeper(|parser| {
            let inner = parser.any()?;
            if parser.take(&Token::Close) { Ok(inner) } else { Err(parser.expected("AND, OR, or )")) }
        })
    }

    /// Brackets and negations are followed by calls: their depth is bounded before the stack is.
    fn deeper(&mut self, read: impl FnOnce(&mut Self) -> Result<Filter, QueryError>) -> Result<Filter, QueryError> {
        self.depth += 1;
        if self.depth > FILTER_DEPTH_MAX {
            return Err(wrong(self.here(), format!("a filter goes {FILTER_DEPTH_MAX} brackets deep at most")));
        }
        let read = read(self)?;
        self.depth -= 1;
        Ok(read)
    }

    fn condition(&mut self) -> Result<Filter, QueryError> {
        let field = self.field()?;
        let (test, is_negated) = self.test(&field)?;
        let condition = Filter::Where(field, test);
        Ok(if is_negated { not(condition) } else { condition })
    }

    fn field(&mut self) -> Result<Field, QueryError> {
        let here = self.here();
        match self.peek() {
            Some(Token::Word(name) | Token::Quoted(name)) => {
                let field = self.published.find(name, Use::Filter).map_err(|message| wrong(here, message))?.clone();
                self.at += 1;
                Ok(field)
            }
            _ => Err(self.expected("a field")),
        }
    }

    /// The test, and whether it is meant the other way round.
    fn test(&mut self, field: &Field) -> Result<(Test, bool), QueryError> {
        if self.take(&Token::Equal) {
            return Ok((Test::In(vec![self.value(field)?]), false));
        }
        if self.take(&Token::Unequal) {
            return Ok((Test::In(vec![self.value(field)?]), true));
        }
        for (token, comparison) in [
            (Token::Less, Comparison::Less),
            (Token::AtMost, Comparison::AtMost),
            (Token::Greater, Comparison::Greater),
            (Token::AtLeast, Comparison::AtLeast),
        ] {
            if self.take(&token) {
                return Ok((Test::Compare(comparison, self.ordered(field)?), false));
            }
        }
        self.worded_test(field)
    }

    fn worded_test(&mut self, field: &Field) -> Result<(Test, bool), QueryError> {
        if self.take_keyword("IS") {
            let is_negated = self.take_keyword("NOT");
            let empty = self.take_keyword("EMPTY") || self.take_keyword("NULL");
            return if empty { Ok((Test::Exists, !is_negated)) } else { Err(self.expected("EMPTY or NOT EMPTY")) };
        }
        let is_negated = self.take_keyword("NOT");
        if self.take_keyword("EXISTS") {
            return Ok((Test::Exists, is_negated));
        }
        if self.take_keyword("IN") {
            return Ok((Test::In(self.list(field)?), is_negated));
        }
        if is_negated || self.peek().is_none() || !self.is_range() {
            return Err(self.expected("one of = != < <= > >= IN, EXISTS, IS EMPTY, or `value TO value`"));
        }
        let from = self.ordered(field)?;
        self.at += 1;
        Ok((Test::Between(from, self.ordered(field)?), false))
    }

    fn is_range(&self) -> bool {
        self.tokens.get(self.at + 1).is_some_and(|(token, _)| token.is("TO"))
    }

    fn list(&mut self, field: &Field) -> Result<Vec<Literal>, QueryError> {
        if !self.take(&Token::ListOpen) {
            return Err(self.expected("a list like [a, \"b c\"]"));
        }
        let mut values = Vec::new();
        while !self.take(&Token::ListClose) {
            values.push(self.value(field)?);
            if !self.take(&Token::Comma) && self.peek() != Some(&Token::ListClose) {
                return Err(self.expected(", or ]"));
            }
        }
        Ok(values)
    }

    /// A value that lies before or after others.
    fn ordered(&mut self, field: &Field) -> Result<Literal, QueryError> {
        let here = self.here();
        let value = self.value(field)?;
        match field.kind() {
            Kind::Number | Kind::Time => Ok(value),
            Kind::Custom if value.number().is_some() || value.moment().is_some() => Ok(value),
            Kind::Custom => Err(wrong(here, format!("{} is no number and no date", quoted(&value.text)))),
            _ => {
                let name = field.name();
                Err(wrong(here, format!("{name} has no order: use = != IN, EXISTS or IS EMPTY")))
            }
        }
    }

    fn value(&mut self, field: &Field) -> Result<Literal, QueryError> {
        let here = self.here();
        let Some(Token::Word(text) | Token::Quoted(text)) = self.peek() else { return Err(self.expected("a value")) };
        let value = Literal { text: text.clone() };
        self.at += 1;
        self.values += 1;
        if self.values > FILTER_VALUES_MAX {
            return Err(wrong(here, format!("a filter compares with {FILTER_VALUES_MAX} values at most")));
        }
        check(field, &value, here)?;
        Ok(value)
    }

    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|(token, _)| token)
    }

    fn take(&mut self, token: &Token) -> bool {
        let is_next = self.peek() == Some(token);
        self.at += usize::from(is_next);
        is_next
    }

    fn take_keyword(&mut self, keyword: &str) -> bool {
        let is_next = self.peek().is_some_and(|token| token.is(keyword));
        self.at += usize::from(is_next);
        is_next
    }

    fn here(&self) -> Span {
        self.tokens.get(self.at).map_or(self.end..self.end, |(_, span)| span.clone())
    }

    fn expected(&self, what: &str) -> QueryError {
        wrong(self.here(), format!("here should be {what}"))
    }
}

fn one_or(mut several: Vec<Filter>, wrap: impl FnOnce(Vec<Filter>) -> Filter) -> Filter {
    match several.pop() {
        Some(only) if several.is_empty() => only,
        last => {
            several.extend(last);
            wrap(several)
        }
    }
}

fn not(filter: Filter) -> Filter {
    Filter::Not(Box::new(filter))
}

/// Whether the field can have this value at all.
fn check(field: &Field, value: &Literal, span: Span) -> Result<(), QueryError> {
    let written = quoted(&value.text);
    let name = field.name();
    match field.kind() {
        Kind::Number if value.number().is_none() => Err(wrong(span, format!("{name} is a number, not {written}"))),
        Kind::Time if value.moment().is_none() => Err(wrong(
            span,
            format!("{name} is a date like 2024-01-01, an RFC 3339 time or epoch seconds, not {written}"),
        )),
        Kind::MediaType if value.media_types().is_none() => {
            Err(wrong(span, format!("{name} is video, image, audio, live or Kaltura's number, not {written}")))
        }
        _ => Ok(()),
    }
}

fn wrong(span: Span, message: impl Into<String>) -> QueryError {
    QueryError::at(Parameter::Filter, span, message)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::store::PublicShape;

    fn published() -> Published {
        let searchable = ["Topic".to_owned(), "ReleaseDate".to_owned()].into();
        Published::of(&[PublicShape { searchable, ..PublicShape::default() }])
    }

    /// The filter written back with all its brackets.
    fn told(filter: &Filter) -> String {
        let joined = |filters: &[Filter], with| filters.iter().map(told).collect::<Vec<_>>().join(with);
        match filter {
            Filter::All(filters) => format!("({})", joined(filters, " & ")),
            Filter::Any(filters) => format!("({})", joined(filters, " | ")),
            Filter::Not(filter) => format!("!{}", told(filter)),
            Filter::Where(field, Test::In(values)) => {
                let values: Vec<_> = values.iter().map(|value| value.text.as_str()).collect();
                format!("{}={}", field.name(), values.join("/"))
            }
            Filter::Where(field, Test::Compare(comparison, value)) => {
                format!("{} {comparison:?} {}", field.name(), value.text)
            }
            Filter::Where(field, Test::Between(from, to)) => format!("{}={}..{}", field.name(), from.text, to.text),
            Filter::Where(field, Test::Exists) => format!("{}?", field.name()),
        }
    }

    #[test]
    fn filters_mean_what_they_say() {
        for (text, means) in [
            ("tags = a", "tags=a"),
            ("tags=a", "tags=a"),
            ("tags != 'a b'", "!tags=a b"),
            (
                "mediaType = video AND duration > 600 AND (tags IN [a, \"b c\"] OR metadata.Topic = Science) \
                 AND createdAt > 2024-01-01",
                "(mediaType=video & duration Greater 600 & (tags=a/b c | metadata.Topic=Science) \
                 & createdAt Greater 2024-01-01)",
            ),
            ("tags = a OR tags = b AND tags = c", "(tags=a | (tags=b & tags=c))"),
            ("not tags = a and not not tags = b", "(!tags=a & !!tags=b)"),
            ("NOT (tags = a OR tags = b)", "!(tags=a | tags=b)"),
            ("duration 10 TO 20", "duration=10..20"),
            ("createdAt 2024-01 TO 2024-03-31", "createdAt=2024-01..2024-03-31"),
            ("tags NOT IN [a,b,]", "!tags=a/b"),
            ("tags IN []", "tags="),
            ("description EXISTS", "?"),
            ("referenceId EXISTS", "referenceId?"),
            ("metadata.Topic NOT EXISTS", "!metadata.Topic?"),
            ("tags IS EMPTY", "!tags?"),
            ("tags IS NOT EMPTY OR duration <= 1.5", "(tags? | duration AtMost 1.5)"),
            ("\"metadata.Topic\" = \"AND\"", "metadata.Topic=AND"),
            ("tags = NOT", "tags=NOT"),
            ("metadata.ReleaseDate >= 2020-05-01", "metadata.ReleaseDate AtLeast 2020-05-01"),
        ] {
            match parse(text, &published()) {
                Ok(filter) => assert_eq!(told(&filter.unwrap()), means, "{text}"),
                Err(error) => assert_eq!(means, "?", "{text}: {error}"),
            }
        }
        assert_eq!(parse(" ", &published()), Ok(None));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        for (text, span, message) in [
            ("tags", 4..4, "one of = !="),
            ("tags =", 6..6, "a value"),
            ("tags = = a", 7..8, "a value"),
            ("tags = a tags = b", 9..13, "AND, OR"),
            ("tags = a AND", 12..12, "a field"),
            ("(tags = a", 9..9, ")"),
            ("tags = a)", 8..9, "the end"),
            ("größe = a", 0..5, "there are"),
            ("tags = ü AND größe > 1", 13..18, "there are"),
            ("metadata.Secret = a", 0..15, "metadata.Topic"),
            ("name = a", 0..4, "there are"),
            ("tags > a", 7..8, "no order"),
            ("duration > long", 11..15, "number"),
            ("createdAt > yesterday", 12..21, "date"),
            ("mediaType = film", 12..16, "video"),
            ("metadata.Topic > abc", 17..20, "no number and no date"),
            ("tags IN a", 8..9, "a list"),
            ("tags IN [a b]", 11..12, ", or ]"),
            ("tags IN [a", 10..10, ", or ]"),
            ("tags IS", 7..7, "EMPTY"),
            ("tags NOT a", 9..10, "one of"),
            ("tags = 'a", 7..9, "not closed"),
        ] {
            let error = parse(text, &published()).expect_err(text);
            assert_eq!(error.span, span, "{text}: {error}");
            assert!(error.message.contains(message), "{text}: {error}");
        }
    }

    #[test]
    fn a_filter_is_bounded_in_length_depth_and_values() {
        let deep = |levels| format!("{}tags = a{}", "(".repeat(levels), ")".repeat(levels));
        assert!(parse(&deep(FILTER_DEPTH_MAX), &published()).is_ok());
        assert_eq!(parse(&deep(FILTER_DEPTH_MAX + 1), &published()).unwrap_err().span, 33..37);
        assert!(parse(&"NOT ".repeat(900), &published()).unwrap_err().message.contains("deep"));
        let list = |values| format!("tags IN [{}]", "a,".repeat(values));
        assert!(parse(&list(FILTER_VALUES_MAX), &published()).is_ok());
        assert!(parse(&list(FILTER_VALUES_MAX + 1), &published()).is_err());
        assert_eq!(parse(&"x".repeat(5_000), &published()).unwrap_err().span, 4_000..4_000);
    }

    proptest! {
        #[test]
        fn any_text_is_a_filter_or_an_error_inside_it(text in "\\PC{0,60}") {
            if let Err(error) = parse(&text, &published()) {
                prop_assert!(error.span.start <= error.span.end && error.span.end <= text.chars().count());
            }
        }

        #[test]
        fn pieces_of_filters_in_any_order_are_a_filter_or_an_error_inside_them(
            pieces in prop::collection::vec(prop::sample::select(vec![
                "tags", "duration", "createdAt", "AND", "OR", "NOT", "(", ")", "[", "]", ",", "=", "!=", "<", ">=", "IN",
                "TO", "EXISTS", "IS", "EMPTY", "a", "'b c'", "1", "2024-01-01", "\"", "'", "\\", "ü", "\u{0}",
            ]), 0..24)
        ) {
            let text = pieces.join(" ");
            if let Err(error) = parse(&text, &published()) {
                prop_assert!(error.span.start <= error.span.end && error.span.end <= text.chars().count());
            }
        }
    }
}
