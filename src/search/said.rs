//! What the captions of entries say, as the index takes it: a text a track.

use std::collections::BTreeMap;

use super::writing::Said;
use crate::domain::caption::Cue;
use crate::domain::ids::{AccountId, EntryId};
use crate::store::{Error, IndexStep, Store};

/// Of these entries.
pub(super) async fn said<'a>(
    store: &Store,
    entries: impl Iterator<Item = (AccountId, &'a EntryId)>,
) -> Result<Said, Error> {
    let mut wanted: BTreeMap<AccountId, Vec<EntryId>> = BTreeMap::new();
    for (account, entry) in entries {
        wanted.entry(account).or_default().push(entry.clone());
    }
    let mut said = Said::new();
    for (account, entries) in wanted {
        let cues = store.cues(account, &entries).await?;
        said.extend(cues.into_iter().map(|(entry, cues)| ((account, entry), tracks(cues))));
    }
    Ok(said)
}

/// Of the entries that a page puts.
pub(super) async fn said_of(store: &Store, steps: &[IndexStep]) -> Result<Said, Error> {
    let put = steps.iter().filter_map(|step| match step {
        IndexStep::Put(account, entry) => Some((*account, &entry.id)),
        IndexStep::Drop(..) => None,
    });
    said(store, put).await
}

/// A sentence may go on from one cue to the next.
fn tracks(cues: Vec<Cue>) -> Vec<String> {
    let mut tracks: Vec<String> = Vec::new();
    let mut last = None;
    for cue in cues {
        match tracks.last_mut() {
            Some(track) if last.as_ref() == Some(&cue.caption_id) => {
                track.push('\n');
                track.push_str(&cue.text);
            }
            _ => tracks.push(cue.text),
        }
        last = Some(cue.caption_id);
    }
    tracks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cue(caption: &str, text: &str) -> Cue {
        Cue { caption_id: caption.to_owned(), language: None, start_ms: 0, end_ms: 1, text: text.to_owned() }
    }

    #[test]
    fn the_cues_of_a_track_are_one_text_and_tracks_stay_apart() {
        let cues = vec![cue("1_a", "so it"), cue("1_a", "begins"), cue("1_b", "also")];
        assert_eq!(tracks(cues), ["so it\nbegins", "also"]);
    }
}
