//! Sends event notifications as Kaltura's own worker does: each job to the URL of its template.
//!
//! * [`body`]: the bytes; [`request`]: method, headers and signature around them.
//! * [`EventSender`] posts what is queued: 180 s for everything, redirects followed, delivered with exactly 200 or 204, three
//!   attempts a minute apart.
//!
//! Written without a look at how this crate *verifies* notifications: the two check each other.
//! Source: PROTOCOL B.3 to B.5, the recordings `httpnotification.*`.

pub mod body;
pub mod request;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use request::transfer;

use super::{Answer, Manners, locked};
use crate::domain::clock::Timestamp;
use crate::domain::ids::NotificationId;
use crate::simulator::curl;
use crate::simulator::events::EventJob;
use crate::simulator::jobs::JobState;
use crate::simulator::state::SimAccount;

/// Sends the event notifications of an account.
#[derive(Debug)]
pub struct EventSender {
    manners: Manners,
    /// When jobs that failed are due again. Locked for a whole [`EventSender::drain`]: there is one worker.
    retries: tokio::sync::Mutex<BTreeMap<NotificationId, Timestamp>>,
    delivered: Mutex<Vec<NotificationId>>,
}

impl Manners {
    /// How patient the worker of event notifications is: 180 s, three attempts, a minute between two.
    pub fn of_events() -> Self {
        Self {
            timeout: Duration::from_secs(180),
            attempts_max: 3,
            retry_after: Duration::from_secs(60),
            ..Self::default()
        }
    }
}

/// What came of one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventDelivery {
    /// The job.
    pub id: NotificationId,
    /// Its template.
    pub template_id: i64,
    /// Which attempt it was, from 1.
    pub attempts: u32,
    /// The answer, after redirects.
    pub answer: Answer,
}

impl EventDelivery {
    /// Delivered, as the worker sees it: 200 or 204, and no other status.
    pub fn is_success(&self) -> bool {
        is_delivered(&self.answer)
    }
}

/// Whether an event notification is delivered with that answer.
pub fn is_delivered(answer: &Answer) -> bool {
    matches!(answer, Answer::Status(200 | 204))
}

impl Default for EventSender {
    fn default() -> Self {
        Self::new()
    }
}

impl EventSender {
    /// A sender with the server's own manners.
    pub fn new() -> Self {
        Self { manners: Manners::of_events(), retries: tokio::sync::Mutex::default(), delivered: Mutex::default() }
    }

    /// The same sender with other manners. A template's own timeout comes before the one here.
    pub fn with_manners(self, manners: Manners) -> Self {
        Self { manners, ..self }
    }

    /// Sends what is queued and due by the account's clock, until nothing more is due, the oldest first.
    ///
    /// What fails stays queued and is due again `retry_after` later; after the last attempt it is lost. Jobs queued meanwhile
    /// are taken along.
    pub async fn drain(&self, account: &Mutex<SimAccount>) -> Vec<EventDelivery> {
        let mut retries = self.retries.lock().await;
        let mut deliveries = Vec::new();
        loop {
            let due = self.due(&locked(account), &retries);
            if due.is_empty() {
                return deliveries;
            }
            for job in due {
                let answer = self.send(&job).await;
                deliveries.push(self.settle(&mut locked(account), &mut retries, job.id, answer));
            }
        }
    }

    /// The jobs that were delivered, in the order they were.
    pub fn delivered(&self) -> Vec<NotificationId> {
        locked(&self.delivered).clone()
    }

    async fn send(&self, job: &EventJob) -> Answer {
        let timeout = job.template.timeout_s.map_or(self.manners.timeout, Duration::from_secs);
        match curl::run(&transfer(job), timeout).await {
            Ok(response) => Answer::Status(response.status),
            Err(why) => Answer::Failed(why),
        }
    }

    fn due(&self, account: &SimAccount, retries: &BTreeMap<NotificationId, Timestamp>) -> Vec<EventJob> {
        let now = account.clock.now();
        let is_due =
            |job: &&EventJob| job.state == JobState::Pending && retries.get(&job.id).is_none_or(|due| *due <= now);
        account.events.iter().filter(is_due).take(self.manners.batch).cloned().collect()
    }

    /// Writes the answer to an attempt into the queue. A job that was aborted while it was sent stays aborted.
    fn settle(
        &self,
        account: &mut SimAccount,
        retries: &mut BTreeMap<NotificationId, Timestamp>,
        id: NotificationId,
        answer: Answer,
    ) -> EventDelivery {
        let due_again = account.clock.now().plus(self.manners.retry_after);
        retries.remove(&id);
        if is_delivered(&answer) {
            locked(&self.delivered).push(id);
        }
        let (mut template_id, mut attempts) = (0, 0);
        if let Some(job) = account.events.iter_mut().find(|job| job.id == id) {
            job.attempts += 1;
            (template_id, attempts) = (job.template.id, job.attempts);
            if is_delivered(&answer) {
                job.state = JobState::Sent;
            } else if job.state == JobState::Pending && job.attempts >= self.manners.attempts_max {
                job.state = JobState::Failed;
            } else if job.state == JobState::Pending {
                retries.insert(id, due_again);
            }
        }
        EventDelivery { id, template_id, attempts, answer }
    }
}
