//! What was called: one row a call, sub-requests of a multirequest each their own.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Instant;

use crate::domain::clock::Timestamp;

/// One call of an action, whatever came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// From 1, over all requests.
    pub number: usize,
    /// For example `metadata_metadata.list`; as it was sent when there is no such action.
    pub service_action: String,
    /// The ids it names: entries, metadata objects (and their entries), as texts.
    pub ids: Vec<String>,
    /// The server's time.
    pub at: Timestamp,
    /// Which HTTP request to the API it came in, from 1.
    pub http_request: usize,
}

/// Calls since the last reset: the latest in full, all of them as counts.
#[derive(Default)]
pub struct CallLog {
    latest: VecDeque<Call>,
    requests: VecDeque<(Timestamp, Instant)>,
    counts: BTreeMap<String, usize>,
    /// Ids in the latest.
    ids: usize,
    calls: usize,
    http_requests: usize,
    image_requests: usize,
    file_requests: usize,
    sessions: BTreeSet<String>,
}

impl CallLog {
    /// So many calls are kept in full, with so many ids among them: a stand-in may run for weeks, and be asked for millions.
    const KEPT: usize = 20_000;
    const IDS_KEPT: usize = 400_000;
    /// Of so many HTTP requests it is known when they came.
    const REQUESTS_KEPT: usize = 200_000;

    /// Counts an HTTP request to the API and the calls in it. Returns its number.
    pub fn record(&mut self, calls: &[(String, Vec<String>)], at: Timestamp) -> usize {
        self.http_requests += 1;
        self.requests.push_back((at, Instant::now()));
        if self.requests.len() > Self::REQUESTS_KEPT {
            self.requests.pop_front();
        }
        for (service_action, ids) in calls {
            self.calls += 1;
            self.ids += ids.len();
            *self.counts.entry(service_action.to_ascii_lowercase()).or_default() += 1;
            self.latest.push_back(Call {
                number: self.calls,
                service_action: service_action.clone(),
                ids: ids.clone(),
                at,
                http_request: self.http_requests,
            });
        }
        while self.latest.len() > Self::KEPT || self.ids > Self::IDS_KEPT {
            let Some(oldest) = self.latest.pop_front() else { break };
            self.ids -= oldest.ids.len();
        }
        self.http_requests
    }

    /// Remembers the text of a session that came with a call; the first thousand different ones.
    pub fn record_session(&mut self, ks: String) {
        const KEPT: usize = 1000;
        if self.sessions.len() < KEPT {
            self.sessions.insert(ks);
        }
    }

    /// Every KS that came, good or not: what must be found nowhere else.
    pub fn sessions(&self) -> Vec<String> {
        self.sessions.iter().cloned().collect()
    }

    /// Counts a request for a picture.
    pub fn record_image(&mut self) {
        self.image_requests += 1;
    }

    /// Counts a request for a file: it is a call of the API, and none of those that an entry costs.
    pub fn record_file(&mut self) {
        self.file_requests += 1;
    }

    /// The latest 20,000 calls, oldest first; fewer when they name more than 400,000 ids.
    pub fn calls(&self) -> Vec<Call> {
        self.latest.iter().cloned().collect()
    }

    /// When each of the latest 200,000 HTTP requests to the API came, by the server's clock and by the machine's own.
    pub fn requests(&self) -> Vec<(Timestamp, Instant)> {
        self.requests.iter().copied().collect()
    }

    /// How often an action was called; its name in any case.
    pub fn count(&self, service_action: &str) -> usize {
        self.counts.get(&service_action.to_ascii_lowercase()).copied().unwrap_or_default()
    }

    /// HTTP requests to the API; pictures and files are not among them.
    pub fn http_requests(&self) -> usize {
        self.http_requests - self.file_requests
    }

    /// HTTP requests for files of captions.
    pub fn file_requests(&self) -> usize {
        self.file_requests
    }

    /// HTTP requests for pictures.
    pub fn image_requests(&self) -> usize {
        self.image_requests
    }
}
