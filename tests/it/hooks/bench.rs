//! Hooks on a data directory of their own: what they are told is put there by hand, and their time is moved by hand.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use kaltura_mirror::domain::clock::{Clock, Jitter};
use kaltura_mirror::domain::hook::{Audience, DeliveryId, HookEvent};
use kaltura_mirror::domain::ids::PartnerId;
use kaltura_mirror::hooks::{Calls, Hooks, Listeners, Names, Running, Secrets, Setup, SigningKeys, World};
use kaltura_mirror::store::{
    AccountSpec, DeliveryFilter, DeliveryRow, DeliveryState, HookSpec, HookWhat, PublicShapes, Store,
};
use tempfile::TempDir;
use tokio::sync::watch;

use crate::house::START;
use kaltura_mirror::simulator::sink::Sink;

/// The hook's secret, unless a test gives another.
pub const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// Hooks at work.
pub struct Bench {
    pub store: Store,
    pub clock: Clock,
    pub hooks: Arc<Hooks>,
    running: Option<Running>,
    setups: Vec<Setup>,
    names: Names,
    own: Listeners,
    dir: TempDir,
}

/// A hook of this name that calls a sink.
pub fn to(name: &str, sink: &Sink) -> Setup {
    calling(name, Calls::Url { url: sink.url().parse().unwrap(), allow_private: true })
}

/// A hook of this name that calls somebody.
pub fn calling(name: &str, calls: Calls) -> Setup {
    let keys = SigningKeys::new(SECRET.parse().unwrap(), None);
    Setup {
        name: name.to_owned(),
        calls,
        timeout: Duration::from_secs(60),
        concurrency: 2,
        secrets: Secrets { keys: Some(keys), ..Secrets::default() },
    }
}

impl Bench {
    /// These hooks, at work.
    pub async fn with(setups: Vec<Setup>) -> Self {
        Self::among(setups, Names::fixed([]), Listeners::default()).await
    }

    /// The same, in a world where these names are known and our own servers are there.
    pub async fn among(setups: Vec<Setup>, names: Names, own: Listeners) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Clock::manual(START);
        let store = open(&dir, &clock).await;
        let spec = |setup: &Setup| HookSpec {
            name: setup.name.clone(),
            what: HookWhat::Events { events: vec![HookEvent::Synced], audience: Audience::Public, required: false },
        };
        store.set_hooks(setups.iter().map(spec).collect()).await.unwrap();
        let hooks = made(&setups, &store, &clock, &names, &own);
        let running = Some(hooks.start());
        Self { store, clock, hooks, running, setups, names, own, dir }
    }

    /// Has a hook told of something.
    pub async fn tell(&self, hook: &str) -> DeliveryId {
        let account = self.store.accounts()[0].id;
        self.store.add_test_delivery(hook, account).await.unwrap().unwrap()
    }

    /// Lets the hooks deliver what is due.
    pub async fn rest(&self) {
        tokio::time::timeout(crate::house::PATIENCE, self.hooks.idle()).await.expect("the hooks come to rest").unwrap();
    }

    /// Has a hook told of something, and lets it be delivered.
    pub async fn told(&self, hook: &str) -> DeliveryRow {
        let id = self.tell(hook).await;
        self.rest().await;
        self.delivery(&id).await
    }

    /// Lets that much time pass, and what is due by then be delivered.
    pub async fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
        self.rest().await;
    }

    /// How a delivery stands.
    pub async fn delivery(&self, id: &DeliveryId) -> DeliveryRow {
        let all = self.store.deliveries(&DeliveryFilter::default()).await.unwrap();
        all.into_iter().find(|row| row.id == *id).unwrap()
    }

    /// The deliveries that stand so.
    pub async fn listed(&self, state: DeliveryState) -> Vec<DeliveryRow> {
        let filter = DeliveryFilter { state: Some(state), ..DeliveryFilter::default() };
        self.store.deliveries(&filter).await.unwrap()
    }

    /// Stops the hooks without waiting for what is under way.
    pub async fn break_off(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop(Duration::ZERO).await;
        }
    }

    /// Ends as a killed process does, and starts again on the same data directory.
    pub async fn restart(mut self) -> Self {
        self.break_off().await;
        let Self { store, clock, hooks, setups, names, own, dir, .. } = self;
        drop(hooks);
        store.close().await;
        drop(store);
        let store = open(&dir, &clock).await;
        let hooks = made(&setups, &store, &clock, &names, &own);
        let running = Some(hooks.start());
        Self { store, clock, hooks, running, setups, names, own, dir }
    }

    /// Puts another secret in force for a hook.
    pub fn renew(&self, hook: &str, secrets: Secrets) {
        self.hooks.renew_secrets(BTreeMap::from([(hook.to_owned(), secrets)]));
    }
}

/// This machine.
pub fn loopback() -> IpAddr {
    "127.0.0.1".parse().unwrap()
}

async fn open(dir: &TempDir, clock: &Clock) -> Store {
    let account = AccountSpec {
        partner_id: PartnerId(102),
        service_url: "https://kaltura.example/".to_owned(),
        label: "102".to_owned(),
    };
    Store::open(dir.path(), &[account], clock.clone()).await.unwrap()
}

fn made(setups: &[Setup], store: &Store, clock: &Clock, names: &Names, own: &Listeners) -> Arc<Hooks> {
    let world = World {
        store: store.clone(),
        shapes: watch::Sender::new(Arc::<PublicShapes>::default()).subscribe(),
        clock: clock.clone(),
        jitter: Jitter::fixed(0.5),
        names: names.clone(),
        own: own.clone(),
    };
    Hooks::new(setups.to_vec(), &world).unwrap()
}
