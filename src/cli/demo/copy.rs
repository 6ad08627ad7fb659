//! The copy that a reader of the change feed keeps in a file, and whether it is what visitors get.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// Members that move without a change being told: see README, *following the changes*.
const MOVE_BY_THEMSELVES: [&str; 4] = ["updatedAt", "plays", "views", "syncedAt"];

/// A reader's file: what it has, and the token it goes on with. Both are written in one step.
pub(super) struct Copy {
    file: PathBuf,
    kept: Kept,
}

/// Public entries by id.
pub(super) type Entries = BTreeMap<String, Json>;

#[derive(Default, Serialize, Deserialize)]
struct Kept {
    token: Option<String>,
    entries: Entries,
}

impl Copy {
    /// The copy in this file; an empty one when there is no such file yet.
    ///
    /// # Errors
    /// A file that cannot be read, or holds something else.
    pub(super) fn open(file: &Path) -> anyhow::Result<Self> {
        let kept = match std::fs::read(file) {
            Ok(bytes) => serde_json::from_slice(&bytes).with_context(|| format!("{} is no copy", file.display()))?,
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => Kept::default(),
            Err(cause) => return Err(cause).with_context(|| format!("{} cannot be read", file.display())),
        };
        Ok(Self { file: file.to_owned(), kept })
    }

    /// Where it goes on; nothing when it has yet to begin.
    pub(super) fn token(&self) -> Option<&str> {
        self.kept.token.as_deref()
    }

    pub(super) fn entries(&self) -> &Entries {
        &self.kept.entries
    }

    /// Does what these items say, in their order, and stands at `token` then.
    ///
    /// # Errors
    /// An item that is no item, a file that cannot be written: then the file is as it was.
    pub(super) fn apply(&mut self, items: &[Json], token: &str) -> anyhow::Result<()> {
        for item in items {
            let id = item["id"].as_str().with_context(|| format!("no id: {item}"))?.to_owned();
            match item["op"].as_str() {
                Some("put") => drop(self.kept.entries.insert(id, item["entry"].clone())),
                Some("drop") => drop(self.kept.entries.remove(&id)),
                _ => bail!("neither put nor drop: {item}"),
            }
        }
        self.kept.token = Some(token.to_owned());
        self.write()
    }

    /// Forgets everything: the token cannot be gone on with.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub(super) fn begin_anew(&mut self) -> anyhow::Result<()> {
        self.kept = Kept::default();
        self.write()
    }

    /// A new file in the place of the old one: whoever is stopped in between has the old one.
    fn write(&self) -> anyhow::Result<()> {
        let new = self.file.with_extension("new");
        let written =
            std::fs::write(&new, serde_json::to_vec(&self.kept)?).and_then(|()| std::fs::rename(&new, &self.file));
        written.with_context(|| format!("{} cannot be written", self.file.display()))
    }
}

/// One line for each entry that a copy does not have as visitors get it.
pub(super) fn differences(copy: &Entries, public: &Entries) -> Vec<String> {
    let ids: BTreeSet<&String> = copy.keys().chain(public.keys()).collect();
    ids.into_iter().filter_map(|id| difference(id, copy.get(id), public.get(id))).collect()
}

fn difference(id: &str, copied: Option<&Json>, public: Option<&Json>) -> Option<String> {
    match (copied, public) {
        (None, _) => Some(format!("{id} is public, and the reader's copy lacks it")),
        (_, None) => Some(format!("{id} is in the reader's copy, and not public")),
        (Some(copied), Some(public)) => {
            let members = differing(copied, public);
            (!members.is_empty()).then(|| format!("{id} has another {} in the reader's copy", members.join(", ")))
        }
    }
}

fn differing(copied: &Json, public: &Json) -> Vec<String> {
    let names = |entry: &Json| entry.as_object().map(|members| members.keys().cloned().collect::<Vec<_>>());
    let names: BTreeSet<String> = [copied, public].into_iter().filter_map(names).flatten().collect();
    let moves = |name: &String| MOVE_BY_THEMSELVES.contains(&name.as_str());
    names.into_iter().filter(|name| !moves(name) && copied.get(name) != public.get(name)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn put(id: &str, name: &str) -> Json {
        json!({ "op": "put", "id": id, "entry": entry(id, name) })
    }

    fn entry(id: &str, name: &str) -> Json {
        json!({ "id": id, "name": name, "tags": ["a"], "plays": 1, "seq": 4 })
    }

    fn entries<const N: usize>(of: [Json; N]) -> Entries {
        of.into_iter().map(|entry| (entry["id"].as_str().unwrap().to_owned(), entry)).collect()
    }

    #[test]
    fn every_way_in_which_a_copy_can_be_wrong_is_a_difference() {
        let public = entries([entry("0_a", "A"), entry("0_b", "B")]);
        let wrong = |copy: Entries| differences(&copy, &public).join("; ");
        assert_eq!(wrong(public.clone()), "");
        assert_eq!(wrong(entries([entry("0_a", "A")])), "0_b is public, and the reader's copy lacks it");
        assert_eq!(
            wrong(entries([entry("0_a", "A"), entry("0_b", "B"), entry("0_c", "C")])),
            "0_c is in the reader's copy, and not public"
        );
        let with = |change: &dyn Fn(&mut Json)| {
            let mut copy = public.clone();
            change(copy.get_mut("0_a").unwrap());
            wrong(copy)
        };
        assert_eq!(with(&|entry| entry["plays"] = 7.into()), "", "plays move by themselves");
        assert_eq!(with(&|entry| entry["seq"] = 3.into()), "0_a has another seq in the reader's copy");
        let several = with(&|entry| (entry["name"], entry["more"]) = ("Old".into(), 1.into()));
        assert_eq!(several, "0_a has another more, name in the reader's copy");
        let lacks = with(&|entry| drop(entry.as_object_mut().unwrap().remove("tags")));
        assert_eq!(lacks, "0_a has another tags in the reader's copy");
        assert_eq!(differences(&Entries::new(), &public).len(), 2, "an empty copy of something is no copy");
    }

    #[test]
    fn what_was_kept_is_there_after_a_restart_with_the_token_that_belongs_to_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("copy.json");
        let mut copy = Copy::open(&file).unwrap();
        assert_eq!(copy.token(), None);
        copy.apply(&[put("0_a", "A"), put("0_b", "B")], "one").unwrap();
        copy.apply(&[put("0_a", "A2"), json!({ "op": "drop", "id": "0_b" })], "two").unwrap();

        let again = Copy::open(&file).unwrap();
        assert_eq!(again.token(), Some("two"));
        assert_eq!(differences(again.entries(), &entries([entry("0_a", "A2")])), Vec::<String>::new());

        assert!(copy.apply(&[json!({ "op": "shuffle", "id": "0_a" })], "three").is_err());
        assert_eq!(Copy::open(&file).unwrap().token(), Some("two"), "what cannot be applied moves no token");
        copy.begin_anew().unwrap();
        assert_eq!(Copy::open(&file).unwrap().token(), None);
    }
}
