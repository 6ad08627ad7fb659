//! Sends API notifications as Kaltura's own worker does: same fields, same signature, same manners on the wire. Event
//! notifications go out by [`event`].
//!
//! * [`job`]: one notification to send, of any type; [`form`]: the signed body.
//! * [`Sender`] posts it: POST, 10 s for everything, redirects followed, delivered unless the final status is 4xx or 5xx,
//!   five attempts ten minutes apart, ten jobs a run.
//!
//! Written without a look at how this crate *verifies* notifications: the two check each other.
//! Source: PROTOCOL A.3 to A.7.

pub mod event;
pub mod form;
pub mod job;
mod php;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_TYPE};
use reqwest::redirect::Policy;
use reqwest::{Client, Url};

use crate::domain::clock::Timestamp;
use crate::domain::ids::{NotificationId, PartnerId};
use crate::domain::secret::AdminSecret;
use crate::outbound;
use crate::simulator::jobs::{JobState, NotificationJob};
use crate::simulator::state::SimAccount;

use job::Job;

/// Posts notifications of one account to one URL.
pub struct Sender {
    partner_id: PartnerId,
    secret: AdminSecret,
    endpoint: Url,
    client: Client,
    manners: Manners,
    /// When jobs that failed are due again. Locked for a whole [`Sender::drain`]: there is one worker.
    retries: tokio::sync::Mutex<BTreeMap<NotificationId, Timestamp>>,
    acknowledged: Mutex<Vec<NotificationId>>,
}

/// How patient the worker is. The default is the server's shipped configuration.
#[derive(Debug, Clone, Copy)]
pub struct Manners {
    /// For one whole exchange; 10 s.
    pub timeout: Duration,
    /// Then a notification is lost; 5.
    pub attempts_max: u32,
    /// Between two attempts; 600 s.
    pub retry_after: Duration,
    /// Jobs taken in one run, and so the most in one multi notification; 10.
    pub batch: usize,
}

impl Default for Manners {
    fn default() -> Self {
        Self { timeout: Duration::from_secs(10), attempts_max: 5, retry_after: Duration::from_secs(600), batch: 10 }
    }
}

/// What came of a POST, retries included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The notifications it carried: one, or several of a multi notification.
    pub notifications: Vec<NotificationId>,
    /// How often it was posted.
    pub attempts: u32,
    /// The answer to the last attempt.
    pub answer: Answer,
}

/// The answer to one POST.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The final status, after redirects.
    Status(u16),
    /// No connection, no answer in time, too many redirects: why.
    Failed(String),
}

impl Answer {
    /// Delivered, as the worker sees it: any final status but 4xx and 5xx, an unfollowed 3xx included.
    pub fn is_success(&self) -> bool {
        matches!(self, Self::Status(status) if !matches!(status / 100, 4 | 5))
    }
}

/// A sender that cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The real worker also takes https; the stand-in has no certificates and does not need them on loopback.
    #[error("the notification URL {0:?} is not an http URL: give one such as http://127.0.0.1:8088/notifications")]
    NotHttp(String),
    /// The HTTP client could not be set up.
    #[error("no HTTP client for sending notifications")]
    Client(#[source] reqwest::Error),
}

impl Sender {
    /// A sender with the server's own manners.
    ///
    /// # Errors
    /// [`Error::NotHttp`] when `endpoint` is not an http URL.
    pub fn new(partner_id: PartnerId, secret: AdminSecret, endpoint: &str) -> Result<Self, Error> {
        let url = Url::parse(endpoint).ok().filter(|url| url.scheme() == "http");
        Ok(Self {
            partner_id,
            secret,
            endpoint: url.ok_or_else(|| Error::NotHttp(endpoint.to_owned()))?,
            client: client().map_err(Error::Client)?,
            manners: Manners::default(),
            retries: tokio::sync::Mutex::default(),
            acknowledged: Mutex::default(),
        })
    }

    /// The same sender with other manners: a demo does not wait ten minutes.
    pub fn with_manners(self, manners: Manners) -> Self {
        Self { manners, ..self }
    }

    /// Sends one notification by itself, again after each failure, until it is delivered or given up.
    pub async fn send_single(&self, job: &Job) -> Delivery {
        self.insist(vec![job.id], &form::body_single(job, &self.secret)).await
    }

    /// Sends several notifications in one POST, again after each failure. One answer counts for all.
    pub async fn send_multi(&self, jobs: &[Job]) -> Delivery {
        self.insist(jobs.iter().map(|job| job.id).collect(), &form::body_multi(jobs, &self.secret)).await
    }

