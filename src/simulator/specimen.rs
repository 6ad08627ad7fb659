//! A single request as Kaltura would send it, of any kind, shape and signature, without an account behind it.
//!
//! For whoever wants to see what a receiver says to it: `simulate notify` on the command line, and tests.

pub mod kind;
mod subjects;

use crate::domain::clock::{Clock, Timestamp};
use crate::domain::ids::{EntryId, NotificationId, PartnerId};
use crate::domain::secret::AdminSecret;

use super::curl::{Body, Transfer};
use super::entry::SimEntry;
use super::events::{EventJob, EventObject, EventType};
use super::jobs::{JobState, NotificationKind};
use super::notify;
use super::sender::event::request::transfer;
use super::sender::form;
use super::sender::job::{Data, FieldValue, Job, Object, ObjectKind};
use super::state::SimAccount;
use super::templates::numbers::{Format, HashAlgorithm, Method};
use super::templates::{SimTemplate, TemplateData, stock, values};
use kind::Kind;

/// What to send, and how.
#[derive(Debug, Clone)]
pub struct Specimen {
    /// Whose notification it is.
    pub partner_id: PartnerId,
    /// What signs it.
    pub secret: AdminSecret,
    /// Where it goes; http only.
    pub url: String,
    /// What happened.
    pub kind: Kind,
    /// In which shape it is told.
    pub shape: Shape,
    /// The entry it is about, or belongs to what it is about.
    pub entry: EntryId,
    /// The number of the first notification; those that follow count on.
    pub first_number: i64,
    /// How many: requests, or items of one multi notification.
    pub count: usize,
    /// How an event notification is sent.
    pub method: Method,
    /// The hash of an event notification's signature.
    pub hash: HashAlgorithm,
    /// Further headers, names and values; placeholders such as `{entry_id}` are replaced in event notifications.
    pub headers: Vec<(String, String)>,
    /// User name and password for HTTP Basic.
    pub basic_auth: Option<(String, String)>,
    /// When it is said to have happened.
    pub at: Timestamp,
}

/// In which shape it is told: the first two are API notifications', the others event notifications'.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A form with `sig`.
    Form,
    /// Several in one form.
    Multi,
    /// A bare JSON object.
    Json,
    /// `data=` and form-encoded JSON.
    JsonEncoded,
    /// `data=` and XML, not encoded.
    Xml,
    /// `data=` and PHP's serialization, not encoded.
    Php,
    /// The template's parameters, form-encoded.
    Fields,
    /// A text of the template's own.
    Text,
    /// Nothing.
    Empty,
}

impl Shape {
    /// Whether an API notification can have it.
    pub fn is_of_api(self) -> bool {
        matches!(self, Self::Form | Self::Multi)
    }
}

/// A specimen that contradicts itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The shape belongs to the other system.
    #[error("{kind} does not come in the shape {shape:?}; {cure}")]
    Shape {
        /// What happened.
        kind: Kind,
        /// The shape asked for.
        shape: Shape,
        /// What it comes in.
        cure: &'static str,
    },
}

/// One request to be sent, with the numbers of the notifications in it.
#[derive(Debug, Clone)]
pub struct Request {
    /// The numbers.
    pub notifications: Vec<NotificationId>,
    /// What goes out.
    pub transfer: Transfer,
}

impl Specimen {
    /// The requests, in the order of their numbers.
    ///
    /// # Errors
    /// [`Error::Shape`] when kind and shape do not go together.
    pub fn requests(&self) -> Result<Vec<Request>, Error> {
        let numbers: Vec<NotificationId> = (self.first_number..).take(self.count.max(1)).map(NotificationId).collect();
        let wrong = |cure| Err(Error::Shape { kind: self.kind.clone(), shape: self.shape, cure });
        match (&self.kind, self.shape) {
            (Kind::Api(kind), Shape::Multi) => {
                let jobs: Vec<Job> = numbers.iter().map(|number| self.api_job(kind, *number)).collect();
                let transfer = self.form(form::body_multi(&jobs, &self.secret));
                Ok(vec![Request { notifications: numbers, transfer }])
            }
            (Kind::Api(kind), Shape::Form) => Ok(numbers
                .into_iter()
                .map(|number| {
                    let body = form::body_single(&self.api_job(kind, number), &self.secret);
                    Request { notifications: vec![number], transfer: self.form(body) }
                })
                .collect()),
            (Kind::Api(_), _) => wrong("API notifications are form or multi"),
            (Kind::Event(..), Shape::Form | Shape::Multi) => {
                wrong("event notifications are json, json-encoded, xml, php, fields, text or empty")
            }
            (Kind::Event(object, event), _) => Ok(numbers
                .into_iter()
                .map(|number| {
                    let job = self.event_job(object, *event, number);
                    Request { notifications: vec![number], transfer: transfer(&job) }
                })
                .collect()),
        }
    }

