//! The client of one account: its session, its pace and its calls.
//!
//! A client asks in one lane ([`Client::in_lane`]); those of all lanes share session, pace and counts.
//!
//! What it can ask is in the files beside this one, each adding its method: `batch` (look), `mark` (mark, add), `policy`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::{Response, StatusCode};
use url::Url;

use super::answer::Answer;
use super::error::{Class, Error, Refusal};
use super::files::{may_pass, redirect_of};
use super::http;
use super::lanes::Lane;
use super::limiter::{Limiter, Pace, Permit};
use super::multirequest::{self, SUB_REQUESTS_MAX, SubRequest};
use super::service_url::ServiceUrl;
use super::session::{self, Live, SecretSource, Session, SessionSettings};
use super::transport::{Bounds, Connection, Transport};
use crate::domain::clock::{Clock, Jitter, Timestamp};
use crate::domain::ids::PartnerId;

/// Who we are to Kaltura and how we speak to it.
#[derive(Debug, Clone)]
pub struct ClientSettings {
    /// The server.
    pub service: ServiceUrl,
    /// The account and its sessions.
    pub session: SessionSettings,
    /// The bounds of one exchange.
    pub bounds: Bounds,
    /// How fast the account may be asked.
    pub pace: Pace,
}

impl ClientSettings {
    /// Everything by default.
    pub fn of(service: ServiceUrl, partner: PartnerId) -> Self {
        Self { service, session: SessionSettings::of(partner), bounds: Bounds::default(), pace: Pace::default() }
    }
}

/// Asks Kaltura about one account, in one lane. Cheap to clone; every method may be called from many tasks at once.
#[derive(Clone)]
pub struct Client {
    account: Arc<Shared>,
    transport: Transport,
}

/// What the clients of all lanes share besides the way.
struct Shared {
    partner: PartnerId,
    session: Session,
    clock: Clock,
    /// Until when captions are not asked for: the server has no such service for us.
    no_captions_until: Mutex<Option<Timestamp>>,
}

/// A service that is not there is asked for again after this time: a plugin may have been turned on.
const NO_SERVICE_FOR: Duration = Duration::from_secs(3600);

/// What came of asking for a file.
pub(super) enum Served {
    /// The file.
    File(Vec<u8>),
    /// It is larger than allowed.
    TooLarge,
    /// It is at this place; the session must not go there.
    Elsewhere(Url),
    /// The server said no.
    Refused(Refusal),
    /// An HTTP status that will not change by itself.
    Status(u16),
}

/// What each request of a multirequest brought.
pub(super) type Outcomes = Vec<Result<Answer, Error>>;

impl Client {
    /// Nothing is asked and no secret read before the first call.
    ///
    /// # Errors
    /// `Setup` when this machine cannot speak HTTPS at all (no certificates).
    pub fn new(
        settings: ClientSettings,
        secret: impl SecretSource + 'static,
        clock: Clock,
        jitter: Jitter,
    ) -> Result<Self, Error> {
        let limiter = Limiter::new(settings.pace, clock.clone(), jitter);
        let transport = Transport::new(settings.service, settings.bounds, limiter)?;
        let account = Shared {
            partner: settings.session.partner,
            session: Session::new(settings.session, Box::new(secret), clock.clone(), session::nonce),
            clock,
            no_captions_until: Mutex::default(),
        };
        Ok(Self { account: Arc::new(account), transport })
    }

    /// The same client, whose calls wait in another lane. A new client's lane is live.
    pub fn in_lane(&self, lane: Lane) -> Self {
        Self { account: Arc::clone(&self.account), transport: self.transport.in_lane(lane) }
    }

    /// The same client for whoever asks on a timetable of his own, also while the server is down: one at a time.
    pub(super) fn insisting(&self) -> Self {
        Self { account: Arc::clone(&self.account), transport: self.transport.insisting() }
    }