    /// Posts a body once, as it is: for bodies that were tampered with.
    pub async fn post(&self, body: String) -> Answer {
        let post = self.client.post(self.endpoint.clone()).timeout(self.manners.timeout);
        let post = post.header(ACCEPT, "*/*").header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        match post.body(body).send().await {
            // The worker reads the answer's text to log it; reading keeps the connection usable, too.
            Ok(answer) => {
                let status = answer.status().as_u16();
                match answer.bytes().await {
                    Ok(_) => Answer::Status(status),
                    Err(error) => Answer::Failed(reasons(&error)),
                }
            }
            Err(error) => Answer::Failed(reasons(&error)),
        }
    }

    /// Sends what is queued and due by the account's clock, run after run of at most ten, until nothing more is due.
    ///
    /// A run goes out as one multi notification when the account allows it. What fails stays queued and is due again
    /// `retry_after` later; after the last attempt it is lost. Jobs queued meanwhile are taken along.
    pub async fn drain(&self, account: &Mutex<SimAccount>) -> Vec<Delivery> {
        let mut retries = self.retries.lock().await;
        let mut deliveries = Vec::new();
        loop {
            let posts = self.next_run(&locked(account), &retries);
            if posts.is_empty() {
                return deliveries;
            }
            for (notifications, body) in posts {
                let answer = self.post(body).await;
                deliveries.push(self.settle(&mut locked(account), &mut retries, notifications, answer));
            }
        }
    }

    /// The notifications that were delivered, in the order they were: the sender's own account for comparing.
    pub fn acknowledged(&self) -> Vec<NotificationId> {
        locked(&self.acknowledged).clone()
    }

    async fn insist(&self, notifications: Vec<NotificationId>, body: &str) -> Delivery {
        let mut attempts = 1;
        let mut answer = self.post(body.to_owned()).await;
        while !answer.is_success() && attempts < self.manners.attempts_max {
            tokio::time::sleep(self.manners.retry_after).await;
            attempts += 1;
            answer = self.post(body.to_owned()).await;
        }
        self.note(&notifications, &answer);
        Delivery { notifications, attempts, answer }
    }

    fn note(&self, notifications: &[NotificationId], answer: &Answer) {
        if answer.is_success() {
            locked(&self.acknowledged).extend(notifications);
        }
    }

    /// The POSTs of one run: what each carries, and its body.
    fn next_run(
        &self,
        account: &SimAccount,
        retries: &BTreeMap<NotificationId, Timestamp>,
    ) -> Vec<(Vec<NotificationId>, String)> {
        let now = account.clock.now();
        let is_due = |queued: &&NotificationJob| {
            queued.state == JobState::Pending && retries.get(&queued.id).is_none_or(|due| *due <= now)
        };
        let due = account.jobs.iter().filter(is_due).take(self.manners.batch);
        let jobs: Vec<Job> = due.map(|queued| Job::from_queued(queued, self.partner_id)).collect();
        if account.allow_multi_notification && !jobs.is_empty() {
            let ids = jobs.iter().map(|job| job.id).collect();
            return vec![(ids, form::body_multi(&jobs, &self.secret))];
        }
        jobs.iter().map(|job| (vec![job.id], form::body_single(job, &self.secret))).collect()
    }

    /// Writes the answer to a POST into the queue.
    fn settle(
        &self,
        account: &mut SimAccount,
        retries: &mut BTreeMap<NotificationId, Timestamp>,
        notifications: Vec<NotificationId>,
        answer: Answer,
    ) -> Delivery {
        self.note(&notifications, &answer);
        let due_again = account.clock.now().plus(self.manners.retry_after);
        let mut attempts = 0;
        for job in account.jobs.iter_mut().filter(|job| notifications.contains(&job.id)) {
            job.attempts += 1;
            attempts = attempts.max(job.attempts);
            retries.remove(&job.id);
            if answer.is_success() {
                job.state = JobState::Sent;
            } else if job.attempts >= self.manners.attempts_max {
                job.state = JobState::Failed;
            } else {
                retries.insert(job.id, due_again);
            }
        }
        Delivery { notifications, attempts, answer }
    }
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender")
            .field("partner_id", &self.partner_id)
            .field("manners", &self.manners)
            .finish_non_exhaustive()
    }
}

/// A client as plain as the worker's: no User-Agent, no Referer, no proxy, no compression asked for.
fn client() -> reqwest::Result<Client> {
    let tls = outbound::no_trust().expect("ring knows the default TLS versions");
    let builder = Client::builder().tls_backend_preconfigured(tls).no_proxy().no_gzip().referer(false);
    builder.redirect(Policy::limited(10)).build()
}

/// The error and what lies beneath it, without the URL.
fn reasons(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    let mut text = if error.is_redirect() { "too many redirects".to_owned() } else { "the transfer failed".to_owned() };
    let mut cause = std::error::Error::source(error);
    while let Some(deeper) = cause {
        text = format!("{text}: {deeper}");
        cause = deeper.source();
    }
    text
}

/// A test that panicked while it held the lock shall not hide its own message behind another panic.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
