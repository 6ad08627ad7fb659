//! Whether the search finds what a person expects: judged queries over the demo's catalogue, through a daemon's public port.

mod judgements;
mod ndcg;

use std::collections::{BTreeMap, BTreeSet};

use kaltura_mirror::domain::ids::EntryId;
use kaltura_mirror::simulator::edits;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::house::{House, http};
use judgements::{Judgement, Judgements};

/// Of all queries together.
const OVERALL_AT_LEAST: f64 = 0.9;
/// Of each class.
const CLASS_AT_LEAST: f64 = 0.8;

/// The believable account in the mirror, whole, as far as visitors may see it, with the judgements about it.
async fn catalogue() -> (House, Judgements) {
    const SEARCH: &str = "when_no_metadata = \"sync\"\n\
                          search.languages = [\"ar\", \"de\", \"el\", \"en\", \"es\", \"fr\", \"ru\", \"tr\"]\n";
    let house = House::open_with(SEARCH).await;
    house.kaltura.edit(judgements::add_subtitles);
    house.kaltura.edit(edits::announce_half);
    house.kaltura.edit(edits::announce_rest);
    house.deliver().await;
    let judgements = Judgements::about(&house.public_entries().await);
    (house, judgements)
}

#[tokio::test]
async fn the_search_finds_what_a_person_expects() {
    let (house, judgements) = catalogue().await;
    until_indexed(&house).await;
    let mut classes = BTreeMap::<&str, Vec<f64>>::new();
    let mut disappointing = String::new();
    for judgement in judgements.all() {
        let hits = hits(&house, judgement).await;
        let worth = ndcg::of(judgement, &hits);
        classes.entry(&judgement.class).or_default().push(worth);
        if worth < 0.999 {
            disappointing.push_str(&judgements.told(judgement, &hits, worth));
        }
    }
    let mean = |worths: &[f64]| worths.iter().sum::<f64>() / worths.len() as f64;
    let overall = mean(&classes.values().flatten().copied().collect::<Vec<_>>());
    println!("{disappointing}\n{:<20} {:>7} {:>8}", "class", "queries", "NDCG@10");
    for (class, worths) in &classes {
        println!("{class:<20} {:>7} {:>8.3}", worths.len(), mean(worths));
    }
    println!("{:<20} {:>7} {overall:>8.3}", "all", judgements.all().len());
    for (class, worths) in &classes {
        assert!(mean(worths) >= CLASS_AT_LEAST, "{class}: {:.3}\n{disappointing}", mean(worths));
    }
    assert!(overall >= OVERALL_AT_LEAST, "{overall:.3}\n{disappointing}");
}

#[tokio::test]
async fn the_judgements_are_about_entries_that_visitors_see() {
    let (_house, judgements) = catalogue().await;
    let mut classes = BTreeMap::<&str, BTreeSet<&str>>::new();
    for judgement in judgements.all() {
        let is_new = classes.entry(&judgement.class).or_default().insert(&judgement.query);
        assert!(is_new, "{:?} is judged twice", judgement.query);
    }
    assert!(classes.values().all(|queries| queries.len() >= 5), "a class is more than a few queries");
}

/// Until the index has taken every change there is.
async fn until_indexed(house: &House) {
    let latest = *house.daemon.store.changes_bell().borrow();
    let mut status = house.daemon.search.watch();
    let held = status.wait_for(|status| status.seq >= Some(latest) && status.building.is_none());
    tokio::time::timeout(crate::house::PATIENCE, held).await.expect("the index follows").unwrap();
}

/// The ids of the hits, best first: as many as a page can have, for those that must not be among them.
async fn hits(house: &House, judgement: &Judgement) -> Vec<EntryId> {
    let query = utf8_percent_encode(&judgement.query, NON_ALPHANUMERIC);
    let answer = http::get(house.daemon.public, &format!("/api/v1/search?q={query}&limit=100")).await;
    assert_eq!(answer.status, 200, "{}: {}", judgement.query, answer.text());
    let hits = answer.json()["hits"].as_array().unwrap().clone();
    hits.iter().map(|hit| hit["id"].as_str().unwrap().parse().unwrap()).collect()
}