    /// Waits for a turn in the lane, for a request that is no call of the API and goes to the same server. It never is the one
    /// that finds out whether a server that was down answers again.
    ///
    /// # Errors
    /// `Resting`, `Down`.
    pub(super) async fn turn(&self) -> Result<Permit<'_>, Error> {
        let limiter = self.transport.limiter();
        match limiter.down() {
            Some((since, until)) => Err(Error::Down { since, until }),
            None => self.transport.permit().await,
        }
    }

    /// The account.
    pub fn partner(&self) -> PartnerId {
        self.account.partner
    }

    /// HTTP requests sent to the API so far.
    pub fn calls(&self) -> u64 {
        self.transport.calls()
    }

    /// The same, by call: `session.start`, `multirequest:look`, `multirequest:mark`, …
    pub fn calls_by_name(&self) -> BTreeMap<&'static str, u64> {
        self.transport.calls_by_name()
    }

    /// Until when this account's calls are refused here because the server asked to slow down.
    pub fn resting_until(&self) -> Option<Timestamp> {
        self.transport.limiter().resting_until()
    }

    /// What a call would be refused with just now, without being sent: `Resting` or `Down`.
    pub fn refusal(&self) -> Option<Error> {
        self.transport.limiter().refusal()
    }

    /// Since when the server has not answered, while it is taken for down.
    pub fn down_since(&self) -> Option<Timestamp> {
        self.transport.limiter().down().map(|(since, _)| since)
    }

    /// When a server that is taken for down is asked again.
    pub fn probed_at(&self) -> Option<Timestamp> {
        self.transport.limiter().down().map(|(_, until)| until)
    }

    /// Whether the last two calls were not answered: then the server is in doubt, and not what was asked.
    pub fn is_suspect(&self) -> bool {
        self.transport.limiter().is_suspect()
    }

    /// When the server last answered, since the start.
    pub fn answered_at(&self) -> Option<Timestamp> {
        self.transport.limiter().answered_at()
    }

    /// Calls at once, and calls a second where there is a limit, as the server bears them just now.
    pub fn allowed(&self) -> (usize, Option<f64>) {
        self.transport.limiter().allowed()
    }

    /// Forgets session and secret; the next call reads the secret again. For SIGHUP.
    pub async fn forget_session(&self) {
        self.account.session.forget().await;
    }

    /// Asks for a file; a refused session is replaced and the file asked for once more.
    ///
    /// # Errors
    /// What is no answer; also a session that is still refused, and throttling.
    pub(super) async fn serve(&self, request: &SubRequest, bytes_max: usize) -> Result<Served, Error> {
        let live = self.account.session.current(&self.transport).await?;
        let mut served = self.serve_with(request, &live, bytes_max).await?;
        if let Some(class) = refused_session(&served)
            && let Some(renewed) = self.account.session.replace(&live, class, &self.transport).await?
        {
            served = self.serve_with(request, &renewed, bytes_max).await?;
        }
        match served {
            Served::Refused(refusal) if refusal.class() == Class::SlowDown || is_session_fault(&refusal.class()) => {
                Err(Error::Refused { call: request.call, refusal })
            }
            served => Ok(served),
        }
    }

    async fn serve_with(&self, request: &SubRequest, live: &Live, bytes_max: usize) -> Result<Served, Error> {
        let call = request.call;
        let response = self.transport.post_for_file(call, &multirequest::single(&live.ks, request)).await?;
        let served = served(call, response, bytes_max, self.transport.timeout()).await;
        let is_throttled = match &served {
            Ok(Served::Refused(refusal)) => refusal.class() == Class::SlowDown,
            Err(error) => error.class() == Class::SlowDown,
            Ok(_) => false,
        };
        if is_throttled {
            self.transport.slow_down();
        }
        served
    }

    /// Whether captions are worth asking for, as far as is known.
    pub(super) fn may_have_captions(&self) -> bool {
        let mut until = self.account.no_captions_until.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.account.clock.now();
        // A moment further ahead than it can have been set is over: somebody set the clock.
        let holds = until.is_some_and(|until| until > now && until.since(now) <= NO_SERVICE_FOR);
        if !holds {
            *until = None;
        }
        !holds
    }

    /// The server has no captions for us, or lets us not have them: it is not asked for a while.
    pub(super) fn has_no_captions(&self) {
        let until = self.account.clock.now().plus(NO_SERVICE_FOR);
        *self.account.no_captions_until.lock().unwrap_or_else(PoisonError::into_inner) = Some(until);
    }

    /// Sends reads; a refused session is replaced and the whole asked once more.
    ///
    /// # Errors
    /// What holds for the whole; also throttling of a part, for the rest is then not worth having.
    pub(super) async fn ask(
        &self,
        call: &'static str,
        requests: &[SubRequest],
        over: Connection,
    ) -> Result<Outcomes, Error> {
        let live = self.account.session.current(&self.transport).await?;
        let mut outcomes = self.send(call, requests, &live, over).await;
        if let Some(class) = session_fault(&outcomes)
            && let Some(renewed) = self.account.session.replace(&live, class, &self.transport).await?
        {
            outcomes = self.send(call, requests, &renewed, over).await;
        }
        let outcomes = outcomes?;
        match throttled(&outcomes) {
            Some(error) => Err(error.clone()),
            None => Ok(outcomes),
        }
    }

    /// Sends writes; with a refused session, only what was refused for it is sent once more.
    ///
    /// Never fails as a whole: what hinders all is said of each, and what may have been carried out is `OutcomeUnknown`.
    pub(super) async fn tell(&self, call: &'static str, requests: &[SubRequest]) -> Outcomes {
        let live = match self.account.session.current(&self.transport).await {
            Ok(live) => live,
            Err(error) => return vec![Err(error); requests.len()],
        };
        let mut outcomes = self.write(call, requests, &live).await;
        let refused: Vec<_> = (0..requests.len()).filter(|index| fault_of(&outcomes[*index]).is_some()).collect();
        let Some(class) = refused.first().and_then(|first| fault_of(&outcomes[*first])) else { return outcomes };
        if let Ok(Some(renewed)) = self.account.session.replace(&live, class, &self.transport).await {
            let again: Vec<_> = refused.iter().map(|index| requests[*index].clone()).collect();
            for (index, outcome) in refused.into_iter().zip(self.write(call, &again, &renewed).await) {
                outcomes[index] = outcome;
            }
        }
        outcomes
    }

    async fn write(&self, call: &'static str, requests: &[SubRequest], live: &Live) -> Outcomes {
        match self.send(call, requests, live, Connection::Kept).await {
            Ok(outcomes) => outcomes.into_iter().map(|outcome| outcome.map_err(Error::after_write)).collect(),
            Err(error) => vec![Err(error.after_write()); requests.len()],
        }
    }

    async fn send(
        &self,
        call: &'static str,
        requests: &[SubRequest],
        live: &Live,
        over: Connection,
    ) -> Result<Outcomes, Error> {
        if requests.len() > SUB_REQUESTS_MAX {
            return Err(Error::Setup(format!(
                "{call}: {} sub-requests, at most {SUB_REQUESTS_MAX} fit",
                requests.len()
            )));
        }
        let outcomes = match requests {
            [] => Ok(Vec::new()),
            // Alone it goes as itself: nothing in it is taken for a reference to another answer.
            [only] => {
                let body = multirequest::single(&live.ks, only);
                self.transport.post(only.call, &body, over).await.map(|answer| vec![answer.checked()])
            }
            several => {
                let body = multirequest::body(&live.ks, several);
                self.transport.post(call, &body, over).await.and_then(|whole| multirequest::answers(whole, several))
            }
        };
        if is_throttled(&outcomes) {
            self.transport.slow_down();
        } else if outcomes.is_ok() {
            self.transport.went_well();
        }
        outcomes
    }
}

