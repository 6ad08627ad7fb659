//! When there is no room: what `/readyz` says, and what the log does.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use kaltura_mirror::domain::ids::NotificationId;
use kaltura_mirror::domain::secret::AdminSecret;
use kaltura_mirror::simulator::account::{ADMIN_SECRET, PARTNER};
use kaltura_mirror::simulator::sender::form;
use kaltura_mirror::simulator::sender::job::Job;

use crate::house::process::Place;
use crate::house::{House, http};

/// A database that is soon full.
const LITTLE_ROOM: &str = "retention.mirror_max_bytes = \"1MiB\"";

/// Posts a genuine notification; the status of the answer.
async fn post(to: SocketAddr, number: i64) -> u16 {
    let job = Job::about_entry(NotificationId(number), PARTNER, "entry_update", &format!("0_{number:08}"));
    http::post_form(to, "/notifications", &form::body_single(&job, &AdminSecret::new(ADMIN_SECRET))).await.status
}

/// Posts notifications until one is refused; its number.
async fn fill(to: SocketAddr) -> i64 {
    for number in 1..20_000 {
        match post(to, number).await {
            200 => {}
            refused => {
                assert_eq!(refused, 503);
                return number;
            }
        }
    }
    panic!("there is always room");
}

#[tokio::test]
async fn readyz_says_since_when_nothing_can_be_stored_and_when_it_can_be_again() {
    let house = House::open_with(LITTLE_ROOM).await;
    house.kaltura.set_latency(Duration::from_secs(600));
    let ready = async || http::get(house.daemon.public, "/readyz").await;
    let at_first = ready().await;
    assert_eq!((at_first.status, &at_first.json()["storing"]), (200, &"ok".into()));

    let refused = fill(house.daemon.public).await;
    let full = ready().await;
    let said = full.json();
    assert_eq!((full.status, &said["status"]), (503, &"not storing".into()), "{said}");
    let storing = said["storing"].as_str().unwrap();
    let since = format!("false since {}: ", house.clock.now());
    assert!(storing.starts_with(&since) && storing.contains("make room"), "{storing}");
    for path in ["/livez", "/api/v1/entries", "/api/v1/changes?initial=true"] {
        assert_eq!(http::get(house.daemon.public, path).await.status, 200, "{path}: readers are served");
    }

    house.clock.advance(Duration::from_secs(11));
    let still = ready().await;
    assert!(still.status == 503 && still.json()["storing"].as_str().unwrap().starts_with(&since), "{}", still.text());

    house.clock.advance(Duration::from_secs(100 * 86_400));
    house.daemon.store.prune_inbox().await.unwrap();
    let again = ready().await;
    assert_eq!((again.status, &again.json()["storing"]), (200, &"ok".into()), "{}", again.text());
    assert_eq!(post(house.daemon.public, refused).await, 200, "and what was refused may come again");
}

#[tokio::test]
async fn a_flood_that_finds_no_room_is_an_error_in_the_log_once_a_minute() {
    let place = Place::new().await;
    place.kaltura.set_latency(Duration::from_secs(600));
    place.write_script(LITTLE_ROOM);
    let serving = place.serve();
    let began = Instant::now();
    let first = fill(serving.public).await;
    let mut refused = 1;
    // A page may come free now and then.
    for number in first..first + 200 {
        refused += usize::from(post(serving.public, number).await == 503);
    }
    assert!(refused > 50, "{refused}");
    let lines = serving.log().lines().filter(|line| line.contains("notifications cannot be stored")).count();
    let minutes = began.elapsed().as_secs() as usize / 60;
    assert!((1..=1 + minutes).contains(&lines), "{lines} lines in {minutes} minutes: {}", serving.log());
    serving.kill();
}
