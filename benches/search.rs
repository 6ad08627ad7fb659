//! How fast the local search is, beside SQLite's own (FTS5) on the same catalogue.
//!
//! A catalogue of any size, the same in every run, is written into a real data directory; the program builds its index and
//! answers; the same queries go to the library, over HTTP, and to FTS5 with the same columns and weights. Exits with 1 when a
//! floor is missed.
//!
//! `cargo bench --bench search`; `SEARCH_BENCH_ENTRIES` sets the size (100,000), `SEARCH_BENCH_DIR` names a folder whose data
//! directory and FTS5 index are used again.
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "search/corpus.rs"]
mod corpus;
#[path = "search/fill.rs"]
mod fill;
#[path = "search/freshness.rs"]
mod freshness;
#[path = "search/fts5.rs"]
mod fts5;
#[path = "search/http.rs"]
mod http;
#[path = "search/library.rs"]
mod library;
#[path = "search/notified.rs"]
mod notified;
#[path = "search/place.rs"]
mod place;
#[path = "search/queries.rs"]
mod queries;
#[path = "search/report.rs"]
mod report;
#[path = "search/served.rs"]
mod served;
#[path = "search/words.rs"]
mod words;

use std::collections::HashMap;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use fts5::Fts5;
use library::Library;
use place::{Place, size_of};
use queries::{Class, Frequencies, Query};
use report::{Floors, millis, pair, percentile};

/// Smaller catalogues are not compared with a floor.
const FTS5_ENTRIES_MIN: usize = 1_000_000;

type Queries = HashMap<Class, Vec<Query>>;
/// Of each class, shortest first.
type Times = HashMap<Class, Vec<Duration>>;

