//! A transfer that was tampered with on its way.

use super::{Body, Transfer};
use crate::simulator::templates::numbers::Method;

impl Transfer {
    /// The same with one bit turned round after signing: where `word` stands in the body, or in the query of a GET; else in the
    /// middle of the body; of an empty one, in the signature.
    pub fn tampered(mut self, word: &str) -> Self {
        match &mut self.body {
            Body::Fields(body) | Body::Stream(body) if !body.is_empty() => turn_a_bit(body, word),
            _ if self.method == Method::Get => turn_a_bit_of(&mut self.url, word),
            _ => {
                let mut headers = self.headers.iter_mut();
                if let Some((_, signature)) = headers.find(|(name, _)| name == "X-KALTURA-SIGNATURE") {
                    turn_a_bit_of(signature, word);
                }
            }
        }
        self
    }
}

/// Turns the lowest bit of a letter or digit that stays one by it: from where the word stands on, or from the middle.
fn turn_a_bit(bytes: &mut [u8], word: &str) {
    let at = bytes.windows(word.len().max(1)).position(|window| window == word.as_bytes());
    let (before, behind) = bytes.split_at_mut(at.unwrap_or(bytes.len() / 2));
    let is_fit = |byte: &&mut u8| byte.is_ascii_alphanumeric() && (**byte ^ 1).is_ascii_alphanumeric();
    if let Some(byte) = behind.iter_mut().skip(ID_PREFIX).chain(before).find(is_fit) {
        *byte ^= 1;
    }
}

/// An entry's id is an id of the same account still when what stands behind `0_` changes.
const ID_PREFIX: usize = 2;

fn turn_a_bit_of(text: &mut String, word: &str) {
    let mut bytes = std::mem::take(text).into_bytes();
    turn_a_bit(&mut bytes, word);
    *text = String::from_utf8_lossy(&bytes).into_owned();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turned_bit_changes_one_letter_of_the_word_and_no_length() {
        let tampered = posted(Body::Fields(b"{\"id\":\"0_abcd1234\"}".to_vec())).tampered("0_abcd1234");
        assert_eq!(tampered.body, Body::Fields(b"{\"id\":\"0_accd1234\"}".to_vec()));
        let signed =
            Transfer { headers: vec![("X-KALTURA-SIGNATURE".to_owned(), "0".repeat(40))], ..posted(Body::None) };
        let changed = signed.tampered("0_abcd1234").headers[0].1.clone();
        assert_eq!((changed.len(), changed.matches('0').count()), (40, 39));
    }

    fn posted(body: Body) -> Transfer {
        Transfer {
            method: Method::Post,
            url: "http://127.0.0.1:1/".to_owned(),
            user_agent: None,
            basic_auth: None,
            headers: Vec::new(),
            body,
            keeps_post: true,
        }
    }
}
