//! A search answered: the index's documents, each read again from the store, marked and cut.

use std::collections::HashMap;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::facets::Distribution;
use super::fields::Field;
use super::find::{Found, Hit};
use super::highlight::Highlighter;
use super::request::Request;
use crate::domain::caption::Cue;
use crate::domain::filter::FilterField;
use crate::domain::ids::{AccountId, EntryId};
use crate::domain::public_entry::PublicEntry;
use crate::search::analysis::Analysis;
use crate::search::read_key;

/// What a search is answered, in Meilisearch's words. Serialises as it is sent.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// What was found, the best first.
    pub hits: Vec<Told>,
    /// What was asked.
    pub query: String,
    /// Entries that are found; counted to 10,000.
    pub total_hits: usize,
    /// Whether that is all, and not only at least.
    pub total_hits_exact: bool,
    /// The values of the fields that are counted, with the number of entries that have them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub facet_distribution: Option<Map<String, Value>>,
    /// Hits of a page.
    pub limit: usize,
    /// Hits that were passed over.
    pub offset: usize,
    /// The cursor of the next page; none on the last.
    pub next: Option<String>,
    /// How long it took.
    pub processing_time_ms: u64,
}

/// A public entry that was found. Serialises as one, with what belongs to the hit.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Told {
    /// As every public answer tells it.
    #[serde(flatten)]
    pub entry: PublicEntry,
    /// Its texts as HTML, where that was asked for.
    #[serde(rename = "_formatted", skip_serializing_if = "Option::is_none")]
    pub formatted: Option<Map<String, Value>>,
    /// How well it fits, from 0 to 1.
    #[serde(rename = "_rankingScore")]
    pub ranking_score: f64,
    /// Where in its captions it is said.
    #[serde(rename = "_cue", skip_serializing_if = "Option::is_none")]
    pub cue: Option<Value>,
}

impl Told {
    /// The entry, and its score to four places.
    pub(super) fn bare(entry: PublicEntry, hit: &Hit) -> Self {
        let ranking_score = (f64::from(hit.score) * 10_000.0).round() / 10_000.0;
        Self { entry, formatted: None, ranking_score, cue: None }
    }
}

/// Entries by account and id.
pub(super) type Rows = HashMap<(AccountId, EntryId), PublicEntry>;
/// Cues of entries.
pub(super) type Cues = HashMap<(AccountId, EntryId), Vec<Cue>>;

/// Puts the answer together. A hit without a row is left out: it is not public any more.
pub(super) fn answer(
    q: &str,
    request: &Request,
    found: Found,
    mut rows: Rows,
    cues: &Cues,
    analysis: &Analysis,
) -> Answer {
    let next = found.hits.last().filter(|_| found.has_more).map(|hit| hit.cursor.to_string());
    let formatting = Formatting::new(request, &found, analysis);
    let shown = found.hits.iter().filter_map(|hit| {
        let key = read_key(&hit.key)?;
        Some(told(hit, rows.remove(&key)?, cues.get(&key).map(Vec::as_slice).unwrap_or_default(), &formatting))
    });
    let hits: Vec<Told> = shown.collect();
    let gone = found.hits.len() - hits.len();
    Answer {
        query: q.to_owned(),
        total_hits: found.total.saturating_sub(gone),
        total_hits_exact: found.total_is_exact,
        facet_distribution: (!request.facets.is_empty()).then(|| distributions(&found.facets)),
        limit: request.limit,
        offset: request.offset,
        next,
        processing_time_ms: 0,
        hits,
    }
}

fn distributions(facets: &[(Field, Distribution)]) -> Map<String, Value> {
    let of_field = |values: &Distribution| values.iter().map(|(value, count)| (value.clone(), json!(count))).collect();
    facets.iter().map(|(field, values)| (field.name(), Value::Object(of_field(values)))).collect()
}

/// How texts are told.
struct Formatting<'a> {
    fields: Vec<(&'a Field, Highlighter<'a>, Option<usize>)>,
    /// For what is said: a cue is chosen also when nothing is marked.
    captions: Highlighter<'a>,
}

impl<'a> Formatting<'a> {
    fn new(request: &'a Request, found: &'a Found, analysis: &'a Analysis) -> Self {
        let cut = |field: &Field| request.crop.iter().find(|(cut, _)| cut == field).map(|(_, words)| *words);
        let marks = |field: &Field| if request.highlight.contains(field) { found.marks.as_slice() } else { &[] };
        let told = request.highlight.iter().chain(request.crop.iter().map(|(field, _)| field));
        let mut fields: Vec<(&Field, Highlighter<'_>, Option<usize>)> = Vec::new();
        for field in told {
            if fields.iter().all(|(known, ..)| *known != field) {
                fields.push((field, Highlighter::new(analysis, marks(field), field), cut(field)));
            }
        }
        Self { fields, captions: Highlighter::new(analysis, &found.marks, &Field::Captions) }
    }
}

fn told(hit: &Hit, entry: PublicEntry, cues: &[Cue], formatting: &Formatting<'_>) -> Told {
    let formatted = (!formatting.fields.is_empty()).then(|| formatted(&entry, formatting));
    let cue = best_cue(cues, &formatting.captions).map(|cue| told_cue(cue, formatting));
    Told { formatted, cue, ..Told::bare(entry, hit) }
}

fn formatted(entry: &PublicEntry, formatting: &Formatting<'_>) -> Map<String, Value> {
    let mut formatted = Map::new();
    for (field, highlighter, words) in formatting.fields.iter().filter(|(field, ..)| entry.tells(field.member())) {
        let html = |text: &str| Value::from(highlighter.html(text, *words));
        let all = |texts: &[String]| Value::from(texts.iter().map(|text| html(text)).collect::<Vec<_>>());
        match field {
            Field::Metadata(member) => {
                if let Some(values) = entry.metadata.get(member) {
                    let metadata = formatted.entry("metadata").or_insert_with(|| json!({}));
                    metadata[member.as_str()] = all(values);
                }
            }
            Field::Name => drop(formatted.insert("name".to_owned(), html(&entry.name))),
            Field::Description => {
                if let Some(description) = &entry.description {
                    formatted.insert("description".to_owned(), html(description));
                }
            }
            Field::Tags => drop(formatted.insert("tags".to_owned(), all(&entry.tags))),
            Field::Categories => drop(formatted.insert("categories".to_owned(), all(&entry.categories))),
            _ => {}
        }
    }
    formatted
}

/// The cue with most of what was sought; the first of several.
fn best_cue<'a>(cues: &'a [Cue], sought: &Highlighter<'_>) -> Option<&'a Cue> {
    let mut best: Option<(usize, &Cue)> = None;
    for cue in cues {
        let hits = sought.hits(&cue.text);
        if hits > best.map_or(0, |(most, _)| most) {
            best = Some((hits, cue));
        }
    }
    best.map(|(_, cue)| cue)
}

fn told_cue(cue: &Cue, formatting: &Formatting<'_>) -> Value {
    let mut told = json!({
        "captionId": cue.caption_id,
        "language": cue.language,
        "startMs": cue.start_ms,
        "endMs": cue.end_ms,
        "text": cue.text,
        "link": cue.link_parameter(),
    });
    let formatted = formatting.fields.iter().find(|(field, ..)| **field == Field::Captions);
    if let Some((_, highlighter, words)) = formatted {
        told["_formatted"] = json!({ "text": highlighter.html(&cue.text, *words) });
    }
    told
}
