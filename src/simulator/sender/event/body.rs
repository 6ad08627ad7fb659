//! The bytes of an event notification: what is signed and sent, for each kind of data a template can have.

use serde_json::{Value, json};

use crate::simulator::events::EventJob;
use crate::simulator::outcome::Outcome;
use crate::simulator::sender::php::form_encode;
use crate::simulator::templates::TemplateData;
use crate::simulator::templates::numbers::Format;
use crate::simulator::templates::values::filled;
use crate::simulator::xml::{self, Nulls};
use crate::simulator::{json as json_text, php as php_text};

/// The text that is signed. Empty without data.
pub fn text(job: &EventJob) -> String {
    match &job.template.data {
        None => String::new(),
        Some(TemplateData::Fields { .. }) => form(&job.parameters),
        Some(TemplateData::Text { content, .. }) => filled(content, &job.parameters),
        Some(TemplateData::Object { format, ignore_null, .. }) => object(job, *format, *ignore_null),
    }
}

/// The Content-Type that goes with it, which says little: `data=` stands before XML, PHP and form-encoded JSON alike.
pub fn content_type(data: Option<&TemplateData>) -> Option<&str> {
    match data? {
        TemplateData::Fields { content_type } | TemplateData::Text { content_type, .. } => content_type.as_deref(),
        TemplateData::Object { format: Some(Format::Json), .. } => Some("application/json"),
        TemplateData::Object { .. } => Some("application/xml"),
    }
}

fn form(parameters: &[(String, String)]) -> String {
    let mut form = String::new();
    for (key, value) in parameters {
        if !form.is_empty() {
            form.push('&');
        }
        form_encode(key.as_bytes(), &mut form);
        form.push('=');
        form_encode(value.as_bytes(), &mut form);
    }
    form
}

fn object(job: &EventJob, format: Option<Format>, ignore_null: bool) -> String {
    let notification = notification(job);
    let mut text = String::new();
    match format {
        Some(Format::Json) => {
            json_text::write(&mut text, &notification);
            if !job.template.url_encode {
                return text;
            }
            let mut encoded = String::from("data=");
            form_encode(text.as_bytes(), &mut encoded);
            return encoded;
        }
        Some(Format::Xml) => {
            let nulls = if ignore_null { Nulls::LeftOut } else { Nulls::Shown };
            text.push_str("<notification>");
            let outcome: Outcome = Ok(notification);
            xml::write_outcome(&mut text, &outcome, nulls);
            text.push_str("</notification>");
        }
        Some(Format::Php) => php_text::write(&mut text, &notification),
        None => {}
    }
    format!("data={text}")
}

/// The wrapper around the object: who tells, and of what.
fn notification(job: &EventJob) -> Value {
    let template = &job.template;
    json!({
        "object": job.object,
        "eventObjectType": template.object.api_value(),
        "eventNotificationJobId": job.id,
        "templateId": template.id,
        "templateName": template.name,
        "templateSystemName": template.system_name,
        "eventType": template.event.number(),
        "objectType": "KalturaHttpNotification",
    })
}
