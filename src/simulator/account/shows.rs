//! What the account shows: titles, descriptions and tags in many languages and scripts.

use serde::Deserialize;

use crate::domain::ids::CategoryId;

/// The subjects, each a category at the top and a value of the metadata field `Topic`.
pub(super) const SUBJECTS: [(&str, CategoryId); 6] = [
    ("Lecture", CategoryId(3)),
    ("Sport", CategoryId(4)),
    ("News", CategoryId(5)),
    ("Museum", CategoryId(6)),
    ("Cooking", CategoryId(7)),
    ("Music", CategoryId(8)),
];

/// One film or recording.
#[derive(Debug, Clone)]
pub(super) struct Show {
    pub(super) subject: String,
    pub(super) title: String,
    pub(super) description: String,
    pub(super) tags: String,
    /// Of the language, for example `fr`; `mul` where several are mixed.
    pub(super) code: String,
    /// The language's English name.
    pub(super) language: String,
}

/// One language's part of `data/shows.json`.
#[derive(Deserialize)]
struct Chapter {
    code: String,
    language: String,
    /// Subject, title, description, tags.
    shows: Vec<[String; 4]>,
}

/// Every show, language by language.
pub(super) fn all() -> Vec<Show> {
    let chapters: Vec<Chapter> =
        serde_json::from_str(include_str!("../data/shows.json")).expect("the shipped list of shows is well formed");
    chapters.into_iter().flat_map(Chapter::into_shows).collect()
}

/// The category of a subject.
pub(super) fn category_of(subject: &str) -> CategoryId {
    let found = SUBJECTS.iter().find(|(name, _)| *name == subject);
    found.map_or(SUBJECTS[0].1, |(_, category)| *category)
}

impl Chapter {
    fn into_shows(self) -> impl Iterator<Item = Show> {
        let Self { code, language, shows } = self;
        shows.into_iter().map(move |[subject, title, description, tags]| Show {
            subject,
            title,
            description,
            tags,
            code: code.clone(),
            language: language.clone(),
        })
    }
}
