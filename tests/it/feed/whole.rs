//! The whole house: editors work, dates pass, the daemon restarts, and a reader polls and follows by turns, breaks off,
//! forgets everything and begins anew. In the end it has exactly what visitors get.

use std::time::Duration;

use kaltura_mirror::domain::ids::EntryId;
use kaltura_mirror::simulator::edits;
use proptest::prelude::*;
use proptest::test_runner::Config;
use serde_json::Value;

use super::NEEDED;
use super::reader::{Mirrored, Stream, next};
use crate::house::{House, http};

const VIDEOS: usize = 6;

#[derive(Debug, Clone)]
enum Step {
    Rename { video: usize },
    Recycle { video: usize, recycled: bool },
    Hide { video: usize, hidden: bool },
    Schedule { video: usize, start: Option<i64>, end: Option<i64> },
    Delete { video: usize },
    Pass { secs: u64 },
    Restart,
    Poll { limit: usize },
    Follow { events: usize },
    Forget,
}

fn step() -> impl Strategy<Value = Step> {
    let video = 0..VIDEOS;
    let date = || prop::option::weighted(0.6, prop::sample::select(vec![-100_i64, 30, 90, 600]));
    prop_oneof![
        5 => video.clone().prop_map(|video| Step::Rename { video }),
        2 => (video.clone(), any::<bool>()).prop_map(|(video, recycled)| Step::Recycle { video, recycled }),
        2 => (video.clone(), any::<bool>()).prop_map(|(video, hidden)| Step::Hide { video, hidden }),
        3 => (video.clone(), date(), date()).prop_map(|(video, start, end)| Step::Schedule { video, start, end }),
        1 => video.prop_map(|video| Step::Delete { video }),
        4 => prop::sample::select(vec![5_u64, 65, 300]).prop_map(|secs| Step::Pass { secs }),
        1 => Just(Step::Restart),
        5 => (1_usize..5).prop_map(|limit| Step::Poll { limit }),
        3 => (1_usize..6).prop_map(|events| Step::Follow { events }),
        1 => Just(Step::Forget),
    ]
}

struct World {
    /// Absent only in the middle of a restart.
    house: Option<House>,
    videos: Vec<EntryId>,
    titles: usize,
    mirrored: Mirrored,
    token: Option<String>,
}

impl World {
    async fn open() -> Self {
        let house = House::open().await;
        let videos = (0..VIDEOS).map(|number| house.new_video(&format!("Video {number}"), Some(NEEDED))).collect();
        house.deliver().await;
        Self { house: Some(house), videos, titles: 0, mirrored: Mirrored::default(), token: None }
    }

    fn house(&self) -> &House {
        self.house.as_ref().unwrap()
    }

    fn query(&self) -> String {
        self.token.as_ref().map_or_else(|| "initial=true".to_owned(), |token| format!("since={token}"))
    }

    /// What is done at Kaltura is hinted and not waited for: readers read while the daemon works.
    async fn take(&mut self, step: Step) {
        let kaltura = &self.house().kaltura;
        match step {
            Step::Rename { video } => {
                self.titles += 1;
                let (id, name) = (&self.videos[video], format!("Title {}", self.titles));
                self.house().kaltura.edit(|account| {
                    edits::update_entry(account, id, |entry| entry.name.clone_from(&name));
                    edits::set_sync_status(account, id, Some("Sync Needed"));
                });
                self.house().hint(&[id]).await;
            }
            Step::Recycle { video, recycled } => {
                let id = &self.videos[video];
                if recycled {
                    kaltura.recycle_entry(id)
                } else {
                    kaltura.restore_entry(id)
                }
                self.house().hint(&[id]).await;
            }
            Step::Hide { video, hidden } => {
                let (store, account, id) = (&self.house().daemon.store, self.house().account(), &self.videos[video]);
                if hidden {
                    store.hide(account, id).await.unwrap()
                } else {
                    store.unhide(account, id).await.unwrap()
                };
            }
            Step::Schedule { video, start, end } => {
                let date = |offset: Option<i64>| offset.map(|offset| self.house().clock.now().as_secs() + offset);
                kaltura.set_schedule(&self.videos[video], date(start), date(end));
                self.house().hint(&[&self.videos[video]]).await;
            }
            Step::Delete { video } => {
                let another = self.house().new_video("Another", Some(NEEDED));
                let id = std::mem::replace(&mut self.videos[video], another);
                self.house().kaltura.edit(|account| edits::delete_entry(account, &id));
                self.house().hint(&[&id, &self.videos[video]]).await;
            }
            Step::Pass { secs } => self.house().clock.advance(Duration::from_secs(secs)),
            Step::Restart => self.house = Some(self.house.take().unwrap().restart().await),
            Step::Poll { limit } => drop(self.poll(limit).await),
            Step::Follow { events } => self.follow(events).await,
            Step::Forget => (self.mirrored, self.token) = (Mirrored::default(), None),
        }
    }

    /// Reads a page; says whether there is more.
    async fn poll(&mut self, limit: usize) -> bool {
        let path = format!("/api/v1/changes?{}&limit={limit}", self.query());
        let answer = http::get(self.house().daemon.public, &path).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let page = answer.json();
        page["items"].as_array().unwrap().iter().for_each(|item| self.mirrored.apply(item));
        self.token = Some(next(&page));
        page["more"].as_bool().unwrap()
    }

    /// Follows until this many events have come or the stream has nothing to say, then breaks off.
    async fn follow(&mut self, events: usize) {
        let mut stream = Stream::open(self.house().daemon.public, &self.query(), &[]).await;
        for _ in 0..events {
            let Ok(event) = tokio::time::timeout(Duration::from_millis(100), stream.next()).await else { break };
            if let Some(item) = event.expect("the stream goes on").item() {
                self.mirrored.apply(&item);
            }
        }
        self.token = stream.last_id.take().or(self.token.take());
    }

    async fn come_to_rest(&mut self) {
        // Whatever waits for its second look, or for its turn.
        for _ in 0..3 {
            self.house().pass(Duration::from_secs(700)).await;
        }
        while self.poll(3).await {}
        let mut public = self.house().public_entries().await;
        public.sort_by_key(|entry| entry["id"].as_str().unwrap().to_owned());
        let told: Vec<_> = self.mirrored.entries().into_iter().map(without_what_moves).collect();
        assert_eq!(told, public.iter().map(without_what_moves).collect::<Vec<_>>());
    }
}

/// An entry without what moves by itself, of which no change is told: the same content may come in again.
fn without_what_moves(entry: &Value) -> Value {
    let mut entry = entry.clone();
    for name in ["updatedAt", "plays", "views", "syncedAt"] {
        entry.as_object_mut().unwrap().remove(name);
    }
    entry
}

proptest! {
    // Each is a whole house with restarts: few, and not made smaller when one fails.
    #![proptest_config(Config { cases: 6, max_shrink_iters: 0, failure_persistence: None, ..Config::default() })]

    #[test]
    fn a_reader_that_polls_and_follows_by_turns_ends_with_exactly_what_visitors_get(
        steps in prop::collection::vec(step(), 40..60),
    ) {
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
