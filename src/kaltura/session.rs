//! The account's session: made once, kept, renewed before it ends and when the server refuses it.
//!
//! Many workers share it. Whoever finds it refused first renews it, the others wait and take what comes: one refusal, one
//! renewal, however many heard it.

use std::time::Duration;

use tokio::sync::Mutex;

use super::error::{Class, Error};
use super::ks::{self, Claims, KsVersion, SessionKind};
use super::session_start::{self, Started, TokenHash};
use super::transport::Transport;
use crate::domain::clock::{Clock, Timestamp};
use crate::domain::ids::PartnerId;
use crate::domain::secret::{AdminSecret, Ks};

/// A secret's file is read again at most this often, however many sessions are refused.
const REREAD_EVERY: Duration = Duration::from_secs(60);

/// Sees everything, whatever category protects it. Without it entries are missing and `get` answers as if they were deleted.
pub(super) const PRIVILEGES: &str = "disableentitlement";

/// Where the account's secret comes from. Reading again brings a changed one.
pub trait SecretSource: Send + Sync {
    /// The secret as it stands now; may read a file.
    ///
    /// # Errors
    /// Why there is none, for people, without any of it.
    fn read(&self) -> Result<AdminSecret, String>;
}

impl SecretSource for AdminSecret {
    fn read(&self) -> Result<AdminSecret, String> {
        Ok(self.clone())
    }
}

impl<F: Fn() -> Result<AdminSecret, String> + Send + Sync> SecretSource for F {
    fn read(&self) -> Result<AdminSecret, String> {
        self()
    }
}

/// How a session is come by.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum SessionWay {
    /// Made here from the admin secret.
    #[default]
    Local,
    /// Asked of the server with `session.start` and the admin secret.
    Start,
    /// Asked of the server with an application token; the client's secret is then the token. The token itself must give an
    /// administrator's session with the privilege `disableentitlement`.
    AppToken {
        /// The token's id.
        id: String,
    },
}

/// What sessions are made like.
#[derive(Debug, Clone)]
pub struct SessionSettings {
    /// The account.
    pub partner: PartnerId,
    /// The user who acts, as the account names them; empty for the account itself.
    pub user: String,
    /// Made here or asked for.
    pub way: SessionWay,
    /// Which KS is made here; the server chooses its own.
    pub version: KsVersion,
    /// How long a session lives; renewed at 80 % of it. The default is a day.
    pub lifetime: Duration,
}

impl SessionSettings {
    /// Version 2, made here, a day long.
    pub fn of(partner: PartnerId) -> Self {
        let (way, version) = (SessionWay::default(), KsVersion::default());
        Self { partner, user: String::new(), way, version, lifetime: Duration::from_secs(86_400) }
    }
}

/// Draws the random part of a KS.
pub(super) type Nonce = fn() -> [u8; 16];

/// From the system's source of randomness, or a weaker one where that fails: uniqueness is all a KS needs of it.
pub(super) fn nonce() -> [u8; 16] {
    let mut bytes = [0; 16];
    if getrandom::fill(&mut bytes).is_err() {
        fastrand::fill(&mut bytes);
    }
    bytes
}

pub(super) struct Session {
    settings: SessionSettings,
    source: Box<dyn SecretSource>,
    clock: Clock,
    nonce: Nonce,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    secret: Option<AdminSecret>,
    reread_at: Option<Timestamp>,
    live: Option<Live>,
    generation: u64,
    /// How the application token is hashed, once it is known.
    hash: Option<TokenHash>,
    /// No session was given lately, and none would be now.
    refused: Option<(Timestamp, Error)>,
}

/// A session in use. Two with the same generation are the same.
#[derive(Debug, Clone)]
pub(super) struct Live {
    pub(super) ks: Ks,
    renew_at: Timestamp,
    generation: u64,
}

impl Session {
    pub(super) fn new(settings: SessionSettings, source: Box<dyn SecretSource>, clock: Clock, nonce: Nonce) -> Self {
        Self { settings, source, clock, nonce, state: Mutex::default() }
    }

    /// The session to use now; a new one when there is none or it has lived 80 % of its life.
    ///
    /// # Errors
    /// `Setup` without a secret; with `session.start`, whatever that call brings.
    pub(super) async fn current(&self, transport: &Transport) -> Result<Live, Error> {
        let mut state = self.state.lock().await;
        match &state.live {
            Some(live) if self.clock.now() < live.renew_at => Ok(live.clone()),
            _ => self.renew(&mut state, transport).await,
        }
    }