/// A file, or one of the ways in which the server says that there is none: an empty body and headers, or an API answer.
async fn served(call: &'static str, response: Response, bytes_max: usize, timeout: Duration) -> Result<Served, Error> {
    if let Some(refusal) = refusal_in_headers(&response) {
        return Ok(Served::Refused(refusal));
    }
    if let Some(url) = redirect_of(&response) {
        return Ok(Served::Elsewhere(url));
    }
    let status = response.status();
    if may_pass(status.as_u16()) {
        return Err(Error::HttpStatus { call, status: status.as_u16(), redirect: None });
    }
    if status != StatusCode::OK {
        return Ok(Served::Status(status.as_u16()));
    }
    let Some(body) = http::body_within(call, response, bytes_max, timeout).await? else { return Ok(Served::TooLarge) };
    Ok(match refusal_in_body(call, &body) {
        Some(refusal) => Served::Refused(refusal),
        None => Served::File(body),
    })
}

/// `X-Kaltura: error- CODE` and `X-Kaltura-App: exiting on error CODE - message`.
fn refusal_in_headers(response: &Response) -> Option<Refusal> {
    let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
    let code = header("x-kaltura")?.strip_prefix("error-")?.trim();
    let said = header("x-kaltura-app").unwrap_or_default();
    let message = said.split_once(" - ").map_or(said, |(_, message)| message);
    Some(Refusal::of_file(code, message))
}

fn refusal_in_body(call: &'static str, body: &[u8]) -> Option<Refusal> {
    let start = String::from_utf8_lossy(&body[..body.len().min(300)]);
    let is_answer = start.starts_with("{\"code\"") || start.contains("<result><error>");
    let answer = if is_answer { Answer::parse(call, body).ok()? } else { return None };
    match answer.accepted() {
        Err(Error::Refused { refusal, .. }) => Some(refusal),
        _ => None,
    }
}

fn refused_session(served: &Served) -> Option<Class> {
    match served {
        Served::Refused(refusal) => Some(refusal.class()).filter(is_session_fault),
        _ => None,
    }
}

fn is_throttled(outcomes: &Result<Outcomes, Error>) -> bool {
    throttled(outcomes.as_deref().unwrap_or_default()).is_some()
        || outcomes.as_ref().is_err_and(|error| error.class() == Class::SlowDown)
}

fn throttled(outcomes: &[Result<Answer, Error>]) -> Option<&Error> {
    outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).find(|error| error.class() == Class::SlowDown)
}

/// Why the session was refused, if it was, anywhere in the answers.
fn session_fault(outcomes: &Result<Outcomes, Error>) -> Option<Class> {
    match outcomes {
        Err(error) => Some(error.class()).filter(is_session_fault),
        Ok(outcomes) => outcomes.iter().find_map(fault_of),
    }
}

fn fault_of(outcome: &Result<Answer, Error>) -> Option<Class> {
    outcome.as_ref().err().map(Error::class).filter(is_session_fault)
}

fn is_session_fault(class: &Class) -> bool {
    matches!(class, Class::NewSession | Class::RereadSecret)
}
