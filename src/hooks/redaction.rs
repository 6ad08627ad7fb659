//! What a receiver or a program says may hold secrets; what is kept of it may not.

use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};

/// Texts that must not be kept or shown. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Redaction(Arc<Vec<SecretString>>);

/// Shorter texts are no secrets, and would tear holes into everything.
const LENGTH_MIN: usize = 6;
/// So much of a secret gives it away where a text was cut in its middle.
const PIECE_MIN: usize = 4;

impl Redaction {
    /// Of these texts.
    pub fn of(texts: impl IntoIterator<Item = String>) -> Self {
        let secrets = texts.into_iter().filter(|text| text.len() >= LENGTH_MIN).map(SecretString::from);
        Self(Arc::new(secrets.collect()))
    }

    /// These texts too.
    pub fn and(&self, texts: impl IntoIterator<Item = String>) -> Self {
        let known = self.0.iter().map(|secret| secret.expose_secret().to_owned());
        Self::of(known.chain(texts))
    }

    /// The text with `…` for every secret, and for the piece of one where the text begins or ends; and without what would steer
    /// the terminal it is shown on.
    pub fn clean(&self, text: &str) -> String {
        harmless(&self.without_secrets(text))
    }

    fn without_secrets(&self, text: &str) -> String {
        let mut secrets: Vec<&str> = self.0.iter().map(ExposeSecret::expose_secret).collect();
        // One may be part of another: the longer goes first.
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        let mut clean = text.to_owned();
        for secret in &secrets {
            clean = clean.replace(secret, "…");
        }
        for secret in secrets {
            if let Some(rest) = tails(secret).find_map(|tail| clean.strip_prefix(tail)) {
                clean = format!("…{rest}");
            }
            if let Some(rest) = heads(secret).find_map(|head| clean.strip_suffix(head)) {
                clean = format!("{rest}…");
            }
        }
        clean
    }
}

fn harmless(text: &str) -> String {
    let steers = |c: char| c.is_control() && c != '\n' && c != '\t';
    text.replace("\r\n", "\n").chars().map(|c| if steers(c) { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// What is left of a secret when its beginning is cut off, the longest first.
fn tails(secret: &str) -> impl Iterator<Item = &str> {
    secret.char_indices().skip(1).map(|(at, _)| &secret[at..]).take_while(|tail| tail.len() >= PIECE_MIN)
}

/// What is left of a secret when its end is cut off, the longest first.
fn heads(secret: &str) -> impl Iterator<Item = &str> {
    secret.char_indices().rev().map(|(at, _)| &secret[..at]).take_while(|head| head.len() >= PIECE_MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_left_out_wherever_it_stands() {
        let redaction = Redaction::of(["hunter2hunter2".to_owned(), "hunter2hunter2-and-more".to_owned()]);
        assert_eq!(redaction.clean("a hunter2hunter2, hunter2hunter2-and-more b"), "a …, … b");
        assert_eq!(redaction.clean("nothing of it"), "nothing of it");
    }

    #[test]
    fn a_piece_of_a_secret_where_the_text_was_cut_is_left_out_too() {
        let redaction = Redaction::of(["0123456789".to_owned()]);
        assert_eq!(redaction.clean("token 0123456"), "token …");
        assert_eq!(redaction.clean("456789 was the token"), "… was the token");
        assert_eq!(redaction.clean("count 012"), "count 012");
        assert_eq!(redaction.clean("6789"), "…");
    }

    #[test]
    fn what_would_steer_a_terminal_is_left_out() {
        assert_eq!(Redaction::default().clean("a\r\n\tb\x1b[2Jc\u{9b}d\x07"), "a\n\tb\u{fffd}[2Jc\u{fffd}d\u{fffd}");
    }

    #[test]
    fn what_is_too_short_to_be_a_secret_is_left_alone() {
        assert_eq!(Redaction::of(["en".to_owned(), String::new()]).clean("open"), "open");
        assert_eq!(Redaction::of([]).and(["secret!".to_owned()]).clean("my secret!"), "my …");
    }
}
