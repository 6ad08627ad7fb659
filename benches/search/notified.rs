//! How soon an entry can be found by visitors after Kaltura tells of it: received, fetched, decided, saved, marked, indexed.

use std::time::{Duration, Instant};

use kaltura_mirror::domain::ids::EntryId;
use kaltura_mirror::domain::secret::AdminSecret;
use kaltura_mirror::simulator::account::{ADMIN_SECRET, PARTNER};
use kaltura_mirror::simulator::entry::SimEntry;
use kaltura_mirror::simulator::handle::Simulator;
use kaltura_mirror::simulator::sender::Sender;

use super::corpus::NOW;
use super::http;
use super::place::{Place, Serving};

const ENTRIES: usize = 100;
/// What each request to the API takes at least.
const LATENCY: Duration = Duration::from_millis(50);
/// Between two looks whether an entry can be found.
const LOOK_EVERY: Duration = Duration::from_millis(2);
const PATIENCE: Duration = Duration::from_secs(30);

/// From the moment at which a notification is sent until its entry is found over HTTP; shortest first. One after the other, in an
/// account of its own.
pub async fn times() -> Vec<Duration> {
    let place = Place::open_alone().await;
    let serving = place.serve();
    let endpoint = format!("http://{}/notifications", serving.public);
    let sender = Sender::new(PARTNER, AdminSecret::new(ADMIN_SECRET), &endpoint).unwrap();
    while http::status(serving.public, "/api/v1/search?q=a&limit=1") != 200 {
        tokio::time::sleep(LOOK_EVERY).await;
    }
    place.kaltura.set_latency(LATENCY);
    let mut times = Vec::new();
    for number in 0..ENTRIES {
        let word = add(&place.kaltura, number);
        times.push(found_after(&place.kaltura, &sender, &serving, &word).await);
    }
    serving.stop();
    times.sort();
    times
}

/// An entry that an editor wants synced, and a word of its title that no other has.
fn add(kaltura: &Simulator, number: usize) -> String {
    let id: EntryId = format!("0_n{number:07}").parse().unwrap();
    let word = format!("quixotry{number}quagga");
    kaltura.add_entry(SimEntry::video(id.clone(), &format!("A film of {word}"), NOW));
    kaltura.set_sync_status(&id, Some("Sync Needed"));
    word
}

async fn found_after(kaltura: &Simulator, sender: &Sender, serving: &Serving, word: &str) -> Duration {
    let began = Instant::now();
    let taken = sender.drain(kaltura.account()).await;
    assert!(!taken.is_empty(), "nothing was told of {word}");
    let path = format!("/api/v1/search?limit=1&q={word}");
    while !http::body(serving.public, &path).contains("\"totalHits\":1") {
        assert!(began.elapsed() < PATIENCE, "{word} is not found within {PATIENCE:?}");
        tokio::time::sleep(LOOK_EVERY).await;
    }
    began.elapsed()
}
