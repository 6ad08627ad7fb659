//! The index is the public mirror after any sequence of what can happen, whenever it is stopped, thrown away or overtaken.

use kaltura_mirror::domain::clock::Timestamp;
use kaltura_mirror::store::{Save, Seen};
use proptest::prelude::*;
use proptest::test_runner::Config;
use serde_json::{Value, json};

use super::place::Place;
use crate::store_mirror::house::{entry, seen_only, synced_as};

const ENTRIES: usize = 5;
const PARTNERS: [i64; 2] = [102, 103];

#[derive(Debug, Clone)]
enum Step {
    /// Looked at, and other content comes in; within these dates from now, if any.
    Put {
        account: usize,
        entry: usize,
        start: Option<i64>,
        end: Option<i64>,
    },
    /// Looked at, and withheld for this.
    Withhold {
        account: usize,
        entry: usize,
        why: &'static str,
        value: i64,
    },
    Hide {
        account: usize,
        entry: usize,
        hidden: bool,
    },
    Absent {
        account: usize,
        entry: usize,
        confirmed: bool,
    },
    Pass {
        secs: u64,
    },
    Prune {
        kept: u64,
    },
    Purge,
    /// The process ends and begins again.
    Restart,
    /// Changes come while nobody indexes.
    StopIndexing,
    ThrowAway,
    Rebuild,
    /// A field is published or not.
    Publish {
        topic: bool,
    },
    Check,
}

fn step() -> impl Strategy<Value = Step> {
    let (account, entry) = (0..PARTNERS.len(), 0..ENTRIES);
    let date = || prop::option::weighted(0.2, prop::sample::select(vec![-20_i64, 5, 30, 200]));
    let withheld = prop::sample::select(vec![
        ("moderationStatus", 1),
        ("accessControlId", 5),
        ("displayInSearch", -2),
        ("status", 4),
    ]);
    prop_oneof![
        10 => (account.clone(), entry.clone(), date(), date())
            .prop_map(|(account, entry, start, end)| Step::Put { account, entry, start, end }),
        4 => (account.clone(), entry.clone(), withheld)
            .prop_map(|(account, entry, (why, value))| Step::Withhold { account, entry, why, value }),
        2 => (account.clone(), entry.clone(), any::<bool>())
            .prop_map(|(account, entry, hidden)| Step::Hide { account, entry, hidden }),
        2 => (account, entry, any::<bool>())
            .prop_map(|(account, entry, confirmed)| Step::Absent { account, entry, confirmed }),
        2 => prop::sample::select(vec![1_u64, 10, 100]).prop_map(|secs| Step::Pass { secs }),
        1 => (1_u64..8).prop_map(|kept| Step::Prune { kept }),
        1 => Just(Step::Purge),
        1 => Just(Step::Restart),
        2 => Just(Step::StopIndexing),
        1 => Just(Step::ThrowAway),
        1 => Just(Step::Rebuild),
        1 => any::<bool>().prop_map(|topic| Step::Publish { topic }),
        2 => Just(Step::Check),
    ]
}

struct World {
    place: Place,
    is_indexing: bool,
    titles: usize,
}

impl World {
    async fn take(mut self, step: Step) -> Self {
        let house = &self.place.house;
        match step {
            Step::Put { account, entry, start, end } => {
                self.titles += 1;
                let date = |date: Option<i64>| date.map(|offset| house.clock.now().as_secs() + offset);
                let edit = json!({
                    "name": format!("Title {}", self.titles), "tags": format!("tag {}, all", self.titles % 3),
                    "startDate": date(start), "endDate": date(end),
                });
                self.look(account, entry, edit, synced_as).await;
            }
            Step::Withhold { account, entry, why, value } => {
                let value = if why == "status" { json!(value.to_string()) } else { json!(value) };
                self.look(account, entry, json!({ (why): value }), seen_only).await;
            }
            Step::Hide { account, entry, hidden } => {
                let account = house.account_of(PARTNERS[account]);
                let id = id(entry);
                let done =
                    if hidden { house.store.hide(account, &id).await } else { house.store.unhide(account, &id).await };
                done.unwrap();
            }
            Step::Absent { account, entry, confirmed } => {
                house.look_for(PARTNERS[account], vec![Save::Absent { entry_id: id(entry), confirmed }]).await;
            }
            Step::Pass { secs } => {
                house.pass(secs);
                self.follow_dates().await;
            }
            Step::Prune { kept } => {
                house.store.prune_changes(Timestamp::from_millis(0), kept).await.unwrap();
            }
            Step::Purge => {
                house.store.purge_tombstones(house.clock.now()).await.unwrap();
            }
            Step::Restart => {
                if !self.is_indexing {
                    self.place.start();
                }
                self.place = self.place.restart().await;
                self.is_indexing = true;
            }
            Step::StopIndexing if self.is_indexing => {
                self.place.stop().await;
                self.is_indexing = false;
            }
            Step::StopIndexing => {
                self.place.start();
                self.is_indexing = true;
            }
            Step::ThrowAway => {
                let _ = std::fs::remove_dir_all(self.place.folder());
            }
            Step::Rebuild => self.place.search.rebuild(),
            Step::Publish { topic } => self.place.tell(|shape| {
                if topic {
                    shape.searchable.insert("Topic".to_owned());
                } else {
                    shape.searchable.remove("Topic");
                }
            }),
            Step::Check => self.check().await,
        }
        self
    }

    async fn look(&self, account: usize, entry: usize, edit: Value, seen: fn(&str, Value) -> Seen) {
        let seen = seen(id(entry).as_str(), edit);
        self.place.house.look_for(PARTNERS[account], vec![Save::Seen(Box::new(seen))]).await;
    }

    /// What the timer does.
    async fn follow_dates(&self) {
        for partner in PARTNERS {
            self.place.house.store.advance_schedule(self.place.house.account_of(partner)).await.unwrap();
        }
    }

    async fn check(&mut self) {
        self.follow_dates().await;
        if !self.is_indexing {
            self.place.start();
            self.is_indexing = true;
        }
        self.place.is_the_public_mirror().await;
    }
}

fn id(number: usize) -> kaltura_mirror::domain::ids::EntryId {
    entry(&format!("0_entry{number}"))
}

proptest! {
    #![proptest_config(Config { cases: 12, max_shrink_iters: 60, failure_persistence: None, ..Config::default() })]

    #[test]
    fn the_index_is_the_public_mirror_after_any_sequence(steps in prop::collection::vec(step(), 1..50)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let mut world = World { place: Place::open().await, is_indexing: true, titles: 0 };
            for step in steps {
                world = world.take(step).await;
            }
            world.check().await;
        });
    }
}
