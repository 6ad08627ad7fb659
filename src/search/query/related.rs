//! Entries like one: those that share its rare words and tags.

use tantivy::Term;

use super::answer::Told;
use super::door::{Error, Searching};
use super::fields::{Field, Published};
use super::find;
use super::places;
use super::scope::Scope;
use crate::domain::ids::AccountId;
use crate::domain::public_entry::PublicEntry;
use crate::search::analysis::Kind;
use crate::search::{View, key, read_key, whole_term};
use crate::store::PublicShapes;

/// Words of an entry that others are sought by.
const WORDS_MAX: usize = 24;

impl Searching {
    /// Entries of the same account that are like this public one, the most alike first; it is not among them.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn related(
        &self,
        account: AccountId,
        entry: &PublicEntry,
        limit: usize,
        shapes: &PublicShapes,
    ) -> Result<Vec<Told>, Error> {
        let (scope, own) = (Scope::new(shapes, Some(account)), key(account, &entry.id));
        let published = Published::of(shapes.get(&account));
        let texts = texts(entry, &published);
        let hits = self
            .on_a_thread(move |view, until| {
                let terms = terms(&view, &texts)?;
                find::like(&view, terms, &own, limit, &scope, until)
            })
            .await?;
        let mut rows = self.rows(&hits, shapes).await?;
        let shown = hits.iter().filter_map(|hit| Some(Told::bare(rows.remove(&read_key(&hit.key)?)?, hit)));
        Ok(shown.collect())
    }
}

/// A text, the field it is of, and whether it is compared as a whole.
type Of = (Field, String, bool);

/// What of an entry others may have, too; nothing that is not told.
fn texts(entry: &PublicEntry, published: &Published) -> Vec<Of> {
    let whole = |field: Field, texts: &[String]| {
        texts.iter().map(|text| (field.clone(), text.clone(), true)).collect::<Vec<_>>()
    };
    let mut texts = vec![(Field::Name, entry.name.clone(), false)];
    texts.extend(whole(Field::Tags, &entry.tags));
    texts.extend(whole(Field::Categories, &entry.categories));
    for (name, values) in &entry.metadata {
        texts.extend(whole(Field::Metadata(name.clone()), values));
    }
    texts.retain(|(field, ..)| published.tells(field));
    texts
}

/// The terms that say most, with their weights and in how many documents they are.
fn terms(view: &View, texts: &[Of]) -> tantivy::Result<Vec<(Term, f32, u64)>> {
    let mut found: Vec<(Term, f32, u64)> = Vec::new();
    let all = view.searcher.num_docs();
    for (field, text, is_whole) in texts {
        let Some(place) = places::of(view, Some(field)).into_iter().next() else { continue };
        let words = if *is_whole {
            whole_term(text).into_iter().collect::<Vec<_>>()
        } else {
            let tokens = view.analysis.words(text);
            tokens.into_iter().filter(|token| token.kind != Kind::Single).map(|token| token.text).collect()
        };
        for word in words {
            let term = place.term(&word);
            let documents = view.searcher.doc_freq(&term)?;
            // Its own is one; what most have says nothing.
            if documents > 1 && documents <= (all / 2).max(2) && !found.iter().any(|(known, ..)| *known == term) {
                found.push((term, place.weight, documents));
            }
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "an order needs no precision")]
    let worth = |(_, weight, documents): &(Term, f32, u64)| weight / (1.0 + (*documents as f32).ln());
    found.sort_by(|a, b| worth(b).total_cmp(&worth(a)));
    found.truncate(WORDS_MAX);
    Ok(found)
}
