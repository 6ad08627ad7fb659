//! Kaltura tells of a category whenever the number of its entries changes: a burst costs one pass an interval.

use kaltura_mirror::domain::ids::CategoryId;
use kaltura_mirror::store::Asked;

use super::*;

/// As configured by default.
const INTERVAL: Duration = Duration::from_secs(60);

impl House {
    /// A mirrored video in a category, and the category.
    async fn video_in_category(&self) -> (EntryId, CategoryId) {
        let id = self.new_video("Inside", Some(NEEDED));
        let category = self.kaltura.read(|account| *account.categories.keys().next().unwrap());
        self.kaltura.add_to_category(&id, category);
        self.deliver().await;
        self.pass(INTERVAL).await;
        self.clock.advance(INTERVAL); // longer than the longest pause between two looks
        (id, category)
    }

    async fn tell_of_category(&self, category: CategoryId) {
        let object = format!("{{\"id\":{category},\"partnerId\":102,\"objectType\":\"KalturaCategory\"}}");
        assert_eq!(self.post_event(&events::json("2", 3, number(), &object)).await, 200);
    }

    async fn asked(&self) -> Vec<Asked> {
        let asks = self.daemon.store.account_asks(self.account()).await.unwrap();
        asks.into_iter().map(|ask| ask.asked).filter(|asked| *asked != Asked::Policy).collect()
    }

    /// Waits until the events are answered: by itself, in real time, while the clock stands still.
    async fn until_answered(&self) {
        let answered = async {
            while !self.asked().await.is_empty() {
                self.daemon.sync.settled().await;
            }
        };
        tokio::time::timeout(crate::house::PATIENCE, answered).await.expect("what was asked is done");
    }

    /// The same for looks.
    async fn until_looked(&self, looks: usize) {
        let looked = async {
            while self.looks() < looks {
                self.daemon.sync.settled().await;
            }
        };
        tokio::time::timeout(crate::house::PATIENCE, looked).await.expect("the category's entries are looked at");
    }
}

#[tokio::test]
async fn five_hundred_events_of_one_category_cost_one_pass_and_one_more_when_the_interval_is_over() {
    let house = House::open().await;
    let (_, category) = house.video_in_category().await;
    let before = house.looks();
    for _ in 0..500 {
        house.tell_of_category(category).await;
    }
    house.until_looked(before + 1).await;
    house.pass(INTERVAL / 2).await;
    assert_eq!(house.looks(), before + 1, "the first was answered at once, the others wait together");
    assert_eq!(house.asked().await, [Asked::Category(category)]);

    house.clock.advance(INTERVAL / 2);
    house.until_looked(before + 2).await;
    house.run_until_idle().await;
    for _ in 0..5 {
        house.pass(INTERVAL).await;
    }
    assert_eq!(
        (house.looks(), house.asked().await),
        (before + 2, vec![]),
        "what came before the pass is answered by it"
    );
}

#[tokio::test]
async fn events_without_end_are_answered_in_every_interval() {
    let house = House::open().await;
    let (_, category) = house.video_in_category().await;
    let before = house.looks();
    house.tell_of_category(category).await;
    house.until_looked(before + 1).await;
    for pass in 2..=6 {
        for _ in 0..6 {
            house.tell_of_category(category).await;
            house.clock.advance(INTERVAL / 6);
        }
        house.until_looked(before + pass).await;
        house.run_until_idle().await;
        assert_eq!(house.looks(), before + pass, "one pass an interval, and one in each");
    }
}

#[tokio::test]
async fn another_category_does_not_wait_for_the_first_ones_pause() {
    let house = House::open().await;
    let (id, first) = house.video_in_category().await;
    let other = house.kaltura.read(|account| *account.categories.keys().nth(1).unwrap());
    house.kaltura.add_to_category(&id, other);
    house.deliver().await;
    house.pass(INTERVAL).await;
    house.clock.advance(INTERVAL);
    let before = house.looks();
    house.tell_of_category(first).await;
    house.until_looked(before + 1).await;
    house.run_until_idle().await;
    house.clock.advance(PAUSE);
    house.tell_of_category(other).await;
    house.until_answered().await;
    house.pass(INTERVAL / 2).await;
    assert_eq!(house.looks(), before + 2);
}

#[tokio::test]
async fn what_waits_for_the_interval_survives_a_restart_and_is_done_at_once() {
    let house = House::open().await;
    let (_, category) = house.video_in_category().await;
    let before = house.looks();
    house.tell_of_category(category).await;
    house.until_looked(before + 1).await;
    house.run_until_idle().await;
    house.tell_of_category(category).await;
    house.pass(PAUSE).await;
    assert_eq!(house.asked().await, [Asked::Category(category)]);
    let house = house.restart().await;
    house.until_answered().await;
    house.pass(INTERVAL / 2).await;
    assert_eq!(house.looks(), before + 2);
}
