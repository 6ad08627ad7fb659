//! Whatever happens in whatever order: a reader that has come to the end has exactly what is public, and was told of no
//! entry out of order.
//!
//! At the store's door, where a step is a transaction. Readers read pages of any length at any time, begin anew, follow one
//! account or both, and are overtaken by the end of what is kept.

use std::collections::BTreeMap;

use kaltura_mirror::domain::ids::{AccountId, EntryId};
use kaltura_mirror::domain::public_entry::PublicEntry;
use kaltura_mirror::store::{
    FeedAnswer, FeedItem, FeedPage, FeedStart, Gone, Op, PublicShape, PublicShapes, Save, Seen, Store,
};
use proptest::prelude::*;
use proptest::test_runner::Config;
use serde_json::{Value, json};

use crate::store_mirror::house::{CONTENT_PROFILE, House, account_facts, entry, seen_only, synced_as};

const ENTRIES: usize = 5;
const PARTNERS: [i64; 2] = [102, 103];

#[derive(Debug, Clone)]
enum Step {
    /// Looked at, and another title comes in; within these dates from now, if any.
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
    Timer {
        account: usize,
    },
    Prune {
        kept: u64,
    },
    Purge,
    Restart,
    Read {
        reader: usize,
        limit: usize,
    },
    Anew {
        reader: usize,
        limit: usize,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let (account, entry) = (0..PARTNERS.len(), 0..ENTRIES);
    let date = || prop::option::weighted(0.3, prop::sample::select(vec![-20_i64, 0, 5, 30, 200]));
    let withheld = prop::sample::select(vec![
        ("moderationStatus", 1),
        ("accessControlId", 5),
        ("displayInSearch", -2),
        ("status", 4),
        ("status", 3),
    ]);
    prop_oneof![
        8 => (account.clone(), entry.clone(), date(), date())
            .prop_map(|(account, entry, start, end)| Step::Put { account, entry, start, end }),
        3 => (account.clone(), entry.clone(), withheld)
            .prop_map(|(account, entry, (why, value))| Step::Withhold { account, entry, why, value }),
        3 => (account.clone(), entry.clone(), any::<bool>())
            .prop_map(|(account, entry, hidden)| Step::Hide { account, entry, hidden }),
        2 => (account.clone(), entry, any::<bool>())
            .prop_map(|(account, entry, confirmed)| Step::Absent { account, entry, confirmed }),
        3 => prop::sample::select(vec![1_u64, 10, 100]).prop_map(|secs| Step::Pass { secs }),
        1 => account.prop_map(|account| Step::Timer { account }),
        1 => (1_u64..12).prop_map(|kept| Step::Prune { kept }),
        1 => Just(Step::Purge),
        1 => Just(Step::Restart),
        8 => (0..READERS.len(), 1_usize..6).prop_map(|(reader, limit)| Step::Read { reader, limit }),
        1 => (0..READERS.len(), 1_usize..6).prop_map(|(reader, limit)| Step::Anew { reader, limit }),
    ]
}

/// Whose feed each reader follows: both accounts', or that of one.
const READERS: [Option<usize>; 3] = [None, Some(0), Some(1)];

/// A reader and its copy.
struct Reader {
    account: Option<AccountId>,
    start: FeedStart,
    copy: BTreeMap<(String, EntryId), PublicEntry>,
    seqs: BTreeMap<(String, EntryId), i64>,
}

impl Reader {
    fn new(account: Option<AccountId>) -> Self {
        Self { account, start: FeedStart::Initial(account), copy: BTreeMap::new(), seqs: BTreeMap::new() }
    }

    /// Reads a page; says whether it has come to the end.
    async fn read(&mut self, store: &Store, shapes: &PublicShapes, limit: usize) -> bool {
        match store.feed_page(&self.start, limit, shapes).await.unwrap() {
            FeedAnswer::Page(page) => {
                assert!(page.items.len() <= limit);
                self.start = FeedStart::After(reread(&page));
                page.items.into_iter().for_each(|item| self.apply(item));
                !page.more
            }
            FeedAnswer::Gone(gone) => {
                assert_eq!(gone, Gone::Older, "only what was forgotten makes a reader begin anew");
                *self = Self::new(self.account);
                false
            }
        }
    }

    fn apply(&mut self, item: FeedItem) {
        let key = (item.account.clone(), item.id.clone());
        let before = self.seqs.insert(key.clone(), item.seq);
        assert!(before.is_none_or(|before| before < item.seq), "{before:?} {item:?}");
        match (item.op, item.entry) {
            (Op::Put, Some(entry)) => {
                assert!(entry.seq >= item.seq && entry.id == item.id);
                self.copy.insert(key, entry);
            }
            (Op::Drop, None) => drop(self.copy.remove(&key)),
            other => panic!("{other:?}"),
        }
    }
}

/// The token as the reader has it back: from its text.
fn reread(page: &FeedPage) -> kaltura_mirror::store::FeedToken {
    page.next.to_string().parse().unwrap()
}

struct World {
    house: Option<House>,
    readers: Vec<Reader>,
    titles: usize,
}

impl World {
    async fn open() -> Self {
        let house = House::open().await;
        house.store.save_policy(house.account_of(103), &account_facts()).await.unwrap();
        let account = |index: usize| house.account_of(PARTNERS[index]);
        let readers = READERS.map(|whose| Reader::new(whose.map(account))).into();
        Self { house: Some(house), readers, titles: 0 }
    }

