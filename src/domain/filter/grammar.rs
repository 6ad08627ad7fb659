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
//! Keywords in any case. Which fields there are is the caller's to say.

use super::Filter;
use super::error::{FilterError, Span, quoted};
use super::lexer::{Token, tokens};
use super::value::Literal;
use super::{CHARS_MAX, Comparison, DEPTH_MAX, FilterField, Kind, Test, VALUES_MAX};

/// Reads a filter; one without a condition is none. `find` gives the field of a name, or says which there are.
///
/// # Errors
/// What is wrong, and where: grammar, a field that there is not, a value that its field cannot have, a size.
pub fn parse<F: FilterField>(
    text: &str,
    find: &dyn Fn(&str) -> Result<F, String>,
) -> Result<Option<Filter<F>>, FilterError> {
    let text: Vec<char> = text.chars().take(CHARS_MAX + 1).collect();
    if text.len() > CHARS_MAX {
        let span = CHARS_MAX..CHARS_MAX;
        return Err(wrong(span, format!("a filter has {CHARS_MAX} characters at most")));
    }
    let tokens = tokens(&text)?;
    if tokens.is_empty() {
        return Ok(None);
    }
    let mut parser = Parser { tokens: &tokens, at: 0, end: text.len(), find, depth: 0, values: 0 };
    let filter = parser.any()?;
    match parser.peek() {
        None => Ok(Some(filter)),
        Some(_) => Err(parser.expected("AND, OR, or the end of the filter")),
    }
}

struct Parser<'a, F> {
    tokens: &'a [(Token, Span)],
    at: usize,
    /// Of the text, in characters.
    end: usize,
    find: &'a dyn Fn(&str) -> Result<F, String>,
    depth: usize,
    values: usize,
}

impl<F: FilterField> Parser<'_, F> {
    fn any(&mut self) -> Result<Filter<F>, FilterError> {
        let mut all = vec![self.all()?];
        while self.take_keyword("OR") {
            all.push(self.all()?);
        }
        Ok(one_or(all, Filter::Any))
    }

    fn all(&mut self) -> Result<Filter<F>, FilterError> {
        let mut all = vec![self.one()?];
        while self.take_keyword("AND") {
            all.push(self.one()?);
        }
        Ok(one_or(all, Filter::All))
    }

    fn one(&mut self) -> Result<Filter<F>, FilterError> {
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
    fn deeper(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<Filter<F>, FilterError>,
    ) -> Result<Filter<F>, FilterError> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(wrong(self.here(), format!("a filter goes {DEPTH_MAX} brackets deep at most")));
        }
        let read = read(self)?;
        self.depth -= 1;
        Ok(read)
    }

    fn condition(&mut self) -> Result<Filter<F>, FilterError> {
        let field = self.field()?;
        let (test, is_negated) = self.test(&field)?;
        let condition = Filter::Where(field, test);
        Ok(if is_negated { not(condition) } else { condition })
    }

    fn field(&mut self) -> Result<F, FilterError> {
        let here = self.here();
        match self.peek() {
            Some(Token::Word(name) | Token::Quoted(name)) => {
                let field = (self.find)(name).map_err(|message| wrong(here, message))?;
                self.at += 1;
                Ok(field)
            }
            _ => Err(self.expected("a field")),
        }
    }

    /// The test, and whether it is meant the other way round.
    fn test(&mut self, field: &F) -> Result<(Test, bool), FilterError> {
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

    fn worded_test(&mut self, field: &F) -> Result<(Test, bool), FilterError> {
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

    fn list(&mut self, field: &F) -> Result<Vec<Literal>, FilterError> {
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
    fn ordered(&mut self, field: &F) -> Result<Literal, FilterError> {
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

    fn value(&mut self, field: &F) -> Result<Literal, FilterError> {
        let here = self.here();
        let Some(Token::Word(text) | Token::Quoted(text)) = self.peek() else { return Err(self.expected("a value")) };
        let value = Literal { text: text.clone() };
        self.at += 1;
        self.values += 1;
        if self.values > VALUES_MAX {
            return Err(wrong(here, format!("a filter compares with {VALUES_MAX} values at most")));
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

    fn expected(&self, what: &str) -> FilterError {
        wrong(self.here(), format!("here should be {what}"))
    }
}

fn one_or<F>(mut several: Vec<Filter<F>>, wrap: impl FnOnce(Vec<Filter<F>>) -> Filter<F>) -> Filter<F> {
    match several.pop() {
        Some(only) if several.is_empty() => only,
        last => {
            several.extend(last);
            wrap(several)
        }
    }
}

fn not<F>(filter: Filter<F>) -> Filter<F> {
    Filter::Not(Box::new(filter))
}

/// Whether the field can have this value at all.
///
/// # Errors
/// What it would have to be.
pub fn check<F: FilterField>(field: &F, value: &Literal, span: Span) -> Result<(), FilterError> {
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
        _ => field.admit(value).map_err(|message| wrong(span, message)),
    }
}

fn wrong(span: Span, message: impl Into<String>) -> FilterError {
    FilterError::at(span, message)
}
