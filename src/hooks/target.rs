//! Whom a hook delivers to, and what comes back: the two ways of delivering look alike from outside.

use std::time::Duration;

use super::Error;
use super::address::{Listeners, Names};
use super::command::Command;
use super::redaction::Redaction;
use super::schedule::Reply;
use super::signature::SigningKeys;
use super::url::Receiver;
use crate::domain::clock::Timestamp;
use crate::domain::hook::DeliveryId;
use crate::store::DeliveryContent;

/// What one attempt came to, and what is kept of it.
#[derive(Debug)]
pub(super) struct Heard {
    pub reply: Reply,
    /// The HTTP status or the exit code, if it came to one.
    pub status: Option<u16>,
    /// For people: what was answered or said, or why nothing was. No secrets.
    pub told: String,
}

/// Where deliveries go.
pub(super) enum Target {
    /// To a URL.
    Url(Receiver),
    /// To a program.
    Command(Command),
}

/// What a hook signs with, and what must not be kept of what it hears. Read again on SIGHUP.
#[derive(Debug, Clone, Default)]
pub struct Secrets {
    /// Nothing is signed without.
    pub keys: Option<SigningKeys>,
    /// Left out of what is kept.
    pub hidden: Redaction,
}

/// Whom a hook delivers to, as it is configured.
#[derive(Debug, Clone)]
pub enum Calls {
    /// A request to this URL.
    Url {
        /// `http` or `https`.
        url: url::Url,
        /// Whether that may be at a private address.
        allow_private: bool,
    },
    /// A program, its arguments, and the variables it sees besides `PATH`.
    Command {
        /// The program first; never a shell.
        argv: Vec<String>,
        /// Names; the values are the daemon's own.
        env: Vec<String>,
    },
}

impl Target {
    pub(super) fn new(calls: Calls, timeout: Duration, names: Names, own: Listeners) -> Result<Self, Error> {
        match calls {
            Calls::Url { url, allow_private } => Ok(Self::Url(Receiver::new(url, allow_private, timeout, names, own)?)),
            Calls::Command { argv, env } => Ok(Self::Command(Command { argv, env, timeout })),
        }
    }

    /// One attempt, at most as long as the hook's timeout.
    pub(super) async fn deliver(
        &self,
        id: &DeliveryId,
        content: &DeliveryContent,
        secrets: &Secrets,
        at: Timestamp,
    ) -> Heard {
        match (self, content) {
            (Self::Url(receiver), DeliveryContent::Event { body, .. } | DeliveryContent::Test { body, .. }) => {
                receiver.post(id, body, secrets, at).await
            }
            (Self::Url(receiver), DeliveryContent::Raw { method, headers, body }) => {
                receiver.pass_on(method, headers, body.clone(), at).await
            }
            (Self::Command(command), DeliveryContent::Event { body, .. } | DeliveryContent::Test { body, .. }) => {
                command.run(id, body, &secrets.hidden).await
            }
            (Self::Command(_), DeliveryContent::Raw { .. }) => Heard::nothing("requests are only passed on to URLs"),
        }
    }
}

impl Heard {
    /// No answer, and why.
    pub(super) fn nothing(why: impl Into<String>) -> Self {
        Self { reply: Reply::failed(), status: None, told: why.into() }
    }
}