    /// What to try after the server refused `refused`: a session somebody else has renewed meanwhile, or a new one.
    /// `None` when there is nothing new to try.
    ///
    /// A session the server does not know calls for the secret to be read again, at most once a minute; in between nothing
    /// is tried, for the secret may be right and the server without its database.
    ///
    /// # Errors
    /// As [`Session::current`].
    pub(super) async fn replace(
        &self,
        refused: &Live,
        why: Class,
        transport: &Transport,
    ) -> Result<Option<Live>, Error> {
        let mut state = self.state.lock().await;
        if let Some(live) = state.live.as_ref().filter(|live| live.generation != refused.generation) {
            return Ok(Some(live.clone()));
        }
        let renewable = match why {
            Class::NewSession => true,
            Class::RereadSecret => self.reread(&mut state),
            _ => false,
        };
        if renewable { self.renew(&mut state, transport).await.map(Some) } else { Ok(None) }
    }

    /// Forgets session and secret: the next call reads and makes them anew.
    pub(super) async fn forget(&self) {
        let mut state = self.state.lock().await;
        (state.secret, state.live, state.reread_at, state.refused) = (None, None, None, None);
    }

    async fn renew(&self, state: &mut State, transport: &Transport) -> Result<Live, Error> {
        let now = self.clock.now();
        let Started { ks, expires } = match self.settings.way {
            SessionWay::Local => Started { ks: self.made_here(&self.secret(state)?, now), expires: None },
            SessionWay::Start | SessionWay::AppToken { .. } => self.started(state, transport).await?,
        };
        // The server may grant less than was asked. It says so by its own clock: a life of nothing is a clock that is ahead.
        let granted = expires.map(|end| end.since(now)).filter(|life| !life.is_zero());
        let life = granted.unwrap_or(self.settings.lifetime).min(self.settings.lifetime);
        state.generation += 1;
        let live = Live { ks, renew_at: now.plus(life.mul_f64(0.8)), generation: state.generation };
        state.live = Some(live.clone());
        Ok(live)
    }

    fn made_here(&self, secret: &AdminSecret, now: Timestamp) -> Ks {
        let SessionSettings { partner, user, version, lifetime, .. } = &self.settings;
        let claims = Claims {
            partner: *partner,
            user: user.clone(),
            kind: SessionKind::Admin,
            expires: now.plus(*lifetime),
            privileges: PRIVILEGES.to_owned(),
        };
        ks::make(*version, secret, &claims, (self.nonce)())
    }

    /// Asks the server for a session. A secret it takes for wrong is read again. What is refused is not tried again for a minute:
    /// asking costs up to five calls and changes nothing.
    async fn started(&self, state: &mut State, transport: &Transport) -> Result<Started, Error> {
        let now = self.clock.now();
        let secret = self.secret(state)?;
        if let Some((at, error)) = &state.refused
            && now >= *at
            && now.since(*at) < REREAD_EVERY
        {
            return Err(error.clone());
        }
        let refused = match self.start(state, &secret, transport).await {
            Err(error) if error.is_of_session() && error.class() == Class::Degraded => error,
            other => return other,
        };
        let is_secret_wrong = session_start::is_wrong_secret(&refused);
        let changed = is_secret_wrong && self.reread(state) && self.secret(state)?.expose() != secret.expose();
        if changed {
            let secret = self.secret(state)?;
            return self.start(state, &secret, transport).await;
        }
        state.refused = Some((now, refused.clone()));
        Err(refused)
    }

    async fn start(&self, state: &mut State, secret: &AdminSecret, transport: &Transport) -> Result<Started, Error> {
        match &self.settings.way {
            SessionWay::AppToken { id } => {
                let token = (secret, state.hash);
                let (started, hash) = session_start::with_app_token(&self.settings, id, token, transport).await?;
                state.hash = Some(hash);
                Ok(started)
            }
            _ => session_start::with_secret(&self.settings, secret, transport).await,
        }
    }

    fn secret(&self, state: &mut State) -> Result<AdminSecret, Error> {
        if let Some(secret) = &state.secret {
            return Ok(secret.clone());
        }
        let secret = self.source.read().map_err(Error::Setup)?;
        Ok(state.secret.insert(secret).clone())
    }

    /// Reads the secret again, if that is due; one that cannot be read leaves the old one.
    fn reread(&self, state: &mut State) -> bool {
        let now = self.clock.now();
        if state.reread_at.is_some_and(|last| now >= last && now.since(last) < REREAD_EVERY) {
            return false;
        }
        state.reread_at = Some(now);
        if let Ok(secret) = self.source.read() {
            state.secret = Some(secret);
        }
        true
    }
}
