//! A filter's text in pieces, each with its place.

use super::error::{FilterError, Span};

/// A piece of a filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// Anything without blanks, brackets, quotes and comparisons: a keyword, a field or a value.
    Word(String),
    /// What stood in quotes: a value, or a field, but never a keyword.
    Quoted(String),
    /// `=`
    Equal,
    /// `!=`
    Unequal,
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    Greater,
    /// `>=`
    AtLeast,
    /// `(`
    Open,
    /// `)`
    Close,
    /// `[`
    ListOpen,
    /// `]`
    ListClose,
    /// `,`
    Comma,
}

impl Token {
    /// Whether it is this keyword, in any case.
    pub(super) fn is(&self, keyword: &str) -> bool {
        matches!(self, Self::Word(word) if word.eq_ignore_ascii_case(keyword))
    }
}

/// The pieces of a filter, in order.
///
/// # Errors
/// A quote that is not closed.
pub(super) fn tokens(text: &[char]) -> Result<Vec<(Token, Span)>, FilterError> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(&character) = text.get(at) {
        if character.is_whitespace() {
            at += 1;
            continue;
        }
        let (token, end) = token(text, at, character)?;
        found.push((token, at..end));
        at = end;
    }
    Ok(found)
}

fn token(text: &[char], at: usize, character: char) -> Result<(Token, usize), FilterError> {
    let followed = |by| text.get(at + 1) == Some(&by);
    Ok(match character {
        '(' => (Token::Open, at + 1),
        ')' => (Token::Close, at + 1),
        '[' => (Token::ListOpen, at + 1),
        ']' => (Token::ListClose, at + 1),
        ',' => (Token::Comma, at + 1),
        '=' => (Token::Equal, at + 1),
        '!' if followed('=') => (Token::Unequal, at + 2),
        '<' if followed('=') => (Token::AtMost, at + 2),
        '<' => (Token::Less, at + 1),
        '>' if followed('=') => (Token::AtLeast, at + 2),
        '>' => (Token::Greater, at + 1),
        '"' | '\'' => quoted(text, at, character)?,
        _ => word(text, at),
    })
}

fn word(text: &[char], at: usize) -> (Token, usize) {
    let ends = |place: usize| {
        let next_is = |by| text.get(place + 1) == Some(&by);
        match text[place] {
            '!' => next_is('='),
            character => character.is_whitespace() || "()[],=<>\"'".contains(character),
        }
    };
    let end = (at + 1..text.len()).find(|place| ends(*place)).unwrap_or(text.len());
    (Token::Word(text[at..end].iter().collect()), end)
}

/// A backslash takes the next character as it is.
fn quoted(text: &[char], at: usize, quote: char) -> Result<(Token, usize), FilterError> {
    let mut value = String::new();
    let mut place = at + 1;
    while let Some(&character) = text.get(place) {
        match character {
            character if character == quote => return Ok((Token::Quoted(value), place + 1)),
            '\\' if place + 1 < text.len() => {
                value.push(text[place + 1]);
                place += 2;
            }
            character => {
                value.push(character);
                place += 1;
            }
        }
    }
    Err(FilterError::at(at..text.len(), format!("the quote {quote} is not closed")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<Token> {
        let text: Vec<char> = text.chars().collect();
        tokens(&text).unwrap().into_iter().map(|(token, _)| token).collect()
    }

    #[test]
    fn pieces_need_no_blanks_between_them() {
        let word = |text: &str| Token::Word(text.to_owned());
        let quoted = |text: &str| Token::Quoted(text.to_owned());
        assert_eq!(words("a>=1"), [word("a"), Token::AtLeast, word("1")]);
        assert_eq!(words("a!='b\\'c'"), [word("a"), Token::Unequal, quoted("b'c")]);
        assert_eq!(
            words("(x IN[a,\"b c\"])"),
            [
                Token::Open,
                word("x"),
                word("IN"),
                Token::ListOpen,
                word("a"),
                Token::Comma,
                quoted("b c"),
                Token::ListClose,
                Token::Close
            ]
        );
        assert_eq!(words("Hello! 2024-01-01T10:00:00Z"), [word("Hello!"), word("2024-01-01T10:00:00Z")]);
        assert_eq!(words(" \u{3000}\t"), []);
    }

    #[test]
    fn an_open_quote_is_told_where_it_opens() {
        let text: Vec<char> = "ü = 'abc".chars().collect();
        assert_eq!(tokens(&text).unwrap_err().span, 4..8);
    }
}
