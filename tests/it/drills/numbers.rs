//! Few calls, by the simulator's own count. Policy reads are counted apart, as DESIGN says.

use std::collections::BTreeSet;
use std::time::Duration;

use kaltura_mirror::domain::ids::{EntryId, NotificationId};
use kaltura_mirror::domain::secret::AdminSecret;
use kaltura_mirror::simulator::account::{ADMIN_SECRET, PARTNER};
use kaltura_mirror::simulator::sender::form::body_multi;
use kaltura_mirror::simulator::sender::job::Job;

use super::NEEDED;
use crate::house::House;

const LOOK: &str = "baseEntry.getByIds";
const UPDATE: &str = "metadata_metadata.update";

/// HTTP requests that were looks or marks.
fn api_calls(house: &House) -> usize {
    let calls = house.kaltura.calls();
    let work = calls.iter().filter(|call| call.service_action == LOOK || call.service_action == UPDATE);
    work.map(|call| call.http_request).collect::<BTreeSet<_>>().len()
}

/// Notifications about these entries, `items` to a POST.
async fn send(house: &House, entries: &[&EntryId], items: usize, first_id: i64) {
    let (sender, secret) = (house.sender(), AdminSecret::new(ADMIN_SECRET));
    for (number, chunk) in entries.chunks(items).enumerate() {
        let jobs: Vec<_> = chunk
            .iter()
            .zip(first_id + (number * items) as i64..)
            .map(|(id, number)| Job::about_entry(NotificationId(number), PARTNER, "entry_update", id.as_str()))
            .collect();
        assert!(sender.post(body_multi(&jobs, &secret)).await.is_success());
    }
}

#[tokio::test]
async fn a_burst_of_500_entries_costs_at_most_a_tenth_of_a_call_each() {
    let house = House::open_with("[thumbnails]\nmode = \"none\"\n").await;
    house.kaltura.set_latency(Duration::from_millis(50)); // as the API answers on a good day
    let ids: Vec<_> = (0..500).map(|number| house.new_video(&format!("Video {number}"), Some(NEEDED))).collect();
    house.kaltura.reset_calls();
    send(&house, &ids.iter().collect::<Vec<_>>(), 10, 1_000).await;
    house.run_until_idle().await;
    for id in &ids {
        assert_eq!(house.kaltura.sync_status(id).as_deref(), Some("Sync Done"), "{id}");
    }
    let calls = api_calls(&house);
    println!("500 entries: {calls} calls");
    assert!(calls <= 50, "{calls} calls");
}

#[tokio::test]
async fn a_storm_of_10_000_notifications_over_100_entries_costs_three_looks_an_entry_and_no_further_mark() {
    let house = House::open_with("[thumbnails]\nmode = \"none\"\n").await;
    let ids: Vec<_> = (0..100).map(|number| house.new_video(&format!("Video {number}"), Some(NEEDED))).collect();
    house.kaltura.reset_calls();
    for round in 0..100 {
        send(&house, &ids.iter().collect::<Vec<_>>(), 50, 1_000 + round * 100).await;
        // A real storm of this size takes a second or two; so does this one, by the clock.
        house.clock.advance(Duration::from_millis(15));
    }
    house.run_until_idle().await;
    for _ in 0..3 {
        house.pass(Duration::from_secs(40)).await;
    }
    let looks = |id: &EntryId| {
        house
            .kaltura
            .calls()
            .iter()
            .filter(|call| call.service_action == LOOK && call.ids.iter().any(|named| named == id.as_str()))
            .count()
    };
    let most = ids.iter().map(looks).max().unwrap();
    println!("10,000 notifications: {most} looks at most, {} marks", house.kaltura.count(UPDATE));
    assert!(most <= 3, "{most} looks");
    assert_eq!(house.kaltura.count(UPDATE), 100);
    for id in &ids {
        assert_eq!(house.times_told(id).await, 1, "{id}");
    }
}
