//! The program itself: it builds its index, rests, and answers over HTTP.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::http;
use super::place::{Place, Serving, size_of};
use super::queries::{Class, Query};

/// What a build took.
pub struct Built {
    pub took: Duration,
    /// The most memory of its own that the process had meanwhile, in MiB.
    pub peak_mib: f64,
    /// Of the index, bytes.
    pub size: u64,
}

/// Longer than any build here takes.
const PATIENCE: Duration = Duration::from_secs(3_600);

/// Throws the index away and lets the program make another one.
pub fn build(place: &Place) -> Built {
    let folder = place.data_dir().join("search");
    let _ = std::fs::remove_dir_all(&folder);
    let serving = place.serve();
    let began = Instant::now();
    let mut peak_mib = serving.anonymous_mib();
    while http::status(serving.public, "/api/v1/search?q=a&limit=1") != 200 {
        assert!(began.elapsed() < PATIENCE, "no index within {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(50));
        peak_mib = peak_mib.max(serving.anonymous_mib());
    }
    let took = began.elapsed();
    serving.stop();
    Built { took, peak_mib, size: size_of(&folder) }
}

/// What it is like with an index that is there already.
pub struct Rested {
    /// From the start of the process until it was ready.
    pub ready_after: Duration,
    /// Memory of its own after a hundred searches, in MiB.
    pub idle_mib: f64,
}

/// A start, a hundred searches of the mixed log, and rest.
pub fn rest(place: &Place, queries: &HashMap<Class, Vec<Query>>) -> (Serving, Rested) {
    let serving = place.serve();
    while http::status(serving.public, "/api/v1/search?q=a&limit=1") != 200 {
        std::thread::sleep(Duration::from_millis(5));
    }
    http::ask(serving.public, &paths(&queries[&Class::Mixed]), 1, 100);
    // Long enough for whatever follows an answer.
    std::thread::sleep(Duration::from_secs(2));
    let rested = Rested { ready_after: serving.ready_after, idle_mib: serving.anonymous_mib() };
    (serving, rested)
}

/// How long a class takes over HTTP, shortest first.
pub fn times(serving: &Serving, queries: &[Query], clients: usize) -> Vec<Duration> {
    const REQUESTS: usize = 1_000;
    let paths = paths(queries);
    http::ask(serving.public, &paths, clients, paths.len());
    http::ask(serving.public, &paths, clients, REQUESTS)
}

fn paths(queries: &[Query]) -> Vec<String> {
    queries.iter().map(Query::path).collect()
}
