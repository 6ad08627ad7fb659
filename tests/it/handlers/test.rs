//! What nobody has a use for is kept, counted, told, and harmless.

use kaltura_mirror::domain::secret::AdminSecret;
use kaltura_mirror::simulator::sender::Sender;
use kaltura_mirror::store::{InboxFilter, ItemOutcome};

use super::*;
use crate::house::process::Place;

async fn metrics(house: &House) -> String {
    http::get(house.daemon.admin, "/metrics").await.text()
}

#[tokio::test]
async fn kinds_nobody_knows_are_kept_counted_and_ask_for_nothing() {
    let house = House::open().await;
    let id = house.mirrored_video("Untouched").await;
    let looks = house.looks();
    for kind in ["entry_recycled", "playlist_moved", "entry_recycled"] {
        house.tell(kind, &id).await;
    }
    house.tell("user_banned", &id).await;
    house.run_until_idle().await;
    assert_eq!(house.looks(), looks);

    let requests = house.daemon.store.inbox_list(InboxFilter::Verified, None, 4).await.unwrap();
    let items: Vec<_> = requests.iter().flat_map(|request| &request.items).collect();
    assert!(items.iter().all(|item| item.outcome == ItemOutcome::Kept));
    let kinds: Vec<_> = items.iter().map(|item| item.kind.as_str()).collect();
    assert_eq!(kinds, ["user_banned", "entry_recycled", "playlist_moved", "entry_recycled"]);

    let metrics = metrics(&house).await;
    for line in [
        "kaltura_mirror_notifications_total{kind=\"unknown\"} 3",
        "kaltura_mirror_notifications_total{kind=\"user_banned\"} 1",
        "kaltura_mirror_notifications_total{kind=\"entry_add\"} 1",
    ] {
        assert!(metrics.contains(line), "{line}: {metrics}");
    }
}

#[tokio::test]
async fn a_test_notification_is_kept_listed_and_told_in_the_log() {
    let place = Place::new().await;
    let serving = place.serve();
    let endpoint = format!("http://{}/notifications", serving.public);
    let secret = AdminSecret::new(place.kaltura.admin_secret());
    let sender = Sender::new(place.kaltura.partner_id(), secret, &endpoint).unwrap();
    let about_nothing =
        Job { object: None, ..Job::about_entry(NotificationId(99), place.kaltura.partner_id(), "test", "") };
    assert!(sender.send_single(&about_nothing).await.answer.is_success());
    serving.until_logged("a test notification, signed with main/admin_secret, is received and verified");
    let inbox = place.run_json("inbox list");
    assert!(inbox.to_string().contains("\"kind\":\"test\""), "{inbox}");
    assert_eq!(serving.stop().code, Some(0));
}
