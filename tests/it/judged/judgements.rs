//! The judged queries, read from `tests/fixtures/search/judged.toml`, and their titles resolved to entries.

use std::collections::BTreeMap;
use std::fmt::Write;

use kaltura_mirror::domain::ids::EntryId;
use kaltura_mirror::simulator::assets::SimCaption;
use kaltura_mirror::simulator::state::SimAccount;
use serde_json::Value;
use toml::de::{DeTable, DeValue};

/// What a person expects of one query.
pub struct Judgement {
    pub class: String,
    pub query: String,
    /// Worth of each entry that is worth anything: 3 best, 2 good, 1 fair.
    pub grades: BTreeMap<EntryId, u32>,
    /// Entries that must not be among the hits.
    pub never: Vec<EntryId>,
    /// Whether there must be no hit at all.
    pub nothing: bool,
}

/// All that has been judged about a catalogue.
pub struct Judgements {
    judgements: Vec<Judgement>,
    titles: BTreeMap<EntryId, String>,
}

impl Judgements {
    /// Every judgement, in the file's order, about these entries, which are all that visitors see.
    pub fn about(public: &[Value]) -> Self {
        let title = |entry: &Value| {
            let text = |member: &str| entry[member].as_str().unwrap().to_owned();
            (text("id").parse().unwrap(), text("name"))
        };
        let titles = public.iter().map(title).collect();
        let document = document();
        let judgements = tables(&document, "query").map(|table| judgement(table, &titles)).collect();
        Self { judgements, titles }
    }

    pub fn all(&self) -> &[Judgement] {
        &self.judgements
    }

    /// For people: what was found, best first, with the grade of each.
    pub fn told(&self, judgement: &Judgement, hits: &[EntryId], worth: f64) -> String {
        let title = |id: &EntryId| self.titles.get(id).map_or_else(|| id.to_string(), Clone::clone);
        let mut text = format!("{worth:.3} {}: {}\n", judgement.class, judgement.query);
        for hit in hits.iter().take(10) {
            let grade = judgement.grades.get(hit).copied().unwrap_or_default();
            let wrong = if judgement.never.contains(hit) { " WRONG" } else { "" };
            writeln!(text, "        {grade}{wrong} {}", title(hit)).unwrap();
        }
        for (missed, grade) in judgement.grades.iter().filter(|(id, _)| !hits.contains(id)).take(5) {
            writeln!(text, "        missed: {grade} {}", title(missed)).unwrap();
        }
        text
    }
}

/// Adds the file's subtitles to the account.
pub fn add_subtitles(account: &mut SimAccount) {
    let own = account.entries.values().filter(|entry| entry.replaced_entry_id.is_none());
    let titles = own.map(|entry| (entry.id.clone(), entry.name.clone())).collect();
    let document = document();
    for table in tables(&document, "subtitles") {
        let entry = id_of(&text(table, "of").unwrap(), &titles);
        let language = text(table, "language").unwrap();
        let srt = srt(&texts(table, "cues"));
        let caption = SimCaption {
            language: language.clone(),
            language_code: language,
            ..SimCaption::srt(&account.make_object_id(), &srt, account.now())
        };
        account.captions.entry(entry).or_default().push(caption);
    }
}

/// A cue every four seconds.
fn srt(cues: &[String]) -> String {
    let cue = |(number, text): (usize, &String)| {
        let time = |seconds: usize| format!("00:{:02}:{:02},000", seconds / 60, seconds % 60);
        format!("{}\n{} --> {}\n{text}\n\n", number + 1, time(4 * number), time(4 * number + 3))
    };
    cues.iter().enumerate().map(cue).collect()
}

fn document() -> DeTable<'static> {
    DeTable::parse(include_str!("../../fixtures/search/judged.toml")).unwrap().into_inner()
}

fn tables<'a>(document: &'a DeTable<'static>, name: &str) -> impl Iterator<Item = &'a DeTable<'static>> {
    let list = document.get(name).and_then(|value| value.get_ref().as_array()).expect("tables of this name");
    list.iter().map(|value| value.get_ref().as_table().unwrap())
}

fn judgement(table: &DeTable<'_>, titles: &BTreeMap<EntryId, String>) -> Judgement {
    const KNOWN: [&str; 8] = ["class", "q", "best", "good", "fair", "never", "nothing", "why"];
    for key in table.keys() {
        assert!(KNOWN.contains(&key.get_ref().as_ref()), "{:?} is no word of a judgement", key.get_ref());
    }
    let entries = |key: &str| texts(table, key).iter().map(|title| id_of(title, titles)).collect::<Vec<_>>();
    let query = text(table, "q").expect("a query has a text");
    assert!(text(table, "why").is_some_and(|why| !why.is_empty()), "{query}: a judgement has its reason");
    let mut grades = BTreeMap::new();
    for (key, grade) in [("best", 3), ("good", 2), ("fair", 1)] {
        for id in entries(key) {
            assert_eq!(grades.insert(id, grade), None, "{query}: an entry has one grade");
        }
    }
    let nothing = table.get("nothing").and_then(|value| value.get_ref().as_bool()).unwrap_or_default();
    assert_eq!(nothing, grades.is_empty(), "{query}: there are hits, or nothing");
    let best = grades.iter().find(|(_, grade)| **grade == 3).map(|(id, _)| id.to_string()).unwrap_or_default();
    Judgement {
        class: text(table, "class").expect("a query has a class"),
        query: query.replace("{id}", &best),
        never: entries("never"),
        grades,
        nothing,
    }
}

fn text(table: &DeTable<'_>, key: &str) -> Option<String> {
    table.get(key).and_then(|value| value.get_ref().as_str().map(str::to_owned))
}

fn texts(table: &DeTable<'_>, key: &str) -> Vec<String> {
    let list = table.get(key).and_then(|value| value.get_ref().as_array());
    let text = |value: &DeValue<'_>| value.as_str().expect("a text").to_owned();
    list.into_iter().flat_map(|list| list.iter()).map(|value| text(value.get_ref())).collect()
}

/// The one entry of this title, or whose title begins so.
fn id_of(title: &str, titles: &BTreeMap<EntryId, String>) -> EntryId {
    let mut found: Vec<&EntryId> = titles.iter().filter(|(_, name)| *name == title).map(|(id, _)| id).collect();
    if found.is_empty() {
        found = titles.iter().filter(|(_, name)| name.starts_with(title)).map(|(id, _)| id).collect();
    }
    assert_eq!(found.len(), 1, "{title:?} is to name one entry");
    found[0].clone()
}
