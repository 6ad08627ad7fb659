//! A notification as free text: what looks exactly like an entry's id in it.
//!
//! A template's author wrote the text, Kaltura filled it in, and a secret of ours signed it: it is authentic, and says
//! nothing in a language we know. An id in it costs a look at most.

use crate::domain::ids::EntryId;

/// More ids than this are not listed: the text is then as good as one without.
const IDS_MAX: usize = 16;

/// The entry ids in the text, each once, in order; `None` when there are too many to be meant.
pub(super) fn entry_ids(text: &str) -> Option<Vec<EntryId>> {
    let mut ids: Vec<EntryId> = Vec::new();
    for token in
        text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).filter(|token| is_written_by_kaltura(token))
    {
        match token.parse() {
            Ok(id) if ids.contains(&id) => {}
            Ok(_) if ids.len() == IDS_MAX => return None,
            Ok(id) => ids.push(id),
            Err(_) => {}
        }
    }
    Some(ids)
}

/// The shape the server gives every id, and no looser one: a text may well speak of `part 1_2`.
fn is_written_by_kaltura(token: &str) -> bool {
    let bytes = token.as_bytes();
    bytes.len() == 10
        && bytes[0].is_ascii_digit()
        && bytes[1] == b'_'
        && bytes[2..].iter().all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_exactly_like_an_id_is_one() {
        let ids = |text: &str| entry_ids(text).map(|ids| ids.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(ids("entry 1_82h0a7l2"), Some(vec!["1_82h0a7l2".into()]));
        assert_eq!(ids("https://x.test/entry_id/0_b7eejrrj/v/1, 0_b7eejrrj").unwrap(), ["0_b7eejrrj"]);
        for none in
            ["", "part 1_2", "1_82H0A7L2", "x1_82h0a7l2", "1_82h0a7l2x", "11_82h0a7l", "1_82h0a7l2_", "1-82h0a7l2"]
        {
            assert_eq!(ids(none), Some(vec![]), "{none}");
        }
        let many = |count: u32| (0..count).map(|number| format!("0_{number:08} ")).collect::<String>();
        assert_eq!(ids(&many(16)).unwrap().len(), 16);
        assert_eq!(ids(&many(17)), None);
    }
}