#[tokio::main]
async fn main() -> ExitCode {
    let entries = std::env::var("SEARCH_BENCH_ENTRIES").ok().and_then(|text| text.parse().ok()).unwrap_or(100_000);
    let place = Place::open(entries).await;
    let mut floors = Floors::default();
    println!("{entries} entries\n");
    write_entries(&place, entries).await;
    let (mut fts5, queries) = open_fts5(&place, entries).await;

    let built = served::build(&place);
    told(
        "index built",
        &format!("{:.1} s, {:.0} entries a second", built.took.as_secs_f64(), rate(entries, built.took)),
    );
    told("its size", &megabytes(built.size));
    told("RssAnon while building, at most", &format!("{:.0} MiB", built.peak_mib));
    let (serving, rested) = served::rest(&place, &queries);
    told("start until ready", &format!("{:.0} ms", millis(rested.ready_after)));
    told("RssAnon after 100 searches", &format!("{:.1} MiB", rested.idle_mib));

    let over_http = |clients: usize| of_each(&queries, |queries| served::times(&serving, queries, clients));
    let (one, eight) = (over_http(1), over_http(8));
    serving.stop();
    let library = Library::open(&place).await;
    let mut own = Times::new();
    for (class, queries) in &queries {
        own.insert(*class, library.times(queries).await);
    }
    let fresh = freshness::times(&library, entries).await;
    library.close().await;
    let mut beside = Times::new();
    for (class, queries) in &queries {
        beside.insert(*class, fts5_times(&mut fts5, queries).await);
    }
    fts5.close().await;
    let notified = notified::times().await;

    println!(
        "\n{:<18} {:>16} {:>16} {:>16} {:>18} {:>8}",
        "p50 / p99 in ms", "library", "HTTP, 1", "HTTP, 8", "FTS5", "ratio"
    );
    for class in Class::ALL {
        let cells = [&own, &one, &eight].map(|times| pair(&times[&class]));
        let ratio = ratio(&beside[&class], &own[&class]).map_or("–".to_owned(), |ratio| format!("{ratio:.1}"));
        let [own, one, eight] = cells;
        println!("{:<18} {own:>16} {one:>16} {eight:>16} {:>18} {ratio:>8}", class.name(), pair(&beside[&class]));
    }
    println!("\nchange to findable, 500 changes a second: {} ms", pair(&fresh));
    println!("notification to findable, an API call taking 50 ms: {} ms\n", pair(&notified));

    floors.at_most("mixed log over HTTP, p50 ms", millis(percentile(&one[&Class::Mixed], 0.5)), 2.0);
    floors.at_most("mixed log over HTTP, p99 ms", millis(percentile(&one[&Class::Mixed], 0.99)), 25.0);
    // SQLite ranks every entry that has a word: of a small catalogue there are few.
    if entries >= FTS5_ENTRIES_MIN {
        floors.at_least(
            "common words, times as fast as FTS5",
            ratio(&beside[&Class::Common], &own[&Class::Common]).unwrap(),
            20.0,
        );
    }
    floors.at_most("change to findable, p99 ms", millis(percentile(&fresh, 0.99)), 1_000.0);
    floors.at_most("notification to findable, p50 ms", millis(percentile(&notified, 0.5)), 300.0);
    floors.at_most("notification to findable, p99 ms", millis(percentile(&notified, 0.99)), 1_000.0);
    floors.at_most("RssAnon while building, MiB", built.peak_mib, 400.0);
    floors.at_most("RssAnon after 100 searches, MiB", rested.idle_mib, 40.0);
    floors.at_most("start until ready, ms", millis(rested.ready_after), 300.0);
    if floors.missed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Real rows, unless an earlier run has left them.
async fn write_entries(place: &Place, entries: usize) {
    let mark = place.folder.join("filled");
    if mark.exists() {
        return;
    }
    let store = place.store().await;
    let took = fill::fill(&store, entries).await;
    store.close().await;
    std::fs::write(mark, "").unwrap();
    told("into SQLite", &format!("{:.0} s, {:.0} entries a second", took.as_secs_f64(), rate(entries, took)));
    told("mirror.db", &megabytes(size_of(&place.data_dir().join("mirror.db"))));
}

async fn open_fts5(place: &Place, entries: usize) -> (Fts5, Queries) {
    let path = place.folder.join("fts5.db");
    let mut frequencies = Frequencies::default();
    let (fts5, took) = Fts5::open(&path, entries, |words| frequencies.count(words)).await;
    if let Some(took) = took {
        told("FTS5 index built", &format!("{:.1} s, {:.0} entries a second", took.as_secs_f64(), rate(entries, took)));
    }
    told("its size", &megabytes(size_of(&path)));
    (fts5, queries::all(&frequencies))
}

/// At least one query of the class, and no more than a few seconds of them.
async fn fts5_times(fts5: &mut Fts5, queries: &[Query]) -> Vec<Duration> {
    const PATIENCE: Duration = Duration::from_secs(20);
    let began = Instant::now();
    let mut times = Vec::new();
    for query in queries.iter().filter(|query| query.fts5.is_some()) {
        let asked = Instant::now();
        fts5.search(query).await;
        times.push(asked.elapsed());
        if began.elapsed() > PATIENCE {
            break;
        }
    }
    times.sort();
    times
}

fn of_each(queries: &Queries, measure: impl Fn(&[Query]) -> Vec<Duration>) -> Times {
    queries.iter().map(|(class, queries)| (*class, measure(queries))).collect()
}

/// How often the second median goes into the first.
fn ratio(slow: &[Duration], fast: &[Duration]) -> Option<f64> {
    (!slow.is_empty()).then(|| percentile(slow, 0.5).as_secs_f64() / percentile(fast, 0.5).as_secs_f64())
}

fn rate(entries: usize, took: Duration) -> f64 {
    entries as f64 / took.as_secs_f64()
}

fn megabytes(bytes: u64) -> String {
    format!("{:.0} MB", bytes as f64 / 1e6)
}

fn told(name: &str, figure: &str) {
    println!("{name:<34} {figure}");
}
