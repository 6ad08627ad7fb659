//! What was called: one row a call, sub-requests of a multirequest each their own.

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

/// All calls since the last reset.
#[derive(Debug, Default)]
pub struct CallLog {
    calls: Vec<Call>,
    http_requests: usize,
    image_requests: usize,
}

impl CallLog {
    /// Counts an HTTP request to the API and the calls in it.
    pub fn record(&mut self, calls: &[(String, Vec<String>)], at: Timestamp) {
        self.http_requests += 1;
        for (service_action, ids) in calls {
            self.calls.push(Call {
                number: self.calls.len() + 1,
                service_action: service_action.clone(),
                ids: ids.clone(),
                at,
                http_request: self.http_requests,
            });
        }
    }

    /// Counts a request for a picture.
    pub fn record_image(&mut self) {
        self.image_requests += 1;
    }

    /// All calls, oldest first.
    pub fn calls(&self) -> &[Call] {
        &self.calls
    }

    /// HTTP requests to the API; pictures are not among them.
    pub fn http_requests(&self) -> usize {
        self.http_requests
    }

    /// HTTP requests for pictures.
    pub fn image_requests(&self) -> usize {
        self.image_requests
    }
}
