//! Measurements, run by hand: `cargo test --release --test it store_mirror::measure -- --ignored --nocapture`.

use std::time::{Duration, Instant};

use kaltura_mirror::store::{RemovalLimit, Save, Seen};
use serde_json::json;

use super::house::{House, entry, flavor, synced_as};

const BATCHES: usize = 30;

fn heavy(id: &str) -> Seen {
    let mut seen = synced_as(id, json!({"description": "words ".repeat(400)}));
    let content = seen.content.as_mut().unwrap();
    content.flavors.push(flavor(id, "0_flavor03", 1080));
    seen
}

async fn median(house: &House, from: usize) -> Duration {
    let mut times = Vec::new();
    for batch in 0..BATCHES {
        let ids: Vec<_> = (0..100)
            .map(|number| format!("1_{:08x}", (from + batch * 100 + number) * 2_654_435_761 % 0xffff_ffff))
            .collect();
        let entries: Vec<_> = ids.iter().map(|id| entry(id)).collect();
        let claimed = house.claim(&entries).await;
        let saves = ids.iter().map(|id| Save::Seen(Box::new(heavy(id)))).collect();
        let start = Instant::now();
        house.store.save_entries(&claimed, saves, RemovalLimit::default()).await.unwrap();
        times.push(start.elapsed());
        house.settle(claimed).await;
    }
    times.sort();
    times[times.len() / 2]
}

#[tokio::test]
#[ignore = "a measurement"]
async fn a_batch_of_a_hundred_entries_is_saved_within_thirty_milliseconds() {
    let house = House::open().await;
    let new = median(&house, 0).await;
    let again = median(&house, 0).await;
    println!("100 new entries: {new:?}, the same again: {again:?}");
    assert!(new < Duration::from_millis(30) || cfg!(debug_assertions), "{new:?}");
}
