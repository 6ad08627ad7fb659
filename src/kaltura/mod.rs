//! The API client: what Kaltura says about one account, and the one thing we write there.
//!
//! [`client::Client`] is the door. `look` reads a batch of entries, `mark` and `add_metadata` write custom metadata, `policy`
//! reads what visibility depends on; [`thumbnails::Thumbnails`] fetches pictures, which are no API calls, and
//! [`captions::CaptionFiles`] the files of captions. Each returns
//! [`error::Error`], whose `class()` says what to do about it. That a database exists is unknown here.
//!
//! ```text
//! look / mark / policy        batch.rs, mark.rs, policy.rs (paged lists: listing.rs)
//!   └─ ask / tell             client.rs        session refused? renewed and tried once more
//!        ├─ session           session.rs       made by ks.rs, or asked of the server (session_start.rs)
//!        ├─ body, answers     multirequest.rs
//!        └─ post              transport.rs     limiter.rs: in turn (lanes.rs), at a pace (budget.rs), unless the
//!             │                             server is down (breaker.rs); http.rs speaks
//!             └─ Answer       answer.rs        JSON, or xml.rs; refusals become error.rs
//! ```
//!
//! # Quirks
//!
//! Seen on a running server (the recordings in `tests/fixtures/kaltura/captures`) or read in its source; Kaltura 22.19.
//!
//! * **Errors come with HTTP 200**, as an object with `code` and `message`. Other statuses are the web tier's (`error.*`).
//! * **A JSON body counts only with `Content-Type: application/json`** and nothing behind it; with a charset the server sees no
//!   parameters at all (`route.json_body_charset`). What stands in the query beats the body.
//! * **`INVALID_KS` always says `INVALID_STR`.** The reason stands in the argument `KSID`, unless that is the session itself
//!   (`ks.*`). While the database is down a good session is refused like a wrong one (`error.database_down_fresh`).
//! * **Without a session `flavorAsset.list` answers an empty list**, no error (`multirequest.batch.no_ks`). So `session.get`
//!   rides in every look.
//! * **Throttling is `ACTION_BLOCKED` with HTTP 200**, or a plain text where an object was due; never 429, never a Retry-After.
//! * **Integers and texts change places**: `"sizeInBytes":"2012"`, `"version":"100012"`. Null members are left out; empty maps
//!   are lists; a list with a null becomes an object keyed by index.
//! * **In XML, an empty element is null, an empty text or an empty list**, stored control characters and bad UTF-8 come raw, and
//!   the fast path of `session.start` has no declaration (`session.start.admin.xml`). Access-control rules have an empty
//!   `code` and `message`, as if they were errors (`accessControlProfile.list.xml`).
//! * **A multirequest stops silently at a gap** in its numbers, and puts earlier answers wherever `{1:result` stands in a value,
//!   metadata documents included (`multirequest.dependent*`): such a document goes alone.
//! * **`baseEntry.getByIds` answers in no order** and leaves out what is missing, deleted or not ours without a word.
//! * **`totalCount` may exceed the rows**: pages hold at most 500, and nothing is answered beyond the 10,000th match.
//! * **`version: 0` in `metadata.update` checks nothing.** Versions run 2, 12, 22; the same document again changes nothing.
//! * **A picture that fails is 404 with `X-Kaltura: error-N`**, cached for a minute; 11 and 46 pass. Sound without a picture gets
//!   a stock one with 200, an entry that is not ready a Flash film (`thumbnail.*`).
//! * **A file that is refused is HTTP 200 with an empty body**, and `X-Kaltura: error- CODE`; one that is stored elsewhere is a
//!   redirect, where the session must not go (`CaptionAssetService.php`, `KalturaAssetService.php`).
//! * **Captions are a plugin's**: an account, or a server, may have no such service. Then it has no captions.
//! * **Metadata profiles found by name include partner 0's**, and names are not unique.

mod address;
pub mod answer;
pub mod batch;
pub mod beside;
mod breaker;
mod budget;
pub mod captions;
#[cfg(test)]
mod captures;
pub mod catalogue;
pub mod client;
mod cures;
mod documents;
pub mod error;
pub mod files;
mod hosts;
mod http;
mod image_type;
pub mod ks;
pub mod lanes;
pub mod limiter;
mod listing;
pub mod mark;
mod multirequest;
pub mod policy;
mod redact;
pub mod service_url;
pub mod session;
mod session_start;
pub mod thumbnails;
pub mod transport;
mod xml;
