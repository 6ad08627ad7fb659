//! The tree of categories, with the entries that visitors find in each.
//!
//! Counted in the index: it holds each entry's paths and those above them, and of nothing that is withheld.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;
use tantivy::query::{AllQuery, EnableScoring, Query as _};

use super::collect::Walk;
use super::door::{Error, Searching};
use super::facets;
use super::fields::Field;
use super::scope::Scope;
use crate::domain::account_facts::PATH_SEPARATOR;
use crate::domain::ids::AccountId;
use crate::store::PublicShapes;

/// A category that visitors find entries in, and those below it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Category {
    /// The last part of its full name.
    pub name: String,
    /// With all above it, for example `Portal>Members`: what a filter names.
    pub full_name: String,
    /// Entries in it or below it.
    pub entries: u64,
    /// Those below it, by name.
    pub children: Vec<Category>,
}

impl Searching {
    /// The tree of an account's categories, or of all accounts' together; and whether every entry was counted in time.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn categories(
        &self,
        account: Option<AccountId>,
        shapes: &PublicShapes,
    ) -> Result<(Vec<Category>, bool), Error> {
        let scope = Scope::new(shapes, account);
        let (counts, is_all) = self
            .on_a_thread(move |view, until| {
                let walk = Walk { view: &view, scope: &scope, filters: &[], until };
                let weight = AllQuery.weight(EnableScoring::disabled_from_searcher(&view.searcher))?;
                facets::totals(&walk, &*weight, Field::Categories)
            })
            .await?;
        Ok((tree(counts), is_all))
    }
}

/// The tree of these full names: each has those above it among them.
fn tree(counts: HashMap<String, u64>) -> Vec<Category> {
    let mut below: BTreeMap<Option<String>, Vec<Category>> = BTreeMap::new();
    for (full_name, entries) in counts {
        let (above, name) = match full_name.rsplit_once(PATH_SEPARATOR) {
            Some((above, name)) => (Some(above.to_owned()), name.to_owned()),
            None => (None, full_name.clone()),
        };
        below.entry(above).or_default().push(Category { name, full_name, entries, children: Vec::new() });
    }
    grow(&mut below, None)
}

fn grow(below: &mut BTreeMap<Option<String>, Vec<Category>>, above: Option<String>) -> Vec<Category> {
    let mut children = below.remove(&above).unwrap_or_default();
    children.sort_by(|one, other| one.name.cmp(&other.name));
    for child in &mut children {
        child.children = grow(below, Some(child.full_name.clone()));
    }
    children
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_names_become_a_tree_by_name() {
        let counts = [("Portal", 3), ("Portal>News", 1), ("Portal>Archive", 2), ("Portal>Archive>1998", 2), ("A", 1)];
        let tree = tree(counts.map(|(name, count)| (name.to_owned(), count)).into());
        let told = |categories: &[Category]| {
            categories.iter().map(|category| (category.name.clone(), category.entries)).collect::<Vec<_>>()
        };
        assert_eq!(told(&tree), [("A".into(), 1), ("Portal".into(), 3)]);
        assert_eq!(told(&tree[1].children), [("Archive".into(), 2), ("News".into(), 1)]);
        assert_eq!(tree[1].children[0].children[0].full_name, "Portal>Archive>1998");
    }
}