    fn house(&self) -> &House {
        self.house.as_ref().unwrap()
    }

    fn shapes(&self) -> PublicShapes {
        let shape = |partner: i64| PublicShape {
            label: format!("label-{partner}"),
            content_profile: Some(CONTENT_PROFILE),
            searchable: ["Topic".to_owned()].into(),
            ..PublicShape::default()
        };
        PARTNERS.map(|partner| (self.house().account_of(partner), shape(partner))).into()
    }

    async fn take(&mut self, step: Step) {
        match step {
            Step::Put { account, entry, start, end } => {
                self.titles += 1;
                let date = |date: Option<i64>| date.map(|offset| self.house().clock.now().as_secs() + offset);
                let edit = json!({
                    "name": format!("Title {}", self.titles), "startDate": date(start), "endDate": date(end),
                });
                self.look(account, entry, edit, synced_as).await;
            }
            Step::Withhold { account, entry, why, value } => {
                // Kaltura's status is a text, all else are numbers.
                let value = if why == "status" { json!(value.to_string()) } else { json!(value) };
                self.look(account, entry, json!({ (why): value }), seen_only).await;
            }
            Step::Hide { account, entry, hidden } => {
                let (house, account) = (self.house(), self.house().account_of(PARTNERS[account]));
                let done = if hidden {
                    house.store.hide(account, &id(entry)).await
                } else {
                    house.store.unhide(account, &id(entry)).await
                };
                done.unwrap();
            }
            Step::Absent { account, entry, confirmed } => {
                let save = Save::Absent { entry_id: id(entry), confirmed };
                self.house().look_for(PARTNERS[account], vec![save]).await;
            }
            Step::Pass { secs } => self.house().pass(secs),
            Step::Timer { account } => {
                let account = self.house().account_of(PARTNERS[account]);
                self.house().store.advance_schedule(account).await.unwrap();
            }
            Step::Prune { kept } => {
                let long_ago = kaltura_mirror::domain::clock::Timestamp::from_millis(0);
                self.house().store.prune_changes(long_ago, kept).await.unwrap();
            }
            Step::Purge => {
                self.house().store.purge_tombstones(self.house().clock.now()).await.unwrap();
            }
            Step::Restart => self.house = Some(self.house.take().unwrap().restart().await),
            Step::Read { reader, limit } => self.read(reader, limit).await,
            Step::Anew { reader, limit } => {
                self.readers[reader] = Reader::new(self.readers[reader].account);
                self.read(reader, limit).await;
            }
        }
    }

    async fn look(&self, account: usize, entry: usize, edit: Value, seen: fn(&str, Value) -> Seen) {
        let seen = seen(id(entry).as_str(), edit);
        self.house().look_for(PARTNERS[account], vec![Save::Seen(Box::new(seen))]).await;
    }

    /// Nothing else happens meanwhile: whoever comes to the end has what is public.
    async fn read(&mut self, reader: usize, limit: usize) {
        let (shapes, store) = (self.shapes(), self.house().store.clone());
        if self.readers[reader].read(&store, &shapes, limit).await {
            self.compare(&self.readers[reader], &shapes).await;
        }
    }

    async fn compare(&self, reader: &Reader, shapes: &PublicShapes) {
        let shapes: PublicShapes = shapes
            .iter()
            .filter(|(id, _)| reader.account.is_none_or(|account| account == **id))
            .map(|(id, shape)| (*id, shape.clone()))
            .collect();
        let public = self.house().store.public_entries(None, 100, &shapes).await.unwrap().items;
        let public: BTreeMap<_, _> =
            public.into_iter().map(|entry| ((entry.account.clone(), entry.id.clone()), entry)).collect();
        assert_eq!(reader.copy, public);
    }

    async fn come_to_rest(&mut self) {
        for reader in 0..self.readers.len() {
            let (shapes, store) = (self.shapes(), self.house().store.clone());
            let mut pages = 0;
            while !self.readers[reader].read(&store, &shapes, 3).await {
                pages += 1;
                assert!(pages < 1_000, "a reader comes to the end");
            }
            self.compare(&self.readers[reader], &shapes).await;
        }
    }
}

fn id(number: usize) -> EntryId {
    entry(&format!("0_entry{number}"))
}

proptest! {
    #![proptest_config(Config { cases: 48, max_shrink_iters: 2_000, failure_persistence: None, ..Config::default() })]

    #[test]
    fn whoever_has_come_to_the_end_has_exactly_what_is_public(steps in prop::collection::vec(step(), 1..120)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut world = World::open().await;
            for step in steps {
                world.take(step).await;
            }
            world.come_to_rest().await;
        });
    }
}
