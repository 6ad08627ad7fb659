//! `search <query>`: what visitors would find.

use std::io::{self, IsTerminal};

use clap::Args;
use serde_json::Value as Json;

use super::hand::{self, Hand};
use super::output::harmless;
use super::{AccountChoice, Options, Outcome};
use crate::search::query::{Asked, MARK};

/// What is sought, and how it is told.
#[derive(Debug, Args)]
pub struct Query {
    /// Words, "phrases", -exclusions, field:value; after `--` also what looks like an option or a command
    #[arg(value_name = "QUERY")]
    words: Vec<String>,
    /// Only entries that pass, for example `mediaType = video AND duration > 600`
    #[arg(long, value_name = "FILTER", default_value = "", hide_default_value = true)]
    filter: String,
    /// Count these fields' values: `tags,mediaType`, or `*`
    #[arg(long, value_name = "FIELDS", default_value = "", hide_default_value = true)]
    facets: String,
    /// relevance, createdAt, updatedAt, name, duration or plays, with `:asc` or `:desc`
    #[arg(long, value_name = "FIELD", default_value = "", hide_default_value = true)]
    sort: String,
    /// Hits at most, up to 100 [default: 20]
    #[arg(long, value_name = "NUMBER")]
    limit: Option<usize>,
    /// Hits to pass over, up to 10,000
    #[arg(long, value_name = "NUMBER", conflicts_with = "cursor")]
    offset: Option<usize>,
    /// Go on where an earlier answer ended
    #[arg(long, value_name = "CURSOR", default_value = "", hide_default_value = true)]
    cursor: String,
    #[command(flatten)]
    account: AccountChoice,
}

/// Carries out the command.
///
/// # Errors
/// A query that makes no sense, with the place; no index.
pub fn run(query: &Query, options: &Options) -> anyhow::Result<Outcome> {
    let answer = hand::order(options, async |config, hand: &Hand| {
        let account = match query.account.among(&config.accounts)?.as_slice() {
            [only] if config.accounts.len() > 1 => Some(only.label.clone()),
            _ => None,
        };
        hand.search(config, &query.asked(options.json), account.as_deref()).await
    })?;
    let paint = if io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none() { COLOURS } else { PLAIN };
    options.output().painted(&answer, || in_words(&answer, &paint))?;
    Ok(Outcome::Done)
}

impl Query {
    fn asked(&self, as_json: bool) -> Asked {
        // People read lines; programs get the texts as they are.
        let for_people = |text: &str| if as_json { String::new() } else { text.to_owned() };
        Asked {
            q: self.words.join(" "),
            filter: self.filter.clone(),
            facets: self.facets.clone(),
            sort: self.sort.clone(),
            limit: self.limit,
            offset: self.offset,
            cursor: self.cursor.clone(),
            highlight: for_people("*"),
            crop: for_people("description:24,captions:24"),
            account: None,
        }
    }
}

/// What stands before and after what is marked, and what is less important.
struct Paint {
    mark: [&'static str; 2],
    faint: [&'static str; 2],
}

const COLOURS: Paint = Paint { mark: ["\u{1b}[1;33m", "\u{1b}[0m"], faint: ["\u{1b}[2m", "\u{1b}[0m"] };
const PLAIN: Paint = Paint { mark: ["", ""], faint: ["", ""] };

fn in_words(answer: &Json, paint: &Paint) -> String {
    let hits = answer["hits"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut told: String = hits.iter().map(|hit| hit_in_words(hit, paint)).collect();
    for (field, values) in answer["facetDistribution"].as_object().into_iter().flatten() {
        let values = values.as_object().into_iter().flatten();
        let values: Vec<_> = values.map(|(value, count)| format!("{} {count}", harmless(value))).collect();
        told.push_str(&format!("{}: {}\n", harmless(field), values.join(", ")));
    }
    let total = answer["totalHits"].as_u64().unwrap_or(0);
    let at_least = if answer["totalHitsExact"] == Json::Bool(false) { "at least " } else { "" };
    let entries = if total == 1 { "entry" } else { "entries" };
    told.push_str(&format!("{at_least}{total} {entries} in {} ms\n", answer["processingTimeMs"]));
    if let Some(next) = answer["next"].as_str() {
        told.push_str(&format!("{}more: --cursor {next}{}\n", paint.faint[0], paint.faint[1]));
    }
    told
}

fn hit_in_words(hit: &Json, paint: &Paint) -> String {
    let text = |value: &Json| painted(value.as_str().unwrap_or_default(), paint);
    let [faint, plain] = paint.faint;
    let formatted = &hit["_formatted"];
    let id = harmless(hit["id"].as_str().unwrap_or_default());
    let mut told = format!("{faint}{id}{plain}  {}\n", text(&formatted["name"]));
    let description = text(&formatted["description"]);
    if !description.is_empty() {
        told.push_str(&format!("    {description}\n"));
    }
    let tags: Vec<_> = formatted["tags"].as_array().into_iter().flatten().map(text).collect();
    if !tags.is_empty() {
        told.push_str(&format!("    {faint}tags{plain} {}\n", tags.join(", ")));
    }
    if let Some(cue) = hit.get("_cue") {
        let said = text(&cue["_formatted"]["text"]);
        let (language, at) = (cue["language"].as_str().unwrap_or("captions"), clock(&cue["startMs"]));
        told.push_str(&format!("    {faint}{} {at}{plain} {said}\n", harmless(language)));
    }
    told
}

/// Minutes and seconds, hours where there are.
fn clock(milliseconds: &Json) -> String {
    let seconds = milliseconds.as_i64().unwrap_or(0) / 1000;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

/// HTML with marks, as a terminal takes it: one line, and nothing in it that drives the terminal but the paint.
fn painted(html: &str, paint: &Paint) -> String {
    let line: String = html.split_whitespace().collect::<Vec<_>>().join(" ");
    let text = harmless(&line).replace(MARK[0], paint.mark[0]).replace(MARK[1], paint.mark[1]);
    let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#39;", "'");
    text.replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_marked_is_painted_and_nothing_else_reaches_the_terminal() {
        let html = "<mark>Tide</mark> &amp; time&#39;s\n &lt;mark&gt; \u{1b}[2J";
        assert_eq!(painted(html, &PLAIN), "Tide & time's <mark> \u{fffd}[2J");
        assert!(painted(html, &COLOURS).starts_with("\u{1b}[1;33mTide\u{1b}[0m & "));
    }

    #[test]
    fn an_answer_is_told_in_lines() {
        let answer = json!({
            "hits": [{
                "id": "1_a", "name": "A", "_formatted": {"name": "A <mark>b</mark>", "description": "c", "tags": ["d", "e"]},
                "_cue": {"language": "en", "startMs": 3_723_000, "_formatted": {"text": "said"}}
            }],
            "facetDistribution": {"tags": {"d": 2}}, "totalHits": 10_000, "totalHitsExact": false,
            "processingTimeMs": 3, "next": "xyz"
        });
        assert_eq!(
            in_words(&answer, &PLAIN),
            "1_a  A b\n    c\n    tags d, e\n    en 1:02:03 said\ntags: d 2\nat least 10000 entries in 3 ms\nmore: --cursor xyz\n"
        );
    }
}
