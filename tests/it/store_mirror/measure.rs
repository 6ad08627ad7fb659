//! Measurements, run by hand: `cargo test --release --test it store_mirror::measure -- --ignored --nocapture`.

use std::time::{Duration, Instant};

use kaltura_mirror::domain::filter::mirror::{FilterFacts, MirrorFilter};
use kaltura_mirror::domain::public_entry::MetadataKind;
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

/// Entries of the measurement below, from `KALTURA_MIRROR_ENTRIES`.
fn entries_wanted() -> usize {
    std::env::var("KALTURA_MIRROR_ENTRIES").ok().and_then(|number| number.parse().ok()).unwrap_or(20_000)
}

#[tokio::test]
#[ignore = "a measurement: docs/performance.md has the command and what came of it"]
async fn a_changed_filter_judges_what_is_kept() {
    let house = House::open().await;
    let wanted = entries_wanted();
    for batch in 0..wanted / 100 {
        let ids: Vec<_> = (0..100).map(|number| format!("1_{:08x}", batch * 100 + number)).collect();
        let claimed = house.claim(&ids.iter().map(|id| entry(id)).collect::<Vec<_>>()).await;
        let tags = |number: usize| json!({"tags": if number.is_multiple_of(2) { "website" } else { "intern" }, "description": "words ".repeat(400)});
        let saves = ids.iter().enumerate().map(|(number, id)| Save::Seen(Box::new(synced_as(id, tags(number)))));
        house.store.save_entries(&claimed, saves.collect(), RemovalLimit::default()).await.unwrap();
        house.settle(claimed).await;
    }
    let filter = MirrorFilter::parse("tags = website AND metadata.Topic = physics", "SyncStatus").unwrap();
    let fields = Some([("Topic".to_owned(), MetadataKind::Text)].into());
    let facts = FilterFacts { fields, ..FilterFacts::default() };
    let start = Instant::now();
    let change = house.store.set_mirror_filter(house.account(), filter.as_ref(), &facts).await.unwrap();
    let took = start.elapsed();
    println!("{wanted} entries judged in {took:?}, {} of them left", change.left);
    assert_eq!((change.left, change.looked_at), (wanted as u64 / 2, 0));
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
#[ignore = "a measurement: docs/performance.md has the command and what came of it"]
async fn a_batch_of_a_hundred_entries_is_saved_within_thirty_milliseconds() {
    let house = House::open().await;
    let new = median(&house, 0).await;
    let again = median(&house, 0).await;
    println!("100 new entries: {new:?}, the same again: {again:?}");
    assert!(new < Duration::from_millis(30) || cfg!(debug_assertions), "{new:?}");
}
