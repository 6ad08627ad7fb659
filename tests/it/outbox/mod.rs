//! The outbox: what hooks are told, in which order, how often, and what *Sync Done* waits for.
//!
//! | file | what is promised |
//! |---|---|
//! | `telling` | one fact, at most one event a hook, and nobody hears what is not for him |
//! | `order` | one entry's deliveries in their order, at least once, under the same names |
//! | `hooks` | hooks that come, go, change and are disabled; lists and old rows |
//! | `forward` | raw copies of verified requests |
//! | `gate` | which deliveries a mark waits for |
//! | `turns` | a claim that waits for its turn to write |
//! | `walk` | a whole daemon with required hooks, and what happens meanwhile |
//! | `crash` | stopped between any two of save, emit, settle, deliver, record, mark |

mod crash;
mod forward;
mod gate;
mod hooks;
mod order;
mod telling;
mod turns;
mod walk;

use std::time::Duration;

use kaltura_mirror::domain::clock::Timestamp;
use kaltura_mirror::domain::hook::{Audience, HookEvent};
use kaltura_mirror::store::{
    AttemptReport, ClaimedDelivery, DeliveryContent, DeliveryFilter, DeliveryOutcome, DeliveryState, HookSpec,
    HookState, HookWhat, Noted, PublicShape, PublicShapes, Store,
};
use serde_json::Value;

use crate::store_mirror::house::{CONTENT_PROFILE, House};

const LEASE: Duration = Duration::from_secs(60);

fn hook(name: &str, events: &[HookEvent], audience: Audience, required: bool) -> HookSpec {
    HookSpec { name: name.into(), what: HookWhat::Events { events: events.to_vec(), audience, required } }
}

/// Hears of everything that visitors may see.
fn listener(name: &str) -> HookSpec {
    hook(name, &HookEvent::ALL, Audience::Public, false)
}

/// Must hear of a sync before the mark.
fn required(name: &str) -> HookSpec {
    hook(name, &HookEvent::ALL, Audience::Public, true)
}

fn attempt(at: Timestamp, detail: &str) -> AttemptReport {
    AttemptReport { at, took: Duration::from_millis(12), status: Some(200), detail: detail.into() }
}

/// A deliverer as the hooks room is one, driven by hand.
struct Deliverer<'a> {
    store: &'a Store,
    shapes: PublicShapes,
    now: Timestamp,
}

impl<'a> Deliverer<'a> {
    fn of(store: &'a Store, now: Timestamp) -> Self {
        let shape = |label: &str| PublicShape {
            label: label.into(),
            content_profile: Some(CONTENT_PROFILE),
            searchable: ["Topic".to_owned()].into(),
            ..PublicShape::default()
        };
        let shapes = store.accounts().iter().map(|account| (account.id, shape(&account.label))).collect();
        Self { store, shapes, now }
    }

    async fn claim(&self, hook: &str) -> Vec<ClaimedDelivery> {
        self.store.claim_deliveries(hook, 100, LEASE, &self.shapes).await.unwrap()
    }

    async fn record(&self, claimed: ClaimedDelivery, outcome: DeliveryOutcome) -> Noted {
        let detail = if outcome == DeliveryOutcome::Delivered { "ok" } else { "it did not want it" };
        self.store.record_delivery(claimed, outcome, attempt(self.now, detail)).await.unwrap()
    }

    /// Delivers all that is due, and what that lets through; the payloads, in order.
    async fn deliver(&self, hook: &str) -> Vec<Value> {
        let mut bodies = Vec::new();
        loop {
            let claimed = self.claim(hook).await;
            if claimed.is_empty() {
                return bodies;
            }
            for one in claimed {
                bodies.push(payload(&one));
                assert_eq!(self.record(one, DeliveryOutcome::Delivered).await, Noted::Noted);
            }
        }
    }

    /// The same, in two words each.
    async fn told(&self, hook: &str) -> Vec<String> {
        self.deliver(hook).await.iter().map(two_words).collect()
    }

    /// Attempts all that is due, and gives it up.
    async fn give_up(&self, hook: &str) -> usize {
        let claimed = self.claim(hook).await;
        let given_up = claimed.len();
        for one in claimed {
            self.record(one, DeliveryOutcome::Dead).await;
        }
        given_up
    }
}

/// Event and cause.
fn two_words(payload: &Value) -> String {
    let event = payload["type"].as_str().unwrap().trim_start_matches("entry.");
    format!("{event} {}", payload["data"]["cause"].as_str().unwrap())
}

fn payload(claimed: &ClaimedDelivery) -> Value {
    match &claimed.content {
        DeliveryContent::Event { body, .. } | DeliveryContent::Test { body, .. } => serde_json::from_str(body).unwrap(),
        DeliveryContent::Raw { .. } => panic!("a raw copy"),
    }
}

impl House {
    /// An open house with these hooks.
    async fn with_hooks(hooks: Vec<HookSpec>) -> Self {
        let house = Self::open().await;
        house.store.set_hooks(hooks).await.unwrap();
        house
    }

    fn deliverer(&self) -> Deliverer<'_> {
        Deliverer::of(&self.store, self.clock.now())
    }

    /// How many deliveries stand so.
    async fn standing(&self, state: DeliveryState) -> usize {
        let filter = DeliveryFilter { state: Some(state), ..DeliveryFilter::default() };
        self.store.deliveries(&filter).await.unwrap().len()
    }

    async fn hook_state(&self, name: &str) -> HookState {
        let states = self.store.hook_states().await.unwrap();
        states.into_iter().find(|state| state.spec.name == name).unwrap()
    }
}
