//! The index's analysers: the words of [`super::analysis`] as the library takes them.

use std::vec::IntoIter;

use tantivy::tokenizer::{Token, TokenStream, Tokenizer};

use super::analysis::{Analysis, Remembering, WHOLE};
use super::schema::VALUE_MAX_BYTES;
use crate::domain::account_facts::paths;
use crate::domain::folding::fold_value;

/// A text as its words and their stems.
#[derive(Clone)]
pub(super) struct Words(Remembering);

/// A value as its words, their stems, and whole.
#[derive(Clone)]
pub(super) struct Values(Remembering);

/// A category's path as its words, their stems, and whole with each path above it.
#[derive(Clone)]
pub(super) struct Paths(Remembering);

impl Words {
    pub(super) const NAME: &'static str = "words";

    pub(super) fn new(analysis: &Analysis) -> Self {
        Self(Remembering::new(analysis))
    }
}

impl Values {
    pub(super) const NAME: &'static str = "values";

    pub(super) fn new(analysis: &Analysis) -> Self {
        Self(Remembering::new(analysis))
    }
}

impl Paths {
    pub(super) const NAME: &'static str = "paths";

    pub(super) fn new(analysis: &Analysis) -> Self {
        Self(Remembering::new(analysis))
    }
}

impl Tokenizer for Words {
    type TokenStream<'a> = Tokens;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> Tokens {
        Tokens::new(words(&mut self.0, text))
    }
}

impl Tokenizer for Values {
    type TokenStream<'a> = Tokens;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> Tokens {
        let mut tokens = words(&mut self.0, text);
        tokens.extend(whole(text));
        Tokens::new(tokens)
    }
}

impl Tokenizer for Paths {
    type TokenStream<'a> = Tokens;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> Tokens {
        let mut tokens = words(&mut self.0, text);
        tokens.extend(paths(text).filter_map(whole));
        Tokens::new(tokens)
    }
}

/// The term of a whole value; none of one that is too long or empty.
pub fn whole_term(value: &str) -> Option<String> {
    let folded = fold_value(value);
    (!folded.is_empty() && folded.len() <= VALUE_MAX_BYTES).then(|| format!("{WHOLE}{folded}"))
}

fn whole(value: &str) -> Option<Token> {
    let text = whole_term(value)?;
    Some(Token { text, position: 0, offset_from: 0, offset_to: value.len(), position_length: 1 })
}

fn words(analysis: &mut Remembering, text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    for word in analysis.words(text) {
        let token = |text| Token {
            text,
            position: word.position as usize,
            offset_from: word.start,
            offset_to: word.end,
            position_length: word.length as usize,
        };
        tokens.extend(word.stem_terms().map(token));
        tokens.push(token(word.text));
    }
    tokens
}

/// Tokens that are there already.
pub(super) struct Tokens {
    rest: IntoIter<Token>,
    current: Token,
}

impl Tokens {
    fn new(tokens: Vec<Token>) -> Self {
        Self { rest: tokens.into_iter(), current: Token::default() }
    }
}

impl TokenStream for Tokens {
    fn advance(&mut self) -> bool {
        let Some(next) = self.rest.next() else { return false };
        self.current = next;
        true
    }

    fn token(&self) -> &Token {
        &self.current
    }

    fn token_mut(&mut self) -> &mut Token {
        &mut self.current
    }
}