    /// A POST as the worker of API notifications makes it: no User-Agent, and a redirect loses it.
    fn form(&self, body: String) -> Transfer {
        Transfer {
            method: Method::Post,
            url: self.url.clone(),
            user_agent: None,
            basic_auth: self.basic_auth.clone(),
            headers: self.headers.clone(),
            body: Body::Fields(body.into_bytes()),
            keeps_post: false,
        }
    }

    /// The account as far as it takes to tell of it: one entry.
    fn account(&self) -> SimAccount {
        let mut account = SimAccount::new(self.partner_id, self.secret.expose(), Clock::manual(self.at));
        account.service_url = "https://www.example.test".to_owned();
        account.cdn_url = "https://cdn.example.test".to_owned();
        let mut entry = SimEntry::video(self.entry.clone(), "A specimen & more", account.now());
        entry.reference_id = Some("specimen/1".to_owned());
        account.entries.insert(self.entry.clone(), entry);
        account
    }

    fn api_job(&self, kind: &str, number: NotificationId) -> Job {
        use NotificationKind::{EntryAdd, EntryBlock, EntryDelete, EntryUpdate, EntryUpdateThumbnail};
        let (partner, entry) = (self.partner_id, self.entry.as_str());
        let queued = [EntryAdd, EntryBlock, EntryDelete, EntryUpdate, EntryUpdateThumbnail]
            .into_iter()
            .find(|known| known.as_str() == kind);
        if let Some(queued) = queued {
            let mut account = self.account();
            notify::queue(&mut account, queued, &self.entry);
            if let Some(job) = account.jobs.first() {
                return Job { id: number, ..Job::from_queued(job, partner) };
            }
        }
        let about = |object_kind, id: &str| {
            let object = Some(Object { kind: object_kind, id: id.to_owned() });
            Job { object, ..Job::about_entry(number, partner, kind, "") }
        };
        match kind {
            "entry_reported" => Job::report(number, partner, entry, "a specimen", 0),
            "entry_update_moderation" => Job::moderation(number, partner, entry, 2, 0),
            "entry_update_permissions" => Job::permissions(number, partner, entry),
            "user_banned" => Job::user_banned(number, partner, 15, "A specimen", "specimen@example.test"),
            "user_add" => about(ObjectKind::User, "15"),
            "test" => Job::test(number, partner),
            kind if kind.starts_with("kshow_") => about(ObjectKind::Show, "10"),
            kind if kind.starts_with("job_") => Job::about_job(number, partner, kind, 7, self.at.as_secs()),
            kind => {
                let name = (b"name".to_vec(), FieldValue::Text(b"A specimen & more".to_vec()));
                Job { data: Data::Fields(vec![name]), ..Job::about_entry(number, partner, kind, entry) }
            }
        }
    }

    fn event_job(&self, object: &EventObject, event: EventType, number: NotificationId) -> EventJob {
        let mut account = self.account();
        let subject = subjects::of(&mut account, object, &self.entry);
        let shown = subject.as_ref().map_or_else(
            || serde_json::json!({ "id": self.entry, "partnerId": self.partner_id, "objectType": "KalturaObject" }),
            |subject| subject.object(&account),
        );
        let class = shown["objectType"].as_str().unwrap_or_default();
        let template = self.template(object, event, class);
        let parameters = subject.as_ref().and_then(|subject| values::parameters(&account, &template, subject));
        EventJob {
            id: number,
            template,
            entry: Some(self.entry.clone()),
            object: shown,
            parameters: parameters.unwrap_or_default(),
            secret: self.secret.clone(),
            created_at: self.at.as_secs(),
            state: JobState::Pending,
            attempts: 0,
        }
    }

    /// With the parameters of Kaltura's own templates for such an object.
    fn template(&self, object: &EventObject, event: EventType, class: &str) -> SimTemplate {
        let known = stock::templates(0).into_iter().filter(|template| template.object == *object);
        let content_parameters = known.map(|template| template.content_parameters).find(|known| !known.is_empty());
        let content_parameters = content_parameters.unwrap_or_else(stock::parts::entry_parameters);
        let text: Vec<String> =
            content_parameters.iter().map(|parameter| format!("{0}={{{0}}}", parameter.key)).collect();
        let data = match self.shape {
            Shape::Json | Shape::JsonEncoded => Some(TemplateData::object(class, Format::Json)),
            Shape::Xml => Some(TemplateData::object(class, Format::Xml)),
            Shape::Php => Some(TemplateData::object(class, Format::Php)),
            Shape::Fields => Some(TemplateData::fields()),
            Shape::Text => Some(TemplateData::text(&text.join(" "))),
            Shape::Empty | Shape::Form | Shape::Multi => None,
        };
        SimTemplate {
            name: "A specimen".to_owned(),
            content_parameters,
            method: self.method,
            url_encode: self.shape == Shape::JsonEncoded,
            basic_auth: self.basic_auth.clone(),
            custom_headers: self.headers.clone(),
            hash: self.hash,
            ..SimTemplate::new(101, "SPECIMEN", event, object.clone(), self.at.as_secs()).active(&self.url, data)
        }
    }
}
