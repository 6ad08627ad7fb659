//! The handle: starting, stopping, looking in, editing, and asking for trouble.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::domain::clock::Timestamp;
use crate::domain::ids::PartnerId;

use super::calls::{Call, CallLog};
use super::faults::{Fault, Faults, When};
use super::server::Running;
use super::shared::{Shared, lock};
use super::state::SimAccount;
use super::triggers::{Moment, Triggers};

/// What to start with.
#[derive(Debug, Clone)]
pub struct Options {
    /// What the account holds at first.
    pub account: SimAccount,
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// How long every API answer takes at least.
    pub latency: Duration,
}

impl Options {
    /// That account on a free port of the loopback interface, answering at once.
    pub fn new(account: SimAccount) -> Self {
        Self { account, listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), latency: Duration::ZERO }
    }
}

/// A stand-in Kaltura with one account. Every clone is the same one; it stops when the last is dropped.
#[derive(Clone)]
pub struct Simulator {
    shared: Arc<Shared>,
    address: SocketAddr,
    running: Arc<Mutex<Option<Running>>>,
}

impl Simulator {
    /// Starts it; requests are answered from then on.
    ///
    /// # Errors
    /// The address cannot be bound.
    pub async fn start(options: Options) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            account: Mutex::new(options.account),
            log: Mutex::new(CallLog::default()),
            faults: Mutex::new(Faults::default()),
            triggers: Mutex::new(Triggers::default()),
            latency: Mutex::new(options.latency),
        });
        let state = Arc::clone(&shared);
        let own_urls = move |address: SocketAddr| {
            let account = &mut *lock(&state.account);
            for url in [&mut account.service_url, &mut account.cdn_url] {
                if url.is_empty() {
                    *url = format!("http://{address}");
                }
            }
        };
        let running = Running::start(options.listen, Arc::clone(&shared), own_urls).await?;
        Ok(Self { shared, address: running.address(), running: Arc::new(Mutex::new(Some(running))) })
    }

    /// Frees the port and closes every connection; the account stays as it is. Does nothing when it is stopped.
    pub async fn stop(&self) {
        let running = lock(&self.running).take();
        if let Some(running) = running {
            running.stop().await;
        }
    }

    /// Serves again on the same port after a [`Simulator::stop`]. Does nothing when it runs.
    ///
    /// # Errors
    /// The port is taken by now.
    pub async fn restart(&self) -> io::Result<()> {
        if lock(&self.running).is_some() {
            return Ok(());
        }
        let running = Running::start(self.address, Arc::clone(&self.shared), |_| {}).await?;
        *lock(&self.running) = Some(running);
        Ok(())
    }

    /// For example `http://127.0.0.1:40511`, without a final slash: the `service_url` of a configuration.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The account's number.
    pub fn partner_id(&self) -> PartnerId {
        self.read(|account| account.partner_id)
    }

    /// The account's secret.
    pub fn admin_secret(&self) -> String {
        self.read(|account| account.admin_secret.clone())
    }

    /// Looks into the account; no request is answered meanwhile.
    pub fn read<T>(&self, look: impl FnOnce(&SimAccount) -> T) -> T {
        look(&lock(&self.shared.account))
    }

    /// Changes the account in any way. What a person does in the console, with what follows from it, is in
    /// [`super::edits`] and the methods named after it.
    pub fn edit<T>(&self, change: impl FnOnce(&mut SimAccount) -> T) -> T {
        change(&mut lock(&self.shared.account))
    }

    /// The account behind its lock, for a sender of its notifications.
    pub fn account(&self) -> &Mutex<SimAccount> {
        &self.shared.account
    }

    /// The latest 20,000 calls since the last reset, oldest first; calls of a multirequest each their own.
    pub fn calls(&self) -> Vec<Call> {
        lock(&self.shared.log).calls()
    }

    /// When each of the latest 200,000 HTTP requests to the API came: by the account's clock, and by the machine's own, for whoever
    /// counts how fast they come while that clock is moved by hand.
    pub fn requests(&self) -> Vec<(Timestamp, Instant)> {
        lock(&self.shared.log).requests()
    }

    /// How often an action was called, for example `metadata_metadata.list`.
    pub fn count(&self, service_action: &str) -> usize {
        lock(&self.shared.log).count(service_action)
    }

    /// The text of every session that came with a call since the last reset, good or not.
    pub fn sessions(&self) -> Vec<String> {
        lock(&self.shared.log).sessions()
    }

    /// HTTP requests to the API: what "API calls an entry" counts.
    pub fn http_requests(&self) -> usize {
        lock(&self.shared.log).http_requests()
    }

    /// HTTP requests for pictures.
    pub fn image_requests(&self) -> usize {
        lock(&self.shared.log).image_requests()
    }

    /// HTTP requests for files of captions, which come through the API and are not counted there.
    pub fn file_requests(&self) -> usize {
        lock(&self.shared.log).file_requests()
    }

    /// Forgets what was called.
    pub fn reset_calls(&self) {
        *lock(&self.shared.log) = CallLog::default();
    }

    /// Lets something happen just before the next such call.
    ///
    /// It gets the account, which nobody else can reach meanwhile: a use of this handle inside would wait for ever.
    pub fn before_call(&self, service_action: &str, happening: impl FnOnce(&mut SimAccount) + Send + 'static) {
        self.before_nth_call(service_action, 1, happening);
    }

    /// Lets something happen just before the `nth` such call from now (1 is the next).
    pub fn before_nth_call(
        &self,
        service_action: &str,
        nth: u32,
        happening: impl FnOnce(&mut SimAccount) + Send + 'static,
    ) {
        lock(&self.shared.triggers).plan(Moment::Before, service_action, nth, Box::new(happening));
    }

    /// Lets something happen just after the next such call, before the call that follows it in a multirequest.
    pub fn after_call(&self, service_action: &str, happening: impl FnOnce(&mut SimAccount) + Send + 'static) {
        self.after_nth_call(service_action, 1, happening);
    }

    /// Lets something happen just after the `nth` such call from now (1 is the next).
    pub fn after_nth_call(
        &self,
        service_action: &str,
        nth: u32,
        happening: impl FnOnce(&mut SimAccount) + Send + 'static,
    ) {
        lock(&self.shared.triggers).plan(Moment::After, service_action, nth, Box::new(happening));
    }

    /// How many things planned between calls have not happened yet.
    pub fn triggers_left(&self) -> usize {
        lock(&self.shared.triggers).left()
    }

    /// Lets something go wrong from now on.
    pub fn fault(&self, when: When, fault: Fault) {
        let account = lock(&self.shared.account);
        lock(&self.shared.faults).plan(when, fault, &account);
    }

    /// Answers this many HTTP requests to the API a second of the account's clock; each call of those above is
    /// `ACTION_BLOCKED`. `None` is no limit.
    pub fn limit_rate(&self, per_second: Option<u32>) {
        lock(&self.shared.faults).limit_rate(per_second);
    }

    /// Lets lists know of changes only so long after they were made; zero is at once. What reads the database knows all the same.
    pub fn set_index_lag(&self, lag: Duration) {
        lock(&self.shared.account).index.set_lag(lag);
    }

    /// Everything goes right again, and lists know of everything; what hangs keeps hanging.
    pub fn heal(&self) {
        self.set_index_lag(Duration::ZERO);
        lock(&self.shared.faults).heal();
    }

    /// How long every API answer takes at least.
    pub fn set_latency(&self, latency: Duration) {
        *lock(&self.shared.latency) = latency;
    }
}

/// The actions it knows, for example `metadata_metadata.update`.
pub fn actions() -> Vec<String> {
    super::services::names().collect()
}

impl fmt::Debug for Simulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulator").field("url", &self.url()).finish_non_exhaustive()
    }
}
