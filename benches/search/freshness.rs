//! How soon a change can be found, while five hundred entries change every second.

use std::time::{Duration, Instant};

use super::corpus::Film;
use super::fill;
use super::library::Library;

const BATCHES: usize = 100;
const BATCH: usize = 50;
/// Ten of these a second.
const EVERY: Duration = Duration::from_millis(100);
/// Between two looks whether a change can be found.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// From the moment at which a batch of changes is on disk until its entries are found by their new title; shortest first.
///
/// The titles are given back in the end, so that a data directory that is used again is as it was.
pub async fn times(library: &Library, entries: usize) -> Vec<Duration> {
    let (sender, mut written) = tokio::sync::mpsc::unbounded_channel();
    let changes = async {
        let mut turn = tokio::time::interval(EVERY);
        for number in 0..BATCHES {
            turn.tick().await;
            let word = word(number);
            fill::save(&library.store, looks(number, entries, Some(&word))).await;
            sender.send((word, Instant::now())).unwrap();
        }
        drop(sender);
    };
    let finds = async {
        let mut times = Vec::new();
        while let Some((word, since)) = written.recv().await {
            while library.find(&word).await == 0 {
                tokio::time::sleep(LOOK_EVERY).await;
            }
            times.push(since.elapsed());
        }
        times
    };
    let ((), mut times) = tokio::join!(changes, finds);
    for number in 0..BATCHES {
        fill::save(&library.store, looks(number, entries, None)).await;
    }
    times.sort();
    times
}

fn looks(batch: usize, entries: usize, word: Option<&str>) -> Vec<kaltura_mirror::store::Seen> {
    // Far apart, as changes are.
    let step = (entries / (BATCHES * BATCH)).max(1);
    let numbers = (0..BATCH).map(|place| (batch * BATCH + place) * step % entries);
    numbers
        .map(|number| {
            let mut film = Film::of(number);
            if let Some(word) = word {
                film.name = format!("{} {word}", film.name);
            }
            fill::seen(&film)
        })
        .collect()
}

/// A word that nothing else has.
fn word(number: usize) -> String {
    let letters = [number / 10, number % 10].map(|digit| char::from(b'a' + digit as u8));
    format!("quixotry{}{}quagga", letters[0], letters[1])
}
