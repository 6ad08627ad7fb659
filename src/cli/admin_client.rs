//! Asks a running daemon to do something: its admin API, with the token that only this user can read.

use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue};
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use super::{UsageError, loopback};
use crate::app::presence::DaemonFile;
use crate::outbound;

/// For one whole exchange; judging a full inbox again takes a while.
const TIMEOUT: Duration = Duration::from_secs(120);

/// The way to one daemon's admin API.
pub(super) struct AdminClient {
    http: reqwest::Client,
    daemon: DaemonFile,
    authorization: HeaderValue,
}

impl AdminClient {
    /// Reads the token of the daemon that left this file.
    ///
    /// # Errors
    /// A token that cannot be read: it is its daemon's user's alone.
    pub fn to(daemon: DaemonFile) -> anyhow::Result<Self> {
        let token = std::fs::read_to_string(&daemon.token_file).map_err(|cause| {
            let file = daemon.token_file.display();
            UsageError(format!("{file} cannot be read ({cause}); run this as the user that runs the daemon"))
        })?;
        let bearer = HeaderValue::from_str(&format!("Bearer {}", token.trim()));
        let mut authorization = bearer.map_err(|_| anyhow!("{} holds no token", daemon.token_file.display()))?;
        authorization.set_sensitive(true);
        let http = loopback::client()?.timeout(TIMEOUT).build()?;
        Ok(Self { http, daemon, authorization })
    }

    /// `POST /api/v1/admin/<path>`.
    ///
    /// # Errors
    /// What the daemon refuses, in its words; a daemon that does not answer.
    pub async fn post<T: DeserializeOwned>(&self, path: &str, body: &Json) -> anyhow::Result<T> {
        let request =
            self.http.post(self.address(path)).header(CONTENT_TYPE, "application/json").body(body.to_string());
        self.ask(request).await
    }

    /// `GET /api/v1/admin/<path>`.
    ///
    /// # Errors
    /// As [`AdminClient::post`].
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        self.ask(self.http.get(self.address(path))).await
    }

    /// `GET <path>` of the public server, with these parameters, as any visitor asks.
    ///
    /// # Errors
    /// As [`AdminClient::post`].
    pub async fn visit(&self, path: &str, parameters: &[(&str, String)]) -> anyhow::Result<Json> {
        let mut url = url::Url::parse(&self.daemon.public)?.join(path)?;
        url.query_pairs_mut().extend_pairs(parameters);
        self.answer(self.http.get(url)).await
    }

    fn address(&self, path: &str) -> String {
        format!("{}/api/v1/admin/{path}", self.daemon.admin)
    }

    async fn ask<T: DeserializeOwned>(&self, request: reqwest::RequestBuilder) -> anyhow::Result<T> {
        // The daemon may listen at an address it is not configured to be called by; it knows this name always.
        self.answer(request.header(HOST, "localhost").header(AUTHORIZATION, self.authorization.clone())).await
    }

    async fn answer<T: DeserializeOwned>(&self, request: reqwest::RequestBuilder) -> anyhow::Result<T> {
        let answer = request.send().await.map_err(|error| self.silent(error))?;
        let status = answer.status();
        let text = answer.text().await.map_err(|error| self.silent(error))?;
        if !status.is_success() {
            bail!("{}", self.refusal(status.as_u16(), &text));
        }
        serde_json::from_str(&text).with_context(|| format!("{} gave an answer this version cannot read", self.name()))
    }

    fn name(&self) -> String {
        format!("the daemon at {} (process {})", self.daemon.admin, self.daemon.pid)
    }

    fn refusal(&self, status: u16, text: &str) -> String {
        let problem: Option<Json> = serde_json::from_str(text).ok();
        match (status, problem.as_ref().and_then(|problem| problem["detail"].as_str())) {
            (401, _) => format!(
                "{} does not know the token in {}; it was replaced since the daemon started: restart the daemon",
                self.name(),
                self.daemon.token_file.display()
            ),
            (_, Some(detail)) => detail.to_owned(),
            (status, None) => format!("{} answered {status}", self.name()),
        }
    }

    fn silent(&self, error: reqwest::Error) -> anyhow::Error {
        anyhow!("{} does not answer: {}", self.name(), outbound::innermost(error))
    }
}
