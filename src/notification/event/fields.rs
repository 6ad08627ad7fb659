//! A notification as a form: a template's own fields, or one object encoded as a value.

use super::members::Members;
use crate::notification::parameters::{self, Parameters};
use crate::notification::rejected::Malformed;

/// Whether the text is a form as PHP writes one: pairs of a name and a value, everything else encoded.
pub(super) fn is_form(text: &str) -> bool {
    let is_encoded = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~+%=&".contains(&byte);
    let is_pair = |pair: &str| pair.split_once('=').is_some_and(|(name, _)| !name.is_empty());
    text.bytes().all(is_encoded) && text.split('&').all(is_pair)
}

/// The fields that may tell what it is about.
pub(super) fn read(parameters: &Parameters) -> Members {
    let mut members = Members::default();
    parameters.iter().for_each(|(name, value)| members.note(name, value));
    members
}

/// One encoded value, decoded.
///
/// # Errors
/// When another field follows, or it is not encoded as it must be.
pub(super) fn decoded(value: &str) -> Result<String, Malformed> {
    let mut bytes = Vec::with_capacity(value.len());
    if value.contains('&') {
        return Err(Malformed::NotAPair { number: 2 });
    }
    parameters::decode_text(value.as_bytes(), &mut bytes).ok_or(Malformed::BadPercent { number: 1 })?;
    String::from_utf8(bytes).map_err(|_| Malformed::NotUtf8 { number: 1 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_pairs_in_which_everything_is_encoded() {
        for form in ["entry_id=0_e1", "a=&b=%20+c", "a=b=c"] {
            assert!(is_form(form), "{form}");
        }
        for text in ["", "entry 0_e1", "entry=0_e1&name=Q&A", "a=b c", "a=é", "=a", "a=1&", "0_e1", "a={b}"] {
            assert!(!is_form(text), "{text}");
        }
    }
}
